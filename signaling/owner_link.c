#include "signaling/owner_link.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include <stdlib.h>

#define ASK_S       15
#define PENDING_MAX 4096
#define BUCKETS     256

static const struct json_limits EVENT_LIMITS = {WIRE_MAX, 24};

struct pending {
    uint64_t id;
    bool writes;
    int64_t deadline_us;
    owner_fn *fn;
    void *arg;
    struct pending *next;
};

struct owner_link {
    const struct owner_row *owner;
    struct figures *figures;
    struct owner_link_events ev;
    int64_t region_id;
    struct wire *wire;
    struct loop_timer *sweep;
    struct pending *bucket[BUCKETS];
    unsigned pending_n;
    uint64_t next_id, last_seq;
    bool have_seq;
    struct ask_audience audience; /* of the event being read */
};

static struct figures {
    bool added;
    struct metric asked, events, gaps;
} FIGURES[OWNERS_N];

static void figures_add(struct figures *f, const char *owner)
{
    static const struct metric ASKED =
        METRIC_COUNTER("yz_signal_owner_requests_total", "Requests sent to a daemon that decides.");
    static const struct metric EVENTS =
        METRIC_COUNTER("yz_signal_owner_events_total", "Events received from a daemon that decides.");
    static const struct metric GAPS =
        METRIC_COUNTER("yz_signal_owner_gaps_total",
                       "Event numbers that were missing and asked for again. Should stay near zero.");
    struct metric *all[] = {&f->asked, &f->events, &f->gaps};

    if (f->added)
        return;
    f->added = true;
    f->asked = ASKED;
    f->events = EVENTS;
    f->gaps = GAPS;
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        all[i]->label = "owner";
        all[i]->label_value = owner;
        metrics_add(all[i]);
    }
}

/* --- requests on their way --- */

static struct pending *take(struct owner_link *l, uint64_t id)
{
    struct pending **at = &l->bucket[id % BUCKETS], *p;

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    p = *at;
    if (p) {
        *at = p->next;
        l->pending_n--;
    }
    return p;
}

static void lose(const struct owner_link *l, struct pending *p)
{
    struct err err = ERR_INIT;

    err_set(&err, p->writes ? ERR_UNKNOWN : ERR_AGAIN, p->writes ? "outcome_unknown" : l->owner->away,
            "%s did not answer", l->owner->name);
    p->fn(p->arg, NULL, 0, &err, NULL);
    free(p);
}

/* Everything older than now_us, or everything. */
static void lose_until(struct owner_link *l, int64_t now_us)
{
    struct pending *lost = NULL;

    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct pending **at = &l->bucket[i]; *at;) {
            struct pending *p = *at;
            if (p->deadline_us > now_us) {
                at = &p->next;
                continue;
            }
            *at = p->next;
            l->pending_n--;
            p->next = lost;
            lost = p;
        }
    while (lost) {
        struct pending *p = lost;
        lost = p->next;
        lose(l, p);
    }
}

static void sweep(void *arg)
{
    lose_until(arg, clock_mono_us());
}

static void refuse(owner_fn *fn, void *arg, enum err_code code, const char *reason, const char *text)
{
    struct err err = ERR_INIT;

    err_set(&err, code, reason, "%s", text);
    fn(arg, NULL, 0, &err, NULL);
}

void owner_link_ask(struct owner_link *l, const struct ask_request *request, owner_fn *fn, void *arg)
{
    struct wire_out *o;
    struct pending *p;

    if (l->pending_n >= PENDING_MAX) {
        refuse(fn, arg, ERR_AGAIN, "busy", "too many requests wait for an answer");
        return;
    }
    o = wire_begin(l->wire, ASK_REQUEST, ++l->next_id);
    if (!o) {
        refuse(fn, arg, ERR_AGAIN, l->owner->away, "not connected");
        return;
    }
    ask_put_request(o, request);
    if (!wire_send(o)) {
        refuse(fn, arg, ERR_TOO_LARGE, "body_too_large", "longer than a message between processes");
        return;
    }
    l->figures->asked.value++;
    p = mem_new(sizeof *p);
    *p = (struct pending){.id = l->next_id,
                          .writes = l->owner->ops[request->op].writes,
                          .deadline_us = clock_mono_us() + ASK_S * US_PER_S,
                          .fn = fn,
                          .arg = arg,
                          .next = l->bucket[l->next_id % BUCKETS]};
    l->bucket[l->next_id % BUCKETS] = p;
    l->pending_n++;
}

/* --- answers --- */

static void on_answer(struct owner_link *l, struct wire_in *in)
{
    const uint8_t *text;
    struct pending *p;
    size_t len;

    if (!ask_get_answer(in, &text, &len) || !(p = take(l, in->request_id)))
        return;
    p->fn(p->arg, (const char *)text, len, NULL, NULL);
    free(p);
}

