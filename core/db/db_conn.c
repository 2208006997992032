#include "core/db/db_internal.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MIN_US   (50 * US_PER_MS)
#define RETRY_MAX_US   (2 * US_PER_S)
#define CONNECT_MAX_US (10 * US_PER_S)
#define STALL_US       (60 * US_PER_S) /* one statement silent for so long: the server or the road is dead */

static void on_socket(void *arg, uint32_t events);
static void on_connecting(void *arg, uint32_t events);

/* --- connecting --- */

static void forget_prepared(struct db_conn *c)
{
    free(c->prepared);
    c->prepared = NULL;
    c->prepared_n = c->prepared_cap = 0;
}

void db_conn_close(struct db_conn *c)
{
    loop_unwatch(c->watch);
    c->watch = NULL;
    loop_untimer(c->timer);
    c->timer = NULL;
    PQfinish(c->pg);
    c->pg = NULL;
    c->ready = c->broken = c->stale = c->last_word = false;
    forget_prepared(c);
}

static void on_retry(void *arg)
{
    db_conn_open(arg);
}

static void retry_later(struct db_conn *c)
{
    db_conn_close(c);
    /* A little unevenness, so that the connections of many daemons do not knock together. */
    int64_t delay = c->retry_us - clock_mono_us() % (c->retry_us / 4);
    c->retry_us = 2 * c->retry_us < RETRY_MAX_US ? 2 * c->retry_us : RETRY_MAX_US;
    c->timer = loop_timer(c->db->loop, delay, 0, on_retry, c);
}

static void connect_failed(struct db_conn *c, const char *why)
{
    log_debug("database_connect_failed", LS("why", why));
    retry_later(c);
}

static void on_notice(void *arg, const PGresult *res)
{
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    (void)arg;
    log_debug("database_notice", LS("text", text));
}

static void prepare_scope(struct db_conn *c)
{
    struct db_job *job;

    if (c->db->unnamed)
        return;
    job = db_job_new(c->db, DB_JOB_PREPARE, &DB_SCOPE_STMT);
    if (!db_conn_send(c, job))
        db_job_end(job, NULL, &job->err);
}

static void connected(struct db_conn *c)
{
    if (PQsetnonblocking(c->pg, 1) != 0 || !PQenterPipelineMode(c->pg)) {
        connect_failed(c, "pipeline mode");
        return;
    }
    loop_untimer(c->timer);
    c->timer = NULL;
    c->retry_us = RETRY_MIN_US;
    c->ready = true;
    c->wants_write = false;
    c->watch = loop_watch(c->db->loop, PQsocket(c->pg), EPOLLIN, on_socket, c);
    prepare_scope(c);
    db_state_changed(c->db);
    db_pump_soon(c->db);
}

/* libpq may close its socket and open another between two polls, so each step watches anew. */
static void connect_step(struct db_conn *c)
{
    loop_unwatch(c->watch);
    c->watch = NULL;
    switch (PQconnectPoll(c->pg)) {
    case PGRES_POLLING_READING:
        c->watch = loop_watch(c->db->loop, PQsocket(c->pg), EPOLLIN, on_connecting, c);
        break;
    case PGRES_POLLING_WRITING:
        c->watch = loop_watch(c->db->loop, PQsocket(c->pg), EPOLLOUT, on_connecting, c);
        break;
    case PGRES_POLLING_OK:
        connected(c);
        break;
    default:
        connect_failed(c, PQerrorMessage(c->pg));
        break;
    }
}

static void on_connecting(void *arg, uint32_t events)
{
    (void)events;
    connect_step(arg);
}

static void on_connect_timeout(void *arg)
{
    connect_failed(arg, "no answer");
}

