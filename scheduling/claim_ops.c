/* All claims of a batch, decided together: facts, judge (claim.c), one UPDATE, and what winning brings with it. */
#include "core/mem.h"
#include "records/access.h"
#include "scheduling/claim.h"
#include "scheduling/claim_ops.sql.h"
#include "scheduling/ops.h"
#include "scheduling/order_move.sql.h"
#include "scheduling/pool.h"
#include <stdlib.h>

struct claims {
    struct batch *b;
    struct sched_request **req;
    size_t n;
    struct claim *v; /* of req[i] */
    struct claim_extra {
        int32_t serve_s;
        int64_t tenant_id, person_id, visit_id; /* of the order */
    } * extra;
    size_t won;
};

static bool facts_query(struct claims *c, struct db_rows *rows)
{
    int64_t *orders = mem_new(sizeof *orders * c->n), *staff = mem_new(sizeof *staff * c->n);
    const char **nonces = mem_new(sizeof *nonces * c->n);
    struct db_args a;

    for (size_t i = 0; i < c->n; i++) {
        orders[i] = c->req[i]->in.order_id;
        staff[i] = batch_actor(c->b, c->req[i])->staff_id;
        nonces[i] = c->req[i]->in.nonce;
    }
    batch_args(c->b, &a);
    batch_arg_day(&a, c->b->today);
    db_arg_i64s(&a, orders, c->n);
    db_arg_i64s(&a, staff, c->n);
    db_arg_strs(&a, nonces, c->n);
    free(orders);
    free(staff);
    free(nonces);
    return batch_query(c->b, &SQL_claim_facts, &a, rows);
}

static void facts_read(struct claims *c, const struct db_rows *r, int i)
{
    struct claim *v = &c->v[i];

    v->order_id = c->req[i]->in.order_id;
    v->staff_id = batch_actor(c->b, c->req[i])->staff_id;
    v->version = (int32_t)c->req[i]->in.version;
    v->order_found = !db_null(r, i, 0);
    order_state_parse(db_str(r, i, 1), &v->state);
    v->version_now = (int32_t)db_i64(r, i, 2);
    v->doctor_id = db_i64(r, i, 3);
    v->on_duty = db_bool(r, i, 4);
    v->licence_valid = db_bool(r, i, 5);
    v->specialty_fits = db_bool(r, i, 6);
    v->level_fits = db_bool(r, i, 7);
    v->own_request = db_bool(r, i, 8);
    v->offered = db_bool(r, i, 9);
    v->nonce_fits = db_bool(r, i, 10);
    v->live = (int32_t)db_i64(r, i, 11);
    v->in_hand = (int32_t)db_i64(r, i, 12);
    v->hand_max = (int32_t)db_i64(r, i, 13);
    c->extra[i] =
        (struct claim_extra){(int32_t)db_i64(r, i, 14), db_i64(r, i, 15), db_i64(r, i, 16), db_i64(r, i, 17)};
}

static bool facts(struct claims *c)
{
    struct db_rows rows;

    if (!facts_query(c, &rows))
        return false;
    for (int i = 0; i < rows.n && (size_t)i < c->n; i++)
        facts_read(c, &rows, i);
    db_rows_free(&rows);
    return true;
}

/* ---------------------------------------------------------------- winners */

static bool winners_update(struct claims *c)
{
    int64_t *orders = mem_new(sizeof *orders * c->n), *staff = mem_new(sizeof *staff * c->n);
    int32_t *versions = mem_new(sizeof *versions * c->n), *serve = mem_new(sizeof *serve * c->n);
    size_t n = 0;
    struct db_args a;
    struct db_rows rows = {0};
    bool ok;

    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].result == CLAIM_WON) {
            orders[n] = c->v[i].order_id;
            staff[n] = c->v[i].staff_id;
            versions[n] = c->v[i].version;
            serve[n++] = c->extra[i].serve_s;
        }
    batch_args_epoch(c->b, &a);
    db_arg_time(&a, c->b->now_us);
    db_arg_i64s(&a, orders, n);
    db_arg_i64s(&a, staff, n);
    db_arg_i32s(&a, versions, n);
    db_arg_i32s(&a, serve, n);
    ok = batch_query(c->b, &SQL_claim_batch, &a, &rows);
    if (ok && (size_t)rows.n != n)
        ok = err_set(&c->b->err, ERR_AGAIN, "database_conflict", "%zu claims were judged won, %d matched", n,
                     rows.n);
    db_rows_free(&rows);
    free(orders);
    free(staff);
    free(versions);
    free(serve);
    c->won = n;
    return ok;
}

