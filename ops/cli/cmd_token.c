/* yunzhen token: what a script carries instead of a browser's cookie. Made with the key yz-signald checks it by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "ops/cli/cli.h"
#include "ops/cli/store.sql.h"
#include "signaling/role.h"
#include "signaling/token.h"

#define TTL_DEFAULT_S "3600"

struct token_wish {
    const char *login, *room, *ttl;
    bool publish, subscribe;
    int64_t ttl_s;
};

static bool check_wish(struct token_wish *w, struct err *err)
{
    char *end;

    if (!w->login)
        return err_set(err, ERR_INVALID, "usage", "--user=LOGIN is needed");
    w->ttl_s = strtoll(w->ttl, &end, 10);
    if (*end || w->ttl_s < 1 || w->ttl_s > TOKEN_LIFE_MAX_S)
        return err_set(err, ERR_INVALID, "usage", "--ttl: 1 to %d seconds", TOKEN_LIFE_MAX_S);
    if (w->room && !w->publish && !w->subscribe)
        return err_set(err, ERR_INVALID, "usage", "--room wants --publish, --subscribe or both");
    if (!w->room && (w->publish || w->subscribe))
        return err_set(err, ERR_INVALID, "usage", "--publish and --subscribe want --room");
    if (w->room && strlen(w->room) >= TOKEN_ROOM_MAX)
        return err_set(err, ERR_INVALID, "usage", "--room: at most %d letters", TOKEN_ROOM_MAX - 1);
    return true;
}

/* Who it is, and what that account may do today. */
static bool find_account(struct cli *cli, const char *login, struct token_claims *claims, struct err *err)
{
    struct db_sync *s = NULL;
    struct db_args args;
    struct db_rows rows = {0};
    bool ok = false;

    if (!cli_db_open(&s, cli, err))
        return false;
    db_args_init(&args);
    db_arg_id(&args, cli->region_id);
    db_arg_str(&args, login);
    if (!db_sync_query(s, NULL, &SQL_cli_account, &args, &rows, err))
        goto out;
    if (rows.n == 0) {
        err_set(err, ERR_NOT_FOUND, "user_unknown", "no account has the login %s", login);
    } else if (strcmp(db_str(&rows, 0, 2), "active") != 0) {
        err_set(err, ERR_DENIED, "account_locked", "the account %s is %s", login, db_str(&rows, 0, 2));
    } else {
        claims->region_id = cli->region_id;
        claims->account_id = db_i64(&rows, 0, 0);
        claims->tenant_id = db_i64(&rows, 0, 1);
        claims->roles = role_bits_of_array(db_str(&rows, 0, 3));
        ok = true;
    }
    db_rows_free(&rows);
out:
    db_sync_close(s);
    return ok;
}

static bool make_token(const struct cli *cli, const struct token_wish *w, struct token_claims *claims,
                       char **out, struct err *err)
{
    char *path = mem_format("%s/keys/token.key", cli->data);
    uint8_t key[32];
    bool ok;

    claims->kind = TOKEN_OPERATOR;
    claims->issued_at_us = claims->not_before_us = clock_now_us();
    claims->expires_at_us = claims->issued_at_us + w->ttl_s * US_PER_S;
    claims->publish = w->publish;
    claims->subscribe = w->subscribe;
    snprintf(claims->room, sizeof claims->room, "%s", w->room ? w->room : "");
    ok = secret_load(path, key, err) && token_claims_build(key, claims, out, err);
    crypto_wipe(key, sizeof key);
    free(path);
    return ok;
}

int cmd_token(struct cli *cli, int argc, char **argv)
{
    struct token_wish w = {.ttl = TTL_DEFAULT_S};
    const struct cli_option options[] = {
        {"user", &w.login, NULL, "LOGIN", "who it speaks for"},
        {"room", &w.room, NULL, "ROOM|*", "WHIP and WHEP there"},
        {"publish", NULL, &w.publish, NULL, "may publish in that room"},
        {"subscribe", NULL, &w.subscribe, NULL, "may receive from that room"},
        {"ttl", &w.ttl, NULL, "SECONDS", "how long it is good"},
        {0}};
    struct token_claims claims = {0};
    struct err err = ERR_INIT;
    char *token = NULL, until[CLOCK_TEXT];

    if (!cli_parse(options, argc, argv, NULL, 0, 0, NULL, &err) || !check_wish(&w, &err) ||
        !find_account(cli, w.login, &claims, &err) || !make_token(cli, &w, &claims, &token, &err))
        return out_error(cli, &err);
    clock_format_utc(claims.expires_at_us, until);
    if (cli->json)
        out_object(cli, json_pack("{s:s, s:s}", "token", token, "expires_at", until));
    else
        puts(token);
    free(token);
    return CLI_OK;
}
