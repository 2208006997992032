/* chair.c - see chair.h. */
#include "media/chair.h"

#include <assert.h>
#include <stdlib.h>
#include "core/crypto.h"
#include "core/mem.h"
#include "media/control.h"
#include "media/counters.h"
#include "media/peer.h"
#include "media/srtp.h"
#include "media/track.h"

/* What one receiver may have sent again: a third of a good video, after a burst for one bad second. */
#define RESEND_PPS      600
#define RESEND_BPS      4000000
#define RESEND_AGAIN_US 10000 /* the same packet twice: not before the first copy can have arrived */

static uint32_t random_u32(void)
{
    uint32_t v;

    crypto_random(&v, sizeof(v));
    return v ? v : 1;
}

struct chair *chair_new(struct peer *p, const struct sdp_media *m, unsigned index)
{
    struct chair *c = mem_new(sizeof(*c));
    uint64_t random;

    c->peer = p;
    c->kind = m->kind;
    c->index = index;
    memcpy(c->mid, m->mid, sizeof(c->mid));
    c->mid_len = (uint8_t)strlen(c->mid);
    c->ssrc = random_u32();
    c->rtx_ssrc = m->kind == SDP_VIDEO ? random_u32() : 0;
    crypto_random(&random, sizeof(random));
    rewrite_init(&c->rewrite, m->kind == SDP_AUDIO ? 48000 : 90000, random);
    c->rtx_seq = (uint16_t)(random >> 20) & 0x7fff;
    chair_update(c, m);
    return c;
}

void chair_update(struct chair *c, const struct sdp_media *m)
{
    uint8_t mid_id = m->ext.id[RTP_EXT_MID], level_id = m->kind == SDP_AUDIO ? m->ext.id[RTP_EXT_LEVEL] : 0;
    struct track *t = c->source;

    if (mid_id != c->mid_id || level_id != c->level_id ||
        memcmp(c->codecs, m->codecs, sizeof(c->codecs)) != 0)
        c->resend_from =
            c->rewrite.in_highest + 1; /* see write_header(): never one number with two contents */
    memcpy(c->codecs, m->codecs, sizeof(c->codecs));
    c->codec_count = m->codec_count;
    c->mid_id = mid_id;
    c->level_id = level_id;
    c->codec = t ? chair_codec_for(c, t) : NULL;
    if (t && !c->codec)
        chair_empty(c);
}

void chair_free(struct chair *c)
{
    if (!c)
        return;
    chair_empty(c);
    free(c);
}

/* A receiver's profile shows a sender's when it is the same or a superset (RFC 6184 8.1); Baseline and Main overlap in
 * Constrained Baseline only. */
static bool h264_shows(const struct sdp_codec *receiver, const struct sdp_codec *sender)
{
    bool constrained = sender->h264_profile == 0x42 && (sender->h264_constraints & 0x40);

    if (receiver->h264_profile == sender->h264_profile)
        return constrained || sender->h264_profile != 0x42 || !(receiver->h264_constraints & 0x40);
    return constrained || (receiver->h264_profile == 0x64 && sender->h264_profile == 0x4d);
}

const struct sdp_codec *chair_codec_for(const struct chair *c, const struct track *t)
{
    const struct sdp_codec *fits = NULL;

    for (unsigned i = 0; i < c->codec_count; i++) {
        const struct sdp_codec *k = &c->codecs[i];

        if (k->codec != t->codec.codec || (k->codec == CODEC_H264 && !h264_shows(k, &t->codec)))
            continue;
        if (k->h264_profile == t->codec.h264_profile && k->h264_constraints == t->codec.h264_constraints)
            return k;
        if (!fits)
            fits = k;
    }
    return fits;
}

void chair_seat(struct chair *c, struct track *t, const struct sdp_codec *codec)
{
    assert(!c->source && c->kind == t->kind);
    c->source = t;
    c->codec = codec;
    c->resend_from = 0;
    c->prev = NULL;
    c->next = t->chairs;
    if (t->chairs)
        t->chairs->prev = c;
    t->chairs = c;
    rewrite_stop(&c->rewrite);
    control_chair(c);
    if (peer_connected(c->peer))
        track_want_keyframe(t);
}

void chair_empty(struct chair *c)
{
    if (!c->source)
        return;
    *(c->prev ? &c->prev->next : &c->source->chairs) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->source = NULL;
    c->codec = NULL;
    rewrite_stop(&c->rewrite);
    control_chair(c);
}

/* ---- packet path ---- */

/* The header of pkt as this chair sends it, first time or again: the same input gives the same bytes, because with
 * AES-GCM two different packets under one number would break the key (RFC 7714 8.1). */
static size_t write_header(const struct chair *c, const struct packet *pkt, const struct rewritten *to,
                           uint8_t *out)
{
    struct rtp_out h = {
        .pt = c->codec->pt,
        /* The first sound after a change begins a talk spurt (RFC 3551 4.1). */
        .marker = pkt->rtp->marker || (c->kind == SDP_AUDIO && pkt->ext == c->rewrite.in_first),
        .seq = to->seq,
        .ts = to->ts,
        .ssrc = c->ssrc,
        .mid_id = c->mid_id,
        .mid_len = c->mid_len,
        .mid = c->mid,
        .level_id = pkt->has_level ? c->level_id : 0,
        .level = pkt->level,
    };

    return rtp_write_header(out, &h);
}

