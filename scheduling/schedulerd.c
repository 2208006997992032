/* yz-schedulerd: who meets whom, when. One process per region owns orders and slots. */
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "scheduling/order_fsm.h"
#include "scheduling/exam_fsm.h"
#include "scheduling/roster_fsm.h"
#include "scheduling/server.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* clang-format off */
static const struct config_setting SETTINGS[] = {
    CONFIG_COMMON,
    {"region", CONFIG_INT, "150000", 1, 999999, "division code", false, false, "The region (shard) this process decides for."},
    {"db", CONFIG_STR, "", 0, 0, "conninfo", false, true, "PostgreSQL; empty means the private cluster below the data folder."},
    {"schedulerd.socket", CONFIG_STR, "", 0, 0, "path", false, false, "Where signald connects; empty means run/schedulerd.sock below the data folder."},
    {"schedulerd.lease_ms", CONFIG_INT, "5000", 1000, 60000, "ms", false, false, "Silence after which another process may take the region over; renewed each second."},
    {"schedulerd.open_orders", CONFIG_INT, "2", 1, 100, "orders", false, false, "Open orders one person may have at a time."},
    {0},
};
/* clang-format on */

static struct config *config;

static void on_hup(void *arg)
{
    struct err err = ERR_INIT;
    enum log_level level;

    (void)arg;
    if (!config_reload(config, &err))
        log_warn("settings_not_reloaded", LERR(&err));
    else if (log_level_parse(config_str(config, "log.level"), &level))
        log_init("schedulerd", level);
}

static char *below(const char *data, const char *setting, const char *fallback)
{
    const char *set = setting ? config_str(config, setting) : "";

    return *set ? mem_str(set) : mem_format("%s/%s", data, fallback);
}

static bool serve(struct err *err)
{
    const char *data = config_str(config, "data"), *db = config_str(config, "db");
    char *conninfo = *db ? mem_str(db) : mem_format("host=%s/run/pg dbname=yunzhen user=yz_schedulerd", data);
    char *socket = below(data, "schedulerd.socket", "run/schedulerd.sock"), *keys = below(data, NULL, "keys");
    char *key = below(data, NULL, "keys/audit.key"), *report_key = below(data, NULL, "keys/report.key");
    char *metrics = mem_format("%s.metrics.sock", socket);
    struct owner_options opt = {
        .conninfo = conninfo,
        .key_path = key,
        .report_key_path = report_key,
        .region_id = config_int(config, "region"),
        .node = (uint16_t)config_int(config, "node"),
        .lease_us = config_int(config, "schedulerd.lease_ms") * US_PER_MS,
        .open_orders_max = (int32_t)config_int(config, "schedulerd.open_orders"),
    };
    struct loop *loop = NULL;
    struct server *server = NULL;
    bool ok = false;

    if (strlen(socket) > 5 &&
        !strcmp(socket + strlen(socket) - 5, ".sock")) /* schedulerd.metrics.sock, not .sock.metrics */
        snprintf(metrics, strlen(metrics) + 1, "%.*s.metrics.sock", (int)strlen(socket) - 5, socket);
    mkdir(keys, 0700); /* there already on every start but the first */
    if (!loop_new(&loop, err) || !loop_signals(loop, on_hup, NULL, err) ||
        !metrics_serve(loop, metrics, err) || !server_new(&server, loop, socket, &opt, err))
        goto out;
    log_info("ready", LID("region", opt.region_id));
    loop_run(loop);
    log_info("stopping");
    ok = true;
out:
    server_free(server);
    loop_free(loop);
    free(conninfo);
    free(socket);
    free(keys);
    free(key);
    free(report_key);
    free(metrics);
    return ok;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    enum log_level level = LOG_INFO;
    bool ok;

    /* For README.md and its test: the drawings come from the tables. */
    if (argc == 2 && !strcmp(argv[1], "--fsm-mermaid")) {
        order_fsm_mermaid(stdout);
        return EXIT_SUCCESS;
    }
    if (argc == 2 && !strcmp(argv[1], "--exam-mermaid")) {
        exam_fsm_mermaid(stdout);
        return EXIT_SUCCESS;
    }
    if (argc == 2 && !strcmp(argv[1], "--roster-mermaid")) {
        roster_fsm_mermaid(stdout);
        return EXIT_SUCCESS;
    }
    log_init("schedulerd", level);
    if (!config_load(&config, SETTINGS, argc, argv, &err)) {
        log_error("settings", LERR(&err));
        return 2;
    }
    log_level_parse(config_str(config, "log.level"), &level);
    log_init("schedulerd", level);
    ok = serve(&err);
    if (!ok)
        log_error("failed", LERR(&err));
    config_free(config);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
