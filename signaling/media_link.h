/* media_link.h - the wires to the media workers, and who of them is there.
 *
 * Owns    one connection per worker 0 … media_workers-1 (each reconnects for ever) and the questions on their way.
 *         What rooms are and on which worker they live is room.c's.
 * Runs on the service loop only.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"
#include "core/wire.h"
#include "media/protocol.h"

struct media;
struct signald;

#define MEDIA_WORKERS_MAX 64

struct media *media_new(struct signald *app, const char *run_dir, unsigned workers);
void media_free(struct media *m);
unsigned media_workers(const struct media *m);
/** Connected and introduced (MEDIA_HELLO). */
bool media_is_up(const struct media *m, unsigned worker);
unsigned media_up_count(const struct media *m);
/** Monotonic time since which a worker is away; 0 while it is there. */
int64_t media_away_since(const struct media *m, unsigned worker);

/** in is positioned at the answer's first field, NULL with err: the worker's refusal, or ERR_AGAIN "media_away". */
typedef void media_fn(void *arg, struct wire_in *in, const struct err *err);
/** Begin a question; NULL when the worker is away or choked (fn is not called). fn may be NULL: nobody waits. */
struct wire_out *media_ask(struct media *m, unsigned worker, enum media_msg type, media_fn *fn, void *arg);
