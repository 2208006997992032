/* control.c - see control.h. */
#include "media/control.h"

#include <stdlib.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/wire.h"
#include "media/protocol.h"

#define CONNECTIONS_MAX 8

struct connection {
    struct wire *wire; /* NULL: free */
    uint64_t serial;
};

struct control {
    struct worker *worker;
    struct wire_server *server;
    struct connection connections[CONNECTIONS_MAX];
    uint64_t serials;
};

struct request {
    struct worker *worker;
    struct wire *wire;
    uint64_t serial; /* of the connection */
    struct wire_in *in;
    char room[MEDIA_ROOM_MAX], peer[MEDIA_PEER_MAX];
    uint64_t epoch;
};

/* ---- events ---- */

/* One frame to every connection: fill is called for each. */
#define EACH_CONNECTION(ctl, type, out)                                                                      \
    for (int i_ = 0; i_ < CONNECTIONS_MAX; i_++)                                                             \
        for (struct wire_out *out =                                                                          \
                 (ctl)->connections[i_].wire ? wire_begin((ctl)->connections[i_].wire, (type), 0) : NULL;    \
             out; wire_send(out), out = NULL)

static void put_peer_state(struct wire_out *o, const struct peer *p)
{
    wire_put_str(o, p->room->id);
    wire_put_str(o, p->id);
    wire_put_u8(o, (uint8_t)p->state);
}

static const char *kind_name(enum sdp_kind k)
{
    return k == SDP_AUDIO ? "audio" : "video";
}

static void put_track(struct wire_out *o, const struct track *t, bool live)
{
    wire_put_str(o, t->peer->room->id);
    wire_put_str(o, t->peer->id);
    wire_put_str(o, kind_name(t->kind));
    wire_put_str(o, codec_name(t->codec.codec));
    wire_put_str(o, t->mid);
    wire_put_u8(o, live);
}

static void put_chair(struct wire_out *o, const struct chair *c)
{
    wire_put_str(o, c->peer->room->id);
    wire_put_str(o, c->peer->id);
    wire_put_str(o, c->mid);
    wire_put_str(o, c->source ? c->source->peer->id : "");
    wire_put_str(o, kind_name(c->kind));
    wire_put_str(o, c->source ? c->source->mid : "");
}

void control_peer_state(const struct peer *p)
{
    EACH_CONNECTION(p->worker->control, MEDIA_PEER_STATE, o)
    put_peer_state(o, p);
}

void control_track(const struct track *t, bool live)
{
    EACH_CONNECTION(t->peer->worker->control, MEDIA_TRACK, o)
    put_track(o, t, live);
}

void control_chair(const struct chair *c)
{
    if (c->peer->ended)
        return; /* nobody sits there any more to be told */
    EACH_CONNECTION(c->peer->worker->control, MEDIA_CHAIR, o)
    put_chair(o, c);
}

void control_speaker(const struct room *r, const char *peer, uint8_t level)
{
    EACH_CONNECTION(r->worker->control, MEDIA_SPEAKER, o)
    {
        wire_put_str(o, r->id);
        wire_put_str(o, peer);
        wire_put_u8(o, level);
    }
}

void control_room_empty(const struct room *r)
{
    EACH_CONNECTION(r->worker->control, MEDIA_ROOM_EMPTY, o)
    wire_put_str(o, r->id);
}

void control_record_state(const struct room *r, bool on, const char *reason)
{
    EACH_CONNECTION(r->worker->control, MEDIA_RECORD_STATE, o)
    {
        wire_put_str(o, r->id);
        wire_put_u8(o, on);
        wire_put_u64(o, r->rec_bytes);
        wire_put_str(o, reason);
    }
}

/* ---- what a connection that is new to a room must hear ---- */

static void tell_peer(struct wire *w, const struct peer *p)
{
    struct wire_out *o = wire_begin(w, MEDIA_PEER_STATE, 0);

    if (!o)
        return;
    put_peer_state(o, p);
    wire_send(o);
    for (unsigned i = 0; i < p->line_count; i++) {
        const struct line *l = &p->lines[i];
        bool track = l->track && l->track->live;

        if (!track && !(l->chair && l->chair->source))
            continue;
        o = wire_begin(w, track ? MEDIA_TRACK : MEDIA_CHAIR, 0);
        if (!o)
            return;
        if (track)
            put_track(o, l->track, true);
        else
            put_chair(o, l->chair);
        wire_send(o);
    }
}

static void tell_room(const struct request *q, struct room *r)
{
    if (r->told == q->serial)
        return;
    r->told = q->serial;
    for (const struct peer *p = r->peers; p; p = p->next)
        tell_peer(q->wire, p);
}

/* ---- requests ---- */

static void reply_ok(const struct request *q)
{
    struct wire_out *o = wire_begin(q->wire, MEDIA_OK, q->in->request_id);

    if (o)
        wire_send(o);
}

