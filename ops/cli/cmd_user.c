/* yunzhen user add, set-password, demo-passwords. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/crypto.h"
#include "core/ids.h"
#include "ops/cli/password.h"
#include "ops/cli/store.sql.h"

#define CLI_NODE 1020 /* row ids made here; the daemons have theirs below */

int cmd_user_demo_passwords(struct cli *cli, int argc, char **argv)
{
    static const char *const COLUMNS[] = {"login", "password", "roles", "name", "tenant", NULL};
    struct err err = ERR_INIT;
    json_t *list;

    if (!cli_parse(NULL, argc, argv, NULL, 0, 0, NULL, &err))
        return out_error(cli, &err);
    list = demo_accounts_load(cli);
    if (json_array_size(list) == 0) {
        json_decref(list);
        err_set(&err, ERR_NOT_FOUND, "no_demo", "this installation has no demo accounts");
        return out_error(cli, &err);
    }
    out_rows(cli, list, COLUMNS);
    return CLI_OK;
}

static bool choose_password(char out[PASSWORD_TEXT], bool from_stdin, struct err *err)
{
    if (from_stdin)
        return password_read(out, err);
    password_random(out);
    return true;
}

int cmd_user_set_password(struct cli *cli, int argc, char **argv)
{
    const char *login = NULL;
    bool from_stdin = false;
    const struct cli_option options[] = {
        {"password-stdin", NULL, &from_stdin, NULL, "read it instead of making one"}, {0}};
    char password[PASSWORD_TEXT];
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;
    int64_t ended = 0;

    if (!cli_parse(options, argc, argv, &login, 1, 1, NULL, &err) ||
        !choose_password(password, from_stdin, &err) || !cli_db_open(&s, cli, &err))
        return out_error(cli, &err);
    if (password_set(s, cli, login, password, &ended, &err))
        out_object(cli, json_pack("{s:s, s:s*, s:I}", "login", login, "password",
                                  from_stdin ? NULL : password, "sessions_ended", (json_int_t)ended));
    db_sync_close(s);
    crypto_wipe(password, sizeof password);
    return err.code == ERR_NONE ? CLI_OK : out_error(cli, &err);
}

/* ---- add --------------------------------------------------------------------------------------------------- */

struct new_user {
    const char *login, *name, *tenant, *role, *title, *sex, *birth_date;
    int64_t tenant_id;
    bool from_stdin;
};

static bool check_new_user(struct new_user *u, struct err *err)
{
    if (!u->name || !u->tenant || !u->role)
        return err_set(err, ERR_INVALID, "usage", "--name, --tenant and --role are needed");
    if (!id_parse(u->tenant, strlen(u->tenant), &u->tenant_id))
        return err_set(err, ERR_INVALID, "usage", "--tenant: %s is not an id", u->tenant);
    if (strcmp(u->role, "patient") == 0 && (!u->sex || !u->birth_date))
        return err_set(err, ERR_INVALID, "usage", "a patient needs --sex and --birth-date");
    return true;
}

static bool add_user(struct db_sync *s, const struct cli *cli, const struct new_user *u, const char *password,
                     json_t **rows, struct err *err)
{
    bool patient = strcmp(u->role, "patient") == 0;
    struct db_args a;
    struct ids ids;
    char hash[128];

    if (!crypto_password_hash(password, hash, err))
        return false;
    ids_init(&ids, CLI_NODE);
    db_args_init(&a);
    db_arg_id(&a, cli->region_id);
    db_arg_id(&a, ids_next(&ids, clock_now_us()));
    db_arg_id(&a, ids_next(&ids, clock_now_us()));
    db_arg_id(&a, u->tenant_id);
    db_arg_str(&a, u->login);
    db_arg_str(&a, hash);
    db_arg_str(&a, u->name);
    db_arg_str(&a, patient ? u->sex : u->title ? u->title : "");
    db_arg_str(&a, patient ? u->birth_date : u->role);
    return cli_query(rows, s, cli, patient ? &SQL_cli_add_patient_account : &SQL_cli_add_staff_account, &a,
                     err);
}

int cmd_user_add(struct cli *cli, int argc, char **argv)
{
    struct new_user u = {0};
    const struct cli_option options[] = {
        {"name", &u.name, NULL, "NAME", "as shown"},
        {"tenant", &u.tenant, NULL, "ID", "whose account it is"},
        {"role", &u.role, NULL, "ROLE", "patient, doctor, office …"},
        {"title", &u.title, NULL, "TITLE", "an employee's"},
        {"sex", &u.sex, NULL, "SEX", "a patient's: female, male, unknown"},
        {"birth-date", &u.birth_date, NULL, "DATE", "a patient's: YYYY-MM-DD"},
        {"password-stdin", NULL, &u.from_stdin, NULL, "read it instead of making one"},
        {0}};
    char password[PASSWORD_TEXT];
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;
    json_t *rows = NULL;

    if (!cli_parse(options, argc, argv, &u.login, 1, 1, NULL, &err) || !check_new_user(&u, &err) ||
        !choose_password(password, u.from_stdin, &err) || !cli_db_open(&s, cli, &err))
        return out_error(cli, &err);
    if (add_user(s, cli, &u, password, &rows, &err))
        out_object(cli, json_pack("{s:s, s:O, s:s*}", "login", u.login, "id",
                                  json_object_get(json_array_get(rows, 0), "id"), "password",
                                  u.from_stdin ? NULL : password));
    json_decref(rows);
    db_sync_close(s);
    crypto_wipe(password, sizeof password);
    return err.code == ERR_NONE ? CLI_OK : out_error(cli, &err);
}
