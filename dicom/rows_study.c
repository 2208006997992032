/* rows_study.c - the life of a study: told, complete, matched, returned. Runs on the rows thread. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "dicom/protocol.h"
#include "dicom/rows.sql.h"
#include "dicom/rows_internal.h"
#include "records/roles.h"

#define REASON_MAX 500
#define DESK       (ROLE_TOWNSHIP_DOCTOR | ROLE_OPERATOR)

static void begin_args(struct db_args *a, const struct rows *r, int64_t tenant_id)
{
    db_args_init(a);
    db_arg_i64(a, r->opt.region_id);
    db_arg_i64(a, tenant_id);
}

/* ---------------------------------------------------------------- events and trail */

static size_t audience(int64_t *out, int64_t tenant_id, const char *others)
{
    size_t n = 0;

    out[n++] = tenant_id;
    while (*others && n < ASK_AUDIENCE_MAX) {
        char *end;
        int64_t id = strtoll(others, &end, 10);

        if (id != tenant_id)
            out[n++] = id;
        others = *end == ',' ? end + 1 : end;
    }
    return n;
}

static void tell_one(struct rows *r, int64_t tenant_id, const struct db_rows *f, int i, int64_t now_us)
{
    int64_t to[ASK_AUDIENCE_MAX];
    size_t n = audience(to, tenant_id, db_str(f, i, 10));
    json_t *data = json_object();

    json_object_set_new(data, "study_id", json_id(db_i64(f, i, 0)));
    json_object_set_new(data, "exam_id", json_id(db_i64(f, i, 1)));
    json_object_set_new(data, "visit_id", json_id(db_i64(f, i, 2)));
    json_object_set_new(data, "state", json_string(db_str(f, i, 4)));
    json_object_set_new(data, "matched", json_boolean(db_bool(f, i, 5)));
    json_object_set_new(data, "n_instances", json_integer(db_i64(f, i, 6)));
    rows_tell(r, tenant_id, to, n, db_i64(f, i, 0), data, now_us);
    json_decref(data);
}

static void audit_one(struct rows *r, int64_t tenant_id, const struct db_rows *f, int i, const char *action,
                      const struct ask_request *who, const char *reason, int64_t now_us)
{
    json_t *detail = json_object();
    char *text;
    struct audit_row row = {.tenant_id = tenant_id,
                            .actor_tenant_id = who ? who->tenant_id : tenant_id,
                            .account_id = who ? who->account_id : 0,
                            .actor_name = "",
                            .person_id = db_i64(f, i, 3),
                            .subject_kind = "study",
                            .subject_id = db_i64(f, i, 0),
                            .action = action,
                            .outcome = "ok",
                            .request_id = who ? who->client_id : ""};

    json_object_set_new(detail, "exam_id", json_id(db_i64(f, i, 1)));
    json_object_set_new(detail, "n_instances", json_integer(db_i64(f, i, 6)));
    json_object_set_new(detail, "bytes", json_integer(db_i64(f, i, 7)));
    json_object_set_new(detail, "source", json_string(db_str(f, i, 8)));
    if (*reason)
        json_object_set_new(detail, "reason", json_string(reason));
    text = json_text(detail, NULL);
    row.detail = text;
    stream_audit(&r->stream, &row, now_us);
    free(text);
    json_decref(detail);
}

bool rows_tell_studies(struct rows *r, int64_t tenant_id, const int64_t *ids, size_t n, const char *action,
                       const struct ask_request *who, const char *reason, struct err *err)
{
    int64_t now_us = clock_now_us();
    struct db_args a;
    struct db_rows rows;

    begin_args(&a, r, tenant_id);
    db_arg_i64s(&a, ids, n);
    if (!rows_query(r, tenant_id, &SQL_rows_study_facts, &a, &rows, err))
        return false;
    for (int i = 0; i < rows.n; i++) {
        tell_one(r, tenant_id, &rows, i, now_us);
        if (action)
            audit_one(r, tenant_id, &rows, i, action, who, reason, now_us);
    }
    db_rows_free(&rows);
    return true;
}

