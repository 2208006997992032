/* seat.h - one place in a visit: who may sit there, which window does, and what it may do.
 *
 * Rights  follow the visit's state by the table in seat.c: staff publish from `claimed` on, the patient when live.
 * Grace   a seat whose window dropped stays taken for SEAT_GRACE_S; the resume token brings the window back to it
 *         with its media peer unharmed.
 * Report  each change of presence is told to the scheduler, and all of them again when it is new.
 * Owns    nothing: seats belong to their visit. Runs on the service loop only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "media/protocol.h"
#include "signaling/limiter.h"

struct socket;
struct visit;

#define SEAT_GRACE_S 30

struct seat {
    struct visit *visit;
    int64_t id, account_id;
    char role[24], name[128];
    bool removed;          /* kept while somebody sits in it */
    struct socket *socket; /* the window that fills it, or NULL */
    struct seat *next_of_socket;
    bool present;                  /* filled, or within the grace */
    int64_t grace_until_us;        /* monotonic; 0 when filled or empty */
    char resume[44];               /* of the window that dropped */
    bool muted[2];                 /* audio, video: as the others are told */
    bool silenced[2];              /* by the doctor: the worker drops it until the seat unmutes itself */
    char sdp_session[64];          /* o= of its last offer: tells a new peer connection from a restart */
    char peer[MEDIA_PEER_MAX];     /* in the media room; "" before the first offer */
    uint8_t rights, worker_rights; /* as last told to the window, to the worker */
    struct bucket pointers;        /* coview.c */
    bool told;                     /* rights were told since the seat was filled */
    struct seat *next;
};

/** enum media_right bits this seat has in the present state; 0 in the lobby. */
uint8_t seat_rights(const struct seat *seat);
/** The same without what the doctor silenced: what the worker is told. */
uint8_t seat_worker_rights(const struct seat *seat);
/** Tell window and worker when the rights differ from what they were told. */
void seat_settle(struct seat *seat);

/** Fill a seat with a window. Another one that sat there gets `moved`. */
void seat_take(struct seat *seat, struct socket *sock);
/** The same person's new connection takes over from the dropped one: nothing changes for the others. */
void seat_resume(struct seat *seat, struct socket *sock);
/** The window is gone: grace begins. */
void seat_drop(struct seat *seat);
/** The person left, or the grace is over: empty. */
void seat_leave(struct seat *seat);
/** Tell the scheduler that this seat is (still) taken. */
void seat_report(const struct seat *seat);
