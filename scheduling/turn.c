/* One turn of the owner: a batch is begun, run, finished and committed, or halved when one request poisons it. */
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "scheduling/ops.h"
#include "scheduling/owner.sql.h"
#include "scheduling/owner_internal.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct op OPS[SCHED_OP_COUNT] = {
    [SCHED_OP_CLINIC_LIST] = {.one = op_clinic_list},
    [SCHED_OP_SLOT_LIST] = {.one = op_slot_list},
    [SCHED_OP_ROSTER_LIST] = {.one = op_roster_list},
    [SCHED_OP_ROSTER_CREATE] = {.one = op_roster_create},
    [SCHED_OP_ROSTER_PUBLISH] = {.one = op_roster_publish},
    [SCHED_OP_ROSTER_CANCEL] = {.one = op_roster_cancel},
    [SCHED_OP_DUTY_SET] = {.one = op_duty_set},
    [SCHED_OP_DUTY_GET] = {.one = op_duty_get},
    [SCHED_OP_APPOINTMENT_CREATE] = {.set = op_appointment_create},
    [SCHED_OP_APPOINTMENT_CANCEL] = {.one = op_order_cancel},
    [SCHED_OP_ORDER_CREATE] = {.one = op_order_create},
    [SCHED_OP_ORDER_CANCEL] = {.one = op_order_cancel},
    [SCHED_OP_ORDER_LIST] = {.one = op_order_list},
    [SCHED_OP_ORDER_GET] = {.one = op_order_get},
    [SCHED_OP_POOL_LIST] = {.one = op_pool_list},
    [SCHED_OP_ORDER_CLAIM] = {.set = op_order_claim},
    [SCHED_OP_ORDER_CHECK_IN] = {.one = op_order_check_in},
    [SCHED_OP_WAITING_GET] = {.one = op_waiting_get},
    [SCHED_OP_ORDER_ADMIT] = {.one = op_order_admit},
    [SCHED_OP_ORDER_SEND_BACK] = {.one = op_order_send_back},
    [SCHED_OP_ORDER_END] = {.one = op_order_end},
    [SCHED_OP_ORDER_NOTE] = {.one = op_order_note},
    [SCHED_OP_ORDER_SIGN] = {.one = op_order_sign},
    [SCHED_OP_EXAM_CREATE] = {.one = op_exam_create},
    [SCHED_OP_EXAM_LIST] = {.one = op_exam_list},
    [SCHED_OP_EXAM_GET] = {.one = op_exam_get},
    [SCHED_OP_EXAM_CANCEL] = {.one = op_exam_cancel},
    [SCHED_OP_READING_LIST] = {.one = op_reading_list},
    [SCHED_OP_EXAM_CLAIM] = {.set = op_exam_claim},
    [SCHED_OP_EXAM_RELEASE] = {.one = op_exam_release},
    [SCHED_OP_EXAM_DRAFT] = {.one = op_exam_draft},
    [SCHED_OP_EXAM_SIGN] = {.one = op_exam_sign},
    [SCHED_OP_EXAM_AMEND] = {.one = op_exam_amend},
    [SCHED_OP_EXAM_REJECT] = {.one = op_exam_reject},
    [SCHED_OP_EXAM_CRITICAL] = {.one = op_exam_critical},
    [SCHED_OP_REPORT_LIST] = {.one = op_report_list},
    [SCHED_OP_EXAM_PRIORS] = {.one = op_exam_priors},
    [SCHED_OP_TEMPLATE_LIST] = {.one = op_template_list},
    [SCHED_OP_ALERT_LIST] = {.one = op_alert_list},
    [SCHED_OP_ALERT_ACKNOWLEDGE] = {.one = op_alert_acknowledge},
    [SCHED_OP_PRESENCE] = {.one = op_presence},
    [SCHED_OP_HEALTH] = {.one = op_health},
};

bool op_health(struct batch *b, struct sched_request *r)
{
    r->answer.doc = json_object();
    json_object_set_new(r->answer.doc, "region_id", json_id(b->region_id));
    json_object_set_new(r->answer.doc, "epoch", json_integer(b->epoch));
    json_object_set_new(r->answer.doc, "now", json_time(b->now_us));
    return true;
}

/* ---------------------------------------------------------------- begin and end */

