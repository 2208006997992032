#include "relay.h"
#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "forward.h"

#define FORWARDS_MAX    16
#define PPM_PER_PERCENT 10000.0

struct forward {
    struct udp_forward *udp; /* one of the two */
    struct tcp_forward *tcp;
    uint16_t port;
    struct sockaddr_in target;
};

struct relay {
    struct forward_link link;
    struct forward forwards[FORWARDS_MAX];
    int count;
};

bool forward_socket(int *out_fd, int type, uint16_t port, uint16_t *bound, struct err *err)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof addr;
    int yes = 1;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_errno(err, "socket");
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (type == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        close(fd);
        return err_errno(err, "bind");
    }
    if (bound)
        *bound = ntohs(addr.sin_port);
    *out_fd = fd;
    return true;
}

bool relay_new(struct relay **out, struct loop *loop, uint64_t seed, struct err *err)
{
    struct relay *r = calloc(1, sizeof *r);

    if (!r)
        return err_set(err, ERR_INTERNAL, "out_of_memory", "relay");
    r->link.loop = loop;
    shape_init(&r->link.shape[RELAY_UP], seed);
    shape_init(&r->link.shape[RELAY_DOWN], seed ^ UINT64_C(0x9e3779b97f4a7c15));
    *out = r;
    return true;
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->count; i++) {
        udp_forward_free(r->forwards[i].udp);
        tcp_forward_free(r->forwards[i].tcp);
    }
    free(r);
}

/* "0=127.0.0.1:20000" */
static bool parse_spec(const char *spec, uint16_t *listen_port, struct sockaddr_in *target, struct err *err)
{
    char host[INET_ADDRSTRLEN];
    unsigned from, to;
    int end = 0;

    *target = (struct sockaddr_in){.sin_family = AF_INET};
    if (sscanf(spec, "%u=%15[0-9.]:%u%n", &from, host, &to, &end) != 3 || spec[end] || from > UINT16_MAX ||
        to == 0 || to > UINT16_MAX || inet_pton(AF_INET, host, &target->sin_addr) != 1)
        return err_set(err, ERR_INVALID, "forward_invalid", "'%s' is not LISTEN_PORT=IPV4:PORT", spec);
    *listen_port = (uint16_t)from;
    target->sin_port = htons((uint16_t)to);
    return true;
}

static bool add_forward(struct relay *r, const char *spec, bool udp, uint16_t *port, struct err *err)
{
    struct forward f = {0};
    uint16_t listen_port = 0;
    bool ok;

    if (r->count == FORWARDS_MAX)
        return err_set(err, ERR_LIMIT, "forwards_too_many", "at most %d forwards", FORWARDS_MAX);
    if (!parse_spec(spec, &listen_port, &f.target, err))
        return false;
    ok = udp ? udp_forward_new(&f.udp, &r->link, listen_port, f.target, &f.port, err)
             : tcp_forward_new(&f.tcp, &r->link, listen_port, f.target, &f.port, err);
    if (!ok) {
        err_add(err, "forward %s", spec);
        return false;
    }
    r->forwards[r->count++] = f;
    *port = f.port;
    return true;
}

bool relay_udp(struct relay *r, const char *spec, uint16_t *port, struct err *err)
{
    return add_forward(r, spec, true, port, err);
}

bool relay_tcp(struct relay *r, const char *spec, uint16_t *port, struct err *err)
{
    return add_forward(r, spec, false, port, err);
}

struct command {
    struct relay *relay;
    bool way[2]; /* the directions it is for */
    int argc;    /* after the word itself */
    const char *word, *arg[2];
    char *answer;
    size_t cap;
};

static bool number(const char *text, double max, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return *text && !*end && *out >= 0 && *out <= max;
}

static bool invalid(const struct command *c, struct err *err)
{
    return err_set(err, ERR_INVALID, "command_invalid", "%s: wrong or missing value", c->word);
}

static bool do_drop(struct command *c, struct err *err)
{
    bool on = c->argc == 1 && strcmp(c->arg[0], "on") == 0;

    if (!on && (c->argc != 1 || strcmp(c->arg[0], "off") != 0))
        return invalid(c, err);
    for (int way = 0; way < 2; way++)
        c->relay->link.shape[way].dark = on;
    for (int i = 0; i < c->relay->count; i++)
        if (c->relay->forwards[i].tcp)
            tcp_forward_dark(c->relay->forwards[i].tcp, on);
    return true;
}

static bool do_loss(struct command *c, struct err *err)
{
    double percent;

    if (c->argc != 1 || !number(c->arg[0], 100, &percent))
        return invalid(c, err);
    for (int way = 0; way < 2; way++)
        if (c->way[way])
            c->relay->link.shape[way].profile.loss_ppm = (uint32_t)(percent * PPM_PER_PERCENT);
    return true;
}

