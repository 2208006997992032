#include "tests/unit/scheduling/client_fx.h"
#include "core/mem.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_open(void *arg, struct wire *w)
{
    (void)arg, (void)w;
}

static void on_event(struct client *c, struct wire_in *in)
{
    uint64_t seq;
    char topic[32];
    size_t len;

    wire_get_i64(in);
    seq = wire_get_u64(in);
    wire_get_str(in, topic, sizeof topic);
    for (unsigned n = wire_get_u16(in); n--;)
        wire_get_i64(in);
    for (unsigned n = wire_get_u16(in); n--;)
        wire_get_i64(in);
    wire_get_u32(in);
    wire_get_bytes(in, &len);
    if (!c->events++)
        c->first_seq = seq;
    else if (seq != c->last_seq + 1)
        c->gaps++;
    c->last_seq = seq;
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct client *c = arg;
    struct reply *r = &c->replies[in->request_id % (sizeof c->replies / sizeof *c->replies)];
    const uint8_t *text;
    size_t len;

    (void)w;
    if (in->type == SCHED_HELLO) {
        wire_get_i64(in);
        c->epoch = wire_get_u64(in);
        c->hello_seq = wire_get_u64(in);
        c->hellos++;
    } else if (in->type == SCHED_EVENT) {
        on_event(c, in);
    } else {
        if (in->type == SCHED_REFUSED) {
            r->err.code = (enum err_code)wire_get_u16(in);
            wire_get_str(in, r->err.reason, sizeof r->err.reason);
            wire_get_str(in, r->err.text, sizeof r->err.text);
        }
        text = wire_get_bytes(in, &len);
        r->doc = len ? json_loadb((const char *)text, len, 0, NULL) : NULL;
        r->done = true;
    }
}

static void on_close(void *arg, struct wire *w)
{
    struct client *c = arg;

    (void)w;
    c->closes++;
}

static void client_close(void *arg)
{
    struct client *c = arg;

    wire_close(c->wire);
    loop_free(c->loop);
    for (size_t i = 0; i < sizeof c->replies / sizeof *c->replies; i++)
        json_decref(c->replies[i].doc);
    free(c);
}

struct client *client_open(struct test *t, const char *socket_path)
{
    struct client *c = mem_new(sizeof *c);
    struct wire_events ev = {.on_open = on_open, .on_message = on_message, .on_close = on_close, .arg = c};
    struct err err = ERR_INIT;

    c->t = t;
    CHECK_OK(loop_new(&c->loop, &err), &err);
    c->wire = wire_connect(c->loop, socket_path, ev);
    test_cleanup(t, client_close, c);
    return c;
}

uint64_t client_ask(struct client *c, const char *login, enum sched_op op, const char *key, const char *body,
                    ...)
{
    static const struct {
        const char *login;
        int64_t account, tenant, person, staff;
    } WHO[] = {{"patient1", 301, 11, 101, 0},
               {"doctor1", 311, 31, 0, 201},
               {"doctor2", 312, 31, 0, 202},
               {"township_doctor1", 314, 21, 0, 204},
               {"system", 0, 0, 0, 0}};
    struct wire_out *o = wire_begin(c->wire, SCHED_REQUEST, c->last_id + 1);
    char text[2048];
    size_t i = 0;
    va_list ap;

    if (!o)
        return 0;
    va_start(ap, body);
    vsnprintf(text, sizeof text, body, ap);
    va_end(ap);
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    while (strcmp(WHO[i].login, login) != 0)
        CHECK(++i < sizeof WHO / sizeof *WHO);
    wire_put_u16(o, (uint16_t)op);
    wire_put_i64(o, 150000);
    wire_put_i64(o, WHO[i].tenant);
    wire_put_i64(o, WHO[i].account);
    wire_put_i64(o, WHO[i].person);
    wire_put_i64(o, WHO[i].staff);
    wire_put_u32(o, WHO[i].account ? UINT32_C(0x7ff) : SCHED_ROLE_SYSTEM);
    wire_put_str(o, key);
    wire_put_str(o, "t");
    wire_put_bytes(o, text, strlen(text));
    CHECK(wire_send(o));
    return ++c->last_id;
}

struct reply *client_wait(struct client *c, uint64_t id)
{
    struct reply *r = &c->replies[id % (sizeof c->replies / sizeof *c->replies)];

    CHECK(id != 0);
    CHECK_SOON(c->loop, r->done);
    return r;
}

void client_subscribe(struct client *c, uint64_t after_seq)
{
    struct wire_out *o = wire_begin(c->wire, SCHED_SUBSCRIBE, 0);

    CHECK(o != NULL);
    wire_put_i64(o, 150000);
    wire_put_u64(o, after_seq);
    CHECK(wire_send(o));
}

static void daemon_end(void *arg)
{
    struct daemon *d = arg;

    if (d->pid) {
        kill(d->pid, SIGCONT);
        kill(d->pid, SIGKILL);
        waitpid(d->pid, NULL, 0);
    }
    free(d);
}

struct daemon *daemon_start(struct test *t, const struct fx *f, const char *socket_path, uint16_t node)
{
    struct daemon *d = mem_new(sizeof *d);
    char data[300], db[300], sock[300], num[32];

    d->t = t;
    d->node = node;
    snprintf(d->socket, sizeof d->socket, "%s", socket_path);
    snprintf(data, sizeof data, "--data=%s", test_dir(t));
    snprintf(db, sizeof db, "--db=%s", f->sched);
    snprintf(sock, sizeof sock, "--schedulerd.socket=%s", socket_path);
    snprintf(num, sizeof num, "--node=%u", (unsigned)node);
    d->pid = fork();
    CHECK(d->pid >= 0);
    if (!d->pid) {
        execl(YZ_SCHEDULERD, "yz-schedulerd", data, db, sock, num, "--schedulerd.lease_ms=1000",
              "--schedulerd.open_orders=100", "--log.level=error", (char *)NULL);
        _exit(127);
    }
    test_cleanup(t, daemon_end, d);
    return d;
}

void daemon_signal(struct daemon *d, int sig)
{
    CHECK_INT(kill(d->pid, sig), 0);
}

void daemon_wait(struct daemon *d)
{
    int status;

    while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
        ;
    d->pid = 0;
}
