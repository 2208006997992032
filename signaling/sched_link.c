#include "signaling/sched_link.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "core/wire.h"
#include "signaling/fanout.h"
#include "signaling/signald.h"
#include <stdlib.h>
#include <string.h>

#define ASK_S        15
#define PENDING_MAX  4096
#define BUCKETS      256
#define AUDIENCE_MAX 512 /* scheduling/protocol.h */

static const struct json_limits EVENT_LIMITS = {WIRE_MAX, 24};

struct pending {
    uint64_t id;
    enum sched_op op;
    int64_t deadline_us;
    sched_fn *fn;
    void *arg;
    struct pending *next;
};

struct sched_link {
    struct signald *app;
    struct wire *wire;
    struct loop_timer *sweep;
    struct pending *bucket[BUCKETS];
    unsigned pending_n;
    uint64_t next_id, last_seq;
    bool have_seq;
    int64_t tenants[AUDIENCE_MAX], accounts[AUDIENCE_MAX]; /* of the event being read */
};

static const struct {
    const char *name;
    bool writes;
} OPS[SCHED_OP_COUNT] = {
#define X(id, text, write) [SCHED_OP_##id] = {text, write},
    SCHED_OPS(X)
#undef X
};

static struct metric ASKED =
    METRIC_COUNTER("yz_signal_scheduler_requests_total", "Requests sent to the scheduler.");
static struct metric EVENTS =
    METRIC_COUNTER("yz_signal_scheduler_events_total", "Events received from the scheduler.");
static struct metric GAPS =
    METRIC_COUNTER("yz_signal_scheduler_gaps_total",
                   "Event numbers that were missing and asked for again. Should stay near zero.");

const char *sched_op_name(enum sched_op op)
{
    return OPS[op].name;
}

bool sched_op_writes(enum sched_op op)
{
    return OPS[op].writes;
}

/* --- questions on their way --- */

static struct pending *take(struct sched_link *s, uint64_t id)
{
    struct pending **at = &s->bucket[id % BUCKETS], *p;

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    p = *at;
    if (p) {
        *at = p->next;
        s->pending_n--;
    }
    return p;
}

static void lose(struct pending *p)
{
    static const struct err AWAY = {ERR_AGAIN, "scheduler_away", "the scheduler did not answer"};
    static const struct err UNKNOWN = {ERR_UNKNOWN, "outcome_unknown", "the scheduler did not answer"};

    p->fn(p->arg, NULL, 0, OPS[p->op].writes ? &UNKNOWN : &AWAY, NULL);
    free(p);
}

/* Everything older than now_us, or everything. */
static void lose_until(struct sched_link *s, int64_t now_us)
{
    struct pending *lost = NULL;

    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct pending **at = &s->bucket[i]; *at;) {
            struct pending *p = *at;
            if (p->deadline_us > now_us) {
                at = &p->next;
                continue;
            }
            *at = p->next;
            s->pending_n--;
            p->next = lost;
            lost = p;
        }
    while (lost) {
        struct pending *p = lost;
        lost = p->next;
        lose(p);
    }
}

static void sweep(void *arg)
{
    lose_until(arg, clock_mono_us());
}

void sched_link_ask(struct sched_link *s, const struct sched_call *call, sched_fn *fn, void *arg)
{
    static const struct err AWAY = {ERR_AGAIN, "scheduler_away", "not connected to the scheduler"};
    static const struct err BUSY = {ERR_AGAIN, "busy", "too many requests wait for the scheduler"};
    static const struct err LONG = {ERR_TOO_LARGE, "body_too_large",
                                    "longer than a message between processes"};
    struct wire_out *o;
    struct pending *p;

    if (s->pending_n >= PENDING_MAX) {
        fn(arg, NULL, 0, &BUSY, NULL);
        return;
    }
    o = wire_begin(s->wire, SCHED_REQUEST, ++s->next_id);
    if (!o) {
        fn(arg, NULL, 0, &AWAY, NULL);
        return;
    }
    wire_put_u16(o, (uint16_t)call->op);
    wire_put_i64(o, call->region_id);
    wire_put_i64(o, call->tenant_id);
    wire_put_i64(o, call->account_id);
    wire_put_i64(o, call->person_id);
    wire_put_i64(o, call->staff_id);
    wire_put_u32(o, call->roles);
    wire_put_str(o, call->idempotency_key);
    wire_put_str(o, call->request_id);
    wire_put_bytes(o, call->body, call->body_len);
    if (!wire_send(o)) {
        fn(arg, NULL, 0, &LONG, NULL);
        return;
    }
    ASKED.value++;
    p = mem_new(sizeof *p);
    *p = (struct pending){.id = s->next_id,
                          .op = call->op,
                          .deadline_us = clock_mono_us() + ASK_S * US_PER_S,
                          .fn = fn,
                          .arg = arg,
                          .next = s->bucket[s->next_id % BUCKETS]};
    s->bucket[s->next_id % BUCKETS] = p;
    s->pending_n++;
}

/* --- answers --- */

static void on_answer(struct sched_link *s, struct wire_in *in)
{
    size_t len;
    const uint8_t *text = wire_get_bytes(in, &len);
    struct pending *p;

    if (!wire_end(in) || !(p = take(s, in->request_id)))
        return;
    p->fn(p->arg, (const char *)text, len, NULL, NULL);
    free(p);
}

