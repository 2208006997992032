/* logfile.h - what one process writes to stdout and stderr, in a file that never grows past its limit.
 *
 * The process writes into a pipe; the supervisor's loop copies it. At the limit the file becomes NAME.log.1, the older
 * ones move up, and the oldest goes. A process whose log disk is full goes on: its bytes are dropped and counted.
 * Owns    both ends' descriptors. Runs on the supervisor's loop.
 */
#pragma once
#include <stddef.h>
#include "core/loop.h"

#define LOGFILE_KEEP        3 /* NAME.log.1 … .3 */
#define LOGFILE_MAX_DEFAULT (16L * 1024 * 1024)

struct logfile;
bool logfile_open(struct logfile **out, struct loop *l, const char *folder, const char *name,
                  size_t max_bytes, struct err *err);
/** The end a child gets as fd 1 and 2; stays ours, close-on-exec. */
int logfile_fd(const struct logfile *f);
/** Copies what is still in the pipe, then closes. NULL is fine. */
void logfile_close(struct logfile *f);
