/* chair.h - one outgoing stream: a recvonly m-line of a receiver, on which one publisher's track after another may sit.
 *
 * Owns    its numbering (SSRC, sequence, time), which runs on when the track on it changes. Belongs to its peer.
 * Runs on the worker's loop.
 */
#pragma once
#include <stdint.h>
#include "media/gate.h"
#include "media/rewrite.h"
#include "media/rtp.h"
#include "media/sdp.h"

#define CHAIR_RESENT 64

struct peer;
struct track;

struct packet { /* one clear packet on its way to the chairs */
    const struct rtp *rtp;
    uint64_t ext;
    enum codec codec;
    bool keyframe, has_vp8, has_level;
    uint8_t level;
    struct vp8_desc vp8;
};

struct chair {
    struct peer *peer;
    struct track *source;      /* NULL: empty */
    struct chair *next, *prev; /* chairs of the same source */
    char mid[RTP_MID_MAX + 1];
    uint8_t mid_len, mid_id, level_id;
    enum sdp_kind kind;
    unsigned index; /* among the chairs of its kind: the same index for sound and picture means one person */
    struct sdp_codec codecs[SDP_CODECS_MAX];
    unsigned codec_count;
    const struct sdp_codec *codec; /* the one the source uses, with this receiver's payload types */
    uint32_t ssrc, rtx_ssrc;
    uint16_t rtx_seq;
    struct rewrite rewrite;

    struct {
        uint16_t seq;
        int64_t at_us;
    } resent[CHAIR_RESENT];
    struct police resend_police;
    uint64_t resend_from; /* extended number: what went out before had other payload types or extensions */

    uint32_t packets, octets; /* as sender reports count them */
    int64_t resent_total, not_found;
    uint32_t sr_mid; /* middle bits of the last report's NTP time, and when it left */
    int64_t sr_at_us;
    uint8_t fraction_lost; /* as the receiver says */
    int32_t lost;
    uint32_t jitter;
};

struct chair *chair_new(struct peer *p, const struct sdp_media *m, unsigned index);
/** The m-line was offered again: payload types and extensions may have other numbers. */
void chair_update(struct chair *c, const struct sdp_media *m);
void chair_free(struct chair *c); /* NULL is fine */
/** Which of the receiver's codecs can show this track; NULL: none. */
const struct sdp_codec *chair_codec_for(const struct chair *c, const struct track *t);
void chair_seat(struct chair *c, struct track *t, const struct sdp_codec *codec);
void chair_empty(struct chair *c);
/** Packet path: copy, rewrite, encrypt into a send slot. */
void chair_send(struct chair *c, const struct packet *pkt);
/** The receiver misses the packet it knows as out_seq. */
void chair_resend(struct chair *c, uint16_t out_seq);
