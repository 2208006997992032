/* rtcpeer_media.c - RTP and RTCP of a test client. */
#include <string.h>
#include "media/store.h"
#include "tests/load/rtc/rtcpeer_internal.h"

/* ---- out ---- */

static void send_clear(struct rtcpeer *p, const uint8_t *data, size_t len, bool rtcp)
{
    _Alignas(16) uint8_t buf[1600];

    if (!p->out || len > sizeof(buf) - SRTP_TRAILER_MAX)
        return;
    memcpy(buf, data, len);
    if ((rtcp ? srtp_out_rtcp(p->out, buf, &len) : srtp_out_rtp(p->out, buf, &len)) == SRTP_OK)
        rtcpeer_raw(p, buf, len);
}

/* A header with mid, level and the transport-wide number. */
static size_t put_header(struct rtcpeer *p, const struct rtc_line *l, const struct rtc_packet *pkt,
                         uint16_t seq, uint8_t *out)
{
    uint8_t *e = out + 16;

    out[0] = 0x90;
    out[1] = (uint8_t)((pkt->pt ? pkt->pt : l->pt) | (pkt->marker ? 0x80 : 0));
    put_be16(out + 2, seq);
    put_be32(out + 4, pkt->ts);
    put_be32(out + 8, l->ssrc);
    *e++ = (uint8_t)(RTC_EXT_MID << 4 | (strlen(l->mid) - 1));
    memcpy(e, l->mid, strlen(l->mid));
    e += strlen(l->mid);
    if (l->kind == SDP_AUDIO) {
        *e++ = RTC_EXT_LEVEL << 4;
        *e++ = pkt->level;
    }
    if (p->twcc) {
        *e++ = RTC_EXT_TWCC << 4 | 1;
        put_be16(e, p->twcc_seq++);
        e += 2;
    }
    while ((e - out) & 3)
        *e++ = 0;
    put_be16(out + 12, 0xbede);
    put_be16(out + 14, (uint16_t)((e - out - 16) / 4));
    return (size_t)(e - out);
}

uint16_t rtcpeer_send(struct rtcpeer *p, struct rtc_line *l, const struct rtc_packet *pkt,
                      const void *payload, size_t len)
{
    uint8_t buf[1600];
    uint16_t seq = l->seq++;
    size_t n = put_header(p, l, pkt, seq, buf);

    memcpy(buf + n, payload, len);
    store_put(l->sent, seq, buf, n + len);
    if (!pkt->hold)
        send_clear(p, buf, n + len, false);
    l->packets++;
    l->bytes += (int64_t)len;
    return seq;
}

void rtcpeer_resend(struct rtcpeer *p, struct rtc_line *l, uint16_t seq)
{
    uint8_t buf[1600];
    const uint8_t *data;
    struct rtp r;
    size_t len;

    data = store_get(l->sent, seq, &len);
    if (!data || !rtp_parse(data, len, &r))
        return;
    memcpy(buf, data, len);
    if (l->rtx_pt) { /* RFC 4588 */
        memmove(buf + r.payload_at + 2, buf + r.payload_at, len - r.payload_at);
        put_be16(buf + r.payload_at, seq);
        buf[1] = (uint8_t)((buf[1] & 0x80) | l->rtx_pt);
        put_be16(buf + 2, l->rtx_seq++);
        put_be32(buf + 8, l->rtx_ssrc);
        len += 2;
    }
    send_clear(p, buf, len, false);
    l->repaired++;
}

void rtcpeer_rtcp(struct rtcpeer *p, const uint8_t *data, size_t len)
{
    send_clear(p, data, len, true);
}

void rtcpeer_nack(struct rtcpeer *p, const struct rtc_line *l, const uint16_t *seqs, unsigned n)
{
    uint8_t buf[512];
    size_t len = rtcp_write_rr(buf, p->rtcp_ssrc, NULL, 0);
    unsigned used;

    len += rtcp_write_nack(buf + len, p->rtcp_ssrc, l->ssrc, seqs, n, &used);
    rtcpeer_rtcp(p, buf, len);
}

