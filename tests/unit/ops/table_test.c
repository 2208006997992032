#include "tests/unit/test.h"
#include "ops/supervise/table.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void parse(struct test *t, struct process_table *out, const char *text)
{
    struct err err = ERR_INIT;

    CHECK_OK(table_parse(out, text, strlen(text), &err), &err);
    test_cleanup(t, (void (*)(void *))table_free, out);
}

static void refuse(const char *text, const char *what)
{
    struct process_table table;
    struct err err = ERR_INIT;
    bool ok = table_parse(&table, text, strlen(text), &err);

    CHECK(!ok && strstr(err.text, what));
    CHECK_STR(err.reason, "process_table");
    CHECK_INT(table.n, 0);
}

TEST(process_table, keeps_order_and_every_word)
{
    static struct process_table table;

    parse(t, &table,
          "# a comment\n\n"
          "process db\n  ready unix:/a b/x.sock\n  stop INT 60\n  pidfile /a b/postmaster.pid\n"
          "  run /usr/bin/db\n  arg -D\n  arg /a b/pg\n"
          "process prepare\n  once\n  run /bin/true\n");
    CHECK_INT(table.n, 2);
    CHECK_STR(table.spec[0].name, "db");
    CHECK_STR(table.spec[0].ready, "unix:/a b/x.sock");
    CHECK_INT(table.spec[0].stop_signal, SIGINT);
    CHECK_INT(table.spec[0].stop_s, 60);
    CHECK_STR(table.spec[0].argv[2], "/a b/pg");
    CHECK(table.spec[0].argv[3] == NULL);
    CHECK(table.spec[1].once && !table.spec[0].once);
    CHECK_INT(table.spec[1].stop_signal, SIGTERM);
}

TEST(process_table, an_argument_is_the_rest_of_the_line_as_it_stands)
{
    static struct process_table table;

    parse(t, &table, "process a\n  run /bin/sh\n  arg -c\n  arg  echo 'one  two' # three\n");
    CHECK_STR(table.spec[0].argv[2], " echo 'one  two' # three");
}

TEST(process_table, says_the_line_that_is_wrong)
{
    refuse("", "no process");
    refuse("run /bin/true\n", "line 1");
    refuse("process a\n  run /bin/true\n  jump\n", "line 3: unknown word");
    refuse("process a\n", "a has no `run`");
    refuse("process a\n run x\nprocess a\n run y\n", "line 3: this name is there twice");
    refuse("process A\n run x\n", "line 1");
    refuse("process a/b\n run x\n", "line 1");
    refuse("process a\n stop HUP 3\n run x\n", "line 2");
    refuse("process a\n stop TERM 0\n run x\n", "line 2");
    refuse("process a\n arg x\n", "arg comes after run");
    refuse("process a\n run x\n run y\n", "run stands once");
    refuse("process a\n ready /x\n run x\n", "unix: or tcp:");
    refuse("process a\n ready unix:/x\n ready unix:/y\n run x\n", "said twice");
}

TEST(process_table, has_room_for_a_limit_and_no_more)
{
    char text[8192] = "process a\n run x\n";
    size_t n = strlen(text);

    for (int i = 0; i < TABLE_ARGS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, " arg %d\n", i);
    struct process_table table;
    struct err err = ERR_INIT;
    CHECK_OK(table_parse(&table, text, n, &err), &err);
    CHECK(table.spec[0].argv[TABLE_ARGS_MAX + 1] == NULL);
    table_free(&table);
    snprintf(text + n, sizeof text - n, " arg too many\n");
    refuse(text, "too many arguments");
}

TEST(process_table, a_nul_inside_is_refused)
{
    struct process_table table;
    struct err err = ERR_INIT;

    CHECK_ERR(table_parse(&table, "process a\0 run x", 16, &err), &err, ERR_INVALID, "process_table");
}
