#include "ops/supervise/process.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "ops/supervise/logfile.h"
#include "ops/supervise/orphan.h"
#include "ops/supervise/ready.h"
#include "ops/supervise/spawn.h"

#define BACKOFF_MIN_US  (100 * US_PER_MS)
#define BACKOFF_MAX_US  (5 * US_PER_S)
#define WELL_BEHAVED_US (30 * US_PER_S)
#define PROBE_EVERY_US  (50 * US_PER_MS)

struct process {
    struct loop *loop;
    const struct process_spec *spec;
    struct logfile *log;
    process_changed_fn *changed;
    void *arg;
    enum process_state state;
    pid_t pid; /* 0: no child */
    int pidfd;
    struct loop_watch *watch;
    struct loop_timer *timer; /* one at a time: probe, back-off or patience, as the state says */
    int64_t spawned_at_us;    /* monotonic */
    int64_t since_us;         /* UTC, of the state */
    int64_t backoff_us;
    int64_t started_ticks;
    int restarts;
    char last_exit[48];
};

/* ---- the rule ------------------------------------------------------------------------------------------- */

typedef void process_action(struct process *p);
static process_action spawn, probe, wait_a_while, ask_to_stop, kill_it;

static const struct process_edge {
    enum process_state from;
    enum process_event on;
    enum process_state to, to_if_step;
    process_action *act;
    const char *why;
} EDGES[] = {
    {PROC_WAITING, PROC_EV_GO, PROC_STARTING, PROC_STARTING, spawn, "everything before it is ready"},
    {PROC_WAITING, PROC_EV_STOP, PROC_STOPPED, PROC_STOPPED, NULL, "never started"},
    {PROC_STARTING, PROC_EV_TIMER, PROC_STARTING, PROC_STARTING, probe, "does it answer yet"},
    {PROC_STARTING, PROC_EV_ANSWERED, PROC_READY, PROC_STARTING, NULL, "its socket accepts"},
    {PROC_STARTING, PROC_EV_ENDED, PROC_BACKOFF, PROC_DONE, wait_a_while, "ended by itself"},
    {PROC_STARTING, PROC_EV_DIED, PROC_BACKOFF, PROC_FAILED, wait_a_while, "died before it was ready"},
    {PROC_STARTING, PROC_EV_STOP, PROC_STOPPING, PROC_STOPPING, ask_to_stop, "asked to stop"},
    {PROC_READY, PROC_EV_ENDED, PROC_BACKOFF, PROC_DONE, wait_a_while, "ended by itself"},
    {PROC_READY, PROC_EV_DIED, PROC_BACKOFF, PROC_FAILED, wait_a_while, "died"},
    {PROC_READY, PROC_EV_STOP, PROC_STOPPING, PROC_STOPPING, ask_to_stop, "asked to stop"},
    {PROC_BACKOFF, PROC_EV_TIMER, PROC_STARTING, PROC_STARTING, spawn, "started again"},
    {PROC_BACKOFF, PROC_EV_STOP, PROC_STOPPED, PROC_STOPPED, NULL, "was not running"},
    {PROC_DONE, PROC_EV_STOP, PROC_STOPPED, PROC_STOPPED, NULL, "had ended well"},
    {PROC_FAILED, PROC_EV_STOP, PROC_STOPPED, PROC_STOPPED, NULL, "had failed"},
    {PROC_STOPPING, PROC_EV_TIMER, PROC_STOPPING, PROC_STOPPING, kill_it, "did not stop in time"},
    {PROC_STOPPING, PROC_EV_ENDED, PROC_STOPPED, PROC_STOPPED, NULL, "stopped"},
    {PROC_STOPPING, PROC_EV_DIED, PROC_STOPPED, PROC_STOPPED, NULL, "stopped"},
};

static const struct process_edge *find_edge(enum process_state from, enum process_event on)
{
    for (size_t i = 0; i < sizeof EDGES / sizeof *EDGES; i++) {
        if (EDGES[i].from == from && EDGES[i].on == on)
            return &EDGES[i];
    }
    return NULL;
}

enum process_state process_next(enum process_state from, enum process_event on, bool is_step)
{
    const struct process_edge *e = find_edge(from, on);

    if (!e)
        return from;
    return is_step ? e->to_if_step : e->to;
}

const char *process_state_name(enum process_state s)
{
    static const char *const NAMES[PROC_STATES] = {"waiting", "starting", "ready",    "backoff",
                                                   "done",    "failed",   "stopping", "stopped"};
    return s < PROC_STATES ? NAMES[s] : "unknown";
}

void process_event(struct process *p, enum process_event ev)
{
    const struct process_edge *e = find_edge(p->state, ev);
    enum process_state to;

    if (!e)
        return;
    to = process_next(p->state, ev, p->spec->once);
    if (to != p->state) {
        loop_untimer(p->timer);
        p->timer = NULL;
        p->state = to;
        p->since_us = clock_now_us();
        log_info("process", LS("name", p->spec->name), LS("state", process_state_name(to)), LS("why", e->why),
                 LI("pid", p->pid), LS("last_exit", p->last_exit));
        if (e->act && to == e->to) /* a step that has ended is not restarted */
            e->act(p);
        p->changed(p->arg, p);
    } else if (e->act) {
        e->act(p);
    }
}

