#include "core/wire_frame.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/unix_socket.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAMES_PER_EVENT 32 /* then the other sockets of the loop have their turn */
#define RETRY_MIN_US     (100 * US_PER_MS)
#define RETRY_MAX_US     (2 * US_PER_S)
#define ACCEPT_PAUSE_US  (100 * US_PER_MS)
#define SOCKET_BUFFER    (4 * WIRE_MAX)

struct wire {
    struct loop *loop;
    struct wire_server *server; /* NULL on the client side */
    struct wire *prev, *next;   /* the server's list */
    struct wire_events ev;
    char *path;  /* client: where to connect */
    int fd;      /* -1: not connected */
    bool busy;   /* inside a callback of this wire: freeing waits for its return */
    bool gone;   /* wire_close()d, or a server's connection that ended */
    bool failed; /* sending found the peer away; the drop is on its way */
    struct loop_watch *watch;
    struct loop_timer *retry;
    int64_t retry_us;
    struct wire_out *queue, **queue_end;
    size_t queued; /* bytes */
    uint8_t *buf;  /* WIRE_MAX, for the frame being received */
    void *data;
};

struct wire_server {
    struct loop *loop;
    struct wire_events ev;
    struct wire *wires;
    struct loop_watch *watch;
    struct loop_timer *pause;
    char *path;
    int fd;
};

static void on_socket(void *arg, uint32_t events);

/* --- life of a connection --- */

static struct wire *wire_new(struct loop *l, struct wire_events ev)
{
    struct wire *w = mem_new(sizeof *w);

    w->loop = l;
    w->ev = ev;
    w->fd = -1;
    w->queue_end = &w->queue;
    return w;
}

static void drop_queue(struct wire *w)
{
    while (w->queue) {
        struct wire_out *o = w->queue;
        w->queue = o->next;
        wire_frame_free(o);
    }
    w->queue_end = &w->queue;
    w->queued = 0;
}

static void disconnect(struct wire *w)
{
    loop_unwatch(w->watch);
    w->watch = NULL;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    w->failed = false;
    drop_queue(w);
}

static void unlink_from_server(struct wire *w)
{
    if (!w->server)
        return;
    if (w->prev)
        w->prev->next = w->next;
    else
        w->server->wires = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->server = NULL;
}

static void on_failed(void *arg);

static void wire_free(struct wire *w)
{
    loop_undefer(w->loop, on_failed, w);
    disconnect(w);
    unlink_from_server(w);
    loop_untimer(w->retry);
    free(w->buf);
    free(w->path);
    free(w);
}

/* Call back with the wire pinned: whoever closes it meanwhile leaves the freeing to the outermost caller. */
static void call(struct wire *w, void (*fn)(void *arg, struct wire *w))
{
    bool outer = w->busy;

    w->busy = true;
    if (fn)
        fn(w->ev.arg, w);
    w->busy = outer;
    if (w->gone && !w->busy)
        wire_free(w);
}

/* The peer is away or has misbehaved. A server's connection ends here; a client begins again. */
static void drop(struct wire *w)
{
    disconnect(w);
    if (w->server) {
        w->gone = true;
        call(w, w->ev.on_close);
        return;
    }
    loop_timer_set(w->retry, w->retry_us, 0);
    call(w, w->ev.on_close);
}

static void on_failed(void *arg)
{
    struct wire *w = arg;

    if (w->failed)
        drop(w);
}

static bool peer_is_ours(int fd)
{
    struct ucred cred;
    socklen_t len = sizeof cred;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return false;
    return cred.uid == geteuid() || cred.uid == 0;
}

/* Takes fd. */
static void attach(struct wire *w, int fd)
{
    int size = SOCKET_BUFFER;

    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    w->fd = fd;
    w->failed = false;
    if (!w->buf)
        w->buf = mem_grow(NULL, WIRE_MAX);
    w->watch = loop_watch(w->loop, fd, EPOLLIN, on_socket, w);
    call(w, w->ev.on_open);
}

void wire_set_data(struct wire *w, void *data)
{
    w->data = data;
}

