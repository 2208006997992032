#include "dicom/decoders.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/clock.h"
#include "tests/unit/dicom/decode/escape.h"
#include "tests/unit/test.h"

#define MINUTE (60 * US_PER_S)

struct fx {
    struct loop *loop;
    struct decoders *pool;
    int in_fd;
};

struct outcome {
    int calls;
    struct err err;
    struct decode_answer answer;
    char text[32]; /* beginning of the output */
};

static void fx_close(void *arg)
{
    struct fx *f = arg;

    decoders_free(f->pool);
    loop_free(f->loop);
    close(f->in_fd);
}

/* f is static: what cleans up runs when the test has left its stack. */
static void fx_open(struct test *t, struct fx *f, struct decoders_config config)
{
    struct err err = ERR_INIT;

    if (!config.program)
        config.program = ESCAPE_PROGRAM;
    CHECK_OK(loop_new(&f->loop, &err), &err);
    f->in_fd = memfd_create("in", MFD_CLOEXEC);
    CHECK_INT(write(f->in_fd, "an image", 8), 8);
    CHECK_OK(decoders_new(&f->pool, f->loop, &config, &err), &err);
    test_cleanup(t, fx_close, f);
}

static void on_done(void *arg, struct decode_result *result, const struct err *err)
{
    struct outcome *o = arg;

    o->calls++;
    o->err = *err;
    o->answer = result->answer;
    if (result->fd >= 0 && pread(result->fd, o->text, sizeof o->text - 1, 0) < 0)
        o->text[0] = '?';
}

static struct decode_job *ask(struct fx *f, enum escape probe, struct outcome *o)
{
    const struct decode_params params = {.op = DECODE_ESCAPE, .probe = probe};

    return decoders_run(f->pool, DECODERS_SOMEBODY_WAITS, &params, f->in_fd, -1, on_done, o);
}

/* What became of one job, with a minute's patience on a busy machine. */
static struct outcome try_it(struct fx *f, enum escape probe)
{
    struct outcome o = {0};
    int64_t deadline = test_deadline_us(60000);

    CHECK(ask(f, probe, &o));
    while (!o.calls && test_turn(f->loop, deadline))
        ;
    CHECK_INT(o.calls, 1);
    return o;
}

TEST(decoders, what_a_file_that_took_over_would_try_is_refused)
{
    static const enum escape TRIES[] = {ESCAPE_OPEN, ESCAPE_SOCKET, ESCAPE_FORK,  ESCAPE_PTRACE,
                                        ESCAPE_EXEC, ESCAPE_KILL,   ESCAPE_MEMFD, ESCAPE_EXECUTABLE};
    static struct fx f;

    fx_open(t, &f, (struct decoders_config){.processes = 1, .deadline_us = MINUTE});
    pid_t pid = decoders_pid(f.pool, 0);
    for (size_t i = 0; i < sizeof TRIES / sizeof TRIES[0]; i++) {
        struct outcome o = try_it(&f, TRIES[i]);
        CHECK_STR(o.err.reason, "refused");
        CHECK_STR(o.answer.text, "errno 1"); /* EPERM */
    }
    CHECK_INT(decoders_pid(f.pool, 0), pid);
    CHECK_STR(try_it(&f, ESCAPE_ECHO).text, "an image");
}

TEST(decoders, memory_ends_at_its_limit_and_a_deep_stack_is_there)
{
    static struct fx f;

    fx_open(t, &f, (struct decoders_config){.processes = 1, .deadline_us = MINUTE});
    CHECK_STR(try_it(&f, ESCAPE_MEMORY).err.reason, "too_large");
    CHECK_INT(try_it(&f, ESCAPE_STACK).err.code, ERR_NONE);
}

TEST(decoders, a_job_that_never_ends_is_slow_and_the_next_one_is_served)
{
    static struct fx f;

    fx_open(t, &f, (struct decoders_config){.processes = 1, .deadline_us = 2 * US_PER_S});
    struct outcome slow = try_it(&f, ESCAPE_LOOP), next = {0};
    CHECK_STR(slow.err.reason, "decoder_slow");
    CHECK_INT(slow.err.code, ERR_CORRUPT);
    /* On a busy machine even this may be slow once or twice: the deadline is short for the loop's sake. */
    for (int i = 0; i < 20 && strcmp(next.text, "an image") != 0; i++)
        next = try_it(&f, ESCAPE_ECHO);
    CHECK_STR(next.text, "an image");
}

