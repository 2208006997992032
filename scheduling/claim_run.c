#include "scheduling/claim_run.h"
#include "core/mem.h"
#include "scheduling/claim_run.sql.h"
#include <stdlib.h>

static bool facts_query(const struct claim_trade *t, struct claims *c)
{
    int64_t *subjects = mem_new(sizeof *subjects * c->n), *staff = mem_new(sizeof *staff * c->n);
    const char **nonces = mem_new(sizeof *nonces * c->n);
    struct db_args a;

    for (size_t i = 0; i < c->n; i++) {
        c->v[i].subject_id = subjects[i] = t->asked(c->req[i]);
        c->v[i].staff_id = staff[i] = batch_actor(c->b, c->req[i])->staff_id;
        c->v[i].version = (int32_t)c->req[i]->in.version;
        nonces[i] = c->req[i]->in.nonce;
    }
    batch_args(c->b, &a);
    batch_arg_day(&a, c->b->today);
    db_arg_i64s(&a, subjects, c->n);
    db_arg_i64s(&a, staff, c->n);
    db_arg_strs(&a, nonces, c->n);
    free(subjects);
    free(staff);
    free(nonces);
    return batch_query(c->b, t->facts, &a, &c->facts);
}

/* Columns of claim_facts and read_claim_facts. */
static void facts_read(struct claims *c, int i)
{
    const struct db_rows *r = &c->facts;
    struct claim *v = &c->v[i];

    v->stand = claim_stand_parse(db_str(r, i, 0));
    v->version_now = (int32_t)db_i64(r, i, 1);
    v->holder_id = db_i64(r, i, 2);
    v->on_duty = db_bool(r, i, 3);
    v->licence_valid = db_bool(r, i, 4);
    v->specialty_fits = db_bool(r, i, 5);
    v->level_fits = db_bool(r, i, 6);
    v->own_request = db_bool(r, i, 7);
    v->offered = db_bool(r, i, 8);
    v->nonce_fits = db_bool(r, i, 9);
    v->live = (int32_t)db_i64(r, i, 10);
    v->in_hand = (int32_t)db_i64(r, i, 11);
    v->hand_max = (int32_t)db_i64(r, i, 12);
    c->extra[i] = (struct claim_extra){.serve_s = (int32_t)db_i64(r, i, 13),
                                       .tenant_id = db_i64(r, i, 14),
                                       .person_id = db_i64(r, i, 15),
                                       .place_id = db_i64(r, i, 16),
                                       .holder = db_str(r, i, 17)};
}

static bool facts(const struct claim_trade *t, struct claims *c)
{
    if (!facts_query(t, c))
        return false;
    for (int i = 0; i < c->facts.n && (size_t)i < c->n; i++)
        facts_read(c, i);
    return true;
}

static bool take(const struct claim_trade *t, struct claims *c)
{
    int64_t *subjects = mem_new(sizeof *subjects * c->n), *staff = mem_new(sizeof *staff * c->n);
    int32_t *versions = mem_new(sizeof *versions * c->n), *serve = mem_new(sizeof *serve * c->n);
    size_t n = 0;
    struct db_args a;
    struct db_rows rows = {0};
    bool ok;

    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].result == CLAIM_WON) {
            subjects[n] = c->v[i].subject_id;
            staff[n] = c->v[i].staff_id;
            versions[n] = c->v[i].version;
            serve[n++] = c->extra[i].serve_s;
        }
    batch_args_epoch(c->b, &a);
    db_arg_time(&a, c->b->now_us);
    db_arg_i64s(&a, subjects, n);
    db_arg_i64s(&a, staff, n);
    db_arg_i32s(&a, versions, n);
    db_arg_i32s(&a, serve, n);
    ok = batch_query(c->b, t->take, &a, &rows);
    if (ok && (size_t)rows.n != n)
        ok = err_set(&c->b->err, ERR_AGAIN, "database_conflict", "%zu claims were judged won, %d matched", n,
                     rows.n);
    db_rows_free(&rows);
    free(subjects);
    free(staff);
    free(versions);
    free(serve);
    return ok;
}

/* ---------------------------------------------------------------- the log and the answers */

