/* machine.h - WHIP (RFC 9725) and WHEP sessions: cameras, carts, load programs, anything without a browser.
 *
 * Owns    a session per POST until DELETE, or until the worker says that its peer is gone. Its resource word is
 *         random, and the bearer that made it must come again with PATCH and DELETE.
 * Peers   "w.NAME" publishes, "r.…" receives; a visit's seats are "s<id>-…".
 * Runs on the service loop only.
 */
#pragma once
#include "core/ids.h"
#include "media/protocol.h"
#include "signaling/request.h"

struct room;

struct machine {
    char session[ID_RANDOM_TEXT]; /* in the resource's address */
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
/** The room or its worker is gone. */
void machines_drop(struct room *room);
