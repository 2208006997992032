/* spawn.h - fork and exec, with everything a daemon should not inherit taken away.
 * The child: own session, stop signal at the supervisor's death, default signal handling, nothing blocked, stdin from
 * /dev/null, stdout and stderr into log_fd, no other descriptor. Runs on a single-threaded program's only thread:
 * PR_SET_PDEATHSIG follows the thread that forked. */
#pragma once
#include <sys/types.h>
#include "ops/supervise/table.h"

/** A program that cannot be started says so in its own log and ends with status 127. ERR_IO when fork fails. */
bool spawn_process(pid_t *pid, int *pidfd, const struct process_spec *spec, int log_fd, struct err *err);
