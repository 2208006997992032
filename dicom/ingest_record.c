/* ingest_record.c - what is promised of an object, as a line of the journal. Pure. */
#include <string.h>
#include "dicom/ingest_internal.h"

static void set_text(json_t *doc, const char *key, const char *value)
{
    json_t *v = json_string(value);

    json_object_set_new(doc, key, v ? v : json_string(""));
}

json_t *ingest_record(const struct rows_instance *i)
{
    json_t *d = json_object();
    char hash[2 * SHA256_LEN + 1];

    crypto_hex(i->sha256, SHA256_LEN, hash);
    json_object_set_new(d, "id", json_id(i->id));
    json_object_set_new(d, "tenant_id", json_id(i->src.tenant_id));
    json_object_set_new(d, "account_id", json_id(i->src.account_id));
    set_text(d, "source", i->src.name);
    set_text(d, "request_id", i->src.request_id);
    set_text(d, "sop_class", i->sop_class);
    set_text(d, "sop_uid", i->sop_uid);
    set_text(d, "study_uid", i->study_uid);
    set_text(d, "series_uid", i->series_uid);
    set_text(d, "syntax", i->syntax);
    set_text(d, "sha256", hash);
    set_text(d, "reason", i->reason);
    json_object_set_new(d, "status", json_integer(i->status));
    json_object_set_new(d, "bytes", json_integer(i->bytes));
    json_object_set_new(d, "data_begin", json_integer(i->data_begin));
    json_object_set_new(d, "received_at", json_time(i->received_us));
    return d;
}

bool ingest_get_text(const json_t *d, const char *key, char *out, size_t cap)
{
    const char *s = json_string_value(json_object_get(d, key));

    if (!s || strlen(s) >= cap)
        return false;
    memcpy(out, s, strlen(s) + 1);
    return true;
}

bool ingest_record_read(struct rows_instance *i, const json_t *d)
{
    char hash[2 * SHA256_LEN + 1];
    struct err err = ERR_INIT;
    int64_t status = 0;

    return json_get_id(d, "tenant_id", &i->src.tenant_id, &err) &&
           json_opt_id(d, "account_id", &i->src.account_id, &err) &&
           ingest_get_text(d, "source", i->src.name, sizeof i->src.name) &&
           ingest_get_text(d, "request_id", i->src.request_id, sizeof i->src.request_id) &&
           ingest_get_text(d, "sop_class", i->sop_class, sizeof i->sop_class) &&
           ingest_get_text(d, "sop_uid", i->sop_uid, sizeof i->sop_uid) &&
           ingest_get_text(d, "study_uid", i->study_uid, sizeof i->study_uid) &&
           ingest_get_text(d, "series_uid", i->series_uid, sizeof i->series_uid) &&
           ingest_get_text(d, "syntax", i->syntax, sizeof i->syntax) &&
           ingest_get_text(d, "reason", i->reason, sizeof i->reason) &&
           ingest_get_text(d, "sha256", hash, sizeof hash) &&
           crypto_unhex(hash, strlen(hash), i->sha256, SHA256_LEN) &&
           json_get_i64(d, "status", 0, 0xffff, &status, &err) && (i->status = (uint16_t)status, true) &&
           json_get_i64(d, "bytes", 1, INT64_MAX, &i->bytes, &err) &&
           json_get_i64(d, "data_begin", 0, INT64_MAX, &i->data_begin, &err) &&
           json_get_time(d, "received_at", &i->received_us, &err);
}
