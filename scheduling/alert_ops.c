/* Critical values as people raise, see and acknowledge them. */
#include "core/ids.h"
#include "core/mem.h"
#include "scheduling/alert.h"
#include "scheduling/alert.sql.h"
#include "scheduling/exam.sql.h"
#include "scheduling/exam_move.h"
#include "scheduling/ops.h"
#include "scheduling/subject.h"
#include <stdlib.h>
#include <string.h>

static bool mark(struct batch *b, const struct exam *e)
{
    struct db_args a;
    struct db_rows rows;
    bool ok;

    batch_args_epoch(b, &a);
    db_arg_i64(&a, e->id);
    db_arg_i64(&a, e->version);
    if (!batch_query(b, &SQL_exam_critical, &a, &rows))
        return false;
    ok = rows.n == 1 || err_set(&b->err, ERR_AGAIN, "database_conflict", "the exam moved on");
    db_rows_free(&rows);
    return ok;
}

bool op_exam_critical(struct batch *b, struct sched_request *r)
{
    struct exams loaded;
    const struct exam *e;
    int64_t id;
    bool ok = exam_guard(b, r, "critical", true, &loaded, &e);

    if (!ok || !e)
        goto out;
    ok = alert_raise(b, r, e, &id) && mark(b, e);
    if (!ok)
        goto out;
    json_t *detail = json_pack("{s:s}", "finding", r->in.finding);

    json_object_set_new(detail, "alert_id", json_id(id));
    batch_audit(b, r,
                (struct batch_audit){.tenant_id = e->tenant_id,
                                     .person_id = e->person_id,
                                     .subject_kind = "exam",
                                     .subject_id = e->id,
                                     .outcome = "ok",
                                     .detail = detail});
    exam_changed(b, e->id, false);
    r->exam_id = e->id;
out:
    exams_free(&loaded);
    return ok;
}

/* ---------------------------------------------------------------- seeing */

static bool load(struct batch *b, struct sched_request *r, const int64_t *ids, size_t n, struct db_rows *rows)
{
    struct db_args a;

    batch_args(b, &a);
    db_arg_i64s(&a, ids, n);
    db_arg_i64(&a, r->account_id);
    return batch_query(b, &SQL_alert_load, &a, rows);
}

static json_t *text_or_null(const char *t)
{
    return *t ? json_string(t) : json_null();
}

static json_t *view(const struct db_rows *rows, int i)
{
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "modality", db_str(rows, i, 3), "procedure",
                  db_str(rows, i, 4), "person_name", db_str(rows, i, 5), "finding", db_str(rows, i, 6),
                  "raised_by_name", db_str(rows, i, 8), "step", (json_int_t)db_i64(rows, i, 9));

    json_object_set_new(out, "id", json_id(db_i64(rows, i, 0)));
    json_object_set_new(out, "exam_id", json_id(db_i64(rows, i, 1)));
    json_object_set_new(out, "visit_id", json_id(db_i64(rows, i, 2)));
    json_object_set_new(out, "raised_at", json_time(db_time(rows, i, 7)));
    json_object_set_new(out, "acknowledged_at", json_time(db_time(rows, i, 10)));
    json_object_set_new(out, "acknowledged_by_name", text_or_null(db_str(rows, i, 11)));
    json_object_set_new(out, "note", text_or_null(db_str(rows, i, 12)));
    return out;
}

static void look(struct batch *b, struct sched_request *r, const struct db_rows *rows, int i)
{
    struct subject exam = {.kind = "exam",
                           .id = db_i64(rows, i, 1),
                           .tenant_id = db_i64(rows, i, 13),
                           .person_id = db_i64(rows, i, 14)};

    subject_look(b, r, &exam, "alert.look");
}

static bool own_ids(struct batch *b, struct sched_request *r, int64_t **ids, size_t *n)
{
    struct db_args a;
    struct db_rows rows;

    batch_args(b, &a);
    db_arg_i64(&a, r->account_id);
    if (!batch_query(b, &SQL_alert_ids, &a, &rows))
        return false;
    *ids = mem_new(sizeof **ids * (size_t)(rows.n + 1));
    *n = (size_t)rows.n;
    for (int i = 0; i < rows.n; i++)
        (*ids)[i] = db_i64(&rows, i, 0);
    db_rows_free(&rows);
    return true;
}

