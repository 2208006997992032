/* yunzhen status: reads what the supervisor writes, and asks /readyz. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <fcntl.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"
#include "ops/cli/cli.h"
#include "ops/cli/readyz.h"

#define POLL_US    100000
#define TAIL_BYTES 4000

/* The supervisor holds this lock for as long as it lives. */
static bool supervisor_lives(const char *data)
{
    char *path = mem_format("%s/supervise.lock", data);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;

    if (fd >= 0)
        close(fd);
    free(path);
    return held;
}

static json_t *load_status(const struct cli *cli)
{
    char *path = mem_format("%s/run/status.json", cli->data);
    json_t *doc = json_load_file(path, 0, NULL);

    free(path);
    if (!doc)
        doc = json_pack("{s:s, s:[]}", "state", "starting", "processes");
    if (!supervisor_lives(cli->data)) {
        bool failed = strcmp(json_string_value(json_object_get(doc, "state")), "failed") == 0;

        json_object_set_new(doc, "state", json_string(failed ? "failed" : "stopped"));
    }
    return doc;
}

/* nginx's port, as it was started with. 0 when there is none. */
static int front_port(const struct cli *cli)
{
    char *path = mem_format("%s/nginx/nginx.conf", cli->data), line[512];
    FILE *f = fopen(path, "re");
    int port = 0;

    free(path);
    while (f && port == 0 && fgets(line, sizeof line, f)) {
        if (sscanf(line, " listen 127.0.0.1:%d", &port) != 1)
            port = 0;
    }
    if (f)
        fclose(f);
    return port;
}

static bool has_process(const json_t *doc, const char *name)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(doc, "processes"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
            return true;
    }
    return false;
}

/* Adds "ready" and "http": everything runs, and the front door says so too. */
static bool judge(const struct cli *cli, json_t *doc)
{
    bool ready = strcmp(json_string_value(json_object_get(doc, "state")), "ready") == 0;
    int port = supervisor_lives(cli->data) ? front_port(cli) : 0;
    char said[512] = "";

    if (ready && has_process(doc, "signald"))
        ready = readyz_ask(port, said, sizeof said) == 200;
    json_object_set_new(doc, "ready", json_boolean(ready));
    if (!ready && *said)
        json_object_set_new(doc, "readyz", json_string(said));
    if (port > 0) {
        char *address = mem_format("http://127.0.0.1:%d/", port);

        json_object_set_new(doc, "http", json_string(address));
        free(address);
    }
    return ready;
}

static void print_status(const struct cli *cli, json_t *doc)
{
    static const char *const COLUMNS[] = {"name", "state", "pid", "restarts", "since", "last_exit", NULL};
    json_t *address = json_object_get(doc, "http");
    char real[PATH_MAX];

    if (cli->json) {
        out_object(cli, doc);
        return;
    }
    printf("%s%s%s  (data in %s)\n", json_string_value(json_object_get(doc, "state")), address ? "  " : "",
           address ? json_string_value(address) : "", realpath(cli->data, real) ? real : cli->data);
    if (json_array_size(json_object_get(doc, "processes")) > 0)
        out_rows(cli, json_incref(json_object_get(doc, "processes")), COLUMNS);
    json_decref(doc);
}

/* ---- waiting, for ops/up ---------------------------------------------------------------------------------- */

static bool process_is_up(const json_t *row)
{
    const char *state = json_string_value(json_object_get(row, "state"));

    return strcmp(state, "ready") == 0 || strcmp(state, "done") == 0;
}

/* One line per process, once, when it is there. */
static void print_progress(const json_t *doc, json_t *said)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(doc, "processes"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));

        if (!process_is_up(row) || json_object_get(said, name))
            continue;
        json_object_set_new(said, name, json_true());
        printf("    %s is %s\n", name, json_string_value(json_object_get(row, "state")));
        fflush(stdout);
    }
}

static void print_tail(const struct cli *cli, const char *name)
{
    char *path = mem_format("%s/log/%s.log", cli->data, name), text[TAIL_BYTES + 1];
    FILE *f = fopen(path, "re");
    size_t n;

    fprintf(stderr, "---- the end of %s\n", path);
    if (f) {
        if (fseek(f, -TAIL_BYTES, SEEK_END) != 0)
            rewind(f);
        n = fread(text, 1, TAIL_BYTES, f);
        fwrite(text, 1, n, stderr);
        fclose(f);
    }
    fprintf(stderr, "----\n");
    free(path);
}

/* The first process that is not up is to blame: everything below may only be waiting for it. */
static void print_culprit(const struct cli *cli, const json_t *doc)
{
    const char *culprit = "supervise";
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(doc, "processes"), i, row)
    {
        const char *state = json_string_value(json_object_get(row, "state"));

        if (process_is_up(row) || strcmp(state, "stopped") == 0)
            continue;
        culprit = json_string_value(json_object_get(row, "name"));
        break;
    }
    if (strcmp(culprit, "supervise") == 0 && has_process(doc, "signald") &&
        strcmp(json_string_value(json_object_get(doc, "state")), "ready") == 0)
        culprit = "signald"; /* runs, but its /readyz says no */
    json_array_foreach(json_object_get(doc, "processes"), i, row)
    {
        const char *exit = json_string_value(json_object_get(row, "last_exit"));

        if (json_is_true(json_object_get(row, "step")) && exit && *exit && strcmp(exit, "status 0") != 0)
            culprit = json_string_value(json_object_get(row, "name"));
    }
    print_tail(cli, culprit);
    if (json_object_get(doc, "readyz"))
        fprintf(stderr, "/readyz says: %s\n", json_string_value(json_object_get(doc, "readyz")));
}

static int wait_until_ready(const struct cli *cli, int64_t seconds, bool progress)
{
    int64_t until = clock_mono_us() + seconds * US_PER_S, born_by = clock_mono_us() + 2 * US_PER_S;
    json_t *said = json_object(), *doc = NULL;
    bool ready = false, over = false;

    while (!ready && !over) {
        const char *state;

        json_decref(doc);
        doc = load_status(cli);
        ready = judge(cli, doc);
        state = json_string_value(json_object_get(doc, "state"));
        over = clock_mono_us() > until || strcmp(state, "failed") == 0 ||
               (strcmp(state, "stopped") == 0 && clock_mono_us() > born_by);
        if (progress)
            print_progress(doc, said);
        if (!ready && !over)
            usleep(POLL_US);
    }
    if (!ready)
        print_culprit(cli, doc);
    json_decref(said);
    json_decref(doc);
    return ready ? CLI_OK : CLI_NOT_READY;
}

int cmd_status(struct cli *cli, int argc, char **argv)
{
    const char *wait = NULL;
    bool progress = false, running;
    const struct cli_option options[] = {{"wait", &wait, NULL, "SECONDS", "until everything is ready"},
                                         {"progress", NULL, &progress, NULL, "say what has become ready"},
                                         {0}};
    struct err err = ERR_INIT;
    json_t *doc;

    if (!cli_parse(options, argc, argv, NULL, 0, 0, NULL, &err))
        return out_error(cli, &err);
    if (wait)
        return wait_until_ready(cli, strtoll(wait, NULL, 10), progress);
    doc = load_status(cli);
    judge(cli, doc);
    running = supervisor_lives(cli->data);
    print_status(cli, doc);
    return running ? CLI_OK : CLI_NOT_READY;
}
