#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/clock.h"
#include "tests/load/netlab/relay.h"
#include "tests/unit/test.h"

struct fx { /* a relay between a client socket and a server socket, all on one loop */
    struct loop *loop;
    struct relay *relay;
    int client, server, accepted;
    uint16_t port;
    struct sockaddr_in from;
    char got[64];
};

static void fx_close(void *arg)
{
    struct fx *f = arg;

    relay_free(f->relay);
    loop_free(f->loop);
    close(f->client);
    close(f->server);
    if (f->accepted >= 0)
        close(f->accepted);
    free(f);
}

static int bound_socket(int type, uint16_t *port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

    CHECK_INT(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    *port = ntohs(addr.sin_port);
    return fd;
}

static void connect_to(int fd, uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0 || errno == EINPROGRESS);
}

static struct fx *fx_open(struct test *t, int type)
{
    struct fx *f = calloc(1, sizeof *f);
    struct err err = ERR_INIT;
    uint16_t server_port, client_port;
    char spec[64];

    CHECK(f);
    f->accepted = -1;
    test_cleanup(t, fx_close, f);
    CHECK_OK(loop_new(&f->loop, &err), &err);
    CHECK_OK(relay_new(&f->relay, f->loop, 1, &err), &err);
    f->server = bound_socket(type, &server_port);
    f->client = bound_socket(type, &client_port);
    snprintf(spec, sizeof spec, "0=127.0.0.1:%u", server_port);
    if (type == SOCK_STREAM)
        CHECK_INT(listen(f->server, 4), 0);
    CHECK_OK((type == SOCK_DGRAM ? relay_udp : relay_tcp)(f->relay, spec, &f->port, &err), &err);
    connect_to(f->client, f->port);
    return f;
}

static bool accepts(struct fx *f)
{
    int64_t deadline_us = test_deadline_us(5000);

    while ((f->accepted = accept(f->server, NULL, NULL)) < 0 && test_turn(f->loop, deadline_us))
        ;
    return f->accepted >= 0;
}

static void command(struct fx *f, const char *line)
{
    char answer[1024];
    struct err err = ERR_INIT;

    CHECK_OK(relay_command(f->relay, line, answer, sizeof answer, &err), &err);
}

/* What comes out of fd next: its length, 0 at the end of a stream, -1 for an error other than "nothing yet".
 */
static ssize_t next_from(struct fx *f, int fd)
{
    int64_t deadline_us = test_deadline_us(5000);
    socklen_t len = sizeof f->from;
    ssize_t n;

    memset(f->got, 0, sizeof f->got);
    while ((n = recvfrom(fd, f->got, sizeof f->got - 1, MSG_DONTWAIT, (void *)&f->from, &len)) < 0 &&
           errno == EAGAIN && test_turn(f->loop, deadline_us))
        ;
    return n;
}

static bool receives(struct fx *f, int fd, const char *text)
{
    return next_from(f, fd) > 0 && strcmp(f->got, text) == 0;
}

