#include "tests/unit/test.h"
#include "core/clock.h"
#include "core/unix_socket.h"
#include "core/wire.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MSG_HELLO = 7, MSG_CLOSE_ME, MSG_FD, MSG_COUNT, MSG_HALF_READ, MSG_GREEDY };

/* One end's memory of what it saw. */
struct end {
    struct wire *wire; /* the last one opened */
    int opened, closed, messages, ordered;
    uint64_t last_request;
    char text[200];
    int fd;
};

struct fx {
    struct loop *loop;
    const char *dir, *path;
    struct wire_server *server;
    struct wire *client;
    struct end at_server, at_client;
};

static void on_open(void *arg, struct wire *w)
{
    struct end *e = arg;

    e->opened++;
    e->wire = w;
}

static void on_close(void *arg, struct wire *w)
{
    struct end *e = arg;

    e->closed++;
    if (e->wire == w)
        e->wire = NULL;
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct end *e = arg;

    e->last_request = in->request_id;
    switch (in->type) {
    case MSG_HELLO:
        wire_get_str(in, e->text, sizeof e->text);
        break;
    case MSG_CLOSE_ME:
        wire_close(w);
        e->wire = NULL;
        break;
    case MSG_FD:
        e->fd = in->fd;
        in->fd = -1;
        break;
    case MSG_COUNT: {
        size_t len;
        if (wire_get_u32(in) == (uint32_t)e->messages)
            e->ordered++;
        wire_get_bytes(in, &len);
        break;
    }
    case MSG_HALF_READ:
        wire_get_u8(in);
        break;
    case MSG_GREEDY:
        wire_get_u64(in);
        break;
    }
    e->messages++;
}

static struct wire_events events(struct end *e)
{
    return (struct wire_events){on_open, on_message, on_close, e};
}

static void listen_now(struct fx *f)
{
    struct err err = ERR_INIT;

    CHECK_OK(wire_listen(&f->server, f->loop, f->path, events(&f->at_server), &err), &err);
}

static void fx_close(void *arg)
{
    struct fx *f = arg;

    wire_close(f->client);
    wire_server_free(f->server);
    loop_free(f->loop);
    free(f);
}

static struct fx *fx_unconnected(struct test *t)
{
    struct fx *f = calloc(1, sizeof *f);
    struct err err = ERR_INIT;

    CHECK(f);
    f->at_server.fd = f->at_client.fd = -1;
    f->dir = test_dir(t);
    f->path = test_path(t, f->dir, "w.sock");
    CHECK_OK(loop_new(&f->loop, &err), &err);
    test_cleanup(t, fx_close, f);
    return f;
}

static struct fx *fx_open(struct test *t)
{
    struct fx *f = fx_unconnected(t);

    listen_now(f);
    f->client = wire_connect(f->loop, f->path, events(&f->at_client));
    CHECK_SOON(f->loop, f->at_client.opened == 1 && f->at_server.opened == 1);
    return f;
}

static void say(struct wire *w, uint64_t request, const char *text)
{
    struct wire_out *o = wire_begin(w, MSG_HELLO, request);

    CHECK(o);
    wire_put_str(o, text);
    CHECK(wire_send(o));
}

TEST(wire, a_frame_arrives_with_its_request_id_and_is_answered)
{
    struct fx *f = fx_open(t);

    say(f->client, 88, "ni hao");
    CHECK_SOON(f->loop, f->at_server.messages == 1);
    CHECK_STR(f->at_server.text, "ni hao");
    CHECK_INT(f->at_server.last_request, 88);
    say(f->at_server.wire, 88, NULL);
    CHECK_SOON(f->loop, f->at_client.messages == 1);
    CHECK_STR(f->at_client.text, "");
}

TEST(wire, every_kind_of_field_comes_out_as_it_went_in)
{
    uint8_t frame[64] = {1, 0, 9, 0, 31, 0, 0, 0, 42};
    struct wire_in in;
    size_t len;

    memcpy(frame + 16, "\x01\x02\x03\x04\x05\x06\x07", 7);
    memset(frame + 23, 0xFF, 8);
    memset(frame + 31, 0x80, 8);
    memcpy(frame + 39, "\x03\0\0\0ab\0", 7);
    frame[4] = 30;
    CHECK(wire_parse(&in, frame, 46));
    CHECK_INT(in.type, 9);
    CHECK_INT(in.request_id, 42);
    CHECK_INT(wire_get_u8(&in), 1);
    CHECK_INT(wire_get_u16(&in), 0x0302);
    CHECK_INT(wire_get_u32(&in), 0x07060504);
    CHECK_INT(wire_get_i64(&in), -1);
    CHECK(wire_get_u64(&in) == UINT64_C(0x8080808080808080));
    CHECK(!wire_end(&in));
    CHECK_MEM(wire_get_bytes(&in, &len), "ab", 3);
    CHECK_INT(len, 3);
    CHECK(wire_end(&in));
    CHECK_INT(wire_get_u8(&in), 0);
    CHECK(!wire_end(&in));
}

