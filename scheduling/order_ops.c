/* Commands and questions about one order, and the assisted request that makes one. */
#include "core/mem.h"
#include "records/access.h"
#include "records/consent.h"
#include "scheduling/ops.h"
#include "scheduling/order.sql.h"
#include "scheduling/order_move.h"
#include "scheduling/order_new.h"
#include "scheduling/order_ops.sql.h"
#include "scheduling/owner_internal.h"
#include "scheduling/pool.h"
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- questions */

bool op_order_get(struct batch *b, struct sched_request *r)
{
    struct orders loaded;
    const struct order *o;

    if (!orders_load(&loaded, b, &r->in.order_id, 1))
        return false;
    o = orders_find(&loaded, r->in.order_id);
    if (!o || !order_party(o, batch_actor(b, r)))
        answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such order");
    else
        r->order_id = o->id;
    orders_free(&loaded);
    return true;
}

static const struct db_stmt *list_question(struct batch *b, const struct sched_request *r, struct db_args *a)
{
    const struct actor *actor = batch_actor(b, r);

    batch_args(b, a);
    if (actor->roles & ROLE_PATIENT) {
        db_arg_i64(a, actor->person_id);
        return &SQL_order_ids_patient;
    }
    if (actor->roles & ROLE_DOCTOR) {
        db_arg_i64(a, actor->staff_id);
        return &SQL_order_ids_doctor;
    }
    if (actor->roles & (ROLE_TOWNSHIP_DOCTOR | ROLE_OPERATOR)) {
        db_arg_i64(a, actor->tenant_id);
        db_arg_i64(a,
                   r->in.scope == SCOPE_MINE && (actor->roles & ROLE_TOWNSHIP_DOCTOR) ? actor->staff_id : 0);
        return &SQL_order_ids_inviting;
    }
    db_arg_i64(a, actor->region_wide && (actor->roles & (ROLE_COORDINATOR | ROLE_SUPERVISOR))
                      ? 0
                      : actor->tenant_id);
    return &SQL_order_ids_owner;
}

bool op_order_list(struct batch *b, struct sched_request *r)
{
    struct db_args a;
    struct db_rows rows;
    const struct db_stmt *stmt = list_question(b, r, &a);

    db_arg_bool(&a, r->in.scope == SCOPE_HISTORY);
    if (r->in.scope == SCOPE_TODAY)
        batch_arg_day(&a, b->today);
    else
        db_arg_null(&a);
    if (!batch_query(b, stmt, &a, &rows))
        return false;
    r->as_list = true;
    r->order_ids = mem_new(sizeof *r->order_ids * (size_t)(rows.n + 1));
    for (int i = 0; i < rows.n; i++)
        r->order_ids[r->n_order_ids++] = db_i64(&rows, i, 0);
    db_rows_free(&rows);
    return true;
}

/* ---------------------------------------------------------------- the assisted request */

static bool assist_facts(struct batch *b, struct sched_request *r, struct db_rows *rows)
{
    const struct actor *actor = batch_actor(b, r);
    struct db_args a;

    batch_args(b, &a);
    db_arg_i64(&a, actor->tenant_id);
    db_arg_i64(&a, actor->staff_id);
    db_arg_i64(&a, r->in.person_id);
    db_arg_i64(&a, r->in.clinic_id);
    db_arg_time(&a, b->now_us);
    batch_arg_day(&a, b->today);
    return batch_query(b, &SQL_assist_facts, &a, rows);
}

