/* rtp.h - reading and writing RTP headers (RFC 3550, header extensions RFC 8285, RTX RFC 4588).
 *
 * Owns    nothing: a struct rtp lends from the packet.
 * Runs on any thread, no allocation. Takes bytes of the outside: every length is checked once, in
 * rtp_parse().
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "media/bytes.h"

#define RTP_HEADER_LEN 12
#define RTP_PACKET_MAX 1500 /* longer ones are dropped before anything looks at them */
#define RTP_MID_MAX    16   /* RFC 8843 suggests 3 bytes; browsers use one or two */

/* Header extensions we understand; an id of 0 means not negotiated. */
enum rtp_ext { RTP_EXT_MID, RTP_EXT_LEVEL, RTP_EXT_ABS_TIME, RTP_EXT_TWCC, RTP_EXT_COUNT };
struct rtp_ext_ids {
    uint8_t id[RTP_EXT_COUNT];
};

struct rtp {
    const uint8_t *data;
    uint16_t len;             /* of the packet without padding */
    uint16_t payload_at;      /* offset of the payload */
    uint16_t ext_at, ext_len; /* the extension block's words, without its 4 byte header; ext_len 0: none */
    uint16_t ext_profile;     /* 0xbede: one-byte, 0x100x: two-byte */
    uint8_t padding;
    uint8_t pt;
    bool marker;
    uint16_t seq;
    uint32_t ts, ssrc;
};

static inline const uint8_t *rtp_payload(const struct rtp *r)
{
    return r->data + r->payload_at;
}
static inline uint16_t rtp_payload_len(const struct rtp *r)
{
    return (uint16_t)(r->len - r->payload_at);
}

/** false: not RTP version 2, or a length inside does not fit (X-bit overrun, CSRC, padding). */
bool rtp_parse(const uint8_t *data, size_t len, struct rtp *out);

/** Find extension element `id` (1 .. 255). @return its bytes, lent, or NULL. */
const uint8_t *rtp_ext_find(const struct rtp *r, uint8_t id, uint8_t *len);

/* What an outgoing header carries. */
struct rtp_out {
    uint8_t pt;
    bool marker;
    uint16_t seq;
    uint32_t ts, ssrc;
    uint8_t mid_id, mid_len; /* mid_id 0: no mid */
    const char *mid;
    uint8_t level_id, level; /* level_id 0: no audio level */
};
#define RTP_OUT_HEADER_MAX (RTP_HEADER_LEN + 4 + 4 * ((RTP_MID_MAX + 2 + 2 + 3 + 3) / 4))

/** Header with one-byte (or, for ids over 14, two-byte) extensions. @return its length, at most
 * RTP_OUT_HEADER_MAX. */
size_t rtp_write_header(uint8_t *out, const struct rtp_out *h);

/** Undo RFC 4588 in place: the packet becomes what was first sent, with the SSRC and payload type given.
 * false: too short to hold an original sequence number (padding only packets of a bandwidth probe are like
 * that). */
bool rtp_unwrap_rtx(uint8_t *data, size_t *len, uint32_t ssrc, uint8_t pt);
