/* What the callbacks say must be what the table holds: success is there, ERR_AGAIN is not, ERR_UNKNOWN may be either.
 * The connections are cut at random under a stream of inserts, by the administrator and by SIGKILL. */
#include "tests/unit/pg_fixture.h"
#include "core/clock.h"
#include "core/mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000, TXS = 300, AT_ONCE = 60 };

static const struct db_stmt INSERT = {"t_insert", "INSERT INTO t.rows (id, tx) VALUES ($1, $2)", 2};

struct row {
    struct fx *f;
    int64_t id;
    bool answered;
    enum err_code code;
};

struct fx {
    struct loop *loop;
    struct db *db;
    struct pg_server *server;
    char *conninfo;
    int open, answered, unexpected;
    struct row rows[ROWS], txs[TXS];
    int again, unknown;
};

static void note(struct row *r, const struct err *err)
{
    CHECK(!r->answered);
    r->answered = true;
    r->code = err ? err->code : ERR_NONE;
    r->f->open--;
    r->f->answered++;
    r->f->again += r->code == ERR_AGAIN;
    r->f->unknown += r->code == ERR_UNKNOWN;
    if (r->code == ERR_NONE || r->code == ERR_AGAIN || r->code == ERR_UNKNOWN)
        return;
    print_error("%s\n", err->text);
    r->f->unexpected++;
}

static void on_row(void *arg, const struct db_rows *rows, const struct err *err)
{
    (void)rows;
    note(arg, err);
}

static void fill(struct db_args *a, int64_t id, int64_t tx)
{
    db_args_init(a);
    db_arg_i64(a, id);
    db_arg_i64(a, tx);
}

static void ask(struct fx *f, struct row *r, int64_t id)
{
    struct db_args a;

    *r = (struct row){.f = f, .id = id};
    fill(&a, id, 0);
    f->open++;
    db_query(f->db, NULL, &INSERT, &a, on_row, r);
}

/* A transaction inserts two rows; both are there or none. */
static void on_commit(void *arg, const struct err *err)
{
    note(arg, err);
}

static void nothing(void *arg, const struct db_rows *rows, const struct err *err)
{
    (void)arg, (void)rows, (void)err;
}

static void on_begin(void *arg, struct db_tx *tx, const struct err *err)
{
    struct row *r = arg;
    struct db_args a;

    if (!tx) {
        note(r, err);
        return;
    }
    for (int half = 0; half < 2; half++) {
        fill(&a, r->id * 2 + half, r->id);
        db_tx_query(tx, &INSERT, &a, nothing, NULL);
    }
    db_commit(tx, on_commit, r);
}

static void ask_tx(struct fx *f, struct row *r, int64_t id)
{
    *r = (struct row){.f = f, .id = id};
    f->open++;
    db_begin(f->db, NULL, on_begin, r);
}

static void cut(struct fx *f, int how)
{
    if (how < 9) {
        pg_sql_at(f->conninfo, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                               " WHERE application_name = 'truth' AND random() < 0.6");
        return;
    }
    pg_server_halt(f->server, how == 9 ? PG_KILL : PG_FAST);
    pg_server_again(f->server);
}

/* there[0][id]: single rows, there[1][id]: rows of a transaction. */
static void read_table(struct fx *f, int there[2][ROWS + 1])
{
    static const struct db_stmt ALL = {"all", "SELECT id, tx FROM t.rows", 0};
    struct db_sync *s = NULL;
    struct db_rows rows;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_open(&s, f->conninfo, &err), &err);
    CHECK_OK(db_sync_query(s, NULL, &ALL, NULL, &rows, &err), &err);
    for (int i = 0; i < rows.n; i++) {
        int64_t id = db_i64(&rows, i, 0), tx = db_i64(&rows, i, 1);
        there[tx != 0][tx ? tx : id]++;
    }
    db_rows_free(&rows);
    db_sync_close(s);
}

static void check_truth(struct fx *f)
{
    static int there[2][ROWS + 1];

    read_table(f, there);
    for (int i = 0; i < ROWS; i++)
        if (f->rows[i].code != ERR_UNKNOWN)
            CHECK_INT(there[0][f->rows[i].id], f->rows[i].code == ERR_NONE);
    for (int i = 0; i < TXS; i++) {
        int n = there[1][f->txs[i].id];
        CHECK(n == 0 || n == 2);
        if (f->txs[i].code != ERR_UNKNOWN)
            CHECK_INT(n, f->txs[i].code == ERR_NONE ? 2 : 0);
    }
}

static void fx_close(void *arg)
{
    struct fx *f = arg;

    db_close(f->db);
    loop_free(f->loop);
    pg_server_free(f->server);
    free(f->conninfo);
    free(f);
}

TEST(db_truth, what_was_answered_is_what_the_table_holds)
{
    struct fx *f = mem_new(sizeof *f);
    struct err err = ERR_INIT;
    int asked = 0, txs = 0, cuts = 0;

    test_cleanup(t, fx_close, f);
    f->server = pg_server_start();
    f->conninfo = mem_format("host=%s user=%s dbname=postgres", pg_server_host(f->server), PG_SUPERUSER);
    pg_sql_at(f->conninfo,
              "CREATE SCHEMA t; CREATE TABLE t.rows (id bigint, tx bigint, PRIMARY KEY (id, tx))");
    char *conninfo = mem_format("%s application_name=truth", f->conninfo);
    CHECK_OK(loop_new(&f->loop, &err), &err);
    CHECK_OK(db_open(&f->db, f->loop,
                     &(struct db_options){.conninfo = conninfo, .short_conns = 2, .tx_conns = 2}, &err),
             &err);
    free(conninfo);
    srandom(20261121);
    int64_t deadline = test_deadline_us(90000);
    while ((f->answered < ROWS + TXS) && clock_mono_us() < deadline) {
        while (asked < ROWS && f->open < AT_ONCE) {
            ask(f, &f->rows[asked], asked + 1);
            asked++;
            if (asked % (ROWS / TXS) == 0) {
                ask_tx(f, &f->txs[txs], txs + 1);
                txs++;
            }
        }
        loop_turn(f->loop, (int)(random() % 3));
        if (f->answered > (cuts + 1) * ROWS / 12 && cuts < 11)
            cut(f, cuts++);
    }
    CHECK_INT(f->answered, ROWS + TXS);
    CHECK_INT(f->unexpected, 0);
    CHECK(f->again + f->unknown > 0);
    print_message("cut %d times: %d answered, %d again, %d unknown\n", cuts, f->answered, f->again,
                  f->unknown);
    check_truth(f);
}