/* ---- actions -------------------------------------------------------------------------------------------- */

static void on_timer(void *arg)
{
    process_event(arg, PROC_EV_TIMER);
}

static void arm(struct process *p, int64_t delay_us, int64_t every_us)
{
    loop_untimer(p->timer);
    p->timer = loop_timer(p->loop, delay_us, every_us, on_timer, p);
}

/* Runs on: supervisor's loop, when the pidfd says that the child has ended. */
static void on_exit_of_child(void *arg, uint32_t events)
{
    struct process *p = arg;
    int status = 0;

    (void)events;
    /* Its helpers first, while the dead leader still holds the group's number: nginx's workers would keep the port. */
    kill(-p->pid, SIGKILL);
    if (waitpid(p->pid, &status, WNOHANG) != p->pid)
        return;
    if (WIFSIGNALED(status))
        snprintf(p->last_exit, sizeof p->last_exit, "signal %s", sigabbrev_np(WTERMSIG(status)));
    else
        snprintf(p->last_exit, sizeof p->last_exit, "status %d", WEXITSTATUS(status));
    loop_unwatch(p->watch);
    close(p->pidfd);
    p->watch = NULL;
    p->pidfd = -1;
    p->pid = 0;
    p->started_ticks = 0;
    process_event(p, WIFEXITED(status) && WEXITSTATUS(status) == 0 ? PROC_EV_ENDED : PROC_EV_DIED);
}

static void spawn(struct process *p)
{
    struct err err = ERR_INIT;

    p->spawned_at_us = clock_mono_us();
    if (!spawn_process(&p->pid, &p->pidfd, p->spec, logfile_fd(p->log), &err)) {
        log_error("spawn_failed", LS("name", p->spec->name), LERR(&err));
        p->pid = 0;
        arm(p, BACKOFF_MAX_US, 0); /* the probe below finds no child and asks again */
        return;
    }
    p->started_ticks = orphan_start_ticks(p->pid);
    p->watch = loop_watch(p->loop, p->pidfd, EPOLLIN, on_exit_of_child, p);
    if (!p->spec->once)
        arm(p, PROBE_EVERY_US / 5, PROBE_EVERY_US);
}

static void probe(struct process *p)
{
    if (p->pid == 0)
        spawn(p);
    else if (ready_probe(p->spec->ready))
        process_event(p, PROC_EV_ANSWERED);
}

static void wait_a_while(struct process *p)
{
    if (clock_mono_us() - p->spawned_at_us >= WELL_BEHAVED_US || p->backoff_us == 0)
        p->backoff_us = BACKOFF_MIN_US;
    else
        p->backoff_us = p->backoff_us * 2 > BACKOFF_MAX_US ? BACKOFF_MAX_US : p->backoff_us * 2;
    p->restarts++;
    log_warn("process_restart", LS("name", p->spec->name), LS("last_exit", p->last_exit),
             LI("after_ms", p->backoff_us / US_PER_MS));
    arm(p, p->backoff_us, 0);
}

static void ask_to_stop(struct process *p)
{
    if (p->pid == 0) {
        process_event(p, PROC_EV_ENDED);
        return;
    }
    kill(p->pid, p->spec->stop_signal);
    arm(p, p->spec->stop_s * US_PER_S, 5 * US_PER_S);
}

/* The whole session: a helper the process started must not outlive it. */
static void kill_it(struct process *p)
{
    log_warn("process_killed", LS("name", p->spec->name), LI("after_s", p->spec->stop_s));
    kill(-p->pid, SIGKILL);
    kill(p->pid, SIGKILL);
}

/* ---- outside -------------------------------------------------------------------------------------------- */

bool process_new(struct process **out, struct loop *l, const struct process_spec *spec,
                 const char *log_folder, size_t log_max_bytes, process_changed_fn *changed, void *arg,
                 struct err *err)
{
    struct process *p = calloc(1, sizeof *p);

    if (!p)
        abort();
    p->loop = l;
    p->spec = spec;
    p->changed = changed;
    p->arg = arg;
    p->pidfd = -1;
    p->since_us = clock_now_us();
    if (!logfile_open(&p->log, l, log_folder, spec->name, log_max_bytes, err)) {
        free(p);
        return false;
    }
    *out = p;
    return true;
}

void process_free(struct process *p)
{
    if (!p)
        return;
    loop_untimer(p->timer);
    loop_unwatch(p->watch);
    if (p->pidfd >= 0)
        close(p->pidfd);
    logfile_close(p->log);
    free(p);
}

void process_signal(struct process *p, int number)
{
    if (p->pid > 0)
        kill(p->pid, number);
}

enum process_state process_state(const struct process *p)
{
    return p->state;
}

const struct process_spec *process_spec(const struct process *p)
{
    return p->spec;
}

json_t *process_json(const struct process *p)
{
    return json_pack("{s:s, s:s, s:i, s:I, s:i, s:o, s:s, s:b}", "name", p->spec->name, "state",
                     process_state_name(p->state), "pid", (int)p->pid, "started_ticks",
                     (json_int_t)p->started_ticks, "restarts", p->restarts, "since", json_time(p->since_us),
                     "last_exit", p->last_exit, "step", p->spec->once);
}
