/* reports.c - RTCP out: sender and receiver reports, holes and arrival times, requests for key frames; see forward.h. */
#include "core/clock.h"
#include "media/counters.h"
#include "media/forward.h"
#include "media/ntp.h"
#include "media/rtcp.h"
#include "media/srtp.h"

#define COMPOUND_MAX    1150 /* a report never needs a fragment */
#define REPORT_EVERY_US 1000000
#define TWCC_EVERY_US   50000
#define NACKS_MAX       64

struct compound {
    struct peer *peer;
    size_t len;
    uint8_t data[NET_SLOT_BYTES];
};

void rtcp_send(struct peer *p, const uint8_t *data, size_t len)
{
    const struct addr *to = ice_address(&p->ice);
    uint8_t *slot;

    if (!p->out || !to || len == 0)
        return;
    slot = net_slot(p->worker->net);
    memcpy(slot, data, len);
    if (srtp_out_rtcp(p->out, slot, &len) == SRTP_OK)
        net_commit(p->worker->net, len, to);
    else
        count(C_DROP_PROTECT);
}

static void compound_flush(struct compound *c)
{
    rtcp_send(c->peer, c->data, c->len);
    c->len = 0;
}

/* Room for n more bytes; a compound begins with a report unless the other side takes less (RFC 5506). */
static uint8_t *compound_room(struct compound *c, size_t n, bool is_report)
{
    if (c->len + n > COMPOUND_MAX)
        compound_flush(c);
    if (c->len == 0 && !is_report && !c->peer->rtcp_rsize)
        c->len = rtcp_write_rr(c->data, c->peer->rtcp_ssrc, NULL, 0);
    return c->data + c->len;
}

/* ---- once a second ---- */

/* Where this chair's RTP clock stands now, by the publisher's last report. false: it has not told us yet. */
static bool chair_sr(const struct chair *c, int64_t utc_us, struct rtcp_sr *out)
{
    const struct track *t = c->source;
    int64_t since;

    if (!t || !t->have_sr || !c->rewrite.begun || c->packets == 0)
        return false;
    since = utc_us + t->peer->clock_offset_us - ntp_to_us(t->sr_ntp);
    if (since < -60 * US_PER_S || since > 60 * US_PER_S)
        return false;
    out->ntp = ntp_from_us(utc_us);
    out->rtp = t->sr_rtp + (uint32_t)(since * t->clock_hz / 1000000) + c->rewrite.ts_offset;
    out->packets = c->packets;
    out->bytes = c->octets;
    return true;
}

static void add_sr(struct compound *c, struct chair *chair, int64_t utc_us)
{
    struct rtcp_sr sr;

    if (!chair_sr(chair, utc_us, &sr))
        return;
    compound_room(c, RTCP_SR_LEN + 80, true);
    c->len += rtcp_write_sr(c->data + c->len, chair->ssrc, &sr);
    c->len += rtcp_write_sdes(c->data + c->len, chair->ssrc, c->peer->cname);
    chair->sr_mid = ntp_mid(sr.ntp);
    chair->sr_at_us = c->peer->worker->now_us;
}

static void track_block(struct track *t, int64_t now_us, struct rtcp_block *b)
{
    reception_report(&t->reception, b);
    b->ssrc = t->ssrc;
    if (t->have_sr) {
        b->lsr = ntp_mid(t->sr_ntp);
        b->dlsr = (uint32_t)((now_us - t->sr_at_us) * 65536 / 1000000);
    }
}

/* @return the worst loss of a video track, in 1/256. */
static uint8_t add_rr(struct compound *c)
{
    struct peer *p = c->peer;
    struct rtcp_block blocks[31];
    unsigned n = 0;
    uint8_t worst = 0;

    for (unsigned i = 0; i < p->line_count && n < 31; i++) {
        struct track *t = p->lines[i].track;

        if (!t || !t->reception.started)
            continue;
        track_block(t, p->worker->now_us, &blocks[n]);
        if (t->kind == SDP_VIDEO && blocks[n].fraction > worst)
            worst = blocks[n].fraction;
        n++;
    }
    compound_room(c, RTCP_RR_LEN(n) + 80, true);
    c->len += rtcp_write_rr(c->data + c->len, p->rtcp_ssrc, blocks, n);
    c->len += rtcp_write_sdes(c->data + c->len, p->rtcp_ssrc, p->cname);
    return worst;
}

