#include "scheduling/server.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "core/wire.h"
#include "scheduling/decide.h"
#include <stdlib.h>
#include <string.h>

struct conn {
    struct conn *next;
    struct wire *wire;
    uint64_t id;
    bool known, subscribed; /* known: has subscribed before */
    uint64_t sent_seq;      /* events up to here have gone out */
};

struct server {
    struct loop *loop;
    struct wire_server *wire;
    struct mailbox *mail;
    struct decider *decider;
    struct conn *conns;
    uint64_t last_id, last_seq;
    int64_t region_id, epoch;
};

static struct metric REQUESTS =
    METRIC_COUNTER("yz_scheduling_requests_total", "Requests received from signald.");
static struct metric REFUSED =
    METRIC_COUNTER("yz_scheduling_refused_total", "Requests answered with a refusal, lost claims included.");
static struct metric BUSY = METRIC_COUNTER(
    "yz_scheduling_busy_total", "Requests refused because 65,536 were waiting; look at PostgreSQL.");
static struct metric EVENTS =
    METRIC_COUNTER("yz_scheduling_events_total", "Events handed to subscribers after their commit.");
static struct metric OWNER =
    METRIC_GAUGE("yz_scheduling_owner", "Epoch under which this process owns its region; 0: it does not.");
static struct metric LATENCY =
    METRIC_HISTOGRAM("yz_scheduling_request_us", "From a request's arrival to its answer, after the commit.",
                     METRIC_BOUNDS_US);

static struct conn *conn_find(struct server *s, uint64_t id)
{
    struct conn *c = s->conns;

    while (c && c->id != id)
        c = c->next;
    return c;
}

/* ---------------------------------------------------------------- out */

static void send_refusal(struct wire *w, uint64_t request_id, const struct err *err, const json_t *details)
{
    struct wire_out *o = wire_begin(w, SCHED_REFUSED, request_id);
    char *text = details ? json_text(details, NULL) : NULL;

    if (o) {
        wire_put_u16(o, (uint16_t)err->code);
        wire_put_str(o, err->reason);
        wire_put_str(o, err->text);
        wire_put_bytes(o, text, text ? strlen(text) : 0);
        wire_send(o);
    }
    free(text);
}

static void send_answer(struct wire *w, const struct sched_request *r)
{
    static const struct err LONG = {ERR_TOO_LARGE, "answer_too_large", "the answer does not fit a frame"};
    struct wire_out *o;
    char *text;
    size_t len;

    if (r->answer.err.code) {
        REFUSED.value++;
        send_refusal(w, r->request_id, &r->answer.err, r->answer.doc);
        return;
    }
    text = json_text(r->answer.doc, &len);
    if ((o = wire_begin(w, SCHED_ANSWER, r->request_id))) {
        wire_put_bytes(o, text, len);
        if (!wire_send(o))
            send_refusal(w, r->request_id, &LONG, NULL);
    }
    free(text);
}

static void send_event(struct server *s, struct conn *c, const struct owner_event *ev)
{
    struct wire_out *o = wire_begin(c->wire, SCHED_EVENT, 0);

    if (!o)
        return; /* full: the subscriber sees the gap and asks for it */
    wire_put_i64(o, s->region_id);
    wire_put_u64(o, ev->seq);
    wire_put_str(o, ev->topic);
    wire_put_u16(o, (uint16_t)ev->n_tenants);
    for (size_t i = 0; i < ev->n_tenants; i++)
        wire_put_i64(o, ev->tenants[i]);
    wire_put_u16(o, (uint16_t)ev->n_accounts);
    for (size_t i = 0; i < ev->n_accounts; i++)
        wire_put_i64(o, ev->accounts[i]);
    wire_put_u32(o, ev->roles);
    wire_put_bytes(o, ev->json, strlen(ev->json));
    wire_send(o);
    c->sent_seq = ev->seq;
    EVENTS.value++;
}

static void send_hello(struct server *s, struct conn *c)
{
    struct wire_out *o = wire_begin(c->wire, SCHED_HELLO, 0);

    if (!o)
        return;
    wire_put_i64(o, s->region_id);
    wire_put_u64(o, (uint64_t)s->epoch);
    wire_put_u64(o, s->last_seq);
    wire_send(o);
}

/* ---------------------------------------------------------------- from the deciding thread */

static void on_answered(struct server *s, struct sched_request *r)
{
    struct conn *c = conn_find(s, r->conn_id);

    metric_observe(&LATENCY, clock_mono_us() - r->arrived_us);
    if (c)
        send_answer(c->wire, r);
    request_free(r);
}

static void on_event(struct server *s, struct owner_event *ev)
{
    s->last_seq = ev->seq;
    for (struct conn *c = s->conns; c; c = c->next)
        if (c->subscribed && ev->seq > c->sent_seq)
            send_event(s, c, ev);
}

static void on_owner(struct server *s, int64_t epoch, uint64_t seq)
{
    s->epoch = OWNER.value = epoch;
    s->last_seq = seq;
    for (struct conn *c = s->conns; c && epoch; c = c->next)
        send_hello(s, c);
}

