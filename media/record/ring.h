/* ring.h - decrypted packets on their way from one media worker to the recorder.
 *
 * A memfd of one header page and a byte ring, one writer process, one reader process, no lock. The data area
 * is mapped twice in a row, so every record is contiguous for both. The descriptor rides in REC_HELLO.
 *
 * Owns    struct ring its mapping and its descriptor. What ring_next() shows is lent until ring_release().
 * Runs on one thread on each side. Nothing here blocks, allocates (after create/attach) or logs.
 * Time    arrival_us is UTC microseconds: the wall clock when the recording opened plus monotonic time since,
 *         so it never goes back inside one recording.
 * Order   two channels meet: this ring and the SEQPACKET messages of media/protocol.h. The writer sends
 * REC_OPEN and REC_TRACK before the first record that names them, and puts the last record before it sends
 *         REC_TRACK_END or REC_CLOSE. So the reader, on a record with an unknown (rec, track), reads its
 * socket first; on REC_TRACK_END and REC_CLOSE it drains the ring to its head first. Again   the ring
 * outlives a recorder. A new recorder gets the same descriptor: REC_HELLO, then REC_OPEN and REC_TRACK of
 * everything that runs, then REC_KICK, and reads on from the tail the old one left. Release only what is safe
 * to lose. Trust   each side checks what the other wrote: a torn length or an impossible index is ERR_CORRUPT
 * for the reader and "full" for the writer, never a wild read.
 */
#pragma once
#include <stdint.h>
#include "core/err.h"

#define RING_DATA_MAX 2048 /* longest payload of a record: an RTP packet is at most 1500 */

enum ring_kind {
    RING_RTP = 1, /* one clear RTP packet, as the publisher sent it (RTX already unwrapped) */
    RING_SR = 2,  /* struct ring_sr: how RTP time maps to the sender's wall clock */
    RING_GAP = 3, /* struct ring_gap: records of this track that found no room */
};
enum ring_flag {
    RING_FLAG_KEYFRAME = 1, /* the packet starts a picture that needs no other */
    RING_FLAG_REPAIRED = 2, /* came by retransmission: older than its neighbours */
};

struct ring_sr {
    uint32_t ssrc, rtp; /* RTP time that belongs to ntp */
    uint64_t ntp;       /* RFC 3550 NTP format, the sender's clock */
};
struct ring_gap {
    uint64_t records;
    int64_t since_us, until_us; /* arrival of the first and the last one lost */
};

struct ring_record { /* as the reader sees it */
    enum ring_kind kind;
    uint16_t flags; /* enum ring_flag */
    uint32_t rec, track;
    int64_t arrival_us;
    const uint8_t *data;
    uint32_t len;
};

struct ring;

/* ---- writer (yz-mediad) ---- */

/** One recorded track as the writer knows it; remembers what was lost until a gap record fits. */
struct ring_source {
    uint32_t rec, track;
    struct ring_gap lost;
};

/** @param bytes of the data area, a power of two, 64 KiB .. 1 GiB. ERR_IO when the system gives no memfd. */
bool ring_create(struct ring **out, uint32_t bytes, struct err *err);
void ring_free(struct ring *r); /* either side; NULL is fine */
/** Lent; wire_put_fd() duplicates it. */
int ring_fd(const struct ring *r);
/** Copy one record in; the reader sees it after ring_flush(). Writes a RING_GAP first when src lost
 * something.
 * @return false: no room (or len > RING_DATA_MAX); the loss is counted in src and in ring_lost(). */
bool ring_put(struct ring *r, struct ring_source *src, enum ring_kind kind, uint16_t flags,
              int64_t arrival_us, const void *data, uint32_t len);
/** Let the reader see everything put so far; once per loop turn.
 * @return true when the reader sleeps and must be sent REC_KICK (it is told so only once). */
bool ring_flush(struct ring *r);
uint64_t ring_lost(const struct ring *r); /* records that found no room, since creation */
uint64_t ring_used(const struct ring *r); /* bytes waiting for the reader */

/* ---- reader (yz-recorderd) ---- */

/** @param fd from REC_HELLO; owned by the ring on success, the caller's on failure.
 * ERR_CORRUPT "ring_invalid": not a ring, or its size does not fit the file. */
bool ring_attach(struct ring **out, int fd, struct err *err);
/** The next record, or false: nothing there (err clear) or ERR_CORRUPT "ring_torn" (err set; ask for a new
 * ring). */
bool ring_next(struct ring *r, struct ring_record *out, struct err *err);
/** Give back the room of everything ring_next() has shown. */
void ring_release(struct ring *r);
/** Bytes shown since creation: where the next record begins. */
uint64_t ring_position(const struct ring *r);
/** Give back only what lies before a position seen earlier, so that what is not yet safe survives the reader.
 */
void ring_release_to(struct ring *r, uint64_t position);
/** Bytes shown but not given back; the writer finds no room at ring_size(). */
uint64_t ring_held(const struct ring *r);
uint32_t ring_size(const struct ring *r);
/** Say that we wait for REC_KICK. false: something arrived meanwhile, read on instead. */
bool ring_sleep(struct ring *r);
