#include "tests/unit/pg_fixture.h"
#include "core/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pg_server *own; /* started by this process, when no run shares one */
static char host[108], own_db[32];
static pid_t owner; /* forked children do not clean up */
static char *made[256];
static int made_n;

static const char *keep(char *text)
{
    static char *kept[512];
    static int n;

    if (n == 512)
        abort();
    return kept[n++] = text;
}

void pg_sql_at(const char *conninfo, const char *sql)
{
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_open(&s, conninfo, &err), &err);
    bool ok = db_sync_exec(s, sql, &err);
    /* A test that cut its connection may have left a server process at work: whoever loses the deadlock asks again. */
    for (int again = 0; !ok && err_is(&err, ERR_AGAIN) && again < 5; again++) {
        db_sync_exec(s, "ROLLBACK", NULL);
        err_clear(&err);
        ok = db_sync_exec(s, sql, &err);
    }
    db_sync_close(s);
    CHECK_OK(ok, &err);
}

static const char *server_conninfo(const char *role, const char *db)
{
    return keep(mem_format("host=%s user=%s dbname=%s", host, role, db));
}

static void clean_up(void)
{
    if (getpid() != owner)
        return;
    if (own) {
        pg_server_free(own);
        return;
    }
    for (int i = 0; i < made_n; i++) {
        struct db_sync *s;
        char *sql = mem_format("DROP DATABASE IF EXISTS %s WITH (FORCE)", made[i]);
        if (db_sync_open(&s, server_conninfo(PG_SUPERUSER, "postgres"), NULL)) {
            db_sync_exec(s, sql, NULL);
            db_sync_close(s);
        }
        free(sql);
    }
}

/* tests/unit/pg_holder.c wrote this file for the ctest that is our parent, too. */
static bool find_shared(void)
{
    char *path = mem_format("%s/shared-%d", pg_base(), (int)getppid());
    FILE *f = fopen(path, "re");
    bool found = f && fscanf(f, "%107s", host) == 1;

    if (f)
        fclose(f);
    free(path);
    return found && PQping(server_conninfo(PG_SUPERUSER, "postgres")) == PQPING_OK;
}

static void find_server(void)
{
    if (owner)
        return;
    owner = getpid();
    if (!find_shared()) {
        own = pg_server_start();
        pg_server_prepare(own);
        snprintf(host, sizeof host, "%s", pg_server_host(own));
    }
    atexit(clean_up);
}

static const char *new_db(const char *from)
{
    char *name = mem_format("t_%d_%d", (int)getpid(), made_n), *sql;

    find_server();
    sql = mem_format("CREATE DATABASE %s TEMPLATE %s OWNER yz_owner", name, from);
    pg_sql_at(server_conninfo(PG_SUPERUSER, "postgres"), sql);
    free(sql);
    made[made_n++] = name;
    keep(name);
    return name;
}

const char *pg_conninfo(const char *role)
{
    if (!own_db[0])
        snprintf(own_db, sizeof own_db, "%s", new_db("yz_template"));
    return server_conninfo(role, own_db);
}

const char *pg_new_empty(const char *role)
{
    return server_conninfo(role, new_db("template1"));
}

const char *pg_new_migrated(const char *role)
{
    return server_conninfo(role, new_db("yz_template"));
}

void pg_sql(const char *sql)
{
    pg_sql_at(pg_conninfo(PG_SUPERUSER), sql);
}

const char *pg_value(const char *sql)
{
    static char value[4096];
    struct db_stmt stmt = {.name = "test", .text = sql, .params = 0};
    struct db_rows rows;
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_open(&s, pg_conninfo(PG_SUPERUSER), &err), &err);
    bool ok = db_sync_query(s, NULL, &stmt, NULL, &rows, &err);
    db_sync_close(s);
    CHECK_OK(ok, &err);
    snprintf(value, sizeof value, "%s", rows.n ? db_str(&rows, 0, 0) : "");
    db_rows_free(&rows);
    return value;
}

static void close_sync(void *arg)
{
    db_sync_close(arg);
}

struct db_sync *pg_sync(struct test *t, const char *role)
{
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_open(&s, pg_conninfo(role), &err), &err);
    test_cleanup(t, close_sync, s);
    return s;
}
