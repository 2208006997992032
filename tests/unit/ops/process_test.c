#include "tests/unit/test.h"
#include "ops/supervise/process.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fx {
    struct loop *loop;
    struct process_spec spec;
    struct process *process;
    const char *dir;
    enum process_state seen[32];
    int n;
};

static void on_changed(void *arg, struct process *p)
{
    struct fx *f = arg;

    if (f->n < 32)
        f->seen[f->n++] = process_state(p);
}

static void close_fx(void *arg)
{
    struct fx *f = arg;

    process_signal(f->process, SIGKILL);
    process_free(f->process);
    loop_free(f->loop);
}

static struct fx *open_fx(struct test *t, const char *shell)
{
    static struct fx f;
    struct err err = ERR_INIT;

    f = (struct fx){.dir = test_dir(t),
                    .spec = {.name = (char *)"child", .stop_signal = SIGTERM, .stop_s = 1, .argc = 3}};
    f.spec.argv[0] = (char *)"/bin/sh";
    f.spec.argv[1] = (char *)"-c";
    f.spec.argv[2] = (char *)shell;
    CHECK_OK(loop_new(&f.loop, &err), &err);
    CHECK_OK(process_new(&f.process, f.loop, &f.spec, f.dir, 1 << 20, on_changed, &f, &err), &err);
    test_cleanup(t, close_fx, &f);
    return &f;
}

static bool is(struct fx *f, enum process_state s)
{
    return process_state(f->process) == s;
}

TEST(process, every_state_knows_every_event)
{
    for (int s = 0; s < PROC_STATES; s++) {
        for (int e = 0; e < PROC_EVENTS; e++) {
            for (int step = 0; step < 2; step++) {
                enum process_state to = process_next((enum process_state)s, (enum process_event)e, step);

                CHECK(to < PROC_STATES);
                CHECK(s != PROC_STOPPED || to == PROC_STOPPED);
                if (e == PROC_EV_STOP)
                    CHECK(to == PROC_STOPPING || to == PROC_STOPPED);
                if (to == PROC_DONE || to == PROC_FAILED)
                    CHECK(step || s == (int)to);
            }
        }
    }
}

TEST(process, without_a_socket_it_is_ready_as_soon_as_it_runs)
{
    struct fx *f = open_fx(t, "sleep 60");

    CHECK(is(f, PROC_WAITING));
    process_event(f->process, PROC_EV_GO);
    CHECK_SOON(f->loop, is(f, PROC_READY));
    process_event(f->process, PROC_EV_STOP);
    CHECK_SOON(f->loop, is(f, PROC_STOPPED));
}

TEST(process, one_that_dies_is_started_again_and_again)
{
    struct fx *f = open_fx(t, "exit 3");
    json_t *doc;

    f->spec.ready = (char *)"unix:/nowhere"; /* without a socket it might be ready for a moment */
    process_event(f->process, PROC_EV_GO);
    CHECK_SOON(f->loop, f->n >= 6);
    CHECK_INT(f->seen[0], PROC_STARTING);
    CHECK_INT(f->seen[1], PROC_BACKOFF);
    CHECK_INT(f->seen[2], PROC_STARTING);
    doc = process_json(f->process);
    CHECK(json_integer_value(json_object_get(doc, "restarts")) >= 2);
    CHECK_STR(json_string_value(json_object_get(doc, "last_exit")), "status 3");
    json_decref(doc);
}

TEST(process, a_step_ends_once_well_or_not)
{
    struct fx *f = open_fx(t, "true");

    f->spec.once = true;
    process_event(f->process, PROC_EV_GO);
    CHECK_SOON(f->loop, is(f, PROC_DONE));
    CHECK_INT(f->n, 2);
}

TEST(process, a_step_that_fails_is_not_tried_again)
{
    struct fx *f = open_fx(t, "exit 1");

    f->spec.once = true;
    process_event(f->process, PROC_EV_GO);
    CHECK_SOON(f->loop, is(f, PROC_FAILED));
    CHECK_INT(f->n, 2);
}

TEST(process, one_that_ignores_its_stop_signal_is_killed)
{
    struct fx *f = open_fx(t, "trap '' TERM; while :; do sleep 0.05; done");
    json_t *doc;

    process_event(f->process, PROC_EV_GO);
    CHECK_SOON(f->loop, is(f, PROC_READY));
    for (int64_t until = test_deadline_us(300); test_turn(f->loop, until);) /* let the trap be set */
        ;
    process_event(f->process, PROC_EV_STOP);
    CHECK_SOON(f->loop, is(f, PROC_STOPPED));
    doc = process_json(f->process);
    CHECK_STR(json_string_value(json_object_get(doc, "last_exit")), "signal KILL");
    json_decref(doc);
}

TEST(process, a_program_that_is_not_there_is_tried_again_and_says_so_in_its_log)
{
    struct fx *f = open_fx(t, "");
    char text[256] = "";
    FILE *log;

    f->spec.argv[0] = (char *)"/nowhere/program";
    process_event(f->process, PROC_EV_GO);
    CHECK_SOON(f->loop, f->n >= 4);
    process_event(f->process, PROC_EV_STOP);
    CHECK_SOON(f->loop, is(f, PROC_STOPPED));
    log = fopen(test_path(t, f->dir, "child.log"), "re");
    CHECK(log && fgets(text, sizeof text, log));
    fclose(log);
    CHECK(strstr(text, "cannot start /nowhere/program"));
}
