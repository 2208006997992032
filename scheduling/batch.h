/* batch.h - one transaction of the owner, as the operations see it.
 *
 * An operation looks, judges, and only then writes; a refusal is answer_refuse() with nothing written. It returns false only
 * when the database failed (b->err says how): then the whole batch rolls back, see owner.h.
 * What an operation changed it names once (batch_changed, batch_queue); views, events and waiting positions are made from
 * the rows as they stand at the end, for all of the batch in one question each.
 */
#pragma once
#include "core/db/db.h"
#include "core/json.h"
#include "scheduling/order.h"
#include "scheduling/request.h"

struct owner;

struct actor { /* records.accounts as it is now; the request only claims to be it */
    int64_t id, tenant_id, staff_id, person_id;
    uint32_t roles;
    bool region_wide; /* of the region's platform: its coordinators and supervisors see every house */
    const char *name;
};

struct id_set {
    int64_t *v;
    size_t n, cap;
};
void id_set_add(struct id_set *s, int64_t id); /* once each; 0 is not an id */
bool id_set_has(const struct id_set *s, int64_t id);

struct batch {
    struct owner *owner;
    struct db_sync *db;
    int64_t region_id, epoch, number; /* number: of shard_lease.batch, once writing */
    int64_t now_us;
    int32_t today; /* Shanghai day of now */
    struct sched_request **req;
    size_t n;
    bool open; /* a transaction of ours may stand on db */
    bool writing;
    struct err err;
    struct db_rows actor_rows;
    struct actor *actors;          /* of req[i] */
    struct id_set changed, queues; /* orders; doctors whose waiting line moved */
    struct id_set exams, reading;  /* exams that changed; those of them that stand or stood in the pool */
    json_t *told;                  /* order id -> extra accounts that hear of its change */
    struct seen *looks;            /* identity looks audited here, remembered after the commit */
    size_t n_looks, cap_looks;
    struct owner_event **events; /* published after the commit */
    size_t n_events, cap_events;
};

/** Consumes args. false: the database failed, return false yourself. rows are the caller's (db_rows_free). */
bool batch_query(struct batch *b, const struct db_stmt *stmt, struct db_args *args, struct db_rows *rows);
/** The same where the rows are of no interest. */
bool batch_run(struct batch *b, const struct db_stmt *stmt, struct db_args *args);
/** Before the first write: takes the lease row. ERR_STALE "not_owner" when it is another's. */
bool batch_write(struct batch *b);
/** args_init, region, and for writing statements the epoch after it. */
void batch_args(const struct batch *b, struct db_args *a);
void batch_args_epoch(const struct batch *b, struct db_args *a);
void batch_arg_json(struct db_args *a, const json_t *doc); /* borrowed */
void batch_arg_day(struct db_args *a, int32_t day);        /* date */
int64_t batch_id(struct batch *b);                         /* a new row id */

const struct actor *batch_actor(const struct batch *b, const struct sched_request *r);

struct batch_audit {
    int64_t tenant_id; /* owner of the subject; 0: the actor's */
    int64_t person_id;
    const char *subject_kind;
    int64_t subject_id;
    const char *action; /* NULL: the operation's name */
    const char *outcome;
    json_t *detail; /* consumed; NULL: {} */
};
/** r NULL: the system did it. */
void batch_audit(struct batch *b, const struct sched_request *r, struct batch_audit what);
/** An order moved: audit row with from, to and why, event at the end, visit mirrored. */
void batch_changed(struct batch *b, int64_t order_id, int64_t also_account);
void batch_queue(struct batch *b, int64_t doctor_id);
/** Is this the first time today that the asking account sees that subject's person this way? Then it is noted and the caller
 * writes the audit row. Further looks, as a screen refreshes, add nothing a reader of the trail would want to know.
 * @param what a word that lives for ever */
bool batch_first_look(struct batch *b, const struct sched_request *r, int64_t subject_id, const char *what);

/* Audiences. */
struct batch_event {
    const char *topic;
    int64_t tenant_id, subject_id;
    const int64_t *tenants, *accounts;
    size_t n_tenants, n_accounts;
    uint32_t roles;
    json_t *data; /* consumed */
};
void batch_event(struct batch *b, struct batch_event what);
/** To every socket of the region: tenant 0 (protocol.h). */
void batch_event_region(struct batch *b, const char *topic, int64_t tenant_id, int64_t subject_id,
                        json_t *data);

/** Everything but COMMIT: views, events, waiting lines, idempotency, stream. */
bool batch_finish(struct batch *b);
