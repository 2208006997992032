/* All claims of exams in a batch, decided together: facts, judge (read_claim.c), one UPDATE, sight of the pictures, the log. */
#include "core/mem.h"
#include "records/access.h"
#include "scheduling/claim_ops.sql.h"
#include "scheduling/exam_move.h"
#include "scheduling/ops.h"
#include "scheduling/read_claim.h"
#include "scheduling/read_claim_ops.sql.h"
#include <stdio.h>
#include <stdlib.h>

struct claims {
    struct batch *b;
    struct sched_request **req;
    size_t n, won;
    struct read_claim *v; /* of req[i] */
    struct claim_extra {
        int64_t tenant_id, person_id, study_id; /* of the exam */
        const char *reader, *reader_tenant;     /* who has it, lent by rows */
    } * extra;
    struct db_rows rows;
};

static bool facts_query(struct claims *c)
{
    int64_t *exams = mem_new(sizeof *exams * c->n), *staff = mem_new(sizeof *staff * c->n);
    struct db_args a;

    for (size_t i = 0; i < c->n; i++) {
        exams[i] = c->req[i]->in.exam_id;
        staff[i] = batch_actor(c->b, c->req[i])->staff_id;
    }
    batch_args(c->b, &a);
    batch_arg_day(&a, c->b->today);
    db_arg_i64s(&a, exams, c->n);
    db_arg_i64s(&a, staff, c->n);
    free(exams);
    free(staff);
    return batch_query(c->b, &SQL_read_claim_facts, &a, &c->rows);
}

static bool facts(struct claims *c)
{
    const struct db_rows *r = &c->rows;

    if (!facts_query(c))
        return false;
    for (int i = 0; i < r->n && (size_t)i < c->n; i++) {
        struct read_claim *v = &c->v[i];

        v->exam_id = c->req[i]->in.exam_id;
        v->staff_id = batch_actor(c->b, c->req[i])->staff_id;
        v->version = (int32_t)c->req[i]->in.version;
        v->found = !db_null(r, i, 0);
        exam_state_parse(db_str(r, i, 1), &v->state);
        v->version_now = (int32_t)db_i64(r, i, 2);
        v->reader_id = db_i64(r, i, 3);
        v->licence_valid = db_bool(r, i, 4);
        v->own_request = db_bool(r, i, 5);
        v->specialty_fits = db_bool(r, i, 6);
        v->in_hand = (int32_t)db_i64(r, i, 7);
        v->hand_max = (int32_t)db_i64(r, i, 8);
        c->extra[i] = (struct claim_extra){db_i64(r, i, 9), db_i64(r, i, 10), db_i64(r, i, 11),
                                           db_str(r, i, 12), db_str(r, i, 13)};
    }
    return true;
}

/* ---------------------------------------------------------------- winners */

static bool winners_update(struct claims *c)
{
    int64_t *exams = mem_new(sizeof *exams * c->n), *staff = mem_new(sizeof *staff * c->n);
    int32_t *versions = mem_new(sizeof *versions * c->n);
    size_t n = 0;
    struct db_args a;
    struct db_rows rows = {0};
    bool ok;

    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].result == CLAIM_WON) {
            exams[n] = c->v[i].exam_id;
            staff[n] = c->v[i].staff_id;
            versions[n++] = c->v[i].version;
        }
    batch_args_epoch(c->b, &a);
    db_arg_time(&a, c->b->now_us);
    db_arg_i64s(&a, exams, n);
    db_arg_i64s(&a, staff, n);
    db_arg_i32s(&a, versions, n);
    ok = batch_query(c->b, &SQL_read_claim_batch, &a, &rows);
    if (ok && (size_t)rows.n != n)
        ok = err_set(&c->b->err, ERR_AGAIN, "database_conflict", "%zu claims were judged won, %d matched", n,
                     rows.n);
    db_rows_free(&rows);
    free(exams);
    free(staff);
    free(versions);
    return ok;
}

/* The exam, its pictures, and for priors the person: to this reader, until he is done with it. */
static bool winners_see(struct claims *c)
{
    int64_t until = c->b->now_us + ACCESS_READING_US;
    json_t *grants = json_array();
    struct db_args a;

    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].result == CLAIM_WON) {
            const struct claim_extra *x = &c->extra[i];
            int64_t tenant = batch_actor(c->b, c->req[i])->tenant_id, exam = c->v[i].exam_id;
            const int64_t subjects[] = {exam, x->study_id, x->person_id};

            for (size_t k = 0; k < 3; k++)
                access_add(grants, batch_id(c->b), subjects[k], tenant, "reading", exam, until);
        }
    access_grant_args(&a, c->b->region_id, c->b->now_us, grants);
    json_decref(grants);
    return batch_run(c->b, &SQL_access_grant, &a);
}

/* ---------------------------------------------------------------- the log and the answers */

