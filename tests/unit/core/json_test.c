#include "tests/unit/test.h"
#include "core/clock.h"
#include "core/json.h"
#include <stdlib.h>
#include <string.h>

static bool parse(json_t **out, const char *text, struct err *err)
{
    return json_parse(out, (const uint8_t *)text, strlen(text), NULL, err);
}

TEST(json, refuses_each_kind_of_bad_document_by_name)
{
    static const struct {
        const char *text, *reason;
    } BAD[] = {
        {"", "malformed_json"},
        {"{", "malformed_json"},
        {"{}x", "malformed_json"},
        {"{} {}", "malformed_json"},
        {"1", "malformed_json"},
        {"\"a\"", "malformed_json"},
        {"{\"a\":1,}", "malformed_json"},
        {"{'a':1}", "malformed_json"},
        {"{\"a\":\"\\u0000\"}", "malformed_json"},
        {"{\"a\":\"\xff\"}", "malformed_json"},
        {"{\"a\":\"\xed\xa0\x80\"}", "malformed_json"},
        {"{\"a\":\"\\ud800\"}", "malformed_json"},
        {"{\"a\":1e999}", "malformed_json"},
        {"{\"a\":99999999999999999999}", "malformed_json"},
        {"{\"a\":NaN}", "malformed_json"},
        {"{\"a\":01}", "malformed_json"},
        {"{\"a\":1,\"a\":2}", "duplicate_key"},
        {"{\"a\":{\"b\":1,\"b\":1}}", "duplicate_key"},
    };
    struct err err = ERR_INIT;
    json_t *doc;

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        CHECK_ERR(parse(&doc, BAD[i].text, &err), &err, ERR_INVALID, BAD[i].reason);
}

TEST(json, the_message_does_not_repeat_what_was_sent)
{
    struct err err = ERR_INIT;
    json_t *doc;

    CHECK(!parse(&doc, "{\"name\": Zhang San}", &err));
    CHECK(!strstr(err.text, "Zhang"));
}

TEST(json, a_body_over_the_limit_is_too_large_before_it_is_read)
{
    struct json_limits small = {.bytes_max = 8, .depth_max = 2};
    struct err err = ERR_INIT;
    json_t *doc;

    CHECK_ERR(json_parse(&doc, (const uint8_t *)"{\"a\":123}", 9, &small, &err), &err, ERR_TOO_LARGE,
              "body_too_large");
    CHECK_ERR(json_parse(&doc, (const uint8_t *)"[[[1]]]", 7, &small, &err), &err, ERR_INVALID,
              "json_too_deep");
    CHECK_OK(json_parse(&doc, (const uint8_t *)"[[1]]", 5, &small, &err), &err);
    json_decref(doc);
}

TEST(json, brackets_inside_strings_are_not_depth)
{
    char text[400] = "{\"a\":\"\\\"";
    struct err err = ERR_INIT;
    json_t *doc;

    memset(text + 8, '[', 300);
    strcpy(text + 308, "\"}");
    CHECK_OK(parse(&doc, text, &err), &err);
    json_decref(doc);
    memset(text, '[', 300);
    CHECK_ERR(parse(&doc, text, &err), &err, ERR_INVALID, "json_too_deep");
}

static json_t *sample(struct test *t)
{
    struct err err = ERR_INIT;
    json_t *doc = NULL;

    CHECK_OK(parse(&doc,
                   "{\"s\":\"云诊\",\"id\":\"9007199254740993\",\"n\":-5,\"b\":true,\"z\":null,\"f\":1.5,"
                   "\"t\":\"2026-11-21T15:00:00+08:00\"}",
                   &err),
             &err);
    test_cleanup(t, (void (*)(void *))json_decref, doc);
    return doc;
}

TEST(json, typed_reads_give_the_value)
{
    json_t *doc = sample(t);
    struct err err = ERR_INIT;
    const char *s;
    int64_t id, n, us;
    bool b;

    CHECK_OK(json_get_str(doc, "s", &s, 6, &err), &err);
    CHECK_STR(s, "云诊");
    CHECK_OK(json_get_id(doc, "id", &id, &err), &err);
    CHECK_INT(id, INT64_C(9007199254740993));
    CHECK_OK(json_get_i64(doc, "n", -5, 5, &n, &err), &err);
    CHECK_INT(n, -5);
    CHECK_OK(json_get_bool(doc, "b", &b, &err), &err);
    CHECK(b);
    CHECK_OK(json_get_time(doc, "t", &us, &err), &err);
    json_t *back = json_time(us);
    CHECK_STR(json_string_value(back), "2026-11-21T07:00:00.000000Z");
    json_decref(back);
}

TEST(json, a_read_that_fails_names_the_field)
{
    json_t *doc = sample(t);
    struct err err = ERR_INIT;
    const char *s;
    int64_t n;
    bool b;

    CHECK_ERR(json_get_str(doc, "s", &s, 5, &err), &err, ERR_INVALID, "field_range");
    CHECK_ERR(json_get_str(doc, "n", &s, 5, &err), &err, ERR_INVALID, "field_type");
    CHECK_ERR(json_get_str(doc, "z", &s, 5, &err), &err, ERR_INVALID, "field_type");
    CHECK_ERR(json_get_id(doc, "n", &n, &err), &err, ERR_INVALID, "field_type");
    CHECK_ERR(json_get_i64(doc, "f", 0, 9, &n, &err), &err, ERR_INVALID, "field_type");
    CHECK_ERR(json_get_i64(doc, "n", 0, 9, &n, &err), &err, ERR_INVALID, "field_range");
    CHECK_ERR(json_get_bool(doc, "n", &b, &err), &err, ERR_INVALID, "field_type");
    CHECK_ERR(json_get_time(doc, "s", &n, &err), &err, ERR_INVALID, "field_type");
    CHECK(!json_get_id(doc, "no_such", &n, &err));
    CHECK_STR(err.reason, "field_missing");
    CHECK(strstr(err.text, "no_such"));
}

TEST(json, an_optional_field_may_be_absent_or_null_but_not_wrong)
{
    json_t *doc = sample(t);
    struct err err = ERR_INIT;
    const char *s = "kept";
    int64_t n = 42;
    bool b = true;

    CHECK_OK(json_opt_str(doc, "none", &s, 9, &err), &err);
    CHECK_OK(json_opt_str(doc, "z", &s, 9, &err), &err);
    CHECK_STR(s, "kept");
    CHECK_OK(json_opt_id(doc, "z", &n, &err), &err);
    CHECK_OK(json_opt_i64(doc, "none", 0, 1, &n, &err), &err);
    CHECK_INT(n, 42);
    CHECK_OK(json_opt_bool(doc, "none", &b, &err), &err);
    CHECK(b);
    CHECK_ERR(json_opt_bool(doc, "s", &b, &err), &err, ERR_INVALID, "field_type");
    CHECK_ERR(json_opt_i64(doc, "n", 0, 1, &n, &err), &err, ERR_INVALID, "field_range");
}

TEST(json, ids_are_strings_and_zero_is_null)
{
    json_t *doc = json_pack("{so so so}", "a", json_id(INT64_MAX), "b", json_id(0), "c", json_time(0));
    size_t len;
    char *text = json_text(doc, &len);

    CHECK_STR(text, "{\"a\":\"9223372036854775807\",\"b\":null,\"c\":null}");
    CHECK_INT(len, strlen(text));
    free(text);
    json_decref(doc);
}
