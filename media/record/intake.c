#include "media/record/intake.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "media/record/recording.h"

#define SILENCE_US US_PER_S
#define BUCKETS    256

static struct metric RECORDS =
    METRIC_COUNTER("yz_record_records_total", "Packets and reports read from the rings.");
static struct metric UNKNOWN =
    METRIC_COUNTER("yz_record_unknown_total",
                   "Records of tracks nobody announced: left in the ring by a worker or recorder that died.");
static struct metric WORKERS = METRIC_GAUGE("yz_record_workers", "Media workers connected.");

/* What the worker calls (rec, track); live NULL: never announced, its records are left out. */
struct slot {
    struct slot *next;
    uint32_t rec, track;
    struct live *live;
    struct recording *recording;
};

struct link { /* one of the worker's recordings */
    struct link *next;
    uint32_t rec;
    struct recording *recording;
};

struct intake {
    struct intake *next;
    struct intake_server *server;
    struct wire *wire;
    struct ring *ring;
    struct loop_timer *timer; /* NULL: asleep */
    struct slot *slots[BUCKETS];
    size_t slots_len;
    struct link *links;
    struct ring_record parked; /* shown, but its track not yet announced */
    uint64_t parked_at;
    bool has_parked, parked_once;
    int64_t last_us;
    uint16_t worker;
};

struct intake_server {
    struct recorder *r;
    struct wire_server *wires;
    struct intake *intakes;
    bool stopped;
};

/* --- names ------------------------------------------------------------------------------------------------ */

static struct slot **slot_at(struct intake *in, uint32_t rec, uint32_t track)
{
    struct slot **at = &in->slots[(rec * 31 + track) % BUCKETS];

    while (*at && ((*at)->rec != rec || (*at)->track != track))
        at = &(*at)->next;
    return at;
}

static void slot_drop(struct intake *in, struct slot **at)
{
    struct slot *gone = *at;

    *at = gone->next;
    in->slots_len--;
    free(gone);
}

/* Slots of this recording; with NULL, of tracks that were never announced. */
static void slots_forget(struct intake *in, const struct recording *rec)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct slot **at = &in->slots[i]; *at;)
            if ((*at)->recording == rec)
                slot_drop(in, at);
            else
                at = &(*at)->next;
}

static struct slot *slot_make(struct intake *in, uint32_t rec, uint32_t track)
{
    if (in->slots_len == INTAKE_MAP_MAX)
        slots_forget(in, NULL);
    struct slot **at = slot_at(in, rec, track);

    if (!*at && in->slots_len < INTAKE_MAP_MAX) {
        *at = mem_new(sizeof **at);
        (*at)->rec = rec;
        (*at)->track = track;
        in->slots_len++;
    }
    return *at;
}

static struct link **link_at(struct intake *in, uint32_t rec)
{
    struct link **at = &in->links;

    while (*at && (*at)->rec != rec)
        at = &(*at)->next;
    return at;
}

static void link_drop(struct intake *in, struct link **at)
{
    struct link *gone = *at;

    *at = gone->next;
    slots_forget(in, gone->recording);
    recording_detach(gone->recording, in);
    free(gone);
}

/* --- the ring --------------------------------------------------------------------------------------------- */

static void ring_broken(struct intake *in, struct err *err)
{
    log_error("ring", LI("worker", in->worker), LERR(err));
    ring_free(in->ring);
    in->ring = NULL;
    in->has_parked = false;
}

/* Give back the room before the first record that is not yet written. */
static void give_back(struct intake *in)
{
    uint64_t safe = ring_position(in->ring);

    if (in->has_parked)
        safe = in->parked_at;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct slot *s = in->slots[i]; s; s = s->next) {
            uint64_t from = s->live ? live_unsafe(s->live) : UINT64_MAX;
            safe = from < safe ? from : safe;
        }
    ring_release_to(in->ring, safe);
}

/* false: nobody announced this track yet. Once the socket was read too, the answer stands. */
static bool deliver(struct intake *in, uint64_t position, const struct ring_record *r, bool final)
{
    struct slot *s = *slot_at(in, r->rec, r->track);

    if (!s && !final)
        return false;
    if (!s)
        s = slot_make(in, r->rec, r->track);
    RECORDS.value++;
    if (s && s->live)
        live_record(s->live, position, r);
    else
        UNKNOWN.value++;
    return true;
}

/* @return records read; 0: nothing there, or one that waits for its announcement */
static int read_ring(struct intake *in, int budget, bool final)
{
    struct ring_record r;
    struct err err = ERR_INIT;
    int n = 0;

    if (!in->ring)
        return 0;
    if (in->has_parked) {
        if (!deliver(in, in->parked_at, &in->parked, final || in->parked_once)) {
            in->parked_once = true;
            return 0;
        }
        in->has_parked = false;
        n++;
    }
    while (n < budget) {
        uint64_t position = ring_position(in->ring);
        if (!ring_next(in->ring, &r, &err))
            break;
        if (!deliver(in, position, &r, final)) {
            in->parked = r;
            in->parked_at = position;
            in->has_parked = true;
            in->parked_once = false;
            break;
        }
        n++;
    }
    if (err.code != ERR_NONE)
        ring_broken(in, &err);
    return n;
}

