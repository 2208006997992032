#include "core/db/db_internal.h"
#include "core/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool db_null(const struct db_rows *r, int row, int col)
{
    return PQgetisnull(r->res, row, col) != 0;
}

const char *db_str(const struct db_rows *r, int row, int col)
{
    return PQgetvalue(r->res, row, col);
}

int64_t db_i64(const struct db_rows *r, int row, int col)
{
    return strtoll(PQgetvalue(r->res, row, col), NULL, 10);
}

bool db_bool(const struct db_rows *r, int row, int col)
{
    return PQgetvalue(r->res, row, col)[0] == 't';
}

/* PostgreSQL writes "2026-11-21 07:00:00.5+00", and "+05:30" only where the minutes are not zero. */
int64_t db_time(const struct db_rows *r, int row, int col)
{
    const char *text = PQgetvalue(r->res, row, col);
    size_t len = strlen(text);
    char buf[48];
    int64_t us = 0;

    if (strcmp(text, "infinity") == 0)
        return INT64_MAX;
    if (strcmp(text, "-infinity") == 0)
        return INT64_MIN;
    if (len < 3 || len > sizeof buf - 4)
        return 0;
    bool short_offset = text[len - 3] == '+' || text[len - 3] == '-';
    len = (size_t)snprintf(buf, sizeof buf, "%s%s", text, short_offset ? ":00" : "");
    return clock_parse(buf, len, &us) ? us : 0;
}

uint8_t *db_bytes(const struct db_rows *r, int row, int col, size_t *len)
{
    uint8_t *bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(r->res, row, col), len);

    if (!bytes)
        abort();
    return bytes;
}

void db_rows_free(struct db_rows *rows)
{
    PQclear(rows->res);
    *rows = (struct db_rows){0};
}

void db_rows_of(struct db_rows *rows, PGresult *res)
{
    *rows =
        (struct db_rows){.res = res, .n = PQntuples(res), .affected = strtoll(PQcmdTuples(res), NULL, 10)};
}
