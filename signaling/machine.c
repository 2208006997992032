#include "signaling/machine.h"
#include "core/clock.h"
#include "core/db/db.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "records/trail.h"
#include "signaling/gate.h"
#include "signaling/machine.sql.h"
#include "signaling/machine_store.h"
#include "signaling/room.h"
#include "signaling/room_private.h"
#include "signaling/route.h"
#include "signaling/sdp_check.h"
#include "signaling/signald.h"
#include "signaling/visit.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MACHINES_PER_ROOM 2000
#define EVERYTHING        (MEDIA_RIGHT_AUDIO | MEDIA_RIGHT_VIDEO)

/* A POST on its way: the request is ours until it is answered. */
struct post {
    struct request *req;
    bool whep;
    char peer[MEDIA_PEER_MAX], from[MEDIA_PEER_MAX];
};

static struct metric MACHINES = METRIC_GAUGE("yz_signal_machines", "WHIP and WHEP sessions open now.");
static bool counted;

static void fail(struct post *p, const struct err *err)
{
    request_problem(p->req, err, NULL);
    free(p);
}

/* --- sessions of a room --- */

static struct machine *find(const struct room *room, int64_t id)
{
    for (struct machine *m = room->machines; m; m = m->next)
        if (m->id == id)
            return m;
    return NULL;
}

static struct machine *find_peer(const struct room *room, const char *peer)
{
    for (struct machine *m = room->machines; m; m = m->next)
        if (!strcmp(m->peer, peer))
            return m;
    return NULL;
}

static void drop(struct room *room, struct machine *m)
{
    struct machine **at = &room->machines;

    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    free(m);
    MACHINES.value--;
}

void machine_gone(struct room *room, const char *peer)
{
    struct machine *m = find_peer(room, peer);

    if (!m)
        return;
    machine_store_end(room, m);
    drop(room, m);
}

void machines_drop(struct room *room, bool ended)
{
    while (room->machines) {
        if (ended)
            machine_store_end(room, room->machines);
        drop(room, room->machines);
    }
}

void machine_take(struct room *room, struct machine *m)
{
    m->next = room->machines;
    room->machines = m;
    MACHINES.value++;
}

/* --- POST --- */

static void audit(const struct request *req, const struct room *room, const char *action)
{
    const struct identity *who = req->who;
    struct trail_entry e = {
        .tenant_id = room->tenant_id,
        .actor_tenant_id = who->tenant_id,
        .account_id = who->account_id,
        .actor_name = who->staff_id ? who->name : "",
        .person_id = room->visit ? room->visit->person_id : 0,
        .subject_kind = room->visit ? "visit" : "room",
        .subject_id = room->visit_id,
        .action = action,
        .request_id = req->id,
    };

    trail_add(request_app(req)->trail, &e);
}

static void location(struct request *req, int64_t id)
{
    char *text =
        mem_format("/%s/%s/%" PRId64, strstr(req->route->path, "whep") ? "whep" : "whip", req->param[0], id);

    request_header(req, "Location", text);
    free(text);
}

static void etag_header(struct request *req, const char *etag)
{
    char *text = mem_format("\"%s\"", etag);

    request_header(req, "ETag", text);
    free(text);
}

static void on_answer(void *arg, const char *sdp, size_t len, const char *etag, const struct err *err)
{
    struct post *p = arg;
    struct request *req = p->req;
    struct room *room = room_find(request_app(req)->rooms, req->param[0]);
    struct machine *m = room ? find_peer(room, p->peer) : NULL;

    if (err || !m || !etag) {
        if (m)
            drop(room, m);
        fail(p, err ? err : &(struct err){ERR_AGAIN, "media_away", "the room closed meanwhile"});
        return;
    }
    snprintf(m->etag, sizeof m->etag, "%s", etag);
    audit(req, room, p->whep ? "room.whep" : "room.whip");
    machine_store_add(room, m);
    location(req, m->id);
    etag_header(req, etag);
    request_header(req, "Accept-Patch", "application/trickle-ice-sdpfrag");
    request_answer_text(req, 201, "application/sdp", mem_copy(sdp, len ? len : 1), len);
    free(p);
}

/* Which of the room's publishers is meant: a machine by its name, a seat by its id. */
static bool resolve_from(const struct room *room, const char *from, char peer[MEDIA_PEER_MAX])
{
    struct seat *seat;
    int64_t id;

    snprintf(peer, MEDIA_PEER_MAX, "w.%s", from);
    if (find_peer(room, peer))
        return true;
    seat = room->visit && id_parse(from, strlen(from), &id) ? visit_seat(room->visit, id) : NULL;
    if (!seat || !*seat->peer)
        return false;
    snprintf(peer, MEDIA_PEER_MAX, "%s", seat->peer);
    return true;
}

static void add(struct room *room, const struct post *p)
{
    struct machine *m = mem_new(sizeof *m);

    m->id = ids_next(&room->app->ids, clock_now_us());
    snprintf(m->peer, sizeof m->peer, "%s", p->peer);
    m->whep = p->whep;
    m->account_id = request_who(p->req)->account_id;
    machine_take(room, m);
}

