/* yz-signald: the way in. HTTP API, live sockets, sessions, rooms, WHIP and WHEP behind nginx. */
#include "signaling/signald.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/db/db.h"
#include "core/http/http_server.h"
#include "core/log.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "records/trail.h"
#include "signaling/api.h"
#include "signaling/fanout.h"
#include "signaling/gate.h"
#include "signaling/limiter.h"
#include "signaling/media_link.h"
#include "signaling/owner_link.h"
#include "signaling/problem_text.h"
#include "signaling/room.h"
#include "signaling/route.h"
#include "signaling/session.h"
#include "signaling/settings.h"
#include "signaling/socket.h"
#include "signaling/step_up.h"
#include "signaling/visit.h"
#include "signaling/window_check.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define WORKERS     2
#define WORKERS_MAX 64
#define FILES_MAX   65536

static void on_hup(void *arg)
{
    struct signald *app = arg;
    struct err err = ERR_INIT;

    if (!config_reload(app->config, &err))
        log_warn("settings_not_reloaded", LERR(&err));
}

static void on_db_state(void *arg, bool ready)
{
    fanout_database(arg, ready);
}

static bool open_keys(struct signald *app, const char *data, struct err *err)
{
    char *dir = mem_format("%s/keys", data), *path = mem_format("%s/token.key", dir);
    bool ok;

    mkdir(dir, 0700); /* there already on every start but the first */
    ok = secret_load(path, app->token_key, err);
    free(path);
    free(dir);
    return ok;
}

static bool open_db(struct signald *app, const char *data, struct err *err)
{
    const char *set = config_str(app->config, "db");
    char *conninfo = *set ? mem_str(set) : mem_format("host=%s/run/pg dbname=yunzhen user=yz_signald", data);
    struct db_options opt = {
        .conninfo = conninfo,
        .short_conns = (unsigned)config_int(app->config, "db.short"),
        .tx_conns = (unsigned)config_int(app->config, "db.tx"),
        .role_name = "yz_signald",
    };
    bool ok = db_open(&app->db, app->loop, &opt, err);

    if (ok)
        db_on_state(app->db, on_db_state, app);
    free(conninfo);
    return ok;
}

static void on_owner_event(void *arg, const struct owner_event *ev)
{
    fanout_event(arg, ev);
}

static void on_owner_state(void *arg, enum owner owner, bool up)
{
    fanout_owner(arg, owner, up);
}

static void open_owners(struct signald *app, const char *data)
{
    struct owner_link_events ev = {.on_event = on_owner_event, .on_state = on_owner_state, .arg = app};

    for (unsigned i = 0; i < OWNERS_N; i++) {
        char *path = mem_format("%s/run/%s", data, OWNERS[i].socket);
        app->owners[i] = owner_link_new(app->loop, (enum owner)i, path, app->region_id, &ev);
        free(path);
    }
}

static void open_limits(struct signald *app)
{
    unsigned burst = (unsigned)config_int(app->config, "signald.login_burst");
    unsigned per_hour = 60 * (unsigned)config_int(app->config, "signald.logins_per_minute");

    app->request_limit =
        limiter_new((unsigned)config_int(app->config, "signald.request_burst"),
                    60 * (unsigned)config_int(app->config, "signald.requests_per_minute"), 8192);
    app->login_limit = limiter_new(burst, per_hour, 8192);
    app->login_ip_limit = limiter_new(10 * burst, 10 * per_hour, 8192);
    /* media.md 4.5: 20 connects in 10 s from one address, and a burst for a ward that reconnects at once */
    app->connect_limit = limiter_new(50, 7200, 8192);
}

/* Windows hear that we go, so that they come back without counting it as a fault of the network. */
static void on_stopping(void *arg)
{
    struct signald *app = arg;

    sockets_bye(app->sockets, "going_down");
}

