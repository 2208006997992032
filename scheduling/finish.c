/* The end of a batch: what changed is read once more as it now stands, and told to whom it concerns. */
#include "core/mem.h"
#include "scheduling/exam_move.h"
#include "scheduling/owner.sql.h"
#include "scheduling/owner_internal.h"
#include "scheduling/waiting_line.h"
#include "scheduling/subject.h"
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- events of orders */

static size_t told_accounts(struct batch *b, const struct order *o, int64_t *out, size_t cap)
{
    char key[ID_TEXT];
    json_t *extra, *item;
    size_t n = 0, i;

    for (; n < o->n_accounts && n < cap; n++)
        out[n] = o->accounts[n];
    id_format(o->id, key);
    extra = json_object_get(b->told, key);
    json_array_foreach(extra, i, item) if (n < cap) out[n++] = json_integer_value(item);
    return n;
}

/* Ids and a state, no name: what a caller may see and do differs, so each asks for its own view. */
static void order_event(struct batch *b, const struct order *o)
{
    int64_t accounts[16], tenants[2];
    size_t n_tenants = 0;
    json_t *data = json_object();

    json_object_set_new(data, "order_id", json_id(o->id));
    json_object_set_new(data, "visit_id", json_id(o->visit_id));
    json_object_set_new(data, "version", json_integer(o->version));
    json_object_set_new(data, "state", json_string(order_state_name(o->state)));
    tenants[n_tenants++] = o->tenant_id;
    if (o->doctor_tenant_id && o->doctor_tenant_id != o->tenant_id)
        tenants[n_tenants++] = o->doctor_tenant_id;
    batch_event(b, (struct batch_event){.topic = "order",
                                        .tenant_id = o->tenant_id,
                                        .subject_id = o->id,
                                        .tenants = tenants,
                                        .n_tenants = n_tenants,
                                        .accounts = accounts,
                                        .n_accounts = told_accounts(b, o, accounts, 16),
                                        .roles = ROLE_TOWNSHIP_DOCTOR | ROLE_OPERATOR | ROLE_OFFICE |
                                                 ROLE_COORDINATOR,
                                        .data = data});
}

/* ---------------------------------------------------------------- answers */

static struct seen *seen_at(struct owner *o, int64_t account_id, int64_t subject_id, const char *what)
{
    uint64_t at = (uint64_t)(account_id * 31 + subject_id) * 31 + (unsigned char)what[0];

    return &o->seen[at % (sizeof o->seen / sizeof *o->seen)];
}

static bool seen_is(const struct seen *s, int64_t account_id, int64_t subject_id, const char *what)
{
    return s->account_id == account_id && s->subject_id == subject_id && s->what && !strcmp(s->what, what);
}

bool batch_first_look(struct batch *b, const struct sched_request *r, int64_t subject_id, const char *what)
{
    int64_t account_id = batch_actor(b, r)->id;
    const struct seen *s = seen_at(b->owner, account_id, subject_id, what);

    if (seen_is(s, account_id, subject_id, what) && s->day == b->today)
        return false;
    for (size_t i = 0; i < b->n_looks; i++)
        if (seen_is(&b->looks[i], account_id, subject_id, what))
            return false;
    if (b->n_looks == b->cap_looks)
        b->looks =
            mem_grow(b->looks, (b->cap_looks = b->cap_looks ? 2 * b->cap_looks : 16) * sizeof *b->looks);
    b->looks[b->n_looks++] =
        (struct seen){.account_id = account_id, .subject_id = subject_id, .day = b->today, .what = what};
    return true;
}

void batch_remember_looks(struct batch *b)
{
    for (size_t i = 0; i < b->n_looks; i++)
        *seen_at(b->owner, b->looks[i].account_id, b->looks[i].subject_id, b->looks[i].what) = b->looks[i];
}

static json_t *view_for(struct batch *b, struct sched_request *r, const struct order *o)
{
    uint32_t party = order_party(o, batch_actor(b, r));

    if (order_shows_identity(party) && !(party & PARTY_PATIENT)) {
        struct subject s = order_subject(o);

        subject_look(b, r, &s, "order.look");
    }
    return order_view(o, party, b->now_us);
}

static void answer_order(struct batch *b, struct sched_request *r, const struct orders *orders)
{
    const struct order *o = orders_find(orders, r->order_id);
    json_t *view;

    if (!o)
        return answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such order");
    view = view_for(b, r, o);
    if (r->log_id) {
        r->answer.doc = json_object();
        json_object_set_new(r->answer.doc, "result", json_string("won"));
        json_object_set_new(r->answer.doc, "order", view);
        json_object_set_new(r->answer.doc, "log_id", json_id(r->log_id));
    } else
        r->answer.doc = view;
}

