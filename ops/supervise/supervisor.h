/* supervisor.h - all processes of one installation: who may start, who stops next, and what status.json says.
 * Owns    the loop and the processes. supervisor_run() returns when everything has stopped. */
#pragma once
#include "core/err.h"
#include "ops/supervise/table.h"

struct supervisor_paths {
    char table[4096], status[4096], logs[4096];
};
/** @param table "" for the usual place */
void supervisor_paths(struct supervisor_paths *out, const char *data, const char *table);

/** Until SIGTERM or SIGINT, or until a step fails: then everything is stopped, and
 * ERR_INTERNAL "step_failed" names it. */
bool supervisor_run(const struct process_table *t, const struct supervisor_paths *paths, size_t log_max_bytes,
                    struct err *err);
