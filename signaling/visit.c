#include "signaling/visit.h"
#include "core/clock.h"
#include "core/db/db.h"
#include "core/ids.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "records/age.h"
#include "signaling/coview.h"
#include "signaling/identity.h"
#include "signaling/recording.h"
#include "signaling/room.h"
#include "signaling/signald.h"
#include "signaling/visit.sql.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS  1024
#define VOUCH_S  10  /* the scheduler empties seats nobody speaks of: a killed signald's */
#define UNUSED_S 120 /* an empty visit is forgotten after this; the database remembers */

struct visits {
    struct signald *app;
    struct visit *bucket[BUCKETS];
    struct loop_timer *sweep;
    int64_t vouched_us; /* monotonic; when the scheduler last heard of every seat */
};

struct look {
    struct visits *visits;
    int64_t visit_id, account_id;
    struct db_scope scope;
    visit_fn *fn; /* NULL: a refresh */
    void *arg;
};

static struct metric VISITS = METRIC_GAUGE("yz_signal_visits", "Visits somebody has open.");

/* --- finding --- */

struct visit *visit_by_id(struct visits *v, int64_t visit_id)
{
    for (struct visit *x = v->bucket[(uint64_t)visit_id % BUCKETS]; x; x = x->next)
        if (x->id == visit_id)
            return x;
    return NULL;
}

void visits_each(struct visits *v, void (*fn)(void *arg, struct visit *visit), void *arg)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct visit *x = v->bucket[i], *next; x; x = next) {
            next = x->next;
            fn(arg, x);
        }
}

struct visit *visit_by_room(struct visits *v, const char *room_id)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct visit *x = v->bucket[i]; x; x = x->next)
            if (!strcmp(x->room_id, room_id))
                return x;
    return NULL;
}

struct seat *visit_seat_of(const struct visit *visit, int64_t account_id)
{
    for (struct seat *s = visit->seats; s; s = s->next)
        if (s->account_id == account_id && account_id && !s->removed)
            return s;
    return NULL;
}

struct seat *visit_seat(const struct visit *visit, int64_t seat_id)
{
    for (struct seat *s = visit->seats; s; s = s->next)
        if (s->id == seat_id)
            return s;
    return NULL;
}

struct seat *visit_seat_of_peer(const struct visit *visit, const char *peer)
{
    int64_t id;

    if (*peer != 's' || !id_parse(peer + 1, strcspn(peer + 1, "-"), &id))
        return NULL;
    return visit_seat(visit, id);
}

bool visit_is_over(const struct visit *visit)
{
    static const char *const OVER[] = {"documenting", "signed",  "closed",  "cancelled",
                                       "expired",     "no_show", "refunded"};

    for (size_t i = 0; i < sizeof OVER / sizeof *OVER; i++)
        if (!strcmp(visit->state, OVER[i]))
            return true;
    return false;
}

/* --- from rows --- */

/* Reading notices what differs, so that only a change is told to the windows. */
static bool copy(char *out, size_t cap, const char *text)
{
    size_t len = strnlen(text, cap - 1);
    bool same = strlen(out) == len && !memcmp(out, text, len);

    memcpy(out, text, len);
    out[len] = '\0';
    return !same;
}

static bool set(int64_t *out, int64_t value)
{
    bool same = *out == value;

    *out = value;
    return !same;
}

static void read_age(struct visit *visit, const char *birth_date)
{
    int32_t born;

    if (clock_parse_day(birth_date, strlen(birth_date), &born))
        age_band(born, clock_shanghai_day(clock_now_us()), visit->patient_age_band);
}

