/* peer.h - one client's peer connection in one room: its transport, its lines.
 *
 * Owns    ICE state, DTLS, SRTP contexts, tracks and chairs. Belongs to its room.
 * Runs on the worker's loop.
 */
#pragma once
#include <stdint.h>
#include "media/chair.h"
#include "media/ice.h"
#include "media/protocol.h"
#include "media/track.h"
#include "media/twcc.h"
#include "media/worker.h"

struct room;

enum line_role { LINE_NONE, LINE_TRACK, LINE_CHAIR };
struct line { /* one m-line, by its place in the offer */
    enum line_role role;
    struct track *track;
    struct chair *chair;
};

enum stream_role { STREAM_UNBOUND, STREAM_MEDIA, STREAM_RTX };
struct stream { /* one SSRC that came in authenticated packets */
    uint32_t ssrc;
    enum stream_role role;
    struct track *track;
};

struct peer {
    struct worker *worker;
    struct room *room;
    struct peer *next;      /* in the room; after the end: in worker->ended */
    struct peer *busy_next; /* in worker->busy */
    bool busy, ended;
    char id[MEDIA_PEER_MAX];
    char from[MEDIA_PEER_MAX]; /* "": everybody's tracks; else only this peer's */
    uint8_t rights;            /* enum media_right */
    enum media_state state;
    int64_t made_us, heard_us; /* heard: something authenticated came */

    struct ice ice;
    struct dtls *dtls;
    struct srtp_ctx *in, *out;
    enum srtp_suite suite;
    struct addr dtls_to; /* where a handshake is answered before ICE has nominated */
    int64_t dtls_due_us;

    char session_id[24]; /* of their o= line */
    char remote_ufrag[SDP_UFRAG_MAX];
    struct sdp_fingerprint fingerprint;
    uint64_t answer_id;
    uint32_t answer_version;
    char cname[24];
    uint32_t rtcp_ssrc; /* ours, where no chair speaks */
    bool rtcp_rsize;

    struct line *lines;
    unsigned line_count;
    struct rtp_ext_ids ext; /* as they send */
    bool remb;              /* they know REMB and not transport-wide feedback */
    int64_t remb_bps;

    struct stream *streams;
    unsigned stream_count;
    struct police new_streams, police;

    struct twcc *twcc; /* NULL: not negotiated */
    int64_t twcc_at_us, nack_at_us, report_at_us;
    int64_t rtt_us;  /* 0: not known */
    bool have_clock; /* clock_offset_us: their NTP clock minus our UTC */
    int64_t clock_offset_us;

    int64_t packets_in, bytes_in, packets_out, bytes_out, dropped;
};

struct peer_ask {
    const char *id, *from; /* from: whom to receive, "" everybody (protocol.h) */
    uint8_t rights;
    const char *sdp;
    size_t sdp_len;
};
struct peer_reply {
    struct peer *peer;
    char *answer; /* freed by the caller */
    size_t answer_len;
    char etag[ICE_UFRAG_TEXT];
};
/** An offer of a new or a known peer.
 * A known peer's offer renegotiates when it is the same connection (o= id and certificate), and takes its place when it
 * is another one, as after a page was loaded again. Nothing changes on an error. */
bool peer_offer(struct peer_reply *out, struct room *room, const struct peer_ask *ask, struct err *err);
/** Restart by fragment (RFC 9725 4.3.3). @param[out] answer a fragment to send back, NULL when no restart was asked. */
bool peer_trickle(struct peer *p, const char *fragment, size_t len, char **answer, size_t *answer_len,
                  char *etag, struct err *err);
void peer_rights(struct peer *p, uint8_t rights);
/** Leave, time out or be replaced: gone from the room at once, freed at the end of the turn. */
void peer_end(struct peer *p, const char *why);
void peer_free(struct peer *p); /* by worker_turn_end() only */

void peer_stun(struct worker *w, const uint8_t *data, size_t len, const struct addr *from);
void peer_dtls(struct peer *p, const uint8_t *data, size_t len, const struct addr *from);
/** Something authenticated came. */
void peer_heard(struct peer *p);
/** Timers: handshake, silence, old addresses. */
void peer_tick(struct peer *p);
/** It has feedback to send when the batch is over. */
void peer_busy(struct peer *p);
bool peer_may(const struct peer *p, enum sdp_kind kind);
bool peer_connected(const struct peer *p);
void peer_set_state(struct peer *p, enum media_state s);

/* negotiate.c: the lines of an offer and their answer. */
bool negotiate(struct peer *p, const struct sdp_offer *offer, char **answer, size_t *answer_len,
               struct err *err);
