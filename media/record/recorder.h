/* recorder.h - what every recording of this process shares.
 *
 * Folders <data>/recordings/<dir>/ holds a recording; <data>/recordings/.open/ one small file for each that is not finished,
 *         so that after a crash nobody has to look through years of finished ones.
 * Runs on the loop.
 */
#pragma once
#include "core/mailbox.h"
#include "media/record/manifest.h"

struct recording;
struct muxer;

struct recorder {
    struct loop *loop;
    struct workers *workers; /* writing, hashing: whatever waits for the disk */
    struct muxer *muxer;     /* NULL: files are not made (tests) */
    struct sign_key *key;
    int root_fd, open_fd;
    int64_t return_us; /* how long a lost worker may take to come back */
    struct recording *recordings;
};

/** Folders and key below data. Makes what is absent. */
bool recorder_init(struct recorder *r, struct loop *loop, struct workers *workers, const char *data,
                   int64_t return_us, struct err *err);
/** Take up everything a former process left unfinished. Once, before the first worker connects. */
bool recorder_recover(struct recorder *r, int64_t now_us, struct err *err);
/** Write, check, report, give up waiting. Every RECORDER_TICK_US. */
void recorder_tick(struct recorder *r, int64_t now_us);
/** End every segment as "recorder_lost", as a later process will find it; returns at once, recorder_idle() says when
 * all of it is on the disk. */
void recorder_stop(struct recorder *r, int64_t now_us);
bool recorder_idle(const struct recorder *r);
void recorder_fini(struct recorder *r);

#define RECORDER_TICK_US INT64_C(200000)

/* The small file that says "not finished". */
bool recorder_mark(struct recorder *r, const char *dir, struct err *err);
void recorder_unmark(struct recorder *r, const char *dir);
