#include "core/config.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256 * 1024)

struct value {
    char *text;     /* as written */
    char *from;     /* "default", "/etc/yunzhen.conf:12", "YUNZHEN_DATA", "--data" */
    int64_t number; /* CONFIG_INT, and 0 or 1 for CONFIG_BOOL */
};

struct config {
    const struct config_setting *table;
    size_t n;
    struct value *values; /* one per row of the table */
    char *program, *path; /* argv[0] without folders; --config or NULL */
    int argc;
    char **argv; /* borrowed: a reload keeps what the command line said on top */
    bool has_command_line;
};

/* --- the table --- */

static const struct config_setting *find(const struct config *c, const char *name, size_t len)
{
    for (size_t i = 0; i < c->n; i++)
        if (strlen(c->table[i].name) == len && memcmp(c->table[i].name, name, len) == 0)
            return &c->table[i];
    return NULL;
}

static struct value *value_of(const struct config *c, const struct config_setting *s)
{
    return &c->values[s - c->table];
}

static struct config *config_new(const struct config_setting *table)
{
    struct config *c = mem_new(sizeof *c);

    c->table = table;
    while (table[c->n].name)
        c->n++;
    c->values = mem_new(c->n * sizeof *c->values);
    return c;
}

static void values_free(struct value *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(values[i].text);
        free(values[i].from);
    }
    free(values);
}

void config_free(struct config *c)
{
    if (!c)
        return;
    values_free(c->values, c->n);
    free(c->program);
    free(c->path);
    free(c);
}

/* --- one value --- */

static bool parse_bool(const char *text, int64_t *out)
{
    static const char *const NO_YES[2][4] = {{"false", "off", "no", "0"}, {"true", "on", "yes", "1"}};

    for (int v = 0; v < 2; v++)
        for (int i = 0; i < 4; i++)
            if (strcmp(text, NO_YES[v][i]) == 0) {
                *out = v;
                return true;
            }
    return false;
}

static bool parse_int(const struct config_setting *s, const char *text, int64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)text[0]) && text[0] != '-')
        return false;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && end != text && *out >= s->min && *out <= s->max;
}

static bool set(struct config *c, const struct config_setting *s, const char *text, const char *from,
                struct err *err)
{
    struct value *v = value_of(c, s);
    const char *shown = s->secret ? "…" : text;
    int64_t number = 0;

    if (s->type == CONFIG_INT && !parse_int(s, text, &number))
        return err_set(err, ERR_INVALID, "setting_invalid",
                       "%s = %.40s (%s): must be an integer from %" PRId64 " to %" PRId64 "%s%s", s->name,
                       shown, from, s->min, s->max, s->unit && s->unit[0] ? " " : "", s->unit ? s->unit : "");
    if (s->type == CONFIG_BOOL && !parse_bool(text, &number))
        return err_set(err, ERR_INVALID, "setting_invalid", "%s = %.40s (%s): must be true or false", s->name,
                       shown, from);
    free(v->text);
    free(v->from);
    *v = (struct value){mem_str(text), mem_str(from), number};
    return true;
}

/* --- the four sources --- */

static bool set_defaults(struct config *c, struct err *err)
{
    for (size_t i = 0; i < c->n; i++)
        if (!set(c, &c->table[i], c->table[i].def ? c->table[i].def : "", "default", err))
            return false;
    return true;
}

static void trim(const char **begin, const char **end)
{
    while (*begin < *end && isspace((unsigned char)**begin))
        (*begin)++;
    while (*end > *begin && isspace((unsigned char)(*end)[-1]))
        (*end)--;
}

static bool set_line(struct config *c, const char *begin, const char *end, const char *from, struct err *err)
{
    const struct config_setting *s;
    const char *eq, *name_end;
    char *text;
    bool ok;

    trim(&begin, &end);
    if (begin == end || *begin == '#')
        return true;
    eq = memchr(begin, '=', (size_t)(end - begin));
    if (!eq)
        return err_set(err, ERR_INVALID, "setting_invalid", "%s: expected `name = value`", from);
    name_end = eq;
    trim(&begin, &name_end);
    s = find(c, begin, (size_t)(name_end - begin));
    if (!s)
        return err_set(err, ERR_INVALID, "setting_invalid", "%s: no setting is called %.*s", from,
                       (int)(name_end - begin > 40 ? 40 : name_end - begin), begin);
    eq++;
    trim(&eq, &end);
    if (memchr(eq, '\0', (size_t)(end - eq)))
        return err_set(err, ERR_INVALID, "setting_invalid", "%s: a zero byte", from);
    text = mem_format("%.*s", (int)(end - eq), eq);
    ok = set(c, s, text, from, err);
    free(text);
    return ok;
}

