/* order_move.h - orders along the edges of order_fsm.c, many at once: row, visit, audit, event. On the deciding thread. */
#pragma once
#include "scheduling/batch.h"

struct order_move {
    const struct order *order;
    enum order_event on;
    enum order_event then;          /* a second step in the same breath, or ORDER_EVENT_COUNT */
    const struct sched_request *by; /* NULL: the system */
    const char *reason;             /* of a cancellation */
    int64_t staff_id;               /* of a signature */
    int32_t note_version;           /* of a signature */
};

/** All of them; an edge must exist (check before), a row that moved on meanwhile is ERR_AGAIN "database_conflict". */
bool orders_move(struct batch *b, const struct order_move *moves, size_t n);
/** One order, one step. */
bool order_move(struct batch *b, const struct order *o, enum order_event on, const struct sched_request *by);

/** Load the request's order and see that it exists for the caller, has the version he saw, and allows the event.
 * *o is NULL when it was refused. Free *loaded in any case. */
bool order_guard(struct batch *b, struct sched_request *r, enum order_event on, struct orders *loaded,
                 const struct order **o);
/** The same for an act that moves no state. */
bool order_guard_act(struct batch *b, struct sched_request *r, const char *act, struct orders *loaded,
                     const struct order **o);

/** Give the seat of a booking back to its slot. */
bool slots_release(struct batch *b, const int64_t *slot_ids, size_t n);
/** Orders come to nothing: grants end, offers are withdrawn, seats close, the booked seat is free again. */
bool orders_release(struct batch *b, const struct order *const *orders, size_t n);
