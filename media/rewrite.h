/* rewrite.h - one continuous stream out of one source after another: sequence number, RTP time and the VP8 counters of a
 * chair never jump back when the track on it changes.
 *
 * Owns    plain state inside the chair. Runs on the worker's loop; time is the caller's.
 * Rule    out = in + offset, constant between two switches; so an outgoing number leads back to the packet in the
 *         publisher's store, and a packet sent twice is the same twice.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "media/payload.h"

struct rewrite {
    bool begun;        /* a source is running */
    bool ever;         /* something was sent before */
    uint64_t in_first; /* the first packet of this source that is let through */
    uint64_t in_highest;
    uint64_t seq_offset; /* extended out = extended in + offset (mod 2^64) */
    uint32_t ts_offset;
    uint64_t out_highest;
    uint32_t out_ts; /* of out_highest */
    int64_t out_at_us;
    uint16_t picture_offset, out_picture;
    uint8_t tl0_offset, out_tl0;
    uint32_t clock_hz;
};

struct rewritten {
    uint16_t seq;
    uint32_t ts;
};

/** @param random start of everything, so that nobody guesses it */
void rewrite_init(struct rewrite *r, uint32_t clock_hz, uint64_t random);
/** The source is gone or changes; the next packet comes from another one. */
void rewrite_stop(struct rewrite *r);
/** Let a source in with this packet. @param vp8 its descriptor, or NULL */
void rewrite_begin(struct rewrite *r, uint64_t ext, uint32_t ts, const struct vp8_desc *vp8, int64_t now_us);
/** false: from before the beginning of this source. */
bool rewrite_map(struct rewrite *r, uint64_t ext, uint32_t ts, int64_t now_us, struct rewritten *out);
/** Change the VP8 counters inside a payload that was copied. */
void rewrite_vp8(struct rewrite *r, const struct vp8_desc *d, uint8_t *payload);
/** Which packet of the source left under this number. false: none of the present source. */
bool rewrite_back(const struct rewrite *r, uint16_t out_seq, uint64_t *ext);