/* ---------------------------------------------------------------- quiet */

/* Counts not told yet, and studies nobody has sent to for long enough, of one tenant. */
static bool settle_tenant(struct rows *r, int64_t tenant_id, const int64_t *quiet, size_t n_quiet,
                          const int64_t *untold, size_t n_untold, struct err *err)
{
    int64_t now_us = clock_now_us(), done[ROWS_BATCH];
    struct db_args a;
    struct db_rows rows;
    size_t n = 0;
    bool ok = true;

    if (!rows_begin(r, tenant_id, err))
        return false;
    if (n_quiet) {
        begin_args(&a, r, tenant_id);
        db_arg_time(&a, now_us);
        db_arg_i64s(&a, quiet, n_quiet);
        ok = rows_query(r, tenant_id, &SQL_rows_complete, &a, &rows, err);
        for (; ok && n < (size_t)rows.n; n++)
            done[n] = db_i64(&rows, (int)n, 0);
        if (ok)
            db_rows_free(&rows);
    }
    ok = ok && (!n || rows_tell_studies(r, tenant_id, done, n, "study.complete", NULL, "", err)) &&
         (!n_untold || rows_tell_studies(r, tenant_id, untold, n_untold, NULL, NULL, "", err));
    if (ok)
        return rows_commit(r, tenant_id, err);
    rows_rollback(r);
    return false;
}

static bool is_quiet(const struct rows *r, const struct rows_active *a, int64_t mono)
{
    return !a->holds && mono - a->last_us >= r->opt.quiet_us;
}

static bool is_due(const struct rows *r, const struct rows_active *a, int64_t mono)
{
    return is_quiet(r, a, mono) || (a->untold && mono - a->told_us >= ROWS_EVENT_US);
}

/* The same in the same order as sweep_tenant() took. */
static void forget_quiet(struct rows *r, int64_t tenant_id, int64_t mono)
{
    size_t n = 0;

    for (struct rows_active **at = &r->active, *a; (a = *at);) {
        if (a->tenant_id == tenant_id && is_quiet(r, a, mono) && (!a->study_id || n++ < ROWS_BATCH)) {
            *at = a->next;
            free(a);
            continue;
        }
        if (a->tenant_id == tenant_id && a->untold && mono - a->told_us >= ROWS_EVENT_US) {
            a->told_us = mono;
            a->untold = false;
        }
        at = &a->next;
    }
}

static bool sweep_tenant(struct rows *r, int64_t tenant_id, int64_t mono, struct err *err)
{
    int64_t quiet[ROWS_BATCH], untold[ROWS_BATCH];
    size_t n_quiet = 0, n_untold = 0;

    for (struct rows_active *a = r->active; a; a = a->next) {
        if (a->tenant_id != tenant_id || !a->study_id || !is_due(r, a, mono))
            continue;
        if (is_quiet(r, a, mono)) {
            if (n_quiet < ROWS_BATCH)
                quiet[n_quiet++] = a->study_id;
        } else if (n_untold < ROWS_BATCH) {
            untold[n_untold++] = a->study_id;
        }
    }
    if ((n_quiet || n_untold) && !settle_tenant(r, tenant_id, quiet, n_quiet, untold, n_untold, err))
        return false;
    forget_quiet(r, tenant_id, mono);
    return true;
}

void rows_sweep(struct rows *r)
{
    int64_t mono = clock_mono_us();
    struct err err = ERR_INIT;

    for (struct rows_active *a = r->active; a; a = a->next) {
        if (!is_due(r, a, mono))
            continue;
        if (!sweep_tenant(r, a->tenant_id, mono, &err)) {
            log_warn("sweep_failed", LERR(&err));
            return;
        }
        return; /* the list has changed; the next tick goes on */
    }
}

