#include "ops/supervise/orphan.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"

int64_t orphan_start_ticks(pid_t pid)
{
    char path[64], text[1024], *after;
    int64_t ticks = 0;
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (!f)
        return 0;
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    after = strrchr(text, ')'); /* the name may hold spaces and brackets; field 3 follows the last one */
    if (!after ||
        sscanf(after,
               ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNd64,
               &ticks) != 1)
        return 0;
    return ticks;
}

static bool is_zombie(pid_t pid)
{
    char path[64], text[512], *after;
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (!f)
        return true;
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    after = strrchr(text, ')');
    return !after || strncmp(after, ") Z", 3) == 0;
}

/* Same process as the one remembered, and not merely waiting for its parent. */
static bool lives(pid_t pid, int64_t ticks)
{
    return pid > 1 && ticks > 0 && orphan_start_ticks(pid) == ticks && !is_zombie(pid);
}

static bool gone_within(pid_t pid, int64_t ticks, int seconds)
{
    int64_t until = clock_mono_us() + seconds * US_PER_S;

    while (lives(pid, ticks)) {
        if (clock_mono_us() > until)
            return false;
        usleep(20000);
    }
    return true;
}

/* The leader is gone or a zombie, its group is not. The number cannot have been given to anybody else as long as the
 * group lives. */
static void end_helpers(pid_t pid, int64_t ticks)
{
    int64_t now = pid > 1 ? orphan_start_ticks(pid) : -1;

    if ((now == 0 || now == ticks) && kill(-pid, 0) == 0)
        kill(-pid, SIGKILL);
}

static bool end_it(const struct process_spec *p, pid_t pid, int64_t ticks, struct err *err)
{
    if (!lives(pid, ticks)) {
        end_helpers(pid, ticks);
        return true;
    }
    log_warn("orphan", LS("name", p->name), LI("pid", pid));
    kill(pid, p->stop_signal);
    if (gone_within(pid, ticks, p->stop_s))
        return true;
    if (!p->pidfile) { /* a killed PostgreSQL would have to recover, and its children may still write */
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
        if (gone_within(pid, ticks, 5))
            return true;
    }
    return err_set(err, ERR_CONFLICT, "still_running", "%s from an earlier start (pid %d) does not stop",
                   p->name, (int)pid);
}

/* PostgreSQL's postmaster.pid: pid, data folder, start time … The server keeps its data folder as working directory,
 * which tells it from a stranger that got the same number. */
static pid_t pid_from_file(const char *path)
{
    char folder[4096], real[PATH_MAX], cwd[PATH_MAX], link[64];
    int pid = 0;
    FILE *f = fopen(path, "re");
    ssize_t n;

    if (!f)
        return 0;
    if (fscanf(f, "%d\n%4095[^\n]", &pid, folder) != 2)
        pid = 0;
    fclose(f);
    if (pid <= 1)
        return 0;
    snprintf(link, sizeof link, "/proc/%d/cwd", pid);
    n = readlink(link, cwd, sizeof cwd - 1);
    if (n <= 0)
        return 0;
    cwd[n] = '\0';
    return realpath(folder, real) && strcmp(cwd, real) == 0 ? pid : 0;
}

static const struct process_spec *spec_named(const struct process_table *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->spec[i].name, name) == 0)
            return &t->spec[i];
    }
    return NULL;
}

static bool clear_from_status(const struct process_table *t, const char *path, struct err *err)
{
    static const struct process_spec UNKNOWN = {
        .name = (char *)"process", .stop_signal = SIGTERM, .stop_s = 10};
    json_t *doc = json_load_file(path, 0, NULL), *row;
    bool ok = true;
    size_t i;

    json_array_foreach(json_object_get(doc, "processes"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        const struct process_spec *p = name ? spec_named(t, name) : NULL;
        pid_t pid = (pid_t)json_integer_value(json_object_get(row, "pid"));
        int64_t ticks = json_integer_value(json_object_get(row, "started_ticks"));

        ok = ok && end_it(p ? p : &UNKNOWN, pid, ticks, err);
    }
    json_decref(doc);
    return ok;
}

bool orphan_clear(const struct process_table *t, const char *status_path, struct err *err)
{
    if (!clear_from_status(t, status_path, err))
        return false;
    for (size_t i = 0; i < t->n; i++) {
        const struct process_spec *p = &t->spec[i];
        pid_t pid = p->pidfile ? pid_from_file(p->pidfile) : 0;

        if (pid > 0 && !end_it(p, pid, orphan_start_ticks(pid), err))
            return false;
    }
    return true;
}
