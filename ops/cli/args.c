#include <string.h>
#include "ops/cli/cli.h"

static const struct cli_option *find_option(const struct cli_option *options, const char *name, size_t len)
{
    for (; options && options->name; options++) {
        if (strlen(options->name) == len && strncmp(options->name, name, len) == 0)
            return options;
    }
    return NULL;
}

/* @return how many arguments it took, 0 with err set */
static int take_option(const struct cli_option *options, int left, char **argv, struct err *err)
{
    const char *name = argv[0] + 2, *eq = strchr(name, '=');
    const struct cli_option *o = find_option(options, name, eq ? (size_t)(eq - name) : strlen(name));

    if (!o) {
        err_set(err, ERR_INVALID, "usage", "%s: unknown option", argv[0]);
    } else if (o->flag) {
        if (!eq) {
            *o->flag = true;
            return 1;
        }
        err_set(err, ERR_INVALID, "usage", "--%s takes no value", o->name);
    } else if (eq) {
        *o->value = eq + 1;
        return 1;
    } else if (left > 1) {
        *o->value = argv[1];
        return 2;
    } else {
        err_set(err, ERR_INVALID, "usage", "--%s wants %s", o->name, o->hint ? o->hint : "a value");
    }
    return 0;
}

bool cli_parse(const struct cli_option *options, int argc, char **argv, const char **words, int words_min,
               int words_max, int *words_n, struct err *err)
{
    int n = 0;

    for (int i = 0; i < argc;) {
        if (strncmp(argv[i], "--", 2) == 0) {
            int took = take_option(options, argc - i, argv + i, err);

            if (took == 0)
                return false;
            i += took;
        } else if (n == words_max) {
            return err_set(err, ERR_INVALID, "usage", "%s: one word too many", argv[i]);
        } else {
            words[n++] = argv[i++];
        }
    }
    if (n < words_min)
        return err_set(err, ERR_INVALID, "usage", "something is missing; --help says what");
    if (words_n)
        *words_n = n;
    return true;
}
