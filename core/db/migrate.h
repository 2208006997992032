/* migrate.h - brings a database to the newest shape. One number line across all folders.
 *
 * A migration is a folder FOLDER/migrations/NNNN_name/ with up.sql, check.sql and why.md. check.sql has two parts
 * around a line `-- after`: the first fills rows before up.sql runs (on a scratch copy, tests only), the second asks
 * questions that must all return no row or only `true`.
 * Each runs in one transaction with its row in core.migrations (number, name, sha256 of up.sql). A changed up.sql of an
 * applied number is ERR_CORRUPT "migration_changed". Run by `yunzhen migrate` as the owner role, never by daemons.
 */
#pragma once
#include "core/db/db.h"

struct migrate_report { int applied, present; int last; };
/** @param source_root folder that holds the rooms (or the installed copy of their migrations/) */
bool migrate_run(struct db_sync *s, const char *source_root, struct migrate_report *out, struct err *err);
