#include "scheduling/alert.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/log.h"
#include "core/mem.h"
#include "scheduling/alert.sql.h"
#include <stdlib.h>
#include <string.h>

#define ACCOUNTS_MAX 32

struct step { /* whom a page reaches */
    int32_t step;
    int64_t minutes, repeat_s;
    int64_t accounts[ACCOUNTS_MAX];
    size_t n;
};

struct alert {
    int64_t id, exam_id, tenant_id, raised_at_us, step_at_us;
    const char *finding;
    int32_t step, pages;
};

/* ---------------------------------------------------------------- whom */

static void step_read(const struct db_rows *rows, int i, struct step *out)
{
    out->step = (int32_t)db_i64(rows, i, 0);
    out->minutes = db_i64(rows, i, 1);
    out->repeat_s = db_i64(rows, i, 2);
    out->n = id_parse_list(db_str(rows, i, 3), out->accounts, ACCOUNTS_MAX);
}

/* The step an alert stands at, or the next one that reaches somebody once its time there is over. */
static bool step_find(struct batch *b, int64_t exam_id, int32_t at, int64_t since_us, struct step *out)
{
    struct db_args a;
    struct db_rows rows;

    *out = (struct step){.step = at, .minutes = 10, .repeat_s = 60};
    batch_args(b, &a);
    db_arg_i64(&a, exam_id);
    db_arg_i64(&a, at);
    if (!batch_query(b, &SQL_page_targets, &a, &rows))
        return false;
    if (rows.n)
        step_read(&rows, 0, out);
    if (rows.n > 1 && out->step == at && b->now_us >= since_us + out->minutes * 60 * US_PER_S)
        step_read(&rows, 1, out);
    if (!rows.n)
        log_error("nobody_to_page", LID("exam", exam_id), LI("step", at));
    db_rows_free(&rows);
    return true;
}

/* ---------------------------------------------------------------- the page */

static json_t *event_data(const struct alert *al, int32_t step)
{
    json_t *data = json_pack("{s:s, s:i}", "finding", al->finding, "step", step);

    json_object_set_new(data, "alert_id", json_id(al->id));
    json_object_set_new(data, "exam_id", json_id(al->exam_id));
    json_object_set_new(data, "raised_at", json_time(al->raised_at_us));
    return data;
}

static bool page_write(struct batch *b, const struct alert *al, int32_t round, const struct step *to)
{
    struct db_args a;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_i64(&a, al->id);
    db_arg_i64(&a, round);
    db_arg_i64(&a, to->step);
    db_arg_i64s(&a, to->accounts, to->n);
    db_arg_i64(&a, al->tenant_id);
    if (!batch_run(b, &SQL_alert_pages_insert, &a))
        return false;
    batch_event(b, (struct batch_event){.topic = "alert",
                                        .tenant_id = al->tenant_id,
                                        .subject_id = al->id,
                                        .accounts = to->accounts,
                                        .n_accounts = to->n,
                                        .data = event_data(al, to->step)});
    return true;
}

static json_t *alert_row(const struct sched_request *r, const struct exam *e, int64_t id,
                         const struct step *to)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:i, s:I}", "id", (json_int_t)id, "tenant_id",
                     (json_int_t)e->tenant_id, "exam_id", (json_int_t)e->id, "visit_id",
                     (json_int_t)e->visit_id, "person_id", (json_int_t)e->person_id, "finding", r->in.finding,
                     "raised_by", (json_int_t)e->reader_id, "step", to->step, "repeat_s",
                     (json_int_t)to->repeat_s);
}

bool alert_raise(struct batch *b, const struct sched_request *r, const struct exam *e, int64_t *id)
{
    struct db_args a;
    struct db_rows made = {0};
    struct step to;
    json_t *row;
    bool ok;

    /* Its time at the first step begins now, so whoever is first on the ladder and there at all is paged. */
    if (!batch_write(b) || !step_find(b, e->id, 1, b->now_us, &to))
        return false;
    *id = batch_id(b);
    row = alert_row(r, e, *id, &to);
    batch_args_epoch(b, &a);
    db_arg_time(&a, b->now_us);
    batch_arg_json(&a, row);
    json_decref(row);
    db_arg_i64s(&a, to.accounts, to.n);
    ok = batch_query(b, &SQL_alert_insert, &a, &made);
    if (ok && made.n != 1)
        ok = err_set(&b->err, ERR_STALE, "not_owner", "an alert to raise, none stored");
    db_rows_free(&made);
    return ok && page_write(b,
                            &(struct alert){.id = *id,
                                            .exam_id = e->id,
                                            .tenant_id = e->tenant_id,
                                            .raised_at_us = b->now_us,
                                            .finding = r->in.finding},
                            1, &to);
}

/* ---------------------------------------------------------------- what is due */

static bool page_again(struct batch *b, const struct alert *al)
{
    struct db_args a;
    struct db_rows moved = {0};
    struct step to;
    bool ok = step_find(b, al->exam_id, al->step, al->step_at_us, &to);

    if (!ok)
        return false;
    batch_args_epoch(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_i64(&a, al->id);
    db_arg_i64(&a, al->pages);
    db_arg_i64(&a, to.step);
    db_arg_bool(&a, to.step != al->step);
    db_arg_i64s(&a, to.accounts, to.n);
    db_arg_i64(&a, to.repeat_s);
    ok = batch_query(b, &SQL_alert_page, &a, &moved);
    if (ok && moved.n != 1)
        ok = err_set(&b->err, ERR_AGAIN, "database_conflict", "the alert moved on while it was paged");
    db_rows_free(&moved);
    if (ok && to.step != al->step)
        batch_audit(b, NULL,
                    (struct batch_audit){
                        .tenant_id = al->tenant_id,
                        .subject_kind = "exam",
                        .subject_id = al->exam_id,
                        .action = "alert.step",
                        .outcome = "ok",
                        .detail = json_pack("{s:i, s:I}", "step", to.step, "paged", (json_int_t)to.n)});
    return ok && page_write(b, al, al->pages + 1, &to);
}

bool alerts_due(struct batch *b)
{
    struct db_args a;
    struct db_rows rows;
    bool ok;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    if (!batch_query(b, &SQL_alerts_due, &a, &rows))
        return false;
    ok = !rows.n || batch_write(b);
    for (int i = 0; ok && i < rows.n; i++)
        ok = page_again(b, &(struct alert){.id = db_i64(&rows, i, 0),
                                           .exam_id = db_i64(&rows, i, 1),
                                           .step = (int32_t)db_i64(&rows, i, 2),
                                           .step_at_us = db_time(&rows, i, 3),
                                           .pages = (int32_t)db_i64(&rows, i, 4),
                                           .finding = db_str(&rows, i, 5),
                                           .raised_at_us = db_time(&rows, i, 6),
                                           .tenant_id = db_i64(&rows, i, 7)});
    db_rows_free(&rows);
    return ok;
}