TEST(wire, a_string_with_a_zero_byte_or_too_long_is_bad)
{
    uint8_t frame[32] = {1, 0, 9, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'a', 0, 'b'};
    struct wire_in in;
    char text[4], tight[3];

    CHECK(wire_parse(&in, frame, 23));
    wire_get_str(&in, text, sizeof text);
    CHECK(in.bad);
    CHECK_STR(text, "");
    frame[21] = 'x';
    CHECK(wire_parse(&in, frame, 23));
    wire_get_str(&in, tight, sizeof tight);
    CHECK(in.bad);
    CHECK(wire_parse(&in, frame, 23));
    wire_get_str(&in, text, sizeof text);
    CHECK(wire_end(&in));
    CHECK_STR(text, "axb");
}

TEST(wire, frames_of_another_version_or_length_are_not_ours)
{
    uint8_t frame[20] = {1, 0, 9, 0, 4};
    struct wire_in in;

    CHECK(wire_parse(&in, frame, 20));
    CHECK(!wire_parse(&in, frame, 19));
    CHECK(!wire_parse(&in, frame, 15));
    CHECK(!wire_parse(&in, frame, 0));
    frame[0] = 2;
    CHECK(!wire_parse(&in, frame, 20));
}

TEST(wire, a_descriptor_rides_along)
{
    struct fx *f = fx_open(t);
    char buf[8] = "";
    int mem = memfd_create("ring", MFD_CLOEXEC);

    CHECK_INT(write(mem, "shared", 6), 6);
    struct wire_out *o = wire_begin(f->client, MSG_FD, 1);
    wire_put_fd(o, mem);
    close(mem); /* it was duplicated */
    CHECK(wire_send(o));
    CHECK_SOON(f->loop, f->at_server.messages == 1);
    CHECK(f->at_server.fd >= 0);
    CHECK(fcntl(f->at_server.fd, F_GETFD) & FD_CLOEXEC);
    CHECK_INT(pread(f->at_server.fd, buf, 6, 0), 6);
    CHECK_STR(buf, "shared");
    close(f->at_server.fd);
}

