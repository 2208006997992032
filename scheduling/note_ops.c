/* The doctor's note: versions are added, never changed; signing names one of them and closes the visit. */
#include "core/mem.h"
#include "records/access.h"
#include "records/visit_gate.h"
#include "scheduling/ops.h"
#include "scheduling/order.sql.h"
#include "scheduling/order_move.h"

/* From home without evidence there is advice, no diagnosis (visit gate). */
static bool diagnosis_allowed(const struct order *o)
{
    struct visit_gate_in in = {.channel = o->channel,
                               .kind = o->kind,
                               .evidence = *o->prior_diagnosis != 0,
                               .inviting_present = true,
                               .consents = UINT32_MAX};

    return visit_gate(&in).rights & VISIT_MAY_DIAGNOSE;
}

static bool note_insert(struct batch *b, const struct sched_request *r, const struct order *o)
{
    struct db_args a;

    batch_args(b, &a);
    db_arg_i64(&a, o->visit_id);
    db_arg_i64(&a, o->note_version + 1);
    db_arg_i64(&a, o->tenant_id);
    db_arg_i64(&a, o->doctor_id);
    db_arg_str(&a, r->in.diagnosis_code);
    db_arg_str(&a, r->in.diagnosis_text);
    db_arg_str(&a, r->in.text);
    db_arg_str(&a, r->in.advice);
    db_arg_time(&a, b->now_us);
    return batch_run(b, &SQL_note_insert, &a);
}

bool op_order_note(struct batch *b, struct sched_request *r)
{
    struct orders loaded;
    const struct order *o;
    bool ok = order_guard_act(b, r, "note", &loaded, &o);

    if (!ok || !o)
        goto out;
    if ((*r->in.diagnosis_code || *r->in.diagnosis_text) && !diagnosis_allowed(o)) {
        answer_refuse(r, ERR_DENIED, "consult_only", "this visit may give advice but no diagnosis");
        goto out;
    }
    ok = batch_write(b) && note_insert(b, r, o);
    if (!ok)
        goto out;
    batch_audit(b, r,
                (struct batch_audit){.tenant_id = o->tenant_id,
                                     .person_id = o->person_id,
                                     .subject_kind = "visit",
                                     .subject_id = o->visit_id,
                                     .outcome = "ok",
                                     .detail = json_pack("{s:i}", "note_version", o->note_version + 1)});
    r->answer.doc = json_pack("{s:i}", "note_version", o->note_version + 1);
out:
    orders_free(&loaded);
    return ok;
}

/* Both sides keep the record for its retention, whatever ends the care grants. */
static bool record_grants(struct batch *b, const struct order *o)
{
    json_t *list = json_array();
    struct db_args a;

    if (o->doctor_tenant_id != o->tenant_id) {
        access_add(list, batch_id(b), o->visit_id, o->doctor_tenant_id, "record", o->id,
                   b->now_us + ACCESS_RECORD_US);
        access_add(list, batch_id(b), o->person_id, o->doctor_tenant_id, "record", o->id,
                   b->now_us + ACCESS_RECORD_US);
    } else
        access_add(list, batch_id(b), o->person_id, o->tenant_id, "record", o->id,
                   b->now_us + ACCESS_RECORD_US);
    access_grant_args(&a, b->region_id, b->now_us, list);
    json_decref(list);
    return batch_run(b, &SQL_access_grant, &a);
}

bool op_order_sign(struct batch *b, struct sched_request *r)
{
    struct orders loaded;
    const struct order *o;
    bool ok = order_guard(b, r, EV_SIGN, &loaded, &o);

    if (!ok || !o)
        goto out;
    if (r->in.note_version != o->note_version) {
        answer_refuse(r, ERR_STALE, "note_stale", "the newest version of the note is %d", o->note_version);
        r->answer.doc = json_pack("{s:i}", "note_version", o->note_version);
        goto out;
    }
    struct order_move move = {.order = o,
                              .on = EV_SIGN,
                              .then = EV_CLOSE,
                              .by = r,
                              .staff_id = o->doctor_id,
                              .note_version = o->note_version};
    ok = orders_move(b, &move, 1) && record_grants(b, o);
    r->order_id = o->id;
out:
    orders_free(&loaded);
    return ok;
}
