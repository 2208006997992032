/* 出诊: on duty and off; and presence as signald reports it, which drives the gate and the served claim. */
#include "scheduling/duty_ops.sql.h"
#include "scheduling/ops.h"
#include "scheduling/order_move.h"
#include "scheduling/pool.h"
#include "scheduling/pool.sql.h"
#include "scheduling/presence.h"
#include <string.h>

static json_t *duty_doc(bool on, int64_t since_us)
{
    json_t *out = json_object();

    json_object_set_new(out, "on_duty", json_boolean(on));
    json_object_set_new(out, "since", json_time(since_us));
    return out;
}

bool op_duty_get(struct batch *b, struct sched_request *r)
{
    struct db_args a;
    struct db_rows rows;

    batch_args(b, &a);
    db_arg_i64(&a, batch_actor(b, r)->staff_id);
    if (!batch_query(b, &SQL_duty_get, &a, &rows))
        return false;
    r->answer.doc = duty_doc(rows.n && db_bool(&rows, 0, 0), rows.n ? db_time(&rows, 0, 1) : 0);
    db_rows_free(&rows);
    return true;
}

static bool pool_follows(struct batch *b, int64_t staff_id, bool on)
{
    struct db_args a;

    if (on)
        return pool_offer(b, NULL, 0, staff_id);
    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_i64(&a, staff_id);
    return batch_run(b, &SQL_offers_leave, &a);
}

static bool duty_changed(struct batch *b, struct sched_request *r, bool on)
{
    const struct actor *doctor = batch_actor(b, r);
    json_t *data = json_object();

    json_object_set_new(data, "staff_id", json_id(doctor->staff_id));
    json_object_set_new(data, "on_duty", json_boolean(on));
    batch_event_region(b, "duty", doctor->tenant_id, doctor->staff_id, data);
    batch_audit(b, r,
                (struct batch_audit){.subject_kind = "staff",
                                     .subject_id = doctor->staff_id,
                                     .outcome = "ok",
                                     .detail = json_pack("{s:b}", "on", on)});
    batch_queue(b, doctor->staff_id);
    return pool_follows(b, doctor->staff_id, on);
}

bool op_duty_set(struct batch *b, struct sched_request *r)
{
    struct db_args a;
    struct db_rows rows;
    bool changed, ok = true;

    if (!batch_write(b))
        return false;
    batch_args_epoch(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_i64(&a, batch_actor(b, r)->staff_id);
    db_arg_bool(&a, r->in.on);
    batch_arg_day(&a, b->today);
    if (!batch_query(b, &SQL_duty_set, &a, &rows))
        return false;
    changed = rows.n == 1;
    db_rows_free(&rows);
    if (changed)
        ok = duty_changed(b, r, r->in.on);
    if (ok)
        ok = op_duty_get(b, r);
    if (ok && json_is_true(json_object_get(r->answer.doc, "on_duty")) != r->in.on) {
        answer_clear(r);
        answer_refuse(r, ERR_DENIED, "licence_invalid", "the licence is not valid today");
    }
    return ok;
}

/* ---------------------------------------------------------------- presence */

/* The claimant came: the claim is served. */
static bool doctor_came(struct batch *b, int64_t order_id, const struct sched_request *r)
{
    struct orders loaded;
    const struct order *o;
    bool ok = orders_load(&loaded, b, &order_id, 1);

    o = ok ? orders_find(&loaded, order_id) : NULL;
    if (o && o->state == ORDER_CLAIMED)
        ok = order_move(b, o, EV_DOCTOR_JOINED, r);
    orders_free(&loaded);
    return ok;
}

bool op_presence(struct batch *b, struct sched_request *r)
{
    struct db_args a;
    struct db_rows rows;
    int64_t order_id;
    bool was, doctor, ok = true;

    if (!batch_write(b))
        return false;
    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_i64(&a, r->in.visit_id);
    db_arg_i64(&a, r->in.seat_id);
    db_arg_bool(&a, r->in.on);
    if (!batch_query(b, &SQL_seat_report, &a, &rows))
        return false;
    if (!rows.n) {
        db_rows_free(&rows);
        answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such seat");
        return true;
    }
    was = db_bool(&rows, 0, 0);
    doctor = !strcmp(db_str(&rows, 0, 1), "doctor");
    order_id = db_i64(&rows, 0, 2);
    db_rows_free(&rows);
    if (r->in.on && doctor)
        ok = doctor_came(b, order_id, r);
    if (ok && was != r->in.on) /* "dropped" keeps the seat, so nobody is told before the grace is over */
        batch_changed(b, order_id, 0);
    r->answer.doc = json_object();
    return ok;
}

bool presence_sweep(struct batch *b, void *arg)
{
    int64_t silence_us = *(const int64_t *)arg;
    struct db_args a;
    struct db_rows rows;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_time(&a, b->now_us - silence_us);
    if (!batch_write(b) || !batch_query(b, &SQL_seats_silent, &a, &rows))
        return false;
    for (int i = 0; i < rows.n; i++)
        batch_changed(b, db_i64(&rows, i, 0), 0);
    db_rows_free(&rows);
    return true;
}
