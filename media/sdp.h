/* sdp.h - the subset of SDP (RFC 8866, JSEP RFC 9429) that describes one BUNDLEd, rtcp-muxed DTLS-SRTP
 * connection.
 *
 * Owns    struct sdp_offer is plain data: copies of what was asked for, nothing lent, nothing to free inside.
 * Runs on any thread. Takes bytes of the outside. Bounded: SDP_BYTES_MAX, SDP_LINES_MAX, SDP_MEDIA_MAX; an
 * offer over a bound is refused where the bound is met, so a thousand m-lines cost no more than sixty-five.
 * Errors  ERR_TOO_LARGE    sdp_too_large, sdp_too_many_media
 *         ERR_INVALID      sdp_malformed, sdp_no_fingerprint, sdp_weak_fingerprint, sdp_no_ice,
 * sdp_bad_setup, sdp_not_bundled, sdp_no_rtcp_mux, sdp_no_media ERR_UNSUPPORTED  sdp_not_secure (plain RTP),
 * sdp_ice_lite (nobody would check connectivity)
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"
#include "media/payload.h"
#include "media/rtp.h"

#define SDP_BYTES_MAX  65536
#define SDP_LINES_MAX  8192
#define SDP_MEDIA_MAX  64
#define SDP_CODECS_MAX 16 /* of those we know, per m-line */
#define SDP_SSRCS_MAX  8
#define SDP_UFRAG_MAX  257 /* with NUL, RFC 8839 */
#define SDP_PWD_MAX    257

enum sdp_dir { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };
enum sdp_kind { SDP_AUDIO, SDP_VIDEO, SDP_OTHER };
enum sdp_fb { SDP_FB_NACK = 1, SDP_FB_PLI = 2, SDP_FB_FIR = 4, SDP_FB_REMB = 8, SDP_FB_TWCC = 16 };

struct sdp_codec {
    enum codec codec;
    uint8_t pt;
    uint8_t rtx_pt; /* 0: no retransmission stream */
    uint8_t fb;     /* enum sdp_fb */
    uint8_t h264_profile, h264_constraints, h264_level;
    bool inband_fec, stereo; /* opus: what the other side wants to receive */
};

struct sdp_ssrc {
    uint32_t ssrc, rtx; /* rtx 0: none named */
};

struct sdp_media {
    enum sdp_kind kind;
    enum sdp_dir dir;
    bool rejected; /* port 0 and not bundle-only: a dead m-line that keeps its place */
    bool rtcp_mux, rtcp_rsize;
    char type[16], proto[32], first_fmt[32]; /* echoed when we refuse this m-line */
    char mid[RTP_MID_MAX + 1];
    struct sdp_codec codecs[SDP_CODECS_MAX]; /* in the offerer's order of preference */
    unsigned codec_count;
    struct rtp_ext_ids ext;
    struct sdp_ssrc ssrcs[SDP_SSRCS_MAX];
    unsigned ssrc_count;
};

struct sdp_fingerprint {
    char hash[8]; /* "sha-256", "sha-384", "sha-512" */
    uint8_t digest[64];
    uint8_t len;
};

struct sdp_offer {
    char session_id[24]; /* o= line: the same for the life of one peer connection */
    char ufrag[SDP_UFRAG_MAX], pwd[SDP_PWD_MAX];
    struct sdp_fingerprint fingerprint;
    bool extmap_mixed;
    struct sdp_media media[SDP_MEDIA_MAX];
    unsigned media_count;
};

/** @param[out] out about 40 KiB: allocate it. Untouched parts are zero. */
bool sdp_parse_offer(struct sdp_offer *out, const char *text, size_t len, struct err *err);

/** A trickle fragment (RFC 8840): the ICE credentials in it, "" when it names none. */
struct sdp_fragment {
    char ufrag[SDP_UFRAG_MAX], pwd[SDP_PWD_MAX];
};
bool sdp_parse_fragment(struct sdp_fragment *out, const char *text, size_t len, struct err *err);

/* ---- answer ---- */

struct sdp_answer_media {
    bool accepted;
    enum sdp_dir dir; /* as we say it: SDP_RECVONLY takes what they publish, SDP_SENDONLY is a chair */
    const struct sdp_codec *codecs[SDP_CODECS_MAX];
    unsigned codec_count;
    uint8_t fb;              /* feedback we take part in, ANDed with the codec's */
    struct rtp_ext_ids ext;  /* ids of the offer for those we use, 0 for the rest */
    uint32_t ssrc, rtx_ssrc; /* of a chair; rtx_ssrc 0: none */
    char stream[24];         /* msid of a chair */
};

struct sdp_answer {
    uint64_t session_id;
    uint32_t version;
    const char *ufrag, *pwd;
    const char *fingerprint; /* "sha-256 AB:CD:…" */
    const char *cname;
    const char *const *addresses; /* host candidates, best first, NULL at the end */
    uint16_t port;
    struct sdp_answer_media media[SDP_MEDIA_MAX]; /* one per m-line of the offer */
};

/** @return text freed by the caller; NULL when out of memory. */
char *sdp_write_answer(const struct sdp_offer *offer, const struct sdp_answer *a, size_t *len);
/** The fragment that answers a restart by PATCH: our new credentials and candidates. */
char *sdp_write_fragment(const struct sdp_answer *a, const char *mid, size_t *len);
