/* exam.h - one exam as it stands in the database, who is who to it, and what each of them may see and do.
 *
 * Owns    struct exams its rows; strings are lent by them.
 * Runs    on the deciding thread.
 * Stores  records.exams with its person, study, reader and his working copy: exam.sql.
 */
#pragma once
#include "core/db/db.h"
#include "core/json.h"
#include "scheduling/exam_fsm.h"
#include "scheduling/request.h"

struct subject;

struct exam {
    int64_t id, tenant_id, visit_id, person_id;
    int32_t version;
    enum exam_state state;
    const char *accession_no, *age_band, *sex, *kind, *modality, *procedure, *question, *urgency;
    const char *person, *birth_date, *tenant, *orderer, *reader, *reader_tenant;
    int64_t ordered_by, reader_id, reader_tenant_id, visit_doctor_id;
    int64_t study_id, retake_of, retaken_by;
    int64_t ordered_at_us, pooled_at_us, deadline_at_us, claimed_at_us, signed_at_us, delivered_at_us;
    int32_t report_version;
    const char *reject_code, *reject_reason, *cancel_reason;
    bool critical;
    const char *study_uid, *study_state;
    int32_t n_series, n_instances;
    int64_t bytes;
    /* the reader's working copy */
    int32_t draft_version; /* 0: none */
    const char *findings, *impression, *template;
    int64_t saved_at_us;
    int64_t accounts[12]; /* of patient, orderer, visit's doctor and reader */
    size_t n_accounts;
};

struct exams {
    struct db_rows rows;
    struct exam *v;
    size_t n;
};
struct batch;
/** Those of the ids that exist, in no order. Free with exams_free() also after a failure. */
bool exams_load(struct exams *out, struct batch *b, const int64_t *ids, size_t n);
void exams_free(struct exams *e);
const struct exam *exams_find(const struct exams *e, int64_t id);
struct subject exam_subject(const struct exam *e);

/* Who the caller is to this exam. */
enum exam_party {
    EXAM_PATIENT = 1 << 0,
    EXAM_DESK = 1 << 1, /* township doctors and operators of the house that examines */
    EXAM_ORDERER = 1 << 2,
    EXAM_VISIT_DOCTOR = 1 << 3,
    EXAM_READER = 1 << 4, /* who has claimed it */
    EXAM_POOL = 1 << 5,   /* a reader, while it waits to be claimed */
    EXAM_COORDINATOR = 1 << 6,
};
struct actor;
/** 0: a stranger, for whom the exam does not exist. */
uint32_t exam_party(const struct exam *e, const struct actor *a);
/** May these parties learn who it is? A reader only by his claim. */
bool exam_shows_identity(uint32_t party);

/** May these parties do that now? One table gives this answer and the list of acts.
 * ERR_DENIED "not_allowed": never theirs to do; ERR_CONFLICT "wrong_state": not now. */
bool exam_allows(const struct exam *e, uint32_t party, const char *act, struct err *err);

/** The API's Exam for that party. full: with the reader's working copy, for the reader. */
json_t *exam_view(const struct exam *e, uint32_t party, int64_t now_us, bool full);
json_t *exam_draft_view(const struct exam *e);
