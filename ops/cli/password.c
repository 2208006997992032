#include "ops/cli/password.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/crypto.h"
#include "core/mem.h"
#include "ops/cli/store.sql.h"

/* Without i, l, o, 0 and 1, which look alike on a screen. */
static char random_letter(void)
{
    static const char LETTERS[31] = "abcdefghjkmnpqrstuvwxyz23456789";
    uint8_t r;

    do
        crypto_random(&r, 1);
    while (r >= 8 * sizeof LETTERS); /* so that every letter is as likely */
    return LETTERS[r % sizeof LETTERS];
}

void password_random(char out[PASSWORD_TEXT])
{
    for (size_t i = 0; i < 14; i++)
        out[i] = i % 5 == 4 ? '-' : random_letter();
    out[14] = '\0';
}

bool password_read(char out[PASSWORD_TEXT], struct err *err)
{
    size_t len;

    if (!fgets(out, PASSWORD_TEXT, stdin))
        out[0] = '\0';
    len = strcspn(out, "\n");
    out[len] = '\0';
    if (len < 8 || len >= PASSWORD_TEXT - 1)
        return err_set(err, ERR_INVALID, "password_length", "a password has 8 to %d bytes",
                       PASSWORD_TEXT - 2);
    return true;
}

bool password_set(struct db_sync *s, const struct cli *cli, const char *login, const char *password,
                  int64_t *sessions_ended, struct err *err)
{
    const struct db_scope scope = {.region_id = cli->region_id};
    struct db_args args;
    struct db_rows rows;
    char hash[128];
    bool ok = true;

    if (!crypto_password_hash(password, hash, err))
        return false;
    db_args_init(&args);
    db_arg_id(&args, cli->region_id);
    db_arg_str(&args, login);
    db_arg_str(&args, hash);
    if (!db_sync_query(s, &scope, &SQL_cli_set_password, &args, &rows, err))
        return false;
    if (rows.n == 0)
        ok = err_set(err, ERR_NOT_FOUND, "user_unknown", "no account has the login %s", login);
    else if (sessions_ended)
        *sessions_ended = db_i64(&rows, 0, 1);
    db_rows_free(&rows);
    return ok;
}

/* ---- the demo accounts' file ------------------------------------------------------------------------------- */

json_t *demo_accounts_load(const struct cli *cli)
{
    char *path = mem_format("%s/demo-accounts", cli->data);
    json_t *list = json_load_file(path, 0, NULL);

    free(path);
    if (!json_is_array(list)) {
        json_decref(list);
        list = json_array();
    }
    return list;
}

bool demo_accounts_save(const struct cli *cli, const json_t *accounts, struct err *err)
{
    char *path = mem_format("%s/demo-accounts", cli->data), *aside = mem_format("%s.new", path);
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = false;

    if (fd < 0)
        err_errno(err, aside);
    else if (json_dumpfd(accounts, fd, JSON_INDENT(2)) != 0 || fsync(fd) != 0 || rename(aside, path) != 0)
        err_errno(err, path);
    else
        ok = true;
    if (fd >= 0)
        close(fd);
    free(aside);
    free(path);
    return ok;
}

static json_t *find_login(const json_t *accounts, const char *login)
{
    json_t *row;
    size_t i;

    json_array_foreach(accounts, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "login")), login) == 0)
            return row;
    }
    return NULL;
}

static void write_down(json_t *accounts, json_t *fresh)
{
    char password[PASSWORD_TEXT];
    json_t *row;
    size_t i;

    json_array_foreach(fresh, i, row)
    {
        if (find_login(accounts, json_string_value(json_object_get(row, "login"))))
            continue;
        password_random(password);
        json_object_set_new(row, "password", json_string(password));
        json_array_append(accounts, row);
    }
    crypto_wipe(password, sizeof password);
}

bool demo_passwords_give(struct db_sync *s, const struct cli *cli, struct err *err)
{
    struct db_args args;
    json_t *accounts = demo_accounts_load(cli), *fresh = NULL, *row;
    size_t i;
    bool ok;

    db_args_init(&args);
    db_arg_id(&args, cli->region_id);
    ok = cli_query(&fresh, s, cli, &SQL_cli_accounts_without_password, &args, err);
    if (ok && json_array_size(fresh) > 0) {
        write_down(accounts, fresh);
        ok = demo_accounts_save(cli, accounts, err);
    }
    json_array_foreach(fresh, i, row)
    {
        const char *login = json_string_value(json_object_get(row, "login"));
        json_t *known = find_login(accounts, login);

        ok = ok &&
             password_set(s, cli, login, json_string_value(json_object_get(known, "password")), NULL, err);
    }
    json_decref(fresh);
    json_decref(accounts);
    return ok;
}
