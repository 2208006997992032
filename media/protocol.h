/* media/protocol.h - what yz-signald says to a media worker and hears from it, and what a worker says to yz-recorderd.
 *
 * Carrier  core/wire.h. Field order below is the wire order; types are wire.h's. Both ends are ours and of one version.
 * Who decides  signald owns rooms, names and rights; the worker owns transports, tracks and packets. A worker never learns a
 *              person's name: it knows room ids (random words), peer ids (words chosen by signald) and rights.
 * SDP      an offer always comes from the client. Its sendonly/sendrecv m-lines publish (when allowed), its recvonly m-lines
 *          are empty chairs: the worker seats other publishers' tracks on them, first come first seated, and tells which mid
 *          carries whose track. Chairs are reused when a publisher leaves, with one continuous SSRC/sequence each, so a room of
 *          up to N peers needs no renegotiation. A later offer of the same peer is an ICE restart and/or more m-lines.
 * Epochs   each room command carries the room's epoch; a worker refuses (ERR_STALE) an epoch lower than it has seen.
 */
#pragma once
/* clang-format off */

#define MEDIA_ROOM_MAX 64     /* bytes with NUL: room id */
/* Bytes with NUL: peer id, unique in its room. What stands before its last '-' is the same for every connection of one
 * seat, so that a recording knows who came back. */
#define MEDIA_PEER_MAX 64
#define MEDIA_SDP_MAX 65536

enum media_msg {
    /* signald -> worker. Every request is answered by MEDIA_OK or MEDIA_ERROR with its request_id unless noted. */
    MEDIA_ROOM_OPEN = 0x100,  /* str room, u64 epoch, u8 record(0|1), str record_dir -> OK; opening an open room updates epoch/record */
    MEDIA_ROOM_CLOSE,         /* str room, u64 epoch -> OK; every peer leaves, recording is closed */
    MEDIA_PEER_OFFER,         /* str room, u64 epoch, str peer, u8 rights (enum media_right), str from (WHEP: only this peer's tracks, or ""),
                                 bytes sdp -> MEDIA_ANSWER. Creates the peer, or renegotiates it. */
    MEDIA_PEER_TRICKLE,       /* str room, str peer, bytes sdp_fragment -> OK (candidates, end-of-candidates), or
                                 MEDIA_ANSWER (fragment with our ufrag, pwd and candidates, new etag) when its ufrag is new: an ICE
                                 restart (RFC 9725 4.3.2) */
    MEDIA_PEER_RIGHTS,        /* str room, str peer, u8 rights -> OK; losing PUBLISH_* stops forwarding at once */
    MEDIA_PEER_LEAVE,         /* str room, str peer -> OK, also when unknown */
    MEDIA_RECORD,             /* str room, u64 epoch, u8 on, str record_dir -> OK */
    MEDIA_STATS,              /* str room, str peer ("" = all) -> MEDIA_STATS_REPLY */
    MEDIA_PING,               /* -> OK */

    /* worker -> signald, answers (request_id of the request) */
    MEDIA_OK = 0x180,         /* nothing */
    MEDIA_ERROR,              /* u16 err_code, str reason, str text */
    MEDIA_ANSWER,             /* bytes sdp, str etag (ICE session, changes with each restart) */
    MEDIA_STATS_REPLY,        /* bytes json: {"peers":[{"peer":…,"state":…,"rtt_ms":…,"in":{packets,bytes,lost,nacks},"out":{…},"tracks":[…]}]} */

    /* worker -> signald, events (request_id 0) */
    MEDIA_HELLO = 0x1C0,      /* u16 worker, str address, u16 port, u32 pid, u64 boot (random; changes when the worker restarts: its rooms are gone) */
    MEDIA_PEER_STATE,         /* str room, str peer, u8 enum media_state */
    MEDIA_TRACK,              /* str room, str peer, str kind ("audio"|"video"), str codec, str mid, u8 live(1 first packet seen, 0 gone) */
    MEDIA_CHAIR,              /* str room, str peer (receiver), str mid, str from ("" = chair empty), str kind, str from_mid */
    MEDIA_SPEAKER,            /* str room, str peer ("" = silence), u8 level (RFC 6464, 0 loud .. 127) */
    MEDIA_ROOM_EMPTY,         /* str room: last peer left or died; room stays open until ROOM_CLOSE */
    MEDIA_RECORD_STATE,       /* str room, u8 on, u64 bytes, str reason: "started","growing","stopped","recorder_lost","recorder_back" */

    /* worker -> recorderd (a worker connects to recorderd.sock) */
    REC_HELLO = 0x200,        /* u16 worker, u64 boot; fd = memfd of the ring (media/record/ring.h) */
    REC_OPEN,                 /* u32 rec (worker's handle), str room, str dir (relative to <data>/recordings, no "..") */
    REC_TRACK,                /* u32 rec, u32 track, str peer, str kind, str codec ("opus","VP8","H264"), u8 pt, u32 clock_hz, u32 ssrc, str fmtp */
    REC_TRACK_END,            /* u32 rec, u32 track */
    REC_CLOSE,                /* u32 rec, str reason */
    REC_KICK,                 /* nothing: the ring has data (sent only when the reader sleeps, as the ring's header says) */
    /* recorderd -> worker */
    REC_STATE = 0x240,        /* u32 rec, u8 state (enum rec_state), u64 bytes, str reason */
};

/* Bits. */
enum media_right {
    MEDIA_RIGHT_SUBSCRIBE = 1,
    MEDIA_RIGHT_AUDIO = 2,    /* publish */
    MEDIA_RIGHT_VIDEO = 4,    /* publish */
};

enum media_state {
    MEDIA_STATE_NEW,          /* answered, no ICE yet */
    MEDIA_STATE_CONNECTED,    /* DTLS done; media may flow */
    MEDIA_STATE_SILENT,       /* no packet and no consent for 5 s: the other side may be in a tunnel */
    MEDIA_STATE_GONE,         /* silent for 30 s (media.grace_ms), closed by DTLS, or left: the peer no longer exists */
};

enum rec_state { REC_STATE_OPEN, REC_STATE_GROWING, REC_STATE_CLOSED, REC_STATE_FAILED };
