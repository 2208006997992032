/* relay_fx.h - a wire to PostgreSQL that can be cut at the worst moment: around a COMMIT. */
#pragma once
#include "tests/unit/scheduling/sched_fx.h"

enum relay_cut {
    RELAY_STRAIGHT,
    RELAY_CUT_BEFORE_COMMIT, /* the server never hears of it */
    RELAY_CUT_AFTER_COMMIT,  /* the server commits, nobody hears the answer */
};
struct relay;
/** Listens in a folder of its own; ended with the test. */
struct relay *relay_open(struct test *t, const struct fx *f);
/** conninfo of yz_schedulerd through the relay; lent. */
const char *relay_conninfo(const struct relay *r);
/** The next COMMIT is treated like this, once. */
void relay_cut_next(struct relay *r, enum relay_cut cut);
