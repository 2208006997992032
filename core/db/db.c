#include "core/db/db_internal.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include <stdlib.h>
#include <string.h>

#define PATIENCE_US (2 * US_PER_S) /* how long a statement waits for a database that is away */
#define TICK_US     (200 * US_PER_MS)
/* Short statements take milliseconds. One without an answer for so long, while no other is answered either, means a server
 * that hangs or a road that swallows packets: say so long before the connection is given up (STALL_US). */
#define SILENT_US (3 * US_PER_S)

const struct db_stmt DB_SCOPE_STMT = {
    "yz_scope",
    "SELECT set_config('yz.region',$1,true), set_config('yz.tenant',$2,true), set_config('yz.actor',$3,true)",
    3};

void db_scope_args(struct db_args *args, const struct db_scope *scope)
{
    db_args_init(args);
    db_arg_i64(args, scope->region_id);
    db_arg_i64(args, scope->tenant_id);
    db_arg_i64(args, scope->actor_id);
}

/* --- queues of jobs --- */

void db_queue_init(struct db_queue *q)
{
    *q = (struct db_queue){.last = &q->first};
}

void db_queue_put(struct db_queue *q, struct db_job *job)
{
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
    q->n++;
}

static void put_first(struct db_queue *q, struct db_job *job)
{
    job->next = q->first;
    if (!q->first)
        q->last = &job->next;
    q->first = job;
    q->n++;
}

struct db_job *db_queue_take(struct db_queue *q)
{
    struct db_job *job = q->first;

    if (!job)
        return NULL;
    q->first = job->next;
    if (!q->first)
        q->last = &q->first;
    q->n--;
    return job;
}

bool db_queue_remove(struct db_queue *q, struct db_job *job)
{
    for (struct db_job **at = &q->first; *at; at = &(*at)->next) {
        if (*at != job)
            continue;
        *at = job->next;
        if (q->last == &job->next)
            q->last = at;
        q->n--;
        return true;
    }
    return false;
}

/* --- jobs --- */

struct db_job *db_job_new(struct db *db, enum db_job_kind kind, const struct db_stmt *stmt)
{
    struct db_job *job = mem_new(sizeof *job);

    job->db = db;
    job->kind = kind;
    job->stmt = stmt;
    job->since_us = clock_mono_us();
    return job;
}

static void job_free(struct db_job *job)
{
    db_args_free(&job->args);
    PQclear(job->res);
    free(job);
}

void db_job_end(struct db_job *job, const struct db_rows *rows, const struct err *err)
{
    job->place = DB_LEAVING;
    if (job->fn)
        job->fn(job->arg, rows, err);
    job_free(job);
}

void db_job_doom(struct db_job *job, const struct err *err)
{
    job->err = *err;
    job->place = DB_DOOMED;
    db_queue_put(&job->db->doomed, job);
    db_pump_soon(job->db);
}

void db_check_params(const struct db_stmt *stmt, const struct db_args *args)
{
    int given = args ? args->n : 0;

    if (given == stmt->params)
        return;
    log_error("database_wrong_params", LS("statement", stmt->name), LI("given", given),
              LI("expected", stmt->params));
    abort(); /* our bug, found by the first call */
}

static void doom(struct db_job *job, enum err_code code, const char *reason, const char *text)
{
    struct err err = ERR_INIT;

    err_set(&err, code, reason, "%s: %s", job->stmt->name, text);
    db_job_doom(job, &err);
}

struct db_job *db_query(struct db *db, const struct db_scope *scope, const struct db_stmt *stmt,
                        struct db_args *args, db_fn *fn, void *cb_arg)
{
    struct db_job *job = db_job_new(db, DB_JOB_QUERY, stmt);

    db_check_params(stmt, args);
    if (args) {
        job->args = *args;
        args->n = 0;
    }
    if (scope) {
        job->scoped = true;
        job->scope = *scope;
    }
    job->fn = fn;
    job->arg = cb_arg;
    if (db->short_n == 0)
        abort(); /* this struct db has connections for transactions only */
    if (db->waiting.n >= DB_WAITING_MAX) {
        doom(job, ERR_AGAIN, "database_busy", "too many statements wait");
        return job;
    }
    job->place = DB_WAITING;
    db_queue_put(&db->waiting, job);
    db_pump_soon(db);
    return job;
}

void db_cancel(struct db_job *job)
{
    if (!job)
        return;
    job->fn = NULL;
    if (job->place == DB_WAITING && db_queue_remove(&job->db->waiting, job))
        job_free(job);
}

/* --- the pump: gives waiting work to free connections, from the loop only --- */

static struct db_conn *least_busy(struct db *db)
{
    struct db_conn *best = NULL;

    for (unsigned i = 0; i < db->short_n; i++) {
        struct db_conn *c = &db->conns[i];
        if (!c->ready || c->broken || c->stale || c->sent.n >= DB_PIPELINE)
            continue;
        if (!best || c->sent.n < best->sent.n)
            best = c;
    }
    return best;
}

static void send_waiting(struct db *db)
{
    while (db->waiting.first && !db->silent) {
        struct db_conn *c = least_busy(db);
        if (!c)
            return;
        struct db_job *job = db_queue_take(&db->waiting);
        if (!db_conn_send(c, job)) /* that connection has just broken; another may do */
            put_first(&db->waiting, job);
    }
}

