/* report_verify.h - proof over signed reports: every hash, signature and version chain is recomputed from the rows.
 * Runs on the caller's connection (yz_audit_ro sees all of them); reads only. */
#pragma once
#include "core/db/db.h"
#include "records/report.h"

enum report_fault_kind {
    REPORT_INTACT,
    REPORT_CHANGED,  /* a row no longer gives its hash */
    REPORT_FORGED,   /* the signature is not our key's */
    REPORT_MISSING,  /* a version between, before the first that is there, or the newest */
    REPORT_UNCHAINED /* it follows another text than the one stored before it */
};

struct report_verdict {
    int64_t reports, exams;
    enum report_fault_kind fault; /* of the first row that is not what was written */
    int64_t region_id, exam_id;
    int32_t version;
    char what[200];
};

const char *report_fault_name(enum report_fault_kind kind);

/** @param key the public half of the key reports are signed with
 *  @return false: the database failed; a fault found is an answer */
bool report_verify(struct db_sync *db, const uint8_t key[REPORT_KEY_LEN], struct report_verdict *out,
                   struct err *err);