/* Encrypt what stands in the slot and send it. */
static void commit(struct chair *c, uint8_t *slot, size_t len)
{
    struct peer *p = c->peer;
    const struct addr *to = ice_address(&p->ice);

    if (!to || srtp_out_rtp(p->out, slot, &len) != SRTP_OK) {
        count(C_DROP_PROTECT);
        return;
    }
    net_commit(p->worker->net, len, to);
    p->packets_out++;
    p->bytes_out += (int64_t)len;
    count(C_RTP_OUT);
}

/* A new source: pictures begin with a key frame, sound at once. */
static bool begin(struct chair *c, const struct packet *pkt)
{
    if (c->kind == SDP_VIDEO && !pkt->keyframe) {
        track_want_keyframe(c->source);
        return false;
    }
    rewrite_begin(&c->rewrite, pkt->ext, pkt->rtp->ts, pkt->has_vp8 ? &pkt->vp8 : NULL,
                  c->peer->worker->now_us);
    return true;
}

void chair_send(struct chair *c, const struct packet *pkt)
{
    uint16_t n = rtp_payload_len(pkt->rtp);
    struct rewritten to;
    uint8_t *slot;
    size_t len;

    if (!peer_connected(c->peer))
        return;
    if (!c->rewrite.begun && !begin(c, pkt))
        return;
    if (!rewrite_map(&c->rewrite, pkt->ext, pkt->rtp->ts, c->peer->worker->now_us, &to))
        return;
    slot = net_slot(c->peer->worker->net);
    len = write_header(c, pkt, &to, slot);
    memcpy(slot + len, rtp_payload(pkt->rtp), n);
    if (pkt->has_vp8)
        rewrite_vp8(&c->rewrite, &pkt->vp8, slot + len);
    c->packets++;
    c->octets += n;
    commit(c, slot, len + n);
}

/* ---- again ---- */

static bool resent_just_now(struct chair *c, uint16_t seq, int64_t now_us)
{
    int64_t wait = c->peer->rtt_us > RESEND_AGAIN_US ? c->peer->rtt_us : RESEND_AGAIN_US;
    unsigned i = seq % CHAIR_RESENT;

    if (c->resent[i].at_us && c->resent[i].seq == seq && now_us - c->resent[i].at_us < wait)
        return true;
    c->resent[i].seq = seq;
    c->resent[i].at_us = now_us;
    return false;
}

/* RFC 4588: a stream of its own; its payload begins with the number the packet had. */
static size_t wrap_rtx(struct chair *c, uint8_t *slot, size_t header, uint16_t payload, uint16_t seq)
{
    memmove(slot + header + 2, slot + header, payload);
    put_be16(slot + header, seq);
    slot[1] = (uint8_t)((slot[1] & 0x80) | c->codec->rtx_pt);
    put_be16(slot + 2, c->rtx_seq++);
    put_be32(slot + 8, c->rtx_ssrc);
    return header + 2 + payload;
}

static void resend(struct chair *c, const struct packet *pkt)
{
    uint16_t n = rtp_payload_len(pkt->rtp);
    struct rewritten to;
    uint8_t *slot;
    size_t header, len;

    if (!rewrite_map(&c->rewrite, pkt->ext, pkt->rtp->ts, c->peer->worker->now_us, &to))
        return;
    slot = net_slot(c->peer->worker->net);
    header = write_header(c, pkt, &to, slot);
    memcpy(slot + header, rtp_payload(pkt->rtp), n);
    if (pkt->has_vp8)
        rewrite_vp8(&c->rewrite, &pkt->vp8, slot + header);
    len = header + n;
    if (c->codec->rtx_pt && c->rtx_ssrc)
        len = wrap_rtx(c, slot, header, n, to.seq);
    c->resent_total++;
    count(C_RTP_RESENT);
    commit(c, slot, len);
}

void chair_resend(struct chair *c, uint16_t out_seq)
{
    struct worker *w = c->peer->worker;
    struct packet pkt = {0};
    const uint8_t *data, *v;
    struct rtp r;
    size_t len;
    uint8_t n;

    if (!c->source || !c->source->store || !rewrite_back(&c->rewrite, out_seq, &pkt.ext) ||
        pkt.ext < c->resend_from || !(data = store_get(c->source->store, pkt.ext, &len)) ||
        !rtp_parse(data, len, &r)) {
        c->not_found++;
        count(C_NACK_UNKNOWN);
        return;
    }
    if (resent_just_now(c, out_seq, w->now_us))
        return;
    if (!police_pass(&c->resend_police, w->now_us, RESEND_PPS, RESEND_BPS, (uint32_t)len)) {
        count(C_NACK_LIMIT);
        return;
    }
    pkt.rtp = &r;
    pkt.codec = c->source->codec.codec;
    if (pkt.codec == CODEC_VP8)
        pkt.has_vp8 = vp8_parse(rtp_payload(&r), rtp_payload_len(&r), &pkt.vp8);
    if (c->kind == SDP_AUDIO && (v = rtp_ext_find(&r, c->source->level_id, &n)) != NULL) {
        pkt.has_level = true;
        pkt.level = *v;
    }
    resend(c, &pkt);
}