void *wire_data(const struct wire *w)
{
    return w->data;
}

bool wire_is_open(const struct wire *w)
{
    return w && w->fd >= 0 && !w->failed && !w->gone;
}

/* --- sending --- */

/* 1: sent, 0: not now, -1: the peer is away. */
static int transmit(struct wire *w, const struct wire_out *o)
{
    struct iovec iov = {.iov_base = o->data, .iov_len = o->len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};

    if (o->fd >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &o->fd, sizeof(int));
    }
    for (;;) {
        if (sendmsg(w->fd, &msg, MSG_NOSIGNAL) >= 0)
            return 1;
        if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
            return 0;
        if (errno != EINTR)
            return -1;
    }
}

/* false: the peer is away. */
static bool flush(struct wire *w)
{
    while (w->queue) {
        struct wire_out *o = w->queue;
        int sent = transmit(w, o);
        if (sent <= 0)
            return sent == 0;
        w->queued -= o->len;
        w->queue = o->next;
        if (!w->queue)
            w->queue_end = &w->queue;
        wire_frame_free(o);
    }
    loop_watch_set(w->watch, EPOLLIN);
    return true;
}

struct wire_out *wire_begin(struct wire *w, uint16_t type, uint64_t request_id)
{
    if (!wire_is_open(w) || w->queued >= WIRE_QUEUE_MAX)
        return NULL;
    return wire_frame_new(w, type, request_id);
}

bool wire_send(struct wire_out *o)
{
    struct wire *w = o->wire;

    if (!wire_frame_seal(o)) {
        log_error("wire_frame_too_long", LI("type", o->data[2] | o->data[3] << 8));
        wire_frame_free(o);
        return false;
    }
    if (!wire_is_open(w)) {
        wire_frame_free(o);
        return false;
    }
    int sent = w->queue ? 0 : transmit(w, o);
    if (sent == 0) {
        if (!w->queue)
            loop_watch_set(w->watch, EPOLLIN | EPOLLOUT);
        *w->queue_end = o;
        w->queue_end = &o->next;
        w->queued += o->len;
        return true;
    }
    wire_frame_free(o);
    if (sent < 0) { /* the caller hears it through on_close, from the loop */
        w->failed = true;
        loop_defer(w->loop, on_failed, w);
    }
    return sent > 0;
}

/* --- receiving --- */

/* At most one descriptor is ours to take; any more are closed, which makes the frame a bad one. */
static bool take_fds(struct msghdr *msg, int *out_fd)
{
    bool good = !(msg->msg_flags & MSG_CTRUNC);

    *out_fd = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (*out_fd < 0) {
                *out_fd = fd;
            } else {
                close(fd);
                good = false;
            }
        }
    }
    return good;
}

static bool protocol_error(const struct wire *w, unsigned type, const char *why)
{
    log_error("wire_protocol_error", LI("type", type), LS("why", why),
              LS("side", w->server ? "server" : "client"));
    return false;
}

enum received { FRAME, NOTHING, ENDED };

static enum received receive(struct wire *w, struct wire_in *in)
{
    struct iovec iov = {.iov_base = w->buf, .iov_len = WIRE_MAX};
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(w->fd, &msg, MSG_CMSG_CLOEXEC);
    int fd;

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? NOTHING : ENDED;
    bool good = take_fds(&msg, &fd) && !(msg.msg_flags & MSG_TRUNC);
    if (n > 0 && good && wire_parse(in, w->buf, (size_t)n)) {
        in->fd = fd;
        return FRAME;
    }
    if (fd >= 0)
        close(fd);
    if (n > 0) /* an empty packet is the end of the stream */
        protocol_error(w, 0, "not a frame of this version");
    return ENDED;
}

/* false: the wire has ended, or was freed by the callback. */
static bool deliver(struct wire *w, struct wire_in *in)
{
    w->busy = true;
    if (w->ev.on_message)
        w->ev.on_message(w->ev.arg, w, in);
    w->busy = false;
    if (in->fd >= 0)
        close(in->fd);
    if (w->gone) {
        wire_free(w);
        return false;
    }
    if (wire_end(in))
        return true;
    protocol_error(w, in->type, in->bad ? "shorter than its reader expects" : "bytes left over");
    drop(w);
    return false;
}

