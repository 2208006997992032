/* audit.h - one row of the audit trail and its fingerprint. Pure; any thread.
 *
 * Chain   every row of a writer carries the hash of the row before it; the first carries 32 zero bytes.
 * Hash    sha256 over the canonical text: the line "yz-audit-1", then `name=length:value` for every field in the order of
 *         the struct. Lengths are written, so no value can pretend to be two. Writers and the verifier use this one function.
 */
#pragma once
#include <stdint.h>
#include "core/crypto.h"

struct audit_row {
    int64_t region_id;
    const char *writer_id;
    int64_t epoch, seq, id;
    int64_t tenant_id; /* whose auditor sees it */
    int64_t actor_tenant_id;
    int64_t account_id;       /* 0: the system */
    const char *actor_name;   /* staff only; "" otherwise */
    int64_t person_id;        /* 0: nobody's data */
    const char *subject_kind; /* "order", "visit" …, or "" */
    int64_t subject_id;
    const char *action, *outcome;
    const char *request_id;
    const char *detail; /* JSON text, exactly as stored */
    int64_t at_us;
    uint8_t prev_hash[SHA256_LEN];
    uint8_t hash[SHA256_LEN]; /* not part of itself */
};

void audit_hash(const struct audit_row *row, uint8_t out[SHA256_LEN]);

struct audit_seal {
    int64_t region_id, tenant_id, seq, at_us;
    const char *heads; /* JSON text, exactly as stored */
    uint8_t prev_hash[SHA256_LEN];
    uint8_t hash[SHA256_LEN];
};
void audit_seal_hash(const struct audit_seal *seal, uint8_t out[SHA256_LEN]);