static void on_mail(void *arg, struct mail *m)
{
    struct server *s = arg;
    struct post *p = (struct post *)m;
    struct conn *c = conn_find(s, p->conn_id);

    switch (p->kind) {
    case POST_ANSWER:
        on_answered(s, p->request);
        break;
    case POST_EVENT:
        on_event(s, p->event);
        break;
    case POST_REPLAY_EVENT:
        if (c)
            send_event(s, c, p->event);
        break;
    case POST_REPLAYED:
        if (c) {
            c->subscribed = true;
            c->sent_seq = p->seq;
        }
        break;
    case POST_OWNER:
        on_owner(s, p->epoch, p->seq);
        break;
    }
    owner_event_free(p->event);
    free(p);
}

/* ---------------------------------------------------------------- in */

static struct sched_request *request_read(struct conn *c, struct wire_in *in, const uint8_t **json,
                                          size_t *len)
{
    struct sched_request *r = mem_new(sizeof *r);

    r->request_id = in->request_id;
    r->conn_id = c->id;
    r->arrived_us = clock_mono_us();
    r->op = (enum sched_op)wire_get_u16(in);
    r->region_id = wire_get_i64(in);
    r->tenant_id = wire_get_i64(in);
    r->account_id = wire_get_i64(in);
    r->person_id = wire_get_i64(in);
    r->staff_id = wire_get_i64(in);
    r->roles = wire_get_u32(in);
    wire_get_str(in, r->key, sizeof r->key);
    wire_get_str(in, r->client_id, sizeof r->client_id);
    *json = wire_get_bytes(in, len);
    return r;
}

static void on_request(struct server *s, struct conn *c, struct wire_in *in)
{
    struct err err = ERR_INIT;
    const uint8_t *json;
    size_t len;
    struct sched_request *r = request_read(c, in, &json, &len);
    struct job *job;

    if (!wire_end(in)) {
        request_free(r);
        return; /* on_message closes */
    }
    REQUESTS.value++;
    if (!request_parse(r, json, len, &err)) {
        REFUSED.value++;
        send_refusal(c->wire, r->request_id, &err, NULL);
        request_free(r);
        return;
    }
    job = mem_new(sizeof *job);
    *job = (struct job){.kind = JOB_REQUEST, .request = r};
    if (s->decider && decider_push(s->decider, job))
        return;
    if (s->decider) {
        BUSY.value++;
        err_set(&err, ERR_AGAIN, "busy", "too many requests are waiting");
    } else
        err_set(&err, ERR_AGAIN, "scheduler_stopping", "the scheduler is going down");
    send_refusal(c->wire, r->request_id, &err, NULL);
    request_free(r);
    free(job);
}

static void on_subscribe(struct server *s, struct conn *c, struct wire_in *in)
{
    int64_t region = wire_get_i64(in);
    uint64_t after = wire_get_u64(in);
    struct job *job;

    if (!wire_end(in) || region != s->region_id)
        return;
    c->subscribed = false; /* until the past has been told */
    job = mem_new(sizeof *job);
    *job = (struct job){
        .kind = JOB_REPLAY, .conn_id = c->id, .after_seq = after ? after : UINT64_MAX, .greeting = !c->known};
    c->known = true;
    if (!s->decider || !decider_push(s->decider, job))
        free(job);
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct server *s = arg;
    struct conn *c = wire_data(w);

    if (in->type == SCHED_REQUEST)
        on_request(s, c, in);
    else if (in->type == SCHED_SUBSCRIBE)
        on_subscribe(s, c, in);
    else
        in->bad = true;
    if (!wire_end(in))
        log_error("sched_message_malformed", LI("type", in->type)); /* wire.c closes the connection */
}

static void on_open(void *arg, struct wire *w)
{
    struct server *s = arg;
    struct conn *c = mem_new(sizeof *c);

    c->wire = w;
    c->id = ++s->last_id;
    c->next = s->conns;
    s->conns = c;
    wire_set_data(w, c);
    if (s->epoch)
        send_hello(s, c);
}

static void on_close(void *arg, struct wire *w)
{
    struct server *s = arg;
    struct conn **at = &s->conns, *c = wire_data(w);

    while (*at && *at != c)
        at = &(*at)->next;
    if (*at)
        *at = c->next;
    free(c);
}

/* ---------------------------------------------------------------- life */

static void metrics_once(void)
{
    static struct metric *const ALL[] = {&REQUESTS, &REFUSED, &BUSY, &EVENTS, &OWNER, &LATENCY, NULL};
    static bool done;

    for (struct metric *const *m = ALL; !done && *m; m++)
        metrics_add(*m);
    done = true;
}

bool server_new(struct server **out, struct loop *loop, const char *socket_path,
                const struct owner_options *opt, struct err *err)
{
    struct server *s = mem_new(sizeof *s);
    struct wire_events ev = {.on_open = on_open, .on_message = on_message, .on_close = on_close, .arg = s};

    metrics_once();
    s->loop = loop;
    s->region_id = opt->region_id;
    if (!mailbox_new(&s->mail, loop, on_mail, s, err) || !decider_start(&s->decider, s->mail, opt, err) ||
        !wire_listen(&s->wire, loop, socket_path, ev, err)) {
        server_free(s);
        return false;
    }
    *out = s;
    return true;
}

void server_free(struct server *s)
{
    if (!s)
        return;
    decider_stop(s->decider);
    s->decider = NULL;
    for (int turns = 0; s->wire && turns < 1000 && loop_turn(s->loop, 0); turns++)
        ; /* what was decided is still told */
    if (s->mail)
        mailbox_free(s->mail);
    wire_server_free(s->wire);
    free(s);
}
