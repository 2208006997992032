#include "core/db/db_internal.h"
#include "core/clock.h"
#include "core/mem.h"
#include <stdlib.h>

#define PATIENCE_US (5 * US_PER_S)

static void tx_fail(struct db_tx *tx, enum err_code code, const char *reason, const char *text)
{
    if (tx->err.code == ERR_NONE)
        err_set(&tx->err, code, reason, "%s", text);
}

void db_tx_note(struct db_job *job, struct err *err)
{
    if (!job->tx)
        return;
    if (job->tx->err.code == ERR_NONE)
        job->tx->err = *err;
    else
        *err = job->tx->err;
}

void db_tx_conn_lost(struct db_tx *tx)
{
    tx->conn = NULL;
    /* While a COMMIT is under way its own fate decides, and arrives as that job's error. */
    if (tx->state == DB_TX_OPEN)
        tx_fail(tx, ERR_AGAIN, "database_away", "the connection to the database was lost");
}

/* --- waiting for a connection --- */

struct db_tx *db_begin(struct db *db, const struct db_scope *scope, db_tx_fn *ready, void *arg)
{
    struct db_tx *tx = mem_new(sizeof *tx);

    tx->db = db;
    tx->state = DB_TX_WAITING;
    tx->ready = ready;
    tx->arg = arg;
    tx->since_us = clock_mono_us();
    if (scope) {
        tx->scoped = true;
        tx->scope = *scope;
    }
    *db->tx_last = tx;
    db->tx_last = &tx->next;
    db_pump_soon(db);
    return tx;
}

static void unwait(struct db_tx *tx)
{
    struct db_tx **at = &tx->db->tx_first;

    while (*at != tx)
        at = &(*at)->next;
    *at = tx->next;
    if (tx->db->tx_last == &tx->next)
        tx->db->tx_last = at;
}

static struct db_tx *take_first(struct db *db)
{
    struct db_tx *tx = db->tx_first;

    db->tx_first = tx->next;
    if (!db->tx_first)
        db->tx_last = &db->tx_first;
    return tx;
}

static struct db_conn *free_conn(struct db *db, bool *any_ready)
{
    *any_ready = false;
    for (unsigned i = db->short_n; i < db->conns_n; i++) {
        struct db_conn *c = &db->conns[i];
        if (!c->ready || c->broken || c->stale)
            continue;
        *any_ready = true;
        if (!c->lent)
            return c;
    }
    return NULL;
}

static void open_tx(struct db_tx *tx, struct db_conn *c)
{
    struct db_job *begin = db_job_new(tx->db, DB_JOB_BEGIN, NULL);

    begin->tx = tx;
    begin->scoped = tx->scoped;
    begin->scope = tx->scope;
    tx->state = DB_TX_OPEN;
    tx->conn = c;
    c->tx = tx;
    c->lent = true;
    if (!db_conn_send(c, begin)) {
        /* It stays with the broken connection, so that what follows fails in order. */
        tx_fail(tx, ERR_AGAIN, "database_away", "the connection to the database was lost");
        begin->tx = NULL;
        db_job_end(begin, NULL, &tx->err);
    }
    tx->ready(tx->arg, tx, NULL);
}

static void refuse_tx(struct db_tx *tx, const char *reason)
{
    struct err err = ERR_INIT;

    err_set(&err, ERR_AGAIN, reason, "begin: no connection was free");
    tx->ready(tx->arg, NULL, &err);
    free(tx);
}

void db_tx_pump(struct db *db, int64_t now_us)
{
    while (db->tx_first) {
        bool any_ready;
        struct db_conn *c = free_conn(db, &any_ready);
        if (c)
            open_tx(take_first(db), c);
        else if (now_us - db->tx_first->since_us > PATIENCE_US)
            refuse_tx(take_first(db), any_ready ? "database_busy" : "database_away");
        else
            return;
    }
}

void db_tx_close_all(struct db *db)
{
    while (db->tx_first)
        refuse_tx(take_first(db), "database_away");
}

/* --- statements --- */

/* Cannot be sent. While the connection is broken but not yet buried, the job lines up behind those that were sent,
 * so that all of a transaction end in order. */
static void refuse_job(struct db_tx *tx, struct db_job *job)
{
    tx_fail(tx, ERR_AGAIN, "database_away", "the connection to the database was lost");
    if (!tx->conn || !tx->conn->broken) {
        db_job_doom(job, &tx->err);
        return;
    }
    job->place = DB_DOOMED;
    job->err = tx->err;
    job->refused = true;
    db_queue_put(&tx->conn->sent, job);
    db_pump_soon(tx->db);
}

void db_tx_query(struct db_tx *tx, const struct db_stmt *stmt, struct db_args *args, db_fn *fn, void *cb_arg)
{
    struct db_job *job = db_job_new(tx->db, DB_JOB_QUERY, stmt);

    db_check_params(stmt, args);
    if (tx->state != DB_TX_OPEN)
        abort(); /* used before ready() or after the end: our bug */
    job->tx = tx;
    job->fn = fn;
    job->arg = cb_arg;
    if (args) {
        job->args = *args;
        args->n = 0;
    }
    if (tx->err.code != ERR_NONE || !tx->conn || !db_conn_send(tx->conn, job))
        refuse_job(tx, job);
}

/* --- the end --- */

static void on_commit(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct db_tx *tx = arg;

    (void)rows;
    /* An earlier statement's error is the cause; the COMMIT only echoes it. */
    if (tx->done)
        tx->done(tx->arg, tx->err.code != ERR_NONE ? &tx->err : err);
    free(tx);
}

void db_commit(struct db_tx *tx, void (*done)(void *arg, const struct err *err), void *arg)
{
    bool good = tx->err.code == ERR_NONE;
    struct db_job *job = db_job_new(tx->db, good ? DB_JOB_COMMIT : DB_JOB_ROLLBACK, NULL);

    if (tx->state != DB_TX_OPEN)
        abort();
    tx->state = DB_TX_ENDING;
    tx->done = done;
    tx->arg = arg;
    job->tx = tx;
    job->fn = on_commit;
    job->arg = tx;
    if (tx->conn && db_conn_send(tx->conn, job))
        return;
    job->kind = DB_JOB_ROLLBACK; /* what was never sent commits nothing */
    refuse_job(tx, job);
}

static void forget_jobs(struct db_queue *q, const struct db_tx *tx)
{
    for (struct db_job *j = q->first; j; j = j->next) {
        if (j->tx != tx)
            continue;
        j->tx = NULL;
        j->fn = NULL;
    }
}

void db_rollback(struct db_tx *tx)
{
    struct db_job *job;

    if (!tx)
        return;
    if (tx->state == DB_TX_ENDING)
        abort();
    forget_jobs(&tx->db->doomed, tx);
    if (tx->state == DB_TX_WAITING)
        unwait(tx);
    if (tx->conn) {
        struct db_conn *c = tx->conn;
        forget_jobs(&c->sent, tx);
        c->tx = NULL;
        job = db_job_new(tx->db, DB_JOB_ROLLBACK, NULL);
        if (!db_conn_send(c, job))
            db_job_end(job, NULL, &tx->err);
    }
    free(tx);
}