TEST(decoders, a_crash_is_learned_by_its_own_job_alone)
{
    static struct fx f;
    struct outcome crash = {0}, others[8] = {0};

    fx_open(t, &f, (struct decoders_config){.processes = 2, .deadline_us = MINUTE});
    CHECK(ask(&f, ESCAPE_CRASH, &crash));
    for (int i = 0; i < 8; i++)
        CHECK(ask(&f, ESCAPE_ECHO, &others[i]));
    int64_t deadline = test_deadline_us(60000);
    for (int i = 0; i < 8; i++)
        while (!others[i].calls && test_turn(f.loop, deadline))
            ;
    while (!crash.calls && test_turn(f.loop, deadline))
        ;
    CHECK_STR(crash.err.reason, "decoder_died");
    for (int i = 0; i < 8; i++)
        CHECK_STR(others[i].text, "an image");
}

/* Stopped first, so that it is certainly in the middle of the job when it is killed. */
static void kill_on_the_job(struct fx *f)
{
    pid_t pid = decoders_pid(f->pool, 0);

    CHECK_INT(decoders_running(f->pool), 1);
    CHECK_INT(kill(pid, SIGKILL), 0);
    CHECK_SOON(f->loop, decoders_pid(f->pool, 0) != pid && decoders_pid(f->pool, 0) > 0);
}

TEST(decoders, a_decoder_killed_from_outside_costs_its_job_nothing)
{
    static struct fx f;
    static struct outcome o;

    o = (struct outcome){0};
    fx_open(t, &f, (struct decoders_config){.processes = 1, .deadline_us = MINUTE});
    CHECK_STR(try_it(&f, ESCAPE_ECHO).text, "an image");
    CHECK_INT(kill(decoders_pid(f.pool, 0), SIGSTOP), 0);
    CHECK(ask(&f, ESCAPE_ECHO, &o));
    kill_on_the_job(&f);
    CHECK_SOON(f.loop, o.calls);
    CHECK_STR(o.text, "an image");
    CHECK_INT(o.answer.bytes, 8);
}

TEST(decoders, a_job_on_which_two_decoders_died_is_not_tried_a_third_time)
{
    static struct fx f;
    static struct outcome o;

    o = (struct outcome){0};
    fx_open(t, &f, (struct decoders_config){.processes = 1, .deadline_us = MINUTE});
    CHECK(ask(&f, ESCAPE_LOOP, &o));
    kill_on_the_job(&f);
    CHECK_INT(o.calls, 0);
    CHECK_SOON(f.loop, decoders_running(f.pool) == 1);
    kill_on_the_job(&f);
    CHECK_SOON(f.loop, o.calls);
    CHECK_STR(o.err.reason, "decoder_died");
    CHECK_STR(try_it(&f, ESCAPE_ECHO).text, "an image");
}

TEST(decoders, an_idle_decoder_that_dies_is_replaced_before_the_next_job)
{
    static struct fx f;

    fx_open(t, &f, (struct decoders_config){.processes = 1, .deadline_us = MINUTE});
    CHECK_STR(try_it(&f, ESCAPE_ECHO).text, "an image");
    pid_t pid = decoders_pid(f.pool, 0);
    CHECK_INT(kill(pid, SIGKILL), 0);
    CHECK_SOON(f.loop, decoders_pid(f.pool, 0) != pid && decoders_pid(f.pool, 0) > 0);
    CHECK_STR(try_it(&f, ESCAPE_ECHO).text, "an image");
}

TEST(decoders, a_process_is_renewed_after_its_share)
{
    static struct fx f;

    fx_open(t, &f, (struct decoders_config){.processes = 1, .jobs_per_process = 3, .deadline_us = MINUTE});
    pid_t pid = decoders_pid(f.pool, 0);
    for (int i = 0; i < 7; i++)
        CHECK_STR(try_it(&f, ESCAPE_ECHO).text, "an image");
    CHECK(decoders_pid(f.pool, 0) != pid);
}