static json_t *log_row(const struct claim_trade *t, struct claims *c, size_t i, int64_t id)
{
    const struct claim *v = &c->v[i];
    json_t *row = json_pack(
        "{s:I, s:I, s:I, s:I, s:i, s:s, s:s, s:i, s:s}", "id", (json_int_t)id, "tenant_id",
        (json_int_t)batch_actor(c->b, c->req[i])->tenant_id, t->id_key, (json_int_t)v->subject_id, "staff_id",
        (json_int_t)v->staff_id, "version", v->version, "result", claim_result_name(v->result), "reason",
        v->result == CLAIM_INELIGIBLE ? v->reason : "", "rank", (int)i, "request_id", c->req[i]->client_id);

    if (v->winner_id)
        json_object_set_new(row, "winner_id", json_integer(v->winner_id));
    return row;
}

/* Who has it: whoever had it before, or the winner of this very batch. */
static const char *winner_name(struct claims *c, size_t i)
{
    for (size_t k = 0; k < c->n; k++)
        if (c->v[k].result == CLAIM_WON && c->v[k].subject_id == c->v[i].subject_id)
            return batch_actor(c->b, c->req[k])->name;
    return c->extra[i].holder;
}

static void refuse(const struct claim_trade *t, struct claims *c, size_t i, int64_t log_id)
{
    struct sched_request *r = c->req[i];
    const struct claim *v = &c->v[i];

    if (v->result == CLAIM_LOST)
        answer_refuse(r, ERR_CONFLICT, "claim_lost", "%s was first", t->rival);
    else if (v->result == CLAIM_STALE)
        answer_refuse(r, ERR_STALE, "claim_stale", "the %s has moved on to version %d", t->subject,
                      v->version_now);
    else
        answer_refuse(r, ERR_DENIED, "claim_ineligible", "%s", v->reason);
    r->answer.doc = json_object();
    json_object_set_new(r->answer.doc, "log_id", json_id(log_id));
    if (v->result == CLAIM_INELIGIBLE)
        json_object_set_new(r->answer.doc, "reason", json_string(v->reason));
    if (v->result == CLAIM_LOST && t->names_winner)
        json_object_set_new(r->answer.doc, "reader_name", json_string(winner_name(c, i)));
}

static void claim_audit(const struct claim_trade *t, struct claims *c, size_t i, int64_t log_id)
{
    const struct claim *v = &c->v[i];
    json_t *detail = json_object();

    json_object_set_new(detail, "log_id", json_id(log_id));
    json_object_set_new(detail, "version", json_integer(v->version));
    if (v->result == CLAIM_INELIGIBLE)
        json_object_set_new(detail, "reason", json_string(v->reason));
    batch_audit(c->b, c->req[i],
                (struct batch_audit){.tenant_id = c->extra[i].tenant_id,
                                     .person_id = v->result == CLAIM_WON ? c->extra[i].person_id : 0,
                                     .subject_kind = t->subject,
                                     .subject_id = v->subject_id,
                                     .outcome = claim_result_name(v->result),
                                     .detail = detail});
}

/* Every claim of something real has its row in claim_log. The trail has the winners and those who had no business to try; who
 * was only slower did nothing that the log does not say. */
static void decide(const struct claim_trade *t, struct claims *c, size_t i, json_t *rows)
{
    enum claim_result result = c->v[i].result;
    int64_t id;

    if (result == CLAIM_WON_AGAIN)
        return;
    if (result == CLAIM_NOTHING) {
        answer_refuse(c->req[i], ERR_NOT_FOUND, "not_found", "no such %s", t->subject);
        return;
    }
    id = batch_id(c->b);
    json_array_append_new(rows, log_row(t, c, i, id));
    if (result == CLAIM_WON || result == CLAIM_INELIGIBLE)
        claim_audit(t, c, i, id);
    if (result == CLAIM_WON)
        t->won(c, i, id);
    else
        refuse(t, c, i, id);
}

static bool log_all(const struct claim_trade *t, struct claims *c)
{
    json_t *rows = json_array();
    struct db_args a;
    bool ok = true;

    for (size_t i = 0; i < c->n; i++)
        decide(t, c, i, rows);
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

bool claims_run(const struct claim_trade *t, struct batch *b, struct sched_request **req, size_t n)
{
    struct claims c = {.b = b, .req = req, .n = n};
    bool ok = false;

    c.v = mem_new(sizeof *c.v * n);
    c.extra = mem_new(sizeof *c.extra * n);
    if (!facts(t, &c))
        goto out;
    claims_judge(t->kind, c.v, n);
    for (size_t i = 0; i < n; i++)
        c.won += c.v[i].result == CLAIM_WON;
    if (!batch_write(b))
        goto out;
    if (c.won && (!take(t, &c) || !t->enter(&c)))
        goto out;
    ok = log_all(t, &c) && t->again(&c);
out:
    db_rows_free(&c.facts);
    free(c.v);
    free(c.extra);
    return ok;
}
