#include "ops/supervise/supervisor.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include "core/loop.h"
#include "ops/supervise/process.h"

struct supervisor {
    struct loop *loop;
    const struct supervisor_paths *paths;
    struct process *process[TABLE_PROCESSES_MAX];
    size_t n;
    int64_t started_at_us;
    int signal_fd;
    struct loop_watch *signals;
    bool stopping, deferred;
    const char *failed_step;
};

void supervisor_paths(struct supervisor_paths *out, const char *data, const char *table)
{
    if (*table)
        snprintf(out->table, sizeof out->table, "%s", table);
    else
        snprintf(out->table, sizeof out->table, "%s/run/processes", data);
    snprintf(out->status, sizeof out->status, "%s/run/status.json", data);
    snprintf(out->logs, sizeof out->logs, "%s/log", data);
}

/* ---- status.json ---------------------------------------------------------------------------------------- */

static bool is_up(enum process_state s)
{
    return s == PROC_READY || s == PROC_DONE;
}

static const char *overall(const struct supervisor *s)
{
    if (s->failed_step)
        return "failed";
    if (s->stopping)
        return "stopping";
    for (size_t i = 0; i < s->n; i++) {
        if (!is_up(process_state(s->process[i])))
            return "starting";
    }
    return "ready";
}

/* Written aside and renamed: a reader sees the old one or the new one. */
static void write_status(struct supervisor *s)
{
    json_t *list = json_array();
    json_t *doc = json_pack("{s:s, s:i, s:o, s:o}", "state", overall(s), "pid", (int)getpid(), "started_at",
                            json_time(s->started_at_us), "processes", list);
    char aside[4200];

    for (size_t i = 0; i < s->n; i++)
        json_array_append_new(list, process_json(s->process[i]));
    snprintf(aside, sizeof aside, "%s.new", s->paths->status);
    if (json_dump_file(doc, aside, JSON_INDENT(2)) != 0 || rename(aside, s->paths->status) != 0)
        log_error("status_not_written", LS("file", s->paths->status), LS("why", strerror(errno)));
    json_decref(doc);
}

/* ---- who is next ---------------------------------------------------------------------------------------- */

/* Upwards: a step waits for everything above it, and everything below waits for the step. */
static void start_next(struct supervisor *s)
{
    bool all_up = true;

    for (size_t i = 0; i < s->n; i++) {
        struct process *p = s->process[i];
        bool step = process_spec(p)->once;

        if (process_state(p) == PROC_WAITING && (!step || all_up))
            process_event(p, PROC_EV_GO);
        all_up = all_up && is_up(process_state(p));
        if (step && process_state(p) != PROC_DONE)
            break;
    }
}

/* Downwards, one at a time: the web server first, PostgreSQL last. */
static void stop_next(struct supervisor *s)
{
    for (size_t i = s->n; i-- > 0;) {
        struct process *p = s->process[i];

        if (process_state(p) == PROC_STOPPED)
            continue;
        if (process_state(p) != PROC_STOPPING)
            process_event(p, PROC_EV_STOP);
        if (process_state(p) != PROC_STOPPED)
            return;
    }
    loop_stop(s->loop);
}

static void on_settle(void *arg)
{
    struct supervisor *s = arg;

    s->deferred = false;
    if (s->stopping)
        stop_next(s);
    else
        start_next(s);
    write_status(s);
}

static void settle_soon(struct supervisor *s)
{
    if (s->deferred)
        return;
    s->deferred = true;
    loop_defer(s->loop, on_settle, s);
}

static void on_changed(void *arg, struct process *p)
{
    struct supervisor *s = arg;

    if (process_state(p) == PROC_FAILED && !s->failed_step) {
        s->failed_step = process_spec(p)->name;
        s->stopping = true;
    }
    settle_soon(s);
}

/* ---- signals -------------------------------------------------------------------------------------------- */

static void pass_on_hup(struct supervisor *s)
{
    log_info("reload");
    for (size_t i = 0; i < s->n; i++) {
        if (!process_spec(s->process[i])->once)
            process_signal(s->process[i], SIGHUP);
    }
}

static void on_signal(void *arg, uint32_t events)
{
    struct supervisor *s = arg;
    struct signalfd_siginfo info;

    (void)events;
    if (read(s->signal_fd, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGHUP) {
        pass_on_hup(s);
        return;
    }
    log_info("stop_asked", LS("signal", sigabbrev_np((int)info.ssi_signo)));
    s->stopping = true;
    settle_soon(s);
}

/* loop_signals() would end the loop at once; here the loop is what the stopping itself runs on. */
static bool watch_signals(struct supervisor *s, struct err *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signal_fd < 0)
        return err_errno(err, "signalfd");
    s->signals = loop_watch(s->loop, s->signal_fd, EPOLLIN, on_signal, s);
    return true;
}

/* ---- one run -------------------------------------------------------------------------------------------- */

static bool make_processes(struct supervisor *s, const struct process_table *t, size_t log_max_bytes,
                           struct err *err)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!process_new(&s->process[i], s->loop, &t->spec[i], s->paths->logs, log_max_bytes, on_changed, s,
                         err))
            return false;
        s->n++;
    }
    return true;
}

bool supervisor_run(const struct process_table *t, const struct supervisor_paths *paths, size_t log_max_bytes,
                    struct err *err)
{
    struct supervisor s = {.paths = paths, .started_at_us = clock_now_us(), .signal_fd = -1};
    bool ok = false;

    if (!loop_new(&s.loop, err) || !watch_signals(&s, err))
        goto out;
    if (!make_processes(&s, t, log_max_bytes, err))
        goto out;
    log_info("supervise_start", LI("processes", s.n));
    settle_soon(&s);
    loop_run(s.loop); /* until stop_next() finds nothing left to stop */
    ok = !s.failed_step ||
         err_set(err, ERR_INTERNAL, "step_failed", "%s failed; its log says why", s.failed_step);
    log_info("supervise_end");
out:
    for (size_t i = 0; i < s.n; i++)
        process_free(s.process[i]);
    loop_unwatch(s.signals);
    if (s.signal_fd >= 0)
        close(s.signal_fd);
    loop_free(s.loop);
    if (!ok)
        err_add(err, "supervise");
    return ok;
}
