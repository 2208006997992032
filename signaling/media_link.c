#include "signaling/media_link.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "signaling/room_event.h"
#include "signaling/signald.h"
#include <stdio.h>
#include <stdlib.h>

#define ASK_S 10

struct pending {
    uint64_t id;
    int64_t deadline_us;
    media_fn *fn;
    void *arg;
    struct pending *next;
};

struct worker {
    struct media *media;
    unsigned index;
    struct wire *wire;
    bool up;
    bool known; /* boot is of a worker we have met */
    uint64_t boot;
    int64_t away_since_us;
    struct pending *pending; /* few at a time: a list */
};

struct media {
    struct signald *app;
    struct loop_timer *sweep;
    uint64_t next_id;
    unsigned n, pending_n;
    struct worker worker[MEDIA_WORKERS_MAX];
};

static struct metric UP =
    METRIC_GAUGE("yz_signal_media_workers", "Media workers connected. Should equal media_workers.");
static struct metric RESTARTS =
    METRIC_COUNTER("yz_signal_media_restarts_total",
                   "Times a media worker came back as a new process; its rooms were opened again.");

static void lose(struct worker *w, int64_t until_us)
{
    static const struct err AWAY = {ERR_AGAIN, "media_away", "the media worker did not answer"};
    struct pending *lost = NULL;

    for (struct pending **at = &w->pending; *at;) {
        struct pending *p = *at;
        if (p->deadline_us > until_us) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        w->media->pending_n--;
        p->next = lost;
        lost = p;
    }
    while (lost) {
        struct pending *p = lost;
        lost = p->next;
        if (p->fn)
            p->fn(p->arg, NULL, &AWAY);
        free(p);
    }
}

static void sweep(void *arg)
{
    struct media *m = arg;

    for (unsigned i = 0; i < m->n; i++)
        lose(&m->worker[i], clock_mono_us());
}

struct wire_out *media_ask(struct media *m, unsigned worker, enum media_msg type, media_fn *fn, void *arg)
{
    struct worker *w = &m->worker[worker];
    struct wire_out *o;
    struct pending *p;

    if (worker >= m->n || !w->up)
        return NULL;
    o = wire_begin(w->wire, (uint16_t)type, ++m->next_id);
    if (!o)
        return NULL;
    p = mem_new(sizeof *p);
    *p = (struct pending){m->next_id, clock_mono_us() + ASK_S * US_PER_S, fn, arg, w->pending};
    w->pending = p;
    m->pending_n++;
    return o;
}

static void on_answer(struct worker *w, struct wire_in *in)
{
    struct err err = ERR_INIT;
    struct pending **at = &w->pending, *p;

    while (*at && (*at)->id != in->request_id)
        at = &(*at)->next;
    p = *at;
    if (in->type == MEDIA_ERROR) {
        err.code = wire_get_u16(in);
        wire_get_str(in, err.reason, sizeof err.reason);
        wire_get_str(in, err.text, sizeof err.text);
    }
    if (!p) {
        in->at = in->len; /* too late: nobody waits any more */
        return;
    }
    *at = p->next;
    w->media->pending_n--;
    if (p->fn)
        p->fn(p->arg, in->type == MEDIA_ERROR ? NULL : in, in->type == MEDIA_ERROR ? &err : NULL);
    else
        in->at = in->len;
    free(p);
}

static void on_hello(struct worker *w, struct wire_in *in)
{
    char address[64];
    unsigned index = wire_get_u16(in);
    uint64_t boot;
    bool again;

    wire_get_str(in, address, sizeof address);
    wire_get_u16(in);
    wire_get_u32(in);
    boot = wire_get_u64(in);
    if (!wire_end(in))
        return;
    if (index != w->index)
        log_error("media_worker_misplaced", LI("expected", w->index), LI("got", index));
    again = w->known && w->boot != boot;
    RESTARTS.value += again;
    w->known = w->up = true;
    w->boot = boot;
    w->away_since_us = 0;
    UP.value = media_up_count(w->media);
    log_info("media_worker_up", LI("worker", w->index), LB("restarted", again));
    room_worker_up(w->media->app, w->index, again);
}

static void on_message(void *arg, struct wire *wire, struct wire_in *in)
{
    struct worker *w = arg;

    (void)wire;
    if (in->type >= MEDIA_OK && in->type < MEDIA_HELLO)
        on_answer(w, in);
    else if (in->type == MEDIA_HELLO)
        on_hello(w, in);
    else
        room_event(w->media->app, w->index, in);
    if (!wire_end(in))
        log_error("media_message_malformed", LI("type", in->type));
}

static void on_close(void *arg, struct wire *wire)
{
    struct worker *w = arg;

    (void)wire;
    if (w->up)
        log_warn("media_worker_away", LI("worker", w->index));
    w->up = false;
    if (!w->away_since_us)
        w->away_since_us = clock_mono_us();
    UP.value = media_up_count(w->media);
    lose(w, INT64_MAX);
    room_worker_away(w->media->app, w->index);
}

struct media *media_new(struct signald *app, const char *run_dir, unsigned workers)
{
    struct media *m = mem_new(sizeof *m);

    m->app = app;
    m->n = workers < MEDIA_WORKERS_MAX ? workers : MEDIA_WORKERS_MAX;
    metrics_add(&UP);
    metrics_add(&RESTARTS);
    for (unsigned i = 0; i < m->n; i++) {
        struct worker *w = &m->worker[i];
        char *path = mem_format("%s/mediad-%u.sock", run_dir, i);
        *w = (struct worker){.media = m, .index = i, .away_since_us = clock_mono_us()};
        w->wire = wire_connect(
            app->loop, path, (struct wire_events){.on_message = on_message, .on_close = on_close, .arg = w});
        free(path);
    }
    m->sweep = loop_timer(app->loop, US_PER_S, US_PER_S, sweep, m);
    return m;
}

void media_free(struct media *m)
{
    if (!m)
        return;
    loop_untimer(m->sweep);
    for (unsigned i = 0; i < m->n; i++) {
        m->worker[i].up = false;
        wire_close(m->worker[i].wire);
        lose(&m->worker[i], INT64_MAX);
    }
    free(m);
}

unsigned media_workers(const struct media *m)
{
    return m->n;
}

bool media_is_up(const struct media *m, unsigned worker)
{
    return worker < m->n && m->worker[worker].up;
}

unsigned media_up_count(const struct media *m)
{
    unsigned n = 0;

    for (unsigned i = 0; i < m->n; i++)
        n += m->worker[i].up;
    return n;
}

int64_t media_away_since(const struct media *m, unsigned worker)
{
    return m->worker[worker].away_since_us;
}
