/* The schema as PostgreSQL has it: every migration's check.sql, and the rules of schema_rules.sql, each of which is
 * first shown a database that breaks it. */
#include "tests/house/schema_rules.sql.h"
#include "tests/unit/pg_fixture.h"
#include "core/db/migrate.h"
#include "core/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- check.sql --- */

/* Every answer is no row, or only true. @return the first that is not, or NULL; freed by the caller */
static char *wrong_answer(const char *conninfo, const char *questions)
{
    PGconn *pg = PQconnectdb(conninfo);
    PGresult *res;
    char *wrong = NULL;

    if (!PQsendQuery(pg, questions))
        wrong = mem_str(PQerrorMessage(pg));
    while ((res = PQgetResult(pg))) {
        ExecStatusType status = PQresultStatus(res);
        if (!wrong && status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
            wrong = mem_str(PQresultErrorMessage(res));
        for (int i = 0; !wrong && i < PQntuples(res); i++)
            for (int j = 0; !wrong && j < PQnfields(res); j++)
                if (strcmp(PQgetvalue(res, i, j), "t") != 0)
                    wrong = mem_format("%s: %s", PQfname(res, j), PQgetvalue(res, i, j));
        PQclear(res);
    }
    PQfinish(pg);
    return wrong;
}

static char *read_text(const char *dir, const char *name)
{
    char *path = mem_format("%s/%s", dir, name), *text = mem_new(1 << 20);
    FILE *f = fopen(path, "re");

    CHECK(f);
    CHECK(fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    free(path);
    return text;
}

/* A source tree that holds the migrations up to one, by links. */
static void add_link(const char *root, const struct migration *m)
{
    char *room = mem_format("%s/room", root), *folder = mem_format("%s/migrations", room);
    char *link = mem_format("%s/%s", folder, m->name);

    mkdir(room, 0700);
    mkdir(folder, 0700);
    CHECK_INT(symlink(m->dir, link), 0);
    free(room);
    free(folder);
    free(link);
}

static void migrate_to(const char *conninfo, const char *root)
{
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_open(&s, conninfo, &err), &err);
    bool ok = migrate_run(s, root, NULL, &err);
    db_sync_close(s);
    CHECK_OK(ok, &err);
}

/* The same database for another role. */
static char *as_superuser(const char *conninfo)
{
    return mem_format("%s user=%s", conninfo, PG_SUPERUSER);
}

static void check_one(const struct migration *m, const char *root)
{
    const char *scratch = pg_new_empty("yz_owner");
    char *super = as_superuser(scratch), *text = read_text(m->dir, "check.sql"),
         *after = strstr(text, "\n-- after\n");

    CHECK(after);
    *after = '\0';
    migrate_to(scratch, root); /* all before m */
    pg_sql_at(super, text);
    add_link(root, m);
    migrate_to(scratch, root);
    char *wrong = wrong_answer(super, after + strlen("\n-- after\n"));
    if (wrong)
        print_error("%s/check.sql: %s\n", m->dir, wrong);
    CHECK(!wrong);
    free(super);
    free(text);
}

TEST(schema, every_migration_passes_its_own_check)
{
    const char *root = test_dir(t);
    struct migration *list;
    size_t n;
    struct err err = ERR_INIT;

    CHECK_OK(migrate_list(&list, &n, YZ_SOURCE_DIR, &err), &err);
    CHECK(n > 0);
    for (size_t i = 0; i < n; i++)
        check_one(&list[i], root);
    migrate_list_free(list, n);
}

TEST(schema, a_check_that_fails_is_noticed)
{
    const char *conninfo = pg_conninfo(PG_SUPERUSER);
    static const char *const BAD[] = {"SELECT 1 = 2", "SELECT true; SELECT 'row'", "SELECT NULL::bool",
                                      "SELECT no_such", "SELECT true, false"};

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        char *wrong = wrong_answer(conninfo, BAD[i]);
        CHECK(wrong);
        free(wrong);
    }
    CHECK(!wrong_answer(conninfo, "SELECT true; SELECT 1 WHERE false; -- words\n"));
}

/* --- the rules --- */

/* Offenders, one a line; freed by the caller. */
static char *offenders(const char *conninfo, const struct db_stmt *rule)
{
    struct db_sync *s = NULL;
    struct db_rows rows;
    struct err err = ERR_INIT;
    char *all = mem_str("");

    CHECK_OK(db_sync_open(&s, conninfo, &err), &err);
    bool ok = db_sync_query(s, NULL, rule, NULL, &rows, &err);
    db_sync_close(s);
    CHECK_OK(ok, &err);
    for (int i = 0; i < rows.n; i++) {
        char *more = mem_format("%s%s\n", all, db_str(&rows, i, 0));
        free(all);
        all = more;
    }
    db_rows_free(&rows);
    return all;
}

#define GOOD                                                                                                 \
    "CREATE SCHEMA records; CREATE SCHEMA zoo;"                                                              \
    "CREATE TABLE records.a (region_id bigint, id bigint, tenant_id bigint NOT NULL,"                        \
    " CONSTRAINT a_pk PRIMARY KEY (region_id, id));"                                                         \
    "ALTER TABLE records.a ENABLE ROW LEVEL SECURITY; ALTER TABLE records.a FORCE ROW LEVEL SECURITY;"

