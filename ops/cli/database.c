#include <string.h>
#include "ops/cli/cli.h"
#include "ops/cli/store.sql.h"

/* Most installations have one region; with more, the caller says which. */
static bool settle_region(struct cli *cli, struct db_sync *s, struct err *err)
{
    struct db_args none;
    struct db_rows rows;
    bool ok = true;

    if (cli->region_id != 0)
        return true;
    db_args_init(&none);
    if (!db_sync_query(s, NULL, &SQL_cli_regions, &none, &rows, err))
        return false;
    if (rows.n == 1)
        cli->region_id = db_i64(&rows, 0, 0);
    else if (rows.n > 1)
        ok = err_set(err, ERR_INVALID, "usage", "%d regions live here; --region=ID says which one", rows.n);
    else
        ok = err_set(err, ERR_NOT_FOUND, "no_region", "there is no region in this database yet");
    db_rows_free(&rows);
    return ok;
}

bool cli_db_open(struct db_sync **out, struct cli *cli, struct err *err)
{
    struct db_sync *s = NULL;

    if (!db_sync_open(&s, cli->db, err)) {
        err_add(err, "the database does not answer (is it started? ops/up)");
        return false;
    }
    if (!settle_region(cli, s, err)) {
        db_sync_close(s);
        return false;
    }
    *out = s;
    return true;
}

/* Text as it stands in the answer; SQL's NULL is null. */
static json_t *row_object(const PGresult *res, int row)
{
    json_t *object = json_object();

    for (int c = 0; c < PQnfields(res); c++) {
        json_t *v = PQgetisnull(res, row, c) ? json_null() : json_string(PQgetvalue(res, row, c));

        json_object_set_new(object, PQfname(res, c), v);
    }
    return object;
}

bool cli_query(json_t **out, struct db_sync *s, const struct cli *cli, const struct db_stmt *stmt,
               struct db_args *args, struct err *err)
{
    const struct db_scope scope = {.region_id = cli->region_id};
    struct db_rows rows;

    if (!db_sync_query(s, &scope, stmt, args, &rows, err))
        return false;
    *out = json_array();
    for (int i = 0; i < rows.n; i++)
        json_array_append_new(*out, row_object(rows.res, i));
    db_rows_free(&rows);
    return true;
}
