/* negotiate.c - from the m-lines of an offer to tracks, chairs and the answer; see peer.h, protocol.h and RFC 9429.
 *
 * What they send (sendonly, sendrecv) becomes a track with one codec, VP8 before H.264; what they only receive becomes a
 * chair that takes any codec both sides know. An m-line keeps its track or chair as long as its mid and role stay. */
#include <stdlib.h>
#include "core/mem.h"
#include "media/peer.h"
#include "media/room.h"

static enum line_role role_of(const struct sdp_media *m)
{
    if (m->rejected || m->kind == SDP_OTHER || m->codec_count == 0 || m->dir == SDP_INACTIVE)
        return LINE_NONE;
    return m->dir == SDP_RECVONLY ? LINE_CHAIR : LINE_TRACK;
}

/* Opus; VP8 before H.264, because every browser decodes it; of H.264 constrained baseline before the rest, for the same
 * reason; else their order. */
static unsigned rank(const struct sdp_codec *c)
{
    switch (c->codec) {
    case CODEC_H264:
        return c->h264_profile == 0x42 && (c->h264_constraints & 0x40) ? 1 : 2;
    case CODEC_OPUS:
    case CODEC_VP8:
    case CODEC_NONE:
    case CODEC_RTX:
        break;
    }
    return 0;
}

static const struct sdp_codec *best_codec(const struct sdp_media *m)
{
    const struct sdp_codec *best = &m->codecs[0];

    for (unsigned i = 1; i < m->codec_count; i++)
        if (rank(&m->codecs[i]) < rank(best))
            best = &m->codecs[i];
    return best;
}

static void line_end(struct line *l)
{
    track_free(l->track);
    chair_free(l->chair);
    *l = (struct line){0};
}

/* ---- tracks ---- */

/* The streams table points at tracks; one that ends takes its entries along. */
static void forget_streams(struct peer *p, const struct track *t)
{
    for (unsigned i = 0; i < p->stream_count; i++)
        if (p->streams[i].track == t)
            p->streams[i] = (struct stream){p->streams[i].ssrc, STREAM_UNBOUND, NULL};
}

static void track_update(struct track *t, const struct sdp_media *m, const struct sdp_codec *codec)
{
    bool same = t->codec.codec == codec->codec && t->codec.pt == codec->pt;

    t->codec = *codec;
    t->level_id = m->kind == SDP_AUDIO ? m->ext.id[RTP_EXT_LEVEL] : 0;
    if (m->ssrc_count && t->ssrc != m->ssrcs[0].ssrc) {
        forget_streams(t->peer, t);
        t->ssrc = m->ssrcs[0].ssrc;
        t->rtx_ssrc = m->ssrcs[0].rtx;
        same = false;
    }
    if (same)
        return;
    track_reset(t);
    if (t->live && codec->codec != CODEC_OPUS)
        track_go_dead(t); /* chairs must fit the new codec */
}

static void apply_track(struct peer *p, struct line *l, const struct sdp_media *m)
{
    const struct sdp_codec *codec = best_codec(m);

    if (l->track)
        track_update(l->track, m, codec);
    else
        l->track = track_new(p, m, codec);
    l->role = LINE_TRACK;
    for (int i = 0; i < RTP_EXT_COUNT; i++)
        if (m->ext.id[i])
            p->ext.id[i] = m->ext.id[i]; /* one bundle, one meaning per id (RFC 8843 9) */
    if ((codec->fb & SDP_FB_TWCC) && m->ext.id[RTP_EXT_TWCC] && !p->twcc)
        p->twcc = mem_new(sizeof(*p->twcc));
    if (m->kind == SDP_VIDEO)
        p->remb = (codec->fb & SDP_FB_REMB) && !p->twcc;
}

/* ---- chairs ---- */

static unsigned next_index(const struct peer *p, enum sdp_kind kind)
{
    unsigned next = 0;

    for (unsigned i = 0; i < p->line_count; i++) {
        const struct chair *c = p->lines[i].chair;

        if (c && c->kind == kind && c->index >= next)
            next = c->index + 1;
    }
    return next;
}

static void apply_chair(struct peer *p, struct line *l, const struct sdp_media *m)
{
    if (l->chair)
        chair_update(l->chair, m);
    else
        l->chair = chair_new(p, m, next_index(p, m->kind));
    l->role = LINE_CHAIR;
}

static bool keeps(const struct line *l, const struct sdp_media *m)
{
    if (l->role == LINE_NONE || l->role != role_of(m))
        return false;
    if (l->track)
        return l->track->kind == m->kind && strcmp(l->track->mid, m->mid) == 0;
    return l->chair->kind == m->kind && strcmp(l->chair->mid, m->mid) == 0;
}

