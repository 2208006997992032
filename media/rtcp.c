/* rtcp.c - see rtcp.h. */
#include "media/rtcp.h"

bool rtcp_next(struct rtcp_reader *r, struct rtcp *out)
{
    const uint8_t *p = r->data + r->at;
    size_t left = r->len - r->at, len;

    if (left < 8)
        return false;
    len = 4u * (get_be16(p + 2) + 1u);
    if (p[0] >> 6 != 2 || p[1] < 192 || p[1] > 223 || len < 8 || len > left)
        return false;
    *out = (struct rtcp){p[1], p[0] & 0x1f, p, (uint16_t)len, get_be32(p + 4)};
    if (p[0] & 0x20) { /* padding, in the last packet only (RFC 3550 6.4.1) */
        uint8_t pad = p[len - 1];

        if (pad == 0 || (pad & 3) || pad > len - 8 || len != left)
            return false;
        out->len = (uint16_t)(len - pad);
    }
    r->at += len;
    return true;
}

bool rtcp_read_sr(const struct rtcp *p, struct rtcp_sr *out)
{
    if (p->type != RTCP_SR || p->len < RTCP_SR_LEN)
        return false;
    *out = (struct rtcp_sr){get_be64(p->data + 8), get_be32(p->data + 16), get_be32(p->data + 20),
                            get_be32(p->data + 24)};
    return true;
}

bool rtcp_read_block(const struct rtcp *p, unsigned i, struct rtcp_block *out)
{
    size_t at = (p->type == RTCP_SR ? RTCP_SR_LEN : 8u) + 24u * (size_t)i;
    const uint8_t *b = p->data + at;

    if ((p->type != RTCP_SR && p->type != RTCP_RR) || i >= p->count || at + 24 > p->len)
        return false;
    *out = (struct rtcp_block){
        .ssrc = get_be32(b),
        .fraction = b[4],
        .lost = (int32_t)(get_be24(b + 5) << 8) >> 8, /* 24 bits with a sign */
        .highest = get_be32(b + 8),
        .jitter = get_be32(b + 12),
        .lsr = get_be32(b + 16),
        .dlsr = get_be32(b + 20),
    };
    return true;
}

bool rtcp_read_nack(const struct rtcp *p, uint32_t *media_ssrc, unsigned *pairs)
{
    if (p->type != RTCP_RTPFB || p->count != RTCP_FMT_NACK || p->len < 16)
        return false;
    *media_ssrc = get_be32(p->data + 8);
    *pairs = (p->len - 12u) / 4;
    return true;
}

void rtcp_nack_pair(const struct rtcp *p, unsigned i, uint16_t *pid, uint16_t *bitmask)
{
    *pid = get_be16(p->data + 12 + 4u * i);
    *bitmask = get_be16(p->data + 14 + 4u * i);
}

bool rtcp_read_pli(const struct rtcp *p, uint32_t *media_ssrc)
{
    if (p->type != RTCP_PSFB || p->count != RTCP_FMT_PLI || p->len < RTCP_PLI_LEN)
        return false;
    *media_ssrc = get_be32(p->data + 8);
    return true;
}

bool rtcp_read_fir(const struct rtcp *p, unsigned i, uint32_t *media_ssrc)
{
    if (p->type != RTCP_PSFB || p->count != RTCP_FMT_FIR || 12u + 8u * ((size_t)i + 1) > p->len)
        return false;
    *media_ssrc = get_be32(p->data + 12 + 8u * i);
    return true;
}

bool rtcp_read_remb(const struct rtcp *p, uint64_t *bits_per_s)
{
    if (p->type != RTCP_PSFB || p->count != RTCP_FMT_AFB || p->len < 20 ||
        memcmp(p->data + 12, "REMB", 4) != 0)
        return false;
    *bits_per_s = (uint64_t)(get_be24(p->data + 17) & 0x3ffff) << (p->data[17] >> 2);
    return true;
}

bool rtcp_read_bye(const struct rtcp *p, unsigned i, uint32_t *ssrc)
{
    if (p->type != RTCP_BYE || i >= p->count || 4u + 4u * ((size_t)i + 1) > p->len)
        return false;
    *ssrc = get_be32(p->data + 4 + 4u * i);
    return true;
}