static bool assist_refused(struct batch *b, struct sched_request *r, const struct db_rows *rows)
{
    if (!rows->n || db_null(rows, 0, 1))
        answer_refuse(r, ERR_NOT_FOUND, "person_unknown", "no such person within this organisation's reach");
    else if (db_null(rows, 0, 5))
        answer_refuse(r, ERR_CONFLICT, "inviting_doctor_missing",
                      "the inviting side has no licensed doctor to accompany");
    else if (r->in.clinic_id && db_null(rows, 0, 8))
        answer_refuse(r, ERR_NOT_FOUND, "clinic_unknown", "no such clinic, or it is closed");
    else if (db_i64(rows, 0, 13) >= b->owner->opt.open_orders_max)
        answer_refuse(r, ERR_CONFLICT, "too_many_open_orders", "at most %d open orders per person",
                      b->owner->opt.open_orders_max);
    return r->answer.err.code != ERR_NONE;
}

bool op_order_create(struct batch *b, struct sched_request *r)
{
    const struct actor *actor = batch_actor(b, r);
    struct order_new_rows rows;
    struct db_rows f = {0};
    bool ok = false;

    if (!assist_facts(b, r, &f))
        return false;
    if (assist_refused(b, r, &f)) {
        db_rows_free(&f);
        return true;
    }
    struct order_new o = {
        .tenant_id = actor->tenant_id,
        .person_id = db_i64(&f, 0, 1),
        .created_by = actor->id,
        .state = ORDER_POOLED,
        .channel = VISIT_ASSISTED,
        .kind = VISIT_FIRST_VISIT,
        .urgency = (enum order_urgency)r->in.urgency,
        .specialty = r->in.clinic_id ? db_str(&f, 0, 10) : r->in.specialty,
        .care_level = r->in.clinic_id && !db_null(&f, 0, 11) ? db_str(&f, 0, 11)
                                                             : "L2", /* the first remote visit is at L2 */
        .complaint = r->in.complaint,
        .person = db_str(&f, 0, 2),
        .sex = db_str(&f, 0, 3),
        .birth_date = db_str(&f, 0, 4),
        .person_account_id = db_i64(&f, 0, 12),
        .inviting_tenant_id = actor->tenant_id,
        .inviting_staff_id = db_i64(&f, 0, 5),
        .inviting_staff = db_str(&f, 0, 6),
        .inviting_account_id = db_i64(&f, 0, 7),
        .township = db_str(&f, 0, 0),
        .clinic_id = r->in.clinic_id,
        .clinic = r->in.clinic_id ? db_str(&f, 0, 9) : NULL,
        .vitals = r->in.vitals,
    };
    order_new_begin(&rows);
    order_new_add(&rows, b, &o);
    if (!order_new_insert(&rows, b) || !pool_offer(b, &o.id, 1, 0))
        goto out;
    batch_audit(b, r,
                (struct batch_audit){.tenant_id = o.tenant_id,
                                     .person_id = o.person_id,
                                     .subject_kind = "order",
                                     .subject_id = o.id,
                                     .outcome = "ok",
                                     .detail = json_pack("{s:s, s:s, s:s}", "to", "pooled", "specialty",
                                                         o.specialty, "urgency", urgency_name(o.urgency))});
    batch_changed(b, o.id, 0);
    r->order_id = o.id;
    ok = true;
out:
    db_rows_free(&f);
    return ok;
}

/* ---------------------------------------------------------------- commands */

bool op_order_cancel(struct batch *b, struct sched_request *r)
{
    struct orders loaded;
    const struct order *o;
    bool ok = order_guard(b, r, EV_CANCEL, &loaded, &o);

    if (ok && o) {
        struct order_move move = {
            .order = o, .on = EV_CANCEL, .then = ORDER_EVENT_COUNT, .by = r, .reason = r->in.reason};

        ok = orders_move(b, &move, 1) && orders_release(b, &o, 1);
        r->order_id = o->id;
    }
    orders_free(&loaded);
    return ok;
}