/* Everything the worker put before it said what it just said. */
static void read_to_head(struct intake *in)
{
    while (read_ring(in, INTAKE_BUDGET, true) > 0)
        ;
}

static void on_read(void *arg);

static void wake(struct intake *in)
{
    in->last_us = clock_mono_us();
    if (!in->timer && in->ring && !in->server->stopped)
        in->timer = loop_timer(in->server->r->loop, 0, INTAKE_READ_US, on_read, in);
}

static void on_read(void *arg)
{
    struct intake *in = arg;
    int n = read_ring(in, INTAKE_BUDGET, false);
    int64_t now = clock_mono_us();

    if (n > 0 || in->has_parked)
        in->last_us = now;
    if (in->ring)
        give_back(in);
    if (!in->ring || (now - in->last_us > SILENCE_US && ring_held(in->ring) == 0 && ring_sleep(in->ring))) {
        loop_untimer(in->timer);
        in->timer = NULL;
    } else if (n == INTAKE_BUDGET) {
        loop_timer_set(in->timer, 0, INTAKE_READ_US); /* more waits: after whoever else waits */
    }
}

/* --- messages --------------------------------------------------------------------------------------------- */

static void say(struct intake *in, uint32_t rec, enum rec_state state, uint64_t bytes, const char *reason)
{
    struct wire_out *o = wire_begin(in->wire, REC_STATE, 0);

    if (!o)
        return; /* its queue is full: the next one says the same */
    wire_put_u32(o, rec);
    wire_put_u8(o, (uint8_t)state);
    wire_put_u64(o, bytes);
    wire_put_str(o, reason);
    wire_send(o);
}

static void on_state(void *arg, struct recording *rec, enum rec_state state, uint64_t bytes,
                     const char *reason)
{
    struct intake *in = arg;

    for (struct link **at = &in->links; *at; at = &(*at)->next) {
        if ((*at)->recording != rec)
            continue;
        say(in, (*at)->rec, state, bytes, reason);
        if (state == REC_STATE_CLOSED)
            link_drop(in, at);
        return;
    }
}

static bool on_hello(struct intake *in, struct wire_in *m)
{
    struct err err = ERR_INIT;
    struct ring *ring = NULL;

    in->worker = wire_get_u16(m);
    wire_get_u64(m); /* the worker's boot: of no use here, its handles say what goes on */
    if (!wire_end(m) || m->fd < 0 || in->ring)
        return false;
    if (!ring_attach(&ring, m->fd, &err)) {
        log_error("ring", LI("worker", in->worker), LERR(&err));
        return false;
    }
    m->fd = -1;
    if (ring_size(ring) > INTAKE_RING_MAX) {
        ring_free(ring);
        return false;
    }
    in->ring = ring;
    log_info("worker", LI("worker", in->worker), LI("ring_bytes", ring_size(ring)),
             LI("held", ring_held(ring)));
    wake(in);
    return true;
}

static bool on_open_recording(struct intake *in, struct wire_in *m)
{
    char room[MEDIA_ROOM_MAX], dir[JOURNAL_TEXT_MAX];
    struct recording *rec = NULL;
    struct err err = ERR_INIT;

    uint32_t handle = wire_get_u32(m);
    wire_get_str(m, room, sizeof room);
    wire_get_str(m, dir, sizeof dir);
    if (!wire_end(m))
        return false;
    if (!recording_open(&rec, in->server->r, room, dir, clock_now_us(), &err)) {
        log_error("recording_open", LS("room_id", room), LERR(&err));
        say(in, handle, REC_STATE_FAILED, 0, err.reason);
        return true;
    }
    struct link **old = link_at(in, handle);
    if (*old) {
        recording_lost((*old)->recording, clock_now_us(), "worker_lost");
        link_drop(in, old);
    }
    struct link *l = mem_new(sizeof *l);
    l->rec = handle;
    l->recording = rec;
    l->next = in->links;
    in->links = l;
    recording_attach(rec, on_state, in);
    say(in, handle, REC_STATE_OPEN, 0, "opened");
    return true;
}

static bool on_track(struct intake *in, struct wire_in *m)
{
    struct track_spec spec = {0};
    struct err err = ERR_INIT;
    struct live *live = NULL;

    uint32_t rec = wire_get_u32(m), track = wire_get_u32(m);
    wire_get_str(m, spec.peer, sizeof spec.peer);
    wire_get_str(m, spec.kind, sizeof spec.kind);
    wire_get_str(m, spec.codec, sizeof spec.codec);
    spec.pt = wire_get_u8(m);
    spec.clock_hz = wire_get_u32(m);
    spec.ssrc = wire_get_u32(m);
    wire_get_str(m, spec.fmtp, sizeof spec.fmtp);
    if (!wire_end(m))
        return false;
    struct link *l = *link_at(in, rec);
    struct slot *s = l ? slot_make(in, rec, track) : NULL;
    if (!s)
        return true; /* its recording could not be opened, and the worker was told */
    if (s->live)
        live_end(s->live, clock_now_us()); /* the same number again: another stream */
    s->live = NULL;
    s->recording = l->recording;
    if (!recording_track(&live, l->recording, &spec, clock_now_us(), &err)) {
        log_error("recording_track", LI("worker", in->worker), LERR(&err));
        return true;
    }
    s->live = live;
    return true;
}

