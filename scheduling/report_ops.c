/* Signing: the text of a draft becomes version 1 of the report, an amendment the next one. Nothing signed is changed. */
#include "records/access.h"
#include "records/code.h"
#include "records/report.h"
#include "scheduling/exam_move.h"
#include "scheduling/ops.h"
#include "scheduling/owner_internal.h"
#include "scheduling/report_ops.sql.h"
#include <string.h>

struct signing {
    struct batch *b;
    struct sched_request *r;
    const struct exam *e;
    const char *findings, *impression, *template, *reason;
    int64_t written_at_us;
    struct report report;
    char code[CODE_RANDOM_TEXT];
    struct db_rows staff, last; /* what report lends its strings from */
};

/* ---------------------------------------------------------------- may he */

/* The licence is looked at now, not when the exam was claimed. */
static bool licence(struct signing *s, bool *valid)
{
    struct db_args a;

    batch_args(s->b, &a);
    db_arg_i64(&a, batch_actor(s->b, s->r)->staff_id);
    batch_arg_day(&a, s->b->today);
    if (!batch_query(s->b, &SQL_reader_may_sign, &a, &s->staff))
        return false;
    *valid = s->staff.n && db_bool(&s->staff, 0, 0);
    if (!*valid)
        answer_refuse(s->r, ERR_DENIED, "licence_expired", "the licence is not valid today");
    return true;
}

static bool blank(const char *text)
{
    return !text[strspn(text, " \t\r\n")];
}

static bool says_something(struct signing *s)
{
    if (!blank(s->impression))
        return true;
    answer_refuse(s->r, ERR_INVALID, "impression_missing", "a report needs an impression");
    return false;
}

/* ---------------------------------------------------------------- the text and its seal */

static bool text(struct signing *s)
{
    const struct actor *reader = batch_actor(s->b, s->r);
    const struct exam *e = s->e;
    struct db_args a;
    int32_t version;

    batch_args(s->b, &a);
    db_arg_i64(&a, e->id);
    if (!batch_query(s->b, &SQL_report_last, &a, &s->last))
        return false;
    version = (int32_t)db_i64(&s->last, 0, 0) + 1;
    code_random(s->code);
    s->report = (struct report){
        .region_id = s->b->region_id,
        .exam_id = e->id,
        .version = version,
        .tenant_id = e->tenant_id,
        .person_id = e->person_id,
        .study_uid = e->study_uid,
        .accession_no = e->accession_no,
        .author_tenant_id = reader->tenant_id,
        .staff_id = reader->staff_id,
        .staff_name = db_str(&s->staff, 0, 1),
        .kind = version == 1 ? "signed" : "amendment",
        .findings = s->findings,
        .impression = s->impression,
        .critical_finding = db_str(&s->last, 0, 2),
        .template = s->template,
        .reason = s->reason,
        .written_at_us = s->written_at_us,
        .signed_at_us = s->b->now_us,
        .code = s->code,
    };
    if (version > 1 && !crypto_unhex(db_str(&s->last, 0, 1), 2 * SHA256_LEN, s->report.prev_hash, SHA256_LEN))
        return err_set(&s->b->err, ERR_CORRUPT, "report_hash", "the version before has no hash");
    if (!s->b->owner->report_key)
        return err_set(&s->b->err, ERR_INTERNAL, "no_report_key",
                       "this scheduler was given no key to sign with");
    return report_sign(&s->report, s->b->owner->report_key, &s->b->err);
}

static json_t *text_row(const struct report *r)
{
    json_t *row =
        json_pack("{s:I, s:i, s:I, s:I, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
                  "exam_id", (json_int_t)r->exam_id, "version", r->version, "tenant_id",
                  (json_int_t)r->tenant_id, "person_id", (json_int_t)r->person_id, "study_uid", r->study_uid,
                  "accession_no", r->accession_no, "author_tenant_id", (json_int_t)r->author_tenant_id,
                  "staff_id", (json_int_t)r->staff_id, "staff_name", r->staff_name, "kind", r->kind,
                  "findings", r->findings, "impression", r->impression, "critical_finding",
                  r->critical_finding, "template", r->template, "reason", r->reason, "code", r->code);

    json_object_set_new(row, "written_at", json_time(r->written_at_us));
    json_object_set_new(row, "signed_at", json_time(r->signed_at_us));
    return row;
}

static bool store(struct signing *s)
{
    json_t *row = text_row(&s->report);
    struct db_args a;
    struct db_rows made = {0};
    bool ok;

    batch_args_epoch(s->b, &a);
    batch_arg_json(&a, row);
    json_decref(row);
    db_arg_bytes(&a, s->report.prev_hash, SHA256_LEN);
    db_arg_bytes(&a, s->report.hash, SHA256_LEN);
    db_arg_bytes(&a, s->report.public_key, REPORT_KEY_LEN);
    db_arg_bytes(&a, s->report.signature, REPORT_SIGNATURE_LEN);
    ok = batch_query(s->b, &SQL_report_insert, &a, &made);
    if (ok && made.n != 1)
        ok = err_set(&s->b->err, ERR_STALE, "not_owner", "a report to sign, none stored");
    db_rows_free(&made);
    return ok;
}

