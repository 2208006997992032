/* feedback.c - RTCP in: reports, requests for repair and for key frames; see forward.h. Every loop is bounded by the
 * packet, which is at most 1500 bytes, and NACKs by NACK_PAIRS_MAX. */
#include "core/clock.h"
#include "media/counters.h"
#include "media/forward.h"
#include "media/ntp.h"
#include "media/rtcp.h"
#include "media/srtp.h"
#include "media/tap.h"

#define NACK_PAIRS_MAX 64 /* of one packet; each asks for up to 17 */
#define CLOCK_JUMP_US  2000000

static struct track *track_of(const struct peer *p, uint32_t ssrc)
{
    for (unsigned i = 0; i < p->line_count; i++)
        if (p->lines[i].track && p->lines[i].track->ssrc == ssrc && ssrc)
            return p->lines[i].track;
    return NULL;
}

static struct chair *chair_of(const struct peer *p, uint32_t ssrc)
{
    for (unsigned i = 0; i < p->line_count; i++)
        if (p->lines[i].chair && p->lines[i].chair->ssrc == ssrc)
            return p->lines[i].chair;
    return NULL;
}

/* ---- reports ---- */

/* The publisher's clock against ours, once per peer: its tracks stay in step with each other, and receivers see one clock
 * whoever sits on a chair. A client whose clock is set while it talks begins anew. */
static void learn_clock(struct peer *p, uint64_t ntp)
{
    int64_t offset = ntp_to_us(ntp) - clock_now_us();

    if (p->have_clock && offset - p->clock_offset_us < CLOCK_JUMP_US &&
        p->clock_offset_us - offset < CLOCK_JUMP_US)
        return;
    p->have_clock = true;
    p->clock_offset_us = offset;
}

static void on_sr(struct peer *p, const struct rtcp *r)
{
    struct track *t = track_of(p, r->ssrc);
    struct rtcp_sr sr;

    if (!t || !rtcp_read_sr(r, &sr))
        return;
    learn_clock(p, sr.ntp);
    t->have_sr = true;
    t->sr_ntp = sr.ntp;
    t->sr_rtp = sr.rtp;
    t->sr_at_us = p->worker->now_us;
    if (t->source.rec)
        tap_sr(t);
}

static void on_block(struct peer *p, const struct rtcp_block *b)
{
    struct chair *c = chair_of(p, b->ssrc);

    if (!c)
        return;
    c->fraction_lost = b->fraction;
    c->lost = b->lost;
    c->jitter = b->jitter;
    /* RFC 3550 6.4.1: our report's time comes back with how long they held it. */
    if (b->lsr && b->lsr == c->sr_mid) {
        int64_t rtt = p->worker->now_us - c->sr_at_us - (int64_t)b->dlsr * 1000000 / 65536;

        if (rtt >= 0 && rtt < 10000000)
            p->rtt_us = p->rtt_us ? (p->rtt_us * 7 + rtt) / 8 : rtt + 1;
    }
}

static void on_blocks(struct peer *p, const struct rtcp *r)
{
    struct rtcp_block b;

    for (unsigned i = 0; rtcp_read_block(r, i, &b); i++)
        on_block(p, &b);
}

/* ---- requests ---- */

static void on_nack(struct peer *p, const struct rtcp *r)
{
    uint32_t ssrc;
    unsigned pairs;
    struct chair *c;

    if (!rtcp_read_nack(r, &ssrc, &pairs) || !(c = chair_of(p, ssrc)))
        return;
    count(C_NACK_IN);
    if (pairs > NACK_PAIRS_MAX) {
        count(C_NACK_LIMIT);
        pairs = NACK_PAIRS_MAX;
    }
    for (unsigned i = 0; i < pairs; i++) {
        uint16_t pid, mask;

        rtcp_nack_pair(r, i, &pid, &mask);
        chair_resend(c, pid);
        for (uint16_t k = 0; k < 16; k++)
            if (mask & 1u << k)
                chair_resend(c, (uint16_t)(pid + 1 + k));
    }
}

static void want_keyframe(struct peer *p, uint32_t ssrc)
{
    struct chair *c = chair_of(p, ssrc);

    if (!c || !c->source)
        return;
    count(C_PLI_IN);
    track_want_keyframe(c->source);
}

static void on_psfb(struct peer *p, const struct rtcp *r)
{
    uint32_t ssrc;

    if (rtcp_read_pli(r, &ssrc))
        want_keyframe(p, ssrc);
    for (unsigned i = 0; rtcp_read_fir(r, i, &ssrc); i++)
        want_keyframe(p, ssrc);
}

/* Only of what this peer sends itself: another's SSRC in it means nothing. */
static void on_bye(struct peer *p, const struct rtcp *r)
{
    uint32_t ssrc;

    for (unsigned i = 0; rtcp_read_bye(r, i, &ssrc); i++) {
        struct track *t = track_of(p, ssrc);

        if (t) {
            track_go_dead(t);
            track_reset(t);
        }
    }
}

static void on_packet(struct peer *p, const struct rtcp *r)
{
    switch (r->type) {
    case RTCP_SR:
        on_sr(p, r);
        on_blocks(p, r);
        break;
    case RTCP_RR:
        on_blocks(p, r);
        break;
    case RTCP_RTPFB:
        on_nack(p, r);
        break;
    case RTCP_PSFB:
        on_psfb(p, r);
        break;
    case RTCP_BYE:
        on_bye(p, r);
        break;
    default:
        break; /* SDES, APP, XR: nothing we act on */
    }
}

void feedback_rtcp(struct peer *p, uint8_t *data, size_t len)
{
    struct rtcp_reader reader = {data, 0, 0};
    struct rtcp r;

    if (!p->in) {
        count(C_DROP_NOT_READY);
        return;
    }
    switch (srtp_in_rtcp(p->in, data, &len)) {
    case SRTP_OK:
        break;
    case SRTP_REPLAY:
        count(C_DROP_REPLAY);
        return;
    case SRTP_AUTH:
    case SRTP_OTHER:
        count(C_DROP_AUTH);
        return;
    }
    peer_heard(p);
    count(C_RTCP_IN);
    reader.len = len;
    while (rtcp_next(&reader, &r))
        on_packet(p, &r);
    if (reader.at != reader.len)
        count(C_DROP_MALFORMED);
}
