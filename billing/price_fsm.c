#include "billing/price_fsm.h"

static const struct price_edge EDGES[] = {
    {PRICE_DRAFT, PRICE_EV_APPROVE, PRICE_APPROVED, "a second person approved it"},
    {PRICE_DRAFT, PRICE_EV_WITHDRAW, PRICE_RETIRED, "the draft was dropped"},
    {PRICE_APPROVED, PRICE_EV_WITHDRAW, PRICE_RETIRED, "withdrawn before its first day"},
    {PRICE_APPROVED, PRICE_EV_END, PRICE_APPROVED, "its last day was set"},
    {PRICE_APPROVED, PRICE_EV_TAKE_EFFECT, PRICE_EFFECTIVE, "its first day began"},
    {PRICE_EFFECTIVE, PRICE_EV_END, PRICE_EFFECTIVE, "its last day was set"},
    {PRICE_EFFECTIVE, PRICE_EV_RETIRE, PRICE_RETIRED, "its last day is over"},
};
#define EDGE_COUNT (sizeof EDGES / sizeof EDGES[0])

static const char *const STATES[PRICE_STATES] = {"draft", "approved", "effective", "retired"};
static const char *const EVENTS[PRICE_EVENTS] = {"approve", "withdraw", "take_effect", "end", "retire"};

const struct price_edge *price_edge(enum price_state from, enum price_event on)
{
    for (size_t i = 0; i < EDGE_COUNT; i++)
        if (EDGES[i].from == from && EDGES[i].on == on)
            return &EDGES[i];
    return NULL;
}

const char *price_state_name(enum price_state state)
{
    return STATES[state];
}

const char *price_event_name(enum price_event event)
{
    return EVENTS[event];
}

void price_fsm_mermaid(FILE *out)
{
    fputs("stateDiagram-v2\n    [*] --> draft\n", out);
    for (size_t i = 0; i < EDGE_COUNT; i++)
        fprintf(out, "    %s --> %s: %s\n", STATES[EDGES[i].from], STATES[EDGES[i].to], EVENTS[EDGES[i].on]);
    fputs("    retired --> [*]\n", out);
}
