/* request.h - an ASK_REQUEST as the deciding thread sees it: who asks, what, and the body judged field by field.
 *
 * Owns    the body document; strings and documents in `in` are lent by it.
 * Runs    request_parse() on the loop; from then on the request belongs to whoever holds the pointer.
 * Limits  every field of every operation stands in one table (request.c): type, length, range. A field that is not in the
 *         table is refused, so a misspelt one is never silently ignored.
 */
#pragma once
#include <stdint.h>
#include "core/ask.h"
#include "core/crypto.h"
#include "core/json.h"
#include "records/roles.h"
#include "scheduling/protocol.h"

enum order_scope { SCOPE_MINE, SCOPE_TODAY, SCOPE_TOWNSHIP, SCOPE_HISTORY };
enum order_urgency { URGENCY_NORMAL, URGENCY_URGENT, URGENCY_EMERGENCY, URGENCY_COUNT };
enum exam_scope { EXAMS_MINE, EXAMS_VISIT, EXAMS_TOWNSHIP, EXAMS_HISTORY };
enum presence_event { PRESENCE_JOINED, PRESENCE_LEFT, PRESENCE_DROPPED, PRESENCE_BACK };

struct sched_fields { /* of all operations; absent ones are zero */
    int64_t order_id, clinic_id, roster_id, slot_id, staff_id, person_id, visit_id, seat_id;
    int64_t exam_id, alert_id;
    int64_t version, note_version, draft_version;
    int64_t day; /* Shanghai day number; INT64_MIN when absent */
    int64_t starts_at_us, ends_at_us, slot_minutes, capacity_per_slot;
    int64_t scope, urgency, event; /* the enums above */
    uint32_t kinds;                /* bits 1 << enum visit_kind */
    bool on;
    const char *nonce, *complaint, *specialty, *reason;
    const char *diagnosis_code, *diagnosis_text, *text, *advice;
    const char *modality, *procedure, *question; /* of an exam; modality "" when absent */
    const char *findings, *impression, *template, *finding, *reason_code;
    const json_t *prior_diagnosis, *vitals;
};

struct sched_answer {
    struct err err; /* code ERR_NONE: answered */
    json_t *doc;    /* the answer, or the refusal's details; NULL: an empty object */
};

struct sched_request {
    uint64_t request_id, conn_id; /* where the answer goes */
    enum sched_op op;
    int64_t region_id, tenant_id, account_id, person_id, staff_id;
    uint32_t roles;
    char key[ASK_KEY_MAX + 1];             /* idempotency key or "" */
    char client_id[ASK_CLIENT_ID_MAX + 1]; /* request id for logs and audit */
    uint8_t body_hash[SHA256_LEN];
    json_t *body;
    struct sched_fields in;
    struct sched_answer answer;
    int64_t arrived_us; /* monotonic, for the latency figure */

    /* Filled while deciding. */
    int64_t order_id;   /* answer with this order's view, … */
    int64_t log_id;     /* … wrapped as a won claim when not 0 */
    int64_t *order_ids; /* or with a list of views */
    size_t n_order_ids;
    bool as_list;
    int64_t exam_id;   /* or with this exam's view */
    int64_t *exam_ids; /* or with a list of those; not NULL even when empty */
    size_t n_exam_ids;
    bool deferred; /* the same key is being decided in this batch: ask again in the next */
    bool replayed; /* answered from the idempotency table */
};

/** Judge a body. Nothing but the body is looked at: rights and state come later.
 * @param out fields of `op`; strings are lent by body
 * ERR_INVALID "field_missing" | "field_type" | "field_range" | "field_unknown" | "prior_diagnosis_missing" */
bool request_fields(struct sched_fields *out, enum sched_op op, const json_t *body, struct err *err);
/** Parse and judge the JSON bytes of a request whose other fields are set. Fills body, body_hash, in. */
bool request_parse(struct sched_request *r, const uint8_t *json, size_t len, struct err *err);
void request_free(struct sched_request *r); /* NULL is fine */

void answer_refuse(struct sched_request *r, enum err_code code, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void answer_clear(struct sched_request *r);

const char *sched_op_name(enum sched_op op);
bool sched_op_writes(enum sched_op op);
/** Roles that may ask for it at all; which orders they may touch is decided with the order. */
uint32_t sched_op_roles(enum sched_op op);
uint32_t sched_role_parse(const char *name); /* 0: no such role */
const char *urgency_name(enum order_urgency urgency);