static void on_refused(struct sched_link *s, struct wire_in *in)
{
    struct err err = ERR_INIT;
    json_t *details = NULL;
    const uint8_t *text;
    struct pending *p;
    size_t len;

    err.code = wire_get_u16(in);
    wire_get_str(in, err.reason, sizeof err.reason);
    wire_get_str(in, err.text, sizeof err.text);
    text = wire_get_bytes(in, &len);
    if (!wire_end(in) || !(p = take(s, in->request_id)))
        return;
    if (err.code == ERR_NONE || err.code > ERR_CORRUPT)
        err.code = ERR_INTERNAL;
    if (len)
        json_parse(&details, text, len, &EVENT_LIMITS, NULL);
    p->fn(p->arg, NULL, 0, &err, details);
    json_decref(details);
    free(p);
}

/* --- events --- */

static void subscribe(struct sched_link *s)
{
    struct wire_out *o = wire_begin(s->wire, SCHED_SUBSCRIBE, 0);

    if (!o)
        return; /* not connected: on_open asks again */
    wire_put_i64(o, s->app->region_id);
    wire_put_u64(o, s->have_seq ? s->last_seq : 0);
    wire_send(o);
}

static bool read_ids(struct wire_in *in, int64_t *out, unsigned *n)
{
    *n = wire_get_u16(in);
    if (*n > AUDIENCE_MAX)
        return false;
    for (unsigned i = 0; i < *n; i++)
        out[i] = wire_get_i64(in);
    return true;
}

static void on_event(struct sched_link *s, struct wire_in *in)
{
    int64_t region = wire_get_i64(in);
    struct sched_event ev = {.seq = wire_get_u64(in), .tenants = s->tenants, .accounts = s->accounts};
    struct err err = ERR_INIT;
    char topic[32];
    const uint8_t *text;
    size_t len;

    wire_get_str(in, topic, sizeof topic);
    if (!read_ids(in, s->tenants, &ev.tenants_n) || !read_ids(in, s->accounts, &ev.accounts_n)) {
        log_error("sched_event_too_wide", LI("seq", ev.seq));
        return;
    }
    ev.roles = wire_get_u32(in);
    ev.topic = topic;
    text = wire_get_bytes(in, &len);
    if (!wire_end(in) || region != s->app->region_id)
        return;
    if (s->have_seq && ev.seq <= s->last_seq)
        return; /* seen before the gap was repaired */
    if (s->have_seq && ev.seq != s->last_seq + 1) {
        GAPS.value++;
        subscribe(s);
        return;
    }
    s->have_seq = true;
    s->last_seq = ev.seq;
    EVENTS.value++;
    if (!json_parse(&ev.data, text, len, &EVENT_LIMITS, &err)) {
        log_error("sched_event_malformed", LI("seq", ev.seq), LERR(&err));
        return;
    }
    fanout_event(s->app, &ev);
    json_decref(ev.data);
}

static void on_hello(struct sched_link *s, struct wire_in *in)
{
    int64_t region = wire_get_i64(in);
    uint64_t epoch = wire_get_u64(in), last = wire_get_u64(in);

    if (!wire_end(in) || region != s->app->region_id)
        return;
    log_info("scheduler_hello", LI("epoch", epoch), LI("last_seq", last));
    if (!s->have_seq) {
        s->have_seq = true;
        s->last_seq = last;
    }
    subscribe(s);
    fanout_scheduler(s->app, true);
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct sched_link *s = arg;

    (void)w;
    switch (in->type) {
    case SCHED_ANSWER:
        on_answer(s, in);
        break;
    case SCHED_REFUSED:
        on_refused(s, in);
        break;
    case SCHED_EVENT:
        on_event(s, in);
        break;
    case SCHED_HELLO:
        on_hello(s, in);
        break;
    default:
        in->bad = true;
        break;
    }
    if (!wire_end(in))
        log_error("sched_message_malformed", LI("type", in->type));
}

static void on_close(void *arg, struct wire *w)
{
    struct sched_link *s = arg;

    (void)w;
    log_warn("scheduler_away", LI("pending", s->pending_n));
    lose_until(s, INT64_MAX);
    fanout_scheduler(s->app, false);
}

struct sched_link *sched_link_new(struct signald *app, const char *socket_path)
{
    struct sched_link *s = mem_new(sizeof *s);

    s->app = app;
    s->wire = wire_connect(app->loop, socket_path,
                           (struct wire_events){.on_message = on_message, .on_close = on_close, .arg = s});
    s->sweep = loop_timer(app->loop, US_PER_S, US_PER_S, sweep, s);
    metrics_add(&ASKED);
    metrics_add(&EVENTS);
    metrics_add(&GAPS);
    return s;
}

void sched_link_free(struct sched_link *s)
{
    if (!s)
        return;
    loop_untimer(s->sweep);
    wire_close(s->wire);
    lose_until(s, INT64_MAX);
    free(s);
}

bool sched_link_is_open(const struct sched_link *s)
{
    return wire_is_open(s->wire);
}
