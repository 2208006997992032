#include "core/json.h"
#include "signaling/problem_text.h"
#include "tests/unit/test.h"
#include <stdlib.h>
#include <string.h>

static json_t *doc_of(enum err_code code, const char *reason, const json_t *extra)
{
    struct err err = ERR_INIT;

    err_set(&err, code, reason, "SELECT secret FROM inside at file.c:12");
    return problem_doc(&err, LOCALE_ZH_CN, "req1", extra);
}

TEST(problem, carries_code_words_and_request_id_and_nothing_of_the_inside)
{
    json_t *doc = doc_of(ERR_CONFLICT, "slot_full", NULL);
    char *text = json_text(doc, NULL);

    CHECK_STR(json_string_value(json_object_get(doc, "code")), "slot_full");
    CHECK_INT(json_integer_value(json_object_get(doc, "status")), 409);
    CHECK_STR(json_string_value(json_object_get(doc, "type")), "/api/docs#problem-slot_full");
    CHECK_STR(json_string_value(json_object_get(doc, "request_id")), "req1");
    CHECK(strlen(json_string_value(json_object_get(doc, "detail"))) > 0);
    CHECK(!strstr(text, "SELECT") && !strstr(text, "file.c"));
    free(text);
    json_decref(doc);
}

TEST(problem, keeps_its_own_members_against_details_of_the_same_name)
{
    json_t *extra = json_pack("{s:s, s:s}", "code", "forged", "log_id", "88"),
           *doc = doc_of(ERR_CONFLICT, "claim_lost", extra);

    CHECK_STR(json_string_value(json_object_get(doc, "code")), "claim_lost");
    CHECK_STR(json_string_value(json_object_get(doc, "log_id")), "88");
    json_decref(extra);
    json_decref(doc);
}

TEST(problem, of_an_unknown_code_has_the_words_of_its_status)
{
    problem_book(&SIGNALD_PROBLEMS);
    CHECK(strlen(problem_text("never_heard", 409)->detail[LOCALE_EN]) > 0);
    CHECK(strlen(problem_text("never_heard", 599)->detail[LOCALE_ZH_CN]) > 0);
    CHECK_STR(problem_text("sdp_weak_fingerprint", 400)->code, "sdp_invalid");
}

TEST(problem, has_a_status_of_its_own_where_the_standard_wants_one)
{
    problem_book(&SIGNALD_PROBLEMS);
    CHECK_INT(problem_status(&(struct err){ERR_STALE, "session_changed", ""}), 412);
    CHECK_INT(problem_status(&(struct err){ERR_INVALID, "if_match_missing", ""}), 428);
    CHECK_INT(problem_status(&(struct err){ERR_INVALID, "length_required", ""}), 411);
    CHECK_INT(problem_status(&(struct err){ERR_UNKNOWN, "outcome_unknown", ""}), 504);
}

TEST(locale, is_the_first_language_we_have)
{
    CHECK_INT(locale_accept("en-GB,en;q=0.9", LOCALE_ZH_CN), LOCALE_EN);
    CHECK_INT(locale_accept("mn, zh-Hans-CN;q=0.8, en;q=0.7", LOCALE_EN), LOCALE_ZH_CN);
    CHECK_INT(locale_accept("mn", LOCALE_ZH_CN), LOCALE_ZH_CN);
    CHECK_INT(locale_accept("", LOCALE_EN), LOCALE_EN);
}
