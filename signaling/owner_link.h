/* owner_link.h - the wire to a daemon that decides (owner.h): requests out, answers and events in. One instance for each.
 *
 * Owns    the connection (reconnects for ever), the table of requests on their way, the place in the event stream.
 * Events  come in order without gaps: after a reconnect or a missing number the stream is asked for again from
 *         the last one seen. The first connection starts at "now".
 * Runs on the service loop only.
 */
#pragma once
#include <jansson.h>
#include "core/ask.h"
#include "signaling/owner.h"

struct owner_link;

struct owner_event {
    uint64_t seq;
    const char *topic;
    const int64_t *tenants, *accounts;
    size_t tenants_n, accounts_n;
    uint32_t roles;
    json_t *data; /* lent */
};

struct owner_link_events {
    void (*on_event)(void *arg, const struct owner_event *ev);
    /** up: it has said hello, and may have been another process before. Not up: everything on its way was lost. */
    void (*on_state)(void *arg, enum owner owner, bool up);
    void *arg;
};

/** @param ev copied */
struct owner_link *owner_link_new(struct loop *loop, enum owner owner, const char *socket_path,
                                  int64_t region_id, const struct owner_link_events *ev);
void owner_link_free(struct owner_link *l); /* NULL is fine; whatever is on its way is answered as lost */
bool owner_link_is_open(const struct owner_link *l);

/** text (lent, len bytes) with err NULL: the result document. Otherwise err, and details (lent, may be NULL).
 * ERR_AGAIN "scheduler_away", "imaging_away": nothing was sent, or it was a question. ERR_UNKNOWN "outcome_unknown": a
 * command went out and the answer did not come. */
typedef void owner_fn(void *arg, const char *text, size_t len, const struct err *err, const json_t *details);
void owner_link_ask(struct owner_link *l, const struct ask_request *request, owner_fn *fn, void *arg);
