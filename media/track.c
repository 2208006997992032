/* track.c - see track.h. */
#include "media/track.h"

#include <stdlib.h>
#include "core/mem.h"
#include "media/chair.h"
#include "media/control.h"
#include "media/counters.h"
#include "media/forward.h"
#include "media/peer.h"
#include "media/room.h"
#include "media/tap.h"

/* Video: half a second of 8 Mbit/s, or 512 packets. Audio: 128 packets are two and a half seconds. */
#define VIDEO_SLOTS 512u
#define VIDEO_BYTES (600u * 1024)
#define AUDIO_SLOTS 128u
#define AUDIO_BYTES (32u * 1024)

struct track *track_new(struct peer *p, const struct sdp_media *m, const struct sdp_codec *codec)
{
    struct track *t = mem_new(sizeof(*t));

    t->peer = p;
    t->kind = m->kind;
    memcpy(t->mid, m->mid, sizeof(t->mid));
    t->codec = *codec;
    t->clock_hz = m->kind == SDP_AUDIO ? 48000 : 90000;
    t->allowed = peer_may(p, m->kind);
    t->level_id = m->kind == SDP_AUDIO ? m->ext.id[RTP_EXT_LEVEL] : 0;
    if (m->ssrc_count) {
        t->ssrc = m->ssrcs[0].ssrc;
        t->rtx_ssrc = m->ssrcs[0].rtx;
    }
    reception_init(&t->reception, t->clock_hz, codec->fb & SDP_FB_NACK);
    return t;
}

void track_free(struct track *t)
{
    if (!t)
        return;
    track_go_dead(t);
    store_free(t->store);
    free(t);
}

void track_reset(struct track *t)
{
    reception_init(&t->reception, t->clock_hz, t->codec.fb & SDP_FB_NACK);
    store_free(t->store);
    t->store = NULL;
    t->have_sr = false;
    for (struct chair *c = t->chairs; c; c = c->next)
        rewrite_stop(&c->rewrite);
}

void track_go_live(struct track *t)
{
    struct room *r = t->peer->room;

    t->live = true;
    t->order = t->peer->worker->live_order++;
    t->next = NULL;
    t->prev = r->tracks_last;
    *(r->tracks_last ? &r->tracks_last->next : &r->tracks) = t;
    r->tracks_last = t;
    control_track(t, true);
    if (r->rec)
        tap_track(t);
    seats_fill_all(r);
}

void track_go_dead(struct track *t)
{
    struct room *r = t->peer->room;

    if (!t->live)
        return;
    t->live = false;
    *(t->prev ? &t->prev->next : &r->tracks) = t->next;
    *(t->next ? &t->next->prev : &r->tracks_last) = t->prev;
    if (r->speaker == t)
        r->speaker = NULL;
    if (r->challenger == t)
        r->challenger = NULL;
    tap_track_end(t);
    seats_clear(t);
    control_track(t, false);
}

void track_allow(struct track *t, bool allowed)
{
    bool again = allowed && !t->allowed;

    t->allowed = allowed;
    if (!again)
        return;
    /* What came meanwhile was not counted as lost, and receivers need a picture to begin with. */
    track_reset(t);
    if (t->kind == SDP_VIDEO && t->live)
        track_want_keyframe(t);
}

void track_want_keyframe(struct track *t)
{
    if (t->kind != SDP_VIDEO || !peer_connected(t->peer))
        return;
    if (keyframe_ask(&t->keyframe, t->peer->worker->now_us))
        pli_send(t);
}

void track_tick(struct track *t)
{
    if (keyframe_due(&t->keyframe, t->peer->worker->now_us))
        pli_send(t);
}

/* ---- packet path ---- */

static bool judge(struct track *t, const struct rtp *r)
{
    struct worker *w = t->peer->worker;
    const struct limits *l = &w->limits;
    bool audio = t->kind == SDP_AUDIO;

    if (r->pt != t->codec.pt) {
        count(C_DROP_PAYLOAD_TYPE);
        return false;
    }
    if (!t->allowed) {
        count(C_DROP_RIGHTS);
        return false;
    }
    if (!police_pass(&t->police, w->now_us, audio ? l->audio_pps : l->video_pps,
                     audio ? l->audio_bps : l->video_bps, r->len)) {
        count(C_DROP_POLICE);
        return false;
    }
    return true;
}

/* false: a duplicate, or too late for anybody. */
static bool receive(struct track *t, const struct rtp *r, bool repaired, uint64_t *ext)
{
    bool overrun;

    switch (reception_packet(&t->reception, r->seq, ext, &overrun)) {
    case RECEPTION_DUPLICATE:
        count(C_DROP_DUPLICATE);
        return false;
    case RECEPTION_OLD:
        count(C_DROP_LATE);
        return false;
    case RECEPTION_NEW:
        if (!repaired)
            reception_jitter(&t->reception, r->ts, t->peer->worker->now_us);
        break;
    case RECEPTION_LATE:
        break;
    }
    if (overrun)
        track_want_keyframe(t);
    if (t->reception.missing_count)
        peer_busy(t->peer);
    return true;
}

static void look_inside(struct track *t, struct packet *pkt)
{
    const struct rtp *r = pkt->rtp;
    const uint8_t *payload = rtp_payload(r), *v;
    uint8_t len;

    if (t->kind == SDP_AUDIO) {
        v = rtp_ext_find(r, t->level_id, &len);
        pkt->has_level = v != NULL;
        if (v) {
            pkt->level = *v;
            speaker_level(t, *v & 0x7f);
        }
        return;
    }
    if (t->codec.codec == CODEC_VP8)
        pkt->has_vp8 = vp8_parse(payload, rtp_payload_len(r), &pkt->vp8);
    pkt->keyframe = payload_starts_keyframe(t->codec.codec, payload, rtp_payload_len(r));
    if (pkt->keyframe)
        keyframe_seen(&t->keyframe);
}

void track_packet(struct track *t, const struct rtp *r, bool repaired)
{
    struct packet pkt = {.rtp = r, .codec = t->codec.codec};

    if (!judge(t, r) || !receive(t, r, repaired, &pkt.ext)) {
        t->dropped++;
        return;
    }
    t->packets++;
    t->bytes += r->len;
    t->repaired += repaired;
    if (!t->store)
        t->store =
            t->kind == SDP_VIDEO ? store_new(VIDEO_SLOTS, VIDEO_BYTES) : store_new(AUDIO_SLOTS, AUDIO_BYTES);
    store_put(t->store, pkt.ext, r->data, r->len);
    look_inside(t, &pkt);
    if (!t->live)
        track_go_live(t);
    if (t->source.rec)
        tap_packet(t, &pkt, repaired);
    for (struct chair *c = t->chairs; c; c = c->next)
        chair_send(c, &pkt);
}