static bool look(struct batch *b)
{
    struct db_scope scope = {.region_id = b->region_id};
    struct db_args a;
    struct db_rows rows;
    bool mine;

    batch_args_epoch(b, &a);
    if (!db_sync_query(b->db, &scope, &SQL_batch_look, &a, &rows, &b->err))
        return false;
    mine = rows.n == 1;
    if (mine) {
        b->owner->batch = db_i64(&rows, 0, 0);
        b->now_us = db_i64(&rows, 0, 1) + b->owner->opt.clock_shift_us;
        b->today = clock_shanghai_day(b->now_us);
    }
    db_rows_free(&rows);
    return mine || err_set(&b->err, ERR_STALE, "not_owner", "another process owns the region");
}

bool batch_begin(struct batch *b, struct owner *o, struct sched_request **req, size_t n)
{
    *b = (struct batch){
        .owner = o, .region_id = o->opt.region_id, .epoch = o->epoch, .req = req, .n = n, .err = ERR_INIT};
    b->told = json_object();
    b->actors = mem_new(sizeof *b->actors * (n + 1));
    if (!o->epoch)
        return err_set(&b->err, ERR_STALE, "not_owner", "this process does not own the region");
    if (!owner_begin(o, &b->err))
        return false;
    b->db = o->db;
    b->open = true;
    return look(b);
}

void batch_end(struct batch *b)
{
    if (b->open)
        db_sync_exec(b->db, "ROLLBACK", NULL);
    stream_rolled_back(&b->owner->stream);
    for (size_t i = 0; i < b->n_events; i++)
        owner_event_free(b->events[i]);
    free(b->events);
    free(b->actors);
    free(b->changed.v);
    free(b->queues.v);
    json_decref(b->told);
    free(b->looks);
    free(b->exams.v);
    free(b->reading.v);
    db_rows_free(&b->actor_rows);
}

/* The connection died after COMMIT was sent. The lease row carries the number of the last batch that happened. */
static bool outcome_was_commit(struct batch *b)
{
    struct db_scope scope = {.region_id = b->region_id};
    struct db_args a;
    struct db_rows rows;
    bool known = false, done = false;

    owner_disconnect(b->owner);
    b->db =
        NULL; /* it is gone; batch_end() must not send a ROLLBACK over it, nor over the one that replaces it */
    for (int tries = 0; tries < 50 && !known; tries++) {
        if (owner_connect(b->owner, NULL)) {
            batch_args(b, &a);
            known = db_sync_query(b->owner->db, &scope, &SQL_lease_look, &a, &rows, NULL);
        }
        if (!known) {
            owner_disconnect(b->owner);
            usleep(100000);
        }
    }
    if (!known)
        return err_set(&b->err, ERR_UNKNOWN, "outcome_unknown", "the database went away during the commit");
    if (rows.n == 1 && db_i64(&rows, 0, 0) == b->epoch)
        done = db_i64(&rows, 0, 1) >= b->number ||
               err_set(&b->err, ERR_AGAIN, "database_conflict", "the commit did not happen");
    else
        err_set(&b->err, ERR_UNKNOWN, "outcome_unknown", "another owner came while the commit was in doubt");
    db_rows_free(&rows);
    log_warn("commit_in_doubt", LI("batch", b->number), LB("committed", done));
    return done;
}

bool batch_commit(struct batch *b)
{
    struct owner *o = b->owner;

    b->open = false; /* whatever COMMIT answers, nothing is left to roll back */
    if (!db_sync_exec(b->db, "COMMIT", &b->err)) {
        if (b->err.code != ERR_UNKNOWN || !b->writing)
            return false;
        err_clear(&b->err);
        if (!outcome_was_commit(b))
            return false;
    }
    stream_committed(&o->stream);
    if (b->writing)
        o->batch = b->number;
    batch_remember_looks(b);
    for (size_t i = 0; i < b->n_events; i++) {
        if (o->opt.on_event)
            o->opt.on_event(o->opt.arg, b->events[i]);
        else
            owner_event_free(b->events[i]);
    }
    b->n_events = 0;
    return true;
}

bool owner_batch(struct owner *o, bool (*fn)(struct batch *b, void *arg), void *arg, struct err *err)
{
    struct batch b;
    bool ok = batch_begin(&b, o, NULL, 0) && fn(&b, arg) && batch_finish(&b) && batch_commit(&b);

    batch_end(&b);
    if (!ok)
        *err = b.err;
    return ok;
}

