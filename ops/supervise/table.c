#include "ops/supervise/table.h"
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256 * 1024)

static bool bad(struct err *err, int line, const char *what)
{
    return err_set(err, ERR_INVALID, "process_table", "line %d: %s", line, what);
}

/* "INT 60": signal's name and the seconds before SIGKILL. */
static bool parse_stop(struct process_spec *p, const char *rest, int line, struct err *err)
{
    static const struct {
        const char *name;
        int number;
    } SIGNALS[] = {{"TERM", SIGTERM}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"KILL", SIGKILL}};
    char name[8];
    int seconds = 0;

    if (sscanf(rest, "%7s %d", name, &seconds) != 2 || seconds < 1 || seconds > 600)
        return bad(err, line, "stop wants a signal and 1 to 600 seconds");
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++) {
        if (strcmp(name, SIGNALS[i].name) == 0) {
            p->stop_signal = SIGNALS[i].number;
            p->stop_s = seconds;
            return true;
        }
    }
    return bad(err, line, "stop knows TERM, INT, QUIT and KILL");
}

static bool add_arg(struct process_spec *p, const char *rest, int line, struct err *err)
{
    if (p->argc > TABLE_ARGS_MAX)
        return bad(err, line, "too many arguments");
    p->argv[p->argc++] = strdup(rest);
    return true;
}

static bool name_is_fine(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > 40)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && name[i] != '-')
            return false;
    }
    return true;
}

static bool begin_process(struct process_table *t, const char *name, int line, struct err *err)
{
    if (!name_is_fine(name))
        return bad(err, line, "a name is 1 to 40 of a-z, 0-9 and -");
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->spec[i].name, name) == 0)
            return bad(err, line, "this name is there twice");
    }
    if (t->n == TABLE_PROCESSES_MAX)
        return bad(err, line, "too many processes");
    t->spec[t->n++] = (struct process_spec){.name = strdup(name), .stop_signal = SIGTERM, .stop_s = 10};
    return true;
}

static bool set_text(char **field, const char *rest, int line, struct err *err)
{
    if (*field)
        return bad(err, line, "said twice");
    *field = strdup(rest);
    return true;
}

static bool parse_line(struct process_table *t, char *text, int line, struct err *err)
{
    char *word = text + strspn(text, " \t");
    char *rest = word + strcspn(word, " \t");
    struct process_spec *p = t->n ? &t->spec[t->n - 1] : NULL;

    if (*word == '\0' || *word == '#')
        return true;
    if (*rest)
        *rest++ = '\0';
    if (strcmp(word, "process") == 0)
        return begin_process(t, rest, line, err);
    if (!p)
        return bad(err, line, "the first word is `process NAME`");
    if (strcmp(word, "once") == 0) {
        p->once = true;
        return true;
    }
    if (strcmp(word, "stop") == 0)
        return parse_stop(p, rest, line, err);
    if (strcmp(word, "ready") == 0)
        return set_text(&p->ready, rest, line, err);
    if (strcmp(word, "pidfile") == 0)
        return set_text(&p->pidfile, rest, line, err);
    if (strcmp(word, "run") == 0)
        return p->argc == 0 ? add_arg(p, rest, line, err) : bad(err, line, "run stands once, before arg");
    if (strcmp(word, "arg") == 0)
        return p->argc > 0 ? add_arg(p, rest, line, err) : bad(err, line, "arg comes after run");
    return bad(err, line, "unknown word");
}

static bool table_is_whole(const struct process_table *t, struct err *err)
{
    if (t->n == 0)
        return err_set(err, ERR_INVALID, "process_table", "no process in it");
    for (size_t i = 0; i < t->n; i++) {
        const char *ready = t->spec[i].ready;

        if (t->spec[i].argc == 0)
            return err_set(err, ERR_INVALID, "process_table", "%s has no `run`", t->spec[i].name);
        if (ready && strncmp(ready, "unix:", 5) != 0 && strncmp(ready, "tcp:", 4) != 0)
            return err_set(err, ERR_INVALID, "process_table",
                           "%s: ready wants unix: or tcp:", t->spec[i].name);
    }
    return true;
}

bool table_parse(struct process_table *out, const char *text, size_t len, struct err *err)
{
    struct process_table t = {0};
    char *copy = strndup(text, len), *save = copy, *row;
    int line = 0;
    bool ok = true;

    if (strlen(copy) != len)
        ok = err_set(err, ERR_INVALID, "process_table", "a NUL inside");
    while (ok && (row = strsep(&save, "\n")))
        ok = parse_line(&t, row, ++line, err);
    ok = ok && table_is_whole(&t, err);
    free(copy);
    if (!ok)
        table_free(&t);
    *out = t;
    return ok;
}

bool table_load(struct process_table *out, const char *path, struct err *err)
{
    char *text = malloc(FILE_MAX);
    FILE *f = fopen(path, "re");
    size_t len;
    bool ok = false;

    *out = (struct process_table){0};
    if (!f || !text) {
        err_errno(err, path);
        goto out;
    }
    len = fread(text, 1, FILE_MAX, f);
    if (len == FILE_MAX) {
        err_set(err, ERR_TOO_LARGE, "process_table", "longer than %d bytes", FILE_MAX);
        goto out;
    }
    ok = table_parse(out, text, len, err);
out:
    if (f)
        fclose(f);
    free(text);
    if (!ok)
        err_add(err, "processes from %s", path);
    return ok;
}

void table_free(struct process_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct process_spec *p = &t->spec[i];

        free(p->name);
        free(p->ready);
        free(p->pidfile);
        for (size_t a = 0; a < p->argc; a++)
            free(p->argv[a]);
    }
    *t = (struct process_table){0};
}
