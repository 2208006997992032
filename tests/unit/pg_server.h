/* pg_server.h - a private PostgreSQL cluster for tests: unix socket only, thrown away afterwards.
 *
 * Owns    its data folder (below the build folder, or /tmp where the server's user cannot go) and its socket folder
 *         in /tmp. initdb runs once; every server starts from a copy of that result. As root the server runs as
 *         `nobody`. It dies with the process that started it, however that ends.
 * Errors  of starting are told on stderr and end the process: without a database there is nothing to test.
 */
#pragma once
#include <stdbool.h>

struct pg_server;
struct pg_server *pg_server_start(void);
/** PG_FAST: as `pg_ctl stop`. PG_KILL: SIGKILL to all, as a power cut would. */
enum pg_stop { PG_FAST, PG_KILL };
void pg_server_halt(struct pg_server *s, enum pg_stop how);
/** Start it again on the same data. */
void pg_server_again(struct pg_server *s);
/** Stop, remove everything. NULL is fine. */
void pg_server_free(struct pg_server *s);
/** Folder of the socket: host=… of a conninfo. */
const char *pg_server_host(const struct pg_server *s);
/** Make the roles, and the database yz_template with all migrations of the source tree. */
void pg_server_prepare(const struct pg_server *s);
/** Folder shared by the runs of this build. */
const char *pg_base(void);
#define PG_SUPERUSER "yz_admin"
