#include "scheduling/roster_fsm.h"
#include <string.h>

static const struct roster_edge EDGES[] = {
    {ROSTER_DRAFT, ROSTER_EV_PUBLISH, ROSTER_PUBLISHED, SLOTS_KEEP, "the office published it"},
    {ROSTER_DRAFT, ROSTER_EV_CANCEL, ROSTER_CANCELLED, SLOTS_CLOSE, "the draft was dropped"},
    {ROSTER_PUBLISHED, ROSTER_EV_RELEASE, ROSTER_OPEN, SLOTS_FREE, "its slots were released"},
    {ROSTER_PUBLISHED, ROSTER_EV_CANCEL, ROSTER_CANCELLED, SLOTS_CLOSE, "cancelled before release"},
    {ROSTER_OPEN, ROSTER_EV_BEGIN, ROSTER_RUNNING, SLOTS_KEEP, "its hours began"},
    {ROSTER_OPEN, ROSTER_EV_CANCEL, ROSTER_CANCELLED, SLOTS_CLOSE, "cancelled by the office"},
    {ROSTER_RUNNING, ROSTER_EV_END, ROSTER_CLOSED, SLOTS_CLOSE, "its hours are over"},
    {ROSTER_RUNNING, ROSTER_EV_CANCEL, ROSTER_CANCELLED, SLOTS_CLOSE, "broken off by the office"},
};
#define EDGE_COUNT (sizeof EDGES / sizeof EDGES[0])

static const char *const STATES[ROSTER_STATE_COUNT] = {"draft",   "published", "open",
                                                       "running", "closed",    "cancelled"};
static const char *const EVENTS[ROSTER_EVENT_COUNT] = {"publish", "release", "begin", "end", "cancel"};

const struct roster_edge *roster_edge(enum roster_state from, enum roster_event on)
{
    for (size_t i = 0; i < EDGE_COUNT; i++)
        if (EDGES[i].from == from && EDGES[i].on == on)
            return &EDGES[i];
    return NULL;
}

bool roster_step(enum roster_state *state, enum roster_event on, const struct roster_edge **edge,
                 struct err *err)
{
    const struct roster_edge *e = roster_edge(*state, on);

    if (!e)
        return err_set(err, ERR_CONFLICT, "wrong_state", "a session that is %s knows no %s", STATES[*state],
                       EVENTS[on]);
    *state = e->to;
    if (edge)
        *edge = e;
    return true;
}

const char *roster_state_name(enum roster_state state)
{
    return STATES[state];
}

const char *roster_event_name(enum roster_event event)
{
    return EVENTS[event];
}

bool roster_state_parse(const char *name, enum roster_state *out)
{
    for (int i = 0; i < ROSTER_STATE_COUNT; i++)
        if (!strcmp(STATES[i], name)) {
            *out = (enum roster_state)i;
            return true;
        }
    return false;
}

void roster_fsm_mermaid(FILE *out)
{
    fputs("stateDiagram-v2\n    [*] --> draft\n", out);
    for (size_t i = 0; i < EDGE_COUNT; i++)
        fprintf(out, "    %s --> %s: %s\n", STATES[EDGES[i].from], STATES[EDGES[i].to], EVENTS[EDGES[i].on]);
    fputs("    closed --> [*]\n    cancelled --> [*]\n", out);
}
