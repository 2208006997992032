#include "signaling/machine_store.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "signaling/machine.sql.h"
#include "signaling/media_link.h"
#include "signaling/room.h"
#include "signaling/room_private.h"
#include "signaling/signald.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_written(void *arg, const struct db_rows *rows, const struct err *err)
{
    (void)arg;
    (void)rows;
    if (err)
        log_info("machine_row_not_written", LERR(err));
}

static struct db_scope scope_of(const struct room *room)
{
    return (struct db_scope){room->app->region_id, room->tenant_id, 0};
}

static void begin_args(struct db_args *a, const struct room *room, const struct machine *m)
{
    db_args_init(a);
    db_arg_id(a, room->app->region_id);
    db_arg_id(a, m->id);
}

static void write(const struct room *room, const struct db_stmt *stmt, struct db_args *a)
{
    struct db_scope scope = scope_of(room);

    db_query(room->app->db, &scope, stmt, a, on_written, NULL);
}

void machine_store_add(const struct room *room, const struct machine *m)
{
    struct db_args a;

    begin_args(&a, room, m);
    db_arg_id(&a, room->tenant_id);
    db_arg_str(&a, room->id);
    db_arg_str(&a, m->peer);
    db_arg_str(&a, m->whep ? "whep" : "whip");
    db_arg_id(&a, m->account_id);
    db_arg_str(&a, m->etag);
    write(room, &SQL_machine_insert, &a);
}

void machine_store_etag(const struct room *room, const struct machine *m)
{
    struct db_args a;

    begin_args(&a, room, m);
    db_arg_str(&a, m->etag);
    write(room, &SQL_machine_etag, &a);
}

void machine_store_end(const struct room *room, const struct machine *m)
{
    struct db_args a;

    begin_args(&a, room, m);
    write(room, &SQL_machine_end, &a);
}

void machine_store_find(struct request *req, int64_t session_id, db_fn *fn, void *arg)
{
    struct db_scope scope = identity_scope(req->who);
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_id(&a, session_id);
    db_arg_str(&a, req->param[0]);
    db_arg_id(&a, scope.actor_id);
    db_query(request_app(req)->db, &scope, &SQL_machine_room, &a, fn, arg);
}

/* --- taking over --- */

/* The room may be gone, or begun anew, when an answer comes: it is found by name and epoch. */
struct restoring {
    struct rooms *rooms;
    char id[MEDIA_ROOM_MAX];
    uint64_t epoch;
    struct machine *rows; /* as the table has them */
};

static struct room *still(const struct restoring *r)
{
    struct room *room = room_find(r->rooms, r->id);

    return room && room->state == ROOM_OPENING && room->epoch == r->epoch ? room : NULL;
}

static void finish(struct restoring *r)
{
    struct room *room = still(r);

    while (r->rows) {
        struct machine *m = r->rows;
        r->rows = m->next;
        free(m);
    }
    free(r);
    if (room)
        room_opened(room);
}

static bool lives(const json_t *stats, const char *peer)
{
    const json_t *p;
    size_t i;

    json_array_foreach(json_object_get(stats, "peers"), i,
                       p) if (!strcmp(peer, json_string_value(json_object_get(p, "peer")) ?: "")) return true;
    return false;
}

static void on_stats(void *arg, struct wire_in *in, const struct err *err)
{
    static const struct json_limits OURS = {WIRE_MAX, 8};
    struct restoring *r = arg;
    struct room *room = still(r);
    json_t *stats = NULL;
    const uint8_t *text;
    size_t len;

    if (in) {
        text = wire_get_bytes(in, &len);
        if (wire_end(in))
            json_parse(&stats, text, len, &OURS, NULL);
    }
    if (err)
        log_info("machines_not_restored", LS("room", r->id), LERR(err));
    for (struct machine **at = &r->rows; room && stats && *at;) {
        struct machine *m = *at;
        if (lives(stats, m->peer)) {
            *at = m->next;
            machine_take(room, m);
        } else {
            machine_store_end(room, m);
            at = &m->next;
        }
    }
    json_decref(stats);
    finish(r);
}

static void on_rows(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct restoring *r = arg;
    struct room *room = still(r);
    struct wire_out *o;

    for (int i = 0; !err && i < rows->n; i++) {
        struct machine *m = mem_new(sizeof *m);
        m->id = db_i64(rows, i, 0);
        snprintf(m->peer, sizeof m->peer, "%s", db_str(rows, i, 1));
        m->whep = !strcmp(db_str(rows, i, 2), "whep");
        m->account_id = db_i64(rows, i, 3);
        snprintf(m->etag, sizeof m->etag, "%s", db_str(rows, i, 4));
        m->next = r->rows;
        r->rows = m;
    }
    o = room && r->rows ? media_ask(room->app->media, room->worker, MEDIA_STATS, on_stats, r) : NULL;
    if (!o) {
        finish(r);
        return;
    }
    wire_put_str(o, room->id);
    wire_put_str(o, "");
    wire_send(o);
}

void machine_store_restore(struct room *room)
{
    struct restoring *r = mem_new(sizeof *r);
    struct db_scope scope = scope_of(room);
    struct db_args a;

    r->rooms = room->app->rooms;
    snprintf(r->id, sizeof r->id, "%s", room->id);
    r->epoch = room->epoch;
    db_args_init(&a);
    db_arg_id(&a, room->app->region_id);
    db_arg_str(&a, room->id);
    db_query(room->app->db, &scope, &SQL_machine_list, &a, on_rows, r);
}