static int count_fds(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

TEST(wire, a_descriptor_nobody_takes_is_closed)
{
    struct fx *f = fx_open(t);
    int before = count_fds();
    struct wire_out *o = wire_begin(f->client, MSG_HELLO, 1);

    wire_put_str(o, "with baggage");
    wire_put_fd(o, 0);
    CHECK(wire_send(o));
    CHECK_SOON(f->loop, f->at_server.messages == 1);
    CHECK_INT(count_fds(), before);
}

TEST(wire, a_slow_reader_gets_everything_in_order_and_a_full_queue_says_so)
{
    struct fx *f = fx_open(t);
    static uint8_t filler[60000];
    uint32_t n = 0;
    struct wire_out *o;

    while ((o = wire_begin(f->client, MSG_COUNT, n)) != NULL) {
        wire_put_u32(o, n++);
        wire_put_bytes(o, filler, sizeof filler);
        CHECK(wire_send(o));
        CHECK(n < 1000);
    }
    CHECK(n > WIRE_QUEUE_MAX / 61000);
    CHECK_SOON(f->loop, f->at_server.messages == (int)n);
    CHECK_INT(f->at_server.ordered, n);
    say(f->client, 1, "room again");
    CHECK_SOON(f->loop, f->at_server.messages == (int)n + 1);
}

TEST(wire, a_frame_over_the_limit_is_not_sent_and_one_at_the_limit_is)
{
    struct fx *f = fx_open(t);
    uint8_t *big = calloc(1, WIRE_MAX);
    struct wire_out *o = wire_begin(f->client, MSG_COUNT, 1);

    CHECK(big);
    wire_put_u32(o, 0);
    wire_put_bytes(o, big, WIRE_MAX - 16 - 4 - 4 + 1);
    CHECK(!wire_send(o));
    o = wire_begin(f->client, MSG_COUNT, 1);
    wire_put_u32(o, 0);
    wire_put_bytes(o, big, WIRE_MAX - 16 - 4 - 4);
    CHECK(wire_send(o));
    free(big);
    CHECK_SOON(f->loop, f->at_server.messages == 1);
    CHECK_INT(f->at_server.ordered, 1);
    wire_abandon(wire_begin(f->client, MSG_COUNT, 1));
    wire_abandon(NULL);
}

TEST(wire, a_reader_that_leaves_bytes_or_wants_more_closes_the_connection)
{
    static const uint16_t KINDS[] = {MSG_HALF_READ, MSG_GREEDY};
    struct fx *f = fx_open(t);

    for (int i = 0; i < 2; i++) {
        struct wire_out *o = wire_begin(f->client, KINDS[i], 1);
        wire_put_u32(o, 5);
        CHECK(wire_send(o));
        CHECK_SOON(f->loop, f->at_server.closed == i + 1 && f->at_client.closed == i + 1);
        CHECK_SOON(f->loop, f->at_client.opened == i + 2 && f->at_server.opened == i + 2);
    }
}

TEST(wire, a_client_waits_for_a_server_that_starts_later_and_comes_back_to_one_that_restarts)
{
    struct fx *f = fx_unconnected(t);

    f->client = wire_connect(f->loop, f->path, events(&f->at_client));
    CHECK(!wire_is_open(f->client));
    CHECK(!wire_begin(f->client, MSG_HELLO, 1));
    for (int i = 0; i < 3; i++)
        loop_turn(f->loop, 20);
    listen_now(f);
    CHECK_SOON(f->loop, f->at_client.opened == 1 && f->at_server.opened == 1);
    wire_server_free(f->server);
    CHECK_INT(f->at_server.closed, 1);
    f->server = NULL;
    CHECK_SOON(f->loop, f->at_client.closed == 1);
    listen_now(f);
    CHECK_SOON(f->loop, f->at_client.opened == 2);
    say(f->client, 5, "back");
    CHECK_SOON(f->loop, f->at_server.messages == 1);
}

TEST(wire, either_side_may_close_inside_its_callback)
{
    struct fx *f = fx_open(t);
    struct wire_out *o = wire_begin(f->client, MSG_CLOSE_ME, 1);

    CHECK(wire_send(o));
    CHECK_SOON(f->loop, f->at_client.closed == 1);
    CHECK_INT(f->at_server.closed, 0); /* who closes is not told */
    CHECK_SOON(f->loop, f->at_server.opened == 2);
    o = wire_begin(f->at_server.wire, MSG_CLOSE_ME, 1);
    CHECK(wire_send(o));
    CHECK_SOON(f->loop, f->at_client.wire == NULL);
    f->client = NULL;
    CHECK_SOON(f->loop, f->at_server.closed == 1);
    wire_close(NULL);
}

TEST(wire, sending_to_a_peer_that_vanished_is_told_through_on_close)
{
    struct fx *f = fx_open(t);

    wire_server_free(f->server); /* the client has not looked at its socket yet */
    f->server = NULL;
    struct wire_out *o = wire_begin(f->client, MSG_HELLO, 1);
    wire_put_str(o, "anyone?");
    CHECK(!wire_send(o));
    CHECK_INT(f->at_client.closed, 0);
    CHECK(!wire_is_open(f->client));
    CHECK_SOON(f->loop, f->at_client.closed == 1);
    listen_now(f);
    CHECK_SOON(f->loop, wire_is_open(f->client));
}

TEST(wire, what_is_queued_at_close_is_tried_once)
{
    struct fx *f = fx_open(t);

    say(f->client, 1, "last words");
    wire_close(f->client);
    f->client = NULL;
    CHECK_SOON(f->loop, f->at_server.closed == 1);
    CHECK_STR(f->at_server.text, "last words");
}

TEST(wire, a_connection_carries_the_servers_own_struct)
{
    struct fx *f = fx_open(t);
    int mine = 5;

    wire_set_data(f->at_server.wire, &mine);
    CHECK(wire_data(f->at_server.wire) == &mine);
}

TEST(wire, junk_on_the_socket_ends_that_connection_only)
{
    struct fx *f = fx_open(t);
    struct err err = ERR_INIT;
    char junk[100];
    int fd;

    memset(junk, 0x5A, sizeof junk);
    CHECK_OK(unix_socket_connect(&fd, f->path, SOCK_SEQPACKET, &err), &err);
    CHECK_SOON(f->loop, f->at_server.opened == 2);
    CHECK_INT(send(fd, junk, sizeof junk, 0), sizeof junk);
    CHECK_SOON(f->loop, f->at_server.closed == 1);
    CHECK_INT(recv(fd, junk, sizeof junk, 0), 0);
    close(fd);
    say(f->client, 1, "still here");
    CHECK_SOON(f->loop, f->at_server.messages == 1);
}

/* Both ends do what they like at any moment, in callbacks and between them; the sanitizers watch. */
struct storm {
    struct loop *loop;
    const char *path;
    struct wire_server *server;
    struct wire *clients[4];
    int opened, closed, messages;
};

static void storm_send(struct wire *w)
{
    static const uint8_t bulk[50000];
    struct wire_out *o = wire_begin(w, (uint16_t)(random() % 3), 1);

    if (!o)
        return;
    if (random() % 10 == 0) {
        wire_abandon(o);
        return;
    }
    wire_put_bytes(o, bulk, (size_t)random() % sizeof bulk);
    if (random() % 50 == 0)
        wire_put_u8(o, 1); /* a byte nobody reads: the connection must go */
    if (random() % 5 == 0)
        wire_put_fd(o, 0);
    wire_send(o);
}

/* true when w is gone. */
static bool storm_act(struct storm *s, struct wire *w)
{
    if (random() % 4 == 0)
        storm_send(w);
    if (random() % 40)
        return false;
    for (size_t i = 0; i < 4; i++)
        if (s->clients[i] == w)
            s->clients[i] = NULL;
    wire_close(w);
    return true;
}

static void storm_opened(void *arg, struct wire *w)
{
    struct storm *s = arg;

    s->opened++;
    storm_act(s, w);
}

static void storm_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct storm *s = arg;
    size_t len;

    s->messages++;
    wire_get_bytes(in, &len);
    storm_act(s, w);
}

