#include "tests/unit/test.h"
#include "ops/cli/cli.h"
#include <string.h>

struct fx {
    const char *name, *words[2];
    bool all;
    int n;
    struct err err;
};

static bool parse(struct fx *f, int min, int max, int argc, const char **argv)
{
    const struct cli_option options[] = {
        {"name", &f->name, NULL, "NAME", ""}, {"all", NULL, &f->all, NULL, ""}, {0}};

    return cli_parse(options, argc, (char **)argv, f->words, min, max, &f->n, &f->err);
}
#define PARSE(f, min, max, ...)                                                                              \
    parse((f), (min), (max), (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),                  \
          (const char *[]){__VA_ARGS__})

TEST(cli_args, options_stand_anywhere_with_or_without_an_equals_sign)
{
    struct fx f = {0};

    CHECK_OK(PARSE(&f, 1, 2, "one", "--name", "a", "--all", "two"), &f.err);
    CHECK_STR(f.name, "a");
    CHECK(f.all);
    CHECK_INT(f.n, 2);
    CHECK_STR(f.words[0], "one");
    CHECK_STR(f.words[1], "two");
    CHECK_OK(PARSE(&f, 1, 1, "--name=b=c", "one"), &f.err);
    CHECK_STR(f.name, "b=c");
    CHECK_OK(PARSE(&f, 1, 1, "--name=", "one"), &f.err);
    CHECK_STR(f.name, "");
}

TEST(cli_args, what_is_not_understood_is_a_usage_error)
{
    struct fx f = {0};

    CHECK_ERR(PARSE(&f, 0, 0, "--nome=x"), &f.err, ERR_INVALID, "usage");
    CHECK_ERR(PARSE(&f, 0, 0, "--name"), &f.err, ERR_INVALID, "usage");
    CHECK_ERR(PARSE(&f, 0, 0, "--all=yes"), &f.err, ERR_INVALID, "usage");
    CHECK_ERR(PARSE(&f, 0, 1, "one", "two"), &f.err, ERR_INVALID, "usage");
    CHECK_ERR(PARSE(&f, 2, 2, "one"), &f.err, ERR_INVALID, "usage");
    CHECK_ERR(PARSE(&f, 0, 0, "--nam", "x"), &f.err, ERR_INVALID, "usage");
}
