/* table.h - the processes one installation consists of, read from a text file that ops/up writes.
 *
 *     process postgres
 *       ready unix:/srv/yunzhen/var/run/pg/.s.PGSQL.5432
 *       stop INT 60
 *       pidfile /srv/yunzhen/var/pg/postmaster.pid
 *       run /usr/lib/postgresql/15/bin/postgres
 *       arg -D
 *       arg /srv/yunzhen/var/pg
 *     process prepare
 *       once
 *       run …
 *
 * A line is a word and the rest of the line as it stands, so a path may hold spaces. `once` is a step, not a
 * service: it starts when everything above it is ready, and everything below waits until it ended well.
 * Owns    every string in it. Runs anywhere; no state.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "core/err.h"

#define TABLE_PROCESSES_MAX 64
#define TABLE_ARGS_MAX      64

struct process_spec {
    char *name;      /* [a-z0-9-], also the name of its log file */
    char *ready;     /* "unix:PATH", "tcp:IPV4:PORT", or NULL: ready as soon as it runs */
    char *pidfile;   /* PostgreSQL's: finds a server that an earlier supervisor left; or NULL */
    int stop_signal; /* default SIGTERM */
    int stop_s;      /* then SIGKILL; default 10 */
    bool once;
    char *argv[TABLE_ARGS_MAX + 2]; /* program, arguments, NULL */
    size_t argc;
};

struct process_table {
    struct process_spec spec[TABLE_PROCESSES_MAX];
    size_t n;
};

/** @param[out] out  freed with table_free(); left empty on failure
 * ERR_INVALID "process_table" names the line; ERR_IO when the file cannot be read. */
bool table_load(struct process_table *out, const char *path, struct err *err);
/** The same from text of a given length, for tests and fuzzing. */
bool table_parse(struct process_table *out, const char *text, size_t len, struct err *err);
void table_free(struct process_table *t);
