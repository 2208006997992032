#include "signaling/room_event.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include "signaling/machine.h"
#include "signaling/media_link.h"
#include "signaling/recording.h"
#include "signaling/room.h"
#include "signaling/room_private.h"
#include "signaling/signald.h"
#include "signaling/socket.h"
#include "signaling/visit.h"
#include <string.h>

/* --- workers come and go --- */

void room_rejoin(struct room *room, const char *reason)
{
    json_t *doc;

    machines_drop(room, true);
    if (!room->visit)
        return;
    for (struct seat *seat = room->visit->seats; seat; seat = seat->next)
        seat->peer[0] = seat->sdp_session[0] = '\0';
    doc = json_pack("{s:s, s:o, s:s}", "t", "rejoin", "visit_id", json_id(room->visit->id), "reason", reason);
    visit_send(room->visit, doc);
    json_decref(doc);
}

/* The same epoch serves again: the lease is still ours, and the new process has seen none. So this needs no
 * database, and a worker's death while the database is away costs a second, not the call. */
void room_worker_up(struct signald *app, unsigned worker, bool restarted)
{
    for (struct room *room = app->rooms->first; room; room = room->next) {
        if (room->worker != worker || room->state != ROOM_OPEN)
            continue;
        if (restarted)
            room_rejoin(room, "media_restarted");
        room_send_open(room);
    }
}

void room_worker_away(struct signald *app, unsigned worker)
{
    unsigned n = 0;

    for (const struct room *room = app->rooms->first; room; room = room->next)
        n += room->worker == worker && room->state == ROOM_OPEN;
    if (n)
        log_warn("rooms_without_worker", LI("worker", worker), LI("rooms", n));
}

/* --- what happens inside --- */

/* A seat of the visit whose present peer this is; a peer of an earlier connection is nobody's. */
static struct seat *seat_of(const struct room *room, const char *peer)
{
    struct seat *seat = room->visit ? visit_seat_of_peer(room->visit, peer) : NULL;

    return seat && (!*seat->peer || !strcmp(seat->peer, peer)) ? seat : NULL;
}

static json_t *seat_id(const struct room *room, const char *peer)
{
    struct seat *seat = *peer && room->visit ? visit_seat_of_peer(room->visit, peer) : NULL;

    return seat ? json_id(seat->id) : json_null();
}

static void on_peer_state(struct room *room, struct wire_in *in)
{
    char peer[MEDIA_PEER_MAX];
    uint8_t state;
    struct seat *seat;

    wire_get_str(in, peer, sizeof peer);
    state = wire_get_u8(in);
    if (!wire_end(in))
        return;
    log_debug("peer_state", LS("room", room->id), LS("peer", peer), LI("state", state));
    if (state != MEDIA_STATE_GONE)
        return;
    if (!room->visit || *peer != 's') {
        machine_gone(room, peer);
        return;
    }
    seat = seat_of(room, peer);
    if (!seat)
        return;
    seat->peer[0] = seat->sdp_session[0] = '\0';
    /* The window is still there: its media died (sleep, a network that eats UDP). It makes a new connection. */
    if (seat->socket && seat_rights(seat))
        socket_send(seat->socket, json_pack("{s:s, s:o, s:s}", "t", "rejoin", "visit_id",
                                            json_id(room->visit->id), "reason", "media_lost"));
}

static void on_chair(struct room *room, struct wire_in *in)
{
    char peer[MEDIA_PEER_MAX], mid[64], from[MEDIA_PEER_MAX], kind[16], from_mid[64];
    struct seat *seat;

    wire_get_str(in, peer, sizeof peer);
    wire_get_str(in, mid, sizeof mid);
    wire_get_str(in, from, sizeof from);
    wire_get_str(in, kind, sizeof kind);
    wire_get_str(in, from_mid, sizeof from_mid);
    if (!wire_end(in))
        return;
    seat = seat_of(room, peer);
    if (seat && seat->socket)
        socket_send(seat->socket,
                    json_pack("{s:s, s:o, s:s, s:s, s:o}", "t", "chair", "visit_id", json_id(room->visit->id),
                              "mid", mid, "kind", kind, "seat_id", seat_id(room, from)));
}

static void on_speaker(struct room *room, struct wire_in *in)
{
    char peer[MEDIA_PEER_MAX];
    json_t *doc;

    wire_get_str(in, peer, sizeof peer);
    wire_get_u8(in);
    if (!wire_end(in) || !room->visit)
        return;
    doc = json_pack("{s:s, s:o, s:o}", "t", "speaker", "visit_id", json_id(room->visit->id), "seat_id",
                    seat_id(room, peer));
    visit_send(room->visit, doc);
    json_decref(doc);
}

static void on_track(struct room *room, struct wire_in *in)
{
    char peer[MEDIA_PEER_MAX], kind[16], codec[32], mid[64];
    uint8_t live;

    wire_get_str(in, peer, sizeof peer);
    wire_get_str(in, kind, sizeof kind);
    wire_get_str(in, codec, sizeof codec);
    wire_get_str(in, mid, sizeof mid);
    live = wire_get_u8(in);
    if (wire_end(in))
        log_info("track", LS("room", room->id), LS("peer", peer), LS("kind", kind), LS("codec", codec),
                 LB("live", live));
}

static void on_record_state(struct room *room, struct wire_in *in)
{
    char reason[48];
    uint64_t bytes;
    uint8_t on = wire_get_u8(in);

    bytes = wire_get_u64(in);
    wire_get_str(in, reason, sizeof reason);
    if (wire_end(in) && room->visit)
        recording_state(room->visit, on, (int64_t)bytes, reason);
}

void room_event(struct signald *app, unsigned worker, struct wire_in *in)
{
    char id[MEDIA_ROOM_MAX];
    struct room *room;

    wire_get_str(in, id, sizeof id);
    room = in->bad ? NULL : room_find(app->rooms, id);
    if (!room || room->worker != worker) {
        in->at = in->len; /* a room we gave up; its worker will hear of it */
        return;
    }
    switch (in->type) {
    case MEDIA_PEER_STATE:
        on_peer_state(room, in);
        break;
    case MEDIA_TRACK:
        on_track(room, in);
        break;
    case MEDIA_CHAIR:
        on_chair(room, in);
        break;
    case MEDIA_SPEAKER:
        on_speaker(room, in);
        break;
    case MEDIA_ROOM_EMPTY:
        break; /* a visit's room waits for its people; a machine's is counted in room.c */
    case MEDIA_RECORD_STATE:
        on_record_state(room, in);
        break;
    default:
        in->bad = true;
        break;
    }
}
