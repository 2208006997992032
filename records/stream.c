#include "records/stream.h"
#include "core/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void stream_init(struct stream *s, int64_t region_id, const char *writer_id, struct ids *ids)
{
    *s = (struct stream){.region_id = region_id, .ids = ids, .events = json_array(), .audit = json_array()};
    snprintf(s->writer_id, sizeof s->writer_id, "%s", writer_id);
}

void stream_reset(struct stream *s)
{
    json_decref(s->events);
    json_decref(s->audit);
    s->events = s->audit = NULL;
}

void stream_open_args(struct db_args *a, const struct stream *s, int64_t epoch)
{
    db_args_init(a);
    db_arg_i64(a, s->region_id);
    db_arg_str(a, s->writer_id);
    db_arg_i64(a, epoch);
}

void stream_lock_args(struct db_args *a, const struct stream *s)
{
    stream_open_args(a, s, s->epoch);
}

bool stream_opened(struct stream *s, const struct db_rows *rows, struct err *err)
{
    const char *head;

    if (rows->n != 1)
        return err_set(err, ERR_STALE, "writer_fenced", "another life of writer %s holds the stream",
                       s->writer_id);
    head = db_str(rows, 0, 3);
    s->epoch = db_i64(rows, 0, 0);
    s->done.event_seq = db_i64(rows, 0, 1);
    s->done.audit_seq = db_i64(rows, 0, 2);
    if (!crypto_unhex(head, strlen(head), s->done.audit_head, SHA256_LEN))
        return err_set(err, ERR_CORRUPT, "audit_head_corrupt", "the head of writer %s is not a hash",
                       s->writer_id);
    stream_rolled_back(s);
    return true;
}

static json_t *hex(const uint8_t hash[SHA256_LEN])
{
    char text[2 * SHA256_LEN + 1];

    crypto_hex(hash, SHA256_LEN, text);
    return json_string(text);
}

static json_t *id_array(const int64_t *v, size_t n)
{
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, json_integer(v[i]));
    return out;
}

static json_t *text_of(const json_t *doc)
{
    char *text = json_text(doc, NULL);
    json_t *out = json_string(text);

    free(text);
    return out;
}

void stream_event(struct stream *s, struct stream_event *ev, int64_t now_us)
{
    json_t *row = json_object();

    ev->seq = (uint64_t)++s->next.event_seq;
    json_object_set_new(row, "seq", json_integer(s->next.event_seq));
    json_object_set_new(row, "tenant_id", json_integer(ev->tenant_id));
    json_object_set_new(row, "at", json_time(now_us));
    json_object_set_new(row, "topic", json_string(ev->topic));
    json_object_set_new(row, "subject_id", json_integer(ev->subject_id));
    json_object_set_new(row, "to_tenants", id_array(ev->to_tenants, ev->n_tenants));
    json_object_set_new(row, "to_accounts", id_array(ev->to_accounts, ev->n_accounts));
    json_object_set_new(row, "to_roles", json_integer(ev->to_roles));
    json_object_set_new(row, "data", text_of(ev->data));
    json_array_append_new(s->events, row);
}

void stream_audit(struct stream *s, struct audit_row *row, int64_t now_us)
{
    json_t *j = json_object();

    row->region_id = s->region_id;
    row->writer_id = s->writer_id;
    row->epoch = s->epoch;
    row->seq = ++s->next.audit_seq;
    row->id = ids_next(s->ids, now_us);
    row->at_us = now_us;
    memcpy(row->prev_hash, s->next.audit_head, SHA256_LEN);
    audit_hash(row, row->hash);
    memcpy(s->next.audit_head, row->hash, SHA256_LEN);

    json_object_set_new(j, "seq", json_integer(row->seq));
    json_object_set_new(j, "id", json_integer(row->id));
    json_object_set_new(j, "tenant_id", json_integer(row->tenant_id));
    json_object_set_new(j, "actor_tenant_id", json_integer(row->actor_tenant_id));
    json_object_set_new(j, "account_id", json_integer(row->account_id));
    json_object_set_new(j, "actor_name", json_string(row->actor_name));
    json_object_set_new(j, "person_id", json_integer(row->person_id));
    json_object_set_new(j, "subject_kind", json_string(row->subject_kind));
    json_object_set_new(j, "subject_id", json_integer(row->subject_id));
    json_object_set_new(j, "action", json_string(row->action));
    json_object_set_new(j, "outcome", json_string(row->outcome));
    json_object_set_new(j, "request_id", json_string(row->request_id));
    json_object_set_new(j, "detail", json_string(row->detail));
    json_object_set_new(j, "at", json_time(now_us));
    json_object_set_new(j, "prev_hash", hex(row->prev_hash));
    json_object_set_new(j, "hash", hex(row->hash));
    json_array_append_new(s->audit, j);
}

bool stream_has_rows(const struct stream *s)
{
    return json_array_size(s->events) + json_array_size(s->audit) > 0;
}

static void arg_json(struct db_args *a, const json_t *doc)
{
    char *text = json_text(doc, NULL);

    db_arg_str(a, text);
    free(text);
}

void stream_write_args(struct db_args *a, const struct stream *s)
{
    char head[2 * SHA256_LEN + 1];

    crypto_hex(s->next.audit_head, SHA256_LEN, head);
    stream_lock_args(a, s);
    db_arg_i64(a, s->done.event_seq);
    db_arg_i64(a, s->done.audit_seq);
    db_arg_i64(a, s->next.event_seq);
    db_arg_i64(a, s->next.audit_seq);
    db_arg_str(a, head);
    arg_json(a, s->events);
    arg_json(a, s->audit);
}

bool stream_written(const struct db_rows *rows, struct err *err)
{
    return rows->n == 1 || err_set(err, ERR_STALE, "writer_fenced", "the stream has moved on without us");
}

static void forget(struct stream *s)
{
    json_array_clear(s->events);
    json_array_clear(s->audit);
}

void stream_committed(struct stream *s)
{
    s->done = s->next;
    forget(s);
}

void stream_rolled_back(struct stream *s)
{
    s->next = s->done;
    forget(s);
}