static void reply_error(const struct request *q, const struct err *err)
{
    struct wire_out *o = wire_begin(q->wire, MEDIA_ERROR, q->in->request_id);

    log_info("command_refused", LI("type", q->in->type), LS("room_id", q->room), LS("peer", q->peer),
             LS("reason", err->reason), LERR(err));
    if (!o)
        return;
    wire_put_u16(o, (uint16_t)err->code);
    wire_put_str(o, err->reason);
    wire_put_str(o, err->text);
    wire_send(o);
}

static void reply_answer(const struct request *q, const char *sdp, size_t len, const char *etag)
{
    struct wire_out *o = wire_begin(q->wire, MEDIA_ANSWER, q->in->request_id);

    if (!o)
        return;
    wire_put_bytes(o, sdp, len);
    wire_put_str(o, etag);
    wire_send(o);
}

static bool bad_frame(const struct request *q, struct err *err)
{
    return err_set(err, ERR_INVALID, "frame_invalid", "message %04x has missing or trailing bytes",
                   q->in->type);
}

static bool on_room_open(struct request *q, struct err *err)
{
    char dir[160];
    struct room *r;
    uint8_t record;

    wire_get_str(q->in, q->room, sizeof(q->room));
    q->epoch = wire_get_u64(q->in);
    record = wire_get_u8(q->in);
    wire_get_str(q->in, dir, sizeof(dir));
    if (!wire_end(q->in))
        return bad_frame(q, err);
    if (!room_open(&r, q->worker, q->room, q->epoch, err) || !room_record(r, record, dir, err))
        return false;
    reply_ok(q);
    tell_room(q, r);
    return true;
}

static bool on_room_close(struct request *q, struct err *err)
{
    struct room *r;

    wire_get_str(q->in, q->room, sizeof(q->room));
    q->epoch = wire_get_u64(q->in);
    if (!wire_end(q->in))
        return bad_frame(q, err);
    if (!room_get(&r, q->worker, q->room, q->epoch, err)) {
        if (!err_is(err, ERR_NOT_FOUND))
            return false;
        err_clear(err); /* closed already: that is what was wanted */
    } else {
        room_close(r, "room_closed");
    }
    reply_ok(q);
    return true;
}

static bool on_peer_offer(struct request *q, struct err *err)
{
    char from[MEDIA_PEER_MAX];
    struct peer_ask ask = {.id = q->peer, .from = from};
    struct peer_reply reply = {0};
    struct room *r;

    wire_get_str(q->in, q->room, sizeof(q->room));
    q->epoch = wire_get_u64(q->in);
    wire_get_str(q->in, q->peer, sizeof(q->peer));
    ask.rights = wire_get_u8(q->in);
    wire_get_str(q->in, from, sizeof(from));
    ask.sdp = (const char *)wire_get_bytes(q->in, &ask.sdp_len);
    if (!wire_end(q->in))
        return bad_frame(q, err);
    if (!room_get(&r, q->worker, q->room, q->epoch, err) || !peer_offer(&reply, r, &ask, err))
        return false;
    reply_answer(q, reply.answer, reply.answer_len, reply.etag);
    free(reply.answer);
    seats_fill(reply.peer);
    return true;
}

/* Room and peer of the message; found peer or ERR_NOT_FOUND. */
static bool get_peer(struct request *q, struct peer **out, struct err *err)
{
    struct room *r = room_find(q->worker, q->room);

    *out = r ? room_peer(r, q->peer) : NULL;
    return *out ||
           err_set(err, ERR_NOT_FOUND, "peer_not_found", "peer %s is not in room %s", q->peer, q->room);
}

static bool on_peer_trickle(struct request *q, struct err *err)
{
    char etag[ICE_UFRAG_TEXT];
    const uint8_t *fragment;
    size_t len, answer_len;
    char *answer = NULL;
    struct peer *p;

    wire_get_str(q->in, q->room, sizeof(q->room));
    wire_get_str(q->in, q->peer, sizeof(q->peer));
    fragment = wire_get_bytes(q->in, &len);
    if (!wire_end(q->in))
        return bad_frame(q, err);
    if (!get_peer(q, &p, err) ||
        !peer_trickle(p, (const char *)fragment, len, &answer, &answer_len, etag, err))
        return false;
    if (answer)
        reply_answer(q, answer, answer_len, etag);
    else
        reply_ok(q);
    free(answer);
    return true;
}

static bool on_peer_rights(struct request *q, struct err *err)
{
    struct peer *p;
    uint8_t rights;

    wire_get_str(q->in, q->room, sizeof(q->room));
    wire_get_str(q->in, q->peer, sizeof(q->peer));
    rights = wire_get_u8(q->in);
    if (!wire_end(q->in))
        return bad_frame(q, err);
    if (!get_peer(q, &p, err))
        return false;
    peer_rights(p, rights);
    reply_ok(q);
    return true;
}

