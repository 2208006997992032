#include "core/db/db_internal.h"
#include "core/mem.h"
#include <stdlib.h>
#include <string.h>

struct db_sync {
    PGconn *pg;
};

static void no_notice(void *arg, const PGresult *res)
{
    (void)arg, (void)res;
}

bool db_sync_open(struct db_sync **out, const char *conninfo, struct err *err)
{
    static const char *const KEYS[] = {"dbname", "fallback_application_name", "client_encoding", NULL};
    const char *const values[] = {conninfo, "yunzhen", "UTF8", NULL};
    PGconn *pg = PQconnectdbParams(KEYS, values, 1);
    struct db_sync *s;

    if (!pg)
        abort();
    if (PQstatus(pg) != CONNECTION_OK) {
        err_set(err, ERR_AGAIN, "database_away", "connect to the database: %s", PQerrorMessage(pg));
        PQfinish(pg);
        return false;
    }
    PQsetNoticeReceiver(pg, no_notice, NULL);
    s = mem_new(sizeof *s);
    s->pg = pg;
    *out = s;
    return true;
}

void db_sync_close(struct db_sync *s)
{
    if (!s)
        return;
    PQfinish(s->pg);
    free(s);
}

/* Takes res. */
static bool check(struct db_sync *s, PGresult *res, const char *what, struct db_rows *rows, struct err *err)
{
    ExecStatusType status = PQresultStatus(res);
    bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;

    if (ok && rows) {
        db_rows_of(rows, res);
        return true;
    }
    if (!ok && PQstatus(s->pg) == CONNECTION_BAD && db_is_state(res, ""))
        err_set(err, ERR_UNKNOWN, "database_outcome_unknown", "%s: %s", what, PQerrorMessage(s->pg));
    else if (!ok)
        db_error(err, what, res);
    PQclear(res);
    return ok;
}

bool db_sync_exec(struct db_sync *s, const char *sql, struct err *err)
{
    return check(s, PQexec(s->pg, sql), "sql", NULL, err);
}

static bool run(struct db_sync *s, const struct db_stmt *stmt, const struct db_args *args,
                struct db_rows *rows, struct err *err)
{
    PGresult *res = PQexecParams(s->pg, stmt->text, args->n, NULL, args->v, NULL, NULL, 0);

    return check(s, res, stmt->name, rows, err);
}

static bool run_scoped(struct db_sync *s, const struct db_scope *scope, const struct db_stmt *stmt,
                       const struct db_args *args, struct db_rows *rows, struct err *err)
{
    bool own_tx = PQtransactionStatus(s->pg) == PQTRANS_IDLE, ok;
    struct db_args context;

    if (own_tx && !db_sync_exec(s, "BEGIN", err))
        return false;
    db_scope_args(&context, scope);
    ok = run(s, &DB_SCOPE_STMT, &context, NULL, err) && run(s, stmt, args, rows, err);
    db_args_free(&context);
    if (!own_tx)
        return ok;
    if (!ok) {
        db_sync_exec(s, "ROLLBACK", NULL);
        return false;
    }
    if (db_sync_exec(s, "COMMIT", err))
        return true;
    if (rows)
        db_rows_free(rows);
    return false;
}

bool db_sync_query(struct db_sync *s, const struct db_scope *scope, const struct db_stmt *stmt,
                   struct db_args *args, struct db_rows *rows, struct err *err)
{
    struct db_args none = {.n = 0};
    struct db_args *a = args ? args : &none;
    bool ok;

    db_check_params(stmt, a);
    if (rows)
        *rows = (struct db_rows){0};
    ok = scope ? run_scoped(s, scope, stmt, a, rows, err) : run(s, stmt, a, rows, err);
    db_args_free(a);
    return ok;
}
