#include "scheduling/order_move.h"
#include "core/mem.h"
#include "records/access.h"
#include "scheduling/order.sql.h"
#include "scheduling/order_move.sql.h"
#include "scheduling/pool.h"
#include "scheduling/subject.h"
#include <stdlib.h>

static enum order_state target(const struct order_move *m, const char **why)
{
    const struct order_edge *edge = order_edge(m->order->state, m->on);

    if (edge && m->then != ORDER_EVENT_COUNT)
        edge = order_edge(edge->to, m->then);
    if (!edge)
        abort(); /* the caller checks */
    *why = edge->why;
    return edge->to;
}

static json_t *move_row(const struct order_move *m, enum order_state to)
{
    json_t *row = json_pack("{s:I, s:i, s:s, s:s, s:I, s:s}", "id", (json_int_t)m->order->id, "version",
                            m->order->version, "state_from", order_state_name(m->order->state), "state_to",
                            order_state_name(to), "account_id", (json_int_t)(m->by ? m->by->account_id : 0),
                            "reason", m->reason ? m->reason : "");

    if (m->staff_id) {
        json_object_set_new(row, "staff_id", json_integer(m->staff_id));
        json_object_set_new(row, "note_version", json_integer(m->note_version));
    }
    return row;
}

static void move_audit(struct batch *b, const struct order_move *m, enum order_state to, const char *why)
{
    struct subject s = order_subject(m->order);
    json_t *more = json_object();

    if (m->reason)
        json_object_set_new(more, "reason", json_string(m->reason));
    if (m->note_version)
        json_object_set_new(more, "note_version", json_integer(m->note_version));
    subject_moved(b, m->by, &s, order_event_name(m->on), order_state_name(to), why, more);
}

bool orders_move(struct batch *b, const struct order_move *moves, size_t n)
{
    json_t *rows = json_array();
    const char *why;

    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, move_row(&moves[i], target(&moves[i], &why)));
    if (!subjects_move(b, &SQL_order_move, "order", rows))
        return false;
    for (size_t i = 0; i < n; i++) {
        enum order_state to = target(&moves[i], &why);

        move_audit(b, &moves[i], to, why);
        batch_changed(b, moves[i].order->id, 0);
        batch_queue(b, moves[i].order->doctor_id);
    }
    return true;
}

bool order_move(struct batch *b, const struct order *o, enum order_event on, const struct sched_request *by)
{
    struct order_move move = {.order = o, .on = on, .then = ORDER_EVENT_COUNT, .by = by};

    return orders_move(b, &move, 1);
}

static bool guard(struct batch *b, struct sched_request *r, enum order_event on, const char *act,
                  struct orders *loaded, const struct order **out)
{
    struct err err = ERR_INIT;
    struct subject s = {0};
    const struct order *o;
    uint32_t party = 0;

    *out = NULL;
    if (!orders_load(loaded, b, &r->in.order_id, 1))
        return false;
    if ((o = orders_find(loaded, r->in.order_id))) {
        s = order_subject(o);
        party = order_party(o, batch_actor(b, r));
        if (act)
            order_allows_act(o, party, act, &err);
        else
            order_allows(o, party, on, &err);
    }
    if (subject_guard(r, o ? &s : NULL, "order", party, &err, true))
        *out = o;
    return true;
}

bool order_guard(struct batch *b, struct sched_request *r, enum order_event on, struct orders *loaded,
                 const struct order **o)
{
    return guard(b, r, on, NULL, loaded, o);
}

bool order_guard_act(struct batch *b, struct sched_request *r, const char *act, struct orders *loaded,
                     const struct order **o)
{
    return guard(b, r, ORDER_EVENT_COUNT, act, loaded, o);
}

bool slots_release(struct batch *b, const int64_t *slot_ids, size_t n)
{
    struct db_args a;

    if (!n)
        return true;
    batch_args_epoch(b, &a);
    db_arg_i64s(&a, slot_ids, n);
    return batch_run(b, &SQL_slots_release, &a);
}

static bool grants_end(struct batch *b, const int64_t *ids, size_t n)
{
    static const char *const PURPOSES[] = {"booking", "care"};
    struct db_args a;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_i64s(&a, ids, n);
    db_arg_strs(&a, PURPOSES, 2);
    return batch_run(b, &SQL_access_end, &a);
}

static bool seats_close(struct batch *b, const int64_t *visits, size_t n)
{
    struct db_args a;

    batch_args(b, &a);
    db_arg_i64s(&a, visits, n);
    return batch_run(b, &SQL_seats_close, &a);
}

/* Whoever was shown the offer is told that it is gone. */
static bool offers_withdraw(struct batch *b, const int64_t *ids, size_t n)
{
    struct db_args a;
    struct db_rows rows;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    db_arg_i64s(&a, ids, n);
    if (!batch_query(b, &SQL_offers_withdraw, &a, &rows))
        return false;
    pool_tell(b, "removed", &rows);
    db_rows_free(&rows);
    return true;
}

bool orders_release(struct batch *b, const struct order *const *orders, size_t n)
{
    int64_t *ids = mem_new(sizeof *ids * (n + 1)), *visits = mem_new(sizeof *visits * (n + 1)),
            *slots = mem_new(sizeof *slots * (n + 1));
    size_t n_slots = 0;
    bool ok;

    for (size_t i = 0; i < n; i++) {
        ids[i] = orders[i]->id;
        visits[i] = orders[i]->visit_id;
        if (orders[i]->slot_id)
            slots[n_slots++] = orders[i]->slot_id;
    }
    ok = grants_end(b, ids, n) && seats_close(b, visits, n) && offers_withdraw(b, ids, n) &&
         slots_release(b, slots, n_slots);
    free(ids);
    free(visits);
    free(slots);
    return ok;
}
