#include "signaling/seat.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include "records/roles.h"
#include "signaling/coview.h"
#include "signaling/owner_link.h"
#include "signaling/room.h"
#include "signaling/signald.h"
#include "signaling/socket.h"
#include "signaling/visit.h"
#include <stdlib.h>
#include <string.h>

/* The table is the rule; README.md shows it. A state without a row gives nobody anything. */
static const struct {
    const char *state;
    bool staff, others;
} RIGHTS[] = {
    {"claimed", true, false}, /* doctor and township centre prepare while the patient waits outside */
    {"waiting", true, false},
    {"live", true, true},
};
#define EVERYTHING (MEDIA_RIGHT_SUBSCRIBE | MEDIA_RIGHT_AUDIO | MEDIA_RIGHT_VIDEO)

uint8_t seat_rights(const struct seat *seat)
{
    bool staff = !strcmp(seat->role, "doctor") || !strcmp(seat->role, "township_doctor");

    if (seat->removed)
        return 0;
    for (size_t i = 0; i < sizeof RIGHTS / sizeof *RIGHTS; i++)
        if (!strcmp(RIGHTS[i].state, seat->visit->state) && (staff ? RIGHTS[i].staff : RIGHTS[i].others))
            return EVERYTHING;
    return 0;
}

uint8_t seat_worker_rights(const struct seat *seat)
{
    uint8_t rights = seat_rights(seat);

    if (seat->silenced[0])
        rights &= (uint8_t)~MEDIA_RIGHT_AUDIO;
    if (seat->silenced[1])
        rights &= (uint8_t)~MEDIA_RIGHT_VIDEO;
    return rights;
}

void seat_settle(struct seat *seat)
{
    uint8_t rights = seat_rights(seat), worker = seat_worker_rights(seat);
    struct room *room = seat->visit->room;

    if (room && *seat->peer && worker != seat->worker_rights)
        room_rights(room, seat->peer, worker);
    seat->worker_rights = worker;
    if (seat->socket && (rights != seat->rights || !seat->told)) {
        seat->told = true;
        socket_send(seat->socket,
                    json_pack("{s:s, s:o, s:b, s:b}", "t", "rights", "visit_id", json_id(seat->visit->id),
                              "publish", (rights & MEDIA_RIGHT_AUDIO) != 0, "subscribe",
                              (rights & MEDIA_RIGHT_SUBSCRIBE) != 0));
        if (rights && !seat->rights)
            coview_show(seat); /* let in from the lobby */
    }
    seat->rights = rights;
}

/* --- presence --- */

static void on_reported(void *arg, const char *text, size_t len, const struct err *err, const json_t *details)
{
    (void)arg;
    (void)text;
    (void)len;
    (void)details;
    /* Away: everybody present is reported again when it is back. */
    if (err && err->code != ERR_AGAIN && err->code != ERR_UNKNOWN)
        log_warn("presence_refused", LERR(err));
}

static void tell_scheduler(const struct seat *seat, const char *event)
{
    const struct visit *visit = seat->visit;
    json_t *doc = json_pack("{s:o, s:o, s:o, s:s, s:b, s:s}", "visit_id", json_id(visit->id), "seat_id",
                            json_id(seat->id), "account_id", json_id(seat->account_id), "role", seat->role,
                            "present", seat->present, "event", event);
    struct ask_request ask = {
        .op = SCHED_OP_PRESENCE,
        .region_id = visit->region_id,
        .tenant_id = visit->tenant_id,
        .roles = ROLE_SYSTEM,
    };
    char *body = json_text(doc, &ask.body_len);

    ask.body = (const uint8_t *)body;
    owner_link_ask(visit->app->owners[OWNER_SCHEDULER], &ask, on_reported, NULL);
    free(body);
    json_decref(doc);
}

void seat_report(const struct seat *seat)
{
    if (seat->present)
        tell_scheduler(seat, seat->socket ? "joined" : "dropped");
}

static void report(const struct seat *seat, const char *event)
{
    log_info("presence", LID("visit", seat->visit->id), LID("seat", seat->id), LS("event", event));
    tell_scheduler(seat, event);
}

/* --- windows --- */

static void detach(struct seat *seat)
{
    struct seat **at;

    if (!seat->socket)
        return;
    for (at = &seat->socket->seats; *at != seat; at = &(*at)->next_of_socket)
        ;
    *at = seat->next_of_socket;
    seat->next_of_socket = NULL;
    seat->socket = NULL;
}

static void attach(struct seat *seat, struct socket *sock)
{
    seat->socket = sock;
    seat->next_of_socket = sock->seats;
    sock->seats = seat;
    seat->present = true;
    seat->grace_until_us = 0;
    seat->told = true; /* `joined` and `welcome` carry the rights */
    seat->rights = seat_rights(seat);
    seat->visit->unused_since_us = 0;
    memcpy(seat->resume, sock->resume, sizeof seat->resume);
}

static void forget_peer(struct seat *seat)
{
    if (*seat->peer && seat->visit->room)
        room_leave(seat->visit->room, seat->peer);
    seat->peer[0] = seat->sdp_session[0] = '\0';
    seat->worker_rights = 0;
}

void seat_take(struct seat *seat, struct socket *sock)
{
    struct socket *old = seat->socket;
    bool was_present = seat->present;

    if (old == sock)
        return;
    if (old) {
        detach(seat);
        forget_peer(seat);
        socket_send(old, json_pack("{s:s, s:o}", "t", "moved", "visit_id", json_id(seat->visit->id)));
    }
    attach(seat, sock);
    if (!old)
        report(seat, was_present ? "back" : "joined");
    if (!was_present)
        seat->silenced[0] = seat->silenced[1] = seat->muted[0] = seat->muted[1] = false;
    visit_tell(seat->visit);
}

void seat_resume(struct seat *seat, struct socket *sock)
{
    bool dropped = seat->socket == NULL;

    detach(seat);
    attach(seat, sock);
    if (dropped)
        report(seat, "back");
}

void seat_drop(struct seat *seat)
{
    detach(seat);
    seat->grace_until_us = clock_mono_us() + SEAT_GRACE_S * US_PER_S;
    report(seat, "dropped");
}

void seat_leave(struct seat *seat)
{
    if (!seat->present)
        return;
    detach(seat);
    forget_peer(seat);
    seat->present = false;
    seat->grace_until_us = 0;
    seat->resume[0] = '\0';
    report(seat, "left");
    visit_tell(seat->visit);
}
