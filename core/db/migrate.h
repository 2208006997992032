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

struct migrate_report {
    int applied, present; /* by this run, and in the source */
    int last;             /* highest number now in the database */
};
/** @param source_root folder that holds the rooms (or the installed copy of their migrations/)
 * @param[out] out  may be NULL
 * @param[out] err  ERR_CORRUPT "migration_changed"; ERR_INVALID "migration_number_twice" | "migration_folder_bad";
 *                  otherwise what the database said, with the migration's name in front. What was applied before
 *                  the failure stays applied. */
bool migrate_run(struct db_sync *s, const char *source_root, struct migrate_report *out, struct err *err);

/* For tests that look at the migrations one by one. */
struct migration {
    int number;
    char name[64];   /* "0010_scheduling" */
    char *dir;       /* folder that holds up.sql */
    char sha256[65]; /* of up.sql */
    char *up;        /* its text */
};
/** All migrations below source_root in the order of their numbers. */
bool migrate_list(struct migration **out, size_t *n, const char *source_root, struct err *err);
void migrate_list_free(struct migration *list, size_t n);
