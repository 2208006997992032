/* Bearer tokens: as they come from outside, and, signed by us, with claims nobody would write. */
#include "core/crypto.h"
#include "signaling/token.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t KEY[32] = {7};
    static const int64_t NOW = INT64_C(1800000000000000);
    struct token_claims claims;
    struct err err = ERR_INIT;
    char *text, *token = NULL;

    if (token_claims_parse(KEY, (const char *)data, len, NOW, &claims, &err))
        abort(); /* nobody guesses the key */
    text = malloc(len + 1);
    memcpy(text, data, len);
    text[len] = '\0';
    err_clear(&err);
    if (token_make(KEY, sizeof KEY, text, &token, &err)) {
        err_clear(&err);
        if (token_claims_parse(KEY, token, strlen(token), NOW, &claims, &err) != (err.code == ERR_NONE))
            abort();
        if (err.code == ERR_NONE &&
            (claims.account_id <= 0 || claims.expires_at_us <= NOW || strlen(claims.room) >= TOKEN_ROOM_MAX))
            abort();
    }
    free(token);
    free(text);
    return 0;
}
