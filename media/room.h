/* room.h - a room: who is in it, which tracks live in it, and who sits on which chair.
 *
 * Owns    its peers. Belongs to the worker; found by its id, a random word that says nothing about anybody.
 * Runs on the worker's loop.
 */
#pragma once
#include <stdint.h>
#include "media/peer.h"

struct room {
    struct worker *worker;
    struct room *next; /* in the bucket; after closing: in worker->closed */
    char id[MEDIA_ROOM_MAX];
    uint64_t epoch;
    struct peer *peers;
    unsigned peer_count;
    struct track *tracks, *tracks_last; /* live ones, oldest first */

    char record_dir[128];
    bool record;
    uint32_t rec;         /* handle at the recorder, 0: none */
    int64_t rec_epoch_us; /* UTC minus monotonic when the recording opened */
    uint64_t rec_bytes;
    uint64_t told; /* the connection that has heard all about this room */

    struct track *speaker;
    int64_t speaker_at_us;
    int speaker_rounds; /* how long the challenger has been the loudest */
    struct track *challenger;
};

struct room *room_find(struct worker *w, const char *id);
/** Open, or take the newer epoch. ERR_STALE "room_epoch" for an older one, ERR_LIMIT "worker_full". */
bool room_open(struct room **out, struct worker *w, const char *id, uint64_t epoch, struct err *err);
/** The room when its epoch is not newer than the caller's. ERR_NOT_FOUND "room_not_open", ERR_STALE "room_epoch". */
bool room_get(struct room **out, struct worker *w, const char *id, uint64_t epoch, struct err *err);
void room_close(struct room *r, const char *why);
struct peer *room_peer(struct room *r, const char *id);
void room_add(struct room *r, struct peer *p);
void room_remove(struct room *r, struct peer *p);
bool room_record(struct room *r, bool on, const char *dir, struct err *err);

/* ---- seats ---- */

/** Put the room's live tracks onto this peer's free chairs, oldest first. */
void seats_fill(struct peer *p);
/** A track became live or a chair free: everybody's chairs. */
void seats_fill_all(struct room *r);
/** Off every chair; others who waited may sit down. */
void seats_clear(struct track *t);

/** Who speaks, by RFC 6464 levels; every SPEAKER_ROUND_US. */
#define SPEAKER_ROUND_US 200000
void speaker_tick(struct room *r);
void speaker_level(struct track *t, uint8_t level);