static void storm_closed(void *arg, struct wire *w)
{
    struct storm *s = arg;

    s->closed++;
    if (random() % 8)
        return;
    for (size_t i = 0; i < 4; i++)
        if (s->clients[i] == w) {
            s->clients[i] = NULL;
            wire_close(w);
        }
}

static void storm_step(struct storm *s)
{
    struct wire_events ev = {storm_opened, storm_message, storm_closed, s};
    struct err err = ERR_INIT;
    size_t i = (size_t)random() % 4;

    if (!s->clients[i])
        s->clients[i] = wire_connect(s->loop, s->path, ev);
    else if (wire_is_open(s->clients[i]))
        storm_send(s->clients[i]);
    if (!s->server)
        CHECK_OK(wire_listen(&s->server, s->loop, s->path, ev, &err), &err);
    else if (random() % 200 == 0) {
        wire_server_free(s->server);
        s->server = NULL;
    }
}

TEST(wire, a_storm_of_opening_sending_and_closing_leaves_nothing_behind)
{
    struct storm s = {.path = test_path(t, test_dir(t), "storm.sock")};
    struct err err = ERR_INIT;
    int before = count_fds();

    srandom(7);
    CHECK_OK(loop_new(&s.loop, &err), &err);
    for (int i = 0; i < 4000; i++) {
        storm_step(&s);
        loop_turn(s.loop, (int)(random() % 2));
    }
    for (size_t i = 0; i < 4; i++)
        wire_close(s.clients[i]);
    wire_server_free(s.server);
    loop_free(s.loop);
    CHECK(s.opened > 50 && s.closed > 20 && s.messages > 500);
    CHECK_INT(count_fds(), before);
}

TEST(wire, another_user_is_refused)
{
    struct fx *f = fx_unconnected(t);
    struct err err = ERR_INIT;
    int status, gate[2];
    char c;
    pid_t pid;

    if (geteuid() != 0)
        skip(); /* only root can be somebody else */
    listen_now(f);
    CHECK_INT(chmod(f->path, 0666), 0);
    CHECK_INT(chmod(f->dir, 0755), 0);
    CHECK_INT(pipe2(gate, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        int fd;
        if (setgid(65534) != 0 || setuid(65534) != 0 ||
            !unix_socket_connect(&fd, f->path, SOCK_SEQPACKET, &err))
            _exit(1);
        close(gate[1]);
        fcntl(fd, F_SETFL, 0);
        _exit(recv(fd, &c, 1, 0) == 0 ? 0 : 2);
    }
    close(gate[1]);
    (void)!read(gate[0], &c, 1); /* until it has connected */
    close(gate[0]);
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, 20);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    CHECK_INT(f->at_server.opened, 0);
}