static void on_open(void *arg, struct room *room, const struct err *err)
{
    struct post *p = arg;
    struct room_offer offer = {.peer = p->peer,
                               .from = p->from,
                               .rights = p->whep ? MEDIA_RIGHT_SUBSCRIBE : EVERYTHING,
                               .sdp = (const char *)p->req->body,
                               .len = p->req->body_len};
    const char *from = request_query(p->req, "from");

    if (err) {
        fail(p, err);
        return;
    }
    if (p->whep && from && !resolve_from(room, from, p->from)) {
        fail(p, &(struct err){ERR_NOT_FOUND, "no_such_publisher", "nobody of that name publishes"});
        return;
    }
    if (find_peer(room, p->peer)) {
        fail(p, &(struct err){ERR_CONFLICT, "peer_name_taken", "the peer is there"});
        return;
    }
    add(room, p);
    room_offer(room, &offer, on_answer, p);
}

static void enter(struct post *p, struct room *room)
{
    unsigned n = 0;

    for (const struct machine *m = room->machines; m; m = m->next)
        n++;
    if (n >= MACHINES_PER_ROOM)
        fail(p, &(struct err){ERR_LIMIT, "too_many_requests", "the room is full of machines"});
    else
        room_open(room, on_open, p);
}

/* --- which room --- */

static void no_room(struct post *p)
{
    fail(p, &(struct err){ERR_NOT_FOUND, "room_not_found", "no such room for this token"});
}

/* An unknown word and a token for any room, on this machine: the room is made, and ends when it is empty. */
static void make_room(struct post *p)
{
    const struct identity *who = p->req->who;

    if (strcmp(who->claims.room, "*") != 0 || !gate_is_loopback(p->req->ip)) {
        no_room(p);
        return;
    }
    enter(p, room_new(request_app(p->req)->rooms, p->req->param[0], who->tenant_id, NULL));
}

static void on_visit(void *arg, struct visit *visit, const struct err *err)
{
    struct post *p = arg;
    static const struct seat STAFF = {.role = "doctor"};
    struct seat as = STAFF;

    if (err) {
        fail(p, err);
        return;
    }
    as.visit = visit;
    if (visit_is_over(visit)) {
        fail(p, &(struct err){ERR_CONFLICT, "visit_over", "the visit is over"});
        return;
    }
    if (!seat_rights(&as)) {
        fail(p, &(struct err){ERR_CONFLICT, "not_admitted", "the visit's state forbids it"});
        return;
    }
    enter(p, room_of_visit(visit));
}

static void on_room_row(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct post *p = arg;
    struct room *room =
        room_find(request_app(p->req)->rooms, p->req->param[0]); /* another POST may have made it by now */

    if (err)
        fail(p, err);
    else if (rows->n == 1)
        visit_look(request_app(p->req)->visits, p->req->who, db_i64(rows, 0, 0), on_visit, p);
    else if (!room)
        make_room(p);
    else if (!room->visit && room->tenant_id == request_who(p->req)->tenant_id)
        enter(p, room);
    else /* a visit this caller does not see, or another tenant's room: a token of any room does not open it */
        no_room(p);
}

static void find_room(struct post *p)
{
    struct room *room = room_find(request_app(p->req)->rooms, p->req->param[0]);
    struct db_scope scope = identity_scope(p->req->who);
    struct db_args a;

    if (room && !room->visit && room->tenant_id == request_who(p->req)->tenant_id) {
        enter(p, room);
        return;
    }
    if (room && !room->visit) {
        no_room(p);
        return;
    }
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_str(&a, p->req->param[0]);
    db_query(request_app(p->req)->db, &scope, &SQL_visit_by_room, &a, on_room_row, p);
}