/* ---------------------------------------------------------------- who asks, and was it asked before */

static void actor_read(struct actor *a, const struct db_rows *rows, int i)
{
    const char *roles = db_str(rows, i, 5);
    char name[32];
    size_t len;

    a->id = db_i64(rows, i, 0);
    a->tenant_id = db_i64(rows, i, 1);
    a->staff_id = db_i64(rows, i, 2);
    a->person_id = db_i64(rows, i, 3);
    a->name = db_str(rows, i, 4);
    a->region_wide = db_bool(rows, i, 6);
    for (; *roles; roles += len + (roles[len] == ',')) {
        len = strcspn(roles, ",");
        if (len < sizeof name) {
            memcpy(name, roles, len);
            name[len] = 0;
            a->roles |= sched_role_parse(name);
        }
    }
}

static bool actors_load(struct batch *b)
{
    struct id_set ids = {0};
    struct db_args a;
    bool ok;

    for (size_t i = 0; i < b->n; i++)
        id_set_add(&ids, b->req[i]->account_id);
    if (!ids.n)
        return true;
    batch_args(b, &a);
    db_arg_i64s(&a, ids.v, ids.n);
    free(ids.v);
    ok = batch_query(b, &SQL_actors, &a, &b->actor_rows);
    for (size_t i = 0; ok && i < b->n; i++)
        for (int k = 0; k < b->actor_rows.n; k++)
            if (db_i64(&b->actor_rows, k, 0) == b->req[i]->account_id)
                actor_read(&b->actors[i], &b->actor_rows, k);
    return ok;
}

/* What the caller says it is must be what the account is. Roles are the account's as they are now, and of these only what
 * the caller came with: a token that was made for one role does not act in another. */
static void actor_judge(struct batch *b, size_t i)
{
    struct sched_request *r = b->req[i];
    struct actor *a = &b->actors[i];

    if (r->region_id != b->region_id)
        answer_refuse(r, ERR_NOT_FOUND, "region_unknown", "this scheduler owns another region");
    else if ((r->roles & ROLE_SYSTEM) && !r->account_id)
        *a = (struct actor){.roles = ROLE_SYSTEM, .name = ""};
    else if (!a->id)
        answer_refuse(r, ERR_UNAUTHENTICATED, "account_unknown",
                      "the account does not exist or is not active");
    else if (a->tenant_id != r->tenant_id || a->staff_id != r->staff_id || a->person_id != r->person_id)
        answer_refuse(r, ERR_DENIED, "actor_mismatch", "tenant, staff or person is not the account's");
    a->roles &= r->roles;
    if (!r->answer.err.code && !(a->roles & sched_op_roles(r->op)))
        answer_refuse(r, ERR_DENIED, "role_denied", "%s is not for this role", sched_op_name(r->op));
}

static bool keyed(const struct sched_request *r)
{
    return r->key[0] && sched_op_writes(r->op) && !r->answer.err.code;
}

static void defer_twins(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; keyed(b->req[i]) && k < i; k++)
            if (keyed(b->req[k]) && b->req[k]->op == b->req[i]->op &&
                b->req[k]->account_id == b->req[i]->account_id && !strcmp(b->req[k]->key, b->req[i]->key))
                b->req[i]->deferred = true;
}

static void answer_again(struct sched_request *r, const char *hash_hex, const char *result)
{
    uint8_t hash[SHA256_LEN];

    if (!crypto_unhex(hash_hex, strlen(hash_hex), hash, sizeof hash) ||
        memcmp(hash, r->body_hash, sizeof hash) != 0) {
        answer_refuse(r, ERR_CONFLICT, "idempotency_mismatch", "this key was used with another body");
        return;
    }
    r->answer.doc = json_loads(result, 0, NULL);
    r->replayed = true;
}

