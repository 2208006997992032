/* token.h - what a bearer token says: who, where, what of a room, until when. The command line makes them with
 * the same functions that yz-signald reads them with.
 *
 * Form    core/crypto.h token_make(): one algorithm, so an `alg` cannot be argued about.
 * Times   whole seconds since 1970 in the text (RFC 7519 2), microseconds here.
 * Runs on any thread.
 */
#pragma once
#include <stdint.h>
#include "core/err.h"
#include "core/ids.h"

enum token_kind {
    TOKEN_OPERATOR, /* made by `yunzhen token`; reusable until it ends */
    TOKEN_JOIN,     /* given to a browser with its seat; short */
};

#define TOKEN_ROOM_MAX 64
struct token_claims {
    enum token_kind kind;
    int64_t account_id, region_id, tenant_id;
    uint32_t roles;            /* enum sched_role */
    char room[TOKEN_ROOM_MAX]; /* "" none, "*" any: load tests on the same machine */
    bool publish, subscribe;   /* in that room */
    int64_t issued_at_us, not_before_us, expires_at_us;
    char jti[ID_RANDOM_TEXT];
};

#define TOKEN_LIFE_MAX_S (24 * 3600) /* a longer one is refused, whoever signed it */
#define TOKEN_TEXT_MAX   2048

/** @param[out] out  the token, freed by the caller. jti is made when empty.
 * ERR_INVALID "token_claims" when they could not be read back. */
bool token_claims_build(const uint8_t key[32], struct token_claims *claims, char **out, struct err *err);

/** ERR_UNAUTHENTICATED "token_invalid" (forged, malformed, a claim missing), "token_expired", "token_not_yet". */
bool token_claims_parse(const uint8_t key[32], const char *token, size_t len, int64_t now_us,
                        struct token_claims *out, struct err *err);

/** Does it speak of this room? "*" speaks of every one. */
bool token_claims_room(const struct token_claims *claims, const char *room);