static bool open_http(struct signald *app, const char *data, struct err *err)
{
    static const char *const HEADERS[] = {[KEPT_ORIGINAL_METHOD] = "x-original-method:", NULL};
    struct http_app http = {
        .name = "signald",
        .title = "yunzhen",
        .arg = app,
        .loop = app->loop,
        .routes = {ROUTES, ROUTES_N},
        .cookie = "yz_session",
        .headers = HEADERS,
        .may_pass = gate_may_pass,
        .routed = gate_dispatch,
        .sockets = &SOCKET_HOOKS,
        .stopping = on_stopping,
    };
    char *path = mem_format("%s/run/signald.sock", data);
    bool ok;

    problem_book(&SIGNALD_PROBLEMS);
    ok = http_server_new(&app->http, &http, path, err);
    free(path);
    return ok;
}

static bool open_all(struct signald *app, struct err *err)
{
    const char *data = config_str(app->config, "data");
    char *path = NULL, writer[32];
    bool ok = false;

    app->region_id = config_int(app->config, "region");
    ids_init(&app->ids, (uint16_t)config_int(app->config, "node"));
    snprintf(app->recordings_dir, sizeof app->recordings_dir, "%s/recordings", data);
    snprintf(app->documents_dir, sizeof app->documents_dir, "%s/documents", data);
    snprintf(app->report_key, sizeof app->report_key, "%s/keys/report.key", data);
    snprintf(writer, sizeof writer, "signal-%d", (int)config_int(app->config, "node"));
    if (!loop_new(&app->loop, err) || !loop_signals(app->loop, on_hup, app, err) ||
        !workers_new(&app->workers, app->loop, WORKERS, WORKERS_MAX, err) || !open_keys(app, data, err))
        goto out;
    open_limits(app);
    app->sockets = sockets_new(app);
    app->sessions = sessions_new(app);
    app->step_ups = step_ups_new();
    app->visits = visits_new(app);
    app->rooms = rooms_new(app);
    fanout_database(app, false); /* until it says otherwise */
    fanout_owner(app, OWNER_SCHEDULER, false);
    if (!open_db(app, data, err))
        goto out;
    app->trail = trail_new(&(struct trail_config){app->loop, app->db, &app->ids, app->region_id, writer});
    app->windows = window_check_new(app);
    open_owners(app, data);
    path = mem_format("%s/run", data);
    app->media = media_new(app, path, (unsigned)config_int(app->config, "media.workers"));
    free(path);
    path = mem_format("%s/run/signald.metrics.sock", data);
    if (!metrics_serve(app->loop, path, err))
        goto out;
    ok = open_http(app, data, err);
out:
    free(path);
    return ok;
}

/* Connections go first, so nobody waits any more; then whatever can still call back, while all it may call is there. */
static void close_all(struct signald *app)
{
    http_server_free(app->http);
    if (app->workers)
        workers_free(app->workers);
    db_close(app->db);
    window_check_free(app->windows);
    media_free(app->media);
    for (unsigned i = 0; i < OWNERS_N; i++)
        owner_link_free(app->owners[i]);
    trail_free(app->trail);
    rooms_free(app->rooms);
    visits_free(app->visits);
    sessions_free(app->sessions);
    step_ups_free(app->step_ups);
    sockets_free(app->sockets);
    limiter_free(app->request_limit);
    limiter_free(app->login_limit);
    limiter_free(app->login_ip_limit);
    limiter_free(app->connect_limit);
    api_docs_free();
    if (app->loop)
        loop_free(app->loop);
    config_free(app->config);
    crypto_wipe(app->token_key, sizeof app->token_key);
}

/* A connection is a descriptor; libwebsockets sizes its tables by the limit it finds. */
static void raise_limits(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files))
        return;
    files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    struct signald app = {0};
    struct err err = ERR_INIT;
    enum log_level level = LOG_INFO;
    bool ok;

    log_init("signald", LOG_INFO);
    ok = config_load(&app.config, SIGNALD_SETTINGS, argc, argv, &err);
    if (ok && log_level_parse(config_str(app.config, "log.level"), &level))
        log_init("signald", level);
    signal(SIGPIPE, SIG_IGN);
    raise_limits();
    ok = ok && open_all(&app, &err);
    if (ok) {
        log_info("ready", LID("region", app.region_id), LI("media_workers", media_workers(app.media)));
        http_server_run(app.http);
        log_info("stopping", LI("sockets", sockets_count(app.sockets)));
    } else {
        log_error("not_started", LERR(&err));
    }
    close_all(&app);
    return ok ? 0 : 1;
}