void db_conn_open(struct db_conn *c)
{
    const char *role = c->db->role;
    /* What stands before dbname is a default, what stands after it overrides the conninfo. */
    const char *const keys[] = {role ? "user" : "fallback_application_name", "dbname",
                                "fallback_application_name", "client_encoding", NULL};
    const char *const values[] = {role ? role : "yunzhen", c->db->conninfo, role ? role : "yunzhen", "UTF8",
                                  NULL};

    db_conn_close(c);
    c->pg = PQconnectStartParams(keys, values, 1);
    if (!c->pg)
        abort();
    c->timer = loop_timer(c->db->loop, CONNECT_MAX_US, 0, on_connect_timeout, c);
    if (PQstatus(c->pg) == CONNECTION_BAD) {
        connect_failed(c, PQerrorMessage(c->pg));
        return;
    }
    PQsetNoticeReceiver(c->pg, on_notice, NULL);
    /* PQconnectStart: begin as if PQconnectPoll had said "writing". */
    c->watch = loop_watch(c->db->loop, PQsocket(c->pg), EPOLLOUT, on_connecting, c);
}

/* --- sending --- */

static struct db_prepared *prepared_find(const struct db_conn *c, const struct db_stmt *stmt)
{
    for (size_t i = 0; i < c->prepared_n; i++)
        if (c->prepared[i].stmt == stmt)
            return &c->prepared[i];
    return NULL;
}

static void prepared_add(struct db_conn *c, const struct db_stmt *stmt)
{
    if (c->prepared_n == c->prepared_cap) {
        c->prepared_cap = c->prepared_cap ? 2 * c->prepared_cap : 32;
        c->prepared = mem_grow(c->prepared, c->prepared_cap * sizeof *c->prepared);
    }
    c->prepared[c->prepared_n++] = (struct db_prepared){stmt, DB_PREPARING};
}

static void prepared_remove(struct db_conn *c, const struct db_stmt *stmt)
{
    struct db_prepared *p = prepared_find(c, stmt);

    if (p)
        *p = c->prepared[--c->prepared_n];
}

static bool send_unnamed(struct db_conn *c, const struct db_stmt *stmt, const struct db_args *args)
{
    return PQsendQueryParams(c->pg, stmt->text, args->n, NULL, args->v, NULL, NULL, 0) == 1;
}

static bool send_named(struct db_conn *c, const struct db_stmt *stmt, const struct db_args *args)
{
    return PQsendQueryPrepared(c->pg, stmt->name, args->n, args->v, NULL, NULL, 0) == 1;
}

static bool send_prepare(struct db_conn *c, const struct db_stmt *stmt, int params)
{
    prepared_add(c, stmt);
    return PQsendPrepare(c->pg, stmt->name, stmt->text, params, NULL) == 1;
}

/* A name is used only once its PREPARE was answered: what follows a failed PREPARE in the pipeline must not fail
 * for it. @param[out] prepare whether a PREPARE goes in front */
static bool send_stmt(struct db_conn *c, const struct db_stmt *stmt, const struct db_args *args,
                      bool *prepare)
{
    struct db_prepared *p = prepared_find(c, stmt);

    *prepare = !p && !c->db->unnamed;
    if (*prepare)
        return send_prepare(c, stmt, args->n) && send_named(c, stmt, args);
    return p && p->state == DB_PREPARED ? send_named(c, stmt, args) : send_unnamed(c, stmt, args);
}

/* The scope's own PREPARE went ahead when the connection was made. */
static bool send_scope(struct db_conn *c, const struct db_scope *scope)
{
    struct db_prepared *p = prepared_find(c, &DB_SCOPE_STMT);
    struct db_args args;
    bool ok;

    db_scope_args(&args, scope);
    ok = p && p->state == DB_PREPARED ? send_named(c, &DB_SCOPE_STMT, &args)
                                      : send_unnamed(c, &DB_SCOPE_STMT, &args);
    db_args_free(&args);
    return ok;
}

