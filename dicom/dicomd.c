/* yz-dicomd: images come in over DICOM and HTTP, are kept as they came, found again, and given out. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/clock.h"
#include "core/config.h"
#include "core/ids.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "dicom/aes.h"
#include "dicom/asks.h"
#include "dicom/decoders.h"
#include "dicom/ingest.h"
#include "dicom/rows.h"
#include "dicom/scp.h"
#include "dicom/ul_fsm.h"
#include "dicom/web.h"

/* clang-format off */
static const struct config_setting SETTINGS[] = {
    CONFIG_COMMON, /* the rows thread makes ids under node + 1 */
    {"region", CONFIG_INT, "150000", 1, 999999, "division code", false, false, "The region (shard) this process keeps images for."},
    {"db", CONFIG_STR, "", 0, 0, "conninfo", false, true, "PostgreSQL; empty means the private cluster below the data folder."},
    {"dicom.port", CONFIG_INT, "11112", 0, 65535, "port", false, false, "Modalities connect here; 0 takes any free one."},
    {"dicom.address", CONFIG_STR, "127.0.0.1", 0, 0, "address", false, false, "Address the DICOM port listens on; 0.0.0.0 is every one of this machine."},
    {"dicom.title", CONFIG_STR, "YUNZHEN", 0, 0, "AE title", false, false, "Our AE title: who calls another one is refused."},
    {"dicom.associations", CONFIG_INT, "64", 1, 1000, "associations", false, false, "At most so many at a time; one more is told to come back later."},
    {"dicom.max_pdu", CONFIG_INT, "131072", 4096, 131072, "bytes", false, false, "Largest P-DATA-TF body we offer to take."},
    {"dicom.artim", CONFIG_INT, "30", 1, 600, "s", false, false, "Patience with a connection that asks for nothing, or does not close (PS3.8 ARTIM)."},
    {"dicom.idle", CONFIG_INT, "600", 5, 86400, "s", false, false, "An association on which nothing comes for so long is aborted."},
    {"dicom.quiet", CONFIG_INT, "10", 0, 3600, "s", false, false, "A study is complete when nothing came for so long after its association ended."},
    {"dicom.quarantine", CONFIG_BOOL, "true", 0, 0, "", false, false, "Keep the original of what is refused, with its reason."},
    {"dicom.decoders", CONFIG_INT, "0", 0, 64, "processes", false, false, "Sandboxed decoder processes; 0 is one per core, at most eight."},
    {"dicom.decoder", CONFIG_STR, "", 0, 0, "program", false, false, "The decoder program; empty means yz-decode beside this one."},
    {"dicom.threads", CONFIG_INT, "2", 1, 16, "threads", false, false, "Threads that copy and hash uploaded files."},
    {0},
};
/* clang-format on */

struct daemon {
    struct config *config;
    struct loop *loop;
    struct db *db;
    struct ids ids;
    struct decoders *decoders;
    struct ingest *ingest;
    struct rows *rows;
    struct aes *aes;
    struct asks *asks;
    struct scp *scp;
    struct web *web;
};

static void on_hup(void *arg)
{
    struct daemon *d = arg;
    struct err err = ERR_INIT;
    enum log_level level;

    if (!config_reload(d->config, &err))
        log_warn("settings_not_reloaded", LERR(&err));
    else if (log_level_parse(config_str(d->config, "log.level"), &level))
        log_init("dicomd", level);
}

/* ---------------------------------------------------------------- from the rows thread */

static void on_settled(void *arg, struct rows_instance *i)
{
    struct daemon *d = arg;

    ingest_settle(d->ingest, i);
}

static void on_answer(void *arg, uint64_t conn_id, uint64_t request_id, json_t *doc, const struct err *err)
{
    struct daemon *d = arg;

    asks_answer(d->asks, conn_id, request_id, doc, err);
}

static void on_event(void *arg, const struct ask_event *ev)
{
    struct daemon *d = arg;

    ask_server_event(asks_server(d->asks), ev);
}

static void on_replay(void *arg, uint64_t conn_id, const struct ask_event *ev)
{
    struct daemon *d = arg;

    ask_server_replay(asks_server(d->asks), conn_id, ev);
}

static void on_replayed(void *arg, uint64_t conn_id, uint64_t seq)
{
    struct daemon *d = arg;

    ask_server_replayed(asks_server(d->asks), conn_id, seq);
}

static void on_owner(void *arg, uint64_t epoch, uint64_t last_seq)
{
    struct daemon *d = arg;

    ask_server_own(asks_server(d->asks), epoch, last_seq);
}

static void on_drop(void *arg, struct rows_instance *i)
{
    struct daemon *d = arg;

    ingest_drop(d->ingest, i);
}

/* ---------------------------------------------------------------- start */

