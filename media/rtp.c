/* rtp.c - see rtp.h. */
#include "media/rtp.h"

#define ONE_BYTE_PROFILE 0xbede
#define TWO_BYTE_PROFILE 0x1000 /* the low four bits are application bits */

bool rtp_parse(const uint8_t *data, size_t len, struct rtp *out)
{
    size_t at;

    if (len < RTP_HEADER_LEN || len > RTP_PACKET_MAX || data[0] >> 6 != 2)
        return false;
    *out = (struct rtp){
        .data = data,
        .pt = data[1] & 0x7f,
        .marker = data[1] >> 7,
        .seq = get_be16(data + 2),
        .ts = get_be32(data + 4),
        .ssrc = get_be32(data + 8),
    };
    at = RTP_HEADER_LEN + 4u * (data[0] & 0x0f);
    if (data[0] & 0x10) {
        if (at + 4 > len)
            return false;
        out->ext_profile = get_be16(data + at);
        out->ext_len = (uint16_t)(4u * get_be16(data + at + 2));
        at += 4;
        out->ext_at = (uint16_t)at;
        if (4u * get_be16(data + at - 2) > len - at)
            return false;
        at += out->ext_len;
    }
    if (at > len)
        return false;
    if (data[0] & 0x20) {
        out->padding = data[len - 1];
        if (out->padding == 0 || out->padding > len - at)
            return false;
    }
    out->payload_at = (uint16_t)at;
    out->len = (uint16_t)(len - out->padding);
    return true;
}

static const uint8_t *find_one_byte(const struct rtp *r, uint8_t id, uint8_t *len)
{
    const uint8_t *p = r->data + r->ext_at, *end = p + r->ext_len;

    while (p < end) {
        uint8_t n = (uint8_t)((*p & 0x0f) + 1);

        if (*p == 0) { /* padding between elements */
            p++;
            continue;
        }
        if (*p >> 4 == 15 || n > end - p - 1) /* 15: stop here (RFC 8285 4.2) */
            return NULL;
        if (*p >> 4 == id) {
            *len = n;
            return p + 1;
        }
        p += 1 + n;
    }
    return NULL;
}

static const uint8_t *find_two_byte(const struct rtp *r, uint8_t id, uint8_t *len)
{
    const uint8_t *p = r->data + r->ext_at, *end = p + r->ext_len;

    while (p < end) {
        if (*p == 0) {
            p++;
            continue;
        }
        if (end - p < 2 || p[1] > end - p - 2)
            return NULL;
        if (*p == id) {
            *len = p[1];
            return p + 2;
        }
        p += 2 + p[1];
    }
    return NULL;
}

const uint8_t *rtp_ext_find(const struct rtp *r, uint8_t id, uint8_t *len)
{
    if (id == 0 || r->ext_len == 0)
        return NULL;
    if (r->ext_profile == ONE_BYTE_PROFILE)
        return id < 15 ? find_one_byte(r, id, len) : NULL;
    return (r->ext_profile & 0xfff0) == TWO_BYTE_PROFILE ? find_two_byte(r, id, len) : NULL;
}

static uint8_t *put_element(uint8_t *p, bool two, uint8_t id, const void *v, uint8_t len)
{
    if (two) {
        *p++ = id;
        *p++ = len;
    } else {
        *p++ = (uint8_t)(id << 4 | (len - 1));
    }
    memcpy(p, v, len);
    return p + len;
}

size_t rtp_write_header(uint8_t *out, const struct rtp_out *h)
{
    bool two = h->mid_id > 14 || h->level_id > 14;
    uint8_t *p = out + RTP_HEADER_LEN + 4;

    out[0] = 0x80;
    out[1] = (uint8_t)(h->pt | (h->marker ? 0x80 : 0));
    put_be16(out + 2, h->seq);
    put_be32(out + 4, h->ts);
    put_be32(out + 8, h->ssrc);
    if (h->mid_id && h->mid_len)
        p = put_element(p, two, h->mid_id, h->mid, h->mid_len);
    if (h->level_id)
        p = put_element(p, two, h->level_id, &h->level, 1);
    if (p == out + RTP_HEADER_LEN + 4)
        return RTP_HEADER_LEN;
    while ((p - out) & 3)
        *p++ = 0;
    out[0] |= 0x10;
    put_be16(out + RTP_HEADER_LEN, two ? TWO_BYTE_PROFILE : ONE_BYTE_PROFILE);
    put_be16(out + RTP_HEADER_LEN + 2, (uint16_t)((p - out - RTP_HEADER_LEN - 4) / 4));
    return (size_t)(p - out);
}

bool rtp_unwrap_rtx(uint8_t *data, size_t *len, uint32_t ssrc, uint8_t pt)
{
    struct rtp r;

    if (!rtp_parse(data, *len, &r) || rtp_payload_len(&r) < 2)
        return false;
    put_be16(data + 2, get_be16(data + r.payload_at)); /* original sequence number */
    memmove(data + r.payload_at, data + r.payload_at + 2, r.len - r.payload_at - 2u);
    data[0] &= (uint8_t)~0x20;
    data[1] = (uint8_t)((data[1] & 0x80) | pt);
    put_be32(data + 8, ssrc);
    *len = r.len - 2u;
    return true;
}
