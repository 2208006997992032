/* net.c - see net.h. */
#include "media/net.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/mem.h"
#include "media/net_address.h"
#include "media/rtp.h"

#define IN_BYTES    2048 /* longer datagrams are cut by the kernel, seen as MSG_TRUNC and dropped */
#define BATCHES_MAX 16   /* then timers and messages get their turn */

struct net_socket {
    struct net *net;
    int fd;
    struct loop_watch *watch;
};

struct net {
    struct loop *loop;
    struct net_events ev;
    struct net_socket sockets[NET_ADDRESSES_MAX];
    unsigned socket_count;
    uint16_t port;
    struct net_addresses addresses;
    struct net_counts counts;

    struct mmsghdr in[NET_BATCH];
    struct iovec in_iov[NET_BATCH];
    struct addr in_from[NET_BATCH];
    uint8_t (*in_data)[IN_BYTES];

    struct mmsghdr out[NET_SLOTS];
    struct iovec out_iov[NET_SLOTS];
    struct addr out_to[NET_SLOTS];
    uint8_t (*out_data)[NET_SLOT_BYTES];
    unsigned out_count;
};

/* ---- in ---- */

/* With `local` only this machine's own packets count. */
static bool from_here(const struct net *n, const struct addr *from)
{
    for (unsigned i = 0; i < n->addresses.count; i++)
        if (addr_same_host(from, &n->addresses.host[i]))
            return true;
    return false;
}

static void take(struct net *n, unsigned i, uint8_t via)
{
    size_t len = n->in[i].msg_len;

    n->counts.packets_in++;
    n->counts.bytes_in += (int64_t)len;
    n->in_from[i].via = via;
    if (n->addresses.here_only && !from_here(n, &n->in_from[i])) {
        n->counts.foreign++;
        return;
    }
    if (len > RTP_PACKET_MAX || (n->in[i].msg_hdr.msg_flags & MSG_TRUNC)) {
        n->counts.oversize++;
        return;
    }
    n->ev.on_packet(n->ev.arg, n->in_data[i], len, &n->in_from[i]);
}

static void on_readable(void *arg, uint32_t events)
{
    const struct net_socket *s = arg;
    struct net *n = s->net;

    (void)events;
    for (int batch = 0; batch < BATCHES_MAX; batch++) {
        int got;

        for (int i = 0; i < NET_BATCH; i++)
            n->in[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in6);
        got = recvmmsg(s->fd, n->in, NET_BATCH, MSG_DONTWAIT, NULL);
        if (got <= 0)
            return; /* EAGAIN; ICMP errors of one peer are nobody else's business */
        n->ev.on_batch_begin(n->ev.arg);
        for (int i = 0; i < got; i++)
            take(n, (unsigned)i, (uint8_t)(s - n->sockets));
        n->ev.on_batch_end(n->ev.arg);
        net_flush(n);
        if (got < NET_BATCH)
            return;
    }
}

/* ---- out ---- */

uint8_t *net_slot(struct net *n)
{
    if (n->out_count == NET_SLOTS)
        net_flush(n);
    return n->out_data[n->out_count];
}

void net_commit(struct net *n, size_t len, const struct addr *to)
{
    unsigned i = n->out_count++;

    n->out_to[i] = *to;
    n->out_iov[i].iov_len = len;
    n->out[i].msg_hdr.msg_namelen = addr_len(to);
    n->counts.packets_out++;
    n->counts.bytes_out += (int64_t)len;
}

void net_send(struct net *n, const void *data, size_t len, const struct addr *to)
{
    memcpy(net_slot(n), data, len);
    net_commit(n, len, to);
}

/* Slots first .. first+count-1 leave by one socket. UDP: what the kernel will not take is lost, and counted. */
static void send_run(struct net *n, int fd, unsigned first, unsigned count)
{
    while (count) {
        unsigned want = count < NET_BATCH ? count : NET_BATCH;
        int sent = sendmmsg(fd, &n->out[first], want, MSG_DONTWAIT);

        if (sent > 0) {
            first += (unsigned)sent;
            count -= (unsigned)sent;
            continue;
        }
        if (sent < 0 && errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != ENOBUFS) {
            n->counts.dropped_error++; /* this one destination is unreachable; the rest goes on */
            first++;
            count--;
            continue;
        }
        n->counts.dropped_full += count;
        return;
    }
}

