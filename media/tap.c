/* tap.c - see tap.h. */
#include "media/tap.h"

#include <stdlib.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/wire.h"
#include "media/control.h"
#include "media/counters.h"
#include "media/protocol.h"

struct tap {
    struct worker *worker;
    char *path;
    struct wire *wire; /* NULL until the first room records */
    struct ring *ring;
    uint32_t recs, tracks; /* handles given out */
    bool was_open, dirty;
};

/* ---- messages ---- */

static void say_open(struct tap *tap, const struct room *r)
{
    struct wire_out *o = wire_begin(tap->wire, REC_OPEN, 0);

    if (!o)
        return;
    wire_put_u32(o, r->rec);
    wire_put_str(o, r->id);
    wire_put_str(o, r->record_dir);
    wire_send(o);
}

static void say_track(struct tap *tap, const struct track *t)
{
    struct wire_out *o = wire_begin(tap->wire, REC_TRACK, 0);
    char fmtp[64] = "";

    if (!o)
        return;
    if (t->codec.codec == CODEC_H264)
        snprintf(fmtp, sizeof(fmtp), "packetization-mode=1;profile-level-id=%02x%02x%02x",
                 t->codec.h264_profile, t->codec.h264_constraints, t->codec.h264_level);
    wire_put_u32(o, t->source.rec);
    wire_put_u32(o, t->source.track);
    wire_put_str(o, t->peer->id);
    wire_put_str(o, t->kind == SDP_AUDIO ? "audio" : "video");
    wire_put_str(o, codec_name(t->codec.codec));
    wire_put_u8(o, t->codec.pt);
    wire_put_u32(o, t->clock_hz);
    wire_put_u32(o, t->ssrc);
    wire_put_str(o, fmtp);
    wire_send(o);
}

static void say_kick(struct tap *tap)
{
    struct wire_out *o = wire_begin(tap->wire, REC_KICK, 0);

    if (o)
        wire_send(o);
}

/* ---- the connection ---- */

#define EACH_RECORDED(w, r)                                                                                  \
    for (unsigned b_ = 0; b_ < ROOM_BUCKETS; b_++)                                                           \
        for (struct room *r = (w)->rooms[b_]; r; r = r->next)                                                \
            if (r->rec)

/* A recorder, perhaps a new one: everything that runs, then the word to read on. */
static void on_open(void *arg, struct wire *wire)
{
    struct tap *tap = arg;
    struct wire_out *o = wire_begin(wire, REC_HELLO, 0);

    if (!o)
        return;
    wire_put_u16(o, tap->worker->number);
    wire_put_u64(o, tap->worker->boot);
    wire_put_fd(o, ring_fd(tap->ring));
    wire_send(o);
    EACH_RECORDED(tap->worker, r)
    {
        say_open(tap, r);
        for (struct track *t = r->tracks; t; t = t->next)
            if (t->source.rec)
                say_track(tap, t);
        if (tap->was_open)
            control_record_state(r, true, "recorder_back");
    }
    say_kick(tap);
    tap->was_open = true;
    log_info("recorder_connected", LI("waiting_bytes", ring_used(tap->ring)));
}

static void on_close(void *arg, struct wire *wire)
{
    struct tap *tap = arg;

    (void)wire;
    EACH_RECORDED(tap->worker, r)
    control_record_state(r, true, "recorder_lost");
    log_warn("recorder_lost");
}

static void on_rec_state(struct tap *tap, struct wire_in *in)
{
    uint32_t rec = wire_get_u32(in);
    uint8_t state = wire_get_u8(in);
    uint64_t bytes = wire_get_u64(in);
    static const char *const REASONS[] = {"started", "growing", "stopped"};
    char reason[64];

    wire_get_str(in, reason, sizeof(reason));
    if (!wire_end(in))
        return;
    EACH_RECORDED(tap->worker, r)
    {
        if (r->rec != rec)
            continue;
        r->rec_bytes = bytes;
        control_record_state(r, state <= REC_STATE_GROWING, state < 3 ? REASONS[state] : reason);
        return;
    }
}