void rtcpeer_pli(struct rtcpeer *p, const struct rtc_line *l)
{
    uint8_t buf[64];
    size_t len = rtcp_write_rr(buf, p->rtcp_ssrc, NULL, 0);

    len += rtcp_write_pli(buf + len, p->rtcp_ssrc, l->ssrc);
    rtcpeer_rtcp(p, buf, len);
}

void rtcpeer_sr(struct rtcpeer *p, const struct rtc_line *l, uint64_t ntp, uint32_t rtp)
{
    uint8_t buf[256];
    size_t len =
        rtcp_write_sr(buf, l->ssrc, &(struct rtcp_sr){ntp, rtp, (uint32_t)l->packets, (uint32_t)l->bytes});

    len += rtcp_write_sdes(buf + len, l->ssrc, p->cfg.name);
    rtcpeer_rtcp(p, buf, len);
}

/* ---- in ---- */

static struct rtc_line *line_of(struct rtcpeer *p, uint32_t ssrc, bool sends, bool *rtx)
{
    for (unsigned i = 0; i < p->line_count; i++) {
        struct rtc_line *l = &p->lines[i];

        *rtx = l->rtx_ssrc == ssrc && ssrc;
        if (l->sends == sends && (l->ssrc == ssrc || *rtx))
            return l;
    }
    *rtx = false;
    return NULL;
}

static void on_rtp(struct rtcpeer *p, uint8_t *data, size_t len)
{
    struct rtc_line *l;
    struct rtp r;
    bool rtx;

    if (!rtp_parse(data, len, &r))
        return;
    l = line_of(p, r.ssrc, false, &rtx);
    if (rtx && (!rtp_unwrap_rtx(data, &len, l->ssrc, l->pt) || !rtp_parse(data, len, &r)))
        return;
    if (l) {
        l->packets++;
        l->bytes += rtp_payload_len(&r);
        l->repaired += rtx;
    }
    if (p->cfg.ev.on_rtp)
        p->cfg.ev.on_rtp(p->cfg.ev.arg, p, l, &r, rtx);
}

static void answer_nack(struct rtcpeer *p, const struct rtcp *r)
{
    struct rtc_line *l;
    uint32_t ssrc;
    unsigned pairs;
    bool rtx;

    if (!rtcp_read_nack(r, &ssrc, &pairs) || !(l = line_of(p, ssrc, true, &rtx)) || rtx)
        return;
    for (unsigned i = 0; i < pairs; i++) {
        uint16_t pid, mask;

        rtcp_nack_pair(r, i, &pid, &mask);
        rtcpeer_resend(p, l, pid);
        for (uint16_t k = 0; k < 16; k++)
            if (mask & 1u << k)
                rtcpeer_resend(p, l, (uint16_t)(pid + 1 + k));
    }
}

static void on_rtcp(struct rtcpeer *p, const uint8_t *data, size_t len)
{
    struct rtcp_reader rd = {data, len, 0};
    struct rtcp r;

    while (rtcp_next(&rd, &r)) {
        if (r.type == RTCP_RTPFB && r.count == RTCP_FMT_NACK)
            answer_nack(p, &r);
        if (p->cfg.ev.on_rtcp)
            p->cfg.ev.on_rtcp(p->cfg.ev.arg, p, &r);
    }
}

void rtcpeer_on_media(struct rtcpeer *p, uint8_t *data, size_t len, bool rtcp)
{
    if (rtcp) {
        if (srtp_in_rtcp(p->in, data, &len) == SRTP_OK)
            on_rtcp(p, data, len);
    } else if (srtp_in_rtp(p->in, data, &len) == SRTP_OK) {
        on_rtp(p, data, len);
    }
}
