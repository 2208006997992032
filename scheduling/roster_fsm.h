/* roster_fsm.h - the life of a roster session, and what it does to its slots, as tables. Pure; any thread. */
#pragma once
#include <stdio.h>
#include "core/err.h"

enum roster_state {
    ROSTER_DRAFT,
    ROSTER_PUBLISHED, /* everyone may see it, nobody may book yet */
    ROSTER_OPEN,      /* slots released */
    ROSTER_RUNNING,   /* its hours have begun */
    ROSTER_CLOSED,
    ROSTER_CANCELLED,
    ROSTER_STATE_COUNT
};
enum roster_event {
    ROSTER_EV_PUBLISH,
    ROSTER_EV_RELEASE,
    ROSTER_EV_BEGIN,
    ROSTER_EV_END,
    ROSTER_EV_CANCEL,
    ROSTER_EVENT_COUNT
};

/* What happens to the slots of the session at that edge. */
enum slot_fate { SLOTS_KEEP, SLOTS_FREE, SLOTS_CLOSE };

struct roster_edge {
    enum roster_state from;
    enum roster_event on;
    enum roster_state to;
    enum slot_fate slots;
    const char *why;
};

const struct roster_edge *roster_edge(enum roster_state from, enum roster_event on);
/** ERR_CONFLICT "wrong_state" when the pair is not in the table. */
bool roster_step(enum roster_state *state, enum roster_event on, const struct roster_edge **edge,
                 struct err *err);

const char *roster_state_name(enum roster_state state);
const char *roster_event_name(enum roster_event event);
bool roster_state_parse(const char *name, enum roster_state *out);
void roster_fsm_mermaid(FILE *out);
