#include "tests/unit/pg_fixture.h"
#include "core/clock.h"
#include <string.h>

static struct db_rows query(struct test *t, const char *text, struct db_args *args)
{
    struct db_stmt stmt = {"test", text, args ? args->n : 0};
    struct db_rows rows;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_query(pg_sync(t, "yz_owner"), NULL, &stmt, args, &rows, &err), &err);
    return rows;
}

TEST(db_values, every_kind_of_argument_arrives_as_it_is)
{
    static const int64_t IDS[] = {INT64_MIN, 0, INT64_MAX};
    static const int32_t SMALL[] = {-1, INT32_MAX};
    static const char *const WORDS[] = {"plain", "", NULL, "NULL", "a\"b\\c,{d}", "云诊"};
    int64_t noon = INT64_C(1795262400123456);
    struct db_args a;
    struct db_rows r;
    uint8_t *bytes;
    size_t len;

    db_args_init(&a);
    db_arg_null(&a);
    db_arg_str(&a, "it's");
    db_arg_i64(&a, INT64_MIN);
    db_arg_id(&a, 0);
    db_arg_bool(&a, true);
    db_arg_time(&a, noon);
    db_arg_bytes(&a, "\0\xff", 2);
    db_arg_i64s(&a, IDS, 3);
    db_arg_i32s(&a, SMALL, 2);
    db_arg_strs(&a, WORDS, 6);
    db_arg_time(&a, 0);
    db_arg_i64s(&a, NULL, 0);
    r = query(t,
              "SELECT $1::text, $2::text, $3::bigint, $4::bigint, $5::bool, $6::timestamptz, $7::bytea,"
              " $8::bigint[] = ARRAY[-9223372036854775808, 0, 9223372036854775807],"
              " $9::int[] = ARRAY[-1, 2147483647],"
              " $10::text[] = ARRAY['plain', '', NULL, 'NULL', 'a\"b\\c,{d}', '云诊'],"
              " $11::timestamptz, cardinality($12::bigint[])",
              &a);
    CHECK(db_null(&r, 0, 0));
    CHECK_STR(db_str(&r, 0, 0), "");
    CHECK_STR(db_str(&r, 0, 1), "it's");
    CHECK_INT(db_i64(&r, 0, 2), INT64_MIN);
    CHECK(db_null(&r, 0, 3));
    CHECK_INT(db_i64(&r, 0, 3), 0);
    CHECK(db_bool(&r, 0, 4));
    CHECK_INT(db_time(&r, 0, 5), noon);
    bytes = db_bytes(&r, 0, 6, &len);
    CHECK_INT(len, 2);
    CHECK_MEM(bytes, "\0\xff", 2);
    PQfreemem(bytes);
    CHECK(db_bool(&r, 0, 7));
    CHECK(db_bool(&r, 0, 8));
    CHECK(db_bool(&r, 0, 9));
    CHECK(db_null(&r, 0, 10));
    CHECK_INT(db_time(&r, 0, 10), 0);
    CHECK_INT(db_i64(&r, 0, 11), 0);
    db_rows_free(&r);
}

TEST(db_values, times_are_read_in_any_zone_of_the_session)
{
    static const char *const ZONES[] = {"UTC", "Asia/Shanghai", "Asia/Kolkata", "America/New_York"};
    struct db_sync *s = pg_sync(t, "yz_owner");
    struct db_stmt stmt = {"test", "SELECT '2026-11-21T07:00:00.5Z'::timestamptz, 'infinity'::timestamptz",
                           0};
    struct db_rows r;
    struct err err = ERR_INIT;
    char sql[100];

    for (size_t i = 0; i < 4; i++) {
        snprintf(sql, sizeof sql, "SET timezone = '%s'", ZONES[i]);
        CHECK_OK(db_sync_exec(s, sql, &err), &err);
        CHECK_OK(db_sync_query(s, NULL, &stmt, NULL, &r, &err), &err);
        CHECK_INT(db_time(&r, 0, 0), INT64_C(1795244400500000));
        CHECK(db_time(&r, 0, 1) == INT64_MAX);
        db_rows_free(&r);
    }
}

static const struct db_stmt SCOPE = {
    "scope", "SELECT current_setting('yz.region', true), current_setting('yz.tenant', true)", 0};

TEST(db_sync, a_scope_lasts_for_one_query)
{
    struct db_sync *s = pg_sync(t, "yz_owner");
    struct db_scope scope = {150400, 7, 0};
    struct db_rows r;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_query(s, &scope, &SCOPE, NULL, &r, &err), &err);
    CHECK_STR(db_str(&r, 0, 0), "150400");
    CHECK_STR(db_str(&r, 0, 1), "7");
    db_rows_free(&r);
    CHECK_OK(db_sync_query(s, NULL, &SCOPE, NULL, &r, &err), &err);
    CHECK_STR(db_str(&r, 0, 0), "");
    db_rows_free(&r);
}

TEST(db_sync, a_failure_inside_a_scope_leaves_no_transaction_open)
{
    struct db_sync *s = pg_sync(t, "yz_owner");
    struct db_scope scope = {150400, 7, 0};
    struct db_stmt bad = {"bad", "SELECT 1/0", 0};
    struct err err = ERR_INIT;

    CHECK_ERR(db_sync_query(s, &scope, &bad, NULL, NULL, &err), &err, ERR_INVALID, "bad_value");
    CHECK_OK(db_sync_query(s, NULL, &SCOPE, NULL, NULL, &err), &err);
    CHECK_OK(db_sync_exec(s, "BEGIN", &err), &err);
    CHECK_OK(db_sync_query(s, &scope, &SCOPE, NULL, NULL, &err), &err);
    CHECK_OK(db_sync_exec(s, "ROLLBACK", &err), &err);
}

TEST(db_sync, no_server_is_said_at_once)
{
    struct db_sync *s;
    struct err err = ERR_INIT;

    CHECK_ERR(db_sync_open(&s, "host=/no/such/folder dbname=x", &err), &err, ERR_AGAIN, "database_away");
    db_sync_close(NULL);
}

TEST(db_sync, a_statement_cut_off_is_unknown)
{
    struct db_sync *s = pg_sync(t, PG_SUPERUSER);
    struct db_stmt end = {"end", "SELECT pg_terminate_backend(pg_backend_pid())", 0};
    struct err err = ERR_INIT;

    CHECK_ERR(db_sync_query(s, NULL, &end, NULL, NULL, &err), &err, ERR_UNKNOWN, "database_outcome_unknown");
}
