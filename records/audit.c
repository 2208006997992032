#include "records/audit.h"
#include "records/canon.h"

void audit_hash(const struct audit_row *row, uint8_t out[SHA256_LEN])
{
    struct sha256 *s = canon_begin("yz-audit-1");

    canon_i64(s, "region", row->region_id);
    canon_str(s, "writer", row->writer_id);
    canon_i64(s, "epoch", row->epoch);
    canon_i64(s, "seq", row->seq);
    canon_i64(s, "id", row->id);
    canon_i64(s, "tenant", row->tenant_id);
    canon_i64(s, "actor_tenant", row->actor_tenant_id);
    canon_i64(s, "account", row->account_id);
    canon_str(s, "actor_name", row->actor_name);
    canon_i64(s, "person", row->person_id);
    canon_str(s, "subject_kind", row->subject_kind);
    canon_i64(s, "subject", row->subject_id);
    canon_str(s, "action", row->action);
    canon_str(s, "outcome", row->outcome);
    canon_str(s, "request", row->request_id);
    canon_str(s, "detail", row->detail);
    canon_i64(s, "at_us", row->at_us);
    canon_bytes(s, "prev", row->prev_hash, SHA256_LEN);
    sha256_final(s, out);
}

void audit_seal_hash(const struct audit_seal *seal, uint8_t out[SHA256_LEN])
{
    struct sha256 *s = canon_begin("yz-seal-1");

    canon_i64(s, "region", seal->region_id);
    canon_i64(s, "tenant", seal->tenant_id);
    canon_i64(s, "seq", seal->seq);
    canon_i64(s, "at_us", seal->at_us);
    canon_str(s, "heads", seal->heads);
    canon_bytes(s, "prev", seal->prev_hash, SHA256_LEN);
    sha256_final(s, out);
}