/* A sender that knows only REMB is told what it may send: all we allow, less while its packets get lost. The steps are
 * those of the loss controller in draft-ietf-rmcat-gcc 6: over a tenth down, under a fiftieth up. */
static void add_remb(struct compound *c, uint8_t worst)
{
    struct peer *p = c->peer;
    uint32_t ssrcs[8];
    unsigned n = 0;

    if (worst > 26)
        p->remb_bps -= p->remb_bps * worst / 512;
    else if (worst < 5)
        p->remb_bps += p->remb_bps / 12;
    if (p->remb_bps < 150000)
        p->remb_bps = 150000;
    if (p->remb_bps > p->worker->limits.remb_bps)
        p->remb_bps = p->worker->limits.remb_bps;
    for (unsigned i = 0; i < p->line_count && n < 8; i++)
        if (p->lines[i].track && p->lines[i].track->kind == SDP_VIDEO && p->lines[i].track->reception.started)
            ssrcs[n++] = p->lines[i].track->ssrc;
    if (n == 0)
        return;
    compound_room(c, 20 + 4 * (size_t)n, false);
    c->len += rtcp_write_remb(c->data + c->len, p->rtcp_ssrc, (uint64_t)p->remb_bps, ssrcs, n);
}

void reports_send(struct peer *p)
{
    struct compound c;
    int64_t utc_us;
    uint8_t worst;

    c.peer = p;
    c.len = 0;
    if (!p->out || p->worker->now_us < p->report_at_us)
        return;
    p->report_at_us = p->worker->now_us + REPORT_EVERY_US;
    utc_us = clock_now_us();
    for (unsigned i = 0; i < p->line_count; i++)
        if (p->lines[i].chair)
            add_sr(&c, p->lines[i].chair, utc_us);
    worst = add_rr(&c);
    if (p->remb)
        add_remb(&c, worst);
    compound_flush(&c);
}

/* ---- at once ---- */

static int64_t nack_retry_us(const struct peer *p)
{
    int64_t wait = p->rtt_us ? p->rtt_us * 3 / 2 : 100000;

    return wait < 20000 ? 20000 : wait > 300000 ? 300000 : wait;
}

static void add_nacks(struct compound *c, struct track *t)
{
    uint16_t seqs[NACKS_MAX];
    unsigned n =
        reception_nacks(&t->reception, c->peer->worker->now_us, nack_retry_us(c->peer), seqs, NACKS_MAX);
    unsigned used;

    if (n == 0)
        return;
    compound_room(c, 12 + 4 * NACKS_MAX, false);
    c->len += rtcp_write_nack(c->data + c->len, c->peer->rtcp_ssrc, t->ssrc, seqs, n, &used);
    count(C_NACK_OUT);
}

static void add_twcc(struct compound *c)
{
    struct peer *p = c->peer;
    uint32_t media = 0;

    if (!p->twcc || !twcc_waiting(p->twcc) || p->worker->now_us - p->twcc_at_us < TWCC_EVERY_US)
        return;
    p->twcc_at_us = p->worker->now_us;
    for (unsigned i = 0; i < p->line_count && !media; i++)
        if (p->lines[i].track)
            media = p->lines[i].track->ssrc;
    while (twcc_waiting(p->twcc)) {
        compound_room(c, TWCC_BYTES_MAX, false);
        c->len += twcc_write(p->twcc, c->data + c->len, p->rtcp_ssrc, media);
    }
}

void feedback_flush(struct peer *p)
{
    struct compound c;

    c.peer = p;
    c.len = 0;
    if (!p->out)
        return;
    for (unsigned i = 0; i < p->line_count; i++)
        if (p->lines[i].track && p->lines[i].track->reception.missing_count)
            add_nacks(&c, p->lines[i].track);
    add_twcc(&c);
    compound_flush(&c);
}

void pli_send(struct track *t)
{
    struct compound c;

    c.peer = t->peer;
    c.len = 0;
    if (!t->ssrc)
        return;
    compound_room(&c, RTCP_PLI_LEN, false);
    c.len += rtcp_write_pli(c.data + c.len, t->peer->rtcp_ssrc, t->ssrc);
    compound_flush(&c);
    t->plis_sent++;
    count(C_PLI_OUT);
}
