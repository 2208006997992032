#include "tests/unit/pg_fixture.h"
#include "core/db/migrate.h"
#include "core/mem.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void write_file(const char *dir, const char *name, const char *text)
{
    char *path = mem_format("%s/%s", dir, name);
    FILE *f = fopen(path, "we");

    CHECK(f);
    fputs(text, f);
    fclose(f);
    free(path);
}

static void add(const char *root, const char *room, const char *name, const char *up)
{
    char *a = mem_format("%s/%s", root, room), *b = mem_format("%s/migrations", a),
         *c = mem_format("%s/%s", b, name);

    mkdir(a, 0700);
    mkdir(b, 0700);
    mkdir(c, 0700);
    write_file(c, "up.sql", up);
    write_file(c, "check.sql", "-- after\n");
    write_file(c, "why.md", "why\n");
    free(a);
    free(b);
    free(c);
}

#define BOOK                                                                                                 \
    "CREATE SCHEMA core; CREATE TABLE core.migrations (number integer PRIMARY KEY, name text NOT NULL,"      \
    " sha256 text NOT NULL)"

static struct db_sync *empty(struct test *t, const char **conninfo)
{
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;

    *conninfo = pg_new_empty("yz_owner");
    CHECK_OK(db_sync_open(&s, *conninfo, &err), &err);
    test_cleanup(t, (void (*)(void *))db_sync_close, s);
    return s;
}

TEST(migrate, applies_in_the_order_of_numbers_whatever_the_folder_and_only_once)
{
    const char *root = test_dir(t), *conninfo;
    struct db_sync *s = empty(t, &conninfo);
    struct migrate_report r;
    struct err err = ERR_INIT;

    add(root, "core", "0001_core", BOOK);
    add(root, "zoo", "0002_zoo", "CREATE SCHEMA zoo; CREATE TABLE zoo.a (id int)");
    add(root, "ant", "0010_ant", "ALTER TABLE zoo.a ADD COLUMN more int");
    CHECK_OK(migrate_run(s, root, &r, &err), &err);
    CHECK_INT(r.applied, 3);
    CHECK_INT(r.present, 3);
    CHECK_INT(r.last, 10);
    add(root, "zoo", "0005_late", "CREATE TABLE zoo.late (id int)"); /* landed later with a smaller number */
    CHECK_OK(migrate_run(s, root, &r, &err), &err);
    CHECK_INT(r.applied, 1);
    CHECK_INT(r.last, 10);
    CHECK_OK(migrate_run(s, root, &r, &err), &err);
    CHECK_INT(r.applied, 0);
}

TEST(migrate, a_failing_one_leaves_nothing_and_those_before_it_stay)
{
    const char *root = test_dir(t), *conninfo;
    struct db_sync *s = empty(t, &conninfo);
    struct migrate_report r;
    struct err err = ERR_INIT;

    add(root, "core", "0001_core", BOOK);
    add(root, "zoo", "0002_zoo", "CREATE SCHEMA zoo; CREATE TABLE zoo.a (id int); SELECT 1/0");
    CHECK(!migrate_run(s, root, &r, &err));
    CHECK(strstr(err.text, "apply 0002_zoo: "));
    err_clear(&err);
    add(root, "zoo", "0002_zoo", "CREATE SCHEMA zoo");
    CHECK_OK(migrate_run(s, root, &r, &err), &err);
    CHECK_INT(r.applied, 1);
}

TEST(migrate, a_changed_file_of_an_applied_number_is_corrupt)
{
    const char *root = test_dir(t), *conninfo;
    struct db_sync *s = empty(t, &conninfo);
    struct err err = ERR_INIT;

    add(root, "core", "0001_core", BOOK);
    CHECK_OK(migrate_run(s, root, NULL, &err), &err);
    add(root, "core", "0001_core", BOOK " -- a word more\n");
    CHECK_ERR(migrate_run(s, root, NULL, &err), &err, ERR_CORRUPT, "migration_changed");
}

