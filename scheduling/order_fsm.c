#include "scheduling/order_fsm.h"
#include <string.h>

/* The table is the rule; README.md draws it. An absent pair is ERR_CONFLICT. */
static const struct order_edge EDGES[] = {
    {ORDER_DRAFT, EV_SUBMIT, ORDER_SUBMITTED, "asked for"},
    {ORDER_SUBMITTED, EV_RETURN, ORDER_RETURNED, "something is missing"},
    {ORDER_RETURNED, EV_SUBMIT, ORDER_SUBMITTED, "completed and asked for again"},
    {ORDER_SUBMITTED, EV_EXEMPT, ORDER_PAID_OR_EXEMPT, "nothing to pay"},
    {ORDER_PAID_OR_EXEMPT, EV_POOL, ORDER_POOLED, "offered to the doctors on duty"},
    {ORDER_PAID_OR_EXEMPT, EV_BOOK, ORDER_BOOKED, "seat taken in a session"},
    {ORDER_POOLED, EV_CLAIM, ORDER_CLAIMED, "claimed by a doctor"},
    {ORDER_POOLED, EV_CANCEL, ORDER_CANCELLED, "withdrawn before a doctor came"},
    {ORDER_POOLED, EV_EXPIRE, ORDER_EXPIRED, "nobody came in time"},
    {ORDER_CLAIMED, EV_SERVE_OVER, ORDER_POOLED, "the claimant did not enter the room; old place kept"},
    {ORDER_CLAIMED, EV_DOCTOR_JOINED, ORDER_WAITING, "the claimant is in the room"},
    {ORDER_CLAIMED, EV_CANCEL, ORDER_CANCELLED, "withdrawn after the claim"},
    {ORDER_BOOKED, EV_CHECK_IN, ORDER_WAITING, "the patient is in the waiting room"},
    {ORDER_BOOKED, EV_CANCEL, ORDER_CANCELLED, "booking given back"},
    {ORDER_BOOKED, EV_NO_SHOW, ORDER_NO_SHOW, "the session ended and the patient never came"},
    {ORDER_WAITING, EV_ADMIT, ORDER_LIVE, "the doctor let them in"},
    {ORDER_WAITING, EV_CANCEL, ORDER_CANCELLED, "withdrawn while waiting"},
    {ORDER_LIVE, EV_SEND_BACK, ORDER_WAITING, "sent back to wait"},
    {ORDER_LIVE, EV_END, ORDER_DOCUMENTING, "the talk is over, the note is due"},
    {ORDER_DOCUMENTING, EV_SIGN, ORDER_SIGNED, "the doctor signed the note"},
    {ORDER_SIGNED, EV_CLOSE, ORDER_CLOSED, "facts are final"},
};
#define EDGE_COUNT (sizeof EDGES / sizeof EDGES[0])

static const char *const STATES[ORDER_STATE_COUNT] = {
    [ORDER_DRAFT] = "draft",         [ORDER_SUBMITTED] = "submitted",
    [ORDER_RETURNED] = "returned",   [ORDER_PAID_OR_EXEMPT] = "paid_or_exempt",
    [ORDER_POOLED] = "pooled",       [ORDER_BOOKED] = "booked",
    [ORDER_CLAIMED] = "claimed",     [ORDER_WAITING] = "waiting",
    [ORDER_LIVE] = "live",           [ORDER_DOCUMENTING] = "documenting",
    [ORDER_SIGNED] = "signed",       [ORDER_CLOSED] = "closed",
    [ORDER_CANCELLED] = "cancelled", [ORDER_EXPIRED] = "expired",
    [ORDER_NO_SHOW] = "no_show",
};

static const char *const EVENTS[ORDER_EVENT_COUNT] = {
    [EV_SUBMIT] = "submit",
    [EV_RETURN] = "return",
    [EV_EXEMPT] = "exempt",
    [EV_POOL] = "pool",
    [EV_BOOK] = "book",
    [EV_CLAIM] = "claim",
    [EV_SERVE_OVER] = "serve_over",
    [EV_DOCTOR_JOINED] = "doctor_joined",
    [EV_CHECK_IN] = "check_in",
    [EV_ADMIT] = "admit",
    [EV_SEND_BACK] = "send_back",
    [EV_END] = "end",
    [EV_SIGN] = "sign",
    [EV_CLOSE] = "close",
    [EV_CANCEL] = "cancel",
    [EV_EXPIRE] = "expire",
    [EV_NO_SHOW] = "no_show",
};

const struct order_edge *order_edge(enum order_state from, enum order_event on)
{
    for (size_t i = 0; i < EDGE_COUNT; i++)
        if (EDGES[i].from == from && EDGES[i].on == on)
            return &EDGES[i];
    return NULL;
}

bool order_step(enum order_state *state, enum order_event on, const char **why, struct err *err)
{
    const struct order_edge *edge = order_edge(*state, on);

    if (!edge)
        return err_set(err, ERR_CONFLICT, "wrong_state", "an order that is %s knows no %s", STATES[*state],
                       EVENTS[on]);
    *state = edge->to;
    if (why)
        *why = edge->why;
    return true;
}

bool order_is_final(enum order_state state)
{
    for (size_t i = 0; i < EDGE_COUNT; i++)
        if (EDGES[i].from == state)
            return false;
    return true;
}

const char *order_state_name(enum order_state state)
{
    return STATES[state];
}

const char *order_event_name(enum order_event event)
{
    return EVENTS[event];
}

bool order_state_parse(const char *name, enum order_state *out)
{
    for (int i = 0; i < ORDER_STATE_COUNT; i++)
        if (!strcmp(STATES[i], name)) {
            *out = (enum order_state)i;
            return true;
        }
    return false;
}

void order_fsm_mermaid(FILE *out)
{
    fputs("stateDiagram-v2\n    [*] --> draft\n", out);
    for (size_t i = 0; i < EDGE_COUNT; i++)
        fprintf(out, "    %s --> %s: %s\n", STATES[EDGES[i].from], STATES[EDGES[i].to], EVENTS[EDGES[i].on]);
    for (int s = 0; s < ORDER_STATE_COUNT; s++)
        if (order_is_final((enum order_state)s))
            fprintf(out, "    %s --> [*]\n", STATES[s]);
}