static json_t *seat_row(struct claims *c, size_t i)
{
    const struct actor *doctor = batch_actor(c->b, c->req[i]);

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:s}", "visit_id", (json_int_t)c->extra[i].visit_id, "id",
                     (json_int_t)batch_id(c->b), "tenant_id", (json_int_t)doctor->tenant_id, "account_id",
                     (json_int_t)doctor->id, "staff_id", (json_int_t)doctor->staff_id, "name", doctor->name);
}

/* A seat in the room, sight of this patient and this visit, and the others lose the offer from their screens. */
static bool winners_enter(struct claims *c)
{
    json_t *seats = json_array(), *grants = json_array();
    int64_t *orders = mem_new(sizeof *orders * c->n);
    size_t n = 0;
    struct db_args a;
    struct db_rows gone = {0};
    bool ok;

    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].result == CLAIM_WON) {
            const struct claim_extra *x = &c->extra[i];
            int64_t tenant = batch_actor(c->b, c->req[i])->tenant_id, until = c->b->now_us + ACCESS_CARE_US;

            orders[n++] = c->v[i].order_id;
            json_array_append_new(seats, seat_row(c, i));
            access_add(grants, batch_id(c->b), x->person_id, tenant, "care", c->v[i].order_id, until);
            access_add(grants, batch_id(c->b), x->visit_id, tenant, "care", c->v[i].order_id, until);
        }
    batch_args(c->b, &a);
    batch_arg_json(&a, seats);
    ok = batch_run(c->b, &SQL_claim_seats, &a);
    if (ok) {
        access_grant_args(&a, c->b->region_id, c->b->now_us, grants);
        ok = batch_run(c->b, &SQL_access_grant, &a);
    }
    if (ok) {
        batch_args(c->b, &a);
        db_arg_time(&a, c->b->now_us);
        db_arg_i64s(&a, orders, n);
        ok = batch_query(c->b, &SQL_offers_withdraw, &a, &gone);
    }
    if (ok)
        pool_tell(c->b, "removed", &gone);
    db_rows_free(&gone);
    json_decref(seats);
    json_decref(grants);
    free(orders);
    return ok;
}

/* ---------------------------------------------------------------- the log and the answers */

static json_t *log_row(struct claims *c, size_t i, int64_t id)
{
    const struct claim *v = &c->v[i];
    json_t *row = json_pack(
        "{s:I, s:I, s:I, s:I, s:i, s:s, s:s, s:i, s:s}", "id", (json_int_t)id, "tenant_id",
        (json_int_t)batch_actor(c->b, c->req[i])->tenant_id, "order_id", (json_int_t)v->order_id, "staff_id",
        (json_int_t)v->staff_id, "version", v->version, "result", claim_result_name(v->result), "reason",
        v->result == CLAIM_INELIGIBLE ? v->reason : "", "rank", (int)i, "request_id", c->req[i]->client_id);

    if (v->winner_id)
        json_object_set_new(row, "winner_id", json_integer(v->winner_id));
    return row;
}

static void refuse(struct sched_request *r, const struct claim *v, int64_t log_id)
{
    switch (v->result) {
    case CLAIM_LOST:
        answer_refuse(r, ERR_CONFLICT, "claim_lost", "another doctor was first");
        break;
    case CLAIM_STALE:
        answer_refuse(r, ERR_STALE, "claim_stale", "the order has moved on to version %d", v->version_now);
        break;
    case CLAIM_INELIGIBLE:
        answer_refuse(r, ERR_DENIED, "claim_ineligible", "%s", v->reason);
        break;
    case CLAIM_NO_ORDER:
        answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such order");
        return;
    case CLAIM_WON:
    case CLAIM_WON_AGAIN:
        return;
    }
    r->answer.doc = json_object();
    json_object_set_new(r->answer.doc, "log_id", json_id(log_id));
    if (v->result == CLAIM_INELIGIBLE)
        json_object_set_new(r->answer.doc, "reason", json_string(v->reason));
}