static bool read_seat(struct visit *visit, const struct db_rows *r, int row)
{
    struct seat *seat = visit_seat(visit, db_i64(r, row, 15)), **end = &visit->seats;
    bool removed = db_bool(r, row, 19), changed = !seat;

    if (!seat) {
        while (*end)
            end = &(*end)->next;
        *end = seat = mem_new(sizeof *seat);
        seat->visit = visit;
        seat->id = db_i64(r, row, 15);
    }
    changed |= copy(seat->role, sizeof seat->role, db_str(r, row, 16));
    changed |= set(&seat->account_id, db_i64(r, row, 17));
    changed |= copy(seat->name, sizeof seat->name, db_str(r, row, 18));
    changed |= seat->removed != removed;
    seat->removed = removed;
    return changed;
}

/* true when anything that a window shows has changed. */
static bool read_visit(struct visit *visit, const struct db_rows *r)
{
    bool may_record = db_bool(r, 0, 14), changed = visit->may_record != may_record;

    visit->may_record = may_record;
    visit->tenant_id = db_i64(r, 0, 0);
    visit->order_id = db_i64(r, 0, 1);
    visit->person_id = db_i64(r, 0, 2);
    changed |= copy(visit->room_id, sizeof visit->room_id, db_str(r, 0, 3));
    changed |= copy(visit->state, sizeof visit->state, db_str(r, 0, 4));
    changed |= copy(visit->channel, sizeof visit->channel, db_str(r, 0, 5));
    changed |= copy(visit->kind, sizeof visit->kind, db_str(r, 0, 6));
    changed |= copy(visit->clinic, sizeof visit->clinic, db_str(r, 0, 7));
    changed |= set(&visit->starts_at_us, db_time(r, 0, 8));
    changed |= set(&visit->live_at_us, db_time(r, 0, 9));
    changed |= set(&visit->ended_at_us, db_time(r, 0, 10));
    if (!db_null(r, 0, 11)) { /* a reader without the person keeps what an entitled one has brought */
        changed |= copy(visit->patient_name, sizeof visit->patient_name, db_str(r, 0, 11));
        changed |= copy(visit->patient_sex, sizeof visit->patient_sex, db_str(r, 0, 12));
        read_age(visit, db_str(r, 0, 13));
    }
    for (int i = 0; i < r->n; i++)
        if (!db_null(r, i, 15))
            changed |= read_seat(visit, r, i);
    return changed;
}

static struct visit *visit_new(struct visits *v, int64_t visit_id)
{
    struct visit **at = &v->bucket[(uint64_t)visit_id % BUCKETS], *visit = mem_new(sizeof *visit);

    visit->app = v->app;
    visit->region_id = v->app->region_id;
    visit->id = visit_id;
    visit->unused_since_us = clock_mono_us();
    visit->next = *at;
    *at = visit;
    VISITS.value++;
    return visit;
}

/* The state may have moved: rights, room and recording follow it. */
static void settle(struct visit *visit, bool changed)
{
    for (struct seat *seat = visit->seats; seat; seat = seat->next) {
        seat_settle(seat);
        if (seat->removed && seat->present)
            seat_leave(seat); /* after the window was told that its rights are gone */
    }
    recording_follow(visit);
    if (visit_is_over(visit))
        coview_end(visit);
    if (visit_is_over(visit) && visit->room)
        room_close(visit->room, "visit over");
    if (changed)
        visit_tell(visit);
}

static void load(struct look *l);

static void on_rows(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct look *l = arg;
    struct visit *visit = visit_by_id(l->visits, l->visit_id);
    bool away = err && (err->code == ERR_AGAIN || err->code == ERR_UNKNOWN);

    if (visit)
        visit->loading -= l->fn == NULL;
    if (!err && rows->n > 0) {
        if (!visit)
            visit = visit_new(l->visits, l->visit_id);
        settle(visit, read_visit(visit, rows));
        if (l->fn)
            l->fn(l->arg, visit, NULL);
    } else if (l->fn && away && visit && visit_seat_of(visit, l->account_id)) {
        l->fn(l->arg, visit, NULL); /* it went away just now */
    } else if (l->fn) {
        l->fn(l->arg, NULL,
              err ? err : &(struct err){ERR_NOT_FOUND, "not_found", "no such visit for this caller"});
    }
    if (visit && !l->fn && visit->reload && !visit->loading) {
        visit->reload = false;
        visit_refresh(l->visits, visit->id);
    }
    free(l);
}

