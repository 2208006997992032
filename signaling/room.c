#include "signaling/room.h"
#include "core/clock.h"
#include "core/db/db.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "signaling/machine.h"
#include "signaling/machine_store.h"
#include "signaling/media_link.h"
#include "signaling/room.sql.h"
#include "signaling/room_event.h"
#include "signaling/room_private.h"
#include "signaling/signald.h"
#include "signaling/visit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASE_S   5
#define MOVE_S    5 /* a worker away for this long loses its rooms; the supervisor needs less than one */
#define EMPTY_S   5 /* a machine's room without anybody */
#define RENEW_US  US_PER_S
#define RENEW_MAX 512

struct room_wait {
    room_fn *fn;
    void *arg;
    struct room_wait *next;
};

static struct metric ROOMS = METRIC_GAUGE("yz_signal_rooms", "Media rooms known to this process.");
static struct metric LEASES_LOST =
    METRIC_COUNTER("yz_signal_room_leases_lost_total",
                   "Rooms another process took under a higher epoch. Should stay zero on one node.");

/* --- finding and making --- */

struct room *room_find(struct rooms *r, const char *id)
{
    for (struct room *room = r->first; room; room = room->next)
        if (!strcmp(room->id, id))
            return room;
    return NULL;
}

struct room *room_new(struct rooms *r, const char *id, int64_t tenant_id, struct visit *visit)
{
    struct room *room = mem_new(sizeof *room);

    room->app = r->app;
    snprintf(room->id, sizeof room->id, "%s", id);
    room->tenant_id = tenant_id;
    room->visit = visit;
    room->visit_id = visit ? visit->id : 0;
    room->waits_end = &room->waits;
    room->empty_since_us = clock_mono_us();
    room->next = r->first;
    r->first = room;
    r->n++;
    ROOMS.value = r->n;
    return room;
}

struct room *room_of_visit(struct visit *visit)
{
    if (!visit->room) {
        visit->room = room_find(visit->app->rooms, visit->room_id);
        /* A machine that made a room under this word before the visit was opened must not sit in it now. */
        if (visit->room && visit->room->visit_id != visit->id) {
            room_close(visit->room, "the word is a visit's");
            visit->room = NULL;
        }
    }
    if (!visit->room)
        visit->room = room_new(visit->app->rooms, visit->room_id, visit->tenant_id, visit);
    visit->room->visit = visit;
    visit->room->visit_id = visit->id;
    return visit->room;
}

static void wake(struct room *room, const struct err *err)
{
    struct room_wait *w = room->waits;

    room->waits = NULL;
    room->waits_end = &room->waits;
    while (w) {
        struct room_wait *next = w->next;
        w->fn(w->arg, err ? NULL : room, err);
        free(w);
        w = next;
    }
}

/* --- opening --- */

static void fail(struct room *room, const struct err *err)
{
    room->state = ROOM_IDLE;
    log_warn("room_not_opened", LS("room", room->id), LERR(err));
    wake(room, err);
}

/* Answers find their room by name and epoch: it may have gone, or begun anew, in the meantime. */
struct opening {
    struct rooms *rooms;
    char id[MEDIA_ROOM_MAX];
    uint64_t epoch;
};

static struct room *still(struct opening *o, enum room_state state)
{
    struct room *room = room_find(o->rooms, o->id);

    return room && room->state == state && (!o->epoch || room->epoch == o->epoch) ? room : NULL;
}

static struct opening *opening_new(struct room *room, uint64_t epoch)
{
    struct opening *o = mem_new(sizeof *o);

    o->rooms = room->app->rooms;
    snprintf(o->id, sizeof o->id, "%s", room->id);
    o->epoch = epoch;
    return o;
}

static void on_opened(void *arg, struct wire_in *in, const struct err *err)
{
    struct opening *o = arg;
    struct room *room = still(o, ROOM_OPENING);

    (void)in;
    free(o);
    if (!room)
        return;
    if (err) {
        fail(room, err);
        return;
    }
    if (room->epoch > 1 && !room->restored)
        machine_store_restore(room);
    else
        room_opened(room);
}

void room_opened(struct room *room)
{
    room->restored = true;
    room->state = ROOM_OPEN;
    log_info("room_open", LS("room", room->id), LI("worker", room->worker), LI("epoch", room->epoch));
    wake(room, NULL);
}

