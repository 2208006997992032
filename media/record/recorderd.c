/* recorderd.c - yz-recorderd: keeps what media workers hand over, and makes files of it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "media/record/intake.h"
#include "media/record/mux.h"
#include "media/record/muxer.h"
#include "media/record/recording.h"

#define STOP_US (5 * US_PER_S) /* to get the last records onto the disk */

static const struct config_setting SETTINGS[] = {
    CONFIG_COMMON,
    {"record.return_ms", CONFIG_INT, "60000", 0, 3600000, "ms", false, false,
     "How long a recording waits for its media worker to come back before it is closed."},
    {"record.threads", CONFIG_INT, "2", 1, 16, "threads", false, false,
     "Threads that wait for the disk: writing, fdatasync, hashing."},
    {"record.probe", CONFIG_STR, "ffprobe", 0, 0, "program", false, false,
     "Reads each finished file once more to check it; empty: it is not checked."},
    {"record.mux_timeout_ms", CONFIG_INT, "600000", 1000, 86400000, "ms", false, false,
     "A file that is not made in this time has failed; its journal stays."},
    {"record.mux_memory", CONFIG_INT, "2147483648", 67108864, INT64_MAX, "bytes", false, false,
     "Address space of the child that makes a file, beside the journals it maps."},
    {0},
};

struct daemon {
    struct loop *loop;
    struct workers *workers;
    struct muxer *muxer;
    struct recorder recorder;
    struct intake_server *intake;
};

static void on_tick(void *arg)
{
    recorder_tick(arg, clock_now_us());
}

static bool listen_all(struct daemon *d, const char *data, struct err *err)
{
    char *run = mem_format("%s/run", data), *sock = mem_format("%s/recorderd.sock", run);
    char *metrics = mem_format("%s/recorderd.metrics.sock", run);

    mkdir(run, 0700); /* there already, as a rule */
    bool ok = metrics_serve(d->loop, metrics, err) && intake_listen(&d->intake, &d->recorder, sock, err);
    free(run);
    free(sock);
    free(metrics);
    return ok;
}

static bool start(struct daemon *d, const struct config *c, struct err *err)
{
    struct muxer_settings mux = {.probe = config_str(c, "record.probe"),
                                 .timeout_us = config_int(c, "record.mux_timeout_ms") * US_PER_MS,
                                 .memory_bytes = (uint64_t)config_int(c, "record.mux_memory")};
    const char *data = config_str(c, "data");

    if (!loop_new(&d->loop, err) || !loop_signals(d->loop, NULL, NULL, err) ||
        !workers_new(&d->workers, d->loop, (unsigned)config_int(c, "record.threads"), 65536, err) ||
        !recorder_init(&d->recorder, d->loop, d->workers, data, config_int(c, "record.return_ms") * US_PER_MS,
                       err))
        return false;
    live_metrics();
    d->muxer = muxer_new(d->loop, d->workers, &mux);
    d->recorder.muxer = d->muxer;
    if (!recorder_recover(&d->recorder, clock_now_us(), err))
        return false;
    loop_timer(d->loop, 0, RECORDER_TICK_US, on_tick, &d->recorder);
    return listen_all(d, data, err);
}

/* Everything the rings held goes to the disk, so that the next process finds each track with a proper end. */
static void stop(struct daemon *d)
{
    int64_t until = clock_mono_us() + STOP_US;

    muxer_stop(d->muxer);
    intake_stop(d->intake);
    recorder_stop(&d->recorder, clock_now_us());
    while (!recorder_idle(&d->recorder) && clock_mono_us() < until) {
        recorder_tick(&d->recorder, clock_now_us());
        loop_turn(d->loop, 20);
    }
}

static void end(struct daemon *d)
{
    intake_free(d->intake);
    if (d->workers)
        workers_free(d->workers);
    if (d->loop && d->recorder.loop)
        recorder_fini(&d->recorder);
    muxer_free(d->muxer);
    loop_free(d->loop);
}

int main(int argc, char **argv)
{
    struct daemon d = {0};
    struct config *config = NULL;
    struct err err = ERR_INIT;
    enum log_level level = LOG_INFO;
    int status = 1;

    if (argc >= 2 && strcmp(argv[1], "--mux") == 0)
        return mux_main(argc - 2, argv + 2);
    log_init("yz-recorderd", LOG_INFO);
    if (!config_load(&config, SETTINGS, argc, argv, &err)) {
        fprintf(stderr, "yz-recorderd: %s\n", err.text);
        return 2;
    }
    log_level_parse(config_str(config, "log.level"), &level);
    log_init("yz-recorderd", level);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file size is a full disk, not an end */
    if (start(&d, config, &err)) {
        log_info("ready");
        loop_run(d.loop);
        stop(&d);
        log_info("stopped");
        status = 0;
    } else {
        log_error("start", LERR(&err));
    }
    end(&d);
    config_free(config);
    return status;
}
