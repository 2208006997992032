#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/clock.h"
#include "forward.h"
#include "relay.h"

#define CHUNK 16384
#define IN_FLIGHT_MAX                                                                                        \
    (256 * 1024) /* more than this between the two ends: stop reading, as a full window would */

struct stream;

struct end { /* one of the two sockets of a stream; [0] client, [1] target */
    struct stream *stream;
    int fd;
    struct loop_watch *watch;
    struct line *line; /* what was read here and goes to the other end */
    bool read_over;    /* end of stream read */
    bool write_over;   /* end of stream passed on to this socket */
    bool wants_out;    /* its kernel buffer is full */
};

struct stream {
    struct tcp_forward *forward;
    struct stream *next;
    struct end end[2];
    bool connecting, dead;
};

struct tcp_forward {
    struct forward_link *link;
    struct sockaddr_in target;
    int fd;
    struct loop_watch *watch;
    struct stream *streams;
    int stream_count;
    bool dark, sweeping;
};

static void on_end(void *arg, uint32_t events);

static struct end *other(struct end *e)
{
    return &e->stream->end[e == &e->stream->end[0]];
}

static enum relay_direction way_of(const struct end *e)
{
    return e == &e->stream->end[0] ? RELAY_UP : RELAY_DOWN;
}

static uint32_t wanted(struct end *e)
{
    uint32_t events = 0;

    if (e->stream->connecting)
        return way_of(e) == RELAY_DOWN ? EPOLLOUT : 0;
    if (!e->read_over && line_bytes(e->line) < IN_FLIGHT_MAX)
        events |= EPOLLIN;
    if (e->wants_out)
        events |= EPOLLOUT;
    return events;
}

/* A hang-up is reported whether asked for or not, so a socket with nothing to do is not watched at all. */
static void watch_again(struct end *e)
{
    bool dark = e->stream->forward->dark;
    uint32_t events = dark || e->stream->dead ? 0 : wanted(e);

    if (events && !e->watch)
        e->watch = loop_watch(e->stream->forward->link->loop, e->fd, events, on_end, e);
    else if (events)
        loop_watch_set(e->watch, events);
    else {
        loop_unwatch(e->watch);
        e->watch = NULL;
    }
}

static void stream_free(struct stream *s)
{
    for (int i = 0; i < 2; i++) {
        loop_unwatch(s->end[i].watch);
        line_free(s->end[i].line);
        close(s->end[i].fd);
    }
    s->forward->stream_count--;
    free(s);
}

static void sweep(void *arg)
{
    struct tcp_forward *f = arg;
    struct stream **at = &f->streams;

    f->sweeping = false;
    while (*at) {
        struct stream *s = *at;

        if (!s->dead) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        stream_free(s);
    }
}

/* Freed at the end of the turn: a delay line may be delivering for this stream right now. */
static void stream_end(struct stream *s, bool reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (s->dead)
        return;
    s->dead = true;
    for (int i = 0; i < 2; i++) {
        if (reset)
            setsockopt(s->end[i].fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        line_hold(s->end[i].line, true);
        watch_again(&s->end[i]);
    }
    if (!s->forward->sweeping) {
        s->forward->sweeping = true;
        loop_defer(s->forward->link->loop, sweep, s->forward);
    }
}

/* arg is the end the bytes were read from; they go to the other one. */
static bool deliver(void *arg, struct parcel *p)
{
    struct end *from = arg, *to = other(from);

    while (p->at < p->len) {
        ssize_t n = send(to->fd, p->data + p->at, p->len - p->at, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            to->wants_out = true;
            watch_again(to);
            return false;
        }
        if (n < 0) {
            stream_end(from->stream, true);
            return false;
        }
        p->at += (size_t)n;
    }
    if (p->len == 0) {
        shutdown(to->fd, SHUT_WR);
        to->write_over = true;
        if (from->write_over)
            stream_end(from->stream, false);
    }
    watch_again(from);
    return true;
}

static void read_from(struct end *e)
{
    struct shape *shape = &e->stream->forward->link->shape[way_of(e)];
    uint8_t buf[CHUNK];
    ssize_t n = recv(e->fd, buf, sizeof buf, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0) {
        stream_end(e->stream, true);
        return;
    }
    if (n == 0)
        e->read_over = true;
    line_put(e->line, buf, (size_t)n, NULL, shape_stream(shape, (size_t)n, clock_mono_us()));
    watch_again(e);
}

static void on_connected(struct stream *s)
{
    int error = 0;
    socklen_t len = sizeof error;

    getsockopt(s->end[1].fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error) {
        stream_end(s, true);
        return;
    }
    s->connecting = false;
    watch_again(&s->end[0]);
    watch_again(&s->end[1]);
}

static void on_end(void *arg, uint32_t events)
{
    struct end *e = arg;

    if (e->stream->connecting) {
        on_connected(e->stream);
        return;
    }
    if (events & EPOLLOUT) {
        e->wants_out = false;
        line_kick(other(e)->line);
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP) && !e->stream->dead && !e->read_over)
        read_from(e);
    else if (events & EPOLLERR)
        stream_end(e->stream, true);
    else
        watch_again(e);
}

