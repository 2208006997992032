#include "core/clock.h"
#include "core/crypto.h"
#include "core/json.h"
#include "records/roles.h"
#include "signaling/token.h"
#include "tests/unit/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOON (INT64_C(1800000000) * US_PER_S)
static const uint8_t KEY[32] = "0123456789abcdef0123456789abcde";
static const uint8_t OTHER[32] = "another key of thirty-two bytes!";

static struct token_claims claims(void)
{
    return (struct token_claims){
        .kind = TOKEN_OPERATOR,
        .account_id = 311,
        .region_id = 150000,
        .tenant_id = 31,
        .roles = ROLE_DOCTOR,
        .room = "blue",
        .publish = true,
        .issued_at_us = NOON,
        .not_before_us = NOON,
        .expires_at_us = NOON + 3600 * US_PER_S,
    };
}

static char *made(const struct token_claims *c)
{
    struct token_claims copy = *c;
    struct err err = ERR_INIT;
    char *out = NULL;

    CHECK_OK(token_claims_build(KEY, &copy, &out, &err), &err);
    return out;
}

/* Signed with our key, whatever the claims say: what a thief of the key's holder could not make, but a bug could. */
static char *signed_text(const char *text)
{
    struct err err = ERR_INIT;
    char *out = NULL;

    CHECK_OK(token_make(KEY, 32, text, &out, &err), &err);
    return out;
}

static void refused(char *token, int64_t now_us, const char *reason)
{
    struct token_claims out;
    struct err err = ERR_INIT;

    CHECK_ERR(token_claims_parse(KEY, token, strlen(token), now_us, &out, &err), &err, ERR_UNAUTHENTICATED,
              reason);
    free(token);
}

TEST(token, says_again_what_was_said)
{
    struct token_claims in = claims(), out;
    struct err err = ERR_INIT;
    char *token = made(&in);

    CHECK_OK(token_claims_parse(KEY, token, strlen(token), NOON, &out, &err), &err);
    CHECK_INT(out.account_id, 311);
    CHECK_INT(out.region_id, 150000);
    CHECK_INT(out.tenant_id, 31);
    CHECK_INT(out.roles, ROLE_DOCTOR);
    CHECK_STR(out.room, "blue");
    CHECK(out.publish && !out.subscribe);
    CHECK_INT(out.expires_at_us, in.expires_at_us);
    CHECK_INT(strlen(out.jti), ID_RANDOM_TEXT - 1);
    free(token);
}

TEST(token, ends_at_its_hour_to_the_second)
{
    struct token_claims in = claims();

    refused(made(&in), NOON + 3600 * US_PER_S, "token_expired");
}

TEST(token, does_not_begin_before_its_time_except_for_a_few_seconds_of_skew)
{
    struct token_claims in = claims(), out;
    struct err err = ERR_INIT;
    char *token = made(&in);

    CHECK_OK(token_claims_parse(KEY, token, strlen(token), NOON - 3 * US_PER_S, &out, &err), &err);
    refused(token, NOON - 10 * US_PER_S, "token_not_yet");
}

TEST(token, that_lives_for_a_week_is_refused_although_it_is_signed)
{
    struct token_claims in = claims();

    in.expires_at_us = NOON + 7 * 24 * 3600 * US_PER_S;
    refused(made(&in), NOON, "token_invalid");
}

TEST(token, of_another_key_is_refused)
{
    struct token_claims in = claims(), out;
    struct err err = ERR_INIT;
    char *token = made(&in);

    CHECK_ERR(token_claims_parse(OTHER, token, strlen(token), NOON, &out, &err), &err, ERR_UNAUTHENTICATED,
              "token_invalid");
    free(token);
}

TEST(token, with_any_letter_changed_is_refused)
{
    struct token_claims in = claims(), out;
    char *token = made(&in);
    size_t len = strlen(token);

    for (size_t i = 0; i < len; i++) {
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        /* The last letter of a part carries unused bits; base64url here is strict about them as well. */
        CHECK(!token_claims_parse(KEY, token, len, NOON, &out, NULL));
        token[i] = was;
    }
    free(token);
}

TEST(token, in_the_form_of_a_jwt_is_refused_whatever_alg_it_names)
{
    static const char *const JWTS[] = {
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIzMTEifQ.",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIzMTEifQ.c2lnbmF0dXJl",
        "yz1.",
        "yz1..",
        "",
        "yz1.eyJzdWIiOiIzMTEifQ",
    };
    struct token_claims out;
    struct err err = ERR_INIT;

    for (size_t i = 0; i < sizeof JWTS / sizeof *JWTS; i++)
        CHECK_ERR(token_claims_parse(KEY, JWTS[i], strlen(JWTS[i]), NOON, &out, &err), &err,
                  ERR_UNAUTHENTICATED, "token_invalid");
}

TEST(token, without_one_of_its_claims_is_refused)
{
    static const char *const NAMES[] = {"kind", "sub", "region", "tenant", "roles",
                                        "iat",  "nbf", "exp",    "jti"};
    json_t *whole = json_pack("{s:s, s:s, s:s, s:s, s:[s], s:I, s:I, s:I, s:s}", "kind", "operator", "sub",
                              "311", "region", "150000", "tenant", "31", "roles", "doctor", "iat",
                              (json_int_t)(NOON / US_PER_S), "nbf", (json_int_t)(NOON / US_PER_S), "exp",
                              (json_int_t)(NOON / US_PER_S + 60), "jti", "abcdefgh");
    struct token_claims out;
    struct err err = ERR_INIT;
    char *text = json_dumps(whole, 0), *token = signed_text(text);

    CHECK_OK(token_claims_parse(KEY, token, strlen(token), NOON, &out, &err), &err);
    free(token);
    free(text);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        json_t *part = json_copy(whole);
        json_object_del(part, NAMES[i]);
        text = json_dumps(part, 0);
        refused(signed_text(text), NOON, "token_invalid");
        free(text);
        json_decref(part);
    }
    json_decref(whole);
}

TEST(token, with_a_room_that_could_be_a_path_is_refused)
{
    struct token_claims in = claims();
    struct err err = ERR_INIT;
    char *out = NULL;

    strcpy(in.room, "../etc");
    CHECK_ERR(token_claims_build(KEY, &in, &out, &err), &err, ERR_INVALID, "token_claims");
}

TEST(token, speaks_of_its_room_of_no_other_and_the_star_of_all)
{
    struct token_claims in = claims();

    CHECK(token_claims_room(&in, "blue"));
    CHECK(!token_claims_room(&in, "blu"));
    CHECK(!token_claims_room(&in, "*"));
    strcpy(in.room, "*");
    CHECK(token_claims_room(&in, "anything"));
    in.room[0] = '\0';
    CHECK(!token_claims_room(&in, ""));
}

TEST(token, knows_no_role_that_does_not_exist)
{
    struct token_claims out;
    struct err err = ERR_INIT;
    char text[400], *token;

    snprintf(text, sizeof text,
             "{\"kind\":\"operator\",\"sub\":\"1\",\"region\":\"1\",\"tenant\":\"1\",\"roles\":[\"doctor\","
             "\"system\",7],"
             "\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,\"jti\":\"abcdefgh\"}",
             (long long)(NOON / US_PER_S), (long long)(NOON / US_PER_S), (long long)(NOON / US_PER_S + 60));
    token = signed_text(text);
    CHECK_OK(token_claims_parse(KEY, token, strlen(token), NOON, &out, &err), &err);
    CHECK_INT(out.roles, ROLE_DOCTOR);
    free(token);
}
