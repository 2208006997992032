/* price_fsm.h - the life of a catalogue version as a table (domain.md F30). Pure; any thread.
 * README.md shows the drawing that price_fsm_mermaid() prints from this table; a test compares the two. */
#pragma once
#include <stdio.h>
#include "core/err.h"

enum price_state { PRICE_DRAFT, PRICE_APPROVED, PRICE_EFFECTIVE, PRICE_RETIRED, PRICE_STATES };
enum price_event {
    PRICE_EV_APPROVE,     /* a second person looked at it */
    PRICE_EV_WITHDRAW,    /* before anybody could be charged by it */
    PRICE_EV_TAKE_EFFECT, /* its first day has begun */
    PRICE_EV_END,         /* its last day is set, or moved nearer */
    PRICE_EV_RETIRE,      /* its last day is over */
    PRICE_EVENTS
};

struct price_edge {
    enum price_state from;
    enum price_event on;
    enum price_state to;
    const char *why; /* goes to the audit row */
};

/** The edge, or NULL when the pair is not in the table. Lent for ever. */
const struct price_edge *price_edge(enum price_state from, enum price_event on);
const char *price_state_name(enum price_state state); /* "draft" … */
const char *price_event_name(enum price_event event);
void price_fsm_mermaid(FILE *out);
