/* child.h - one sandboxed program, its answer on stdout, its end.
 *
 * Owns    the process and the pipe; child_free() kills what still runs.
 * Runs on the loop.
 */
#pragma once
#include "core/loop.h"
#include "core/sandbox.h"

#define CHILD_ANSWER_MAX 8192

enum child_end { CHILD_OK, CHILD_EXIT, CHILD_SIGNAL, CHILD_TIMEOUT, CHILD_MISSING };

struct child;
/** answer: what it wrote to stdout, a NUL behind it; lent for the call. The child is freed by child_free(), here or later.
 * code: exit status or signal. */
typedef void child_done_fn(void *arg, enum child_end end, int code, const char *answer);

struct child_spec {
    const char *const *argv; /* argv[0] is a path, or a name looked for in PATH; NULL at the end */
    int dir_fd;              /* where it works */
    struct sandbox_limits limits;
    int64_t timeout_us;
};

bool child_start(struct child **out, struct loop *loop, const struct child_spec *spec, child_done_fn *done,
                 void *arg, struct err *err);
void child_free(struct child *c);
