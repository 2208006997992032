/* decide.h - the deciding thread: takes what is queued, at most a batch, and never waits to fill it: the next batch forms
 * while the previous one is in fsync. */
#pragma once
#include "core/mailbox.h"
#include "scheduling/owner.h"

enum job_kind { JOB_REQUEST, JOB_REPLAY };
struct job { /* from the loop; owned by whoever holds it */
    struct job *next;
    enum job_kind kind;
    struct sched_request *request; /* JOB_REQUEST */
    uint64_t conn_id, after_seq;   /* JOB_REPLAY; after_seq ASK_FROM_NOW */
    bool greeting;                 /* JOB_REPLAY: the first of its connection, so it reports who is present */
};

enum post_kind { POST_ANSWER, POST_EVENT, POST_REPLAY_EVENT, POST_REPLAYED, POST_OWNER };
struct post { /* to the loop's mailbox; mail first */
    struct mail mail;
    enum post_kind kind;
    struct sched_request *request; /* POST_ANSWER */
    struct owner_event *event;     /* POST_EVENT, POST_REPLAY_EVENT */
    uint64_t conn_id, seq;
    int64_t epoch; /* POST_OWNER */
};

struct decider;
bool decider_start(struct decider **out, struct mailbox *to_loop, const struct owner_options *opt,
                   struct err *err);
/** Ends the thread; jobs that were not begun come back as refused answers. */
void decider_stop(struct decider *d); /* NULL is fine */

#define DECIDER_QUEUE_MAX 65536
/** Any thread; takes the job. false: the queue is full, the job stays the caller's. */
bool decider_push(struct decider *d, struct job *job);