static bool set_text(struct config *c, const char *text, size_t len, const char *where, struct err *err)
{
    const char *p = text, *end = text + len;
    unsigned number = 0;

    if (len > FILE_MAX)
        return err_set(err, ERR_TOO_LARGE, "setting_invalid", "%s: over %d bytes", where, FILE_MAX);
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        char from[300];
        if (!eol)
            eol = end;
        snprintf(from, sizeof from, "%s:%u", where, ++number);
        if (!set_line(c, p, eol, from, err))
            return false;
        p = eol + 1;
    }
    return true;
}

static bool set_file(struct config *c, struct err *err)
{
    char *text;
    size_t len;
    FILE *f;
    bool ok;

    if (!c->path)
        return true;
    f = fopen(c->path, "re");
    if (!f)
        return err_set(err, ERR_INVALID, "setting_invalid", "--config=%s: %s", c->path, strerror(errno));
    text = mem_new(FILE_MAX + 1);
    len = fread(text, 1, FILE_MAX + 1, f);
    ok = ferror(f) ? err_errno(err, c->path) : set_text(c, text, len, c->path, err);
    fclose(f);
    free(text);
    return ok;
}

static bool set_environment(struct config *c, struct err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        char *name = mem_format("YUNZHEN_%s", c->table[i].name);
        const char *text;
        for (char *p = name; *p; p++)
            *p = *p == '.' || *p == '-' ? '_' : (char)toupper((unsigned char)*p);
        text = getenv(name);
        bool ok = !text || set(c, &c->table[i], text, name, err);
        free(name);
        if (!ok)
            return false;
    }
    return true;
}

static bool is_word(const char *arg, const char *word)
{
    return strcmp(arg, word) == 0;
}

static bool set_argument(struct config *c, const char *arg, struct err *err)
{
    const struct config_setting *s;
    char from[80];
    size_t len;

    if (strncmp(arg, "--", 2) != 0)
        return err_set(err, ERR_INVALID, "setting_invalid", "%.60s: expected --setting=value (see --help)",
                       arg);
    len = strcspn(arg + 2, "=");
    s = find(c, arg + 2, len);
    if (!s)
        return err_set(err, ERR_INVALID, "setting_invalid", "%.60s: no setting of this name (see --help)",
                       arg);
    snprintf(from, sizeof from, "--%s", s->name);
    if (arg[2 + len] == '=')
        return set(c, s, arg + 2 + len + 1, from, err);
    if (s->type == CONFIG_BOOL)
        return set(c, s, "true", from, err);
    return err_set(err, ERR_INVALID, "setting_invalid", "%s needs a value: %s=…", from, from);
}

static bool set_command_line(struct config *c, struct err *err)
{
    for (int i = 1; i < c->argc; i++) {
        if (strncmp(c->argv[i], "--config=", 9) == 0 || is_word(c->argv[i], "--settings") ||
            is_word(c->argv[i], "--help"))
            continue;
        if (!set_argument(c, c->argv[i], err))
            return false;
    }
    return true;
}

static bool set_all(struct config *c, struct err *err)
{
    return set_defaults(c, err) && set_file(c, err) && set_environment(c, err) && set_command_line(c, err);
}

/* --- --help and --settings --- */

static const char *const TYPES[] = {"text", "integer", "boolean"};

static void print_help(const struct config *c)
{
    printf("usage: %s [--config=FILE] [--setting=value …] [--settings] [--help]\n\n", c->program);
    for (size_t i = 0; i < c->n; i++) {
        const struct config_setting *s = &c->table[i];
        printf("  --%s=%s\n        %s", s->name, s->secret ? "…" : s->def ? s->def : "", s->why);
        if (s->type == CONFIG_INT)
            printf(" %" PRId64 " to %" PRId64 "%s%s.", s->min, s->max, s->unit && s->unit[0] ? " " : "",
                   s->unit ? s->unit : "");
        else if (s->unit && s->unit[0])
            printf(" (%s)", s->unit);
        printf("%s\n", s->reloadable ? " SIGHUP reads it again." : "");
    }
}

