#include "scheduling/batch.h"
#include "core/clock.h"
#include "core/mem.h"
#include "records/stream.h"
#include "scheduling/owner_internal.h"
#include "scheduling/owner.sql.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void id_set_add(struct id_set *s, int64_t id)
{
    if (!id || id_set_has(s, id))
        return;
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 16;
        s->v = mem_grow(s->v, s->cap * sizeof *s->v);
    }
    s->v[s->n++] = id;
}

bool id_set_has(const struct id_set *s, int64_t id)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i] == id)
            return true;
    return false;
}

bool batch_query(struct batch *b, const struct db_stmt *stmt, struct db_args *args, struct db_rows *rows)
{
    return db_sync_query(b->db, NULL, stmt, args, rows, &b->err);
}

bool batch_run(struct batch *b, const struct db_stmt *stmt, struct db_args *args)
{
    return batch_query(b, stmt, args, NULL);
}

void batch_args(const struct batch *b, struct db_args *a)
{
    db_args_init(a);
    db_arg_i64(a, b->region_id);
}

void batch_args_epoch(const struct batch *b, struct db_args *a)
{
    batch_args(b, a);
    db_arg_i64(a, b->epoch);
}

void batch_arg_json(struct db_args *a, const json_t *doc)
{
    char *text = json_text(doc, NULL);

    db_arg_str(a, text);
    free(text);
}

void batch_arg_day(struct db_args *a, int32_t day)
{
    char text[CLOCK_TEXT];

    clock_format_day(day, text);
    db_arg_str(a, text);
}

int64_t batch_id(struct batch *b)
{
    return ids_next(&b->owner->ids, b->now_us);
}

bool batch_write(struct batch *b)
{
    struct db_args a;
    struct db_rows rows;

    if (b->writing)
        return true;
    batch_args_epoch(b, &a);
    db_arg_i64(&a, b->owner->opt.lease_us);
    if (!batch_query(b, &SQL_batch_open, &a, &rows))
        return false;
    if (rows.n == 1)
        b->number = db_i64(&rows, 0, 0);
    b->writing = rows.n == 1;
    db_rows_free(&rows);
    return b->writing || err_set(&b->err, ERR_STALE, "not_owner", "epoch %lld no longer owns the region",
                                 (long long)b->epoch);
}

const struct actor *batch_actor(const struct batch *b, const struct sched_request *r)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->req[i] == r)
            return &b->actors[i];
    return NULL;
}

void batch_audit(struct batch *b, const struct sched_request *r, struct batch_audit what)
{
    const struct actor *actor = r ? batch_actor(b, r) : NULL;
    char *detail = what.detail ? json_text(what.detail, NULL) : mem_str("{}");
    struct audit_row row = {
        .tenant_id = what.tenant_id ? what.tenant_id
                     : actor        ? actor->tenant_id
                                    : 0,
        .actor_tenant_id = actor ? actor->tenant_id : 0,
        .account_id = actor ? actor->id : 0,
        .actor_name = actor && actor->staff_id ? actor->name : "",
        .person_id = what.person_id,
        .subject_kind = what.subject_kind,
        .subject_id = what.subject_id,
        .action = what.action ? what.action
                  : r         ? sched_op_name(r->op)
                              : "",
        .outcome = what.outcome,
        .request_id = r ? r->client_id : "",
        .detail = detail,
    };

    stream_audit(&b->owner->stream, &row, b->now_us);
    json_decref(what.detail);
    free(detail);
}

void batch_changed(struct batch *b, int64_t order_id, int64_t also_account)
{
    char key[ID_TEXT];
    json_t *list;

    id_set_add(&b->changed, order_id);
    if (!also_account)
        return;
    id_format(order_id, key);
    if (!(list = json_object_get(b->told, key)))
        json_object_set_new(b->told, key, list = json_array());
    json_array_append_new(list, json_integer(also_account));
}

void batch_queue(struct batch *b, int64_t doctor_id)
{
    id_set_add(&b->queues, doctor_id);
}

static int64_t *copy_ids(const int64_t *v, size_t n)
{
    return n ? mem_copy(v, n * sizeof *v) : NULL;
}

void batch_event(struct batch *b, struct batch_event what)
{
    struct stream_event row = {
        .topic = what.topic,
        .tenant_id = what.tenant_id,
        .subject_id = what.subject_id,
        .to_tenants = what.tenants,
        .n_tenants = what.n_tenants,
        .to_accounts = what.accounts,
        .n_accounts = what.n_accounts,
        .to_roles = what.roles,
        .data = what.data,
    };
    struct owner_event *ev = mem_new(sizeof *ev);

    stream_event(&b->owner->stream, &row, b->now_us);
    ev->seq = row.seq;
    snprintf(ev->topic, sizeof ev->topic, "%s", what.topic);
    ev->tenants = copy_ids(what.tenants, ev->n_tenants = what.n_tenants);
    ev->accounts = copy_ids(what.accounts, ev->n_accounts = what.n_accounts);
    ev->roles = what.roles;
    ev->json = json_text(what.data, NULL);
    json_decref(what.data);
    if (b->n_events == b->cap_events) {
        b->cap_events = b->cap_events ? 2 * b->cap_events : 16;
        b->events = mem_grow(b->events, b->cap_events * sizeof(struct owner_event *));
    }
    b->events[b->n_events++] = ev;
}

void batch_event_region(struct batch *b, const char *topic, int64_t tenant_id, int64_t subject_id,
                        json_t *data)
{
    static const int64_t EVERYBODY[] = {0};

    batch_event(b, (struct batch_event){.topic = topic,
                                        .tenant_id = tenant_id,
                                        .subject_id = subject_id,
                                        .tenants = EVERYBODY,
                                        .n_tenants = 1,
                                        .data = data});
}
