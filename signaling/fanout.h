/* fanout.h - what everybody must hear: the scheduler's events by their audience, and what is away.
 * Runs on the service loop only. */
#pragma once
#include <stdbool.h>
#include "signaling/sched_link.h"

struct signald;
struct socket;

void fanout_event(struct signald *app, const struct sched_event *ev);
void fanout_scheduler(struct signald *app, bool up);
void fanout_database(struct signald *app, bool up);
/** Tell one new window what is away now, if anything is. */
void fanout_state(struct signald *app, struct socket *sock);
/** Would this caller hear it? */
struct identity;
bool fanout_hears(const struct sched_event *ev, const struct identity *who);
