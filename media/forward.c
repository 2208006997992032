/* forward.c - RTP in; see forward.h. */
#include "media/forward.h"

#include "core/mem.h"
#include "media/counters.h"
#include "media/srtp.h"

static struct stream *stream_find(struct peer *p, uint32_t ssrc)
{
    for (unsigned i = 0; i < p->stream_count; i++)
        if (p->streams[i].ssrc == ssrc)
            return &p->streams[i];
    return NULL;
}

/* Before decryption: libsrtp keeps something for every SSRC that authenticates, so their number is bounded here. */
static bool stream_welcome(struct peer *p)
{
    const struct limits *l = &p->worker->limits;

    return (int32_t)p->stream_count < l->streams &&
           police_pass(&p->new_streams, p->worker->now_us, l->streams_per_s, 1 << 20, 1);
}

static struct stream *stream_add(struct peer *p, uint32_t ssrc)
{
    if ((p->stream_count & (p->stream_count - 1)) == 0 && (p->stream_count == 0 || p->stream_count >= 4))
        p->streams = mem_grow(p->streams, (p->stream_count ? p->stream_count * 2 : 4) * sizeof(*p->streams));
    p->streams[p->stream_count] = (struct stream){ssrc, STREAM_UNBOUND, NULL};
    return &p->streams[p->stream_count++];
}

/* ---- which track an SSRC belongs to ---- */

static struct track *track_by_ssrc(struct peer *p, uint32_t ssrc, enum stream_role *role)
{
    for (unsigned i = 0; i < p->line_count; i++) {
        struct track *t = p->lines[i].track;

        if (t && ssrc && (t->ssrc == ssrc || t->rtx_ssrc == ssrc)) {
            *role = t->ssrc == ssrc ? STREAM_MEDIA : STREAM_RTX;
            return t;
        }
    }
    return NULL;
}

static struct track *track_by_mid(struct peer *p, const uint8_t *mid, size_t len)
{
    for (unsigned i = 0; i < p->line_count; i++) {
        struct track *t = p->lines[i].track;

        if (t && strlen(t->mid) == len && memcmp(t->mid, mid, len) == 0)
            return t;
    }
    return NULL;
}

/* The last resort (RFC 8843 9.2): a payload type only one m-line sends. */
static struct track *track_by_pt(struct peer *p, uint8_t pt)
{
    struct track *found = NULL;

    for (unsigned i = 0; i < p->line_count; i++) {
        struct track *t = p->lines[i].track;

        if (!t || (t->codec.pt != pt && t->codec.rtx_pt != pt))
            continue;
        if (found)
            return NULL;
        found = t;
    }
    return found;
}

static void stream_bind(struct peer *p, struct stream *s, const struct rtp *r)
{
    uint8_t len;
    const uint8_t *mid = rtp_ext_find(r, p->ext.id[RTP_EXT_MID], &len);
    struct track *t = track_by_ssrc(p, r->ssrc, &s->role);

    if (t) {
        s->track = t;
        return;
    }
    t = mid ? track_by_mid(p, mid, len) : track_by_pt(p, r->pt);
    if (!t || (r->pt != t->codec.pt && (r->pt != t->codec.rtx_pt || !t->codec.rtx_pt)))
        return;
    s->track = t;
    s->role = r->pt == t->codec.pt ? STREAM_MEDIA : STREAM_RTX;
    if (s->role == STREAM_RTX) {
        t->rtx_ssrc = r->ssrc;
        return;
    }
    /* Another source on this m-line: what it sent before under another SSRC is over. */
    for (unsigned i = 0; i < p->stream_count; i++)
        if (p->streams[i].track == t && p->streams[i].role == STREAM_MEDIA && &p->streams[i] != s)
            p->streams[i] = (struct stream){p->streams[i].ssrc, STREAM_UNBOUND, NULL};
    if (t->ssrc)
        track_reset(t);
    t->ssrc = r->ssrc;
}

/* ---- the path ---- */

static bool decrypt(struct peer *p, uint8_t *data, size_t *len)
{
    switch (srtp_in_rtp(p->in, data, len)) {
    case SRTP_OK:
        return true;
    case SRTP_REPLAY:
        count(C_DROP_REPLAY);
        return false;
    case SRTP_AUTH:
    case SRTP_OTHER:
        count(C_DROP_AUTH);
        return false;
    }
    return false;
}

static void note_arrival(struct peer *p, const struct rtp *r)
{
    uint8_t len;
    const uint8_t *v = rtp_ext_find(r, p->ext.id[RTP_EXT_TWCC], &len);

    if (!v || len < 2)
        return;
    twcc_packet(p->twcc, get_be16(v), p->worker->now_us);
    peer_busy(p);
}

static void rtx_packet(struct track *t, struct rtp *r, uint8_t *data)
{
    size_t len = (size_t)r->len + r->padding;

    count(C_RTX_IN);
    if (rtp_payload_len(r) < 2 || t->ssrc == 0) {
        count(C_PROBES_IN); /* bandwidth probes are RTX packets of nothing but padding */
        return;
    }
    if (rtp_unwrap_rtx(data, &len, t->ssrc, t->codec.pt) && rtp_parse(data, len, r))
        track_packet(t, r, true);
}

void forward_rtp(struct peer *p, uint8_t *data, size_t len)
{
    const struct limits *l = &p->worker->limits;
    struct stream *s = stream_find(p, get_be32(data + 8));
    struct rtp r;

    if (!p->in) {
        count(C_DROP_NOT_READY);
        return;
    }
    if (!s && !stream_welcome(p)) {
        count(C_DROP_STREAMS);
        return;
    }
    if (!decrypt(p, data, &len))
        return;
    peer_heard(p);
    p->packets_in++;
    p->bytes_in += (int64_t)len;
    count(C_RTP_IN);
    if (!rtp_parse(data, len, &r)) {
        count(C_DROP_MALFORMED);
        return;
    }
    if (!s)
        s = stream_add(p, r.ssrc);
    if (p->twcc)
        note_arrival(p, &r);
    if (!police_pass(&p->police, p->worker->now_us, l->peer_pps, l->peer_bps, (uint32_t)len)) {
        count(C_DROP_POLICE);
        return;
    }
    if (s->role == STREAM_UNBOUND)
        stream_bind(p, s, &r);
    if (s->role == STREAM_MEDIA)
        track_packet(s->track, &r, false);
    else if (s->role == STREAM_RTX)
        rtx_packet(s->track, &r, data);
    else
        count(C_DROP_UNBOUND);
}
