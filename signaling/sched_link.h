/* sched_link.h - the wire to yz-schedulerd: requests out, answers and events in.
 *
 * Owns    the connection (reconnects for ever), the table of questions on their way, the place in the event stream.
 * Events  come in order without gaps: after a reconnect or a missing number the stream is asked for again from
 *         the last one seen. The first connection starts at "now".
 * Runs on the service loop only.
 */
#pragma once
#include <jansson.h>
#include <stdint.h>
#include "core/err.h"
#include "scheduling/protocol.h"

struct identity;
struct signald;
struct sched_link;

struct sched_event {
    uint64_t seq;
    const char *topic;
    const int64_t *tenants, *accounts;
    unsigned tenants_n, accounts_n;
    uint32_t roles;
    json_t *data; /* lent */
};

struct sched_link *sched_link_new(struct signald *app, const char *socket_path);
void sched_link_free(struct sched_link *s);
bool sched_link_is_open(const struct sched_link *s);

/** text (lent, len bytes) with err NULL: the result document. Otherwise err, and details (lent, may be NULL).
 * ERR_AGAIN "scheduler_away": nothing was sent, or it was a question. ERR_UNKNOWN "outcome_unknown": a command
 * went out and the answer did not come. */
typedef void sched_fn(void *arg, const char *text, size_t len, const struct err *err, const json_t *details);

struct sched_call {
    enum sched_op op;
    int64_t region_id, tenant_id, account_id, person_id, staff_id;
    uint32_t roles;
    const char *idempotency_key, *request_id;
    const char *body;
    size_t body_len;
};
void sched_link_ask(struct sched_link *s, const struct sched_call *call, sched_fn *fn, void *arg);
/** The operation's name in the protocol, "order.claim". */
const char *sched_op_name(enum sched_op op);
bool sched_op_writes(enum sched_op op);
