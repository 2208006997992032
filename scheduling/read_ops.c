/* What a reader does with an exam in his hands, short of signing. */
#include "scheduling/read_ops.sql.h"
#include "records/access.h"
#include "scheduling/exam_move.h"
#include "scheduling/ops.h"

bool op_exam_release(struct batch *b, struct sched_request *r)
{
    struct exams loaded;
    const struct exam *e;
    bool ok = exam_guard(b, r, "release", true, &loaded, &e);

    if (ok && e) {
        ok = exam_move(b, e, EXAM_EV_RELEASE, r, r->in.reason) && exam_sight_end(b, &e->id, 1);
        r->exam_id = e->id;
    }
    exams_free(&loaded);
    return ok;
}

/* ---------------------------------------------------------------- the working copy */

static bool draft_save(struct batch *b, const struct sched_request *r, const struct exam *e, int32_t *version)
{
    const struct actor *reader = batch_actor(b, r);
    struct db_args a;
    struct db_rows rows;

    batch_args(b, &a);
    db_arg_i64(&a, e->id);
    db_arg_i64(&a, reader->staff_id);
    db_arg_i64(&a, reader->tenant_id);
    db_arg_i64(&a, r->in.draft_version);
    db_arg_str(&a, r->in.findings);
    db_arg_str(&a, r->in.impression);
    db_arg_str(&a, r->in.template);
    db_arg_time(&a, b->now_us);
    if (!batch_query(b, &SQL_draft_save, &a, &rows))
        return false;
    *version = rows.n ? (int32_t)db_i64(&rows, 0, 0) : 0;
    db_rows_free(&rows);
    return true;
}

static void refuse_stale(struct sched_request *r, const struct exam *e)
{
    answer_refuse(r, ERR_STALE, "draft_stale", "the newest draft is version %d", e->draft_version);
    r->answer.doc = json_object();
    json_object_set_new(r->answer.doc, "draft", exam_draft_view(e));
}

static void answer_saved(struct batch *b, struct sched_request *r, const struct exam *e, int32_t version)
{
    int first = e->state == EXAM_CLAIMED; /* the first words moved the exam on */

    r->answer.doc = json_pack("{s:i, s:i, s:s}", "draft_version", version, "exam_version", e->version + first,
                              "exam_state", exam_state_name(EXAM_DRAFT));
    json_object_set_new(r->answer.doc, "saved_at", json_time(b->now_us));
}

/* Autosave: the draft's own version decides, so that a text is not lost because a colleague raised an alert beside it. */
bool op_exam_draft(struct batch *b, struct sched_request *r)
{
    struct exams loaded;
    const struct exam *e;
    int32_t version = 0;
    bool ok = exam_guard(b, r, "draft", false, &loaded, &e);

    if (!ok || !e)
        goto out;
    if (r->in.draft_version != e->draft_version) {
        refuse_stale(r, e);
        goto out;
    }
    ok = batch_write(b) && draft_save(b, r, e, &version);
    if (ok && !version) /* another batch came between; the next try sees its text */
        ok = err_set(&b->err, ERR_AGAIN, "database_conflict", "the draft moved on while it was saved");
    if (ok && e->state == EXAM_CLAIMED)
        ok = exam_move(b, e, EXAM_EV_WRITE, r, NULL);
    if (ok)
        answer_saved(b, r, e, version);
out:
    exams_free(&loaded);
    return ok;
}

/* ---------------------------------------------------------------- a bad image */

static bool retake(struct batch *b, const struct sched_request *r, const struct exam *e, int64_t *id)
{
    struct exam_new x = {.tenant_id = e->tenant_id,
                         .visit_id = e->visit_id,
                         .person_id = e->person_id,
                         .ordered_by = e->ordered_by,
                         .retake_of = e->id,
                         .age_band = e->age_band,
                         .sex = e->sex,
                         .modality = e->modality,
                         .procedure = e->procedure,
                         .question = e->question,
                         .urgency = e->urgency};

    return exam_insert(b, &x, r, id);
}

bool op_exam_reject(struct batch *b, struct sched_request *r)
{
    struct exams loaded;
    const struct exam *e;
    int64_t again;
    bool ok = exam_guard(b, r, "reject", true, &loaded, &e);

    if (ok && e) {
        struct exam_move move = {.exam = e,
                                 .on = {EXAM_EV_REJECT},
                                 .n_on = 1,
                                 .by = r,
                                 .code = r->in.reason_code,
                                 .reason = r->in.reason};

        ok = exams_move(b, &move, 1) && exam_sight_end(b, &e->id, 1) && retake(b, r, e, &again);
        r->exam_id = e->id;
    }
    exams_free(&loaded);
    return ok;
}

/* ---------------------------------------------------------------- what he reads beside it */

static json_t *text_or_null(const struct db_rows *rows, int i, int col)
{
    return db_null(rows, i, col) ? json_null() : json_string(db_str(rows, i, col));
}

static json_t *prior_view(const struct db_rows *rows, int i)
{
    json_t *out = json_pack("{s:s, s:s, s:s, s:s}", "study_uid", db_str(rows, i, 1), "modality",
                            db_str(rows, i, 2), "procedure", db_str(rows, i, 3), "state", db_str(rows, i, 5));

    json_object_set_new(out, "exam_id", json_id(db_i64(rows, i, 0)));
    json_object_set_new(out, "at", json_time(db_time(rows, i, 4)));
    json_object_set_new(out, "report_version",
                        db_null(rows, i, 6) ? json_null() : json_integer(db_i64(rows, i, 6)));
    json_object_set_new(out, "impression", text_or_null(rows, i, 7));
    json_object_set_new(out, "findings", text_or_null(rows, i, 8));
    return out;
}

bool op_exam_priors(struct batch *b, struct sched_request *r)
{
    struct exams loaded;
    const struct exam *e;
    struct db_args a;
    struct db_rows rows;
    bool ok = exam_guard(b, r, "draft", false, &loaded, &e); /* while he may write he may compare */

    if (!ok || !e)
        goto out;
    batch_args(b, &a);
    db_arg_i64(&a, e->person_id);
    db_arg_i64(&a, e->id);
    ok = batch_query(b, &SQL_exam_priors, &a, &rows);
    if (!ok)
        goto out;
    r->answer.doc = json_array();
    for (int i = 0; i < rows.n; i++)
        json_array_append_new(r->answer.doc, prior_view(&rows, i));
    db_rows_free(&rows);
    exam_look(b, r, e, "priors.look");
out:
    exams_free(&loaded);
    return ok;
}

bool op_template_list(struct batch *b, struct sched_request *r)
{
    struct db_args a;
    struct db_rows rows;

    batch_args(b, &a);
    db_arg_str(&a, r->in.modality);
    if (!batch_query(b, &SQL_templates, &a, &rows))
        return false;
    r->answer.doc = json_array();
    for (int i = 0; i < rows.n; i++) {
        json_t *t =
            json_pack("{s:s, s:s, s:s, s:s}", "modality", db_str(&rows, i, 1), "title", db_str(&rows, i, 2),
                      "findings", db_str(&rows, i, 3), "impression", db_str(&rows, i, 4));

        json_object_set_new(t, "id", json_id(db_i64(&rows, i, 0)));
        json_array_append_new(r->answer.doc, t);
    }
    db_rows_free(&rows);
    return true;
}