static void stream_new(struct tcp_forward *f, int client)
{
    struct stream *s = calloc(1, sizeof *s);
    int target = -1;

    assert(s);
    if (!forward_socket(&target, SOCK_STREAM, 0, NULL, NULL) ||
        (connect(target, (struct sockaddr *)&f->target, sizeof f->target) != 0 && errno != EINPROGRESS)) {
        if (target >= 0)
            close(target);
        close(client);
        free(s);
        return;
    }
    *s = (struct stream){.forward = f, .next = f->streams, .connecting = true};
    for (int i = 0; i < 2; i++) {
        s->end[i] = (struct end){.stream = s, .fd = i ? target : client};
        s->end[i].line = line_new(f->link->loop, deliver, &s->end[i]);
    }
    f->streams = s;
    f->stream_count++;
    watch_again(&s->end[1]);
}

static void on_listen(void *arg, uint32_t events)
{
    struct tcp_forward *f = arg;
    int client = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (client >= 0)
        stream_new(f, client);
}

bool tcp_forward_new(struct tcp_forward **out, struct forward_link *link, uint16_t port,
                     struct sockaddr_in target, uint16_t *bound, struct err *err)
{
    struct tcp_forward *f = calloc(1, sizeof *f);

    assert(f);
    f->link = link;
    f->target = target;
    if (!forward_socket(&f->fd, SOCK_STREAM, port, bound, err)) {
        free(f);
        return false;
    }
    if (listen(f->fd, 128) != 0) {
        close(f->fd);
        free(f);
        return err_errno(err, "listen");
    }
    f->watch = loop_watch(link->loop, f->fd, EPOLLIN, on_listen, f);
    *out = f;
    return true;
}

void tcp_forward_free(struct tcp_forward *f)
{
    if (!f)
        return;
    while (f->streams) {
        struct stream *s = f->streams;

        f->streams = s->next;
        stream_free(s);
    }
    loop_undefer(f->link->loop, sweep, f);
    loop_unwatch(f->watch);
    close(f->fd);
    free(f);
}

void tcp_forward_cut(struct tcp_forward *f)
{
    for (struct stream *s = f->streams; s; s = s->next)
        stream_end(s, true);
}

/* In the dark nothing is read, written or accepted: bytes wait in the kernel as they would for a
 * retransmission. */
void tcp_forward_dark(struct tcp_forward *f, bool dark)
{
    f->dark = dark;
    loop_watch_set(f->watch, dark ? 0 : EPOLLIN);
    for (struct stream *s = f->streams; s; s = s->next)
        for (int i = 0; i < 2; i++) {
            line_hold(s->end[i].line, dark || s->dead);
            watch_again(&s->end[i]);
        }
}

int tcp_forward_streams(const struct tcp_forward *f)
{
    return f->stream_count;
}