void room_send_open(struct room *room)
{
    static const struct err AWAY = {ERR_AGAIN, "media_away", "the room's worker is away"};
    struct opening *opening = opening_new(room, room->epoch);
    struct wire_out *o = media_ask(room->app->media, room->worker, MEDIA_ROOM_OPEN, on_opened, opening);

    room->state = ROOM_OPENING;
    if (!o) {
        free(opening);
        fail(room, &AWAY);
        return;
    }
    wire_put_str(o, room->id);
    wire_put_u64(o, room->epoch);
    wire_put_u8(o, room->record);
    wire_put_str(o, room->record ? room->record_dir : "");
    wire_send(o);
}

static void on_leased(void *arg, const struct db_rows *rows, const struct err *err)
{
    static const struct err TAKEN = {ERR_NOT_FOUND, "room_not_found", "another tenant's room"};
    struct opening *o = arg;
    struct room *room = still(o, ROOM_LEASING);

    free(o);
    if (!room)
        return;
    if (err || rows->n != 1) {
        fail(room, err ? err : &TAKEN);
        return;
    }
    room->worker = (unsigned)db_i64(rows, 0, 0);
    room->epoch = (uint64_t)db_i64(rows, 0, 1);
    room_send_open(room);
}

/* The worker with the fewest rooms of those that are there; false when none is. */
static bool choose_worker(struct rooms *r, unsigned *out)
{
    unsigned load[MEDIA_WORKERS_MAX] = {0}, best = UINT32_MAX;

    for (const struct room *room = r->first; room; room = room->next)
        if (room->state == ROOM_OPEN || room->state == ROOM_OPENING)
            load[room->worker]++;
    for (unsigned i = 0; i < media_workers(r->app->media); i++)
        if (media_is_up(r->app->media, i) && load[i] < best) {
            best = load[i];
            *out = i;
        }
    return best != UINT32_MAX;
}

static void lease(struct room *room)
{
    static const struct err AWAY = {ERR_AGAIN, "media_away", "no media worker is there"};
    struct signald *app = room->app;
    struct db_scope scope = {app->region_id, room->tenant_id, 0};
    int32_t up[MEDIA_WORKERS_MAX];
    size_t n = 0;
    unsigned worker;
    struct db_args a;

    room->state = ROOM_LEASING;
    if (!choose_worker(app->rooms, &worker)) {
        fail(room, &AWAY);
        return;
    }
    for (unsigned i = 0; i < media_workers(app->media); i++)
        if (media_is_up(app->media, i))
            up[n++] = (int32_t)i;
    db_args_init(&a);
    db_arg_id(&a, app->region_id);
    db_arg_str(&a, room->id);
    db_arg_id(&a, room->tenant_id);
    db_arg_id(&a, room->visit_id);
    db_arg_i64(&a, worker);
    db_arg_i32s(&a, up, n);
    db_arg_i64(&a, LEASE_S);
    db_query(app->db, &scope, &SQL_room_lease, &a, on_leased, opening_new(room, 0));
}

void room_open(struct room *room, room_fn *fn, void *arg)
{
    struct room_wait *w;

    if (room->state == ROOM_OPEN && media_is_up(room->app->media, room->worker)) {
        fn(arg, room, NULL);
        return;
    }
    w = mem_new(sizeof *w);
    *w = (struct room_wait){fn, arg, NULL};
    *room->waits_end = w;
    room->waits_end = &w->next;
    if (room->state == ROOM_OPEN) {
        static const struct err AWAY = {ERR_AGAIN, "media_away", "the room's worker is away"};
        wake(room, &AWAY);
    } else if (room->state == ROOM_IDLE) {
        lease(room);
    }
}

/* --- closing --- */

static void ignore_rows(void *arg, const struct db_rows *rows, const struct err *err)
{
    (void)arg;
    (void)rows;
    if (err)
        log_info("room_row_not_written", LERR(err)); /* an expired lease says the same */
}

static void drop(struct room *room, bool ended)
{
    struct rooms *r = room->app->rooms;
    struct room **at = &r->first;

    while (*at != room)
        at = &(*at)->next;
    *at = room->next;
    if (room->visit)
        room->visit->room = NULL;
    machines_drop(room, ended);
    r->n--;
    ROOMS.value = r->n;
    free(room);
}

