#include "tests/unit/test.h"
#include "core/log.h"
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* stderr goes through a pipe while one line is written. */
static int saved = -1, pipe_end = -1;

static void capture(void)
{
    int p[2];

    CHECK_INT(pipe2(p, O_CLOEXEC), 0);
    saved = dup(STDERR_FILENO);
    dup2(p[1], STDERR_FILENO);
    close(p[1]);
    pipe_end = p[0];
}

static json_t *captured(void)
{
    static char buf[8192];
    ssize_t n;

    dup2(saved, STDERR_FILENO);
    close(saved);
    n = read(pipe_end, buf, sizeof buf - 1);
    close(pipe_end);
    if (n <= 0)
        return NULL;
    CHECK(n <= 4096);
    CHECK(buf[n - 1] == '\n');
    CHECK(memchr(buf, '\n', (size_t)n) == buf + n - 1);
    return json_loadb(buf, (size_t)n, 0, NULL);
}

static const char *field(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

TEST(log, one_line_is_one_json_object)
{
    struct err err = ERR_INIT;

    err_set(&err, ERR_IO, NULL, "no \"disk\"\n");
    log_init("testd", LOG_INFO);
    log_request("req-1");
    capture();
    log_warn("claim_won", LID("order", 88), LI("n", -3), LB("yes", true), LF("share", 0.25),
             LS("who", "云诊"), LERR(&err));
    json_t *o = captured();
    log_request(NULL);
    CHECK(o);
    CHECK_STR(field(o, "room"), "testd");
    CHECK_STR(field(o, "level"), "warn");
    CHECK_STR(field(o, "event"), "claim_won");
    CHECK_STR(field(o, "request_id"), "req-1");
    CHECK_STR(field(o, "order"), "88");
    CHECK_INT(json_integer_value(json_object_get(o, "n")), -3);
    CHECK(json_is_true(json_object_get(o, "yes")));
    CHECK(json_real_value(json_object_get(o, "share")) == 0.25);
    CHECK_STR(field(o, "who"), "云诊");
    CHECK_STR(field(o, "error"), "no \"disk\"\n");
    json_decref(o);
}

TEST(log, lines_below_the_level_are_dropped)
{
    log_init("testd", LOG_WARN);
    capture();
    log_info("quiet");
    dup2(saved, STDERR_FILENO); /* the last writer: the reader sees the end at once */
    CHECK(!captured());
}

TEST(log, bytes_that_are_not_utf8_do_not_break_the_line)
{
    log_init("testd", LOG_INFO);
    capture();
    log_info("odd", LS("text", "a\xff\xc3(\xed\xa0\x80\x01z"));
    json_t *o = captured();
    CHECK(o);
    CHECK(strchr(field(o, "text"), 'z'));
    json_decref(o);
}

TEST(log, a_value_too_long_is_cut_and_says_so)
{
    char *big = malloc(10000);

    memset(big, '"', 9999);
    big[9999] = '\0';
    log_init("testd", LOG_INFO);
    capture();
    log_info("big", LS("text", big), LI("lost", 1));
    json_t *o = captured();
    free(big);
    CHECK(o);
    CHECK(json_is_true(json_object_get(o, "cut")));
    CHECK(strlen(field(o, "text")) > 1000);
    json_decref(o);
}

TEST(log, levels_are_read_from_words)
{
    enum log_level lv;

    CHECK(log_level_parse("error", &lv));
    CHECK_INT(lv, LOG_ERROR);
    CHECK(!log_level_parse("loud", &lv));
}