static bool idempotency_find(struct batch *b)
{
    int64_t *accounts = mem_new(sizeof *accounts * (b->n + 1));
    const char **ops = mem_new(sizeof *ops * (b->n + 1)), **keys = mem_new(sizeof *keys * (b->n + 1));
    size_t *where = mem_new(sizeof *where * (b->n + 1)), n = 0;
    struct db_args a;
    struct db_rows rows;
    bool ok = true;

    for (size_t i = 0; i < b->n; i++)
        if (keyed(b->req[i]) && !b->req[i]->deferred) {
            accounts[n] = b->req[i]->account_id;
            ops[n] = sched_op_name(b->req[i]->op);
            keys[n] = b->req[i]->key;
            where[n++] = i;
        }
    if (n) {
        batch_args(b, &a);
        db_arg_i64s(&a, accounts, n);
        db_arg_strs(&a, ops, n);
        db_arg_strs(&a, keys, n);
        ok = batch_query(b, &SQL_idempotency_find, &a, &rows);
        for (int i = 0; ok && i < rows.n; i++)
            answer_again(b->req[where[db_i64(&rows, i, 0) - 1]], db_str(&rows, i, 1), db_str(&rows, i, 2));
        if (ok)
            db_rows_free(&rows);
    }
    free(accounts);
    free(ops);
    free(keys);
    free(where);
    return ok;
}

/* ---------------------------------------------------------------- the turn */

static bool is_open(const struct sched_request *r)
{
    return !r->answer.err.code && !r->answer.doc && !r->order_id && !r->as_list && !r->exam_id &&
           !r->exam_ids && !r->deferred;
}

static bool run_set(struct batch *b, size_t first)
{
    struct sched_request **list = mem_new(sizeof(struct sched_request *) * b->n);
    size_t n = 0;
    bool ok;

    for (size_t i = first; i < b->n; i++)
        if (b->req[i]->op == b->req[first]->op && is_open(b->req[i]))
            list[n++] = b->req[i];
    ok = OPS[b->req[first]->op].set(b, list, n);
    free(list);
    return ok;
}

static bool run_all(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct op *op = &OPS[b->req[i]->op];

        if (is_open(b->req[i]) && !(op->set ? run_set(b, i) : op->one(b, b->req[i])))
            return false;
    }
    return true;
}

static bool turn_try(struct owner *o, struct sched_request **req, size_t n, struct err *err)
{
    struct batch b;
    bool ok;

    for (size_t i = 0; i < n; i++)
        answer_clear(req[i]);
    ok = batch_begin(&b, o, req, n) && actors_load(&b);
    for (size_t i = 0; ok && i < n; i++)
        actor_judge(&b, i);
    if (ok)
        defer_twins(&b);
    ok = ok && idempotency_find(&b) && run_all(&b) && batch_finish(&b) && batch_commit(&b);
    if (!ok)
        *err = b.err;
    batch_end(&b);
    return ok;
}

static void refuse_all(struct sched_request **req, size_t n, const struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        answer_clear(req[i]);
        req[i]->answer.err = *err;
    }
}

enum after { AFTER_AGAIN, AFTER_SPLIT, AFTER_REFUSE };

/* What a failed transaction means for its requests. */
static enum after after_failure(struct owner *o, const struct err *err, size_t n, int tries)
{
    if (err_is(err, ERR_STALE)) {
        owner_lose(o, err->reason);
        return AFTER_REFUSE;
    }
    if (err_is(err, ERR_UNKNOWN) || !strcmp(err->reason, "database_away")) {
        owner_disconnect(o);
        return tries < 2 && strcmp(err->reason, "outcome_unknown") != 0 ? AFTER_AGAIN : AFTER_REFUSE;
    }
    if (!strcmp(err->reason, "database_conflict") && tries < 3)
        return AFTER_AGAIN;
    return n > 1 ? AFTER_SPLIT : AFTER_REFUSE;
}

void owner_turn(struct owner *o, struct sched_request **req, size_t n)
{
    struct err err = ERR_INIT;
    enum after after;
    int tries = 0;

    if (!n)
        return;
    do {
        err_clear(&err);
        if (turn_try(o, req, n, &err))
            return;
        log_warn("batch_failed", LI("requests", n), LERR(&err));
        after = after_failure(o, &err, n, ++tries);
    } while (after == AFTER_AGAIN);
    if (after == AFTER_SPLIT) {
        owner_turn(o, req, n / 2);
        owner_turn(o, req + n / 2, n - n / 2);
        return;
    }
    if (err_is(&err, ERR_STALE)) /* ours to say in the caller's words: ask again, the new owner will answer */
        err_set(&err, ERR_AGAIN, "scheduler_not_owner", "another scheduler is taking over");
    refuse_all(req, n, &err);
}