/* Fill the pipeline up to the sync, counting where the answers will stand. */
static bool send_all(struct db_conn *c, struct db_job *job)
{
    static const char *const VERBS[] = {
        [DB_JOB_BEGIN] = "BEGIN", [DB_JOB_COMMIT] = "COMMIT", [DB_JOB_ROLLBACK] = "ROLLBACK"};
    bool prepare = false;
    int steps = 0;

    job->prepare_step = job->stmt_step = -1;
    if (job->kind == DB_JOB_PREPARE) {
        job->prepare_step = steps++;
        if (!send_prepare(c, job->stmt, job->stmt->params))
            return false;
    } else if (job->kind != DB_JOB_QUERY) {
        job->stmt_step = steps++;
        if (!PQsendQueryParams(c->pg, VERBS[job->kind], 0, NULL, NULL, NULL, NULL, 0))
            return false;
    }
    if (job->scoped && (steps++, !send_scope(c, &job->scope)))
        return false;
    if (job->kind == DB_JOB_QUERY) {
        if (!send_stmt(c, job->stmt, &job->args, &prepare))
            return false;
        job->prepare_step = prepare ? steps++ : -1;
        job->stmt_step = steps;
    }
    return PQpipelineSync(c->pg) == 1;
}

/* Ask for writability only while libpq holds bytes back. */
static void flush(struct db_conn *c)
{
    int left = PQflush(c->pg);

    if (left < 0) {
        c->broken = true;
        return;
    }
    if (c->wants_write != (left > 0))
        loop_watch_set(c->watch, left ? EPOLLIN | EPOLLOUT : EPOLLIN);
    c->wants_write = left > 0;
}

bool db_conn_send(struct db_conn *c, struct db_job *job)
{
    if (!c->ready || c->broken)
        return false;
    if (!send_all(c, job)) {
        c->broken = true;
        db_pump_soon(c->db);
        return false;
    }
    job->place = DB_SENT;
    job->since_us = clock_mono_us();
    db_args_free(&job->args);
    db_queue_put(&c->sent, job);
    flush(c);
    if (c->broken)
        db_pump_soon(c->db);
    return true;
}

/* --- answers --- */

static void note_error(struct db_conn *c, struct db_job *job, const PGresult *res)
{
    static const char *const WHAT[] = {
        [DB_JOB_BEGIN] = "begin", [DB_JOB_COMMIT] = "commit", [DB_JOB_ROLLBACK] = "rollback"};
    bool fatal = db_is_fatal(res);

    if (job->err.code == ERR_NONE)
        db_error(&job->err, job->stmt ? job->stmt->name : WHAT[job->kind], res);
    /* The server's word that it did not happen. Not so its farewell after the statement's own answer: the commit
     * may have come between the two. */
    if (!db_is_state(res, "") && !(fatal && (job->res || job->kind == DB_JOB_COMMIT)))
        job->refused = true;
    if (fatal)
        c->last_word = true;
    if (job->step == job->prepare_step)
        prepared_remove(c, job->stmt);
    if (db_is_state(res, "26000") || db_is_state(res, "0A000"))
        c->stale = true;
}

static void take_result(struct db_conn *c, struct db_job *job, PGresult *res)
{
    switch (PQresultStatus(res)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        if (job->step == job->prepare_step)
            prepared_find(c, job->stmt)->state = DB_PREPARED;
        if (job->step == job->stmt_step && !job->res) {
            job->res = res;
            return;
        }
        break;
    case PGRES_PIPELINE_ABORTED:
        if (job->step == job->prepare_step)
            prepared_remove(c, job->stmt);
        break;
    default:
        note_error(c, job, res);
        break;
    }
    PQclear(res);
}

static const char *outcome(const struct db_job *job)
{
    return job->res ? PQcmdStatus(job->res) : "";
}

/* The sync came: what the segment did is committed (or, inside BEGIN, done). */
static void finish_job(struct db_conn *c)
{
    struct db_job *job = db_queue_take(&c->sent);
    struct db_rows rows;

    job->place = DB_LEAVING;
    if (job->kind == DB_JOB_COMMIT && job->err.code == ERR_NONE && strcmp(outcome(job), "COMMIT") != 0)
        err_set(&job->err, ERR_INTERNAL, "database_rolled_back", "commit: the server rolled back");
    if (job->kind == DB_JOB_COMMIT || job->kind == DB_JOB_ROLLBACK) {
        c->lent = false;
        c->tx = NULL;
    }
    if (job->err.code != ERR_NONE || !job->res) {
        db_tx_note(job, &job->err);
        db_job_end(job, NULL, &job->err);
        return;
    }
    db_rows_of(&rows, job->res);
    db_job_end(job, &rows, NULL);
}

