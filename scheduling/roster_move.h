/* roster_move.h - sessions along the edges of roster_fsm.c, with their slots. On the deciding thread. */
#pragma once
#include "scheduling/batch.h"
#include "scheduling/roster_fsm.h"

struct roster {
    int64_t id, tenant_id, clinic_id, staff_id;
    int32_t version;
    enum roster_state state;
};
struct roster_move {
    struct roster roster;
    enum roster_event on, then; /* then: ROSTER_EVENT_COUNT for none */
    const char *reason;         /* of a cancellation */
};
/** All of them; edges must exist. by NULL: the clock did it. */
bool rosters_move(struct batch *b, const struct roster_move *moves, size_t n, const struct sched_request *by);
