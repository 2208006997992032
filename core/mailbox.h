/* mailbox.h - how a thread speaks to a loop, and how a loop has blocking work done.
 *
 * A mailbox belongs to one loop; any thread may post. One eventfd write per empty-to-full change.
 * Workers run `work` on a thread of the pool and `done` on the loop: file hashing, argon2, document crypto.
 */
#pragma once
#include "core/loop.h"

struct mailbox;
struct mail {
    struct mail *next;
}; /* embed it; ownership moves with the post */
typedef void mailbox_fn(void *arg, struct mail *m);

bool mailbox_new(struct mailbox **out, struct loop *l, mailbox_fn *fn, void *arg, struct err *err);
/** What is still inside is delivered first. Nobody posts any more; not from inside fn. */
void mailbox_free(struct mailbox *mb);
void mailbox_post(struct mailbox *mb, struct mail *m); /* any thread */

struct workers;
typedef void work_fn(void *job);      /* a worker thread; touches nothing but its job */
typedef void work_done_fn(void *job); /* the loop */
bool workers_new(struct workers **out, struct loop *l, unsigned threads, unsigned queue_max, struct err *err);
/** Waits until every accepted job has run and its done() was called. */
void workers_free(struct workers *w);
/** ERR_AGAIN "busy" when queue_max jobs wait. */
bool workers_run(struct workers *w, work_fn *work, work_done_fn *done, void *job, struct err *err);