static void answer_list(struct batch *b, struct sched_request *r, const struct orders *orders)
{
    r->answer.doc = json_array();
    for (size_t i = 0; i < r->n_order_ids; i++) {
        const struct order *o = orders_find(orders, r->order_ids[i]);

        if (o && order_party(o, batch_actor(b, r)))
            json_array_append_new(r->answer.doc, view_for(b, r, o));
    }
}

/* A frame holds 128 KiB: a longer list ends early, newest and most urgent rows come first in all of them. */
#define LIST_BYTES (110 * 1024)

static void list_fit(json_t *list)
{
    size_t sum = 0, len, i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        free(json_text(item, &len));
        sum += len + 1;
        if (sum > LIST_BYTES)
            break;
    }
    while (json_array_size(list) > i)
        json_array_remove(list, json_array_size(list) - 1);
}

static void answer_all(struct batch *b, const struct orders *orders)
{
    for (size_t i = 0; i < b->n; i++) {
        struct sched_request *r = b->req[i];

        if (r->answer.err.code || r->deferred)
            continue;
        if (r->order_id)
            answer_order(b, r, orders);
        else if (r->as_list)
            answer_list(b, r, orders);
        else if (!r->answer.doc)
            r->answer.doc = json_object();
        if (json_is_array(r->answer.doc))
            list_fit(r->answer.doc);
    }
}

static void wanted_orders(const struct batch *b, struct id_set *ids)
{
    for (size_t i = 0; i < b->changed.n; i++)
        id_set_add(ids, b->changed.v[i]);
    for (size_t i = 0; i < b->n; i++) {
        const struct sched_request *r = b->req[i];

        id_set_add(ids, r->answer.err.code ? 0 : r->order_id);
        for (size_t k = 0; k < r->n_order_ids; k++)
            id_set_add(ids, r->order_ids[k]);
    }
}

/* ---------------------------------------------------------------- first answers are kept */

static json_t *idempotency_rows(const struct batch *b)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < b->n; i++) {
        const struct sched_request *r = b->req[i];
        char hash[2 * SHA256_LEN + 1], *text;

        if (!r->key[0] || !sched_op_writes(r->op) || r->answer.err.code || r->deferred || r->replayed)
            continue;
        text = json_text(r->answer.doc, NULL);
        crypto_hex(r->body_hash, SHA256_LEN, hash);
        json_array_append_new(rows, json_pack("{s:I, s:s, s:s, s:I, s:s, s:s}", "account_id",
                                              (json_int_t)r->account_id, "op", sched_op_name(r->op), "key",
                                              r->key, "tenant_id", (json_int_t)r->tenant_id, "body_hash",
                                              hash, "result", text));
        free(text);
    }
    return rows;
}

static bool idempotency_keep(struct batch *b)
{
    json_t *rows = idempotency_rows(b);
    struct db_args a;
    bool ok = true;

    if (json_array_size(rows) && (ok = batch_write(b))) {
        batch_args(b, &a);
        db_arg_time(&a, b->now_us);
        batch_arg_json(&a, rows);
        ok = batch_run(b, &SQL_idempotency_insert, &a);
    }
    json_decref(rows);
    return ok;
}

static bool stream_out(struct batch *b)
{
    struct stream *s = &b->owner->stream;
    struct db_args a;
    struct db_rows rows;
    bool ok;

    if (!stream_has_rows(s))
        return true;
    if (!batch_write(b))
        return false;
    stream_write_args(&a, s);
    if (!batch_query(b, &SQL_stream_write, &a, &rows))
        return false;
    ok = stream_written(&rows, &b->err);
    db_rows_free(&rows);
    return ok;
}

bool batch_finish(struct batch *b)
{
    struct id_set ids = {0};
    struct orders orders = {0};
    const struct order *o;
    bool ok;

    wanted_orders(b, &ids);
    ok = exams_finish(b) && orders_load(&orders, b, ids.v, ids.n);
    if (ok) {
        for (size_t i = 0; i < b->changed.n; i++)
            if ((o = orders_find(&orders, b->changed.v[i])))
                order_event(b, o);
        answer_all(b, &orders);
    }
    ok = ok && waiting_tell(b) && idempotency_keep(b) && stream_out(b);
    orders_free(&orders);
    free(ids.v);
    return ok;
}
