/* pg_fixture.h - real PostgreSQL in a unit test. Link by `yz_unit_test(... PG)`.
 *
 * Under ctest one server runs for the whole run (the `pg` fixture); a test started by hand starts its own. Each test
 * executable gets a database of its own, a copy of the migrated template: tables of all rooms are there and empty,
 * roles are the product's, and every role may connect (trust). It is dropped at exit.
 * What the functions return is lent until the process ends. Failures end the test that asked.
 */
#pragma once
#include "core/db/db.h"
#include "tests/unit/pg_server.h"
#include "tests/unit/test.h"

/** conninfo of this executable's database for a role: "yz_signald", "yz_owner", PG_SUPERUSER … */
const char *pg_conninfo(const char *role);
/** conninfo of another, new database: empty, owned by yz_owner; or a fresh copy of the migrated template. */
const char *pg_new_empty(const char *role);
const char *pg_new_migrated(const char *role);
/** Run SQL (many statements) as the superuser in this executable's database. */
void pg_sql(const char *sql);
/** The same elsewhere. */
void pg_sql_at(const char *conninfo, const char *sql);
/** First column of the first row as the superuser, "" for none; lent until the next call. */
const char *pg_value(const char *sql);
/** An open blocking connection, closed after the test. */
struct db_sync *pg_sync(struct test *t, const char *role);