static bool name_ok(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= 40 &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

static void post(struct request *req, bool whep)
{
    const struct token_claims *claims = &request_who(req)->claims;
    const char *name = request_query(req, whep ? "from" : "peer");
    char random[ID_RANDOM_TEXT];
    struct err err = ERR_INIT;
    struct post *p;

    if (!counted) {
        counted = true;
        metrics_add(&MACHINES);
    }
    if (!token_claims_room(claims, req->param[0])) {
        request_refuse(req, ERR_DENIED, "token_rights", "the token speaks of another room");
        return;
    }
    if (whep ? !claims->subscribe : !claims->publish) {
        request_refuse(req, ERR_DENIED, "token_rights", "the token does not allow it");
        return;
    }
    if (name && !name_ok(name)) {
        request_refuse(req, ERR_INVALID, "bad_value", "the peer's name");
        return;
    }
    if (!sdp_check((const char *)req->body, req->body_len, &err)) {
        request_problem(req, &err, NULL);
        return;
    }
    p = mem_new(sizeof *p);
    p->req = req;
    p->whep = whep;
    id_random(random);
    snprintf(p->peer, sizeof p->peer, "%s.%s", whep ? "r" : "w", !whep && name ? name : random);
    find_room(p);
}

void machine_whip_post(struct request *req)
{
    post(req, false);
}

void machine_whep_post(struct request *req)
{
    post(req, true);
}

/* --- PATCH, DELETE, OPTIONS --- */

/* What PATCH or DELETE does with the session of its address. */
typedef void session_fn(struct request *req, struct room *room, struct machine *m);

struct search {
    struct request *req;
    session_fn *fn;
};

static struct machine *mine(const struct request *req, struct room **room)
{
    struct machine *m;

    *room = room_find(request_app(req)->rooms, req->param[0]);
    m = *room ? find(*room, request_param_id(req, 1)) : NULL;
    return m && m->account_id == request_who(req)->account_id ? m : NULL;
}

static void search_end(struct search *s, const struct err *err)
{
    struct room *room;
    struct machine *m = err ? NULL : mine(s->req, &room);

    if (m)
        s->fn(s->req, room, m);
    else
        request_problem(s->req, err ? err : &(struct err){ERR_NOT_FOUND, "not_found", "no such session"},
                        NULL);
    free(s);
}

static void on_reopened(void *arg, struct room *room, const struct err *err)
{
    (void)room;
    search_end(arg, err);
}

static void on_session_visit(void *arg, struct visit *visit, const struct err *err)
{
    struct search *s = arg;

    if (err)
        search_end(s, err);
    else
        room_open(room_of_visit(visit), on_reopened, s);
}

/* A session of an earlier process: its room is taken over, and with it its sessions. */
static void on_session_row(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct search *s = arg;
    struct request *req = s->req;
    struct room *room = room_find(request_app(req)->rooms, req->param[0]);

    if (err || rows->n != 1)
        search_end(s, err);
    else if (room)
        room_open(room, on_reopened, s);
    else if (!db_null(rows, 0, 1))
        visit_look(request_app(req)->visits, req->who, db_i64(rows, 0, 1), on_session_visit, s);
    else
        room_open(room_new(request_app(req)->rooms, req->param[0], db_i64(rows, 0, 0), NULL), on_reopened, s);
}

static void with_session(struct request *req, session_fn *fn)
{
    struct room *room;
    struct machine *m;
    struct search *s;

    if (!token_claims_room(&request_who(req)->claims, req->param[0])) {
        request_refuse(req, ERR_NOT_FOUND, "not_found", "the token speaks of another room");
        return;
    }
    m = mine(req, &room);
    if (m) {
        fn(req, room, m);
        return;
    }
    s = mem_new(sizeof *s);
    *s = (struct search){req, fn};
    machine_store_find(req, request_param_id(req, 1), on_session_row, s);
}

static void on_trickled(void *arg, const char *fragment, size_t len, const char *etag, const struct err *err)
{
    struct request *req = arg;
    struct room *room = room_find(request_app(req)->rooms, req->param[0]);
    struct machine *m = room ? find(room, request_param_id(req, 1)) : NULL;

    if (err) {
        request_problem(req, err, NULL);
        return;
    }
    if (!etag) {
        request_answer_empty(req, 204);
        return;
    }
    if (m) {
        snprintf(m->etag, sizeof m->etag, "%s", etag);
        machine_store_etag(room, m);
    }
    etag_header(req, etag);
    request_answer_text(req, 200, "application/trickle-ice-sdpfrag", mem_copy(fragment, len ? len : 1), len);
}

/* RFC 9725 4.3.1: candidates name the ICE session they belong to; "*" asks for a restart. */
static bool match_ok(const struct request *req, const struct machine *m)
{
    char *quoted;
    bool same;

    if (!strcmp(req->if_match, "*"))
        return true;
    quoted = mem_format("\"%s\"", m->etag);
    same = !strcmp(quoted, req->if_match);
    free(quoted);
    return same;
}

static void patch(struct request *req, struct room *room, struct machine *m)
{
    if (!*req->if_match)
        request_refuse(req, ERR_INVALID, "if_match_missing", "PATCH without If-Match");
    else if (!match_ok(req, m))
        request_refuse(req, ERR_STALE, "session_changed", "another ICE session");
    else if (!req->body_len || memchr(req->body, '\0', req->body_len))
        request_refuse(req, ERR_INVALID, "sdp_invalid", "no fragment");
    else
        room_trickle(room, m->peer, (const char *)req->body, req->body_len, on_trickled, req);
}

void machine_patch(struct request *req)
{
    with_session(req, patch);
}

static void end(struct request *req, struct room *room, struct machine *m)
{
    room_leave(room, m->peer);
    machine_store_end(room, m);
    drop(room, m);
    request_answer_empty(req, 200);
}

void machine_delete(struct request *req)
{
    with_session(req, end);
}

void machine_options(struct request *req)
{
    request_header(req, "Accept-Post", "application/sdp");
    request_header(req, "Allow", "POST, OPTIONS");
    request_answer_empty(req, 204);
}
