/* step_up.h - who has shown the password again a moment ago: what a signature asks for besides a session.
 *
 * Holds   for STEP_UP_S, for the one session (a cookie's, or the one token's) it was asked in; logging out ends it.
 * Memory  of this process alone: after a restart the password is asked for again, which is the safe mistake.
 * Owns    the table. Runs on the service loop only. Time is the caller's monotonic clock.
 */
#pragma once
#include "signaling/identity.h"

#define STEP_UP_S (5 * 60)

struct step_ups;

struct step_ups *step_ups_new(void);
void step_ups_free(struct step_ups *s); /* NULL is fine */
void step_up_grant(struct step_ups *s, const struct identity *who, int64_t mono_us);
bool step_up_holds(const struct step_ups *s, const struct identity *who, int64_t mono_us);
void step_up_forget(struct step_ups *s, const struct identity *who);
