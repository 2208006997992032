#include "tests/unit/test.h"
#include "core/log.h"
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct test_undo {
    void (*fn)(void *arg);
    void *arg;
    struct test_undo *next;
};

static struct test *first, **last = &first;

void test_register(struct test *t)
{
    *last = t;
    last = &t->next;
}

void test_cleanup(struct test *t, void (*fn)(void *arg), void *arg)
{
    struct test_undo *u = malloc(sizeof *u);

    if (!u)
        abort();
    *u = (struct test_undo){fn, arg, t->undo};
    t->undo = u;
}

static void run(void **state)
{
    struct test *t = *state;

    t->run(t);
}

static int teardown(void **state)
{
    struct test *t = *state;

    while (t->undo) {
        struct test_undo *u = t->undo;
        t->undo = u->next;
        u->fn(u->arg);
        free(u);
    }
    return 0;
}

static int unlink_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
    (void)sb, (void)type, (void)ftw;
    return remove(path);
}

static void remove_dir(void *arg)
{
    nftw(arg, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
    free(arg);
}

const char *test_dir(struct test *t)
{
    char *dir = strdup("/tmp/yz-test-XXXXXX"); /* short: unix sockets live in it */

    if (!dir || !mkdtemp(dir))
        abort();
    test_cleanup(t, remove_dir, dir);
    return dir;
}

const char *test_path(struct test *t, const char *dir, const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s", dir, name) < 0)
        abort();
    test_cleanup(t, free, path);
    return path;
}

void test_check_int(int64_t a, int64_t b, const char *at, const char *bt, const char *file, int line)
{
    if (a == b)
        return;
    print_error("%s is %" PRId64 ", expected %s = %" PRId64 "\n", at, a, bt, b);
    _fail(file, line);
}

void test_check_str(const char *a, const char *b, const char *at, const char *bt, const char *file, int line)
{
    if (a == b || (a && b && strcmp(a, b) == 0))
        return;
    print_error("%s is \"%s\", expected %s = \"%s\"\n", at, a ? a : "(null)", bt, b ? b : "(null)");
    _fail(file, line);
}

void test_check_ok(bool ok, const struct err *err, const char *call, const char *file, int line)
{
    if (ok && err->code == ERR_NONE)
        return;
    print_error("%s gave %s with error: %s [%s %s]\n", call, ok ? "true" : "false", err->text,
                err_code_name(err->code), err->reason);
    _fail(file, line);
}

void test_check_err(bool ok, struct err *err, enum err_code code, const char *word, const char *call,
                    const char *file, int line)
{
    if (!ok && err->code == code && err->text[0] && (!word || strcmp(word, err->reason) == 0)) {
        err_clear(err);
        return;
    }
    print_error("%s gave %s with error: %s [%s %s], expected [%s %s]\n", call, ok ? "true" : "false",
                err->text, err_code_name(err->code), err->reason, err_code_name(code), word ? word : "any");
    _fail(file, line);
}

int main(int argc, char **argv)
{
    struct CMUnitTest *list = NULL;
    const char *only = argc > 1 ? argv[1] : "";
    bool show = strcmp(only, "-l") == 0;
    size_t n = 0;

    log_init("test", LOG_WARN);
    for (struct test *t = first; t; t = t->next) {
        if (show) {
            printf("%s\n", t->name);
            continue;
        }
        if (!strstr(t->name, only))
            continue;
        list = realloc(list, (n + 1) * sizeof *list);
        if (!list)
            abort();
        list[n++] = (struct CMUnitTest){t->name, run, NULL, teardown, t};
    }
    if (show)
        return 0;
    if (n == 0) {
        fprintf(stderr, "no test's name contains \"%s\"\n", only);
        return 2;
    }
    int failed = _cmocka_run_group_tests(argv[0], list, n, NULL, NULL);
    free(list);
    return failed > 0 || failed < 0;
}
