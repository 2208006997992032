/* order_fsm.h - the life of an order as a table (domain.md 4.2). Pure; any thread.
 * README.md shows the drawing that order_fsm_mermaid() prints from this table; a test compares the two. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include "core/err.h"

enum order_state {
    ORDER_DRAFT,
    ORDER_SUBMITTED,
    ORDER_RETURNED,
    ORDER_PAID_OR_EXEMPT,
    ORDER_POOLED, /* in the pool of its specialty and level */
    ORDER_BOOKED, /* has a seat in a named doctor's session instead */
    ORDER_CLAIMED,
    ORDER_WAITING,
    ORDER_LIVE,
    ORDER_DOCUMENTING,
    ORDER_SIGNED,
    ORDER_CLOSED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_NO_SHOW,
    ORDER_STATE_COUNT
};

enum order_event {
    EV_SUBMIT,
    EV_RETURN,
    EV_EXEMPT,
    EV_POOL,
    EV_BOOK,
    EV_CLAIM,
    EV_SERVE_OVER,
    EV_DOCTOR_JOINED,
    EV_CHECK_IN,
    EV_ADMIT,
    EV_SEND_BACK,
    EV_END,
    EV_SIGN,
    EV_CLOSE,
    EV_CANCEL,
    EV_EXPIRE,
    EV_NO_SHOW,
    ORDER_EVENT_COUNT
};

struct order_edge {
    enum order_state from;
    enum order_event on;
    enum order_state to;
    const char *why; /* goes to the audit row */
};

/** The edge, or NULL when the pair is not in the table. Lent for ever. */
const struct order_edge *order_edge(enum order_state from, enum order_event on);
/** The same as a step: ERR_CONFLICT "wrong_state" when the pair is not in the table. */
bool order_step(enum order_state *state, enum order_event on, const char **why, struct err *err);
/** No event leads out of it. */
bool order_is_final(enum order_state state);

const char *order_state_name(enum order_state state);
const char *order_event_name(enum order_event event);
/** false when no state has that name. */
bool order_state_parse(const char *name, enum order_state *out);

void order_fsm_mermaid(FILE *out);
