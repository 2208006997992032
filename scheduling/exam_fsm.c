#include "scheduling/exam_fsm.h"
#include <string.h>

/* The table is the rule; README.md draws it. An absent pair is ERR_CONFLICT. */
static const struct exam_edge EDGES[] = {
    {EXAM_ORDERED, EXAM_EV_ACQUIRE, EXAM_ACQUIRED, "the first image is here"},
    {EXAM_ORDERED, EXAM_EV_CANCEL, EXAM_CANCELLED, "withdrawn before it was taken"},
    {EXAM_ACQUIRED, EXAM_EV_COMPLETE, EXAM_UPLOADED, "all images are here"},
    {EXAM_ACQUIRED, EXAM_EV_DETACH, EXAM_ORDERED, "the study was not this exam's"},
    {EXAM_ACQUIRED, EXAM_EV_CANCEL, EXAM_CANCELLED, "withdrawn before it was read"},
    {EXAM_UPLOADED, EXAM_EV_POOL, EXAM_POOLED, "offered to the readers, the clock runs"},
    {EXAM_UPLOADED, EXAM_EV_DETACH, EXAM_ORDERED, "the study was not this exam's"},
    {EXAM_UPLOADED, EXAM_EV_CANCEL, EXAM_CANCELLED, "withdrawn before it was read"},
    {EXAM_POOLED, EXAM_EV_CLAIM, EXAM_CLAIMED, "claimed by a reader"},
    {EXAM_POOLED, EXAM_EV_DETACH, EXAM_ORDERED, "the study was not this exam's"},
    {EXAM_POOLED, EXAM_EV_CANCEL, EXAM_CANCELLED, "withdrawn before it was read"},
    {EXAM_CLAIMED, EXAM_EV_WRITE, EXAM_DRAFT, "the reader writes"},
    {EXAM_CLAIMED, EXAM_EV_RELEASE, EXAM_POOLED, "given back by the reader; old place kept"},
    {EXAM_CLAIMED, EXAM_EV_IDLE, EXAM_POOLED, "the reader did nothing for too long; old place kept"},
    {EXAM_CLAIMED, EXAM_EV_REJECT, EXAM_REJECTED, "the image is bad: to be taken again"},
    {EXAM_DRAFT, EXAM_EV_RELEASE, EXAM_POOLED, "given back by the reader; old place and text kept"},
    {EXAM_DRAFT, EXAM_EV_IDLE, EXAM_POOLED, "the draft lay idle; old place and text kept"},
    {EXAM_DRAFT, EXAM_EV_REJECT, EXAM_REJECTED, "the image is bad: to be taken again"},
    {EXAM_DRAFT, EXAM_EV_SIGN, EXAM_SIGNED, "the reader signed"},
    {EXAM_SIGNED, EXAM_EV_DELIVER, EXAM_DELIVERED, "the report is with the township"},
    {EXAM_DELIVERED, EXAM_EV_AMEND, EXAM_AMENDED, "a further version was signed"},
    {EXAM_AMENDED, EXAM_EV_AMEND, EXAM_AMENDED, "a further version was signed"},
};
#define EDGE_COUNT (sizeof EDGES / sizeof EDGES[0])

static const char *const STATES[EXAM_STATE_COUNT] = {
    [EXAM_ORDERED] = "ordered",   [EXAM_ACQUIRED] = "acquired",   [EXAM_UPLOADED] = "uploaded",
    [EXAM_POOLED] = "pooled",     [EXAM_CLAIMED] = "claimed",     [EXAM_DRAFT] = "draft",
    [EXAM_SIGNED] = "signed",     [EXAM_DELIVERED] = "delivered", [EXAM_AMENDED] = "amended",
    [EXAM_REJECTED] = "rejected", [EXAM_CANCELLED] = "cancelled",
};

static const char *const EVENTS[EXAM_EVENT_COUNT] = {
    [EXAM_EV_ACQUIRE] = "acquire", [EXAM_EV_COMPLETE] = "complete", [EXAM_EV_POOL] = "pool",
    [EXAM_EV_DETACH] = "detach",   [EXAM_EV_CLAIM] = "claim",       [EXAM_EV_WRITE] = "write",
    [EXAM_EV_RELEASE] = "release", [EXAM_EV_IDLE] = "idle",         [EXAM_EV_SIGN] = "sign",
    [EXAM_EV_DELIVER] = "deliver", [EXAM_EV_AMEND] = "amend",       [EXAM_EV_REJECT] = "reject",
    [EXAM_EV_CANCEL] = "cancel",
};

const struct exam_edge *exam_edge(enum exam_state from, enum exam_event on)
{
    for (size_t i = 0; i < EDGE_COUNT; i++)
        if (EDGES[i].from == from && EDGES[i].on == on)
            return &EDGES[i];
    return NULL;
}

bool exam_is_final(enum exam_state state)
{
    for (size_t i = 0; i < EDGE_COUNT; i++)
        if (EDGES[i].from == state && EDGES[i].to != state)
            return false;
    return true;
}

const char *exam_state_name(enum exam_state state)
{
    return STATES[state];
}

const char *exam_event_name(enum exam_event event)
{
    return EVENTS[event];
}

bool exam_state_parse(const char *name, enum exam_state *out)
{
    for (int i = 0; i < EXAM_STATE_COUNT; i++)
        if (!strcmp(STATES[i], name)) {
            *out = (enum exam_state)i;
            return true;
        }
    return false;
}

void exam_fsm_mermaid(FILE *out)
{
    fputs("stateDiagram-v2\n    [*] --> ordered\n", out);
    for (size_t i = 0; i < EDGE_COUNT; i++)
        fprintf(out, "    %s --> %s: %s\n", STATES[EDGES[i].from], STATES[EDGES[i].to], EVENTS[EDGES[i].on]);
    for (int s = 0; s < EXAM_STATE_COUNT; s++)
        if (exam_is_final((enum exam_state)s))
            fprintf(out, "    %s --> [*]\n", STATES[s]);
}
