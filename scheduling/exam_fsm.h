/* exam_fsm.h - the life of an exam as a table (domain.md F15, F16). Pure; any thread.
 * README.md shows the drawing that exam_fsm_mermaid() prints from this table; a test compares the two. */
#pragma once
#include <stdio.h>
#include "core/err.h"

enum exam_state {
    EXAM_ORDERED,
    EXAM_ACQUIRED, /* the first image is here */
    EXAM_UPLOADED, /* all of them */
    EXAM_POOLED,   /* waits for a reader, the clock runs */
    EXAM_CLAIMED,
    EXAM_DRAFT,
    EXAM_SIGNED,
    EXAM_DELIVERED,
    EXAM_AMENDED,
    EXAM_REJECTED, /* to be taken again */
    EXAM_CANCELLED,
    EXAM_STATE_COUNT
};

enum exam_event {
    EXAM_EV_ACQUIRE,
    EXAM_EV_COMPLETE,
    EXAM_EV_POOL,
    EXAM_EV_DETACH,
    EXAM_EV_CLAIM,
    EXAM_EV_WRITE,
    EXAM_EV_RELEASE,
    EXAM_EV_IDLE,
    EXAM_EV_SIGN,
    EXAM_EV_DELIVER,
    EXAM_EV_AMEND,
    EXAM_EV_REJECT,
    EXAM_EV_CANCEL,
    EXAM_EVENT_COUNT
};

struct exam_edge {
    enum exam_state from;
    enum exam_event on;
    enum exam_state to;
    const char *why; /* goes to the audit row */
};

/** The edge, or NULL when the pair is not in the table. Lent for ever. */
const struct exam_edge *exam_edge(enum exam_state from, enum exam_event on);
/** No event leads to another state. */
bool exam_is_final(enum exam_state state);

const char *exam_state_name(enum exam_state state);
const char *exam_event_name(enum exam_event event);
/** false when no state has that name. */
bool exam_state_parse(const char *name, enum exam_state *out);

void exam_fsm_mermaid(FILE *out);
