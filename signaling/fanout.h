/* fanout.h - what everybody must hear: the owners' events by their audience, and what is away.
 * Runs on the service loop only. */
#pragma once
#include <stdbool.h>
#include "signaling/owner_link.h"

struct signald;
struct socket;

void fanout_event(struct signald *app, const struct owner_event *ev);
/** An event of our own to the windows of some accounts ("{311,301}"); its number is 0, it has no stream. data is borrowed. */
void fanout_accounts(struct signald *app, const char *topic, const char *accounts, const json_t *data);
void fanout_owner(struct signald *app, enum owner owner, bool up);
void fanout_database(struct signald *app, bool up);
/** Tell one new window what is away now, if anything is. */
void fanout_state(struct signald *app, struct socket *sock);
/** Would this caller hear it? */
struct identity;
bool fanout_hears(const struct owner_event *ev, const struct identity *who);