static void print_settings(const struct config *c)
{
    json_t *rows = json_array();
    json_t *doc = json_pack("{ss so}", "program", c->program, "settings", rows);
    char *text;

    for (size_t i = 0; i < c->n; i++) {
        const struct config_setting *s = &c->table[i];
        const struct value *v = value_of(c, s);
        json_t *row =
            json_pack("{ss ss ss* ss sb sb ss ss ss}", "name", s->name, "type", TYPES[s->type], "default",
                      s->secret ? NULL : s->def, "unit", s->unit ? s->unit : "", "reloadable", s->reloadable,
                      "secret", s->secret, "why", s->why, "value", s->secret ? "" : v->text, "from", v->from);
        if (row && s->type == CONFIG_INT) {
            json_object_set_new(row, "min", json_integer(s->min));
            json_object_set_new(row, "max", json_integer(s->max));
        }
        json_array_append_new(rows, row);
    }
    text = json_text(doc, NULL);
    puts(text);
    free(text);
    json_decref(doc);
}

/* --- life --- */

static bool asked_for(const struct config *c, const char *word)
{
    for (int i = 1; i < c->argc; i++)
        if (is_word(c->argv[i], word))
            return true;
    return false;
}

bool config_load(struct config **out, const struct config_setting *table, int argc, char **argv,
                 struct err *err)
{
    struct config *c = config_new(table);
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;

    c->program = mem_str(slash ? slash + 1 : argc > 0 ? argv[0] : "yunzhen");
    c->has_command_line = true;
    c->argc = argc;
    c->argv = argv;
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--config=", 9) == 0) {
            free(c->path);
            c->path = mem_str(argv[i] + 9);
        }
    if (asked_for(c, "--help")) {
        print_help(c);
        exit(0);
    }
    if (!set_all(c, err)) {
        config_free(c);
        return false;
    }
    if (asked_for(c, "--settings")) {
        print_settings(c);
        exit(0);
    }
    *out = c;
    return true;
}

bool config_load_text(struct config **out, const struct config_setting *table, const char *text, size_t len,
                      struct err *err)
{
    struct config *c = config_new(table);

    if (!set_defaults(c, err) || !set_text(c, text, len, "text", err)) {
        config_free(c);
        return false;
    }
    *out = c;
    return true;
}

static void take_changes(struct config *c, struct config *fresh)
{
    for (size_t i = 0; i < c->n; i++) {
        struct value old = c->values[i];
        if (strcmp(old.text, fresh->values[i].text) == 0)
            continue;
        if (!c->table[i].reloadable) {
            log_warn("setting_needs_restart", LS("setting", c->table[i].name));
            continue;
        }
        log_info("setting_changed", LS("setting", c->table[i].name));
        c->values[i] = fresh->values[i];
        fresh->values[i] = old;
    }
}

bool config_reload(struct config *c, struct err *err)
{
    struct config *fresh;
    bool ok;

    if (!c->has_command_line)
        return true;
    fresh = config_new(c->table);
    fresh->path = mem_str(c->path);
    fresh->argc = c->argc;
    fresh->argv = c->argv;
    ok = set_all(fresh, err);
    if (ok)
        take_changes(c, fresh);
    else
        err_add(err, "read the settings again");
    config_free(fresh);
    return ok;
}

/* --- asking --- */

static const struct value *ask(const struct config *c, const char *name, enum config_type type)
{
    const struct config_setting *s = find(c, name, strlen(name));

    if (!s || s->type != type) {
        log_error("setting_not_in_table", LS("setting", name));
        abort();
    }
    return value_of(c, s);
}

const char *config_str(const struct config *c, const char *name)
{
    return ask(c, name, CONFIG_STR)->text;
}

int64_t config_int(const struct config *c, const char *name)
{
    return ask(c, name, CONFIG_INT)->number;
}

bool config_bool(const struct config *c, const char *name)
{
    return ask(c, name, CONFIG_BOOL)->number != 0;
}
