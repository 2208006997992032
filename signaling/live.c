#include "signaling/live.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "records/trail.h"
#include "signaling/coview.h"
#include "signaling/fanout.h"
#include "signaling/identity.h"
#include "signaling/room.h"
#include "signaling/sdp_check.h"
#include "signaling/signald.h"
#include "signaling/socket.h"
#include "signaling/socket_message.h"
#include "signaling/visit.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A message on its way through database or worker: the socket by reference, the rest by copy. */
struct errand {
    struct socket *sock;
    char id[SOCKET_ID_MAX + 1];
    int64_t visit_id, seat_id;
    char *sdp;
};

static struct errand *errand_new(struct socket *sock, const struct socket_message *m)
{
    struct errand *e = mem_new(sizeof *e);

    e->sock = socket_ref(sock);
    snprintf(e->id, sizeof e->id, "%s", m->id);
    e->visit_id = m->visit_id;
    e->sdp = *m->sdp ? mem_str(m->sdp) : NULL;
    return e;
}

static void errand_free(struct errand *e)
{
    socket_unref(e->sock);
    free(e->sdp);
    free(e);
}

static void errand_fail(struct errand *e, const struct err *err)
{
    socket_error(e->sock, e->id, err);
    errand_free(e);
}

static void refuse(struct socket *sock, const char *id, enum err_code code, const char *reason)
{
    struct err err = ERR_INIT;

    err_set(&err, code, reason, "%s", reason);
    socket_error(sock, id, &err);
}

static void add_id(json_t *doc, const char *id)
{
    if (*id)
        json_object_set_new(doc, "id", json_string(id));
}

static void say_ok(struct socket *sock, const char *id)
{
    if (*id)
        socket_send(sock, json_pack("{s:s, s:s}", "t", "ok", "id", id));
}

static json_t *rights_doc(uint8_t rights)
{
    return json_pack("{s:b, s:b}", "publish", (rights & MEDIA_RIGHT_AUDIO) != 0, "subscribe",
                     (rights & MEDIA_RIGHT_SUBSCRIBE) != 0);
}

/* My seat in a visit that is here, or an error to the sender. */
static struct seat *my_seat(struct socket *sock, const struct socket_message *m)
{
    struct visit *visit = visit_by_id(socket_app(sock)->visits, m->visit_id);
    struct seat *seat = visit ? visit_seat_of(visit, sock->who->account_id) : NULL;

    if (seat && seat->socket == sock)
        return seat;
    refuse(sock, m->id, ERR_CONFLICT, "not_in_room");
    return NULL;
}

/* The sender's seat, when it is in the room and not in the lobby; otherwise he has been told. */
static struct seat *my_seat_inside(struct socket *sock, const struct socket_message *m)
{
    struct seat *seat = my_seat(sock, m);

    if (!seat || seat_rights(seat))
        return seat;
    refuse(sock, m->id, ERR_DENIED, "not_admitted");
    return NULL;
}

static void audit_visit(struct socket *sock, const struct visit *visit, const char *action,
                        const char *outcome)
{
    const struct identity *who = sock->who;
    struct trail_entry e = {
        .tenant_id = visit->tenant_id,
        .actor_tenant_id = who->tenant_id,
        .account_id = who->account_id,
        .actor_name = who->staff_id ? who->name : "",
        .person_id = visit->person_id,
        .subject_kind = "visit",
        .subject_id = visit->id,
        .action = action,
        .outcome = outcome,
        .request_id = sock->id,
    };

    trail_add(socket_app(sock)->trail, &e);
}

/* --- hello --- */

struct resume {
    struct socket *sock;
    const char *token;
    unsigned n;
};

/* A dropped window's seats, or those of a connection that does not know yet that it is dead. */
static void resume_visit(void *arg, struct visit *visit)
{
    struct resume *r = arg;

    for (struct seat *seat = visit->seats; seat; seat = seat->next)
        if (seat->present && seat->account_id == r->sock->who->account_id &&
            strlen(seat->resume) == strlen(r->token) &&
            crypto_equal(seat->resume, r->token, strlen(r->token))) {
            seat_resume(seat, r->sock);
            r->n++;
        }
}

static void tell_resumed(struct socket *sock)
{
    for (struct seat *seat = sock->seats; seat; seat = seat->next_of_socket) {
        json_t *rights = rights_doc(seat->rights);
        json_object_set_new(rights, "t", json_string("rights"));
        json_object_set_new(rights, "visit_id", json_id(seat->visit->id));
        socket_send(sock,
                    json_pack("{s:s, s:o}", "t", "visit", "visit", visit_doc(seat->visit, seat->account_id)));
        socket_send(sock, rights);
        coview_show(seat);
    }
}