/* Everything that has arrived; stops when the connection is gone. */
static void take_answers(struct db_conn *c)
{
    while (c->sent.first && c->sent.first->place == DB_SENT && !PQisBusy(c->pg)) {
        struct db_job *job = c->sent.first;
        PGresult *res = PQgetResult(c->pg);
        if (!res) {
            job->step++;
            if (PQstatus(c->pg) == CONNECTION_BAD)
                return;
        } else if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
            PQclear(res);
            if (!c->for_tx)
                db_answered(c->db);
            finish_job(c);
        } else {
            take_result(c, job, res);
        }
    }
}

void db_conn_read(struct db_conn *c)
{
    bool alive = PQconsumeInput(c->pg) == 1;

    take_answers(c); /* also after a failure: the last words are already in libpq's buffer */
    if (!alive || c->broken || PQstatus(c->pg) == CONNECTION_BAD)
        db_conn_lost(c, PQerrorMessage(c->pg));
    else if (c->stale && !c->sent.first && !c->lent)
        db_conn_lost(c, "prepared statements are out of date");
}

static void on_socket(void *arg, uint32_t events)
{
    struct db_conn *c = arg;

    if (events & EPOLLOUT)
        flush(c);
    if (c->broken || events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        db_conn_read(c);
    db_pump(c->db);
}

/* --- the end of a connection --- */

/* What we know about a statement whose connection died under it. A transaction without its COMMIT sent has surely
 * not happened; nor has what stood behind the server's own last word, a FATAL error. */
static void lost_error(struct err *out, const struct db_job *job, bool surely_not)
{
    if (job->refused)
        *out = job->err;
    else if (surely_not && !job->res)
        err_set(out, ERR_AGAIN, "database_away", "the connection to the database was lost");
    else
        err_set(out, ERR_UNKNOWN, "database_outcome_unknown", "the connection was lost before the answer");
}

static bool has_commit(const struct db_queue *q)
{
    for (const struct db_job *j = q->first; j; j = j->next)
        if (j->kind == DB_JOB_COMMIT)
            return true;
    return false;
}

/* libpq explains itself over several lines; the first one says it. */
static void log_lost(const char *why, unsigned under_way)
{
    char line[200];

    snprintf(line, sizeof line, "%.*s", (int)strcspn(why, "\n"), why);
    log_warn("database_lost", LS("why", line), LI("under_way", under_way));
}

void db_conn_lost(struct db_conn *c, const char *why)
{
    struct db *db = c->db;
    struct db_queue sent = c->sent;
    struct db_tx *tx = c->tx;
    bool surely_not = c->for_tx ? !has_commit(&sent) : c->last_word;
    struct db_job *job;

    if (!db->closing)
        log_lost(why, sent.n);
    if (!sent.first)
        sent.last = &sent.first;
    db_queue_init(&c->sent);
    c->lent = false;
    c->tx = NULL;
    retry_later(c);
    if (tx)
        db_tx_conn_lost(tx);
    while ((job = db_queue_take(&sent))) {
        struct err err = ERR_INIT;
        job->place = DB_LEAVING;
        if (c->for_tx && surely_not) { /* an answered statement, too, is undone with its transaction */
            PQclear(job->res);
            job->res = NULL;
        }
        lost_error(&err, job, surely_not);
        db_tx_note(job, &err);
        db_job_end(job, NULL, &err);
    }
    db_answered(db); /* the silence has ended one way or the other */
    db_state_changed(db);
}

void db_conn_stall_check(struct db_conn *c, int64_t now_us)
{
    if (c->ready && c->sent.first && now_us - c->sent.first->since_us > STALL_US)
        db_conn_lost(c, "no answer for a minute");
}
