/* trail.h - the audit rows a daemon owes, each in the transaction of its cause.
 *
 * Order   one transaction at a time on the writer's chain (records/stream.h); rows without a statement of their own
 *         share one. The answer comes after the commit, so whoever was told "done" finds the row.
 * Away    entries wait in memory while the database is away only if they have no statement and nobody waits for
 *         them (at most TRAIL_KEEP); all others fail at once with ERR_AGAIN.
 * Fence   when another process writes under the same name two chains would fork: the loop is stopped.
 * Owns    the stream of its writer ("signal-<node>", "dicom-web-<node>"). Runs on one loop only.
 */
#pragma once
#include "core/db/db.h"
#include "records/audit.h"

struct ids;
struct loop;
struct trail;

#define TRAIL_KEEP 10000

/** Called after the commit with err NULL, or with why not. rows of the entry's statement were seen before. */
typedef void trail_fn(void *arg, const struct err *err);
/** May look at the statement's rows, inside the transaction: false with err rolls it back. */
typedef bool trail_check_fn(void *arg, const struct db_rows *rows, struct err *err);

struct trail_entry {
    struct db_scope scope;
    const struct db_stmt *stmt; /* NULL: the row alone */
    struct db_args *args;       /* consumed in every case; NULL without a statement */
    trail_check_fn *check;      /* NULL: any rows are fine */
    trail_fn *done;             /* NULL: nobody waits */
    void *arg;
    /* the row; strings are copied */
    int64_t tenant_id, actor_tenant_id, account_id, person_id, subject_id;
    const char *actor_name, *subject_kind, *action, *outcome, *request_id, *detail;
};

/* Everything borrowed for the trail's life. */
struct trail_config {
    struct loop *loop;
    struct db *db;
    struct ids *ids;
    int64_t region_id;
    const char *writer_id;
};
struct trail *trail_new(const struct trail_config *config);
void trail_free(struct trail *t);
void trail_add(struct trail *t, const struct trail_entry *entry);
/** Has this account looked at this subject this way within the last hour? For looks that a page repeats (a player's
 * ranges, a room's reloads): the first one is written, the next ones are the same look. */
bool trail_seen(const struct trail *t, int64_t account_id, int64_t subject_id, const char *action);
/** It has, and the row of it is safe: after the commit where the answer waits for it, else the next look would have none.
 * action is static text. */
void trail_saw(struct trail *t, int64_t account_id, int64_t subject_id, const char *action);
