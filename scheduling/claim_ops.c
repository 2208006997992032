/* Claims of orders: a seat in the room, sight of the patient, and the others lose the offer. claim_run.c is the engine. */
#include "core/mem.h"
#include "records/access.h"
#include "scheduling/claim_ops.sql.h"
#include "scheduling/claim_run.h"
#include "scheduling/ops.h"
#include "scheduling/order_move.sql.h"
#include "scheduling/pool.h"
#include <stdlib.h>

static int64_t asked(const struct sched_request *r)
{
    return r->in.order_id;
}

static json_t *seat_row(struct claims *c, size_t i)
{
    const struct actor *doctor = batch_actor(c->b, c->req[i]);

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:s}", "visit_id", (json_int_t)c->extra[i].place_id, "id",
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

            orders[n++] = c->v[i].subject_id;
            json_array_append_new(seats, seat_row(c, i));
            access_add(grants, batch_id(c->b), x->person_id, tenant, "care", c->v[i].subject_id, until);
            access_add(grants, batch_id(c->b), x->place_id, tenant, "care", c->v[i].subject_id, until);
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

static bool answer_again(struct claims *c)
{
    int64_t *orders = mem_new(sizeof *orders * c->n), *staff = mem_new(sizeof *staff * c->n);
    size_t n = 0;
    struct db_args a;
    struct db_rows rows = {0};
    bool ok = true;

    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].result == CLAIM_WON_AGAIN) {
            orders[n] = c->v[i].subject_id;
            staff[n++] = c->v[i].staff_id;
        }
    if (n) {
        batch_args(c->b, &a);
        db_arg_i64s(&a, orders, n);
        db_arg_i64s(&a, staff, n);
        ok = batch_query(c->b, &SQL_claim_log_won, &a, &rows);
    }
    for (size_t i = 0; ok && i < c->n; i++) {
        if (c->v[i].result != CLAIM_WON_AGAIN)
            continue;
        c->req[i]->order_id = c->v[i].subject_id;
        for (int k = 0; k < rows.n; k++)
            if (db_i64(&rows, k, 0) == c->v[i].subject_id)
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

static void order_won(struct claims *c, size_t i, int64_t log_id)
{
    c->req[i]->order_id = c->v[i].subject_id;
    c->req[i]->log_id = log_id;
    batch_changed(c->b, c->v[i].subject_id, 0);
}

bool op_order_claim(struct batch *b, struct sched_request **req, size_t n)
{
    static const struct claim_trade ORDERS = {.kind = CLAIM_ORDER,
                                              .subject = "order",
                                              .id_key = "order_id",
                                              .rival = "another doctor",
                                              .asked = asked,
                                              .facts = &SQL_claim_facts,
                                              .take = &SQL_claim_batch,
                                              .enter = winners_enter,
                                              .won = order_won,
                                              .again = answer_again};

    return claims_run(&ORDERS, b, req, n);
}
