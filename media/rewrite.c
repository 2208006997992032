/* rewrite.c - see rewrite.h. */
#include "media/rewrite.h"

#include <string.h>
#include "media/bytes.h"

#define OUT_BASE (UINT64_C(1) << 32)

void rewrite_init(struct rewrite *r, uint32_t clock_hz, uint64_t random)
{
    memset(r, 0, sizeof(*r));
    r->clock_hz = clock_hz;
    /* Below 2^15: a receiver that misses the first packets still guesses the SRTP rollover counter right. */
    r->out_highest = OUT_BASE + (random & 0x7fff);
    r->out_ts = (uint32_t)(random >> 16);
    r->out_picture = (uint16_t)(random >> 48) & 0x7fff;
    r->out_tl0 = (uint8_t)(random >> 40);
}

void rewrite_stop(struct rewrite *r)
{
    r->begun = false;
}

/* Wall clock since the last packet, in RTP units: a picture after the switch is as much later as it really was. */
static uint32_t ts_step(const struct rewrite *r, int64_t now_us)
{
    int64_t gap = now_us - r->out_at_us;
    int64_t units;

    if (!r->ever || gap < 0)
        return 1;
    if (gap > INT64_C(3600) * 1000000)
        gap = INT64_C(3600) * 1000000;
    units = gap * r->clock_hz / 1000000;
    return units > 0 ? (uint32_t)units : 1;
}

void rewrite_begin(struct rewrite *r, uint64_t ext, uint32_t ts, const struct vp8_desc *vp8, int64_t now_us)
{
    r->seq_offset = r->out_highest + 1 - ext;
    r->ts_offset = r->out_ts + ts_step(r, now_us) - ts;
    if (vp8) {
        r->picture_offset = (uint16_t)(r->out_picture + 1 - vp8->picture);
        r->tl0_offset = (uint8_t)(r->out_tl0 + 1 - vp8->tl0);
    }
    r->in_first = r->in_highest = ext;
    r->begun = r->ever = true;
}

bool rewrite_map(struct rewrite *r, uint64_t ext, uint32_t ts, int64_t now_us, struct rewritten *out)
{
    if (!r->begun || ext < r->in_first)
        return false;
    out->seq = (uint16_t)(ext + r->seq_offset);
    out->ts = ts + r->ts_offset;
    if (ext >= r->in_highest) {
        r->in_highest = ext;
        r->out_highest = ext + r->seq_offset;
        r->out_ts = out->ts;
        r->out_at_us = now_us;
    }
    return true;
}

void rewrite_vp8(struct rewrite *r, const struct vp8_desc *d, uint8_t *payload)
{
    uint16_t picture = (uint16_t)(d->picture + r->picture_offset);

    if (d->picture_at && d->wide) {
        picture &= 0x7fff;
        put_be16(payload + d->picture_at, (uint16_t)(0x8000 | picture));
    } else if (d->picture_at) {
        picture &= 0x7f;
        payload[d->picture_at] = (uint8_t)picture;
    }
    if (d->tl0_at)
        payload[d->tl0_at] = (uint8_t)(d->tl0 + r->tl0_offset);
    if (d->picture_at &&
        (((picture - r->out_picture) & (d->wide ? 0x7fff : 0x7f)) < (d->wide ? 0x4000 : 0x40)))
        r->out_picture = picture;
    if (d->tl0_at && (uint8_t)(payload[d->tl0_at] - r->out_tl0) < 0x80)
        r->out_tl0 = payload[d->tl0_at];
}

bool rewrite_back(const struct rewrite *r, uint16_t out_seq, uint64_t *ext)
{
    uint64_t out = r->out_highest - (uint16_t)((uint16_t)r->out_highest - out_seq);

    if (!r->begun)
        return false;
    *ext = out - r->seq_offset;
    return *ext >= r->in_first && *ext <= r->in_highest;
}