static bool has_nothing(struct fx *f, int fd, int64_t for_ms)
{
    int64_t until_us = clock_mono_us() + for_ms * US_PER_MS;

    while (clock_mono_us() < until_us)
        loop_turn(f->loop, 5);
    return recv(fd, f->got, sizeof f->got, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

TEST(relay, carries_datagrams_both_ways)
{
    struct fx *f = fx_open(t, SOCK_DGRAM);

    CHECK_INT(send(f->client, "ping", 4, 0), 4);
    CHECK(receives(f, f->server, "ping"));
    CHECK_INT(sendto(f->server, "pong!", 5, 0, (void *)&f->from, sizeof f->from), 5);
    CHECK(receives(f, f->client, "pong!"));
}

TEST(relay, drops_datagrams_in_the_dark_and_carries_on_afterwards)
{
    struct fx *f = fx_open(t, SOCK_DGRAM);

    command(f, "drop on");
    CHECK_INT(send(f->client, "lost", 4, 0), 4);
    CHECK(has_nothing(f, f->server, 50));
    command(f, "drop off");
    CHECK_INT(send(f->client, "seen", 4, 0), 4);
    CHECK(receives(f, f->server, "seen"));
}

TEST(relay, delays_one_direction_when_asked_for_one)
{
    int64_t sent_us;
    struct fx *f = fx_open(t, SOCK_DGRAM);

    command(f, "up delay 60");
    sent_us = clock_mono_us();
    CHECK_INT(send(f->client, "slow", 4, 0), 4);
    CHECK(receives(f, f->server, "slow"));
    CHECK(clock_mono_us() - sent_us >= 60 * US_PER_MS);
}

static uint16_t source_port(struct fx *f, const char *text)
{
    CHECK_INT(send(f->client, text, strlen(text), 0), strlen(text));
    CHECK(receives(f, f->server, text));
    return ntohs(f->from.sin_port);
}

TEST(relay, rebind_shows_the_target_another_source_port)
{
    uint16_t before, after;
    struct fx *f = fx_open(t, SOCK_DGRAM);

    before = source_port(f, "one");
    command(f, "rebind");
    after = source_port(f, "two");
    CHECK(before != after);
}

TEST(relay, stalls_a_stream_in_the_dark_and_loses_no_byte)
{
    struct fx *f = fx_open(t, SOCK_STREAM);

    CHECK(accepts(f));
    CHECK_INT(send(f->client, "one", 3, 0), 3);
    CHECK(receives(f, f->accepted, "one"));
    command(f, "drop on");
    CHECK_INT(send(f->client, "two", 3, 0), 3);
    CHECK(has_nothing(f, f->accepted, 50));
    command(f, "drop off");
    CHECK(receives(f, f->accepted, "two"));
    CHECK_INT(send(f->accepted, "back", 4, 0), 4);
    CHECK(receives(f, f->client, "back"));
}

TEST(relay, passes_on_the_end_of_a_stream)
{
    struct fx *f = fx_open(t, SOCK_STREAM);

    CHECK(accepts(f));
    CHECK_INT(send(f->client, "bye", 3, 0), 3);
    shutdown(f->client, SHUT_WR);
    CHECK(receives(f, f->accepted, "bye"));
    CHECK_INT(next_from(f, f->accepted), 0);
    shutdown(f->accepted, SHUT_WR);
    CHECK_INT(next_from(f, f->client), 0);
}

TEST(relay, cut_resets_a_stream)
{
    struct fx *f = fx_open(t, SOCK_STREAM);

    CHECK(accepts(f));
    command(f, "cut");
    CHECK(next_from(f, f->client) < 0 && errno == ECONNRESET);
}

TEST(relay, refuses_what_it_does_not_understand)
{
    char answer[256];
    uint16_t port;
    struct err err = ERR_INIT;
    struct fx *f = fx_open(t, SOCK_DGRAM);

    CHECK_ERR(relay_command(f->relay, "explode", answer, sizeof answer, &err), &err, ERR_INVALID,
              "command_unknown");
    CHECK_ERR(relay_command(f->relay, "loss 101", answer, sizeof answer, &err), &err, ERR_INVALID,
              "command_invalid");
    CHECK_ERR(relay_command(f->relay, "drop", answer, sizeof answer, &err), &err, ERR_INVALID,
              "command_invalid");
    CHECK_ERR(relay_command(f->relay, "", answer, sizeof answer, &err), &err, ERR_INVALID, "command_unknown");
    CHECK_ERR(relay_udp(f->relay, "0=nowhere:1", &port, &err), &err, ERR_INVALID, "forward_invalid");
    CHECK_ERR(relay_udp(f->relay, "0=127.0.0.1:70000", &port, &err), &err, ERR_INVALID, "forward_invalid");
}