static void claim_audit(struct claims *c, size_t i, int64_t log_id)
{
    const struct claim *v = &c->v[i];
    json_t *detail = json_object();

    json_object_set_new(detail, "log_id", json_id(log_id));
    json_object_set_new(detail, "version", json_integer(v->version));
    if (v->result == CLAIM_INELIGIBLE)
        json_object_set_new(detail, "reason", json_string(v->reason));
    batch_audit(c->b, c->req[i],
                (struct batch_audit){.tenant_id = c->extra[i].tenant_id,
                                     .person_id = v->result == CLAIM_WON ? c->extra[i].person_id : 0,
                                     .subject_kind = "order",
                                     .subject_id = v->order_id,
                                     .outcome = claim_result_name(v->result),
                                     .detail = detail});
}

/* Every claim that named a real order has its row in claim_log. The trail has the winners and those who had no business to
 * try; who was only slower did nothing that the log does not say. */
static bool log_all(struct claims *c)
{
    json_t *rows = json_array();
    struct db_args a;
    bool ok = true;

    for (size_t i = 0; i < c->n; i++) {
        const struct claim *v = &c->v[i];
        int64_t id;

        if (v->result == CLAIM_NO_ORDER || v->result == CLAIM_WON_AGAIN)
            continue;
        id = batch_id(c->b);
        json_array_append_new(rows, log_row(c, i, id));
        if (v->result == CLAIM_WON) {
            c->req[i]->order_id = v->order_id;
            c->req[i]->log_id = id;
            batch_changed(c->b, v->order_id, 0);
        }
        if (v->result == CLAIM_WON || v->result == CLAIM_INELIGIBLE)
            claim_audit(c, i, id);
        refuse(c->req[i], v, id);
    }
    if (json_array_size(rows)) {
        batch_args_epoch(c->b, &a);
        db_arg_i64(&a, c->b->number);
        db_arg_time(&a, c->b->now_us);
        batch_arg_json(&a, rows);
        ok = batch_run(c->b, &SQL_claim_log_insert, &a);
    }
    json_decref(rows);
    return ok;
}

static bool answer_again(struct claims *c)
{
    int64_t *orders = mem_new(sizeof *orders * c->n), *staff = mem_new(sizeof *staff * c->n);
    size_t n = 0;
    struct db_args a;
    struct db_rows rows = {0};
    bool ok = true;

    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].result == CLAIM_WON_AGAIN) {
            orders[n] = c->v[i].order_id;
            staff[n++] = c->v[i].staff_id;
        }
    if (n) {
        batch_args(c->b, &a);
        db_arg_i64s(&a, orders, n);
        db_arg_i64s(&a, staff, n);
        ok = batch_query(c->b, &SQL_claim_log_won, &a, &rows);
    }
    for (size_t i = 0; ok && i < c->n; i++) {
        if (c->v[i].result == CLAIM_NO_ORDER)
            refuse(c->req[i], &c->v[i], 0);
        if (c->v[i].result != CLAIM_WON_AGAIN)
            continue;
        c->req[i]->order_id = c->v[i].order_id;
        for (int k = 0; k < rows.n; k++)
            if (db_i64(&rows, k, 0) == c->v[i].order_id)
                c->req[i]->log_id = db_i64(&rows, k, 1);
        if (!c->req[i]->log_id) { /* his by booking, not by claim */
            c->req[i]->order_id = 0;
            answer_refuse(c->req[i], ERR_CONFLICT, "wrong_state", "this order was booked, not offered");
        }
    }
    db_rows_free(&rows);
    free(orders);
    free(staff);
    return ok;
}

bool op_order_claim(struct batch *b, struct sched_request **req, size_t n)
{
    struct claims c = {.b = b, .req = req, .n = n};
    bool ok = false;

    c.v = mem_new(sizeof *c.v * n);
    c.extra = mem_new(sizeof *c.extra * n);
    if (!facts(&c))
        goto out;
    claims_judge(c.v, n);
    for (size_t i = 0; i < n; i++)
        c.won += c.v[i].result == CLAIM_WON;
    if (!batch_write(b))
        goto out;
    if (c.won && (!winners_update(&c) || !winners_enter(&c)))
        goto out;
    ok = log_all(&c) && answer_again(&c);
out:
    free(c.v);
    free(c.extra);
    return ok;
}
