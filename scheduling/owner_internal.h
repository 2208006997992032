/* owner_internal.h - struct owner, seen by owner.c, turn.c, batch.c and finish.c only. */
#pragma once
#include "core/db/db.h"
#include "core/ids.h"
#include "records/seal.h"
#include "records/stream.h"
#include "scheduling/batch.h"
#include "scheduling/owner.h"

struct owner {
    struct owner_options opt;
    char *conninfo, name[64];
    struct db_sync *db; /* NULL while away */
    int64_t epoch, batch;
    int64_t renewed_mono_us;
    struct ids ids;
    struct stream stream;
    struct sign_key *key, *report_key;
    struct seal *seal;
    struct seen {
        int64_t account_id, subject_id;
        int32_t day;
        const char *what; /* a word that lives for ever */
    } seen[4096];         /* identity looks already in today's trail; a lost entry only means one row more */
    int64_t sealed_audit_seq; /* own rows already seen by the sealer: nothing new, no question */
};

/** Connect when away. ERR_AGAIN "database_away". */
bool owner_connect(struct owner *o, struct err *err);
/** A transaction with its limits. */
bool owner_begin(struct owner *o, struct err *err);
/** Forget the connection, and with it the certainty of owning anything until the next renewal. */
void owner_disconnect(struct owner *o);
void owner_lose(struct owner *o, const char *why);

/* turn.c: one transaction. */
bool batch_begin(struct batch *b, struct owner *o, struct sched_request **req, size_t n);
/** COMMIT; when its outcome is unknown, find out. Publishes on success. */
bool batch_commit(struct batch *b);
/** finish.c: what was seen in this batch stands in the trail from here on. */
void batch_remember_looks(struct batch *b);
void batch_end(struct batch *b); /* rolls back unless committed, frees */

/* One batch outside of any request: timers, presence sweeps. fn writes and returns false when the database failed. */
bool owner_batch(struct owner *o, bool (*fn)(struct batch *b, void *arg), void *arg, struct err *err);
