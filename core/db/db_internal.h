/* db_internal.h - what the files of core/db share and nobody else includes.
 *
 * db.c       the queue of single statements, the public face
 * db_tx.c    transactions: borrowing a connection, BEGIN … COMMIT
 * db_conn.c  one connection: connecting, sending in pipeline mode, taking answers apart, reconnecting
 */
#pragma once
#include "core/db/db.h"

#define DB_CONNS_MAX   16
#define DB_PIPELINE    32   /* jobs under way on one short connection */
#define DB_WAITING_MAX 8192 /* beyond: ERR_AGAIN "database_busy" at once */

enum db_job_kind { DB_JOB_QUERY, DB_JOB_PREPARE, DB_JOB_BEGIN, DB_JOB_COMMIT, DB_JOB_ROLLBACK };
enum db_job_place { DB_WAITING, DB_SENT, DB_DOOMED, DB_LEAVING };

/* One sync segment of the pipeline: [set_config] [prepare] statement. */
struct db_job {
    struct db *db;
    struct db_job *next;
    enum db_job_kind kind;
    enum db_job_place place;
    const struct db_stmt *stmt;
    struct db_args args;
    bool scoped;
    struct db_scope scope;
    struct db_tx *tx; /* NULL: a single statement, or its transaction is gone */
    db_fn *fn;        /* NULL: cancelled */
    void *arg;
    int64_t since_us; /* queued, then sent */

    /* under way */
    int step, stmt_step, prepare_step; /* index of the answer being read, and which are which (-1: none) */
    PGresult *res;                     /* the statement's */
    struct err err;                    /* the first that happened */
    bool refused;                      /* err is the server's word: it surely did not happen */
};

struct db_queue {
    struct db_job *first, **last;
    unsigned n;
};

enum db_prepared_state { DB_PREPARING, DB_PREPARED };
struct db_prepared {
    const struct db_stmt *stmt;
    enum db_prepared_state state;
};

struct db_conn {
    struct db *db;
    bool for_tx;
    bool ready;  /* connected and usable */
    bool broken; /* a send failed: db_pump() buries it */
    bool wants_write;
    bool stale; /* its prepared statements cannot be trusted: reconnect when nothing is under way */
    PGconn *pg; /* NULL while waiting to retry */
    struct loop_watch *watch;
    struct loop_timer *timer; /* next try, or the end of patience with this try */
    int64_t retry_us;
    struct db_queue sent;
    struct db_prepared *prepared;
    size_t prepared_n, prepared_cap;
    bool last_word;   /* the server said FATAL: what stands behind was not read */
    bool lent;        /* to a transaction, until its COMMIT or ROLLBACK was answered */
    struct db_tx *tx; /* NULL after a rollback, while the server still works on it */
};

enum db_tx_state { DB_TX_WAITING, DB_TX_OPEN, DB_TX_ENDING };
struct db_tx {
    struct db *db;
    struct db_tx *next; /* waiting */
    enum db_tx_state state;
    struct db_conn *conn; /* NULL: waiting, or lost */
    bool scoped;
    struct db_scope scope;
    struct err err; /* the first that happened; everything later fails with it */
    db_tx_fn *ready;
    void (*done)(void *arg, const struct err *err);
    void *arg;
    int64_t since_us;
};

struct db {
    struct loop *loop;
    char *conninfo, *role;
    bool unnamed, is_ready, closing, pump_due;
    bool silent;         /* connected, but nothing is answered */
    int64_t answered_us; /* when anything was answered last */
    struct db_conn conns[DB_CONNS_MAX];
    unsigned conns_n, short_n;
    struct db_queue waiting, doomed;
    struct db_tx *tx_first, **tx_last;
    struct loop_timer *tick; /* runs while somebody waits for something */
    bool ticking;
    void (*on_state)(void *arg, bool ready);
    void *on_state_arg;
};

/* db_error.c */
bool db_error(struct err *err, const char *what, const PGresult *res); /* false */
bool db_is_state(const PGresult *res, const char *state);
bool db_is_fatal(const PGresult *res);
void db_rows_of(struct db_rows *rows, PGresult *res);

/** Abort with the statement's name in the log when the number of parameters is wrong. */
void db_check_params(const struct db_stmt *stmt, const struct db_args *args);

/* db_conn.c */
void db_conn_open(struct db_conn *c);
void db_conn_close(struct db_conn *c); /* no callbacks, no retry; what was sent stays in c->sent */
/** Take the job over and send it; false: the connection just broke, and the job is still the caller's. */
bool db_conn_send(struct db_conn *c, struct db_job *job);
/** The connection is gone: answer what was under way and try again later. */
void db_conn_lost(struct db_conn *c, const char *why);
/** Read and deliver what has come; buries the connection when it is dead. */
void db_conn_read(struct db_conn *c);
void db_conn_stall_check(struct db_conn *c, int64_t now_us);

/* db.c */
struct db_job *db_job_new(struct db *db, enum db_job_kind kind, const struct db_stmt *stmt);
/** The server has said something on a connection for short statements. */
void db_answered(struct db *db);
/** Call back and free; rows or err. */
void db_job_end(struct db_job *job, const struct db_rows *rows, const struct err *err);
/** Fail it from the loop, soon. */
void db_job_doom(struct db_job *job, const struct err *err);
void db_queue_init(struct db_queue *q);
void db_queue_put(struct db_queue *q, struct db_job *job);
struct db_job *db_queue_take(struct db_queue *q);
bool db_queue_remove(struct db_queue *q, struct db_job *job);
void db_pump_soon(struct db *db);
void db_pump(struct db *db);
void db_state_changed(struct db *db);
extern const struct db_stmt DB_SCOPE_STMT;
void db_scope_args(struct db_args *args, const struct db_scope *scope);

/* db_tx.c */
/** A job failed. The first error of a transaction is everybody's: it is kept, or replaces err. */
void db_tx_note(struct db_job *job, struct err *err);
void db_tx_conn_lost(struct db_tx *tx);
void db_tx_pump(struct db *db, int64_t now_us);
void db_tx_close_all(struct db *db);