void net_flush(struct net *n)
{
    unsigned first = 0;

    while (first < n->out_count) {
        uint8_t via = n->out_to[first].via;
        unsigned end = first + 1;

        while (end < n->out_count && n->out_to[end].via == via)
            end++;
        send_run(n, n->sockets[via].fd, first, end - first);
        first = end;
    }
    n->out_count = 0;
}

/* ---- opening ---- */

static void make_buffers(struct net *n)
{
    for (unsigned i = 0; i < NET_BATCH; i++) {
        n->in_iov[i] = (struct iovec){n->in_data[i], IN_BYTES};
        n->in[i].msg_hdr =
            (struct msghdr){.msg_name = &n->in_from[i].sa, .msg_iov = &n->in_iov[i], .msg_iovlen = 1};
    }
    for (unsigned i = 0; i < NET_SLOTS; i++) {
        n->out_iov[i] = (struct iovec){n->out_data[i], 0};
        n->out[i].msg_hdr =
            (struct msghdr){.msg_name = &n->out_to[i].sa, .msg_iov = &n->out_iov[i], .msg_iovlen = 1};
    }
}

static void ask_buffers(int fd, int bytes)
{
    /* FORCE needs CAP_NET_ADMIN; without it the system's maximum is what we get. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static bool bind_one(struct net *n, const struct addr *host, const struct net_config *cfg, struct err *err)
{
    struct net_socket *s = &n->sockets[n->socket_count];
    struct addr at = *host;
    socklen_t len = sizeof(struct sockaddr_in6);
    char text[ADDR_TEXT];
    int on = 1;

    *(at.sa.sa_family == AF_INET6 ? &at.in6.sin6_port : &at.in4.sin_port) = htons(n->port);
    s->net = n;
    s->fd = socket(at.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0)
        return err_errno(err, "socket");
    if (at.sa.sa_family == AF_INET6)
        setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    ask_buffers(s->fd, (int)cfg->buffer_bytes);
    if (bind(s->fd, &at.sa, addr_len(&at)) < 0 || getsockname(s->fd, &at.sa, &len) < 0) {
        err_errno(err, "bind");
        err_add(err, "media port %s", addr_text(&at, text));
        close(s->fd);
        return false;
    }
    n->port = addr_port(&at); /* 0 asked for any: the others take the same */
    s->watch = loop_watch(n->loop, s->fd, EPOLLIN, on_readable, s);
    n->socket_count++;
    return true;
}

static bool bind_all(struct net *n, const struct net_config *cfg, struct err *err)
{
    struct net_addresses at = {0};

    if (!net_addresses_read(&n->addresses, cfg->addresses, err) ||
        !net_addresses_read(&at, *cfg->bind ? cfg->bind : cfg->addresses, err))
        return false;
    for (unsigned i = 0; i < at.count; i++)
        if (!bind_one(n, &at.host[i], cfg, err))
            return false;
    return true;
}

bool net_open(struct net **out, struct loop *l, const struct net_config *cfg, struct net_events ev,
              struct err *err)
{
    struct net *n = mem_new(sizeof(*n));

    n->loop = l;
    n->ev = ev;
    n->port = cfg->port;
    n->in_data = mem_new(sizeof(*n->in_data) * NET_BATCH);
    n->out_data = mem_new(sizeof(*n->out_data) * NET_SLOTS);
    make_buffers(n);
    if (!bind_all(n, cfg, err)) {
        net_close(n);
        return false;
    }
    *out = n;
    return true;
}

void net_close(struct net *n)
{
    if (!n)
        return;
    for (unsigned i = 0; i < n->socket_count; i++) {
        loop_unwatch(n->sockets[i].watch);
        close(n->sockets[i].fd);
    }
    free(n->in_data);
    free(n->out_data);
    free(n);
}

uint16_t net_port(const struct net *n)
{
    return n->port;
}

const char *const *net_addresses(const struct net *n)
{
    return n->addresses.list;
}

const struct net_counts *net_counts(const struct net *n)
{
    return &n->counts;
}
