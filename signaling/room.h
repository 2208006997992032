/* room.h - media rooms: on which worker, under which lease, and the way there.
 *
 * Lease   one row in signaling.rooms: taking it raises the epoch, every second it is renewed by the database's
 *         clock. Expiry alone stops nothing; only a higher epoch does. Without the database open rooms go on and
 *         no new room opens.
 * Life    idle -> leasing -> opening -> open; an open room whose worker restarted is opened there again and its
 *         people are told to `rejoin`; one whose worker stays away for MOVE_S goes to another one under a new epoch.
 * Owns    every room; a visit's room is bound to its visit, a machine's room ends when it is empty.
 * Runs on the service loop only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/err.h"
#include "media/protocol.h"

struct machine;
struct room;
struct rooms;
struct signald;
struct visit;
struct wire_in;

enum room_state { ROOM_IDLE, ROOM_LEASING, ROOM_OPENING, ROOM_OPEN, ROOM_CLOSED };

struct room {
    struct signald *app;
    char id[MEDIA_ROOM_MAX];
    struct visit *visit; /* NULL: made by a machine with a token for any room */
    int64_t tenant_id, visit_id;
    enum room_state state;
    unsigned worker;
    uint64_t epoch;
    bool record; /* wanted */
    char record_dir[96];
    struct machine *machines;             /* WHIP and WHEP sessions; chained by machine->next */
    bool restored;                        /* the sessions an earlier process left were looked for */
    struct room_wait *waits, **waits_end; /* whoever waits for it to open */
    int64_t empty_since_us;               /* monotonic; of a machine's room */
    uint64_t asked_epoch;                 /* in the renewal on its way; 0: not in it */
    struct room *next;
};

struct rooms *rooms_new(struct signald *app);
void rooms_free(struct rooms *r);
unsigned rooms_count(const struct rooms *r);

/** The visit's room, made when absent (not opened yet). */
struct room *room_of_visit(struct visit *visit);
/** Of any kind, by name; NULL. */
struct room *room_find(struct rooms *r, const char *id);
/** A machine's own room. */
struct room *room_new(struct rooms *r, const char *id, int64_t tenant_id, struct visit *visit);
/** The visit is forgotten; the room with it. */
void room_unbind(struct room *room);
void room_close(struct room *room, const char *why);

/** Have it open, now or soon. ERR_AGAIN "database_away" | "media_away". room is NULL with err. */
typedef void room_fn(void *arg, struct room *room, const struct err *err);
void room_open(struct room *room, room_fn *fn, void *arg);

/** sdp and etag are lent; NULL with err (the worker's own words: ERR_INVALID "sdp_…"). */
typedef void room_answer_fn(void *arg, const char *sdp, size_t len, const char *etag, const struct err *err);
struct room_offer {
    const char *peer, *from; /* from: WHEP, only this peer's tracks, or "" */
    uint8_t rights;
    const char *sdp;
    size_t len;
};
/** The room must be open. */
void room_offer(struct room *room, const struct room_offer *offer, room_answer_fn *fn, void *arg);
/** Candidates, or an ICE restart. fn gets etag NULL when nothing but "taken" is to be said, otherwise the fragment with
 * the new credentials and their etag. */
void room_trickle(struct room *room, const char *peer, const char *fragment, size_t len, room_answer_fn *fn,
                  void *arg);
/* Orders nobody waits for; dropped while the worker is away, because its peers are gone then. */
void room_rights(struct room *room, const char *peer, uint8_t rights);
void room_leave(struct room *room, const char *peer);
void room_record(struct room *room, bool on, const char *dir);