bool op_order_check_in(struct batch *b, struct sched_request *r)
{
    struct orders loaded;
    const struct order *o;
    bool ok = order_guard(b, r, EV_CHECK_IN, &loaded, &o);

    if (ok && o) {
        if (b->now_us < order_opens_at_us(o)) {
            answer_refuse(r, ERR_CONFLICT, "too_early", "the waiting room is not open yet");
            r->answer.doc = json_object();
            json_object_set_new(r->answer.doc, "opens_at", json_time(order_opens_at_us(o)));
        } else {
            ok = order_move(b, o, EV_CHECK_IN, r);
            r->order_id = o->id;
        }
    }
    orders_free(&loaded);
    return ok;
}

static json_t *kinds_doc(uint32_t kinds)
{
    json_t *list = json_array(), *out = json_object();

    for (unsigned i = 0; i < CONSENT_KINDS; i++)
        if (kinds & UINT32_C(1) << i)
            json_array_append_new(list, json_string(consent_name(UINT32_C(1) << i)));
    json_object_set_new(out, "kinds", list);
    return out;
}

static bool seats_admit(struct batch *b, const struct order *o, bool admitted)
{
    struct db_args a;

    batch_args(b, &a);
    db_arg_i64(&a, o->visit_id);
    db_arg_bool(&a, admitted);
    return batch_run(b, &SQL_seats_admit, &a);
}

static bool gate_refused(struct sched_request *r, const struct order *o)
{
    struct visit_gate_in in = {.channel = o->channel,
                               .kind = o->kind,
                               .evidence = *o->prior_diagnosis != 0,
                               .inviting_present = o->inviting_present,
                               .consents = o->consents};
    struct visit_gate_out gate = visit_gate(&in);

    if (gate.open)
        return false;
    answer_refuse(r, ERR_CONFLICT, gate.reason, "the visit may not go live");
    if (gate.consents_missing)
        r->answer.doc = kinds_doc(gate.consents_missing);
    return true;
}

/* waiting -> live: real name, licence and the gate are looked at now, not when the order was made. */
bool op_order_admit(struct batch *b, struct sched_request *r)
{
    struct orders loaded;
    const struct order *o;
    struct db_rows rows = {0};
    struct db_args a;
    bool ok = order_guard(b, r, EV_ADMIT, &loaded, &o);

    if (!ok || !o)
        goto out;
    batch_args(b, &a);
    db_arg_i64(&a, o->doctor_id);
    db_arg_i64(&a, o->id);
    batch_arg_day(&a, b->today);
    if (!(ok = batch_query(b, &SQL_doctor_may_begin, &a, &rows)))
        goto out;
    if (!db_bool(&rows, 0, 0))
        answer_refuse(r, ERR_DENIED, "licence_invalid", "the licence is not valid today");
    else if (db_bool(&rows, 0, 1))
        answer_refuse(r, ERR_CONFLICT, "live_now", "another visit of this doctor is live");
    else if (!gate_refused(r, o)) {
        ok = order_move(b, o, EV_ADMIT, r) && seats_admit(b, o, true);
        r->order_id = o->id;
    }
out:
    db_rows_free(&rows);
    orders_free(&loaded);
    return ok;
}

bool op_order_send_back(struct batch *b, struct sched_request *r)
{
    struct orders loaded;
    const struct order *o;
    bool ok = order_guard(b, r, EV_SEND_BACK, &loaded, &o);

    if (ok && o) {
        ok = order_move(b, o, EV_SEND_BACK, r) && seats_admit(b, o, false);
        r->order_id = o->id;
    }
    orders_free(&loaded);
    return ok;
}

bool op_order_end(struct batch *b, struct sched_request *r)
{
    struct orders loaded;
    const struct order *o;
    bool ok = order_guard(b, r, EV_END, &loaded, &o);

    if (ok && o) {
        struct db_args a;

        ok = order_move(b, o, EV_END, r);
        batch_args(b, &a);
        db_arg_i64s(&a, &o->visit_id, 1);
        if (ok)
            ok = batch_run(b, &SQL_seats_close, &a);
        else
            db_args_free(&a);
        r->order_id = o->id;
    }
    orders_free(&loaded);
    return ok;
}
