#include "records/audit.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct sha256 *s, const char *name, const void *value, size_t len)
{
    char head[64];
    int n = snprintf(head, sizeof head, "%s=%zu:", name, len);

    sha256_update(s, head, (size_t)n);
    sha256_update(s, value, len);
    sha256_update(s, "\n", 1);
}

static void put_str(struct sha256 *s, const char *name, const char *value)
{
    put(s, name, value, strlen(value));
}

static void put_i64(struct sha256 *s, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    put_str(s, name, text);
}

static struct sha256 *begin(const char *version)
{
    struct sha256 *s = sha256_new();

    sha256_update(s, version, strlen(version));
    sha256_update(s, "\n", 1);
    return s;
}

void audit_hash(const struct audit_row *row, uint8_t out[SHA256_LEN])
{
    struct sha256 *s = begin("yz-audit-1");

    put_i64(s, "region", row->region_id);
    put_str(s, "writer", row->writer_id);
    put_i64(s, "epoch", row->epoch);
    put_i64(s, "seq", row->seq);
    put_i64(s, "id", row->id);
    put_i64(s, "tenant", row->tenant_id);
    put_i64(s, "actor_tenant", row->actor_tenant_id);
    put_i64(s, "account", row->account_id);
    put_str(s, "actor_name", row->actor_name);
    put_i64(s, "person", row->person_id);
    put_str(s, "subject_kind", row->subject_kind);
    put_i64(s, "subject", row->subject_id);
    put_str(s, "action", row->action);
    put_str(s, "outcome", row->outcome);
    put_str(s, "request", row->request_id);
    put_str(s, "detail", row->detail);
    put_i64(s, "at_us", row->at_us);
    put(s, "prev", row->prev_hash, SHA256_LEN);
    sha256_final(s, out);
}

void audit_seal_hash(const struct audit_seal *seal, uint8_t out[SHA256_LEN])
{
    struct sha256 *s = begin("yz-seal-1");

    put_i64(s, "region", seal->region_id);
    put_i64(s, "tenant", seal->tenant_id);
    put_i64(s, "seq", seal->seq);
    put_i64(s, "at_us", seal->at_us);
    put_str(s, "heads", seal->heads);
    put(s, "prev", seal->prev_hash, SHA256_LEN);
    sha256_final(s, out);
}