TEST(decoders, an_output_that_grows_without_end_ends_the_process)
{
    static struct fx f;

    fx_open(t, &f, (struct decoders_config){.processes = 1, .deadline_us = MINUTE});
    CHECK_STR(try_it(&f, ESCAPE_DISK).err.reason, "decoder_died");
    CHECK_STR(try_it(&f, ESCAPE_LIE).err.reason, "output_failed");
    CHECK_STR(try_it(&f, ESCAPE_ECHO).text, "an image");
}

TEST(decoders, whoever_waits_goes_before_the_background)
{
    static struct fx f;
    struct outcome first = {0}, background = {0}, waits = {0};
    const struct decode_params echo = {.op = DECODE_ESCAPE, .probe = ESCAPE_ECHO};

    fx_open(t, &f, (struct decoders_config){.processes = 1, .deadline_us = MINUTE, .queue_max = 2});
    CHECK(ask(&f, ESCAPE_ECHO, &first));
    CHECK(decoders_run(f.pool, DECODERS_BACKGROUND, &echo, f.in_fd, -1, on_done, &background));
    CHECK(ask(&f, ESCAPE_ECHO, &waits));
    CHECK(!ask(&f, ESCAPE_ECHO, &waits)); /* the queue is full, and says so */
    CHECK_SOON(f.loop, waits.calls);
    CHECK_INT(background.calls, 0);
    CHECK_SOON(f.loop, background.calls);
}

TEST(decoders, a_forgotten_job_calls_nobody)
{
    static struct fx f;
    struct outcome running = {0}, waiting = {0};

    fx_open(t, &f, (struct decoders_config){.processes = 1, .deadline_us = MINUTE});
    struct decode_job *one = ask(&f, ESCAPE_ECHO, &running), *two = ask(&f, ESCAPE_ECHO, &waiting);
    decoders_forget(two);
    decoders_forget(one);
    CHECK_INT(decoders_waiting(f.pool), 0);
    CHECK_STR(try_it(&f, ESCAPE_ECHO).text, "an image");
    CHECK_INT(running.calls + waiting.calls, 0);
}

TEST(decoders, the_callers_own_file_is_written_when_it_gives_one)
{
    static struct fx f;
    struct outcome o = {0};
    const struct decode_params echo = {.op = DECODE_ESCAPE, .probe = ESCAPE_ECHO};
    char got[9] = "";

    fx_open(t, &f, (struct decoders_config){.processes = 1, .deadline_us = MINUTE});
    int out = open(test_path(t, test_dir(t), "out"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(decoders_run(f.pool, DECODERS_SOMEBODY_WAITS, &echo, f.in_fd, out, on_done, &o));
    CHECK_SOON(f.loop, o.calls);
    CHECK_INT(o.answer.bytes, 8);
    CHECK_INT(pread(out, got, 8, 0), 8);
    CHECK_STR(got, "an image");
    close(out);
}

TEST(decoders, without_a_program_jobs_are_refused_and_may_come_again)
{
    static struct fx f;

    fx_open(t, &f, (struct decoders_config){.processes = 2, .program = "/nonexistent/yz-decode"});
    struct outcome o = try_it(&f, ESCAPE_ECHO);
    CHECK_INT(o.err.code, ERR_AGAIN);
    CHECK_STR(o.err.reason, "decoder_missing");
}

static void on_done_forget(void *arg, struct decode_result *result, const struct err *err)
{
    struct decode_job **other = arg;

    (void)result;
    CHECK_STR(err->reason, "decoder_missing");
    decoders_forget(*other);
    *other = NULL;
}

TEST(decoders, a_refused_job_may_forget_another_one_that_waits)
{
    static struct fx f;
    static struct decode_job *second;
    static struct outcome o;
    const struct decode_params echo = {.op = DECODE_ESCAPE, .probe = ESCAPE_ECHO};

    o = (struct outcome){0};
    fx_open(t, &f, (struct decoders_config){.processes = 1, .program = "/nonexistent/yz-decode"});
    CHECK(decoders_run(f.pool, DECODERS_SOMEBODY_WAITS, &echo, f.in_fd, -1, on_done_forget, &second));
    second = ask(&f, ESCAPE_ECHO, &o);
    CHECK(second);
    CHECK_SOON(f.loop, !second);
    CHECK_INT(decoders_waiting(f.pool), 0);
    CHECK_INT(o.calls, 0);
}
