#include "tests/unit/core/db_fixture.h"
#include "core/mem.h"
#include <stdio.h>
#include <stdlib.h>

/* clang-format off */
const struct db_stmt ECHO = {"t_echo", "SELECT $1::bigint, $2::text", 2};
const struct db_stmt SCOPE = {"t_scope", "SELECT current_setting('yz.region', true), current_setting('yz.tenant', true), current_setting('yz.actor', true)", 0};
const struct db_stmt SLEEP = {"t_sleep", "SELECT pg_sleep($1::float)", 1};
const struct db_stmt INSERT = {"t_insert", "INSERT INTO t.things (id, name, size) VALUES ($1, $2, $3)", 3};
/* clang-format on */

void make_tables(void)
{
    pg_sql("DROP SCHEMA IF EXISTS t CASCADE; CREATE SCHEMA t;"
           "CREATE TABLE t.parents (id bigint CONSTRAINT parents_pk PRIMARY KEY);"
           "CREATE TABLE t.things (id bigint CONSTRAINT things_pk PRIMARY KEY, name text NOT NULL,"
           " size int CONSTRAINT size_fits CHECK (size < 100),"
           " parent bigint CONSTRAINT things_parent_fk REFERENCES t.parents (id));"
           "GRANT USAGE ON SCHEMA t TO yz_signald; GRANT ALL ON t.things TO yz_signald;"
           "CREATE TABLE t.secret (id int)");
}

static void on_state(void *arg, bool ready)
{
    struct fx *f = arg;

    if (ready)
        f->ready++;
    else
        f->away++;
}

static void fx_close(void *arg)
{
    struct fx *f = arg;

    db_close(f->db);
    loop_free(f->loop);
    free(f);
}

struct fx *fx_with(struct test *t, const struct db_options *opt)
{
    struct fx *f = mem_new(sizeof *f);
    struct err err = ERR_INIT;

    CHECK_OK(loop_new(&f->loop, &err), &err);
    CHECK_OK(db_open(&f->db, f->loop, opt, &err), &err);
    db_on_state(f->db, on_state, f);
    test_cleanup(t, fx_close, f);
    return f;
}

struct fx *fx_open(struct test *t)
{
    make_tables();
    return fx_with(
        t, &(struct db_options){.conninfo = pg_conninfo("yz_signald"), .short_conns = 1, .tx_conns = 1});
}

void on_answer(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct answer *a = arg;

    CHECK(a->at == 0);
    CHECK(!rows != !err);
    a->at = ++a->f->calls;
    if (err) {
        a->err = *err;
        return;
    }
    a->n = rows->n;
    a->affected = rows->affected;
    if (!rows->n)
        return;
    a->number = db_i64(rows, 0, 0);
    for (int i = 0; i < PQnfields(rows->res) && i < 3; i++)
        snprintf(a->text[i], sizeof a->text[i], "%s", db_str(rows, 0, i));
}

struct db_job *ask(struct fx *f, struct answer *a, const struct db_scope *scope, const struct db_stmt *stmt,
                   struct db_args *args)
{
    *a = (struct answer){.f = f};
    return db_query(f->db, scope, stmt, args, on_answer, a);
}

struct db_job *ask_echo(struct fx *f, struct answer *a, int64_t n)
{
    struct db_args args;

    db_args_init(&args);
    db_arg_i64(&args, n);
    db_arg_str(&args, "hello");
    return ask(f, a, NULL, &ECHO, &args);
}

void ask_insert(struct fx *f, struct answer *a, int64_t id, const char *name, int64_t size)
{
    struct db_args args;

    db_args_init(&args);
    db_arg_i64(&args, id);
    db_arg_str(&args, name);
    db_arg_i64(&args, size);
    ask(f, a, NULL, &INSERT, &args);
}

void ask_sleep(struct fx *f, struct answer *a, const char *seconds)
{
    struct db_args args;

    db_args_init(&args);
    db_arg_str(&args, seconds);
    ask(f, a, NULL, &SLEEP, &args);
}
