/* The program as a whole: order of start and stop, the lock, and what a killed supervisor leaves behind. */
#include "tests/unit/test.h"
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"

struct fx {
    const char *data;
    pid_t pid;
};

static void write_table(struct test *t, const char *data, const char *text)
{
    FILE *f;

    mkdir(test_path(t, data, "run"), 0700);
    mkdir(test_path(t, data, "log"), 0700);
    f = fopen(test_path(t, data, "run/processes"), "we");
    CHECK(f != NULL);
    fputs(text, f);
    fclose(f);
}

static pid_t start(struct test *t, const char *data)
{
    char option[4200];
    pid_t pid;

    snprintf(option, sizeof option, "--data=%s", data);
    pid = fork();
    if (pid == 0) {
        if (!freopen(test_path(t, data, "supervise.log"), "a", stderr))
            _exit(126);
        execl(SUPERVISE, "yz-supervise", option, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void end_child(void *arg)
{
    pid_t *pid = arg;

    kill(*pid, SIGKILL);
    waitpid(*pid, NULL, 0);
}

static void close_fx(void *arg)
{
    struct fx *f = arg;

    if (f->pid > 0) {
        kill(f->pid, SIGTERM);
        waitpid(f->pid, NULL, 0);
    }
}

static struct fx *open_fx(struct test *t, const char *table)
{
    static struct fx f;

    f.data = test_dir(t);
    write_table(t, f.data, table);
    f.pid = start(t, f.data);
    CHECK(f.pid > 0);
    test_cleanup(t, close_fx, &f);
    return &f;
}

static json_t *status(struct test *t, struct fx *f)
{
    return json_load_file(test_path(t, f->data, "run/status.json"), 0, NULL);
}

static bool state_is(struct test *t, struct fx *f, const char *state)
{
    json_t *doc = status(t, f);
    const char *is = json_string_value(json_object_get(doc, "state"));
    bool same = is && strcmp(is, state) == 0;

    json_decref(doc);
    return same;
}

#define CHECK_WITHIN_10_S(cond)                                                                              \
    do {                                                                                                     \
        int64_t until_ = clock_mono_us() + 10 * US_PER_S;                                                    \
        while (!(cond) && clock_mono_us() < until_)                                                          \
            usleep(10000);                                                                                   \
        CHECK(cond);                                                                                         \
    } while (0)

static pid_t pid_of(struct test *t, struct fx *f, size_t i)
{
    json_t *doc = status(t, f);
    json_t *row = json_array_get(json_object_get(doc, "processes"), i);
    pid_t pid = (pid_t)json_integer_value(json_object_get(row, "pid"));

    json_decref(doc);
    return pid;
}

static const char *read_text(struct test *t, struct fx *f, const char *name)
{
    static char text[4096];
    FILE *in = fopen(test_path(t, f->data, name), "re");

    text[0] = '\0';
    if (in) {
        text[fread(text, 1, sizeof text - 1, in)] = '\0';
        fclose(in);
    }
    return text;
}

static int stop(struct fx *f)
{
    int ended = 0;

    kill(f->pid, SIGTERM);
    waitpid(f->pid, &ended, 0);
    f->pid = 0;
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

/* Each process writes its name into one file when told to stop. Paths are relative to the data folder. */
#define WRITES_ON_STOP(name)                                                                                 \
    "process " name "\n  stop TERM 5\n  run /bin/sh\n  arg -c\n"                                             \
    "  arg trap 'echo " name " >>order; exit 0' TERM; echo up; while :; do sleep 0.02; done\n"

TEST(supervise, starts_downwards_and_stops_upwards)
{
    struct fx *f = open_fx(t, WRITES_ON_STOP("db") "process prepare\n  once\n  run /bin/sh\n  arg -c\n"
                                                   "  arg echo prepared >>order\n" WRITES_ON_STOP("web"));

    CHECK_WITHIN_10_S(state_is(t, f, "ready"));
    CHECK_WITHIN_10_S(strstr(read_text(t, f, "log/web.log"), "up"));
    CHECK_WITHIN_10_S(strstr(read_text(t, f, "log/db.log"), "up"));
    CHECK_INT(stop(f), 0);
    CHECK_STR(read_text(t, f, "order"), "prepared\nweb\ndb\n");
    CHECK(state_is(t, f, "stopping"));
}

TEST(supervise, a_second_one_in_the_same_folder_is_refused)
{
    struct fx *f = open_fx(t, "process a\n  run /bin/sleep\n  arg 60\n");
    int ended = 0;

    CHECK_WITHIN_10_S(state_is(t, f, "ready"));
    waitpid(start(t, f->data), &ended, 0);
    CHECK(WIFEXITED(ended));
    CHECK_INT(WEXITSTATUS(ended), 3);
    CHECK(state_is(t, f, "ready"));
    CHECK(strstr(read_text(t, f, "supervise.log"), "already running"));
}

TEST(supervise, a_failed_step_stops_everything_and_says_which)
{
    struct fx *f = open_fx(t, "process a\n  run /bin/sleep\n  arg 60\n"
                              "process prepare\n  once\n  run /bin/false\n"
                              "process never\n  run /bin/sh\n  arg -c\n  arg touch started; sleep 60\n");
    int ended = 0;

    waitpid(f->pid, &ended, 0);
    f->pid = 0;
    CHECK_INT(WEXITSTATUS(ended), 1);
    CHECK(state_is(t, f, "failed"));
    CHECK(strstr(read_text(t, f, "supervise.log"), "prepare failed"));
    CHECK(access(test_path(t, f->data, "started"), F_OK) != 0);
}

TEST(supervise, when_it_is_killed_its_children_go_too)
{
    struct fx *f =
        open_fx(t, "process a\n  run /bin/sleep\n  arg 60\nprocess b\n  run /bin/sleep\n  arg 60\n");
    pid_t a, b;

    CHECK_WITHIN_10_S(state_is(t, f, "ready"));
    a = pid_of(t, f, 0);
    b = pid_of(t, f, 1);
    CHECK(a > 0 && b > 0 && kill(a, 0) == 0);
    kill(f->pid, SIGKILL);
    waitpid(f->pid, NULL, 0);
    f->pid = 0;
    CHECK_WITHIN_10_S(kill(a, 0) != 0 && kill(b, 0) != 0);
}

/* Ignores the signal that comes when its parent dies, so that only the next start can end it. */
TEST(supervise, the_next_start_ends_what_a_killed_one_left_and_nothing_else)
{
    struct fx *f = open_fx(t, "process stubborn\n  stop TERM 1\n  run /bin/sh\n  arg -c\n"
                              "  arg trap '' TERM; echo up; while :; do sleep 0.02; done\n");
    static pid_t bystander;
    pid_t old;

    bystander = fork();
    if (bystander == 0) {
        execl("/bin/sleep", "sleep", "60", (char *)NULL);
        _exit(127);
    }
    test_cleanup(t, end_child, &bystander);
    CHECK_WITHIN_10_S(strstr(read_text(t, f, "log/stubborn.log"), "up"));
    CHECK_WITHIN_10_S(state_is(t, f, "ready"));
    old = pid_of(t, f, 0);
    kill(f->pid, SIGKILL);
    waitpid(f->pid, NULL, 0);
    CHECK(kill(old, 0) == 0);
    f->pid = start(t, f->data);
    CHECK_WITHIN_10_S(pid_of(t, f, 0) != old && state_is(t, f, "ready"));
    CHECK_WITHIN_10_S(kill(old, 0) != 0); /* ended; whoever adopted it may take a moment to notice */
    CHECK(kill(bystander, 0) == 0);
}

/* As nginx's workers do when their master is killed. */
TEST(supervise, helpers_of_a_process_that_died_do_not_outlive_it)
{
    struct fx *f = open_fx(t, "process a\n  run /bin/sh\n  arg -c\n"
                              "  arg sleep 60 & echo $! >helper; exec sleep 60\n");
    pid_t helper;

    CHECK_WITHIN_10_S(state_is(t, f, "ready"));
    CHECK_WITHIN_10_S(atoi(read_text(t, f, "helper")) > 1);
    helper = (pid_t)atoi(read_text(t, f, "helper"));
    CHECK(kill(helper, 0) == 0);
    kill(pid_of(t, f, 0), SIGKILL);
    CHECK_WITHIN_10_S(kill(helper, 0) != 0);
}

TEST(supervise, ctrl_c_in_the_terminal_reaches_it_alone)
{
    struct fx *f = open_fx(t, WRITES_ON_STOP("a"));

    CHECK_WITHIN_10_S(state_is(t, f, "ready"));
    CHECK(getpgid(pid_of(t, f, 0)) != getpgid(f->pid));
    CHECK(getsid(pid_of(t, f, 0)) == pid_of(t, f, 0));
}
