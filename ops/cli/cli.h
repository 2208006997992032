/* cli.h - what every subcommand of `yunzhen` shares: where the installation is, how answers are printed, exit codes.
 *
 * A subcommand is a row in COMMANDS (main.c): its words, its function, its usage. It returns an exit code and prints its
 * answer through out_*(), which knows --json. Errors go to stderr as one sentence, or as JSON with --json.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "core/db/db.h"
#include "core/err.h"
#include "core/json.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,     /* it could not be done; the message says why */
    CLI_USAGE = 2,      /* not understood */
    CLI_NOT_READY = 3,  /* nothing runs; with --wait: not ready in time */
    CLI_NOT_FOUND = 4,  /* no such user, tenant … */
    CLI_NOT_PROVEN = 5, /* verify: something does not match what was written */
};

struct cli {
    const char *data; /* the data folder */
    const char *home; /* where migrations and demo data are read from: the checkout or its copy */
    const char *db;   /* conninfo of the owner role */
    bool json;
    int64_t region_id; /* 0: the only one there is */
};

/* ---- words ------------------------------------------------------------------------------------------------ */

/* --name VALUE, --name=VALUE, or a flag when value is NULL. */
struct cli_option {
    const char *name;
    const char **value;
    bool *flag;
    const char *hint; /* "LOGIN", shown in --help; NULL for a flag */
    const char *why;
};

/** Takes the options out of argv; what is left are plain words.
 * ERR_INVALID "usage" for an unknown one, a missing value, or a number of words outside min..max. */
bool cli_parse(const struct cli_option *options, int argc, char **argv, const char **words, int words_min,
               int words_max, int *words_n, struct err *err);

/* ---- answers ---------------------------------------------------------------------------------------------- */

/** A list: with --json as it is, else a table of these columns (ends with NULL). Takes the reference. */
void out_rows(const struct cli *cli, json_t *rows, const char *const *columns);
/** One object: with --json as it is, else "name  value" lines. Takes the reference. */
void out_object(const struct cli *cli, json_t *object);
/** The error to stderr; @return CLI_NOT_FOUND, CLI_USAGE or CLI_FAILED as its code says. */
int out_error(const struct cli *cli, const struct err *err);

/* ---- the database ----------------------------------------------------------------------------------------- */

/** Connects as the owner and settles cli->region_id. ERR_AGAIN "database_away" says what to start. */
bool cli_db_open(struct db_sync **out, struct cli *cli, struct err *err);
/** Query and turn the rows into JSON objects by column name; text stays text. Takes args. */
bool cli_query(json_t **rows, struct db_sync *s, const struct cli *cli, const struct db_stmt *stmt,
               struct db_args *args, struct err *err);

/* ---- subcommands: argc/argv without the words that chose them ---------------------------------------------- */

typedef int cli_command(struct cli *cli, int argc, char **argv);
cli_command cmd_status, cmd_prepare, cmd_migrate, cmd_config, cmd_token, cmd_tenant_list, cmd_tenant_show,
    cmd_user_list, cmd_user_add, cmd_user_set_password, cmd_user_demo_passwords, cmd_room_list,
    cmd_verify_audit, cmd_verify_recording, cmd_verify_report;
