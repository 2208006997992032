#include "tests/unit/core/db_fixture.h"

/* clang-format off */
static const struct db_stmt INSERT_SLOWLY = {"t_insert_slowly", "INSERT INTO t.things (id, name) SELECT $1, 'slow' || pg_sleep(1)", 1};
static const struct db_stmt COUNT = {"t_count", "SELECT count(*) FROM t.things", 0};
static const struct db_stmt KILL_SELF = {"t_kill_self", "SELECT pg_terminate_backend(pg_backend_pid())", 0};
/* clang-format on */

struct story {
    struct fx *f;
    struct db_tx *tx;
    struct err begun, ended;
    int ready, done;
    struct answer a[3];
};

static void on_ready(void *arg, struct db_tx *tx, const struct err *err)
{
    struct story *s = arg;

    s->ready++;
    s->tx = tx;
    if (err)
        s->begun = *err;
}

static void on_done(void *arg, const struct err *err)
{
    struct story *s = arg;

    s->done = ++s->f->calls;
    if (err)
        s->ended = *err;
}

static void begin(struct fx *f, struct story *s, const struct db_scope *scope)
{
    *s = (struct story){.f = f};
    s->tx = db_begin(f->db, scope, on_ready, s);
    CHECK_SOON(f->loop, s->ready);
    CHECK_OK(true, &s->begun);
    CHECK(s->tx);
}

static void tx_insert(struct story *s, struct answer *a, int64_t id)
{
    struct db_args args;

    *a = (struct answer){.f = s->f};
    db_args_init(&args);
    db_arg_i64(&args, id);
    db_arg_str(&args, "in tx");
    db_arg_i64(&args, 1);
    db_tx_query(s->tx, &INSERT, &args, on_answer, a);
}

TEST(db_tx, commits_what_was_pipelined_and_answers_in_order)
{
    struct fx *f = fx_open(t);
    struct story s;
    struct db_scope scope = {150400, 1, 2};

    begin(f, &s, &scope);
    tx_insert(&s, &s.a[0], 1);
    tx_insert(&s, &s.a[1], 2);
    s.a[2] = (struct answer){.f = f};
    db_tx_query(s.tx, &SCOPE, NULL, on_answer, &s.a[2]);
    CHECK_STR(pg_value("SELECT count(*) FROM t.things"), "0");
    db_commit(s.tx, on_done, &s);
    CHECK_SOON(f->loop, s.done);
    CHECK_OK(true, &s.ended);
    CHECK_INT(s.a[0].at, 1);
    CHECK_INT(s.a[1].at, 2);
    CHECK_INT(s.a[2].at, 3);
    CHECK_INT(s.done, 4);
    CHECK_STR(s.a[2].text[0], "150400");
    CHECK_STR(pg_value("SELECT count(*) FROM t.things"), "2");
}

TEST(db_tx, an_error_makes_the_rest_fail_with_the_same_error_and_nothing_stays)
{
    struct fx *f = fx_open(t);
    struct story s;

    begin(f, &s, NULL);
    tx_insert(&s, &s.a[0], 1);
    tx_insert(&s, &s.a[1], 1);
    tx_insert(&s, &s.a[2], 3);
    db_commit(s.tx, on_done, &s); /* sent before the error is known */
    CHECK_SOON(f->loop, s.done);
    CHECK_OK(true, &s.a[0].err);
    CHECK_ERR(false, &s.a[1].err, ERR_CONFLICT, "things_pk");
    CHECK_ERR(false, &s.a[2].err, ERR_CONFLICT, "things_pk");
    CHECK_ERR(false, &s.ended, ERR_CONFLICT, "things_pk");
    CHECK_STR(pg_value("SELECT count(*) FROM t.things"), "0");

    begin(f, &s, NULL); /* the connection is clean, and a later question fails without the server */
    tx_insert(&s, &s.a[0], 1);
    tx_insert(&s, &s.a[1], 1);
    CHECK_SOON(f->loop, s.a[1].at);
    tx_insert(&s, &s.a[2], 3);
    CHECK_SOON(f->loop, s.a[2].at);
    CHECK_ERR(false, &s.a[2].err, ERR_CONFLICT, "things_pk");
    db_commit(s.tx, on_done, &s);
    CHECK_SOON(f->loop, s.done);
    CHECK_ERR(false, &s.ended, ERR_CONFLICT, "things_pk");
}