bool rows_recall(struct rows *r, struct err *err)
{
    struct db_args a;
    struct db_rows rows;

    db_args_init(&a);
    db_arg_i64(&a, r->opt.region_id);
    if (!rows_query(r, 0, &SQL_rows_arriving, &a, &rows, err))
        return false;
    for (int i = 0; i < rows.n; i++)
        rows_active(r, db_i64(&rows, i, 1), db_str(&rows, i, 2))->study_id = db_i64(&rows, i, 0);
    db_rows_free(&rows);
    return true;
}

/* ---------------------------------------------------------------- people */

json_t *rows_study_json(const struct db_rows *f, int i)
{
    json_t *s = json_object();
    const char *mismatch = db_str(f, i, 10);

    json_object_set_new(s, "id", json_id(db_i64(f, i, 0)));
    json_object_set_new(s, "study_uid", json_string(db_str(f, i, 1)));
    json_object_set_new(s, "patient_name", json_string(db_str(f, i, 2)));
    json_object_set_new(s, "patient_no", json_string(db_str(f, i, 3)));
    json_object_set_new(s, "accession_no", json_string(db_str(f, i, 4)));
    json_object_set_new(s, "modality", json_string(db_str(f, i, 5)));
    json_object_set_new(s, "description", json_string(db_str(f, i, 6)));
    json_object_set_new(s, "study_at", json_time(db_time(f, i, 7)));
    json_object_set_new(s, "state", json_string(db_str(f, i, 8)));
    json_object_set_new(s, "matched", json_boolean(db_bool(f, i, 9)));
    json_object_set_new(s, "mismatch", *mismatch ? json_string(mismatch) : json_null());
    json_object_set_new(s, "exam_id", json_id(db_i64(f, i, 11)));
    json_object_set_new(s, "visit_id", json_id(db_i64(f, i, 12)));
    json_object_set_new(s, "n_series", json_integer(db_i64(f, i, 13)));
    json_object_set_new(s, "n_instances", json_integer(db_i64(f, i, 14)));
    json_object_set_new(s, "bytes", json_integer(db_i64(f, i, 15)));
    json_object_set_new(s, "first_at", json_time(db_time(f, i, 16)));
    json_object_set_new(s, "last_at", json_time(db_time(f, i, 17)));
    json_object_set_new(s, "complete_at", json_time(db_time(f, i, 18)));
    json_object_set_new(s, "source", json_string(db_str(f, i, 19)));
    json_object_set_new(s, "patient_sex", json_string(db_str(f, i, 20)));
    json_object_set_new(s, "patient_birth", json_string(db_str(f, i, 21)));
    return s;
}

struct decision {
    struct rows *r;
    const struct ask_request *who;
    int64_t study_id, exam_id;
    const char *reason;
    bool same; /* it is so already: the answer to a repeated request */
};

static bool ask_as_caller(struct decision *d, const struct db_stmt *stmt, struct db_args *a,
                          struct db_rows *rows, struct err *err)
{
    struct db_scope scope = {
        .region_id = d->r->opt.region_id, .tenant_id = d->who->tenant_id, .actor_id = d->who->account_id};

    return db_sync_query(d->r->db, &scope, stmt, a, rows, err);
}

static bool read_body(struct decision *d, const json_t *body, struct err *refusal)
{
    if (!(d->who->roles & DESK))
        return err_set(refusal, ERR_DENIED, "role_denied", "only the desk of the house that sent it");
    if (!json_get_id(body, "study_id", &d->study_id, refusal) ||
        !json_get_str(body, "reason", &d->reason, REASON_MAX, refusal))
        return false;
    if (!*d->reason)
        return err_set(refusal, ERR_INVALID, "field_missing", "reason is empty");
    return d->who->op != DICOM_OP_STUDY_MATCH || json_get_id(body, "exam_id", &d->exam_id, refusal);
}