static void give_up_waiting(struct db *db, int64_t now_us)
{
    if (db->is_ready && !db->closing)
        return;
    while (db->waiting.first && (db->closing || now_us - db->waiting.first->since_us > PATIENCE_US))
        doom(db_queue_take(&db->waiting), ERR_AGAIN, "database_away", "the database is away");
}

static void end_doomed(struct db *db)
{
    struct db_job *job;

    while ((job = db_queue_take(&db->doomed))) {
        struct err err = job->err;
        db_job_end(job, NULL, &err);
    }
}

static void bury_broken(struct db *db)
{
    for (unsigned i = 0; i < db->conns_n; i++)
        if (db->conns[i].broken)
            db_conn_read(&db->conns[i]);
}

static bool anything_under_way(const struct db *db)
{
    if (db->waiting.first || db->doomed.first || db->tx_first)
        return true;
    for (unsigned i = 0; i < db->conns_n; i++)
        if (db->conns[i].sent.first)
            return true;
    return false;
}

static void hear_silence(struct db *db, int64_t now_us)
{
    if (db->silent || now_us - db->answered_us < SILENT_US)
        return;
    for (unsigned i = 0; i < db->short_n; i++) {
        const struct db_job *oldest = db->conns[i].ready ? db->conns[i].sent.first : NULL;
        if (oldest && now_us - oldest->since_us >= SILENT_US)
            db->silent = true;
    }
    if (db->silent)
        db_state_changed(db);
}

void db_answered(struct db *db)
{
    db->answered_us = clock_mono_us();
    if (!db->silent)
        return;
    db->silent = false;
    db_state_changed(db);
    db_pump_soon(db);
}

static void on_tick(void *arg)
{
    struct db *db = arg;
    int64_t now = clock_mono_us();

    hear_silence(db, now);
    for (unsigned i = 0; i < db->conns_n; i++)
        db_conn_stall_check(&db->conns[i], now);
    db->ticking = false;
    db_pump(db);
}

void db_pump(struct db *db)
{
    int64_t now = clock_mono_us();

    bury_broken(db);
    send_waiting(db);
    db_tx_pump(db, now);
    give_up_waiting(db, now);
    end_doomed(db);
    if (!db->ticking && anything_under_way(db)) {
        db->ticking = true;
        loop_timer_set(db->tick, TICK_US, 0);
    }
}

static void on_pump(void *arg)
{
    struct db *db = arg;

    db->pump_due = false;
    db_pump(db);
}

void db_pump_soon(struct db *db)
{
    if (db->pump_due)
        return;
    db->pump_due = true;
    loop_defer(db->loop, on_pump, db);
}

/* --- life --- */

bool db_is_ready(const struct db *db)
{
    return db->is_ready;
}

void db_on_state(struct db *db, void (*fn)(void *arg, bool ready), void *arg)
{
    db->on_state = fn;
    db->on_state_arg = arg;
}

void db_state_changed(struct db *db)
{
    bool ready = false;

    for (unsigned i = 0; i < db->conns_n; i++)
        ready = ready || (db->conns[i].ready && (i < db->short_n || db->short_n == 0));
    ready = ready && !db->silent;
    if (ready == db->is_ready || db->closing)
        return;
    db->is_ready = ready;
    if (ready)
        log_info("database_ready");
    else
        log_warn("database_away");
    if (db->on_state)
        db->on_state(db->on_state_arg, ready);
}

bool db_open(struct db **out, struct loop *l, const struct db_options *opt, struct err *err)
{
    unsigned shorts = opt->short_conns, txs = opt->tx_conns;
    struct db *db;

    if (shorts == 0 && txs == 0)
        shorts = txs = 2;
    if (shorts + txs > DB_CONNS_MAX)
        return err_set(err, ERR_INVALID, "too_many_connections", "%u connections asked, at most %d",
                       shorts + txs, DB_CONNS_MAX);
    db = mem_new(sizeof *db);
    db->loop = l;
    db->conninfo = mem_str(opt->conninfo ? opt->conninfo : "");
    db->role = mem_str(opt->role_name);
    db->unnamed = opt->unnamed_statements;
    db_queue_init(&db->waiting);
    db_queue_init(&db->doomed);
    db->tx_last = &db->tx_first;
    db->short_n = shorts;
    db->conns_n = shorts + txs;
    db->tick = loop_timer(l, TICK_US, 0, on_tick, db);
    db->ticking = true;
    for (unsigned i = 0; i < db->conns_n; i++) {
        struct db_conn *c = &db->conns[i];
        c->db = db;
        c->for_tx = i >= shorts;
        c->retry_us = 50 * US_PER_MS;
        db_queue_init(&c->sent);
        db_conn_open(c);
    }
    *out = db;
    return true;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db->closing = true;
    db->on_state = NULL;
    for (unsigned i = 0; i < db->conns_n; i++) {
        if (db->conns[i].sent.first)
            db_conn_lost(&db->conns[i], "closing");
        db_conn_close(&db->conns[i]);
    }
    db_tx_close_all(db);
    while (db->waiting.first || db->doomed.first) {
        give_up_waiting(db, 0);
        end_doomed(db);
    }
    loop_undefer(db->loop, on_pump, db);
    loop_untimer(db->tick);
    free(db->conninfo);
    free(db->role);
    free(db);
}