TEST(migrate, a_database_ahead_of_the_source_is_left_alone)
{
    const char *root = test_dir(t), *conninfo;
    struct db_sync *s = empty(t, &conninfo);
    struct migrate_report r;
    struct err err = ERR_INIT;

    add(root, "core", "0001_core", BOOK);
    CHECK_OK(migrate_run(s, root, NULL, &err), &err);
    CHECK_OK(db_sync_exec(s, "INSERT INTO core.migrations VALUES (99, '0099_future', 'x')", &err), &err);
    CHECK_OK(migrate_run(s, root, &r, &err), &err);
    CHECK_INT(r.applied, 0);
    CHECK_INT(r.last, 99);
}

TEST(migrate, bad_folders_are_named)
{
    const char *root = test_dir(t), *conninfo;
    struct db_sync *s = empty(t, &conninfo);
    struct err err = ERR_INIT;

    add(root, "core", "0001_core", BOOK);
    add(root, "zoo", "0001_zoo", "SELECT 1");
    CHECK_ERR(migrate_run(s, root, NULL, &err), &err, ERR_INVALID, "migration_number_twice");
    root = test_dir(t);
    add(root, "zoo", "001_zoo", "SELECT 1");
    CHECK_ERR(migrate_run(s, root, NULL, &err), &err, ERR_INVALID, "migration_folder_bad");
    root = test_dir(t);
    add(root, "zoo", "0001_Zoo", "SELECT 1");
    CHECK_ERR(migrate_run(s, root, NULL, &err), &err, ERR_INVALID, "migration_folder_bad");
    CHECK_ERR(migrate_run(s, "/no/such/folder", NULL, &err), &err, ERR_IO, NULL);
}

struct racer {
    const char *conninfo, *root;
    struct migrate_report r;
    struct err err;
    bool ok;
    pthread_t thread;
};

static void *race(void *arg)
{
    struct racer *x = arg;
    struct db_sync *s;

    x->ok = db_sync_open(&s, x->conninfo, &x->err);
    if (!x->ok)
        return NULL;
    x->ok = migrate_run(s, x->root, &x->r, &x->err);
    db_sync_close(s);
    return NULL;
}

TEST(migrate, two_runs_at_once_apply_each_exactly_once)
{
    enum { RACERS = 4 };
    const char *root = test_dir(t), *conninfo = pg_new_empty("yz_owner");
    struct racer x[RACERS];
    int applied = 0;
    char name[20], up[80];

    add(root, "core", "0001_core", "SELECT pg_sleep(0.2); " BOOK);
    for (int i = 2; i < 8; i++) {
        snprintf(name, sizeof name, "%04d_step", i);
        snprintf(up, sizeof up, "CREATE TABLE core.t%d (id int); SELECT pg_sleep(0.02)", i);
        add(root, "core", name, up);
    }
    for (int i = 0; i < RACERS; i++) {
        x[i] = (struct racer){.conninfo = conninfo, .root = root};
        CHECK_INT(pthread_create(&x[i].thread, NULL, race, &x[i]), 0);
    }
    for (int i = 0; i < RACERS; i++)
        pthread_join(x[i].thread, NULL);
    for (int i = 0; i < RACERS; i++) {
        CHECK_OK(x[i].ok, &x[i].err);
        CHECK_INT(x[i].r.last, 7);
        applied += x[i].r.applied;
    }
    CHECK_INT(applied, 7);
}

TEST(migrate, the_house_itself_migrates_and_a_second_run_finds_nothing)
{
    CHECK(strtol(pg_value("SELECT count(*) FROM core.migrations"), NULL, 10) >= 1);
    CHECK_STR(
        pg_value("SELECT tableowner FROM pg_tables WHERE schemaname = 'core' AND tablename = 'migrations'"),
        "yz_owner");
}