TEST(db_tx, rollback_undoes_and_silences)
{
    struct fx *f = fx_open(t);
    struct story s;
    struct answer a;

    begin(f, &s, NULL);
    tx_insert(&s, &s.a[0], 1);
    db_rollback(s.tx);
    begin(f, &s, NULL); /* the one connection is free again */
    s.a[1] = (struct answer){.f = f};
    db_tx_query(s.tx, &COUNT, NULL, on_answer, &s.a[1]);
    CHECK_SOON(f->loop, s.a[1].at);
    CHECK_INT(s.a[1].number, 0);
    CHECK_INT(s.a[0].at, 0);
    db_rollback(s.tx);
    ask_echo(f, &a, 1);
    CHECK_SOON(f->loop, a.at);
    db_rollback(NULL);
}

TEST(db_tx, the_second_waits_for_the_connection_of_the_first)
{
    struct fx *f = fx_open(t);
    struct story one, two = {.f = f};

    begin(f, &one, NULL);
    two.tx = db_begin(f->db, NULL, on_ready, &two);
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, 10);
    CHECK_INT(two.ready, 0);
    db_commit(one.tx, on_done, &one);
    CHECK_SOON(f->loop, two.ready);
    CHECK(one.done);
    db_commit(two.tx, on_done, &two);
    CHECK_SOON(f->loop, two.done);
}

TEST(db_tx, one_that_waits_can_be_given_up)
{
    struct fx *f = fx_open(t);
    struct story one, two = {.f = f};

    begin(f, &one, NULL);
    two.tx = db_begin(f->db, NULL, on_ready, &two);
    db_rollback(two.tx);
    db_commit(one.tx, on_done, &one);
    CHECK_SOON(f->loop, one.done);
    CHECK_INT(two.ready, 0);
}

TEST(db_tx, waiting_for_a_connection_ends_with_busy)
{
    struct fx *f = fx_open(t);
    struct story one, two = {.f = f};

    begin(f, &one, NULL);
    db_begin(f->db, NULL, on_ready, &two);
    CHECK_SOON(f->loop, two.ready);
    CHECK(!two.tx);
    CHECK_ERR(false, &two.begun, ERR_AGAIN, "database_busy");
    db_rollback(one.tx);
}

TEST(db_tx, losing_the_connection_before_the_commit_means_it_did_not_happen)
{
    struct fx *f = fx_open(t);
    struct story s;

    begin(f, &s, NULL);
    tx_insert(&s, &s.a[0], 1);
    CHECK_SOON(f->loop, s.a[0].at);
    pg_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'");
    for (int i = 0; i < 10; i++)
        loop_turn(f->loop, 10);
    tx_insert(&s, &s.a[1], 2);
    db_commit(s.tx, on_done, &s);
    CHECK_SOON(f->loop, s.done);
    CHECK_ERR(false, &s.a[1].err, ERR_AGAIN, "database_away");
    CHECK_ERR(false, &s.ended, ERR_AGAIN, "database_away");
    CHECK_STR(pg_value("SELECT count(*) FROM t.things"), "0");
    begin(f, &s, NULL);
    db_rollback(s.tx);
}

TEST(db_tx, losing_it_with_the_commit_under_way_is_unknown)
{
    struct fx *f = fx_open(t);
    struct story s;
    struct db_args args;

    begin(f, &s, NULL);
    s.a[0] = (struct answer){.f = f};
    db_args_init(&args);
    db_arg_i64(&args, 1);
    db_tx_query(s.tx, &INSERT_SLOWLY, &args, on_answer, &s.a[0]);
    db_commit(s.tx, on_done, &s);
    loop_turn(f->loop, 0);
    db_close(f->db); /* the server goes on without us */
    f->db = NULL;
    CHECK(s.done);
    CHECK_ERR(false, &s.a[0].err, ERR_UNKNOWN, "database_outcome_unknown");
    CHECK_ERR(false, &s.ended, ERR_UNKNOWN, "database_outcome_unknown");
}

TEST(db_tx, a_backend_that_kills_itself_in_a_transaction_is_retryable)
{
    struct fx *f = fx_open(t);
    struct story s;

    begin(f, &s, NULL);
    s.a[0] = (struct answer){.f = f};
    db_tx_query(s.tx, &KILL_SELF, NULL, on_answer, &s.a[0]);
    tx_insert(&s, &s.a[1], 2);
    CHECK_SOON(f->loop, s.a[0].at && s.a[1].at);
    CHECK_ERR(false, &s.a[0].err, ERR_AGAIN, "database_away");
    CHECK_ERR(false, &s.a[1].err, ERR_AGAIN, "database_away");
    db_rollback(s.tx);
}