/* Why the statement below would change nothing. */
static bool look(struct decision *d, struct err *refusal, struct err *err)
{
    struct db_args a;
    struct db_rows f;
    bool match = d->who->op == DICOM_OP_STUDY_MATCH;

    begin_args(&a, d->r, d->who->tenant_id);
    db_arg_i64(&a, d->study_id);
    db_arg_i64(&a, d->exam_id);
    if (!ask_as_caller(d, &SQL_study_match_look, &a, &f, err))
        return false;
    if (!f.n)
        err_set(refusal, ERR_NOT_FOUND, "not_found", "no such study of this house");
    else if (match && db_bool(&f, 0, 0) && db_i64(&f, 0, 2) == d->exam_id)
        d->same = true;
    else if (!match && !strcmp(db_str(&f, 0, 1), "returned"))
        d->same = true;
    else if (db_bool(&f, 0, 0))
        err_set(refusal, ERR_CONFLICT, "study_matched", "the study belongs to an exam");
    else if (match && !strcmp(db_str(&f, 0, 1), "returned"))
        err_set(refusal, ERR_CONFLICT, "study_returned", "the study was sent back");
    else if (match && !db_bool(&f, 0, 3))
        err_set(refusal, ERR_NOT_FOUND, "not_found", "no such exam of this house");
    else if (match && (db_i64(&f, 0, 5) || db_bool(&f, 0, 6)))
        err_set(refusal, ERR_CONFLICT, "exam_has_study", "the exam has its images");
    else if (match && strcmp(db_str(&f, 0, 4), "ordered") != 0 && strcmp(db_str(&f, 0, 4), "acquired") != 0 &&
             strcmp(db_str(&f, 0, 4), "uploaded") != 0)
        err_set(refusal, ERR_CONFLICT, "exam_closed", "the exam is %s", db_str(&f, 0, 4));
    db_rows_free(&f);
    return true;
}

static bool change(struct decision *d, struct err *refusal, struct err *err)
{
    bool match = d->who->op == DICOM_OP_STUDY_MATCH;
    struct db_args a;
    struct db_rows f;
    int n;

    begin_args(&a, d->r, d->who->tenant_id);
    db_arg_i64(&a, d->study_id);
    if (match) {
        db_arg_i64(&a, d->exam_id);
        db_arg_time(&a, clock_now_us());
        db_arg_i64(&a, d->who->account_id);
    }
    db_arg_str(&a, d->reason);
    if (!ask_as_caller(d, match ? &SQL_study_match : &SQL_study_return, &a, &f, err))
        return false;
    n = f.n;
    db_rows_free(&f);
    if (n != 1) {
        err_set(refusal, ERR_CONFLICT, "study_changed", "somebody else was faster");
        return true;
    }
    return rows_tell_studies(d->r, d->who->tenant_id, &d->study_id, 1, match ? "study.match" : "study.return",
                             d->who, d->reason, err);
}

static bool show(struct decision *d, json_t **doc, struct err *refusal, struct err *err)
{
    struct db_args a;
    struct db_rows f;

    db_args_init(&a);
    db_arg_i64(&a, d->r->opt.region_id);
    db_arg_i64(&a, d->study_id);
    if (!ask_as_caller(d, &SQL_study_one, &a, &f, err))
        return false;
    if (f.n)
        *doc = rows_study_json(&f, 0);
    else
        err_set(refusal, ERR_NOT_FOUND, "not_found", "no such study");
    db_rows_free(&f);
    return true;
}

bool rows_decide(struct rows *r, const struct ask_request *q, const json_t *body, json_t **doc,
                 struct err *refusal, struct err *err)
{
    struct decision d = {.r = r, .who = q};

    if (!read_body(&d, body, refusal))
        return true;
    if (!rows_begin(r, q->tenant_id, err))
        return false;
    if (!look(&d, refusal, err) || (refusal->code == ERR_NONE && !d.same && !change(&d, refusal, err)) ||
        (refusal->code == ERR_NONE && !show(&d, doc, refusal, err)))
        goto failed;
    if (refusal->code == ERR_NONE && !d.same) {
        if (rows_commit(r, q->tenant_id, err))
            return true;
        json_decref(*doc);
        *doc = NULL;
        return false;
    }
    rows_rollback(r);
    return true;
failed:
    rows_rollback(r);
    json_decref(*doc);
    *doc = NULL;
    return false;
}
