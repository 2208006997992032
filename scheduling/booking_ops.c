/* All bookings of a batch, decided together: facts, judge (booking.c), seats taken, orders made. */
#include "core/clock.h"
#include "core/mem.h"
#include "records/access.h"
#include "scheduling/booking.h"
#include "scheduling/booking_ops.sql.h"
#include "scheduling/ops.h"
#include "scheduling/order_new.h"
#include "scheduling/owner_internal.h"
#include <stdlib.h>
#include <string.h>

struct bookings {
    struct batch *b;
    struct sched_request **req;
    size_t n;
    struct booking *v;
    struct order_new *orders; /* of req[i] when new */
    struct db_rows facts;     /* lends the strings */
};

/* A patient books for himself; staff for a person within their organisation's reach. */
static int64_t person_of(const struct actor *a, const struct sched_request *r)
{
    if (!(a->roles & ROLE_PATIENT))
        return r->in.person_id;
    return !r->in.person_id || r->in.person_id == a->person_id ? a->person_id : 0;
}

static bool facts_query(struct bookings *k)
{
    int64_t *slots = mem_new(sizeof *slots * k->n), *persons = mem_new(sizeof *persons * k->n);
    int64_t *tenants = mem_new(sizeof *tenants * k->n), *own = mem_new(sizeof *own * k->n);
    struct db_args a;

    for (size_t i = 0; i < k->n; i++) {
        const struct actor *actor = batch_actor(k->b, k->req[i]);

        slots[i] = k->req[i]->in.slot_id;
        persons[i] = person_of(actor, k->req[i]);
        tenants[i] = actor->tenant_id;
        own[i] = (actor->roles & ROLE_PATIENT) != 0;
    }
    batch_args(k->b, &a);
    db_arg_time(&a, k->b->now_us);
    batch_arg_day(&a, k->b->today);
    db_arg_i64s(&a, slots, k->n);
    db_arg_i64s(&a, persons, k->n);
    db_arg_i64s(&a, tenants, k->n);
    db_arg_i64s(&a, own, k->n);
    free(slots);
    free(persons);
    free(tenants);
    free(own);
    return batch_query(k->b, &SQL_booking_facts, &a, &k->facts);
}

static void facts_read(struct bookings *k, int i)
{
    const struct db_rows *f = &k->facts;
    struct booking *v = &k->v[i];

    v->slot_id = k->req[i]->in.slot_id;
    v->slot_found = !db_null(f, i, 0);
    v->bookable = db_bool(f, i, 1);
    v->doctor_id = db_i64(f, i, 2);
    v->session_id = db_i64(f, i, 3);
    clock_parse_day(db_str(f, i, 4), strlen(db_str(f, i, 4)), &v->day);
    v->free = (int32_t)db_i64(f, i, 5);
    v->last_token = (int32_t)db_i64(f, i, 6);
    v->person_found = !db_null(f, i, 7);
    v->person_id = db_i64(f, i, 7);
    v->existing_order_id = db_i64(f, i, 8);
    v->open_orders = (int32_t)db_i64(f, i, 9);
    v->open_max = k->b->owner->opt.open_orders_max;
}

static bool seats_take(struct bookings *k)
{
    int64_t *slots = mem_new(sizeof *slots * k->n);
    size_t n = 0;
    int64_t taken = 0;
    struct db_args a;
    struct db_rows rows;
    bool ok;

    for (size_t i = 0; i < k->n; i++)
        if (k->v[i].result == BOOKING_NEW)
            slots[n++] = k->v[i].slot_id;
    batch_args_epoch(k->b, &a);
    db_arg_i64s(&a, slots, n);
    free(slots);
    if (!batch_query(k->b, &SQL_slots_take, &a, &rows))
        return false;
    for (int i = 0; i < rows.n; i++)
        taken += db_i64(&rows, i, 1);
    db_rows_free(&rows);
    ok = (size_t)taken == n;
    return ok || err_set(&k->b->err, ERR_AGAIN, "database_conflict", "%zu seats were judged free, %d taken",
                         n, (int)taken);
}

static struct order_new order_of(struct bookings *k, int i)
{
    const struct db_rows *f = &k->facts;

