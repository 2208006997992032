/* net.c - see net.h. */
#include "media/net.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/log.h"
#include "media/rtp.h"

#define IN_BYTES    2048 /* longer datagrams are cut by the kernel, seen as MSG_TRUNC and dropped */
#define BATCHES_MAX 16   /* then timers and messages get their turn */

struct net {
    struct loop *loop;
    struct net_events ev;
    int fd4, fd6;
    struct loop_watch *watch4, *watch6;
    uint16_t port;
    char text[NET_ADDRESSES_MAX][INET6_ADDRSTRLEN];
    const char *addresses[NET_ADDRESSES_MAX + 1];
    struct net_counts counts;

    struct mmsghdr in[NET_BATCH];
    struct iovec in_iov[NET_BATCH];
    union addr in_from[NET_BATCH];
    uint8_t (*in_data)[IN_BYTES];

    struct mmsghdr out[NET_SLOTS];
    struct iovec out_iov[NET_SLOTS];
    union addr out_to[NET_SLOTS];
    uint8_t (*out_data)[NET_SLOT_BYTES];
    unsigned out_count;
};

/* ---- in ---- */

static void take(struct net *n, unsigned i)
{
    size_t len = n->in[i].msg_len;

    n->counts.packets_in++;
    n->counts.bytes_in += (int64_t)len;
    if (len > RTP_PACKET_MAX || (n->in[i].msg_hdr.msg_flags & MSG_TRUNC)) {
        n->counts.oversize++;
        return;
    }
    n->ev.on_packet(n->ev.arg, n->in_data[i], len, &n->in_from[i]);
}

static void readable(struct net *n, int fd)
{
    for (int batch = 0; batch < BATCHES_MAX; batch++) {
        int got;

        for (int i = 0; i < NET_BATCH; i++)
            n->in[i].msg_hdr.msg_namelen = sizeof(union addr);
        got = recvmmsg(fd, n->in, NET_BATCH, MSG_DONTWAIT, NULL);
        if (got <= 0)
            return; /* EAGAIN; ICMP errors of one peer are nobody else's business */
        n->ev.on_batch_begin(n->ev.arg);
        for (int i = 0; i < got; i++)
            take(n, (unsigned)i);
        n->ev.on_batch_end(n->ev.arg);
        net_flush(n);
        if (got < NET_BATCH)
            return;
    }
}

static void on_readable4(void *arg, uint32_t events)
{
    (void)events;
    readable(arg, ((struct net *)arg)->fd4);
}

static void on_readable6(void *arg, uint32_t events)
{
    (void)events;
    readable(arg, ((struct net *)arg)->fd6);
}

/* ---- out ---- */

uint8_t *net_slot(struct net *n)
{
    if (n->out_count == NET_SLOTS)
        net_flush(n);
    return n->out_data[n->out_count];
}

void net_commit(struct net *n, size_t len, const union addr *to)
{
    unsigned i = n->out_count++;

    n->out_to[i] = *to;
    n->out_iov[i].iov_len = len;
    n->out[i].msg_hdr.msg_namelen = addr_len(to);
    n->counts.packets_out++;
    n->counts.bytes_out += (int64_t)len;
}

void net_send(struct net *n, const void *data, size_t len, const union addr *to)
{
    memcpy(net_slot(n), data, len);
    net_commit(n, len, to);
}

