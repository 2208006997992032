#include "scheduling/exam_move.h"
#include "core/mem.h"
#include "records/access.h"
#include "records/code.h"
#include "scheduling/exam.sql.h"
#include "scheduling/subject.h"
#include <stdlib.h>
#include <string.h>

static enum exam_state target(const struct exam_move *m, const char **why)
{
    enum exam_state state = m->exam->state;

    for (size_t i = 0; i < m->n_on; i++) {
        const struct exam_edge *edge = exam_edge(state, m->on[i]);

        if (!edge)
            abort(); /* the caller checks */
        state = edge->to;
        *why = edge->why;
    }
    return state;
}

static json_t *move_row(const struct exam_move *m, enum exam_state to)
{
    json_t *row = json_pack("{s:I, s:i, s:s, s:s, s:I, s:s, s:s}", "id", (json_int_t)m->exam->id, "version",
                            m->exam->version, "state_from", exam_state_name(m->exam->state), "state_to",
                            exam_state_name(to), "account_id", (json_int_t)(m->by ? m->by->account_id : 0),
                            "code", m->code ? m->code : "", "reason", m->reason ? m->reason : "");

    if (m->study_id)
        json_object_set_new(row, "study_id", json_integer(m->study_id));
    if (m->report_version)
        json_object_set_new(row, "report_version", json_integer(m->report_version));
    return row;
}

static void move_audit(struct batch *b, const struct exam_move *m, enum exam_state to, const char *why)
{
    struct subject s = exam_subject(m->exam);
    json_t *more = json_object();

    if (m->code)
        json_object_set_new(more, "code", json_string(m->code));
    if (m->reason)
        json_object_set_new(more, "reason", json_string(m->reason));
    if (m->report_version)
        json_object_set_new(more, "report_version", json_integer(m->report_version));
    subject_moved(b, m->by, &s, exam_event_name(m->on[m->n_on - 1]), exam_state_name(to), why, more);
}

bool exams_move(struct batch *b, const struct exam_move *moves, size_t n)
{
    json_t *rows = json_array();
    const char *why = "";

    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, move_row(&moves[i], target(&moves[i], &why)));
    if (!subjects_move(b, &SQL_exam_move, "exam", rows))
        return false;
    for (size_t i = 0; i < n; i++) {
        enum exam_state to = target(&moves[i], &why);

        move_audit(b, &moves[i], to, why);
        exam_changed(b, moves[i].exam->id, moves[i].exam->state == EXAM_POOLED || to == EXAM_POOLED);
    }
    return true;
}

bool exam_move(struct batch *b, const struct exam *e, enum exam_event on, const struct sched_request *by,
               const char *reason)
{
    struct exam_move move = {.exam = e, .on = {on}, .n_on = 1, .by = by, .reason = reason};

    return exams_move(b, &move, 1);
}

void exam_changed(struct batch *b, int64_t exam_id, bool in_pool)
{
    id_set_add(&b->exams, exam_id);
    if (in_pool)
        id_set_add(&b->reading, exam_id);
}

bool exam_guard(struct batch *b, struct sched_request *r, const char *act, bool versioned,
                struct exams *loaded, const struct exam **out)
{
    struct err err = ERR_INIT;
    struct subject s = {0};
    const struct exam *e;
    uint32_t party = 0;

    *out = NULL;
    if (!exams_load(loaded, b, &r->in.exam_id, 1))
        return false;
    if ((e = exams_find(loaded, r->in.exam_id))) {
        s = exam_subject(e);
        party = exam_party(e, batch_actor(b, r));
        exam_allows(e, party, act, &err);
    }
    if (subject_guard(r, e ? &s : NULL, "exam", party, &err, versioned))
        *out = e;
    return true;
}

static json_t *new_row(const struct exam_new *x, int64_t id, const char *accession_no)
{
    json_t *row =
        json_pack("{s:I, s:I, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "id", (json_int_t)id,
                  "tenant_id", (json_int_t)x->tenant_id, "accession_no", accession_no, "visit_id",
                  (json_int_t)x->visit_id, "person_id", (json_int_t)x->person_id, "age_band", x->age_band,
                  "sex", x->sex, "modality", x->modality, "procedure", x->procedure, "question", x->question,
                  "urgency", x->urgency, "ordered_by", (json_int_t)x->ordered_by);

    if (x->retake_of)
        json_object_set_new(row, "retake_of", json_integer(x->retake_of));
    return row;
}