static bool start_storage(struct daemon *d, const char *imaging, const char *conninfo, struct err *err)
{
    const struct config *c = d->config;
    const char *program = config_str(c, "dicom.decoder");
    struct decoders_config pool = {.program = *program ? program : NULL,
                                   .processes = (unsigned)config_int(c, "dicom.decoders")};
    struct ingest_options in = {.loop = d->loop,
                                .ids = &d->ids,
                                .db = d->db,
                                .imaging = imaging,
                                .region_id = config_int(c, "region"),
                                .threads = (unsigned)config_int(c, "dicom.threads"),
                                .quarantine = config_bool(c, "dicom.quarantine")};
    struct rows_options rows = {.conninfo = conninfo,
                                .imaging = imaging,
                                .region_id = config_int(c, "region"),
                                .node = (uint16_t)(config_int(c, "node") + 1),
                                .quiet_us = config_int(c, "dicom.quiet") * US_PER_S};
    struct rows_events ev = {.on_settled = on_settled,
                             .on_answer = on_answer,
                             .on_event = on_event,
                             .on_replay = on_replay,
                             .on_replayed = on_replayed,
                             .on_owner = on_owner,
                             .arg = d};

    if (!decoders_new(&d->decoders, d->loop, &pool, err))
        return false;
    in.decoders = d->decoders;
    if (!ingest_new(&d->ingest, &in, err) || !rows_start(&d->rows, d->loop, &rows, &ev, err))
        return false;
    ingest_set_rows(d->ingest, d->rows);
    asks_set_rows(d->asks, d->rows);
    return ingest_replay(d->ingest, err);
}

static bool start_network(struct daemon *d, struct err *err)
{
    const struct config *c = d->config;
    struct scp_options opt = {
        .loop = d->loop,
        .ul = {.address = config_str(c, "dicom.address"),
               .port = (uint16_t)config_int(c, "dicom.port"),
               .max_pdu = (uint32_t)config_int(c, "dicom.max_pdu"),
               .sockets_max = (unsigned)config_int(c, "dicom.associations") * 4,
               .artim_us = config_int(c, "dicom.artim") * US_PER_S,
               .idle_us = config_int(c, "dicom.idle") * US_PER_S},
        .title = config_str(c, "dicom.title"),
        .associations_max = (unsigned)config_int(c, "dicom.associations"),
        .region_id = config_int(c, "region"),
        .ingest = d->ingest,
        .rows = d->rows,
        .db = d->db,
    };

    if (!aes_new(&d->aes, d->loop, d->db, opt.region_id, err))
        return false;
    opt.aes = d->aes;
    if (!scp_new(&d->scp, &opt, err))
        return false;
    log_info("listening", LS("title", opt.title), LS("address", opt.ul.address),
             LI("port", scp_port(d->scp)));
    return true;
}

/* Last: its socket is what says that the whole is ready. */
static bool start_web(struct daemon *d, const char *conninfo, struct err *err)
{
    struct web_config web = {.loop = d->loop,
                             .ids = &d->ids,
                             .decoders = d->decoders,
                             .ingest = d->ingest,
                             .conninfo = conninfo,
                             .data = config_str(d->config, "data"),
                             .region_id = config_int(d->config, "region"),
                             .node = (unsigned)config_int(d->config, "node")};

    return web_new(&d->web, &web, err);
}

static bool start(struct daemon *d, struct err *err)
{
    const char *data = config_str(d->config, "data"), *db = config_str(d->config, "db");
    char *conninfo = *db ? mem_str(db) : mem_format("host=%s/run/pg dbname=yunzhen user=yz_dicomd", data);
    char *imaging = mem_format("%s/imaging", data), *run = mem_format("%s/run", data);
    char *socket = mem_format("%s/dicomd-ask.sock", run),
         *metrics = mem_format("%s/dicomd.metrics.sock", run);
    struct db_options opt = {.conninfo = conninfo, .short_conns = 2, .tx_conns = 1, .role_name = "yz_dicomd"};
    bool ok;

    mkdir(run, 0700); /* there already, as a rule */
    ids_init(&d->ids, (uint16_t)config_int(d->config, "node"));
    ok = loop_new(&d->loop, err) && loop_signals(d->loop, on_hup, d, err) &&
         metrics_serve(d->loop, metrics, err) && db_open(&d->db, d->loop, &opt, err) &&
         asks_new(&d->asks, d->loop, d->db, socket, config_int(d->config, "region"), err) &&
         start_storage(d, imaging, conninfo, err) && start_network(d, err) && start_web(d, conninfo, err);
    free(conninfo);
    free(imaging);
    free(run);
    free(socket);
    free(metrics);
    return ok;
}

/* Associations first, so that nothing new comes; rows before what they speak to. */
static void end(struct daemon *d)
{
    web_free(d->web);
    scp_free(d->scp);
    aes_free(d->aes);
    rows_stop(d->rows, on_drop, d);
    ingest_free(d->ingest);
    decoders_free(d->decoders);
    asks_free(d->asks);
    db_close(d->db);
    loop_free(d->loop);
}

int main(int argc, char **argv)
{
    struct daemon d = {0};
    struct err err = ERR_INIT;
    enum log_level level = LOG_INFO;
    bool ok;

    if (argc == 2 && !strcmp(argv[1], "--ul-mermaid")) { /* for README.md and its test */
        ul_fsm_mermaid(stdout);
        return EXIT_SUCCESS;
    }
    log_init("dicomd", level);
    if (!config_load(&d.config, SETTINGS, argc, argv, &err)) {
        log_error("settings", LERR(&err));
        return 2;
    }
    log_level_parse(config_str(d.config, "log.level"), &level);
    log_init("dicomd", level);
    signal(SIGPIPE, SIG_IGN);
    ok = start(&d, &err);
    if (ok) {
        log_info("ready");
        web_run(d.web);
        log_info("stopping");
    } else {
        log_error("start", LERR(&err));
    }
    end(&d);
    config_free(d.config);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