static bool do_delay(struct command *c, struct err *err)
{
    double ms, jitter_ms = 0;

    if (c->argc < 1 || !number(c->arg[0], 60000, &ms) ||
        (c->argc > 1 && !number(c->arg[1], 60000, &jitter_ms)))
        return invalid(c, err);
    for (int way = 0; way < 2; way++)
        if (c->way[way]) {
            c->relay->link.shape[way].profile.delay_us = (int64_t)(ms * 1000);
            c->relay->link.shape[way].profile.jitter_us = (int64_t)(jitter_ms * 1000);
        }
    return true;
}

static bool do_rate(struct command *c, struct err *err)
{
    double kbit, queue_ms = 200;

    if (c->argc < 1 || !number(c->arg[0], 1e7, &kbit) ||
        (c->argc > 1 && !number(c->arg[1], 60000, &queue_ms)))
        return invalid(c, err);
    for (int way = 0; way < 2; way++)
        if (c->way[way]) {
            c->relay->link.shape[way].profile.rate_bps = (int64_t)(kbit * 1000);
            c->relay->link.shape[way].profile.queue_us = (int64_t)(queue_ms * 1000);
        }
    return true;
}

static bool do_rebind(struct command *c, struct err *err)
{
    (void)err;
    for (int i = 0; i < c->relay->count; i++)
        if (c->relay->forwards[i].udp)
            udp_forward_rebind(c->relay->forwards[i].udp);
    return true;
}

static bool do_cut(struct command *c, struct err *err)
{
    (void)err;
    for (int i = 0; i < c->relay->count; i++)
        if (c->relay->forwards[i].tcp)
            tcp_forward_cut(c->relay->forwards[i].tcp);
    return true;
}

static void append(struct command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void append(struct command *c, const char *fmt, ...)
{
    size_t at = strlen(c->answer);
    va_list args;

    va_start(args, fmt);
    vsnprintf(c->answer + at, c->cap - at, fmt, args);
    va_end(args);
}

static bool do_stats(struct command *c, struct err *err)
{
    static const char *const NAMES[] = {"up", "down"};

    (void)err;
    c->answer[0] = '\0';
    for (int way = 0; way < 2; way++) {
        const struct shape *s = &c->relay->link.shape[way];

        append(c,
               "%s\"%s\":{\"passed\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"lost\":%" PRIu64
               ",\"overflowed\":%" PRIu64 ",\"dropped\":%" PRIu64 "}",
               way ? "," : "{", NAMES[way], s->passed, s->bytes, s->lost, s->overflowed, s->darkened);
    }
    append(c, "}");
    return true;
}

static bool do_ports(struct command *c, struct err *err)
{
    (void)err;
    c->answer[0] = '\0';
    append(c, "{\"forwards\":[");
    for (int i = 0; i < c->relay->count; i++) {
        const struct forward *f = &c->relay->forwards[i];

        append(c, "%s{\"kind\":\"%s\",\"listen\":%u,\"target\":%u,\"open\":%d}", i ? "," : "",
               f->udp ? "udp" : "tcp", f->port, ntohs(f->target.sin_port),
               f->udp ? udp_forward_clients(f->udp) : tcp_forward_streams(f->tcp));
    }
    append(c, "]}");
    return true;
}

static const struct verb {
    const char *word;
    bool (*run)(struct command *, struct err *);
} VERBS[] = {
    {"drop", do_drop},     {"loss", do_loss}, {"delay", do_delay}, {"rate", do_rate},
    {"rebind", do_rebind}, {"cut", do_cut},   {"stats", do_stats}, {"ports", do_ports},
};

/* Splits copy in place: [up|down] word [arg [arg]]. */
static bool parse_command(struct command *c, char *copy, struct err *err)
{
    char *save, *word = strtok_r(copy, " \t\r\n", &save);
    bool up = word && strcmp(word, "up") == 0, down = word && strcmp(word, "down") == 0;

    if (up || down)
        word = strtok_r(NULL, " \t\r\n", &save);
    c->way[RELAY_UP] = !down;
    c->way[RELAY_DOWN] = !up;
    c->word = word ? word : "";
    for (char *arg; (arg = strtok_r(NULL, " \t\r\n", &save));) {
        if (c->argc == 2)
            return invalid(c, err);
        c->arg[c->argc++] = arg;
    }
    return true;
}

bool relay_command(struct relay *r, const char *line, char *answer, size_t cap, struct err *err)
{
    char copy[128];
    struct command c = {.relay = r, .answer = answer, .cap = cap};

    assert(cap > 16);
    snprintf(answer, cap, "{\"ok\":true}");
    if (strlen(line) >= sizeof copy)
        return err_set(err, ERR_INVALID, "command_invalid", "line too long");
    memcpy(copy, line, strlen(line) + 1);
    if (!parse_command(&c, copy, err))
        return false;
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++)
        if (strcmp(VERBS[i].word, c.word) == 0)
            return VERBS[i].run(&c, err);
    return err_set(err, ERR_INVALID, "command_unknown", "'%s' is not a command of the relay", c.word);
}