    return (struct order_new){
        .tenant_id = db_i64(f, i, 14),
        .person_id = db_i64(f, i, 7),
        .created_by = batch_actor(k->b, k->req[i])->id,
        .state = ORDER_BOOKED,
        .channel = VISIT_HOME_DIRECT,
        .kind = VISIT_FOLLOW_UP,
        .urgency = URGENCY_NORMAL,
        .specialty = db_str(f, i, 17),
        .care_level = db_null(f, i, 18) ? "L2" : db_str(f, i, 18),
        .complaint = k->req[i]->in.complaint,
        .person = db_str(f, i, 10),
        .sex = db_str(f, i, 11),
        .birth_date = db_str(f, i, 12),
        .person_account_id = db_i64(f, i, 13),
        .clinic_id = db_i64(f, i, 15),
        .clinic = db_str(f, i, 16),
        .slot_id = k->v[i].slot_id,
        .slot_day = k->v[i].day,
        .starts_at_us = db_time(f, i, 19),
        .token_no = k->v[i].token_no,
        .doctor_id = k->v[i].doctor_id,
        .doctor = db_str(f, i, 20),
        .doctor_tenant_id = db_i64(f, i, 21),
        .doctor_account_id = db_i64(f, i, 22),
        .prior_diagnosis = k->req[i]->in.prior_diagnosis,
    };
}

static void booked(struct bookings *k, size_t i, json_t *grants)
{
    const struct order_new *o = &k->orders[i];
    struct batch *b = k->b;

    /* The hospital's register may not know this person: for the visit it may. */
    access_add(grants, batch_id(b), o->person_id, o->doctor_tenant_id, "booking", o->id,
               (o->starts_at_us > b->now_us ? o->starts_at_us : b->now_us) + ACCESS_CARE_US);
    batch_audit(
        b, k->req[i],
        (struct batch_audit){.tenant_id = o->tenant_id,
                             .person_id = o->person_id,
                             .subject_kind = "order",
                             .subject_id = o->id,
                             .outcome = "ok",
                             .detail = json_pack("{s:s, s:i}", "to", "booked", "token_no", o->token_no)});
    batch_changed(b, o->id, 0);
    k->req[i]->order_id = o->id;
}

static bool orders_make(struct bookings *k)
{
    struct order_new_rows rows;
    json_t *grants = json_array();
    struct db_args a;
    bool ok;

    order_new_begin(&rows);
    for (size_t i = 0; i < k->n; i++)
        if (k->v[i].result == BOOKING_NEW) {
            k->orders[i] = order_of(k, (int)i);
            order_new_add(&rows, k->b, &k->orders[i]);
        }
    ok = order_new_insert(&rows, k->b);
    for (size_t i = 0; ok && i < k->n; i++)
        if (k->v[i].result == BOOKING_NEW)
            booked(k, i, grants);
    if (ok) {
        access_grant_args(&a, k->b->region_id, k->b->now_us, grants);
        ok = batch_run(k->b, &SQL_access_grant, &a);
    }
    json_decref(grants);
    return ok;
}

static void answer_others(struct bookings *k)
{
    for (size_t i = 0; i < k->n; i++) {
        const struct booking *v = &k->v[i];
        const char *refusal = booking_refusal(v->result);

        if (v->result == BOOKING_SAME)
            k->req[i]->order_id = v->existing_order_id;
        else if (v->result == BOOKING_SAME_BATCH)
            k->req[i]->order_id = k->orders[v->same_as].id;
        else if (refusal)
            answer_refuse(k->req[i], v->result == BOOKING_PERSON_UNKNOWN ? ERR_NOT_FOUND : ERR_CONFLICT,
                          refusal, "this booking is not possible");
    }
}

bool op_appointment_create(struct batch *b, struct sched_request **req, size_t n)
{
    struct bookings k = {.b = b, .req = req, .n = n};
    bool ok = false, any = false;

    k.v = mem_new(sizeof *k.v * n);
    k.orders = mem_new(sizeof *k.orders * n);
    if (!facts_query(&k))
        goto out;
    for (int i = 0; i < k.facts.n && (size_t)i < n; i++)
        facts_read(&k, i);
    bookings_judge(k.v, n);
    for (size_t i = 0; i < n; i++)
        any = any || k.v[i].result == BOOKING_NEW;
    if (any && (!batch_write(b) || !seats_take(&k) || !orders_make(&k)))
        goto out;
    answer_others(&k);
    ok = true;
out:
    db_rows_free(&k.facts);
    free(k.v);
    free(k.orders);
    return ok;
}
