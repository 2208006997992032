/* yunzhen config: every program's settings table, asked of the program itself (--settings), and ops/up's own. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/mem.h"
#include "ops/cli/cli.h"

static char *trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

/* A row of ops/settings.list: name | default | range | unit | sentence. */
static json_t *row_from_line(char *line)
{
    char *field[5], *save = line;
    int n = 0;

    while (n < 5 && (field[n] = strsep(&save, "|")))
        field[n] = trim(field[n]), n++;
    if (n != 5 || field[0][0] == '#' || field[0][0] == '\0')
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "program", "ops/up", "name", field[0], "default",
                     field[1], "range", field[2], "unit", field[3], "why", field[4]);
}

/* Environment over <data>/config over the default: the same order as in ops/lib/common.sh. */
static void add_value(json_t *row, const json_t *file)
{
    char *variable = mem_format("YUNZHEN_%s", json_string_value(json_object_get(row, "name")));
    const char *name = json_string_value(json_object_get(row, "name")), *value;

    for (char *p = variable; *p; p++)
        *p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
    value = getenv(variable);
    if (value && *value) {
        json_object_set_new(row, "value", json_string(value));
        json_object_set_new(row, "from", json_string(variable));
    } else if (json_object_get(file, name)) {
        json_object_set(row, "value", json_object_get(file, name));
        json_object_set_new(row, "from", json_string("config"));
    } else {
        json_object_set(row, "value", json_object_get(row, "default"));
        json_object_set_new(row, "from", json_string("default"));
    }
    free(variable);
}

/* <data>/config: lines `name = value`; an object of strings. */
static json_t *read_config_file(const struct cli *cli)
{
    char *path = mem_format("%s/config", cli->data), line[4096];
    FILE *f = fopen(path, "re");
    json_t *out = json_object();

    while (f && fgets(line, sizeof line, f)) {
        char *eq = strchr(line, '=');

        if (!eq || trim(line)[0] == '#')
            continue;
        *eq = '\0';
        json_object_set_new(out, trim(line), json_string(trim(eq + 1)));
    }
    if (f)
        fclose(f);
    free(path);
    return out;
}

static void add_ops_settings(const struct cli *cli, json_t *rows, const json_t *file)
{
    char *path = mem_format("%s/ops/settings.list", cli->home), line[4096];
    FILE *f = fopen(path, "re");
    json_t *row;

    while (f && fgets(line, sizeof line, f)) {
        row = row_from_line(line);
        if (!row)
            continue;
        add_value(row, file);
        json_array_append_new(rows, row);
    }
    if (f)
        fclose(f);
    free(path);
}

/* ---- the programs beside us -------------------------------------------------------------------------------- */

static json_t *ask_program(const char *folder, const char *name)
{
    char *command = mem_format("%s/%s", folder, name);
    int ends[2];
    json_t *doc = NULL;
    FILE *f;
    pid_t pid;

    if (pipe(ends) != 0)
        abort();
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        close_range(3, ~0U, 0);
        execl(command, name, "--settings", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    f = fdopen(ends[0], "re");
    if (f && pid > 0)
        doc = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
    if (f)
        fclose(f);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    free(command);
    return doc;
}

static void add_program(json_t *rows, const char *folder, const char *name)
{
    json_t *doc = ask_program(folder, name), *row;
    size_t i;

    json_array_foreach(json_object_get(doc, "settings"), i, row)
    {
        if (json_object_get(row, "min")) {
            char *range = mem_format("%lld..%lld", json_integer_value(json_object_get(row, "min")),
                                     json_integer_value(json_object_get(row, "max")));

            json_object_set_new(row, "range", json_string(range));
            free(range);
        }
        json_object_set_new(row, "program", json_string(name));
        json_array_append(rows, row);
    }
    json_decref(doc);
}

static int is_daemon(const struct dirent *d)
{
    return strncmp(d->d_name, "yz-", 3) == 0;
}

static void add_programs(json_t *rows)
{
    char own[4096];
    struct dirent **list = NULL;
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    int found;

    if (n <= 0)
        return;
    own[n] = '\0';
    *strrchr(own, '/') = '\0';
    found = scandir(own, &list, is_daemon, alphasort);
    for (int i = 0; i < found; i++) {
        add_program(rows, own, list[i]->d_name);
        free(list[i]);
    }
    free(list);
}

/* ---- answers ----------------------------------------------------------------------------------------------- */

static bool is_known(const json_t *rows, const char *name)
{
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
            return true;
    }
    return false;
}

static int check(const struct cli *cli, const json_t *rows, const json_t *file)
{
    const char *name;
    json_t *value;
    struct err err = ERR_INIT;

    json_object_foreach((json_t *)file, name, value)
    {
        if (!is_known(rows, name)) {
            err_set(&err, ERR_INVALID, "setting_unknown", "%s/config: no program has a setting %s", cli->data,
                    name);
            return out_error(cli, &err);
        }
    }
    return CLI_OK;
}

static void print_explained(const json_t *rows, const char *only)
{
    const char *program = "";
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const char *p = json_string_value(json_object_get(row, "program"));
        const char *name = json_string_value(json_object_get(row, "name"));
        const char *range = json_string_value(json_object_get(row, "range"));
        const char *unit = json_string_value(json_object_get(row, "unit"));
        const char *value = json_string_value(json_object_get(row, "value"));

        if (only && strcmp(only, name) != 0)
            continue;
        if (strcmp(program, p) != 0)
            printf("%s%s\n", *program ? "\n" : "", p);
        program = p;
        printf("  %s = %s   (%s)\n        %s%s%s%s%s%s\n", name,
               json_is_true(json_object_get(row, "secret")) ? "…" : value,
               json_string_value(json_object_get(row, "from")),
               json_string_value(json_object_get(row, "why")), range && *range ? " " : "", range ? range : "",
               unit && *unit ? " " : "", unit ? unit : "",
               json_is_true(json_object_get(row, "reloadable")) ? " SIGHUP reads it again." : "");
    }
}

static json_t *only_named(const json_t *rows, const char *name)
{
    json_t *out = json_array(), *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
            json_array_append(out, row);
    }
    return out;
}

int cmd_config(struct cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    bool want_check = false;
    const struct cli_option options[] = {
        {"check", NULL, &want_check, NULL, "is every name in DATA/config known?"}, {0}};
    struct err err = ERR_INIT;
    json_t *rows, *file;
    int status = CLI_OK;

    if (!cli_parse(options, argc, argv, &name, 0, 1, NULL, &err))
        return out_error(cli, &err);
    rows = json_array();
    file = read_config_file(cli);
    add_ops_settings(cli, rows, file);
    add_programs(rows);
    if (want_check) {
        status = check(cli, rows, file);
    } else if (name && !is_known(rows, name)) {
        err_set(&err, ERR_NOT_FOUND, "setting_unknown", "no program has a setting %s", name);
        status = out_error(cli, &err);
    } else if (cli->json) {
        out_object(cli, name ? only_named(rows, name) : json_incref(rows));
    } else {
        print_explained(rows, name);
    }
    json_decref(file);
    json_decref(rows);
    return status;
}