static void apply_lines(struct peer *p, const struct sdp_offer *o)
{
    unsigned n = o->media_count > p->line_count ? o->media_count : p->line_count;

    p->lines = mem_grow(p->lines, n * sizeof(*p->lines));
    memset(p->lines + p->line_count, 0, (n - p->line_count) * sizeof(*p->lines));
    p->line_count = n;
    for (unsigned i = 0; i < n; i++) {
        const struct sdp_media *m = i < o->media_count ? &o->media[i] : NULL;
        struct line *l = &p->lines[i];

        if (!m || !keeps(l, m)) {
            if (l->track)
                forget_streams(p, l->track);
            line_end(l);
        }
        if (m && role_of(m) == LINE_TRACK)
            apply_track(p, l, m);
        else if (m && role_of(m) == LINE_CHAIR)
            apply_chair(p, l, m);
        if (m && l->role != LINE_NONE)
            p->rtcp_rsize = m->rtcp_rsize;
    }
}

/* ---- answer ---- */

static void answer_track(const struct peer *p, const struct track *t, const struct sdp_media *m,
                         struct sdp_answer_media *a)
{
    (void)t;
    a->dir = SDP_RECVONLY;
    a->codecs[0] = best_codec(m);
    a->codec_count = 1;
    a->fb = SDP_FB_NACK | SDP_FB_PLI | SDP_FB_FIR;
    a->ext.id[RTP_EXT_MID] = m->ext.id[RTP_EXT_MID];
    if (m->kind == SDP_AUDIO)
        a->ext.id[RTP_EXT_LEVEL] = m->ext.id[RTP_EXT_LEVEL];
    if (p->twcc && m->ext.id[RTP_EXT_TWCC]) {
        a->ext.id[RTP_EXT_TWCC] = m->ext.id[RTP_EXT_TWCC];
        a->fb |= SDP_FB_TWCC;
    } else if (p->remb) {
        a->fb |= SDP_FB_REMB;
    }
}

static void answer_chair(const struct chair *c, const struct sdp_media *m, struct sdp_answer_media *a)
{
    bool rtx = false;

    a->dir = SDP_SENDONLY;
    for (unsigned i = 0; i < m->codec_count; i++) {
        a->codecs[a->codec_count++] = &m->codecs[i];
        rtx = rtx || m->codecs[i].rtx_pt;
    }
    a->fb = SDP_FB_NACK | SDP_FB_PLI | SDP_FB_FIR;
    a->ext.id[RTP_EXT_MID] = c->mid_id;
    a->ext.id[RTP_EXT_LEVEL] = c->level_id;
    a->ssrc = c->ssrc;
    a->rtx_ssrc = rtx ? c->rtx_ssrc : 0;
    snprintf(a->stream, sizeof(a->stream), "seat-%u", c->index);
}

static void answer_line(const struct peer *p, const struct line *l, const struct sdp_media *m,
                        struct sdp_answer_media *a)
{
    if (m->rejected || m->kind == SDP_OTHER || m->codec_count == 0)
        return; /* port 0 */
    a->accepted = true;
    if (l->track) {
        answer_track(p, l->track, m, a);
    } else if (l->chair) {
        answer_chair(l->chair, m, a);
    } else {
        a->dir = SDP_INACTIVE;
        a->codecs[a->codec_count++] = best_codec(m);
        a->ext.id[RTP_EXT_MID] = m->ext.id[RTP_EXT_MID];
    }
}

bool negotiate(struct peer *p, const struct sdp_offer *offer, char **answer, size_t *answer_len,
               struct err *err)
{
    struct sdp_answer *a = mem_new(sizeof(*a));

    apply_lines(p, offer);
    a->session_id = p->answer_id;
    a->version = ++p->answer_version;
    a->ufrag = p->ice.now.ufrag;
    a->pwd = p->ice.now.pwd;
    a->fingerprint = dtls_factory_fingerprint(p->worker->dtls);
    a->cname = p->cname;
    a->addresses = net_addresses(p->worker->net);
    a->port = net_port(p->worker->net);
    for (unsigned i = 0; i < offer->media_count; i++)
        answer_line(p, &p->lines[i], &offer->media[i], &a->media[i]);
    *answer = sdp_write_answer(offer, a, answer_len);
    free(a);
    return *answer || err_set(err, ERR_INTERNAL, "out_of_memory", "answer");
}
