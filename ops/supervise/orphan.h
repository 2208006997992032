/* orphan.h - children of a supervisor that was killed (kill -9, out of memory).
 *
 * The kernel has sent them their stop signal already (spawn.h); what is still there at the next start is found by
 * the pids in status.json, each with its start time so that a reused pid is never touched, and by PostgreSQL's own
 * pid file. They get their stop signal, their seconds, and, PostgreSQL excepted, SIGKILL.
 * Blocks: runs before the loop does. */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "ops/supervise/table.h"

/** Field 22 of /proc/PID/stat: clock ticks after boot; 0 when there is no such process. */
int64_t orphan_start_ticks(pid_t pid);
/** @return true when none is left. ERR_CONFLICT "still_running" names the one that would not go. */
bool orphan_clear(const struct process_table *t, const char *status_path, struct err *err);
