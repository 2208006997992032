/* report.h - one signed version of a report and its fingerprint. Pure; any thread.
 *
 * Chain   every version of an exam's report carries the hash of the one before it; the first carries 32 zero bytes.
 * Hash    sha256 over the canonical text (canon.h) "yz-report-1" and every field in the order of the struct.
 * Signed  Ed25519 over that hash; the key is a file beside the database, never a row in it. Signer and verifier share this.
 */
#pragma once
#include <stdint.h>
#include "core/crypto.h"

#define REPORT_SIGNATURE_LEN 64
#define REPORT_KEY_LEN       32

struct report {
    int64_t region_id, exam_id;
    int32_t version;
    int64_t tenant_id; /* of the exam */
    int64_t person_id;
    const char *study_uid, *accession_no;
    int64_t author_tenant_id, staff_id;
    const char *staff_name;
    const char *kind; /* "signed", "amendment" */
    const char *findings, *impression, *critical_finding, *template;
    const char *reason; /* of an amendment */
    int64_t written_at_us, signed_at_us;
    const char *code;
    uint8_t prev_hash[SHA256_LEN];
    /* not part of the text */
    uint8_t hash[SHA256_LEN];
    uint8_t public_key[REPORT_KEY_LEN];
    uint8_t signature[REPORT_SIGNATURE_LEN];
};

void report_hash(const struct report *r, uint8_t out[SHA256_LEN]);
/** Fill hash, public_key and signature. */
bool report_sign(struct report *r, const struct sign_key *key, struct err *err);
