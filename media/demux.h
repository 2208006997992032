/* demux.h - what a datagram claims to be, by its first bytes (RFC 7983, RFC 5761 4). Nothing is trusted yet.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum demux_kind { DEMUX_NONE, DEMUX_STUN, DEMUX_DTLS, DEMUX_RTP, DEMUX_RTCP };

static inline enum demux_kind demux(const uint8_t *p, size_t len)
{
    if (len < 1)
        return DEMUX_NONE;
    if (p[0] <= 3)
        return len >= 20 ? DEMUX_STUN : DEMUX_NONE;
    if (p[0] >= 20 && p[0] <= 63)
        return len >= 13 ? DEMUX_DTLS : DEMUX_NONE;
    if (p[0] < 128 || p[0] > 191)
        return DEMUX_NONE; /* ZRTP, TURN channels and nothing we know */
    if (len < 8)
        return DEMUX_NONE;
    /* RFC 5761: RTCP types 192 .. 223 are never RTP payload types with or without the marker bit. */
    if (p[1] >= 192 && p[1] <= 223)
        return DEMUX_RTCP;
    return len >= 12 ? DEMUX_RTP : DEMUX_NONE;
}
