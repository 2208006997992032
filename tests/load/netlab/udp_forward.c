#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/clock.h"
#include "forward.h"
#include "relay.h"

#define CLIENTS_MAX  256 /* a test has a handful; more is a mistake, and their packets are dropped */
#define DATAGRAM_MAX 65536
#define BURST        64 /* datagrams read in one go before others get their turn */

struct client {
    struct udp_forward *forward;
    struct sockaddr_in addr;
    int upstream;
    struct loop_watch *watch;
};

struct udp_forward {
    struct forward_link *link;
    struct sockaddr_in target;
    int fd;
    struct loop_watch *watch;
    struct line *line[2];
    struct client *clients[CLIENTS_MAX];
    int client_count;
};

static bool same_addr(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

/* A datagram the kernel does not take now is lost, as on any full link. */
static bool deliver_up(void *arg, struct parcel *p)
{
    struct client *c = p->to;

    (void)arg;
    (void)!send(c->upstream, p->data, p->len, MSG_DONTWAIT);
    return true;
}

static bool deliver_down(void *arg, struct parcel *p)
{
    struct udp_forward *f = arg;
    struct client *c = p->to;

    (void)!sendto(f->fd, p->data, p->len, MSG_DONTWAIT, (struct sockaddr *)&c->addr, sizeof c->addr);
    return true;
}

static void pass(struct udp_forward *f, enum relay_direction way, const void *data, size_t len,
                 struct client *c)
{
    int64_t due_us;

    if (shape_datagram(&f->link->shape[way], len, clock_mono_us(), &due_us))
        line_put(f->line[way], data, len, c, due_us);
}

static void on_upstream(void *arg, uint32_t events)
{
    struct client *c = arg;
    uint8_t buf[DATAGRAM_MAX];

    (void)events; /* an ICMP error shows as a failed recv() and is forgotten: UDP promises nothing */
    for (int i = 0; i < BURST; i++) {
        ssize_t n = recv(c->upstream, buf, sizeof buf, MSG_DONTWAIT);

        if (n < 0)
            return;
        pass(c->forward, RELAY_DOWN, buf, (size_t)n, c);
    }
}

static bool client_connect(struct client *c)
{
    struct udp_forward *f = c->forward;

    if (!forward_socket(&c->upstream, SOCK_DGRAM, 0, NULL, NULL))
        return false;
    if (connect(c->upstream, (struct sockaddr *)&f->target, sizeof f->target) != 0) {
        close(c->upstream);
        return false;
    }
    c->watch = loop_watch(f->link->loop, c->upstream, EPOLLIN, on_upstream, c);
    return true;
}

static void client_disconnect(struct client *c)
{
    loop_unwatch(c->watch);
    close(c->upstream);
}

static struct client *client_for(struct udp_forward *f, const struct sockaddr_in *addr)
{
    struct client *c;

    for (int i = 0; i < f->client_count; i++)
        if (same_addr(&f->clients[i]->addr, addr))
            return f->clients[i];
    if (f->client_count == CLIENTS_MAX)
        return NULL;
    c = calloc(1, sizeof *c);
    assert(c);
    c->forward = f;
    c->addr = *addr;
    if (!client_connect(c)) {
        free(c);
        return NULL;
    }
    f->clients[f->client_count++] = c;
    return c;
}

static void on_client(void *arg, uint32_t events)
{
    struct udp_forward *f = arg;
    uint8_t buf[DATAGRAM_MAX];

    (void)events;
    for (int i = 0; i < BURST; i++) {
        struct sockaddr_in from = {0};
        socklen_t from_len = sizeof from;
        ssize_t n = recvfrom(f->fd, buf, sizeof buf, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
        struct client *c;

        if (n < 0)
            return;
        c = client_for(f, &from);
        if (c)
            pass(f, RELAY_UP, buf, (size_t)n, c);
    }
}

bool udp_forward_new(struct udp_forward **out, struct forward_link *link, uint16_t port,
                     struct sockaddr_in target, uint16_t *bound, struct err *err)
{
    struct udp_forward *f = calloc(1, sizeof *f);

    assert(f);
    f->link = link;
    f->target = target;
    if (!forward_socket(&f->fd, SOCK_DGRAM, port, bound, err)) {
        free(f);
        return false;
    }
    f->line[RELAY_UP] = line_new(link->loop, deliver_up, f);
    f->line[RELAY_DOWN] = line_new(link->loop, deliver_down, f);
    f->watch = loop_watch(link->loop, f->fd, EPOLLIN, on_client, f);
    *out = f;
    return true;
}

void udp_forward_free(struct udp_forward *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->client_count; i++) {
        client_disconnect(f->clients[i]);
        free(f->clients[i]);
    }
    loop_unwatch(f->watch);
    close(f->fd);
    line_free(f->line[RELAY_UP]);
    line_free(f->line[RELAY_DOWN]);
    free(f);
}

void udp_forward_rebind(struct udp_forward *f)
{
    for (int i = 0; i < f->client_count; i++) {
        struct client *c = f->clients[i];
        int old = c->upstream;
        struct loop_watch *old_watch = c->watch;

        if (!client_connect(c)) { /* keep the old address rather than none */
            c->upstream = old;
            c->watch = old_watch;
            continue;
        }
        loop_unwatch(old_watch); /* closed after the new one is bound, so that the port differs */
        close(old);
    }
}

int udp_forward_clients(const struct udp_forward *f)
{
    return f->client_count;
}
