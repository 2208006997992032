/* audit_verify.h - proof over the audit trail: recomputes every chain and every seal, and names the first row that is not
 * what was written. Used by `yunzhen verify audit` under the role yz_audit_ro; blocking, any thread.
 */
#pragma once
#include "core/db/db.h"
#include "records/audit.h"

enum audit_fault_kind {
    AUDIT_INTACT,
    AUDIT_ROW_CHANGED, /* the row's text does not give its hash, or its hash is not what the next row was chained to */
    AUDIT_ROW_MISSING,  /* a number is not there */
    AUDIT_TAIL_MISSING, /* the chain ends before, or elsewhere than, its writer says */
    AUDIT_SEAL_CHANGED, /* the seal's text does not give its hash, or the next seal was chained to another one */
    AUDIT_SEAL_MISSING,
    AUDIT_SEAL_FORGED,     /* the signature is not of the expected key */
    AUDIT_SEALED_ROW_GONE, /* a sealed head is not in the trail with that hash */
    AUDIT_FAULT_KINDS,
};

struct audit_report {
    int64_t rows, seals;
    enum audit_fault_kind fault; /* AUDIT_INTACT: nothing found */
    int64_t region_id, tenant_id, seq, epoch, id;
    char writer_id[32]; /* "" when a seal is meant */
    char what[200];     /* one sentence for people */
};

/** @param key the public half of <data>/keys/audit.key, or NULL to believe the key that stands in the first seal of each
 *             tenant (says so in no way: pass the key)
 * @return true when the question could be answered, intact or not */
bool audit_verify(struct db_sync *db, const uint8_t key[32], struct audit_report *out, struct err *err);
const char *audit_fault_name(enum audit_fault_kind kind);