bool op_alert_list(struct batch *b, struct sched_request *r)
{
    int64_t *ids = NULL;
    size_t n = 0;
    struct db_rows rows = {0};
    bool ok = own_ids(b, r, &ids, &n) && load(b, r, ids, n, &rows);

    if (ok) {
        r->answer.doc = json_array();
        for (int i = 0; i < rows.n; i++) {
            json_array_append_new(r->answer.doc, view(&rows, i));
            look(b, r, &rows, i);
        }
    }
    db_rows_free(&rows);
    free(ids);
    return ok;
}

/* ---------------------------------------------------------------- acknowledging */

/* Everyone who was paged: it goes away on all their screens. */
static void tell(struct batch *b, const struct db_rows *rows, const json_t *alert)
{
    int64_t accounts[64];
    size_t n = id_parse_list(db_str(rows, 0, 17), accounts, sizeof accounts / sizeof *accounts);
    json_t *data = json_object();
    static const char *const KEYS[] = {"exam_id", "finding", "raised_at", "step", "acknowledged_at"};

    json_object_set(data, "alert_id", json_object_get(alert, "id"));
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        json_object_set(data, KEYS[i], json_object_get(alert, KEYS[i]));
    batch_event(b, (struct batch_event){.topic = "alert",
                                        .tenant_id = db_i64(rows, 0, 13),
                                        .subject_id = db_i64(rows, 0, 0),
                                        .accounts = accounts,
                                        .n_accounts = n,
                                        .data = data});
}

static bool acknowledge(struct batch *b, struct sched_request *r, const struct db_rows *before)
{
    struct db_args a;
    struct db_rows done, rows;
    json_t *detail;
    bool ok;

    if (!batch_write(b))
        return false;
    batch_args_epoch(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_i64(&a, r->in.alert_id);
    db_arg_i64(&a, r->account_id);
    db_arg_str(&a, r->in.text);
    if (!batch_query(b, &SQL_alert_acknowledge, &a, &done))
        return false;
    ok = done.n == 1 || err_set(&b->err, ERR_AGAIN, "database_conflict", "the alert moved on");
    db_rows_free(&done);
    if (!ok || !load(b, r, &r->in.alert_id, 1, &rows))
        return false;
    r->answer.doc = view(&rows, 0);
    tell(b, &rows, r->answer.doc);
    db_rows_free(&rows);
    detail = json_pack("{s:s, s:I}", "note", r->in.text, "step", (json_int_t)db_i64(before, 0, 9));
    json_object_set_new(detail, "alert_id", json_id(r->in.alert_id));
    batch_audit(b, r,
                (struct batch_audit){.tenant_id = db_i64(before, 0, 13),
                                     .person_id = db_i64(before, 0, 14),
                                     .subject_kind = "exam",
                                     .subject_id = db_i64(before, 0, 1),
                                     .outcome = "ok",
                                     .detail = detail});
    return true;
}

/* Whoever was paged, at whatever step: the one who is reached first is the one who acts. */
bool op_alert_acknowledge(struct batch *b, struct sched_request *r)
{
    struct db_rows rows;
    bool ok;

    if (!load(b, r, &r->in.alert_id, 1, &rows))
        return false;
    ok = true;
    if (!rows.n || !db_bool(&rows, 0, 16))
        answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such alert");
    else if (db_null(&rows, 0, 10))
        ok = acknowledge(b, r, &rows);
    else if (db_i64(&rows, 0, 15) == r->account_id)
        r->answer.doc = view(&rows, 0); /* his second tap */
    else {
        answer_refuse(r, ERR_CONFLICT, "alert_acknowledged", "somebody acknowledged it already");
        r->answer.doc = view(&rows, 0);
    }
    db_rows_free(&rows);
    return ok;
}