static json_t *log_row(struct claims *c, size_t i, int64_t id)
{
    const struct read_claim *v = &c->v[i];
    json_t *row = json_pack(
        "{s:I, s:I, s:I, s:I, s:i, s:s, s:s, s:i, s:s}", "id", (json_int_t)id, "tenant_id",
        (json_int_t)batch_actor(c->b, c->req[i])->tenant_id, "exam_id", (json_int_t)v->exam_id, "staff_id",
        (json_int_t)v->staff_id, "version", v->version, "result", claim_result_name(v->result), "reason",
        v->result == CLAIM_INELIGIBLE ? v->reason : "", "rank", (int)i, "request_id", c->req[i]->client_id);

    if (v->winner_id)
        json_object_set_new(row, "winner_id", json_integer(v->winner_id));
    return row;
}

/* Who has it: in the row when he had it before, else the winner of this very batch. */
static void name_winner(struct claims *c, size_t i)
{
    const char *reader = c->extra[i].reader;

    for (size_t k = 0; k < c->n; k++)
        if (c->v[k].result == CLAIM_WON && c->v[k].exam_id == c->v[i].exam_id)
            reader = batch_actor(c->b, c->req[k])->name;
    json_object_set_new(c->req[i]->answer.doc, "reader_name", json_string(reader));
}

static void refuse(struct claims *c, size_t i, int64_t log_id)
{
    struct sched_request *r = c->req[i];
    const struct read_claim *v = &c->v[i];

    if (v->result == CLAIM_LOST)
        answer_refuse(r, ERR_CONFLICT, "claim_lost", "another reader was first");
    else if (v->result == CLAIM_STALE)
        answer_refuse(r, ERR_STALE, "claim_stale", "the exam has moved on to version %d", v->version_now);
    else
        answer_refuse(r, ERR_DENIED, "claim_ineligible", "%s", v->reason);
    r->answer.doc = json_object();
    json_object_set_new(r->answer.doc, "log_id", json_id(log_id));
    if (v->result == CLAIM_LOST)
        name_winner(c, i);
    if (v->result == CLAIM_INELIGIBLE)
        json_object_set_new(r->answer.doc, "reason", json_string(v->reason));
}

static void claim_audit(struct claims *c, size_t i, int64_t log_id)
{
    const struct read_claim *v = &c->v[i];
    json_t *detail = json_pack("{s:i}", "version", v->version);

    json_object_set_new(detail, "log_id", json_id(log_id));
    if (v->result == CLAIM_INELIGIBLE)
        json_object_set_new(detail, "reason", json_string(v->reason));
    batch_audit(c->b, c->req[i],
                (struct batch_audit){.tenant_id = c->extra[i].tenant_id,
                                     .person_id = v->result == CLAIM_WON ? c->extra[i].person_id : 0,
                                     .subject_kind = "exam",
                                     .subject_id = v->exam_id,
                                     .outcome = claim_result_name(v->result),
                                     .detail = detail});
}

static void decide_one(struct claims *c, size_t i, json_t *rows)
{
    const struct read_claim *v = &c->v[i];
    int64_t id;

    if (v->result == CLAIM_NO_ORDER) {
        answer_refuse(c->req[i], ERR_NOT_FOUND, "not_found", "no such exam");
        return;
    }
    if (v->result == CLAIM_WON_AGAIN) {
        c->req[i]->exam_id = v->exam_id;
        return;
    }
    id = batch_id(c->b);
    json_array_append_new(rows, log_row(c, i, id));
    if (v->result == CLAIM_WON || v->result == CLAIM_INELIGIBLE)
        claim_audit(c, i, id);
    if (v->result == CLAIM_WON) {
        c->req[i]->exam_id = v->exam_id;
        exam_changed(c->b, v->exam_id, true);
    } else
        refuse(c, i, id);
}

static bool log_all(struct claims *c)
{
    json_t *rows = json_array();
    struct db_args a;
    bool ok = true;

    for (size_t i = 0; i < c->n; i++)
        decide_one(c, i, rows);
    if (json_array_size(rows)) {
        batch_args_epoch(c->b, &a);
        db_arg_i64(&a, c->b->number);
        db_arg_time(&a, c->b->now_us);
        batch_arg_json(&a, rows);
        ok = batch_run(c->b, &SQL_claim_log_insert, &a);
    }
    json_decref(rows);
    return ok;
}

bool op_exam_claim(struct batch *b, struct sched_request **req, size_t n)
{
    struct claims c = {.b = b, .req = req, .n = n};
    bool ok = false;

    c.v = mem_new(sizeof *c.v * n);
    c.extra = mem_new(sizeof *c.extra * n);
    if (!facts(&c))
        goto out;
    read_claims_judge(c.v, n);
    for (size_t i = 0; i < n; i++)
        c.won += c.v[i].result == CLAIM_WON;
    if (!batch_write(b))
        goto out;
    if (c.won && (!winners_update(&c) || !winners_see(&c)))
        goto out;
    ok = log_all(&c);
out:
    db_rows_free(&c.rows);
    free(c.v);
    free(c.extra);
    return ok;
}
