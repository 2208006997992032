/* process.h - the life of one supervised process, as a table of states and events.
 *
 * Owns    the child, its pidfd and its log. Runs on the supervisor's loop.
 * Time    a process that dies is started again after 0.1 s, then twice as long each time, at most 5 s; having run for
 *         30 s makes it well-behaved again. Nothing here gives up: a machine that swaps must come back by itself.
 * A child is in a session of its own (so Ctrl-C in the terminal reaches only us) and gets its stop signal from the
 * kernel when the supervisor is killed (PR_SET_PDEATHSIG).
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "core/json.h"
#include "core/loop.h"
#include "ops/supervise/table.h"

enum process_state {
    PROC_WAITING,  /* something above it in the table is not ready yet */
    PROC_STARTING, /* runs, does not answer yet */
    PROC_READY,
    PROC_BACKOFF, /* died, will be started again */
    PROC_DONE,    /* a step that ended well */
    PROC_FAILED,  /* a step that did not */
    PROC_STOPPING,
    PROC_STOPPED,
    PROC_STATES
};

enum process_event {
    PROC_EV_GO,       /* what it waited for is there */
    PROC_EV_ANSWERED, /* its socket accepts */
    PROC_EV_ENDED,    /* a step, exit status 0 */
    PROC_EV_DIED,     /* anything else */
    PROC_EV_TIMER,
    PROC_EV_STOP,
    PROC_EVENTS
};

struct process;
typedef void process_changed_fn(void *arg, struct process *p);

/** What becomes of a state on an event; the same state when nothing does. Shown to tests and the README's drawing. */
enum process_state process_next(enum process_state from, enum process_event on, bool is_step);
const char *process_state_name(enum process_state s);

/** @param spec    borrowed for the process's life
 *  @param changed called after every change of state, never from inside process_event() of another */
bool process_new(struct process **out, struct loop *l, const struct process_spec *spec,
                 const char *log_folder, size_t log_max_bytes, process_changed_fn *changed, void *arg,
                 struct err *err);
void process_free(struct process *p);

void process_event(struct process *p, enum process_event ev);
void process_signal(struct process *p, int number); /* a running one only */
enum process_state process_state(const struct process *p);
const struct process_spec *process_spec(const struct process *p);
/** {"name","state","pid","started_ticks","restarts","since","last_exit"} */
json_t *process_json(const struct process *p);