static void on_refused(struct owner_link *l, struct wire_in *in)
{
    struct err err = ERR_INIT;
    json_t *details = NULL;
    const uint8_t *text;
    struct pending *p;
    size_t len;

    if (!ask_get_refused(in, &err, &text, &len) || !(p = take(l, in->request_id)))
        return;
    if (len)
        json_parse(&details, text, len, &EVENT_LIMITS, NULL);
    p->fn(p->arg, NULL, 0, &err, details);
    json_decref(details);
    free(p);
}

/* --- events --- */

static void subscribe(struct owner_link *l)
{
    struct wire_out *o = wire_begin(l->wire, ASK_SUBSCRIBE, 0);

    if (!o)
        return; /* not connected: the next hello asks again */
    ask_put_subscribe(o, &(struct ask_subscription){l->region_id, l->have_seq ? l->last_seq : 0});
    wire_send(o);
}

static void hand_on(struct owner_link *l, const struct ask_event *in)
{
    struct owner_event ev = {
        .seq = in->seq,
        .topic = in->topic,
        .tenants = in->tenants,
        .accounts = in->accounts,
        .tenants_n = in->n_tenants,
        .accounts_n = in->n_accounts,
        .roles = in->roles,
    };
    struct err err = ERR_INIT;

    if (!json_parse(&ev.data, (const uint8_t *)in->json, in->json_len, &EVENT_LIMITS, &err)) {
        log_error("owner_event_malformed", LS("owner", l->owner->name), LI("seq", ev.seq), LERR(&err));
        return;
    }
    l->ev.on_event(l->ev.arg, &ev);
    json_decref(ev.data);
}

static void on_event(struct owner_link *l, struct wire_in *in)
{
    struct ask_event ev;

    if (!ask_get_event(in, &ev, &l->audience) || ev.region_id != l->region_id)
        return;
    if (l->have_seq && ev.seq <= l->last_seq)
        return; /* seen before the gap was repaired */
    if (l->have_seq && ev.seq != l->last_seq + 1) {
        l->figures->gaps.value++;
        subscribe(l);
        return;
    }
    l->have_seq = true;
    l->last_seq = ev.seq;
    l->figures->events.value++;
    hand_on(l, &ev);
}

static void on_hello(struct owner_link *l, struct wire_in *in)
{
    struct ask_hello hello;

    if (!ask_get_hello(in, &hello) || hello.region_id != l->region_id)
        return;
    log_info("owner_hello", LS("owner", l->owner->name), LI("epoch", hello.epoch),
             LI("last_seq", hello.last_seq));
    if (!l->have_seq) {
        l->have_seq = true;
        l->last_seq = hello.last_seq;
    }
    subscribe(l);
    l->ev.on_state(l->ev.arg, (enum owner)(l->owner - OWNERS), true);
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct owner_link *l = arg;

    (void)w;
    switch (in->type) {
    case ASK_ANSWER:
        on_answer(l, in);
        break;
    case ASK_REFUSED:
        on_refused(l, in);
        break;
    case ASK_EVENT:
        on_event(l, in);
        break;
    case ASK_HELLO:
        on_hello(l, in);
        break;
    default:
        in->bad = true;
        break;
    }
    if (!wire_end(in))
        log_error("owner_message_malformed", LS("owner", l->owner->name), LI("type", in->type));
}

static void on_close(void *arg, struct wire *w)
{
    struct owner_link *l = arg;

    (void)w;
    log_warn("owner_away", LS("owner", l->owner->name), LI("pending", l->pending_n));
    lose_until(l, INT64_MAX);
    l->ev.on_state(l->ev.arg, (enum owner)(l->owner - OWNERS), false);
}

/* --- life --- */

struct owner_link *owner_link_new(struct loop *loop, enum owner owner, const char *socket_path,
                                  int64_t region_id, const struct owner_link_events *ev)
{
    struct owner_link *l = mem_new(sizeof *l);

    l->owner = &OWNERS[owner];
    l->figures = &FIGURES[owner];
    l->ev = *ev;
    l->region_id = region_id;
    figures_add(l->figures, l->owner->name);
    l->wire = wire_connect(loop, socket_path,
                           (struct wire_events){.on_message = on_message, .on_close = on_close, .arg = l});
    l->sweep = loop_timer(loop, US_PER_S, US_PER_S, sweep, l);
    return l;
}

void owner_link_free(struct owner_link *l)
{
    if (!l)
        return;
    loop_untimer(l->sweep);
    wire_close(l->wire);
    lose_until(l, INT64_MAX);
    free(l);
}

bool owner_link_is_open(const struct owner_link *l)
{
    return wire_is_open(l->wire);
}
