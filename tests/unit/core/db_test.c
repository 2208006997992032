#include "tests/unit/core/db_fixture.h"
#include "core/mem.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct db_stmt PID = {"t_pid", "SELECT pg_backend_pid()", 0};
static const struct db_stmt BROKEN = {"t_broken", "SELECT no_such_column FROM t.things", 0};
static const struct db_stmt STAR = {"t_star", "SELECT * FROM t.things", 0};
/* clang-format on */

TEST(db, a_question_asked_before_the_connection_stands_is_answered)
{
    struct fx *f = fx_open(t);
    struct answer a;

    ask_echo(f, &a, 42);
    CHECK(!db_is_ready(f->db));
    CHECK_SOON(f->loop, a.at);
    CHECK_OK(true, &a.err);
    CHECK_INT(a.number, 42);
    CHECK_STR(a.text[1], "hello");
    CHECK(db_is_ready(f->db));
    CHECK_INT(f->ready, 1);
}

TEST(db, answers_on_one_connection_come_in_the_order_of_the_questions)
{
    struct fx *f = fx_open(t);
    enum { N = 300 };
    static struct answer a[N];

    for (int i = 0; i < N; i++)
        ask_echo(f, &a[i], i);
    CHECK_SOON(f->loop, f->calls == N);
    for (int i = 0; i < N; i++) {
        CHECK_INT(a[i].at, i + 1);
        CHECK_INT(a[i].number, i);
    }
}

TEST(db, an_error_does_not_disturb_the_neighbours_in_the_pipeline)
{
    struct fx *f = fx_open(t);
    struct answer a, bad, bad_again, b;

    ask_echo(f, &a, 1);
    ask(f, &bad, NULL, &BROKEN, NULL);
    ask(f, &bad_again, NULL, &BROKEN, NULL);
    ask_echo(f, &b, 2);
    CHECK_SOON(f->loop, f->calls == 4);
    CHECK_OK(true, &a.err);
    CHECK_ERR(false, &bad.err, ERR_INTERNAL, "database_error");
    CHECK(strstr(bad_again.err.text, "t_broken: column \"no_such_column\" does not exist (42703)"));
    CHECK_INT(b.number, 2);
    ask(f, &bad, NULL, &BROKEN, NULL);
    CHECK_SOON(f->loop, bad.at);
    CHECK(strstr(bad.err.text, "no_such_column"));
}

TEST(db, each_statement_runs_in_its_own_scope_and_none_remains)
{
    struct fx *f = fx_open(t);
    struct db_scope one = {150400, 7, 9}, two = {150500, 0, 0};
    struct answer a, b, none;

    for (int round = 0; round < 3; round++) { /* unnamed, then prepared */
        ask(f, &a, &one, &SCOPE, NULL);
        ask(f, &none, NULL, &SCOPE, NULL);
        ask(f, &b, &two, &SCOPE, NULL);
        CHECK_SOON(f->loop, b.at);
        CHECK_STR(a.text[0], "150400");
        CHECK_STR(a.text[1], "7");
        CHECK_STR(a.text[2], "9");
        CHECK_STR(none.text[0], "");
        CHECK_STR(none.text[1], "");
        CHECK_STR(b.text[0], "150500");
        CHECK_STR(b.text[1], "0");
    }
}

TEST(db, a_statement_that_fails_leaves_nothing_of_its_segment)
{
    struct fx *f = fx_open(t);
    struct db_scope scope = {150400, 7, 9};
    struct answer a, b;

    ask(f, &a, &scope, &BROKEN, NULL);
    ask(f, &b, NULL, &SCOPE, NULL);
    CHECK_SOON(f->loop, b.at);
    CHECK_STR(b.text[0], "");
}

