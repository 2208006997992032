/* rtcp.h - reading and writing RTCP (RFC 3550, feedback RFC 4585 and 5104, REMB, transport-wide feedback).
 *
 * Owns    nothing; what a reader shows is lent from the packet.
 * Runs on any thread, no allocation. Takes bytes of the outside: rtcp_next() checks each packet's length, the
 *         readers below check theirs.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "media/bytes.h"

enum rtcp_type {
    RTCP_SR = 200,
    RTCP_RR = 201,
    RTCP_SDES = 202,
    RTCP_BYE = 203,
    RTCP_APP = 204,
    RTCP_RTPFB = 205,
    RTCP_PSFB = 206,
    RTCP_XR = 207
};
enum rtcp_fmt {
    RTCP_FMT_NACK = 1,
    RTCP_FMT_TWCC = 15,
    RTCP_FMT_PLI = 1,
    RTCP_FMT_FIR = 4,
    RTCP_FMT_AFB = 15
};

struct rtcp {
    uint8_t type, count; /* count: blocks, sources or fmt */
    const uint8_t *data; /* the whole packet with its header */
    uint16_t len;
    uint32_t ssrc; /* sender */
};

struct rtcp_reader {
    const uint8_t *data;
    size_t len, at;
};

/** The next packet of a compound. false: end, or broken (then at < len). */
bool rtcp_next(struct rtcp_reader *r, struct rtcp *out);

struct rtcp_sr {
    uint64_t ntp;
    uint32_t rtp, packets, bytes;
};
bool rtcp_read_sr(const struct rtcp *p, struct rtcp_sr *out);

struct rtcp_block { /* a report block; jitter in RTP units, dlsr in 1/65536 s */
    uint32_t ssrc;
    uint8_t fraction;
    int32_t lost;
    uint32_t highest, jitter, lsr, dlsr;
};
/** Block i of an SR or RR. */
bool rtcp_read_block(const struct rtcp *p, unsigned i, struct rtcp_block *out);

/** Generic NACK: media SSRC, then pairs. */
bool rtcp_read_nack(const struct rtcp *p, uint32_t *media_ssrc, unsigned *pairs);
void rtcp_nack_pair(const struct rtcp *p, unsigned i, uint16_t *pid, uint16_t *bitmask);
/** PLI, or entry i of a FIR: the SSRC asked for. */
bool rtcp_read_pli(const struct rtcp *p, uint32_t *media_ssrc);
bool rtcp_read_fir(const struct rtcp *p, unsigned i, uint32_t *media_ssrc);
bool rtcp_read_remb(const struct rtcp *p, uint64_t *bits_per_s);
/** Source i of a BYE. */
bool rtcp_read_bye(const struct rtcp *p, unsigned i, uint32_t *ssrc);

/* Writers append one packet at out and return its length; the caller has room for what they say. */
#define RTCP_SR_LEN         28
#define RTCP_RR_LEN(blocks) (8 + 24 * (size_t)(blocks))
size_t rtcp_write_sr(uint8_t *out, uint32_t ssrc, const struct rtcp_sr *sr);
size_t rtcp_write_rr(uint8_t *out, uint32_t ssrc, const struct rtcp_block *blocks, unsigned count);
/** One chunk with CNAME; cname at most 64 bytes. At most 80 bytes. */
size_t rtcp_write_sdes(uint8_t *out, uint32_t ssrc, const char *cname);
/** @param seqs ascending (mod 2^16), at most 64 pairs are written. @return bytes, at most 12 + 4*64; *used of
 * seqs. */
size_t rtcp_write_nack(uint8_t *out, uint32_t sender, uint32_t media, const uint16_t *seqs, unsigned n,
                       unsigned *used);
#define RTCP_PLI_LEN 12
size_t rtcp_write_pli(uint8_t *out, uint32_t sender, uint32_t media);
/** draft-alvestrand-rmcat-remb; ssrcs at most 8. */
size_t rtcp_write_remb(uint8_t *out, uint32_t sender, uint64_t bits_per_s, const uint32_t *ssrcs, unsigned n);
size_t rtcp_write_bye(uint8_t *out, uint32_t ssrc);