static bool on_peer_leave(struct request *q, struct err *err)
{
    struct peer *p;

    wire_get_str(q->in, q->room, sizeof(q->room));
    wire_get_str(q->in, q->peer, sizeof(q->peer));
    if (!wire_end(q->in))
        return bad_frame(q, err);
    if (get_peer(q, &p, err))
        peer_end(p, "left");
    err_clear(err);
    reply_ok(q);
    return true;
}

static bool on_record(struct request *q, struct err *err)
{
    char dir[160];
    struct room *r;
    uint8_t on;

    wire_get_str(q->in, q->room, sizeof(q->room));
    q->epoch = wire_get_u64(q->in);
    on = wire_get_u8(q->in);
    wire_get_str(q->in, dir, sizeof(dir));
    if (!wire_end(q->in))
        return bad_frame(q, err);
    if (!room_get(&r, q->worker, q->room, q->epoch, err) || !room_record(r, on, dir, err))
        return false;
    reply_ok(q);
    return true;
}

static bool on_stats(struct request *q, struct err *err)
{
    struct peer *p = NULL;
    struct wire_out *o;
    struct room *r;
    size_t len;
    char *json;

    wire_get_str(q->in, q->room, sizeof(q->room));
    wire_get_str(q->in, q->peer, sizeof(q->peer));
    if (!wire_end(q->in))
        return bad_frame(q, err);
    r = room_find(q->worker, q->room);
    if (!r)
        return err_set(err, ERR_NOT_FOUND, "room_not_open", "room %s is not open here", q->room);
    if (q->peer[0] && !get_peer(q, &p, err))
        return false;
    json = stats_json(r, p, &len);
    o = wire_begin(q->wire, MEDIA_STATS_REPLY, q->in->request_id);
    if (o) {
        wire_put_bytes(o, json, len);
        wire_send(o);
    }
    free(json);
    return true;
}

static bool on_ping(struct request *q, struct err *err)
{
    if (!wire_end(q->in))
        return bad_frame(q, err);
    reply_ok(q);
    return true;
}

static const struct {
    uint16_t type;
    bool (*fn)(struct request *q, struct err *err);
} COMMANDS[] = {
    {MEDIA_ROOM_OPEN, on_room_open},
    {MEDIA_ROOM_CLOSE, on_room_close},
    {MEDIA_PEER_OFFER, on_peer_offer},
    {MEDIA_PEER_TRICKLE, on_peer_trickle},
    {MEDIA_PEER_RIGHTS, on_peer_rights},
    {MEDIA_PEER_LEAVE, on_peer_leave},
    {MEDIA_RECORD, on_record},
    {MEDIA_STATS, on_stats},
    {MEDIA_PING, on_ping},
};

static struct connection *connection_of(struct control *c, const struct wire *w)
{
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (c->connections[i].wire == w)
            return &c->connections[i];
    return NULL;
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct control *c = arg;
    struct connection *conn = connection_of(c, w);
    struct request q = {.worker = c->worker, .wire = w, .serial = conn ? conn->serial : 0, .in = in};
    struct err err = ERR_INIT;
    bool known = false;

    c->worker->now_us = clock_mono_us();
    for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]) && !known; i++) {
        known = COMMANDS[i].type == in->type;
        if (known && !COMMANDS[i].fn(&q, &err))
            reply_error(&q, &err);
    }
    if (!known) {
        err_set(&err, ERR_UNSUPPORTED, "message_unknown", "message type %04x", in->type);
        reply_error(&q, &err);
    }
    worker_turn_end(c->worker);
}

/* ---- connections ---- */

static void on_open(void *arg, struct wire *w)
{
    struct control *c = arg;
    struct connection *conn = connection_of(c, NULL);
    struct wire_out *o;

    if (!conn) {
        log_warn("control_full", LI("connections", CONNECTIONS_MAX));
        wire_close(w);
        return;
    }
    conn->wire = w;
    conn->serial = ++c->serials;
    o = wire_begin(w, MEDIA_HELLO, 0);
    if (!o)
        return;
    wire_put_u16(o, c->worker->number);
    wire_put_str(o, net_addresses(c->worker->net)[0]);
    wire_put_u16(o, net_port(c->worker->net));
    wire_put_u32(o, (uint32_t)getpid());
    wire_put_u64(o, c->worker->boot);
    wire_send(o);
}

static void on_close(void *arg, struct wire *w)
{
    struct connection *conn = connection_of(arg, w);

    if (conn)
        conn->wire = NULL;
}

bool control_new(struct control **out, struct worker *w, const char *path, struct err *err)
{
    struct control *c = mem_new(sizeof(*c));

    c->worker = w;
    if (!wire_listen(&c->server, w->loop, path,
                     (struct wire_events){
                         .on_open = on_open, .on_message = on_message, .on_close = on_close, .arg = c},
                     err)) {
        free(c);
        return false;
    }
    *out = c;
    return true;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    wire_server_free(c->server);
    free(c);
}