TEST(db, errors_of_the_server_become_our_codes)
{
    struct fx *f = fx_open(t);
    struct answer a;

    ask_insert(f, &a, 1, "one", 1);
    CHECK_SOON(f->loop, a.at);
    CHECK_OK(true, &a.err);
    CHECK_INT(a.affected, 1);
    ask_insert(f, &a, 1, "one", 1);
    CHECK_SOON(f->loop, a.at);
    CHECK_ERR(false, &a.err, ERR_CONFLICT, "things_pk");
    ask_insert(f, &a, 2, "two", 100);
    CHECK_SOON(f->loop, a.at);
    CHECK_ERR(false, &a.err, ERR_INVALID, "size_fits");
    ask_insert(f, &a, 2, NULL, 1);
    CHECK_SOON(f->loop, a.at);
    CHECK_ERR(false, &a.err, ERR_INVALID, "name");
    ask_insert(f, &a, 2, "two", INT64_C(99999999999));
    CHECK_SOON(f->loop, a.at);
    CHECK(!strstr(a.err.text, "99999999999"));
    CHECK_ERR(false, &a.err, ERR_INVALID, "bad_value");
}

static void ask_text(struct fx *f, struct answer *a, const char *sql)
{
    struct db_stmt *stmt = mem_new(sizeof *stmt);

    stmt->name = "t_text";
    stmt->text = sql;
    ask(f, a, NULL, stmt, NULL);
    CHECK_SOON(f->loop, a->at);
    free(stmt);
}

