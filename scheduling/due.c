#include "scheduling/due.h"
#include "core/log.h"
#include "core/mem.h"
#include "records/access.h"
#include "scheduling/due.sql.h"
#include "scheduling/order_move.h"
#include "scheduling/owner_internal.h"
#include "scheduling/pool.h"
#include "scheduling/roster_move.h"
#include <stdlib.h>
#include <string.h>

static bool ask_now(struct batch *b, const struct db_stmt *stmt, struct db_rows *rows)
{
    struct db_args a;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    return batch_query(b, stmt, &a, rows);
}

/* ---------------------------------------------------------------- orders */

/* Back to the pool at the old place: the seat is closed, sight of the patient ends, the others see the offer again. */
static bool claims_return(struct batch *b, const int64_t *ids, size_t n)
{
    static const char *const CARE[] = {"care"};
    int64_t *log_ids = mem_new(sizeof *log_ids * n);
    struct db_args a;
    struct db_rows rows;

    for (size_t i = 0; i < n; i++)
        log_ids[i] = batch_id(b);
    batch_args_epoch(b, &a);
    db_arg_i64(&a, b->number);
    db_arg_time(&a, b->now_us);
    db_arg_i64s(&a, ids, n);
    db_arg_i64s(&a, log_ids, n);
    free(log_ids);
    if (!batch_query(b, &SQL_claims_return, &a, &rows))
        return false;
    for (int i = 0; i < rows.n; i++)
        batch_changed(b, db_i64(&rows, i, 0), db_i64(&rows, i, 1));
    db_rows_free(&rows);
    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_i64s(&a, ids, n);
    db_arg_strs(&a, CARE, 1);
    return batch_run(b, &SQL_access_end, &a) && pool_offer(b, ids, n, 0);
}

static enum order_event event_of(const char *name)
{
    return !strcmp(name, "serve_over") ? EV_SERVE_OVER : !strcmp(name, "expire") ? EV_EXPIRE : EV_NO_SHOW;
}

struct due_orders {
    struct orders loaded;
    struct order_move *moves;
    const struct order **over; /* those that come to nothing */
    int64_t *returned;
    size_t n, n_over, n_returned;
};

static void due_sort(struct due_orders *d, const struct db_rows *rows)
{
    for (int i = 0; i < rows->n; i++) {
        const struct order *o = orders_find(&d->loaded, db_i64(rows, i, 0));
        enum order_event on = event_of(db_str(rows, i, 1));

        if (!o || !order_edge(o->state, on))
            continue;
        d->moves[d->n++] = (struct order_move){.order = o, .on = on, .then = ORDER_EVENT_COUNT};
        if (on == EV_SERVE_OVER)
            d->returned[d->n_returned++] = o->id;
        else
            d->over[d->n_over++] = o;
    }
}

static bool due_orders(struct batch *b)
{
    struct due_orders d = {0};
    struct db_rows rows;
    int64_t *ids;
    bool ok;

    if (!ask_now(b, &SQL_due_orders, &rows))
        return false;
    ids = mem_new(sizeof *ids * (size_t)(rows.n + 1));
    d.moves = mem_new(sizeof *d.moves * (size_t)(rows.n + 1));
    d.over = mem_new(sizeof(const struct order *) * (size_t)(rows.n + 1));
    d.returned = mem_new(sizeof *d.returned * (size_t)(rows.n + 1));
    for (int i = 0; i < rows.n; i++)
        ids[i] = db_i64(&rows, i, 0);
    ok = orders_load(&d.loaded, b, ids, (size_t)rows.n);
    if (ok)
        due_sort(&d, &rows);
    ok = ok && (!d.n || orders_move(b, d.moves, d.n)) && (!d.n_over || orders_release(b, d.over, d.n_over)) &&
         (!d.n_returned || claims_return(b, d.returned, d.n_returned));
    orders_free(&d.loaded);
    db_rows_free(&rows);
    free(ids);
    free(d.moves);
    free(d.over);
    free(d.returned);
    return ok;
}

static bool due_circles(struct batch *b)
{
    struct db_args a;
    struct db_rows rows;
    int64_t *ids;
    bool any, ok;

    if (!ask_now(b, &SQL_due_circles_any, &rows))
        return false;
    any = db_bool(&rows, 0, 0);
    db_rows_free(&rows);
    if (!any)
        return true;
    batch_args_epoch(b, &a);
    db_arg_time(&a, b->now_us);
    if (!batch_write(b) || !batch_query(b, &SQL_due_circles, &a, &rows))
        return false;
    ids = mem_new(sizeof *ids * (size_t)(rows.n + 1));
    for (int i = 0; i < rows.n; i++)
        ids[i] = db_i64(&rows, i, 0);
    ok = !rows.n || pool_offer(b, ids, (size_t)rows.n, 0);
    db_rows_free(&rows);
    free(ids);
    return ok;
}

/* ---------------------------------------------------------------- sessions */

static bool due_rosters(struct batch *b)
{
    static const enum roster_event NEXT[ROSTER_STATE_COUNT] = {[ROSTER_PUBLISHED] = ROSTER_EV_RELEASE,
                                                               [ROSTER_OPEN] = ROSTER_EV_BEGIN,
                                                               [ROSTER_RUNNING] = ROSTER_EV_END};
    struct roster_move *moves;
    struct db_rows rows;
    bool ok;

    if (!ask_now(b, &SQL_due_rosters, &rows))
        return false;
    moves = mem_new(sizeof *moves * (size_t)(rows.n + 1));
    for (int i = 0; i < rows.n; i++) {
        struct roster *r = &moves[i].roster;

        *r = (struct roster){.id = db_i64(&rows, i, 0),
                             .tenant_id = db_i64(&rows, i, 1),
                             .clinic_id = db_i64(&rows, i, 2),
                             .staff_id = db_i64(&rows, i, 3),
                             .version = (int32_t)db_i64(&rows, i, 4)};
        roster_state_parse(db_str(&rows, i, 5), &r->state);
        moves[i].on = NEXT[r->state];
        moves[i].then = ROSTER_EVENT_COUNT;
    }
    ok = !rows.n || rosters_move(b, moves, (size_t)rows.n, NULL);
    db_rows_free(&rows);
    free(moves);
    return ok;
}

static bool due_all(struct batch *b, void *arg)
{
    (void)arg;
    return due_orders(b) && due_circles(b) && due_rosters(b) && due_exams(b);
}

static bool due_seal(struct batch *b, void *arg)
{
    unsigned *sealed = arg;

    /* The lease row first: of two owners that meet, the later one then reads what the earlier one has sealed. */
    return batch_write(b) && seal_run(b->owner->seal, b->db, b->now_us, sealed, &b->err);
}

void due_run(struct owner *o)
{
    struct err err = ERR_INIT;
    unsigned sealed = 0;

    if (!owner_batch(o, due_all, NULL, &err) || (o->seal && !owner_batch(o, due_seal, &sealed, &err))) {
        log_warn("due_failed", LERR(&err));
        if (err_is(&err, ERR_STALE))
            owner_lose(o, err.reason);
        else if (err_is(&err, ERR_UNKNOWN) || !strcmp(err.reason, "database_away"))
            owner_disconnect(o);
        return;
    }
    if (o->seal)
        seal_committed(o->seal);
}
