/* rows.h - the thread that writes what came into the database: one transaction for all that waits, per tenant.
 *
 *   loop thread                                    rows thread
 *   rows_instance(), rows_ask() ──> queue ──> studies, series, instances, attach, events, audit; COMMIT
 *   on_settled(), on_answer(), on_event() <── mailbox ──┘     once a second: who has gone quiet is complete
 *
 * Owns    the queue, the thread, its connection, the stream 'dicom'. An instance handed over is the thread's until on_settled().
 * Threads rows_* are called on the loop. The two share the queue under its lock, and nothing else.
 * Away    while the database is, everything waits and is tried again; nothing is given up.
 * Files   stand in incoming/ until the commit; the final name is a second link made before it, so that a row never names a file that
 *         is not there, and a crash between leaves one to be linked again.
 */
#pragma once
#include "core/ask.h"
#include "core/crypto.h"
#include "core/json.h"
#include "core/loop.h"
#include "dicom/ingest.h"

struct rows;

/* What an instance's row is made of. */
struct rows_instance {
    struct rows_instance *next;      /* the queue's */
    int64_t id, study_id, series_id; /* candidates: the last two count when the study or series is new */
    struct ingest_source src;
    char sop_class[PDU_UID + 1], sop_uid[PDU_UID + 1], study_uid[PDU_UID + 1], series_uid[PDU_UID + 1],
        syntax[PDU_UID + 1];
    uint8_t sha256[SHA256_LEN];
    int64_t bytes, data_begin, received_us;
    json_t *facts;   /* line 1 of the index; NULL for the quarantine */
    char reason[48]; /* not "": to the quarantine, refused with this word */
    uint16_t status;
    /* set by the thread */
    bool duplicate;
};

struct rows_options {
    const char *conninfo, *imaging; /* <data>/imaging */
    int64_t region_id;
    uint16_t node; /* of this thread's row ids */
    int64_t quiet_us;
};

struct rows_events {
    /** The commit stands; rows->study_id and id are as in the database. reason is set when it went to the quarantine after all. */
    void (*on_settled)(void *arg, struct rows_instance *i);
    void (*on_answer)(void *arg, uint64_t conn_id, uint64_t request_id, json_t *doc, const struct err *err);
    /** A committed event; json is text. */
    void (*on_event)(void *arg, const struct ask_event *ev);
    void (*on_replay)(void *arg, uint64_t conn_id, const struct ask_event *ev);
    void (*on_replayed)(void *arg, uint64_t conn_id, uint64_t seq);
    /** The stream is ours: epoch and last number. */
    void (*on_owner)(void *arg, uint64_t epoch, uint64_t last_seq);
    void *arg;
};

bool rows_start(struct rows **out, struct loop *loop, const struct rows_options *opt,
                const struct rows_events *ev, struct err *err);
/** Ends after the transaction it is in; what waits is given to on_settled() with settled false only by being freed: the journal has
 * it. NULL is fine. @param drop called for each instance that was not written */
void rows_stop(struct rows *r, void (*drop)(void *arg, struct rows_instance *i), void *arg);

void rows_instance(struct rows *r, struct rows_instance *i);
/** An association that sends to this study has begun (hold) or ended: the study is not complete before it has. */
void rows_hold(struct rows *r, int64_t tenant_id, const char *study_uid, bool hold);
/** study.match, study.return. @param body moves in */
void rows_ask(struct rows *r, uint64_t conn_id, uint64_t request_id, const struct ask_request *q,
              json_t *body);
void rows_replay(struct rows *r, uint64_t conn_id, uint64_t after_seq);