static void on_hello(struct socket *sock, const struct socket_message *m)
{
    struct signald *app = socket_app(sock);
    struct resume r = {sock, m->resume, 0};
    json_t *doc;

    if (sock->state != SOCKET_NEW) {
        refuse(sock, m->id, ERR_CONFLICT, "already_hello");
        return;
    }
    sock->state = SOCKET_READY;
    locale_parse(m->locale, &sock->locale);
    if (*m->resume)
        visits_each(app->visits, resume_visit, &r);
    doc = json_pack("{s:s, s:O, s:s, s:s, s:b, s:o}", "t", "welcome", "account", sock->who->account, "socket",
                    sock->id, "resume", sock->resume, "resumed", r.n > 0, "server_time",
                    json_time(clock_now_us()));
    add_id(doc, m->id);
    socket_send(sock, doc);
    tell_resumed(sock);
    fanout_state(app, sock);
    log_info("hello", LS("socket", sock->id), LID("account", sock->who->account_id), LI("resumed", r.n));
}

/* --- join and leave --- */

static void on_looked(void *arg, struct visit *visit, const struct err *err)
{
    struct errand *e = arg;
    struct socket *sock = e->sock;
    struct seat *seat = visit ? visit_seat_of(visit, sock->who->account_id) : NULL;
    json_t *doc;

    if (!socket_is_open(sock)) {
        errand_free(e);
        return;
    }
    if (err || !seat) {
        errand_fail(e, err ? err : &(struct err){ERR_NOT_FOUND, "not_found", "no seat in this visit"});
        return;
    }
    if (visit_is_over(visit)) {
        errand_fail(e, &(struct err){ERR_CONFLICT, "visit_over", "the visit is over"});
        return;
    }
    seat_take(seat, sock);
    audit_visit(sock, visit, "visit.join", "ok");
    doc = json_pack("{s:s, s:s, s:o, s:o, s:o}", "t", "joined", "id", e->id, "visit",
                    visit_doc(visit, sock->who->account_id), "seat_id", json_id(seat->id), "rights",
                    rights_doc(seat->rights));
    socket_send(sock, doc);
    coview_show(seat);
    errand_free(e);
}

static void on_join(struct socket *sock, const struct socket_message *m)
{
    visit_look(socket_app(sock)->visits, sock->who, m->visit_id, on_looked, errand_new(sock, m));
}

static void on_leave(struct socket *sock, const struct socket_message *m)
{
    struct seat *seat = my_seat(sock, m);

    if (!seat)
        return;
    audit_visit(sock, seat->visit, "visit.leave", "ok");
    seat_leave(seat);
    say_ok(sock, m->id);
}

/* --- media --- */

/* o=- 46117317 2 IN IP4 127.0.0.1: the session id stays while the browser's connection object lives (RFC 8829 5.2.1). */
static void sdp_session(const char *sdp, char out[64])
{
    const char *o = !strncmp(sdp, "o=", 2) ? sdp : strstr(sdp, "\no=");
    char user[32], id[32];

    out[0] = '\0';
    if (o && sscanf(o + (*o == '\n') + 2, "%31s %31s", user, id) == 2)
        snprintf(out, 64, "%s", id);
}

/* One name per seat and peer connection: the same after a restart of ours, another for a new window. */
static void name_peer(struct seat *seat, const char *sdp)
{
    char session[64], hex[2 * SHA256_LEN + 1];
    uint8_t sum[SHA256_LEN];

    sdp_session(sdp, session);
    if (*seat->peer && !strcmp(session, seat->sdp_session))
        return;
    if (*seat->peer && seat->visit->room)
        room_leave(seat->visit->room, seat->peer);
    snprintf(seat->sdp_session, sizeof seat->sdp_session, "%s", session);
    crypto_sha256(session, strlen(session), sum);
    crypto_hex(sum, sizeof sum, hex);
    snprintf(seat->peer, sizeof seat->peer, "s%" PRId64 "-%.12s", seat->id, hex);
}

static void on_sdp_answer(void *arg, const char *sdp, size_t len, const char *etag, const struct err *err)
{
    struct errand *e = arg;

    if (err) {
        errand_fail(e, err);
        return;
    }
    socket_send(e->sock, json_pack("{s:s, s:s, s:o, s:s%, s:s}", "t", "answer", "id", e->id, "visit_id",
                                   json_id(e->visit_id), "sdp", sdp, len, "etag", etag));
    errand_free(e);
}