void room_close(struct room *room, const char *why)
{
    static const struct err CLOSED = {ERR_CONFLICT, "visit_over", "the room was closed"};
    struct signald *app = room->app;
    struct db_scope scope = {app->region_id, room->tenant_id, 0};
    struct wire_out *o;
    struct db_args a;

    log_info("room_close", LS("room", room->id), LS("why", why));
    if (room->epoch) {
        o = media_ask(app->media, room->worker, MEDIA_ROOM_CLOSE, NULL, NULL);
        if (o) {
            wire_put_str(o, room->id);
            wire_put_u64(o, room->epoch);
            wire_send(o);
        }
        db_args_init(&a);
        db_arg_id(&a, app->region_id);
        db_arg_str(&a, room->id);
        db_arg_i64(&a, (int64_t)room->epoch);
        db_query(app->db, &scope, &SQL_room_close, &a, ignore_rows, NULL);
    }
    for (struct seat *seat = room->visit ? room->visit->seats : NULL; seat; seat = seat->next)
        seat->peer[0] = seat->sdp_session[0] = '\0';
    room->state = ROOM_CLOSED;
    wake(room, &CLOSED);
    drop(room, true);
}

void room_unbind(struct room *room)
{
    room->visit = NULL;
    if (!room->machines)
        room_close(room, "visit forgotten");
}

/* --- the lease is kept, the lost are moved --- */

static void on_renewed(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct rooms *r = arg;

    r->renewing = false;
    if (err)
        return; /* the database is away: running rooms run on */
    for (struct room *room = r->first; room; room = room->next) {
        bool mine = false;
        if (!room->asked_epoch || room->asked_epoch != room->epoch || room->state != ROOM_OPEN)
            continue;
        for (int i = 0; i < rows->n && !mine; i++)
            mine = !strcmp(db_str(rows, i, 0), room->id);
        if (mine)
            continue;
        LEASES_LOST.value++;
        log_error("room_lease_lost", LS("room", room->id), LI("epoch", room->epoch));
        room->epoch = 0; /* not ours to command any more */
        room->state = ROOM_IDLE;
        room_rejoin(room, "media_lost");
    }
}

static void renew(struct rooms *r)
{
    struct db_scope scope = {r->app->region_id, 0, 0};
    const char *names[RENEW_MAX];
    int64_t epochs[RENEW_MAX];
    size_t n = 0;
    struct db_args a;

    if (r->renewing)
        return;
    for (struct room *room = r->first; room; room = room->next) {
        room->asked_epoch = 0;
        if (room->state == ROOM_OPEN && n < RENEW_MAX) {
            names[n] = room->id;
            epochs[n++] = (int64_t)room->epoch;
            room->asked_epoch = room->epoch;
        }
    }
    if (!n)
        return;
    r->renewing = true;
    db_args_init(&a);
    db_arg_id(&a, r->app->region_id);
    db_arg_strs(&a, names, n);
    db_arg_i64s(&a, epochs, n);
    db_arg_i64(&a, LEASE_S);
    db_query(r->app->db, &scope, &SQL_room_renew, &a, on_renewed, r);
}

static void tick(void *arg)
{
    struct rooms *r = arg;
    int64_t now = clock_mono_us();

    for (struct room *room = r->first, *next; room; room = next) {
        int64_t away = room->state == ROOM_OPEN ? media_away_since(r->app->media, room->worker) : 0;
        next = room->next;
        if (away && now - away > MOVE_S * US_PER_S) {
            log_warn("room_moves", LS("room", room->id), LI("from", room->worker));
            room->state = ROOM_IDLE;
            room_rejoin(room, "media_lost");
        } else if (!room->visit && !room->machines && room->state == ROOM_OPEN) {
            if (!room->empty_since_us)
                room->empty_since_us = now;
            else if (now - room->empty_since_us > EMPTY_S * US_PER_S)
                room_close(room, "empty");
        } else {
            room->empty_since_us = 0;
        }
    }
    renew(r);
}

struct rooms *rooms_new(struct signald *app)
{
    struct rooms *r = mem_new(sizeof *r);

    r->app = app;
    r->tick = loop_timer(app->loop, RENEW_US, RENEW_US, tick, r);
    metrics_add(&ROOMS);
    metrics_add(&LEASES_LOST);
    return r;
}

void rooms_free(struct rooms *r)
{
    static const struct err DOWN = {ERR_AGAIN, "media_away", "going down"};

    if (!r)
        return;
    loop_untimer(r->tick);
    for (struct room *room = r->first, *next; room; room = next) {
        next = room->next;
        wake(room, &DOWN);
        drop(room, false);
    }
    free(r);
}

unsigned rooms_count(const struct rooms *r)
{
    return r->n;
}