static void on_socket(void *arg, uint32_t events)
{
    struct wire *w = arg;
    struct wire_in in;

    if ((events & EPOLLOUT) && !flush(w)) {
        drop(w);
        return;
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    for (int i = 0; i < FRAMES_PER_EVENT; i++) {
        switch (receive(w, &in)) {
        case NOTHING:
            return;
        case ENDED:
            drop(w);
            return;
        case FRAME:
            if (!deliver(w, &in))
                return;
        }
    }
}

/* --- client --- */

static void try_connect(void *arg)
{
    struct wire *w = arg;
    int fd;

    if (!unix_socket_connect(&fd, w->path, SOCK_SEQPACKET, NULL)) {
        w->retry_us = 2 * w->retry_us < RETRY_MAX_US ? 2 * w->retry_us : RETRY_MAX_US;
        loop_timer_set(w->retry, w->retry_us, 0);
        return;
    }
    if (!peer_is_ours(fd)) {
        log_error("wire_peer_refused", LS("path", w->path));
        close(fd);
        loop_timer_set(w->retry, RETRY_MAX_US, 0);
        return;
    }
    w->retry_us = RETRY_MIN_US;
    attach(w, fd);
}

struct wire *wire_connect(struct loop *l, const char *path, struct wire_events ev)
{
    struct wire *w = wire_new(l, ev);

    w->path = mem_str(path);
    w->retry_us = RETRY_MIN_US / 2;
    w->retry = loop_timer(l, 0, 0, try_connect, w);
    return w;
}

void wire_close(struct wire *w)
{
    if (!w)
        return;
    if (w->fd >= 0 && !w->failed)
        flush(w);
    disconnect(w);
    w->gone = true;
    if (!w->busy)
        wire_free(w);
}

/* --- server --- */

static void accept_again(void *arg)
{
    struct wire_server *s = arg;

    loop_watch_set(s->watch, EPOLLIN);
}

static void on_listener(void *arg, uint32_t events)
{
    struct wire_server *s = arg;
    struct wire *w;
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd < 0) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return;
        /* Out of descriptors: the listener stays readable and would spin. */
        log_error("wire_accept_failed", LS("why", strerror(errno)));
        loop_watch_set(s->watch, 0);
        loop_untimer(s->pause);
        s->pause = loop_timer(s->loop, ACCEPT_PAUSE_US, 0, accept_again, s);
        return;
    }
    if (!peer_is_ours(fd)) {
        log_warn("wire_peer_refused", LS("path", s->path));
        close(fd);
        return;
    }
    w = wire_new(s->loop, s->ev);
    w->server = s;
    w->next = s->wires;
    if (s->wires)
        s->wires->prev = w;
    s->wires = w;
    attach(w, fd);
}

bool wire_listen(struct wire_server **out, struct loop *l, const char *path, struct wire_events ev,
                 struct err *err)
{
    struct wire_server *s;
    int fd;

    if (!unix_socket_listen(&fd, path, SOCK_SEQPACKET, err))
        return false;
    s = mem_new(sizeof *s);
    *s = (struct wire_server){.loop = l, .ev = ev, .fd = fd, .path = mem_str(path)};
    s->watch = loop_watch(l, fd, EPOLLIN, on_listener, s);
    *out = s;
    return true;
}

void wire_server_free(struct wire_server *s)
{
    if (!s)
        return;
    while (s->wires) { /* on_close() may close others of the list meanwhile */
        struct wire *w = s->wires;
        s->wires = w->next;
        if (w->next)
            w->next->prev = NULL;
        w->server = NULL;
        if (w->fd >= 0 && !w->failed)
            flush(w);
        disconnect(w);
        w->gone = true;
        call(w, w->ev.on_close);
    }
    loop_untimer(s->pause);
    loop_unwatch(s->watch);
    close(s->fd);
    unlink(s->path);
    free(s->path);
    free(s);
}
