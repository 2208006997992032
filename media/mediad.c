/* mediad.c - yz-mediad: one media worker. See media/README.md. */
#include <stdlib.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "media/control.h"
#include "media/counters.h"
#include "media/settings.h"

struct daemon {
    struct config *config;
    struct worker *worker;
};

static void on_hup(void *arg)
{
    struct daemon *d = arg;
    struct err err = ERR_INIT;
    enum log_level level;

    if (!config_reload(d->config, &err)) {
        log_error("reload", LERR(&err));
        return;
    }
    limits_read(&d->worker->limits, d->config);
    if (log_level_parse(config_str(d->config, "log.level"), &level))
        log_init("mediad", level);
    log_info("reloaded");
}

static bool start(struct daemon *d, struct loop *loop, struct err *err)
{
    char *metrics = mem_format("%s/run/mediad-%u.metrics.sock", config_str(d->config, "data"),
                               (unsigned)config_int(d->config, "worker"));
    bool ok = loop_signals(loop, on_hup, d, err) && worker_new(&d->worker, loop, d->config, err) &&
              metrics_serve(loop, metrics, err);

    free(metrics);
    return ok;
}

int main(int argc, char **argv)
{
    struct daemon d = {0};
    struct err err = ERR_INIT;
    struct loop *loop = NULL;
    enum log_level level = LOG_INFO;
    int status = 1;

    log_init("mediad", LOG_INFO);
    if (!config_load(&d.config, MEDIA_SETTINGS, argc, argv, &err))
        goto out;
    if (log_level_parse(config_str(d.config, "log.level"), &level))
        log_init("mediad", level);
    counters_init();
    if (!loop_new(&loop, &err) || !start(&d, loop, &err))
        goto out;
    log_info("ready", LI("worker", d.worker->number), LI("port", net_port(d.worker->net)));
    loop_run(loop);
    status = 0;
out:
    if (status)
        log_error("start_failed", LERR(&err));
    worker_free(d.worker);
    loop_free(loop);
    config_free(d.config);
    return status;
}