/* ---- writing ---- */

static size_t put_head(uint8_t *out, uint8_t count, uint8_t type, size_t len, uint32_t ssrc)
{
    out[0] = (uint8_t)(0x80 | count);
    out[1] = type;
    put_be16(out + 2, (uint16_t)(len / 4 - 1));
    put_be32(out + 4, ssrc);
    return len;
}

size_t rtcp_write_sr(uint8_t *out, uint32_t ssrc, const struct rtcp_sr *sr)
{
    put_be64(out + 8, sr->ntp);
    put_be32(out + 16, sr->rtp);
    put_be32(out + 20, sr->packets);
    put_be32(out + 24, sr->bytes);
    return put_head(out, 0, RTCP_SR, RTCP_SR_LEN, ssrc);
}

size_t rtcp_write_rr(uint8_t *out, uint32_t ssrc, const struct rtcp_block *blocks, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t *b = out + 8 + 24u * i;

        put_be32(b, blocks[i].ssrc);
        b[4] = blocks[i].fraction;
        put_be24(b + 5, (uint32_t)blocks[i].lost & 0xffffff);
        put_be32(b + 8, blocks[i].highest);
        put_be32(b + 12, blocks[i].jitter);
        put_be32(b + 16, blocks[i].lsr);
        put_be32(b + 20, blocks[i].dlsr);
    }
    return put_head(out, (uint8_t)count, RTCP_RR, RTCP_RR_LEN(count), ssrc);
}

size_t rtcp_write_sdes(uint8_t *out, uint32_t ssrc, const char *cname)
{
    size_t n = strnlen(cname, 64);
    size_t len = (8 + 2 + n + 1 + 3) & ~(size_t)3; /* one zero byte at least ends the chunk */

    memset(out + 8, 0, len - 8);
    out[8] = 1;
    out[9] = (uint8_t)n;
    memcpy(out + 10, cname, n);
    return put_head(out, 1, RTCP_SDES, len, ssrc);
}

size_t rtcp_write_nack(uint8_t *out, uint32_t sender, uint32_t media, const uint16_t *seqs, unsigned n,
                       unsigned *used)
{
    size_t len = 12;
    unsigned i = 0;

    while (i < n && len < 12 + 4 * 64) {
        uint16_t pid = seqs[i++], mask = 0;

        while (i < n && (uint16_t)(seqs[i] - pid) >= 1 && (uint16_t)(seqs[i] - pid) <= 16)
            mask = (uint16_t)(mask | 1u << (uint16_t)(seqs[i++] - pid - 1));
        put_be16(out + len, pid);
        put_be16(out + len + 2, mask);
        len += 4;
    }
    put_be32(out + 8, media);
    *used = i;
    return put_head(out, RTCP_FMT_NACK, RTCP_RTPFB, len, sender);
}

size_t rtcp_write_pli(uint8_t *out, uint32_t sender, uint32_t media)
{
    put_be32(out + 8, media);
    return put_head(out, RTCP_FMT_PLI, RTCP_PSFB, RTCP_PLI_LEN, sender);
}

size_t rtcp_write_remb(uint8_t *out, uint32_t sender, uint64_t bits_per_s, const uint32_t *ssrcs, unsigned n)
{
    uint8_t exp = 0;

    while (bits_per_s >> exp > 0x3ffff)
        exp++;
    put_be32(out + 8, 0);
    memcpy(out + 12, "REMB", 4);
    out[16] = (uint8_t)n;
    put_be24(out + 17, (uint32_t)exp << 18 | (uint32_t)(bits_per_s >> exp));
    for (unsigned i = 0; i < n; i++)
        put_be32(out + 20 + 4u * i, ssrcs[i]);
    return put_head(out, RTCP_FMT_AFB, RTCP_PSFB, 20 + 4 * (size_t)n, sender);
}

size_t rtcp_write_bye(uint8_t *out, uint32_t ssrc)
{
    return put_head(out, 1, RTCP_BYE, 8, ssrc);
}