static void load(struct look *l)
{
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, l->scope.region_id);
    db_arg_id(&a, l->visit_id);
    db_query(l->visits->app->db, &l->scope, &SQL_visit_load, &a, on_rows, l);
}

void visit_look(struct visits *v, const struct identity *who, int64_t visit_id, visit_fn *fn, void *arg)
{
    struct visit *here = visit_by_id(v, visit_id);
    struct look *l;

    if (here && visit_seat_of(here, who->account_id) && !db_is_ready(v->app->db)) {
        fn(arg, here, NULL); /* nothing to wait for: the seat is proof enough */
        return;
    }
    l = mem_new(sizeof *l);
    *l = (struct look){.visits = v,
                       .visit_id = visit_id,
                       .account_id = who->account_id,
                       .scope = identity_scope(who),
                       .fn = fn,
                       .arg = arg};
    load(l);
}

/* Read under the visit's own tenant: the change concerns everybody in it, not one caller. Events that come while a
 * read is on its way are answered by one more read after it. */
void visit_refresh(struct visits *v, int64_t visit_id)
{
    struct visit *visit = visit_by_id(v, visit_id);
    struct look *l;

    if (!visit)
        return;
    if (visit->loading) {
        visit->reload = true;
        return;
    }
    visit->loading++;
    l = mem_new(sizeof *l);
    *l = (struct look){.visits = v, .visit_id = visit_id, .scope = {visit->region_id, visit->tenant_id, 0}};
    load(l);
}

/* --- life --- */

static void forget(struct visits *v, struct visit *visit)
{
    struct visit **at = &v->bucket[(uint64_t)visit->id % BUCKETS];

    while (*at != visit)
        at = &(*at)->next;
    *at = visit->next;
    coview_end(visit);
    if (visit->room)
        room_unbind(visit->room);
    while (visit->seats) {
        struct seat *seat = visit->seats;
        visit->seats = seat->next;
        free(seat);
    }
    free(visit);
    VISITS.value--;
}

static void sweep_visit(void *arg, struct visit *visit)
{
    struct visits *v = arg;
    int64_t now = clock_mono_us();
    bool used = false;

    for (struct seat *seat = visit->seats; seat; seat = seat->next) {
        if (seat->grace_until_us && now >= seat->grace_until_us)
            seat_leave(seat);
        used |= seat->present;
    }
    if (used)
        visit->unused_since_us = 0;
    else if (!visit->unused_since_us)
        visit->unused_since_us = now;
    else if (now - visit->unused_since_us > UNUSED_S * US_PER_S && !visit->loading) {
        if (visit->room)
            room_close(visit->room, "empty");
        else
            forget(v, visit);
    }
}

static void report_visit(void *arg, struct visit *visit)
{
    (void)arg;
    for (const struct seat *seat = visit->seats; seat; seat = seat->next)
        seat_report(seat);
}

void visits_report_all(struct visits *v)
{
    v->vouched_us = clock_mono_us();
    visits_each(v, report_visit, NULL);
}

static void sweep(void *arg)
{
    struct visits *v = arg;

    visits_each(v, sweep_visit, v);
    if (clock_mono_us() - v->vouched_us >= VOUCH_S * US_PER_S)
        visits_report_all(v);
}

struct visits *visits_new(struct signald *app)
{
    struct visits *v = mem_new(sizeof *v);

    v->app = app;
    v->sweep = loop_timer(app->loop, US_PER_S, US_PER_S, sweep, v);
    metrics_add(&VISITS);
    return v;
}

static void forget_each(void *arg, struct visit *visit)
{
    forget(arg, visit);
}

void visits_free(struct visits *v)
{
    if (!v)
        return;
    loop_untimer(v->sweep);
    visits_each(v, forget_each, v);
    free(v);
}
