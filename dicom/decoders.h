/* decoders.h - the pool of yz-decode processes: every parser and codec of foreign image bytes runs there, never here.
 *
 * Owns    the processes, the queue, and the memfds it makes. One job at a time per process; a process that dies, takes
 *         longer than the deadline or has done its share is replaced, and only the job it was on learns of it.
 *         A job whose process died is given to another one once; of a job that killed two, `decoder_died` is told.
 * Runs on yz-dicomd's loop; nothing blocks. Callbacks come from the loop, never from inside decoders_run(), and do not free
 *         the pool.
 * Errors  reason words of dicom/decode/protocol.h. Code ERR_AGAIN for decoder_busy and decoder_missing; ERR_TOO_LARGE,
 *         ERR_UNSUPPORTED, ERR_NOT_FOUND and ERR_INVALID for what the file is to blame for, ERR_CORRUPT for a dead or
 *         slow decoder: the file most likely did it.
 */
#pragma once
#include <sys/types.h>
#include "core/loop.h"
#include "dicom/decode/protocol.h"

struct decoders;
struct decode_job;

struct decoders_config {
    const char *program;       /* path of yz-decode, or NULL: beside this program */
    unsigned processes;        /* 0: one per core, at most 8 */
    unsigned jobs_per_process; /* 0: 1000 */
    int64_t deadline_us;       /* 0: 10 s, from when a process takes the job */
    unsigned queue_max;        /* 0: 4096 waiting jobs */
};

struct decode_result {
    struct decode_answer answer;
    /* The output, -1 on failure. Lent for the call; a memfd of the pool's the callback may keep by setting this
     * to -1. That one is sealed: it cannot change any more, and is mapped MAP_PRIVATE. */
    int fd;
    int64_t took_us; /* in the process */
};

/** err is clear when it went well (err->code ERR_NONE). The job is gone after this. */
typedef void decoders_fn(void *arg, struct decode_result *result, const struct err *err);

/** Starts nothing yet when a program is missing: jobs then fail with `decoder_missing` and it is tried again. */
bool decoders_new(struct decoders **out, struct loop *loop, const struct decoders_config *config,
                  struct err *err);
/** Kills the processes; jobs still open are forgotten without a callback. NULL is fine. */
void decoders_free(struct decoders *d);

enum decoders_class {
    DECODERS_SOMEBODY_WAITS, /* a viewer, an answer to a request: before all of the others */
    DECODERS_BACKGROUND,     /* index at ingest, thumbnails made in advance */
};

/** Queue one job. @param in_fd the file, duplicated; @param out_fd empty and writable, duplicated, or -1: a memfd is made.
 * @return for decoders_forget(); NULL when the queue is full (fn is not called; say ERR_AGAIN). */
struct decode_job *decoders_run(struct decoders *d, enum decoders_class cls,
                                const struct decode_params *params, int in_fd, int out_fd, decoders_fn *fn,
                                void *arg);
/** The answer is not wanted any more: no callback follows. Not after the callback. */
void decoders_forget(struct decode_job *job);

/** Waiting and running, for tests and health. */
unsigned decoders_waiting(const struct decoders *d);
unsigned decoders_running(const struct decoders *d);
/** Of process n, 0 while there is none. */
pid_t decoders_pid(const struct decoders *d, unsigned n);
