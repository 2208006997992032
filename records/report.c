#include "records/report.h"
#include "records/canon.h"

void report_hash(const struct report *r, uint8_t out[SHA256_LEN])
{
    struct sha256 *s = canon_begin("yz-report-1");

    canon_i64(s, "region", r->region_id);
    canon_i64(s, "exam", r->exam_id);
    canon_i64(s, "version", r->version);
    canon_i64(s, "tenant", r->tenant_id);
    canon_i64(s, "person", r->person_id);
    canon_str(s, "study_uid", r->study_uid);
    canon_str(s, "accession_no", r->accession_no);
    canon_i64(s, "author_tenant", r->author_tenant_id);
    canon_i64(s, "staff", r->staff_id);
    canon_str(s, "staff_name", r->staff_name);
    canon_str(s, "kind", r->kind);
    canon_str(s, "findings", r->findings);
    canon_str(s, "impression", r->impression);
    canon_str(s, "critical_finding", r->critical_finding);
    canon_str(s, "template", r->template);
    canon_str(s, "reason", r->reason);
    canon_i64(s, "written_at_us", r->written_at_us);
    canon_i64(s, "signed_at_us", r->signed_at_us);
    canon_str(s, "code", r->code);
    canon_bytes(s, "prev", r->prev_hash, SHA256_LEN);
    sha256_final(s, out);
}

bool report_sign(struct report *r, const struct sign_key *key, struct err *err)
{
    report_hash(r, r->hash);
    sign_key_public(key, r->public_key);
    return sign_key_sign(key, r->hash, SHA256_LEN, r->signature, err);
}
