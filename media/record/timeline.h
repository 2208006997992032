/* timeline.h - the packets of a track in the order they were sent, each with the moment it belongs to.
 *
 * Order   by extended sequence number (RFC 3550 A.1); doubles and packets of other streams are left out. Several segments,
 *         and a source that began its numbers anew, become one stream: one SSRC, one rising sequence.
 * Time    RTP time, by the sender's reports, becomes the sender's clock; the sender's clock becomes ours by the quickest
 *         packets (least delay), with its drift taken out. So tracks of one sender stay together to the millisecond and
 *         tracks of different senders as well as their paths were short. Where RTP time and arrival contradict each
 *         other by more than TIMELINE_JUMP_US, time is anchored anew.
 * Reads   journals as untrusted bytes: a fuzz target.
 * Owns    its own arrays; packets are lent from the segments' bytes.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "media/record/journal.h"

#define TIMELINE_JUMP_US INT64_C(3000000)
#define TIMELINE_MAX     (64u << 20) /* packets; a day of video is 20 million */

struct timeline_packet {
    const uint8_t *data; /* as received */
    uint32_t len;
    uint32_t payload_at, payload_len; /* inside data, padding left out */
    uint64_t seq;                     /* extended, rising by one where nothing was lost */
    int64_t at_us;                    /* taken, UTC */
    int64_t pts_us;                   /* shown or heard, UTC */
    uint32_t rtp;
    uint8_t flags;
};

struct timeline {
    struct journal_header header; /* of the first segment */
    struct timeline_packet *packets;
    size_t len;
    uint64_t lost;    /* sequence numbers that never came */
    uint64_t doubles; /* came more than once */
    uint64_t strange; /* not RTP, another payload type or SSRC, no payload */
    uint64_t damaged; /* bytes of journal stepped over or torn */
    uint64_t reanchored;
};

struct timeline_bytes {
    const uint8_t *data;
    size_t len;
};

/** @param segments in order; those without a readable header are left out.
 * ERR_CORRUPT "journal_header" when none has one; ERR_TOO_LARGE over TIMELINE_MAX packets. */
bool timeline_build(struct timeline **out, const struct timeline_bytes *segments, size_t n, struct err *err);
void timeline_free(struct timeline *tl);
/** The packet as the muxer gets it: one SSRC, the new sequence number, no padding, no extension.
 * @return bytes, at most cap; 0 when it does not fit */
size_t timeline_rtp(const struct timeline *tl, size_t i, uint8_t *out, size_t cap);
