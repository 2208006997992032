/* track.h - one published stream: what an m-line of a publisher sends us.
 *
 * Owns    its packet store and what it knows of the way the packets came. Belongs to its peer; chairs that show it hang
 *         in its list.
 * Runs on the worker's loop.
 */
#pragma once
#include <stdint.h>
#include "media/gate.h"
#include "media/payload.h"
#include "media/reception.h"
#include "media/record/ring.h"
#include "media/rtp.h"
#include "media/sdp.h"
#include "media/store.h"

struct peer;
struct chair;

struct track {
    struct peer *peer;
    struct track *next, *prev; /* live tracks of the room, oldest first */
    char mid[RTP_MID_MAX + 1];
    enum sdp_kind kind;
    struct sdp_codec codec; /* the one we answered with */
    uint32_t clock_hz;
    uint32_t ssrc, rtx_ssrc; /* 0: not known yet */

    bool live;      /* a packet came; it is in the room's list */
    bool allowed;   /* the peer has the right to publish this kind */
    uint64_t order; /* of going live, within the worker */
    struct chair *chairs;

    struct reception reception;
    struct store *store; /* from the first packet on */
    struct police police;
    struct keyframe_gate keyframe;

    /* The last sender report: how this stream's RTP time maps to the publisher's clock. */
    bool have_sr;
    uint64_t sr_ntp;
    uint32_t sr_rtp;
    int64_t sr_at_us;

    uint8_t level_id;    /* extension id of RFC 6464, 0: none */
    bool voiced;         /* a level came since the last round of the speaker */
    int32_t loudness_q8; /* smoothed, 0 silence .. 127*256 */

    struct ring_source source; /* rec 0: not recorded */
    int64_t packets, bytes, repaired, dropped, plis_sent;
};

/** @param m its m-line, @param codec which of its codecs we answer with */
struct track *track_new(struct peer *p, const struct sdp_media *m, const struct sdp_codec *codec);
/** Unseats it everywhere, ends its recording, tells signald. NULL is fine. */
void track_free(struct track *t);
/** The codec, the payload types or the SSRC changed: what came before has nothing to do with what comes. */
void track_reset(struct track *t);
/** A packet came: into the room's list, onto free chairs. */
void track_go_live(struct track *t);
/** BYE, or the m-line stopped: out of the list, off the chairs. The next packet makes it live again. */
void track_go_dead(struct track *t);
void track_allow(struct track *t, bool allowed);
/** Somebody cannot decode: at most one request a second reaches the publisher. */
void track_want_keyframe(struct track *t);
/** Send what the gate held back. */
void track_tick(struct track *t);
/** One authenticated packet of the media stream, RTX already unwrapped. */
void track_packet(struct track *t, const struct rtp *r, bool repaired);
