#include "tests/unit/test.h"
#include "core/clock.h"
#include "core/loop.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What callbacks did, in order: one letter each. */
struct story {
    struct loop *loop;
    char text[64];
    int n;
    struct loop_timer *timer;
    struct loop_watch *watch[2];
    int pair[2][2];
};

static void say(struct story *s, char c)
{
    if (s->n < (int)sizeof s->text - 1)
        s->text[s->n++] = c;
}

static void open_story(struct test *t, struct story *s)
{
    struct err err = ERR_INIT;

    memset(s, 0, sizeof *s);
    CHECK_OK(loop_new(&s->loop, &err), &err);
    test_cleanup(t, (void (*)(void *))loop_free, s->loop);
}

static void a(void *arg)
{
    say(arg, 'a');
}
static void b(void *arg)
{
    say(arg, 'b');
}
static void c(void *arg)
{
    say(arg, 'c');
}

TEST(loop, timers_fire_in_the_order_of_their_times)
{
    struct story s;

    open_story(t, &s);
    loop_timer(s.loop, 3000, 0, c, &s);
    loop_timer(s.loop, 1000, 0, a, &s);
    loop_timer(s.loop, 2000, 0, b, &s);
    CHECK_SOON(s.loop, s.n == 3);
    CHECK_STR(s.text, "abc");
}

TEST(loop, timers_of_one_moment_fire_in_the_order_they_were_armed)
{
    struct story s;

    open_story(t, &s);
    loop_timer(s.loop, 0, 0, a, &s);
    loop_timer(s.loop, 0, 0, b, &s);
    loop_timer(s.loop, 0, 0, c, &s);
    CHECK_SOON(s.loop, s.n == 3);
    CHECK_STR(s.text, "abc");
}

TEST(loop, a_timer_never_fires_early)
{
    struct story s;
    int64_t begin = clock_mono_us();

    open_story(t, &s);
    loop_timer(s.loop, 30 * US_PER_MS, 0, a, &s);
    CHECK_SOON(s.loop, s.n == 1);
    CHECK(clock_mono_us() - begin >= 30 * US_PER_MS);
}

static void stop_after_three(void *arg)
{
    struct story *s = arg;

    say(s, '.');
    if (s->n == 3) {
        loop_untimer(s->timer);
        loop_stop(s->loop);
    }
}

TEST(loop, a_repeating_timer_may_free_itself)
{
    struct story s;

    open_story(t, &s);
    s.timer = loop_timer(s.loop, 500, 500, stop_after_three, &s);
    loop_run(s.loop);
    CHECK_STR(s.text, "...");
    CHECK(loop_stopped(s.loop));
}

TEST(loop, a_timer_that_fired_can_be_armed_again_and_one_removed_does_not_fire)
{
    struct story s;
    struct loop_timer *one, *two;

    open_story(t, &s);
    one = loop_timer(s.loop, 0, 0, a, &s);
    two = loop_timer(s.loop, 0, 0, b, &s);
    loop_untimer(two);
    CHECK_SOON(s.loop, s.n == 1);
    loop_timer_set(one, 0, 0);
    CHECK_SOON(s.loop, s.n == 2);
    CHECK_STR(s.text, "aa");
    loop_untimer(one);
    loop_untimer(NULL);
}

static void again(void *arg)
{
    struct story *s = arg;

    say(s, 'x');
    loop_timer_set(s->timer, 0, 0);
}

TEST(loop, a_timer_that_rearms_itself_for_now_lets_the_turn_end)
{
    struct story s;

    open_story(t, &s);
    s.timer = loop_timer(s.loop, 0, 0, again, &s);
    loop_turn(s.loop, 1000);
    CHECK(s.n <= 1);
    loop_turn(s.loop, 1000);
    loop_turn(s.loop, 1000);
    CHECK(s.n >= 2);
}

TEST(loop, many_random_timers_keep_their_order)
{
    enum { N = 500 };
    static struct loop_timer *timers[N];
    struct story s;
    int before = 0;

    open_story(t, &s);
    srandom(7);
    for (int i = 0; i < N; i++)
        timers[i] = loop_timer(s.loop, random() % 2000, 0, a, &s);
    for (int i = 0; i < N; i += 3)
        loop_untimer(timers[i]);
    for (int i = 1; i < N; i += 3)
        loop_timer_set(timers[i], random() % 2000, 0);
    int64_t end = clock_mono_us() + 5 * US_PER_S;
    int fired = 0;
    while (fired < N - (N + 2) / 3 && clock_mono_us() < end) {
        s.n = 0;
        fired += loop_turn(s.loop, 10);
        before += s.n;
    }
    CHECK_INT(fired, N - (N + 2) / 3);
}

static void on_read(void *arg, uint32_t events)
{
    struct story *s = arg;
    char buf[8];

    CHECK(events & EPOLLIN);
    CHECK(read(s->pair[0][0], buf, sizeof buf) > 0);
    say(s, 'r');
}