bool exam_insert(struct batch *b, const struct exam_new *x, const struct sched_request *by, int64_t *id)
{
    char accession_no[CODE_ID_TEXT];
    struct db_args a;
    struct db_rows made = {0};
    json_t *row, *detail;
    bool ok;

    if (!batch_write(b))
        return false;
    *id = batch_id(b);
    code_of_id(*id, accession_no);
    row = new_row(x, *id, accession_no);
    batch_args_epoch(b, &a);
    db_arg_time(&a, b->now_us);
    batch_arg_json(&a, row);
    json_decref(row);
    ok = batch_query(b, &SQL_exam_insert, &a, &made);
    if (ok && made.n != 1)
        ok = err_set(&b->err, ERR_STALE, "not_owner", "an exam to make, none made");
    db_rows_free(&made);
    if (!ok)
        return false;
    detail = json_pack("{s:s, s:s, s:s, s:s}", "to", "ordered", "modality", x->modality, "urgency",
                       x->urgency, "accession_no", accession_no);
    if (x->retake_of)
        json_object_set_new(detail, "retake_of", json_id(x->retake_of));
    batch_audit(b, by,
                (struct batch_audit){.tenant_id = x->tenant_id,
                                     .person_id = x->person_id,
                                     .subject_kind = "exam",
                                     .subject_id = *id,
                                     .action = "exam.create",
                                     .outcome = "ok",
                                     .detail = detail});
    exam_changed(b, *id, false);
    return true;
}

bool exam_sight_end(struct batch *b, const int64_t *exam_ids, size_t n)
{
    static const char *const READING[] = {"reading"};
    struct db_args a;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_i64s(&a, exam_ids, n);
    db_arg_strs(&a, READING, 1);
    return batch_run(b, &SQL_access_end, &a);
}

/* ---------------------------------------------------------------- the end of a batch */

/* Ids and a state, no name: what a caller may see and do differs, so each asks for its own view. */
static json_t *event_data(const struct exam *e)
{
    json_t *data = json_pack("{s:i, s:s}", "version", e->version, "state", exam_state_name(e->state));

    json_object_set_new(data, "exam_id", json_id(e->id));
    return data;
}

static void exam_event(struct batch *b, const struct exam *e)
{
    static const int64_t EVERYBODY[] = {0};
    json_t *data = event_data(e);

    json_object_set_new(data, "visit_id", json_id(e->visit_id));
    batch_event(b, (struct batch_event){.topic = "exam",
                                        .tenant_id = e->tenant_id,
                                        .subject_id = e->id,
                                        .tenants = &e->tenant_id,
                                        .n_tenants = 1,
                                        .accounts = e->accounts,
                                        .n_accounts = e->n_accounts,
                                        .roles = ROLE_TOWNSHIP_DOCTOR | ROLE_OPERATOR,
                                        .data = data});
    if (!id_set_has(&b->reading, e->id))
        return;
    batch_event(
        b, (struct batch_event){.topic = "exam", /* readers of all houses: their worklist is another now */
                                .tenant_id = e->tenant_id,
                                .subject_id = e->id,
                                .tenants = EVERYBODY,
                                .n_tenants = 1,
                                .roles = ROLE_READER,
                                .data = event_data(e)});
}

void exam_look(struct batch *b, struct sched_request *r, const struct exam *e, const char *what)
{
    struct subject s = exam_subject(e);

    subject_look(b, r, &s, what);
}

static json_t *view_for(struct batch *b, struct sched_request *r, const struct exam *e, bool full)
{
    uint32_t party = exam_party(e, batch_actor(b, r));

    if (exam_shows_identity(party) && !(party & EXAM_PATIENT))
        exam_look(b, r, e, "exam.look");
    return exam_view(e, party, b->now_us, full);
}

static void answer(struct batch *b, struct sched_request *r, const struct exams *exams)
{
    const struct exam *e;

    if (r->exam_id) {
        if ((e = exams_find(exams, r->exam_id)))
            r->answer.doc = view_for(b, r, e, true);
        else
            answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such exam");
        return;
    }
    r->answer.doc = json_array();
    for (size_t i = 0; i < r->n_exam_ids; i++)
        if ((e = exams_find(exams, r->exam_ids[i])) && exam_party(e, batch_actor(b, r)))
            json_array_append_new(r->answer.doc, view_for(b, r, e, false));
}

static bool asks(const struct sched_request *r)
{
    return !r->answer.err.code && !r->deferred && (r->exam_id || r->exam_ids);
}

bool exams_finish(struct batch *b)
{
    struct id_set ids = {0};
    struct exams exams;
    const struct exam *e;
    bool ok;

    for (size_t i = 0; i < b->exams.n; i++)
        id_set_add(&ids, b->exams.v[i]);
    for (size_t i = 0; i < b->n; i++)
        if (asks(b->req[i])) {
            id_set_add(&ids, b->req[i]->exam_id);
            for (size_t k = 0; k < b->req[i]->n_exam_ids; k++)
                id_set_add(&ids, b->req[i]->exam_ids[k]);
        }
    ok = exams_load(&exams, b, ids.v, ids.n);
    if (ok) {
        for (size_t i = 0; i < b->exams.n; i++)
            if ((e = exams_find(&exams, b->exams.v[i])))
                exam_event(b, e);
        for (size_t i = 0; i < b->n; i++)
            if (asks(b->req[i]))
                answer(b, b->req[i], &exams);
    }
    exams_free(&exams);
    free(ids.v);
    return ok;
}