/* Both sides keep the record for its retention; sight of the person's past ends with the reading. */
static bool sight_of_the_record(struct signing *s)
{
    const struct exam *e = s->e;
    int64_t until = s->b->now_us + ACCESS_RECORD_US;
    json_t *list = json_array();
    struct db_args a;

    access_add(list, batch_id(s->b), e->id, e->reader_tenant_id, "record", e->id, until);
    access_add(list, batch_id(s->b), e->study_id, e->reader_tenant_id, "record", e->id, until);
    access_grant_args(&a, s->b->region_id, s->b->now_us, list);
    json_decref(list);
    return exam_sight_end(s->b, &e->id, 1) && batch_run(s->b, &SQL_access_grant, &a);
}

static bool sign(struct signing *s, const struct exam_move *move)
{
    struct exam_move with = *move;

    if (!batch_write(s->b) || !text(s) || !store(s))
        return false;
    with.exam = s->e;
    with.by = s->r;
    with.report_version = s->report.version;
    s->r->exam_id = s->e->id;
    return exams_move(s->b, &with, 1);
}

static void signing_free(struct signing *s)
{
    db_rows_free(&s->staff);
    db_rows_free(&s->last);
}

/* ---------------------------------------------------------------- the operations */

bool op_exam_sign(struct batch *b, struct sched_request *r)
{
    static const struct exam_move SIGN = {.on = {EXAM_EV_SIGN, EXAM_EV_DELIVER}, .n_on = 2};
    struct signing s = {.b = b, .r = r, .reason = ""};
    struct exams loaded;
    bool ok = exam_guard(b, r, "sign", true, &loaded, &s.e), valid = false;

    if (!ok || !s.e)
        goto out;
    if (r->in.draft_version != s.e->draft_version) {
        answer_refuse(r, ERR_STALE, "draft_stale", "the newest draft is version %d", s.e->draft_version);
        r->answer.doc = json_object();
        json_object_set_new(r->answer.doc, "draft", exam_draft_view(s.e));
        goto out;
    }
    s.findings = s.e->findings;
    s.impression = s.e->impression;
    s.template = s.e->template;
    s.written_at_us = s.e->saved_at_us;
    ok = licence(&s, &valid);
    if (ok && valid && says_something(&s))
        ok = sign(&s, &SIGN) && sight_of_the_record(&s);
out:
    signing_free(&s);
    exams_free(&loaded);
    return ok;
}

bool op_exam_amend(struct batch *b, struct sched_request *r)
{
    static const struct exam_move AMEND = {.on = {EXAM_EV_AMEND}, .n_on = 1};
    struct signing s = {.b = b,
                        .r = r,
                        .findings = r->in.findings,
                        .impression = r->in.impression,
                        .template = "",
                        .reason = r->in.reason,
                        .written_at_us = b->now_us};
    struct exam_move amend = AMEND;
    struct exams loaded;
    bool ok = exam_guard(b, r, "amend", true, &loaded, &s.e), valid = false;

    amend.reason = r->in.reason;
    if (!ok || !s.e)
        goto out;
    ok = licence(&s, &valid);
    if (ok && valid && says_something(&s))
        ok = sign(&s, &amend);
out:
    signing_free(&s);
    exams_free(&loaded);
    return ok;
}

/* ---------------------------------------------------------------- all versions */

static json_t *text_or_null(const char *t)
{
    return *t ? json_string(t) : json_null();
}

static json_t *version_view(const struct db_rows *rows, int i)
{
    json_t *out =
        json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "version", (json_int_t)db_i64(rows, i, 0),
                  "kind", db_str(rows, i, 1), "findings", db_str(rows, i, 2), "impression",
                  db_str(rows, i, 3), "doctor_name", db_str(rows, i, 7), "tenant_name", db_str(rows, i, 8),
                  "code", db_str(rows, i, 10), "content_hash", db_str(rows, i, 11));

    json_object_set_new(out, "critical_finding", text_or_null(db_str(rows, i, 4)));
    json_object_set_new(out, "template", text_or_null(db_str(rows, i, 5)));
    json_object_set_new(out, "signed_at", json_time(db_time(rows, i, 6)));
    json_object_set_new(out, "reason", text_or_null(db_str(rows, i, 9)));
    return out;
}

bool op_report_list(struct batch *b, struct sched_request *r)
{
    struct exams loaded;
    const struct exam *e;
    struct db_args a;
    struct db_rows rows;
    uint32_t party;
    bool ok = exams_load(&loaded, b, &r->in.exam_id, 1);

    if (!ok)
        goto out;
    e = exams_find(&loaded, r->in.exam_id);
    party = e ? exam_party(e, batch_actor(b, r)) : 0;
    if (!exam_shows_identity(party)) {
        answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such exam");
        goto out;
    }
    batch_args(b, &a);
    db_arg_i64(&a, e->id);
    ok = batch_query(b, &SQL_report_versions, &a, &rows);
    if (!ok)
        goto out;
    r->answer.doc = json_array();
    for (int i = 0; i < rows.n; i++)
        json_array_append_new(r->answer.doc, version_view(&rows, i));
    if (rows.n && !(party & EXAM_PATIENT))
        exam_look(b, r, e, "report.look");
    db_rows_free(&rows);
out:
    exams_free(&loaded);
    return ok;
}