TEST(loop, a_readable_socket_calls_its_watch)
{
    struct story s;

    open_story(t, &s);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, s.pair[0]), 0);
    struct loop_watch *w = loop_watch(s.loop, s.pair[0][0], EPOLLIN, on_read, &s);
    CHECK_INT(loop_turn(s.loop, 0), 0);
    CHECK_INT(write(s.pair[0][1], "x", 1), 1);
    CHECK_SOON(s.loop, s.n == 1);
    loop_unwatch(w);
    CHECK_INT(write(s.pair[0][1], "x", 1), 1);
    CHECK_INT(loop_turn(s.loop, 0), 0);
    CHECK_INT(s.n, 1);
    close(s.pair[0][0]);
    close(s.pair[0][1]);
}

/* Two sockets are ready in one turn; whichever comes first removes both. */
static void first_wins(void *arg, uint32_t events)
{
    struct story *s = arg;

    (void)events;
    say(s, '1');
    loop_unwatch(s->watch[0]);
    loop_unwatch(s->watch[1]);
}

TEST(loop, an_event_already_fetched_is_not_delivered_to_a_removed_watch)
{
    struct story s;

    open_story(t, &s);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, s.pair[i]), 0);
        CHECK_INT(write(s.pair[i][1], "x", 1), 1);
        s.watch[i] = loop_watch(s.loop, s.pair[i][0], EPOLLIN, first_wins, &s);
    }
    loop_turn(s.loop, 0);
    loop_turn(s.loop, 0);
    CHECK_STR(s.text, "1");
    for (int i = 0; i < 2; i++) {
        close(s.pair[i][0]);
        close(s.pair[i][1]);
    }
}

static void defers_more(void *arg)
{
    struct story *s = arg;

    say(s, 'd');
    loop_defer(s->loop, a, s);
}

TEST(loop, deferred_calls_run_once_and_their_own_wait_for_the_next_turn)
{
    struct story s;

    open_story(t, &s);
    loop_defer(s.loop, defers_more, &s);
    loop_defer(s.loop, b, &s);
    loop_turn(s.loop, 1000);
    CHECK_STR(s.text, "db");
    loop_turn(s.loop, 1000);
    CHECK_STR(s.text, "dba");
    loop_turn(s.loop, 0);
    CHECK_STR(s.text, "dba");
}

static void undefers_b(void *arg)
{
    struct story *s = arg;

    say(s, 'u');
    loop_undefer(s->loop, b, s);
}

TEST(loop, a_deferred_call_can_be_taken_back_even_by_the_one_before_it)
{
    struct story s;

    open_story(t, &s);
    loop_defer(s.loop, a, &s);
    loop_undefer(s.loop, a, &s);
    loop_defer(s.loop, undefers_b, &s);
    loop_defer(s.loop, b, &s);
    loop_turn(s.loop, 0);
    loop_defer(s.loop, c, &s);
    loop_turn(s.loop, 0);
    CHECK_STR(s.text, "uc");
}

TEST(loop, another_poller_sees_timers_and_deferred_calls_on_loop_fd)
{
    struct story s;
    struct pollfd p = {.events = POLLIN};

    open_story(t, &s);
    p.fd = loop_fd(s.loop);
    CHECK_INT(poll(&p, 1, 0), 0);
    loop_timer(s.loop, 1000, 0, a, &s);
    CHECK_INT(poll(&p, 1, 5000), 1);
    loop_turn(s.loop, 0);
    CHECK_STR(s.text, "a");
    CHECK_INT(poll(&p, 1, 0), 0);
    loop_defer(s.loop, b, &s);
    CHECK_INT(poll(&p, 1, 5000), 1);
    loop_turn(s.loop, 0);
    CHECK_STR(s.text, "ab");
    CHECK_INT(poll(&p, 1, 0), 0);
}

TEST(loop, sigterm_stops_it_and_sighup_calls_back)
{
    struct story s;
    struct err err = ERR_INIT;
    sigset_t before;

    pthread_sigmask(SIG_BLOCK, NULL, &before);
    open_story(t, &s);
    CHECK_OK(loop_signals(s.loop, a, &s, &err), &err);
    kill(getpid(), SIGHUP);
    CHECK_SOON(s.loop, s.n == 1);
    CHECK(!loop_stopped(s.loop));
    kill(getpid(), SIGTERM);
    loop_run(s.loop);
    CHECK(loop_stopped(s.loop));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

TEST(loop, what_lives_as_long_as_the_loop_ends_with_it_last_one_first)
{
    struct story s;
    struct err err = ERR_INIT;

    memset(&s, 0, sizeof s);
    CHECK_OK(loop_new(&s.loop, &err), &err);
    loop_at_free(s.loop, a, &s);
    loop_at_free(s.loop, b, &s);
    loop_defer(s.loop, c, &s);
    loop_timer(s.loop, 0, 0, c, &s);
    loop_free(s.loop);
    CHECK_STR(s.text, "ba");
}