static bool on_track_end(struct intake *in, struct wire_in *m)
{
    uint32_t rec = wire_get_u32(m), track = wire_get_u32(m);

    if (!wire_end(m))
        return false;
    read_to_head(in);
    struct slot **at = slot_at(in, rec, track);
    if (*at) {
        if ((*at)->live)
            live_end((*at)->live, clock_now_us());
        slot_drop(in, at);
    }
    return true;
}

static bool on_close_recording(struct intake *in, struct wire_in *m)
{
    char reason[JOURNAL_NAME_MAX];
    uint32_t rec = wire_get_u32(m);

    wire_get_str(m, reason, sizeof reason);
    if (!wire_end(m))
        return false;
    read_to_head(in);
    struct link **at = link_at(in, rec);
    if (*at) {
        recording_close((*at)->recording, clock_now_us(), reason);
        link_drop(in, at);
    }
    say(in, rec, REC_STATE_CLOSED, 0, "closed");
    return true;
}

static bool on_kick(struct intake *in, struct wire_in *m)
{
    wake(in);
    return wire_end(m);
}

static const struct handler {
    uint16_t type;
    bool (*fn)(struct intake *in, struct wire_in *m); /* false: not a message of ours */
} HANDLERS[] = {
    {REC_HELLO, on_hello},         {REC_OPEN, on_open_recording},   {REC_TRACK, on_track},
    {REC_TRACK_END, on_track_end}, {REC_CLOSE, on_close_recording}, {REC_KICK, on_kick},
};

/* --- connections ------------------------------------------------------------------------------------------ */

static void on_open(void *arg, struct wire *w)
{
    struct intake_server *s = arg;
    struct intake *in = mem_new(sizeof *in);

    in->server = s;
    in->wire = w;
    in->next = s->intakes;
    s->intakes = in;
    wire_set_data(w, in);
    WORKERS.value++;
}

/* The worker is gone. What it put in the ring before is still ours to keep. */
static void intake_end(struct intake *in)
{
    struct intake **at = &in->server->intakes;

    if (!in->server->stopped)
        read_to_head(in);
    while (in->links) {
        recording_lost(in->links->recording, clock_now_us(), "worker_lost");
        link_drop(in, &in->links);
    }
    slots_forget(in, NULL);
    if (in->ring && !in->server->stopped)
        ring_release(in->ring); /* if it lives after all, it must not be read twice */
    ring_free(in->ring);
    loop_untimer(in->timer);
    while (*at != in)
        at = &(*at)->next;
    *at = in->next;
    free(in);
    WORKERS.value--;
}

static void on_message(void *arg, struct wire *w, struct wire_in *m)
{
    struct intake *in = wire_data(w);
    bool ok = false;

    (void)arg;
    for (size_t i = 0; i < sizeof HANDLERS / sizeof HANDLERS[0]; i++)
        if (HANDLERS[i].type == m->type)
            ok = in->server->stopped || HANDLERS[i].fn(in, m);
    if (ok)
        return;
    log_error("worker_message", LI("worker", in->worker), LI("type", m->type));
    intake_end(in);
    wire_close(w);
}

static void on_close(void *arg, struct wire *w)
{
    struct intake *in = wire_data(w);

    (void)arg;
    log_warn("worker_gone", LI("worker", in->worker));
    intake_end(in);
}

bool intake_listen(struct intake_server **out, struct recorder *r, const char *path, struct err *err)
{
    struct intake_server *s = mem_new(sizeof *s);
    struct wire_events ev = {.on_open = on_open, .on_message = on_message, .on_close = on_close, .arg = s};

    s->r = r;
    if (!wire_listen(&s->wires, r->loop, path, ev, err)) {
        free(s);
        return false;
    }
    metrics_add(&RECORDS);
    metrics_add(&UNKNOWN);
    metrics_add(&WORKERS);
    *out = s;
    return true;
}

void intake_stop(struct intake_server *s)
{
    s->stopped = true;
    for (struct intake *in = s->intakes; in; in = in->next) {
        read_to_head(in);
        loop_untimer(in->timer);
        in->timer = NULL;
        while (in->links)
            link_drop(in, &in->links);
        slots_forget(in, NULL);
    }
}

void intake_free(struct intake_server *s)
{
    if (!s)
        return;
    for (struct intake *in = s->intakes; in; in = in->next)
        if (in->ring)
            give_back(in);
    wire_server_free(s->wires); /* on_close for each, which frees them */
    free(s);
}
