/* machine.h - WHIP (RFC 9725) and WHEP sessions: cameras, carts, load programs, anything without a browser.
 *
 * Owns    a session per POST until DELETE, or until the worker says that its peer is gone. PATCH and DELETE need the
 *         account that made it. Each has a row (machine_store.h), so that its address outlives this process.
 * Peers   "w.NAME" publishes, "r.…" receives; a visit's seats are "s<id>-…".
 * Runs on the service loop only.
 */
#pragma once
#include "core/ids.h"
#include "media/protocol.h"
#include "signaling/request.h"

struct room;

struct machine {
    int64_t id; /* in the session's address, and of its row */
    char peer[MEDIA_PEER_MAX];
    char etag[128];
    bool whep;
    int64_t account_id;
    struct machine *next;
};

/* Handlers of the route table. */
void machine_whip_post(struct request *req);
void machine_whep_post(struct request *req);
void machine_patch(struct request *req);
void machine_delete(struct request *req);
void machine_options(struct request *req);

/** The worker says that this peer is gone. */
void machine_gone(struct room *room, const char *peer);
/** Into the room's list; m is taken. */
void machine_take(struct room *room, struct machine *m);
/** The room or its worker is gone. ended: and so are the sessions; otherwise only this process forgets them. */
void machines_drop(struct room *room, bool ended);
