/* line.h - a delay line: parcels go in with a due time and come out in order, no earlier.
 *
 * Owns    every parcel in it; line_free() throws the rest away.
 * Runs on its loop only.
 */
#pragma once
#include "core/loop.h"

struct line;
struct parcel {
    struct parcel *next;
    int64_t due_us; /* clock_mono_us() */
    void *to;       /* the sender's business; not owned */
    size_t len, at; /* at: bytes already delivered, for streams */
    uint8_t data[];
};

/** @return false: not now. The parcel stays first and line_kick() asks again. */
typedef bool line_deliver_fn(void *arg, struct parcel *p);

struct line *line_new(struct loop *loop, line_deliver_fn *deliver, void *arg);
void line_free(struct line *l);
/** Copies len bytes (0 is a parcel too: the end of a stream). */
void line_put(struct line *l, const void *data, size_t len, void *to, int64_t due_us);
void line_kick(struct line *l);
/** A held line delivers nothing, however late its parcels are. */
void line_hold(struct line *l, bool held);
size_t line_bytes(const struct line *l);
