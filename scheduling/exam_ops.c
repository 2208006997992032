/* Exams as they are ordered, listed and withdrawn, and the readers' worklist. */
#include "core/mem.h"
#include "scheduling/exam.sql.h"
#include "scheduling/exam_move.h"
#include "scheduling/ops.h"
#include "scheduling/order.h"
#include <string.h>

/* ---------------------------------------------------------------- questions */

bool op_exam_get(struct batch *b, struct sched_request *r)
{
    struct exams loaded;
    const struct exam *e;

    if (!exams_load(&loaded, b, &r->in.exam_id, 1))
        return false;
    e = exams_find(&loaded, r->in.exam_id);
    if (!e || !exam_party(e, batch_actor(b, r)))
        answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such exam");
    else
        r->exam_id = e->id;
    exams_free(&loaded);
    return true;
}

static bool answer_ids(struct batch *b, struct sched_request *r, const struct db_stmt *stmt,
                       struct db_args *a)
{
    struct db_rows rows;

    if (!batch_query(b, stmt, a, &rows))
        return false;
    r->exam_ids = mem_new(sizeof *r->exam_ids * (size_t)(rows.n + 1));
    for (int i = 0; i < rows.n; i++)
        r->exam_ids[r->n_exam_ids++] = db_i64(&rows, i, 0);
    db_rows_free(&rows);
    return true;
}

/* Whose exams, by the caller's role; which of them he may see is asked again of each. */
static const struct db_stmt *list_question(const struct actor *actor, int64_t scope, int64_t *whose)
{
    if (scope != EXAMS_TOWNSHIP && (actor->roles & ROLE_READER)) {
        *whose = actor->staff_id;
        return &SQL_exam_ids_reader;
    }
    if (scope != EXAMS_TOWNSHIP && (actor->roles & ROLE_PATIENT)) {
        *whose = actor->person_id;
        return &SQL_exam_ids_patient;
    }
    if (scope != EXAMS_TOWNSHIP &&
        (actor->roles & ROLE_DOCTOR || (actor->roles & ROLE_TOWNSHIP_DOCTOR && scope == EXAMS_MINE))) {
        *whose = actor->staff_id;
        return &SQL_exam_ids_doctor;
    }
    *whose = actor->tenant_id;
    return actor->region_wide && (actor->roles & ROLE_COORDINATOR) ? &SQL_exam_ids_open
                                                                   : &SQL_exam_ids_tenant;
}

bool op_exam_list(struct batch *b, struct sched_request *r)
{
    const struct db_stmt *stmt;
    struct db_args a;
    int64_t whose;

    batch_args(b, &a);
    if (r->in.visit_id || r->in.scope == EXAMS_VISIT) {
        db_arg_i64(&a, r->in.visit_id);
        return answer_ids(b, r, &SQL_exam_ids_visit, &a);
    }
    stmt = list_question(batch_actor(b, r), r->in.scope, &whose);
    if (stmt == &SQL_exam_ids_open)
        return answer_ids(b, r, stmt, &a);
    db_arg_i64(&a, whose);
    db_arg_bool(&a, r->in.scope == EXAMS_HISTORY);
    if (stmt == &SQL_exam_ids_tenant)
        db_arg_time(&a, b->now_us);
    return answer_ids(b, r, stmt, &a);
}

bool op_reading_list(struct batch *b, struct sched_request *r)
{
    struct db_args a;

    batch_args(b, &a);
    db_arg_i64(&a, batch_actor(b, r)->staff_id);
    db_arg_str(&a, r->in.modality);
    return answer_ids(b, r, &SQL_reading_ids, &a);
}

/* ---------------------------------------------------------------- ordering */

#define IN(state) (UINT32_C(1) << ORDER_##state)
#define MAY_ORDER (IN(POOLED) | IN(BOOKED) | IN(CLAIMED) | IN(WAITING) | IN(LIVE) | IN(DOCUMENTING))

/* The visit's own doctor, or a doctor of the house that accompanies the patient. */
static bool may_order(const struct order *o, const struct actor *a)
{
    uint32_t party = order_party(o, a);

    return party & PARTY_DOCTOR || (party & PARTY_INVITING && a->roles & ROLE_TOWNSHIP_DOCTOR);
}

static bool order_of_visit(struct batch *b, int64_t visit_id, struct orders *loaded)
{
    struct db_args a;
    struct db_rows rows;
    int64_t id = 0;

    *loaded = (struct orders){0};
    batch_args(b, &a);
    db_arg_i64(&a, visit_id);
    if (!batch_query(b, &SQL_order_of_visit, &a, &rows))
        return false;
    if (rows.n)
        id = db_i64(&rows, 0, 0);
    db_rows_free(&rows);
    return orders_load(loaded, b, &id, 1);
}

bool op_exam_create(struct batch *b, struct sched_request *r)
{
    const struct actor *actor = batch_actor(b, r);
    struct orders loaded;
    const struct order *o;
    bool ok = order_of_visit(b, r->in.visit_id, &loaded);

    if (!ok)
        goto out;
    o = loaded.n ? &loaded.v[0] : NULL;
    if (!o || !order_party(o, actor))
        answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such visit");
    else if (!may_order(o, actor))
        answer_refuse(r, ERR_DENIED, "not_allowed", "the visit's doctors order exams");
    else if (!(MAY_ORDER & UINT32_C(1) << o->state))
        answer_refuse(r, ERR_CONFLICT, "wrong_state", "not while the visit is %s",
                      order_state_name(o->state));
    else {
        struct exam_new x = {.tenant_id = o->tenant_id,
                             .visit_id = o->visit_id,
                             .person_id = o->person_id,
                             .ordered_by = actor->staff_id,
                             .age_band = o->age_band,
                             .sex = o->sex,
                             .modality = r->in.modality,
                             .procedure = r->in.procedure,
                             .question = r->in.question,
                             .urgency = urgency_name((enum order_urgency)r->in.urgency)};

        ok = exam_insert(b, &x, r, &r->exam_id);
    }
out:
    orders_free(&loaded);
    return ok;
}

bool op_exam_cancel(struct batch *b, struct sched_request *r)
{
    struct exams loaded;
    const struct exam *e;
    bool ok = exam_guard(b, r, "cancel", true, &loaded, &e);

    if (ok && e) {
        ok = exam_move(b, e, EXAM_EV_CANCEL, r, r->in.reason);
        r->exam_id = e->id;
    }
    exams_free(&loaded);
    return ok;
}
