#include "signaling/token.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/json.h"
#include "signaling/role.h"
#include <stdlib.h>
#include <string.h>

#define CLOCK_SKEW_S 5 /* between the maker's clock and ours */
static const struct json_limits LIMITS = {TOKEN_TEXT_MAX, 3};

static bool room_ok(const char *room)
{
    if (!strcmp(room, "*") || !*room)
        return true;
    return strlen(room) < TOKEN_ROOM_MAX &&
           room[strspn(room, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

bool token_claims_build(const uint8_t key[32], struct token_claims *c, char **out, struct err *err)
{
    json_t *doc;
    char *text;
    bool ok;

    if (c->account_id <= 0 || c->region_id <= 0 || c->tenant_id <= 0 || c->expires_at_us <= c->issued_at_us ||
        !room_ok(c->room))
        return err_set(err, ERR_INVALID, "token_claims", "a token needs an account, a place and an end");
    if (!*c->jti)
        id_random(c->jti);
    doc = json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:s}", "kind",
                    c->kind == TOKEN_JOIN ? "join" : "operator", "sub", json_id(c->account_id), "region",
                    json_id(c->region_id), "tenant", json_id(c->tenant_id), "roles", role_names(c->roles),
                    "iat", (json_int_t)(c->issued_at_us / US_PER_S), "nbf",
                    (json_int_t)(c->not_before_us / US_PER_S), "exp",
                    (json_int_t)(c->expires_at_us / US_PER_S), "jti", c->jti);
    if (*c->room) {
        json_object_set_new(doc, "room", json_string(c->room));
        json_object_set_new(doc, "publish", json_boolean(c->publish));
        json_object_set_new(doc, "subscribe", json_boolean(c->subscribe));
    }
    text = json_text(doc, NULL);
    ok = token_make(key, 32, text, out, err);
    free(text);
    json_decref(doc);
    return ok;
}

static bool get_seconds(const json_t *doc, const char *name, int64_t *out_us, struct err *err)
{
    int64_t s;

    if (!json_get_i64(doc, name, 0, INT64_C(253402300799), &s, err))
        return false;
    *out_us = s * US_PER_S;
    return true;
}

static bool read_claims(const json_t *doc, struct token_claims *c, struct err *err)
{
    const char *kind, *room = "", *jti;
    const json_t *roles = json_object_get(doc, "roles");

    if (!json_get_str(doc, "kind", &kind, 16, err) || !json_get_id(doc, "sub", &c->account_id, err) ||
        !json_get_id(doc, "region", &c->region_id, err) || !json_get_id(doc, "tenant", &c->tenant_id, err) ||
        !json_get_str(doc, "jti", &jti, sizeof c->jti - 1, err) ||
        !json_opt_str(doc, "room", &room, sizeof c->room - 1, err) ||
        !json_opt_bool(doc, "publish", &c->publish, err) ||
        !json_opt_bool(doc, "subscribe", &c->subscribe, err))
        return false;
    if (!get_seconds(doc, "iat", &c->issued_at_us, err) || !get_seconds(doc, "nbf", &c->not_before_us, err) ||
        !get_seconds(doc, "exp", &c->expires_at_us, err))
        return false;
    if (strcmp(kind, "operator") != 0 && strcmp(kind, "join") != 0)
        return err_set(err, ERR_INVALID, "field_range", "kind");
    if (!json_is_array(roles) || !room_ok(room))
        return err_set(err, ERR_INVALID, "field_type", "roles or room");
    c->kind = *kind == 'j' ? TOKEN_JOIN : TOKEN_OPERATOR;
    c->roles = role_bits(roles);
    strcpy(c->room, room);
    strcpy(c->jti, jti);
    return true;
}

static bool check_times(const struct token_claims *c, int64_t now_us, struct err *err)
{
    if (c->expires_at_us - c->issued_at_us > TOKEN_LIFE_MAX_S * US_PER_S)
        return err_set(err, ERR_UNAUTHENTICATED, "token_invalid", "it lives too long");
    if (now_us >= c->expires_at_us)
        return err_set(err, ERR_UNAUTHENTICATED, "token_expired", "the token has ended");
    if (now_us + CLOCK_SKEW_S * US_PER_S < c->not_before_us ||
        now_us + CLOCK_SKEW_S * US_PER_S < c->issued_at_us)
        return err_set(err, ERR_UNAUTHENTICATED, "token_not_yet", "the token begins later");
    return true;
}

bool token_claims_parse(const uint8_t key[32], const char *token, size_t len, int64_t now_us,
                        struct token_claims *out, struct err *err)
{
    struct token_claims c = {0};
    char *text = NULL;
    json_t *doc = NULL;
    bool ok = false;

    if (len > TOKEN_TEXT_MAX)
        return err_set(err, ERR_UNAUTHENTICATED, "token_invalid", "%zu bytes", len);
    if (!token_open(key, 32, token, len, &text, err))
        goto out;
    if (!json_parse(&doc, (const uint8_t *)text, strlen(text), &LIMITS, err) || !read_claims(doc, &c, err)) {
        err_set(err, ERR_UNAUTHENTICATED, "token_invalid", "a claim is missing or of the wrong kind");
        goto out;
    }
    ok = check_times(&c, now_us, err);
    if (ok)
        *out = c;
out:
    json_decref(doc);
    free(text);
    return ok;
}

bool token_claims_room(const struct token_claims *c, const char *room)
{
    return *c->room && (!strcmp(c->room, "*") || !strcmp(c->room, room));
}
