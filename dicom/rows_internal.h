/* rows_internal.h - what the files of the rows thread share. Everything here is the thread's own but for the queue. */
#pragma once
#include <pthread.h>
#include "core/db/db.h"
#include "core/ids.h"
#include "core/mailbox.h"
#include "dicom/rows.h"
#include "records/stream.h"

#define ROWS_BATCH      256
#define ROWS_EVENT_US   (500 * INT64_C(1000)) /* counts of one study are told this often at most */
#define ROWS_QUARANTINE "quarantine"

enum rows_kind { ROWS_INSTANCE, ROWS_HOLD, ROWS_ASK, ROWS_REPLAY };
struct rows_job {
    struct rows_job *next;
    enum rows_kind kind;
    struct rows_instance *instance;
    int64_t tenant_id;
    char study_uid[PDU_UID + 1];
    bool hold;
    uint64_t conn_id, request_id, after_seq;
    struct ask_request ask;
    json_t *body;
};

/* An event that is told after the commit. */
struct rows_event {
    struct rows_event *next;
    struct ask_event ev;
    int64_t tenants[ASK_AUDIENCE_MAX];
    char *json;
};

/* A study somebody sends to, or sent to lately. */
struct rows_active {
    struct rows_active *next;
    int64_t tenant_id, study_id; /* study_id 0: no row yet */
    char study_uid[PDU_UID + 1];
    unsigned holds;
    int64_t last_us, told_us; /* monotonic */
    bool untold;              /* counts changed since the last event */
};

struct rows {
    pthread_t thread;
    pthread_mutex_t lock; /* guards the four below */
    pthread_cond_t some;
    struct rows_job *first, **last;
    bool stop;

    struct mailbox *to_loop;
    struct rows_events ev;
    struct rows_options opt;
    char *conninfo, *imaging;
    struct db_sync *db;
    struct ids ids;
    struct stream stream;
    bool owner;
    struct rows_event *told, **told_last; /* of the transaction under way */
    struct rows_active *active;
    struct rows_job *again; /* what a database that is away left over, in order */
};

/* rows.c */
struct db_scope rows_scope(const struct rows *r, int64_t tenant_id);
bool rows_query(struct rows *r, int64_t tenant_id, const struct db_stmt *stmt, struct db_args *a,
                struct db_rows *rows, struct err *err);
/** A transaction that holds the stream. Every successful begin is followed by rows_commit() or rows_rollback(). */
bool rows_begin(struct rows *r, int64_t tenant_id, struct err *err);
bool rows_commit(struct rows *r, int64_t tenant_id, struct err *err);
void rows_rollback(struct rows *r);
/** Append an event to the stream and remember to tell it after the commit. @param tenants with the owner first */
void rows_tell(struct rows *r, int64_t tenant_id, const int64_t *tenants, size_t n, int64_t study_id,
               const json_t *data, int64_t now_us);
struct rows_active *rows_active(struct rows *r, int64_t tenant_id, const char *study_uid);

/* rows_batch.c: n instances of one tenant. Outcomes stand in the instances. */
bool rows_batch(struct rows *r, int64_t tenant_id, struct rows_instance **list, size_t n, struct err *err);

/* rows_study.c */
/** Events of these studies' present counts; audit rows with `action` when it is not NULL. Inside a transaction. */
bool rows_tell_studies(struct rows *r, int64_t tenant_id, const int64_t *ids, size_t n, const char *action,
                       const struct ask_request *who, const char *reason, struct err *err);
/** Studies that have gone quiet; counts not yet told. */
void rows_sweep(struct rows *r);
/** After taking the stream: what was arriving when the last process ended. */
bool rows_recall(struct rows *r, struct err *err);
/** study.match, study.return. @return false: the database failed, nothing was answered; err says so */
bool rows_decide(struct rows *r, const struct ask_request *q, const json_t *body, json_t **doc,
                 struct err *refusal, struct err *err);
/** One row of study_list or study_one as the API shows it. */
json_t *rows_study_json(const struct db_rows *rows, int row);