static void on_message(void *arg, struct wire *wire, struct wire_in *in)
{
    (void)wire;
    if (in->type == REC_STATE)
        on_rec_state(arg, in);
}

struct tap *tap_new(struct worker *w, const char *socket_path)
{
    struct tap *tap = mem_new(sizeof(*tap));

    tap->worker = w;
    tap->path = mem_str(socket_path);
    return tap;
}

void tap_free(struct tap *tap)
{
    if (!tap)
        return;
    wire_close(tap->wire);
    ring_free(tap->ring);
    free(tap->path);
    free(tap);
}

static bool connect_recorder(struct tap *tap, struct err *err)
{
    if (tap->wire)
        return true;
    if (!ring_create(&tap->ring, tap->worker->limits.ring_bytes, err))
        return false;
    tap->wire = wire_connect(
        tap->worker->loop, tap->path,
        (struct wire_events){.on_open = on_open, .on_message = on_message, .on_close = on_close, .arg = tap});
    return true;
}

/* ---- rooms and tracks ---- */

void tap_open(struct room *r)
{
    struct tap *tap = r->worker->tap;
    struct err err = ERR_INIT;

    if (!connect_recorder(tap, &err)) {
        log_error("record_open", LS("room_id", r->id), LERR(&err));
        control_record_state(r, false, "ring_failed");
        return;
    }
    r->rec = ++tap->recs;
    r->rec_bytes = 0;
    say_open(tap, r);
    for (struct track *t = r->tracks; t; t = t->next)
        tap_track(t);
    control_record_state(r, true, wire_is_open(tap->wire) ? "started" : "recorder_lost");
}

void tap_close(struct room *r, const char *why)
{
    struct tap *tap = r->worker->tap;
    struct wire_out *o;

    if (!r->rec)
        return;
    for (struct track *t = r->tracks; t; t = t->next)
        tap_track_end(t);
    tap_flush(tap); /* the ring's last record is there before the message */
    o = wire_begin(tap->wire, REC_CLOSE, 0);
    if (o) {
        wire_put_u32(o, r->rec);
        wire_put_str(o, why);
        wire_send(o);
    }
    control_record_state(r, false, "stopped");
    r->rec = 0;
}

void tap_track(struct track *t)
{
    struct room *r = t->peer->room;

    t->source = (struct ring_source){.rec = r->rec, .track = ++r->worker->tap->tracks};
    say_track(r->worker->tap, t);
    if (t->have_sr)
        tap_sr(t);
    track_want_keyframe(t); /* a recording that begins with one can be played from its first second */
}

void tap_track_end(struct track *t)
{
    struct tap *tap = t->peer->worker->tap;
    struct wire_out *o;

    if (!t->source.rec)
        return;
    tap_flush(tap);
    o = wire_begin(tap->wire, REC_TRACK_END, 0);
    if (o) {
        wire_put_u32(o, t->source.rec);
        wire_put_u32(o, t->source.track);
        wire_send(o);
    }
    t->source = (struct ring_source){0};
}

/* ---- packet path ---- */

static void put(struct track *t, enum ring_kind kind, uint16_t flags, const void *data, uint32_t len)
{
    struct worker *w = t->peer->worker;
    int64_t at = w->now_us + t->peer->room->rec_epoch_us;

    if (!ring_put(w->tap->ring, &t->source, kind, flags, at, data, len))
        count(C_RECORD_LOST);
    w->tap->dirty = true;
}

void tap_packet(struct track *t, const struct packet *pkt, bool repaired)
{
    uint16_t flags = 0;

    if (pkt->keyframe)
        flags |= RING_FLAG_KEYFRAME;
    if (repaired)
        flags |= RING_FLAG_REPAIRED;
    put(t, RING_RTP, flags, pkt->rtp->data, pkt->rtp->len);
}

void tap_sr(struct track *t)
{
    struct ring_sr sr = {t->ssrc, t->sr_rtp, t->sr_ntp};

    put(t, RING_SR, 0, &sr, sizeof(sr));
}

void tap_flush(struct tap *tap)
{
    if (!tap->dirty)
        return;
    tap->dirty = false;
    if (ring_flush(tap->ring))
        say_kick(tap);
}
