/* db.h - PostgreSQL spoken asynchronously on a loop (libpq 15).
 *
 * Owns    a small set of connections (at most 16 per node): `short` ones share pipelined single statements,
 *         transactions borrow one exclusively. All reconnect by themselves (50 ms … 2 s).
 * Runs on one loop. Callbacks come from that loop, never from inside a call of this header (db_close() aside),
 *         exactly once per query, also when the connection dies: before the statement was sent ERR_AGAIN
 *         "database_away"; after, ERR_UNKNOWN "database_outcome_unknown" (a read maps it to ERR_AGAIN itself), or
 *         ERR_AGAIN where the server's own last word or the missing COMMIT proves that nothing happened.
 * Order   on one short connection answers come in the order of the questions; with several there is no order.
 *         A slow statement keeps those behind it waiting: give it a transaction, or another struct db.
 * Waiting while the database is away a statement waits at most 2 s for it, then gets ERR_AGAIN "database_away".
 * Handles are cancellable: db_cancel() guarantees that the callback is not called; the server may still finish.
 * Tenancy every statement of a request runs in a context (struct db_scope): it is sent as
 *         `SELECT set_config('yz.region',…,true), set_config('yz.tenant',…,true), set_config('yz.actor',…,true)`
 *         in the same implicit transaction, and row-level security reads those settings. Afterwards PostgreSQL
 *         shows them as '' (not NULL): policies write nullif(current_setting('yz.region', true), '')::bigint.
 * Retry   40001, 40P01, 57P0x, 08xxx, 53xxx give ERR_AGAIN; 23505 ERR_CONFLICT with the constraint's name as
 *         reason, 23514, 23503 ERR_INVALID with the constraint's name, 22xxx ERR_INVALID "bad_value", 42501
 *         (privilege, row security) ERR_DENIED "database_denied". The rest is ERR_INTERNAL "database_error".
 */
#pragma once
#include <libpq-fe.h>
#include <stdint.h>
#include "core/loop.h"

struct db;
struct db_job;
struct db_tx;

/** A named statement, made by embed_sql() from `-- name: order_claim_batch` in a .sql file:
 * `extern const struct db_stmt SQL_order_claim_batch;` in "<file>.sql.h". */
struct db_stmt {
    const char *name;
    const char *text;
    int params;
};

/** Who asks, for row-level security. region 0 never matches anything. */
struct db_scope {
    int64_t region_id;
    int64_t tenant_id; /* 0 for owner daemons: their policy is region-wide */
    int64_t actor_id;  /* records.accounts id, 0 for the system */
};

/* Parameters, built in place: struct db_args a; db_args_init(&a); db_arg_id(&a, order_id); … Text format throughout. */
#define DB_ARGS_MAX 32
struct db_args {
    int n;
    const char *v[DB_ARGS_MAX];
    char *owned[DB_ARGS_MAX];
};
void db_args_init(struct db_args *a);
void db_args_free(struct db_args *a);
void db_arg_null(struct db_args *a);
void db_arg_str(struct db_args *a, const char *s); /* copied; NULL is SQL NULL */
void db_arg_i64(struct db_args *a, int64_t v);
void db_arg_id(struct db_args *a, int64_t v); /* 0 is SQL NULL */
void db_arg_bool(struct db_args *a, bool v);
void db_arg_time(struct db_args *a, int64_t utc_us);                 /* timestamptz; 0 is NULL */
void db_arg_bytes(struct db_args *a, const void *p, size_t len);     /* bytea hex */
void db_arg_i64s(struct db_args *a, const int64_t *v, size_t n);     /* bigint[] */
void db_arg_i32s(struct db_args *a, const int32_t *v, size_t n);     /* int[] */
void db_arg_strs(struct db_args *a, const char *const *v, size_t n); /* text[], NULL entries are NULL */

/* Rows: lent for the length of the callback. Columns by position. SQL NULL reads as 0 / "" (ask db_null). */
struct db_rows {
    PGresult *res;
    int n;
    int64_t affected;
};
int64_t db_i64(const struct db_rows *r, int row, int col);
const char *db_str(const struct db_rows *r, int row, int col);
bool db_bool(const struct db_rows *r, int row, int col);
int64_t db_time(const struct db_rows *r, int row, int col); /* timestamptz to UTC µs; 0 for NULL */
bool db_null(const struct db_rows *r, int row, int col);
/** bytea; freed by the caller with PQfreemem(). */
uint8_t *db_bytes(const struct db_rows *r, int row, int col, size_t *len);

/** rows is NULL when err is set, and the other way round. */
typedef void db_fn(void *arg, const struct db_rows *rows, const struct err *err);

struct db_options {
    const char *conninfo;
    unsigned short_conns, tx_conns; /* both 0: two of each; together at most 16 */
    const char *role_name;          /* the user when conninfo names none; also the application_name */
    bool unnamed_statements;        /* never prepare: for PgBouncer 1.18 in transaction pooling */
};
/** Never fails for lack of a server: it connects in the background. */
bool db_open(struct db **out, struct loop *l, const struct db_options *opt, struct err *err);
/** Outstanding callbacks are called with an error first; open transactions were rolled back by their owners.
 * Not from inside a callback of db; NULL is fine. */
void db_close(struct db *db);
bool db_is_ready(const struct db *db);
/** Called at each change of db_is_ready(): at least one short connection stands, and statements are answered. One silent
 * for 3 s while no other is answered means that the server hangs: away, until it says something again. */
void db_on_state(struct db *db, void (*fn)(void *arg, bool ready), void *arg);

/** One statement in its own implicit transaction, pipelined with others. Consumes args (NULL: none). scope NULL:
 * no context, so only tables without row security answer. */
struct db_job *db_query(struct db *db, const struct db_scope *scope, const struct db_stmt *stmt,
                        struct db_args *args, db_fn *fn, void *cb_arg);
void db_cancel(struct db_job *job); /* NULL is fine */

/* Transactions: begin borrows a connection (waits for a free one), then any number of statements, each answered before or
 * after the next is sent (they pipeline), then commit or rollback. Any error makes the rest fail with the same error. */
typedef void db_tx_fn(void *arg, struct db_tx *tx, const struct err *err);
/** ready() gets the tx, or err (and no tx any more): ERR_AGAIN "database_away" | "database_busy" after 5 s. */
struct db_tx *db_begin(struct db *db, const struct db_scope *scope, db_tx_fn *ready, void *arg);
void db_tx_query(struct db_tx *tx, const struct db_stmt *stmt, struct db_args *args, db_fn *fn, void *cb_arg);
/** done(err == NULL) only after the server confirmed the commit, and after all statements' callbacks. The handle
 * must not be used after this call. */
void db_commit(struct db_tx *tx, void (*done)(void *arg, const struct err *err), void *arg);
/** Also before ready(). No callback of this tx follows, and the handle is gone. NULL is fine. */
void db_rollback(struct db_tx *tx);

/* Blocking form for the command line, migrations and tests. Same statements, same errors, no loop. */
struct db_sync;
bool db_sync_open(struct db_sync **out, const char *conninfo, struct err *err);
void db_sync_close(struct db_sync *s);
bool db_sync_exec(struct db_sync *s, const char *sql, struct err *err); /* many statements */
/** scope NULL: as the connection is. rows->res is the caller's: db_rows_free(); rows may be NULL. Consumes args. */
bool db_sync_query(struct db_sync *s, const struct db_scope *scope, const struct db_stmt *stmt,
                   struct db_args *args, struct db_rows *rows, struct err *err);
void db_rows_free(struct db_rows *rows);