/* Slots first .. first+count-1 go to one family. UDP: what the kernel will not take is lost, and counted. */
static void send_run(struct net *n, int fd, unsigned first, unsigned count)
{
    while (count) {
        unsigned want = count < NET_BATCH ? count : NET_BATCH;
        int sent = fd < 0 ? 0 : sendmmsg(fd, &n->out[first], want, MSG_DONTWAIT);

        if (sent > 0) {
            first += (unsigned)sent;
            count -= (unsigned)sent;
            continue;
        }
        if (sent < 0 && errno == EINTR)
            continue;
        if (fd < 0 || (errno != EAGAIN && errno != ENOBUFS)) {
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
        sa_family_t family = n->out_to[first].sa.sa_family;
        unsigned end = first + 1;

        while (end < n->out_count && n->out_to[end].sa.sa_family == family)
            end++;
        send_run(n, family == AF_INET6 ? n->fd6 : n->fd4, first, end - first);
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
            (struct msghdr){.msg_name = &n->in_from[i], .msg_iov = &n->in_iov[i], .msg_iovlen = 1};
    }
    for (unsigned i = 0; i < NET_SLOTS; i++) {
        n->out_iov[i] = (struct iovec){n->out_data[i], 0};
        n->out[i].msg_hdr =
            (struct msghdr){.msg_name = &n->out_to[i], .msg_iov = &n->out_iov[i], .msg_iovlen = 1};
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

static bool bind_one(struct net *n, int *out, union addr *at, const struct net_config *cfg, struct err *err)
{
    int fd = socket(at->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    socklen_t len = sizeof(*at);
    char text[ADDR_TEXT];

    if (fd < 0)
        return err_errno(err, "socket");
    if (at->sa.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    ask_buffers(fd, (int)cfg->buffer_bytes);
    if (bind(fd, &at->sa, addr_len(at)) < 0 || getsockname(fd, &at->sa, &len) < 0) {
        err_errno(err, "bind");
        err_add(err, "media port %s", addr_text(at, text));
        close(fd);
        return false;
    }
    n->port = addr_port(at);
    *out = fd;
    return true;
}

static bool read_addresses(struct net *n, const char *list, struct err *err)
{
    unsigned count = 0;

    while (*list) {
        size_t len = strcspn(list, ",");
        union addr a;

        if (len && (count == NET_ADDRESSES_MAX || len >= INET6_ADDRSTRLEN))
            return err_set(err, ERR_INVALID, "setting_invalid", "media.address: too many or too long");
        if (len) {
            memcpy(n->text[count], list, len);
            if (!addr_parse(n->text[count], 0, &a))
                return err_set(err, ERR_INVALID, "setting_invalid",
                               "media.address: '%s' is not an IP address", n->text[count]);
            n->addresses[count] = n->text[count];
            count++;
        }
        list += len + (list[len] == ',');
    }
    return count > 0 || err_set(err, ERR_INVALID, "setting_invalid", "media.address is empty");
}

/* The one listed address of a family; any when there are several (their interfaces decide), none when there
 * is none. */
static bool listen_address(const struct net *n, int family, const char *bind_to, uint16_t port,
                           union addr *out)
{
    unsigned count = 0;
    union addr a;

    if (*bind_to)
        return addr_parse(bind_to, port, out) && out->sa.sa_family == family;
    for (unsigned i = 0; n->addresses[i]; i++) {
        addr_parse(n->addresses[i], port, &a);
        if (a.sa.sa_family != family)
            continue;
        *out = a;
        if (++count > 1)
            addr_parse(family == AF_INET6 ? "::" : "0.0.0.0", port, out);
    }
    return count > 0;
}

bool net_open(struct net **out, struct loop *l, const struct net_config *cfg, struct net_events ev,
              struct err *err)
{
    struct net *n = calloc(1, sizeof(*n));
    union addr at;
    bool ok = false;

    if (!n)
        return err_set(err, ERR_INTERNAL, "out_of_memory", "media port");
    n->loop = l;
    n->ev = ev;
    n->fd4 = n->fd6 = -1;
    n->port = cfg->port;
    n->in_data = aligned_alloc(64, sizeof(*n->in_data) * NET_BATCH);
    n->out_data = aligned_alloc(64, sizeof(*n->out_data) * NET_SLOTS);
    if (!n->in_data || !n->out_data) {
        err_set(err, ERR_INTERNAL, "out_of_memory", "media buffers");
        goto out;
    }
    make_buffers(n);
    if (!read_addresses(n, cfg->addresses, err))
        goto out;
    if (listen_address(n, AF_INET, cfg->bind, n->port, &at) && !bind_one(n, &n->fd4, &at, cfg, err))
        goto out;
    if (listen_address(n, AF_INET6, cfg->bind, n->port, &at) && !bind_one(n, &n->fd6, &at, cfg, err))
        goto out;
    if (n->fd4 < 0 && n->fd6 < 0) {
        err_set(err, ERR_INVALID, "setting_invalid", "media.bind '%s' is of no family of media.address",
                cfg->bind);
        goto out;
    }
    if (n->fd4 >= 0)
        n->watch4 = loop_watch(l, n->fd4, EPOLLIN, on_readable4, n);
    if (n->fd6 >= 0)
        n->watch6 = loop_watch(l, n->fd6, EPOLLIN, on_readable6, n);
    *out = n;
    ok = true;
out:
    if (!ok)
        net_close(n);
    return ok;
}

void net_close(struct net *n)
{
    if (!n)
        return;
    loop_unwatch(n->watch4);
    loop_unwatch(n->watch6);
    if (n->fd4 >= 0)
        close(n->fd4);
    if (n->fd6 >= 0)
        close(n->fd6);
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
    return n->addresses;
}

const struct net_counts *net_counts(const struct net *n)
{
    return &n->counts;
}