static const struct fault {
    const struct db_stmt *rule;
    const char *ddl, *named;
} FAULTS[] = {
    {&SQL_rule_keys_begin_with_region, "CREATE UNIQUE INDEX u ON records.a (id)", "records.a: records.u\n"},
    {&SQL_rule_keys_begin_with_region, "CREATE UNIQUE INDEX u ON records.a ((region_id + 1))",
     "records.a: records.u\n"},
    {&SQL_rule_keys_begin_with_region, "CREATE TABLE zoo.b (id bigint CONSTRAINT b_pk PRIMARY KEY)",
     "zoo.b: zoo.b_pk\n"},
    {&SQL_rule_foreign_keys_begin_with_region,
     "CREATE TABLE zoo.b (region_id bigint, a_id bigint, CONSTRAINT b_fk FOREIGN KEY (a_id, region_id)"
     " REFERENCES records.a (region_id, id))",
     "zoo.b: b_fk\n"},
    {&SQL_rule_foreign_keys_follow_the_arrows,
     "CREATE TABLE zoo.b (region_id bigint PRIMARY KEY); ALTER TABLE records.a ADD CONSTRAINT a_fk FOREIGN "
     "KEY"
     " (region_id) REFERENCES zoo.b (region_id)",
     "records.a: a_fk\n"},
    {&SQL_rule_portable_constraints,
     "ALTER TABLE records.a ADD CONSTRAINT later UNIQUE (region_id, tenant_id) DEFERRABLE",
     "records.a: later\n"},
    {&SQL_rule_portable_constraints,
     "CREATE TABLE zoo.b (region_id bigint, id bigint, CONSTRAINT gone FOREIGN KEY (region_id, id)"
     " REFERENCES records.a (region_id, id) ON DELETE CASCADE)",
     "zoo.b: gone\n"},
    {&SQL_rule_portable_constraints,
     "CREATE TABLE zoo.b (r int4range, CONSTRAINT apart EXCLUDE USING gist (r WITH &&))", "zoo.b: apart\n"},
    {&SQL_rule_no_sequences, "CREATE TABLE zoo.b (id bigserial)", "zoo.b_id_seq\n"},
    {&SQL_rule_no_triggers,
     "CREATE FUNCTION zoo.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
     "CREATE TRIGGER bang BEFORE INSERT ON records.a FOR EACH ROW EXECUTE FUNCTION zoo.f()",
     "records.a: bang\n"},
    {&SQL_rule_no_triggers, "CREATE RULE quiet AS ON DELETE TO records.a DO INSTEAD NOTHING",
     "records.a: rule quiet\n"},
    {&SQL_rule_functions_are_portable_and_safe,
     "CREATE FUNCTION zoo.f() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_xact_lock(1)'", "zoo.f()\n"},
    {&SQL_rule_functions_are_portable_and_safe,
     "CREATE FUNCTION zoo.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "zoo.f()\n"},
    {&SQL_rule_tables_have_a_tenant, "ALTER TABLE records.a ALTER COLUMN tenant_id DROP NOT NULL",
     "records.a\n"},
    {&SQL_rule_row_security_is_forced, "ALTER TABLE records.a NO FORCE ROW LEVEL SECURITY", "records.a\n"},
    {&SQL_rule_row_security_is_forced, "ALTER TABLE records.a DISABLE ROW LEVEL SECURITY", "records.a\n"},
    {&SQL_rule_roles_are_least, "GRANT SELECT ON records.a TO PUBLIC", "records.a is open to everybody\n"},
    {&SQL_rule_columns_speak_our_units,
     "ALTER TABLE records.a ADD COLUMN at timestamp, ADD COLUMN price_fen int, ADD COLUMN b_id int",
     "records.a.at\nrecords.a.b_id\nrecords.a.price_fen\n"},
};

TEST(schema, each_rule_names_the_offender_it_is_shown_and_nobody_innocent)
{
    for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++) {
        const struct fault *f = &FAULTS[i];
        const char *conninfo = pg_new_empty("yz_owner");
        pg_sql_at(conninfo, GOOD);
        char *before = offenders(conninfo, f->rule);
        pg_sql_at(conninfo, f->ddl);
        char *after = offenders(conninfo, f->rule);
        CHECK_STR(before, "");
        CHECK_STR(after, f->named);
        free(before);
        free(after);
    }
}

TEST(schema, the_house_keeps_every_rule)
{
    static const struct db_stmt *const RULES[] = {
        &SQL_rule_keys_begin_with_region,
        &SQL_rule_foreign_keys_begin_with_region,
        &SQL_rule_foreign_keys_follow_the_arrows,
        &SQL_rule_portable_constraints,
        &SQL_rule_no_sequences,
        &SQL_rule_no_triggers,
        &SQL_rule_functions_are_portable_and_safe,
        &SQL_rule_tables_have_a_tenant,
        &SQL_rule_row_security_is_forced,
        &SQL_rule_roles_are_least,
        &SQL_rule_columns_speak_our_units,
    };
    int broken = 0;

    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++) {
        char *found = offenders(pg_conninfo(PG_SUPERUSER), RULES[i]);
        if (found[0]) {
            print_error("%s is broken by\n%s", RULES[i]->name, found);
            broken++;
        }
        free(found);
    }
    CHECK_INT(broken, 0);
}
