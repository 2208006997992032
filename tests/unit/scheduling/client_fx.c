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
    static struct ask_audience room;
    struct ask_event ev;

    CHECK(ask_get_event(in, &ev, &room));
    if (!c->events++)
        c->first_seq = ev.seq;
    else if (ev.seq != c->last_seq + 1)
        c->gaps++;
    c->last_seq = ev.seq;
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct client *c = arg;
    struct reply *r = &c->replies[in->request_id % (sizeof c->replies / sizeof *c->replies)];
    struct ask_hello hello;
    const uint8_t *text;
    size_t len;

    (void)w;
    if (in->type == ASK_HELLO) {
        CHECK(ask_get_hello(in, &hello));
        c->epoch = hello.epoch;
        c->hello_seq = hello.last_seq;
        c->hellos++;
    } else if (in->type == ASK_EVENT) {
        on_event(c, in);
    } else {
        if (in->type == ASK_REFUSED)
            CHECK(ask_get_refused(in, &r->err, &text, &len));
        else
            CHECK(ask_get_answer(in, &text, &len));
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
    } WHO[] = {{"patient1", 301, 11, 101, 0}, {"doctor1", 311, 31, 0, 201},
               {"doctor2", 312, 31, 0, 202},  {"township_doctor1", 314, 21, 0, 204},
               {"reader1", 316, 32, 0, 206},  {"reader2", 323, 31, 0, 213},
               {"system", 0, 0, 0, 0}};
    struct wire_out *o = wire_begin(c->wire, ASK_REQUEST, c->last_id + 1);
    struct ask_request ask;
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
    ask = (struct ask_request){.op = op,
                               .region_id = 150000,
                               .tenant_id = WHO[i].tenant,
                               .account_id = WHO[i].account,
                               .person_id = WHO[i].person,
                               .staff_id = WHO[i].staff,
                               .roles = WHO[i].account ? UINT32_C(0x7ff) : ROLE_SYSTEM,
                               .client_id = "t",
                               .body = (const uint8_t *)text,
                               .body_len = strlen(text)};
    snprintf(ask.key, sizeof ask.key, "%s", key);
    ask_put_request(o, &ask);
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
    struct wire_out *o = wire_begin(c->wire, ASK_SUBSCRIBE, 0);

    CHECK(o != NULL);
    ask_put_subscribe(o, &(struct ask_subscription){150000, after_seq});
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
