/* yunzhen prepare and migrate: the database from nothing, or from an older shape, to the newest one.
 * prepare is the step ops/up runs between PostgreSQL and the daemons; running it again changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/crypto.h"
#include "core/db/migrate.h"
#include "core/mem.h"
#include "ops/cli/password.h"
#include "ops/cli/store.sql.h"

#define DEMO_REGION  INT64_C(150000)
#define PATIENCE_US  (60 * US_PER_S)
#define SQL_FILE_MAX (4 * 1024 * 1024)

static bool read_file(char **out, const char *path, struct err *err)
{
    FILE *f = fopen(path, "re");
    size_t n;

    if (!f)
        return err_errno(err, path);
    *out = mem_new(SQL_FILE_MAX);
    n = fread(*out, 1, SQL_FILE_MAX - 1, f);
    fclose(f);
    if (n == SQL_FILE_MAX - 1) {
        free(*out);
        *out = NULL; /* the caller frees what it was given */
        return err_set(err, ERR_TOO_LARGE, "sql_file", "%s is too long", path);
    }
    (*out)[n] = '\0';
    return true;
}

static bool run_file(struct db_sync *s, const struct cli *cli, const char *name, struct err *err)
{
    char *path = mem_format("%s/%s", cli->home, name), *text = NULL;
    bool ok = read_file(&text, path, err) && db_sync_exec(s, text, err);

    if (!ok)
        err_add(err, "%s", name);
    free(text);
    free(path);
    return ok;
}

/* A server that replays its log after a crash has a socket, but no ear yet. */
static bool open_patiently(struct db_sync **out, const char *conninfo, struct err *err)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    while (!db_sync_open(out, conninfo, err)) {
        if (!err_is(err, ERR_AGAIN) || clock_mono_us() > until)
            return false;
        err_clear(err);
        usleep(100000);
    }
    return true;
}

/* As the cluster's administrator: the roles and an empty database of our own. */
static bool make_database(const struct cli *cli, struct err *err)
{
    char *conninfo = mem_format("host='%s/run/pg' dbname=postgres user=yz_admin", cli->data);
    struct db_sync *s = NULL;
    struct db_args none;
    struct db_rows rows = {0};
    bool ok = false;

    db_args_init(&none);
    if (!open_patiently(&s, conninfo, err) || !run_file(s, cli, "ops/postgres/roles.sql", err))
        goto out;
    if (!db_sync_query(s, NULL, &SQL_cli_database_exists, &none, &rows, err))
        goto out;
    ok = db_i64(&rows, 0, 0) == 1 || db_sync_exec(s, "CREATE DATABASE yunzhen OWNER yz_owner", err);
    db_rows_free(&rows);
out:
    if (s)
        db_sync_close(s);
    free(conninfo);
    if (!ok)
        err_add(err, "make the database");
    return ok;
}

/* The key reports are signed with, made once and kept beside the database, never in it. */
static bool make_report_key(const struct cli *cli, struct err *err)
{
    char *dir = mem_format("%s/keys", cli->data), *path = mem_format("%s/report.key", dir);
    struct sign_key *key = NULL;
    bool ok = (mkdir(dir, 0700) == 0 || errno == EEXIST || err_errno(err, dir)) &&
              sign_key_load(&key, path, true, err);

    sign_key_free(key);
    free(path);
    free(dir);
    if (!ok)
        err_add(err, "make the key of reports");
    return ok;
}

/* An empty database gets the demo; one that has it gets today's part of it. Others are left alone. */
static bool wants_demo(struct db_sync *s, bool *out, struct err *err)
{
    struct db_args none;
    struct db_rows rows;

    db_args_init(&none);
    if (!db_sync_query(s, NULL, &SQL_cli_regions, &none, &rows, err))
        return false;
    *out = rows.n == 0;
    for (int i = 0; i < rows.n; i++)
        *out = *out || db_i64(&rows, i, 0) == DEMO_REGION;
    db_rows_free(&rows);
    return true;
}

/* All of the demo or none of it. */
static bool load_demo(struct db_sync *s, const struct cli *cli, struct err *err)
{
    static const char *const FILES[] = {"records/demo.sql", "scheduling/demo.sql", "dicom/demo.sql"};
    struct err ignored = ERR_INIT;
    bool ok = db_sync_exec(s, "BEGIN", err);

    for (size_t i = 0; ok && i < sizeof FILES / sizeof *FILES; i++)
        ok = run_file(s, cli, FILES[i], err);
    ok = ok && db_sync_exec(s, "COMMIT", err);
    if (!ok)
        db_sync_exec(s, "ROLLBACK", &ignored);
    return ok;
}

static bool settle_demo(struct cli *cli, struct db_sync *s, bool *loaded, struct err *err)
{
    struct db_sync *known = NULL;
    bool ok;

    if (!wants_demo(s, loaded, err))
        return false;
    if (!*loaded)
        return true;
    if (!load_demo(s, cli, err) || !cli_db_open(&known, cli, err))
        return false;
    ok = demo_passwords_give(known, cli, err);
    db_sync_close(known);
    return ok;
}

static bool migrate(const struct cli *cli, struct db_sync *s, struct migrate_report *report, struct err *err)
{
    if (migrate_run(s, cli->home, report, err))
        return true;
    err_add(err, "migrate");
    return false;
}

static json_t *report_json(const struct migrate_report *r)
{
    return json_pack("{s:i, s:i, s:i}", "applied", r->applied, "present", r->present, "last", r->last);
}

int cmd_migrate(struct cli *cli, int argc, char **argv)
{
    struct migrate_report report = {0};
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;

    if (!cli_parse(NULL, argc, argv, NULL, 0, 0, NULL, &err) || !db_sync_open(&s, cli->db, &err))
        return out_error(cli, &err);
    if (migrate(cli, s, &report, &err))
        out_object(cli, report_json(&report));
    db_sync_close(s);
    return err.code == ERR_NONE ? CLI_OK : out_error(cli, &err);
}

int cmd_prepare(struct cli *cli, int argc, char **argv)
{
    const char *demo = "true";
    const struct cli_option options[] = {
        {"demo", &demo, NULL, "true|false", "load the demo clinic when empty"}, {0}};
    struct migrate_report report = {0};
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;
    bool loaded = false, ok;
    json_t *answer;

    if (!cli_parse(options, argc, argv, NULL, 0, 0, NULL, &err))
        return out_error(cli, &err);
    ok = make_database(cli, &err) && make_report_key(cli, &err) && db_sync_open(&s, cli->db, &err) &&
         migrate(cli, s, &report, &err) && (strcmp(demo, "true") != 0 || settle_demo(cli, s, &loaded, &err));
    if (s)
        db_sync_close(s);
    if (!ok)
        return out_error(cli, &err);
    answer = report_json(&report);
    json_object_set_new(answer, "demo_loaded", json_boolean(loaded));
    out_object(cli, answer);
    return CLI_OK;
}
