#include "tests/unit/test.h"
#include <errno.h>
#include <string.h>

TEST(err, context_is_added_in_front)
{
    struct err err = ERR_INIT;

    CHECK(!err_set(&err, ERR_CONFLICT, "slot_taken", "slot %d", 7));
    err_add(&err, "open order %d", 9);
    CHECK_STR(err.text, "open order 9: slot 7");
    CHECK_STR(err.reason, "slot_taken");
    CHECK(err_is(&err, ERR_CONFLICT));
}

TEST(err, null_is_fine_everywhere)
{
    CHECK(!err_set(NULL, ERR_IO, "x", "y"));
    err_add(NULL, "z");
    err_clear(NULL);
    CHECK(!err_is(NULL, ERR_NONE));
}

TEST(err, an_error_may_quote_itself)
{
    struct err err = ERR_INIT;

    err_set(&err, ERR_IO, "first", "one");
    err_set(&err, ERR_INTERNAL, err.reason, "again: %s", err.text);
    CHECK_STR(err.text, "again: one");
    CHECK_STR(err.reason, "first");
}

TEST(err, the_cause_survives_when_the_context_is_too_long)
{
    struct err err = ERR_INIT;
    char big[600];

    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    err_set(&err, ERR_IO, NULL, "the cause");
    err_add(&err, "%s", big);
    CHECK_INT(strlen(err.text), sizeof err.text - 1);
    CHECK_STR(err.text + strlen(err.text) - 11, ": the cause");
    err_add(&err, "more");
    CHECK_INT(strlen(err.text), sizeof err.text - 1);
}

TEST(err, context_without_a_cause_stands_alone)
{
    struct err err = ERR_INIT;

    err_add(&err, "alone");
    CHECK_STR(err.text, "alone");
}

TEST(err, every_code_has_a_name_and_a_status)
{
    for (int c = ERR_NONE; c <= ERR_CORRUPT; c++) {
        CHECK(err_code_name((enum err_code)c)[0]);
        CHECK(err_http_status((enum err_code)c) >= 200);
    }
    CHECK_INT(err_http_status(ERR_NOT_FOUND), 404);
    CHECK_INT(err_http_status((enum err_code)99), 500);
}

TEST(err, errno_becomes_words)
{
    struct err err = ERR_INIT;

    errno = ENOENT;
    CHECK(!err_errno(&err, "open x"));
    CHECK_STR(err.text, "open x: No such file or directory");
    CHECK_STR(err.reason, "os_error");
}