static void on_room_open(void *arg, struct room *room, const struct err *err)
{
    struct errand *e = arg;
    struct visit *visit = room ? room->visit : NULL;
    struct seat *seat = visit ? visit_seat(visit, e->seat_id) : NULL;
    struct room_offer offer;

    if (err) {
        errand_fail(e, err);
        return;
    }
    /* While the room opened, the seat may have been left, moved, or sent back to the lobby. */
    if (!seat || seat->socket != e->sock || !seat_rights(seat)) {
        errand_fail(e, &(struct err){ERR_CONFLICT, "not_in_room", "the seat changed meanwhile"});
        return;
    }
    name_peer(seat, e->sdp);
    seat->worker_rights = seat_worker_rights(seat);
    offer = (struct room_offer){
        .peer = seat->peer, .from = "", .rights = seat->worker_rights, .sdp = e->sdp, .len = strlen(e->sdp)};
    room_offer(room, &offer, on_sdp_answer, e);
}

static void on_offer(struct socket *sock, const struct socket_message *m)
{
    struct seat *seat = my_seat_inside(sock, m);
    struct err err = ERR_INIT;
    struct errand *e;

    if (!seat)
        return;
    if (!sdp_check(m->sdp, strlen(m->sdp), &err)) {
        socket_error(sock, m->id, &err);
        return;
    }
    e = errand_new(sock, m);
    e->seat_id = seat->id;
    room_open(room_of_visit(seat->visit), on_room_open, e);
}

/* --- muting --- */

static void tell_muted(const struct seat *seat, bool video, const struct seat *by)
{
    json_t *doc =
        json_pack("{s:s, s:o, s:o, s:s, s:b, s:o}", "t", "muted", "visit_id", json_id(seat->visit->id),
                  "seat_id", json_id(seat->id), "kind", video ? "video" : "audio", "on", seat->muted[video],
                  "by", by && by != seat ? json_id(by->id) : json_null());

    visit_send(seat->visit, doc);
    json_decref(doc);
}

static void on_mute(struct socket *sock, const struct socket_message *m)
{
    struct seat *seat = my_seat(sock, m);

    if (!seat)
        return;
    seat->muted[m->video] = m->on;
    if (!m->on)
        seat->silenced[m->video] = false;
    seat_settle(seat);
    tell_muted(seat, m->video, seat);
    say_ok(sock, m->id);
}

static void on_mute_other(struct socket *sock, const struct socket_message *m)
{
    struct seat *me = my_seat(sock, m), *other;

    if (!me)
        return;
    other = visit_seat(me->visit, m->seat_id);
    if (strcmp(me->role, "doctor") != 0) {
        refuse(sock, m->id, ERR_DENIED, "role_missing");
        return;
    }
    if (!other || !other->present) {
        refuse(sock, m->id, ERR_NOT_FOUND, "not_found");
        return;
    }
    other->muted[m->video] = other->silenced[m->video] = true;
    seat_settle(other);
    tell_muted(other, m->video, me);
    audit_visit(sock, me->visit, "visit.mute_other", "ok");
    say_ok(sock, m->id);
}

/* --- what is looked at together --- */

static void on_view(struct socket *sock, const struct socket_message *m)
{
    struct seat *seat = my_seat_inside(sock, m);

    if (!seat)
        return;
    coview_view(seat, m->state);
    say_ok(sock, m->id);
}

static void on_pointer(struct socket *sock, const struct socket_message *m)
{
    struct seat *seat = my_seat_inside(sock, m);

    if (seat)
        coview_pointer(seat, &m->pointer);
}

static void on_ping(struct socket *sock, const struct socket_message *m)
{
    json_t *doc = json_pack("{s:s, s:o}", "t", "pong", "server_time", json_time(clock_now_us()));

    add_id(doc, m->id);
    socket_send(sock, doc);
}

/* --- which is which --- */

void live_message(struct socket *sock, const struct socket_message *m)
{
    static void (*const HANDLERS[])(struct socket *, const struct socket_message *) = {
        [SOCKET_HELLO] = on_hello, [SOCKET_JOIN] = on_join,       [SOCKET_OFFER] = on_offer,
        [SOCKET_LEAVE] = on_leave, [SOCKET_MUTE] = on_mute,       [SOCKET_MUTE_OTHER] = on_mute_other,
        [SOCKET_VIEW] = on_view,   [SOCKET_POINTER] = on_pointer, [SOCKET_PING] = on_ping,
    };

    if (sock->state != SOCKET_READY && m->type != SOCKET_HELLO) {
        refuse(sock, m->id, ERR_CONFLICT, "hello_first");
        return;
    }
    HANDLERS[m->type](sock, m);
}

void live_socket_gone(struct socket *sock)
{
    while (sock->seats)
        seat_drop(sock->seats);
}
