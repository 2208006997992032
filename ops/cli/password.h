/* password.h - passwords this command makes or reads, and the file that keeps the demo accounts'.
 * The file <data>/demo-accounts is a JSON array of {"login","password","name","roles","tenant"}, mode 0600. */
#pragma once
#include "ops/cli/cli.h"

#define PASSWORD_TEXT 64
/** Twelve random letters and digits in three groups: 59 bits, easy to type on a phone. */
void password_random(char out[PASSWORD_TEXT]);
/** One line from stdin, 8 to 63 bytes. ERR_INVALID "password_length". */
bool password_read(char out[PASSWORD_TEXT], struct err *err);
/** Hash it (argon2id) and store it. ERR_NOT_FOUND "user_unknown". @param sessions_ended may be NULL */
bool password_set(struct db_sync *s, const struct cli *cli, const char *login, const char *password,
                  int64_t *sessions_ended, struct err *err);

/** An empty array when there is none. Never NULL. */
json_t *demo_accounts_load(const struct cli *cli);
bool demo_accounts_save(const struct cli *cli, const json_t *accounts, struct err *err);
/** Gives every account without a password one, and writes it down first: a crash in between leaves nobody
 * with a password that no one knows. */
bool demo_passwords_give(struct db_sync *s, const struct cli *cli, struct err *err);