TEST(db, more_errors_become_our_codes)
{
    static const struct {
        const char *sql;
        enum err_code code;
        const char *reason;
    } CASES[] = {
        {"INSERT INTO t.things (id, name, parent) VALUES (1, 'x', 5)", ERR_INVALID, "things_parent_fk"},
        {"SELECT 'abc'::bigint", ERR_INVALID, "bad_value"},
        {"SELECT 1/0", ERR_INVALID, "bad_value"},
        {"SELECT * FROM t.secret", ERR_DENIED, "database_denied"},
        {"SELECT 1 FROM (SELECT set_config('statement_timeout', '20', true)) x, pg_sleep(0)", ERR_NONE, NULL},
        {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$", ERR_AGAIN, "database_conflict"},
        {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$", ERR_AGAIN, "database_conflict"},
        {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$", ERR_AGAIN, "database_full"},
        {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57014'; END $$", ERR_AGAIN, "database_slow"},
        {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '08006'; END $$", ERR_AGAIN, "database_away"},
        {"syntax error here", ERR_INTERNAL, "database_error"},
    };
    make_tables();
    struct fx *f =
        fx_with(t, &(struct db_options){
                       .conninfo = pg_conninfo("yz_signald"), .short_conns = 1, .unnamed_statements = true});
    struct answer a;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ask_text(f, &a, CASES[i].sql);
        if (CASES[i].code == ERR_NONE)
            CHECK_OK(true, &a.err);
        else
            CHECK_ERR(false, &a.err, CASES[i].code, CASES[i].reason);
    }
}

TEST(db, a_cancelled_question_is_never_answered)
{
    struct fx *f = fx_open(t);
    struct answer waiting, sent, last;
    struct db_job *w, *s;

    w = ask_echo(f, &waiting, 1); /* not even connected */
    db_cancel(w);
    ask_echo(f, &last, 2);
    CHECK_SOON(f->loop, last.at);
    s = ask_echo(f, &sent, 3);
    loop_turn(f->loop, 0); /* on its way now */
    db_cancel(s);
    ask_echo(f, &last, 4);
    CHECK_SOON(f->loop, last.at);
    CHECK_INT(waiting.at, 0);
    CHECK_INT(sent.at, 0);
    db_cancel(NULL);
}

TEST(db, a_statement_is_prepared_once_and_used_by_name)
{
    struct fx *f = fx_open(t);
    static const struct db_stmt LIST = {
        "t_list", "SELECT string_agg(name, ' ' ORDER BY name) FROM pg_prepared_statements", 0};
    struct answer a;

    for (int i = 0; i < 3; i++) {
        ask_echo(f, &a, i);
        CHECK_SOON(f->loop, a.at);
        CHECK_OK(true, &a.err);
    }
    ask(f, &a, NULL, &LIST, NULL);
    CHECK_SOON(f->loop, a.at);
    CHECK_STR(a.text[0], "t_echo t_list yz_scope");
}

TEST(db, statement_names_can_be_turned_off)
{
    struct fx *f =
        fx_with(t, &(struct db_options){
                       .conninfo = pg_conninfo("yz_signald"), .short_conns = 1, .unnamed_statements = true});
    static const struct db_stmt LIST = {"t_list", "SELECT count(*) FROM pg_prepared_statements", 0};
    struct db_scope scope = {1, 2, 3};
    struct answer a, b;

    ask_echo(f, &a, 1);
    ask_echo(f, &b, 2);
    CHECK_SOON(f->loop, a.at && b.at);
    ask(f, &a, &scope, &LIST, NULL);
    CHECK_SOON(f->loop, a.at);
    CHECK_INT(a.number, 0);
}

TEST(db, a_changed_table_under_a_prepared_statement_costs_one_retry)
{
    struct fx *f = fx_open(t);
    struct answer a;

    ask(f, &a, NULL, &STAR, NULL);
    CHECK_SOON(f->loop, a.at);
    pg_sql("ALTER TABLE t.things ADD COLUMN more int");
    ask(f, &a, NULL, &STAR, NULL);
    CHECK_SOON(f->loop, a.at);
    CHECK_ERR(false, &a.err, ERR_AGAIN, "database_changed");
    ask(f, &a, NULL, &STAR, NULL);
    CHECK_SOON(f->loop, a.at);
    CHECK_OK(true, &a.err);
}

TEST(db, a_terminated_backend_is_told_as_retryable_and_replaced)
{
    struct fx *f = fx_open(t);
    struct answer slow, behind, a;
    char sql[100];

    ask(f, &a, NULL, &PID, NULL);
    CHECK_SOON(f->loop, a.at);
    ask_sleep(f, &slow, "30");
    ask_insert(f, &behind, 1, "never", 1);
    loop_turn(f->loop, 0);
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%" PRId64 ")", a.number);
    pg_sql(sql);
    CHECK_SOON(f->loop, slow.at && behind.at);
    CHECK_ERR(false, &slow.err, ERR_AGAIN, "database_away");
    CHECK_ERR(false, &behind.err, ERR_AGAIN, "database_away"); /* the server's last word came before it */
    CHECK_STR(pg_value("SELECT count(*) FROM t.things"), "0");
    ask_echo(f, &a, 5);
    CHECK_SOON(f->loop, a.at);
    CHECK_INT(a.number, 5);
    CHECK_INT(f->away, 1);
    CHECK_INT(f->ready, 2);
}

TEST(db, a_killed_backend_leaves_the_outcome_unknown)
{
    struct fx *f;
    struct pg_server *s = pg_server_start();
    struct answer slow, behind;
    char *conninfo = mem_format("host=%s user=%s dbname=postgres", pg_server_host(s), PG_SUPERUSER);

    f = fx_with(t, &(struct db_options){.conninfo = conninfo, .short_conns = 1});
    ask_sleep(f, &slow, "30");
    ask_echo(f, &behind, 1);
    CHECK_SOON(f->loop, db_is_ready(f->db));
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, 10);
    pg_server_halt(s, PG_KILL);
    CHECK_SOON(f->loop, slow.at && behind.at);
    CHECK_ERR(false, &slow.err, ERR_UNKNOWN, "database_outcome_unknown");
    CHECK_ERR(false, &behind.err, ERR_UNKNOWN, "database_outcome_unknown");
    pg_server_free(s);
    free(conninfo);
}

TEST(db, a_restarted_server_is_found_again_and_a_short_absence_is_not_noticed)
{
    struct fx *f;
    struct pg_server *s = pg_server_start();
    struct answer a;
    char *conninfo = mem_format("host=%s user=%s dbname=postgres", pg_server_host(s), PG_SUPERUSER);

    f = fx_with(t, &(struct db_options){.conninfo = conninfo, .short_conns = 2, .tx_conns = 1});
    ask_echo(f, &a, 1);
    CHECK_SOON(f->loop, a.at);
    pg_server_halt(s, PG_FAST);
    CHECK_SOON(f->loop, !db_is_ready(f->db));
    ask_echo(f, &a, 2);
    CHECK_SOON(f->loop, a.at); /* patience ends */
    CHECK_ERR(false, &a.err, ERR_AGAIN, "database_away");
    ask_echo(f, &a, 3);
    pg_server_again(s);
    CHECK_SOON(f->loop, a.at);
    if (a.err.code != ERR_NONE) { /* a slow machine: the restart took longer than the patience */
        CHECK_ERR(false, &a.err, ERR_AGAIN, "database_away");
        CHECK_SOON(f->loop, db_is_ready(f->db));
        ask_echo(f, &a, 3);
        CHECK_SOON(f->loop, a.at);
    }
    CHECK_INT(a.number, 3);
    pg_server_free(s);
    free(conninfo);
}

TEST(db, a_server_that_hangs_is_away_until_it_answers_again)
{
    struct fx *f = fx_with(t, &(struct db_options){.conninfo = pg_conninfo("yz_signald"), .short_conns = 1});
    struct answer slow, behind;

    CHECK_SOON(f->loop, db_is_ready(f->db));
    ask_sleep(f, &slow, "4");
    CHECK_SOON(f->loop, !db_is_ready(f->db));
    CHECK(!slow.at);
    ask_echo(f, &behind, 1);
    CHECK_SOON(f->loop, db_is_ready(f->db));
    CHECK(slow.at);
    CHECK_SOON(f->loop, behind.at);
}

TEST(db, closing_answers_everything_that_is_open)
{
    struct fx *f = fx_open(t);
    struct answer slow, waiting[40];

    ask_sleep(f, &slow, "30");
    CHECK_SOON(f->loop, db_is_ready(f->db));
    for (int i = 0; i < 40; i++)
        ask_echo(f, &waiting[i], i);
    loop_turn(f->loop, 0);
    db_close(f->db);
    f->db = NULL;
    CHECK_INT(f->calls, 41);
    CHECK_ERR(false, &slow.err, ERR_UNKNOWN, "database_outcome_unknown");
    CHECK_ERR(false, &waiting[39].err, ERR_AGAIN, "database_away");
}

TEST(db, no_server_at_all_is_retryable)
{
    struct fx *f = fx_with(t, &(struct db_options){.conninfo = "host=/no/such/folder user=x dbname=x"});
    struct answer a;

    ask_echo(f, &a, 1);
    CHECK_SOON(f->loop, a.at);
    CHECK_ERR(false, &a.err, ERR_AGAIN, "database_away");
    CHECK_INT(f->ready, 0);
}

TEST(db, a_nonsense_conninfo_is_retried_and_too_many_connections_are_refused)
{
    struct err err = ERR_INIT;
    struct db *db;
    struct fx *f = fx_with(t, &(struct db_options){.conninfo = "what is this"});
    struct answer a;

    ask_echo(f, &a, 1);
    CHECK_SOON(f->loop, a.at);
    CHECK_ERR(db_open(&db, f->loop, &(struct db_options){.short_conns = 9, .tx_conns = 8}, &err), &err,
              ERR_INVALID, "too_many_connections");
}

TEST(db, the_role_name_is_the_user_when_the_conninfo_names_none)
{
    const char *full = pg_conninfo("yz_signald");
    char *bare = mem_str(full), *user = strstr(bare, "user=yz_signald");
    static const struct db_stmt WHO = {"t_who",
                                       "SELECT current_user::text, current_setting('application_name')", 0};
    struct answer a;

    memset(user, ' ', strlen("user=yz_signald"));
    struct fx *f = fx_with(t, &(struct db_options){.conninfo = bare, .role_name = "yz_schedulerd"});
    free(bare);
    ask(f, &a, NULL, &WHO, NULL);
    CHECK_SOON(f->loop, a.at);
    CHECK_STR(a.text[0], "yz_schedulerd");
    CHECK_STR(a.text[1], "yz_schedulerd");
    f = fx_with(t, &(struct db_options){.conninfo = full, .role_name = "yz_schedulerd"});
    ask(f, &a, NULL, &WHO, NULL);
    CHECK_SOON(f->loop, a.at);
    CHECK_STR(a.text[0], "yz_signald");
}
