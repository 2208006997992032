/* gate.h - what every request passes before a handler sees it, after core/http has found its row and checked its
 * length and type: origin, session, role, how often, JSON. The first that fails answers.
 *
 * Runs on the service loop only.
 */
#pragma once
#include "signaling/request.h"

/** With the head read and the body still to come: is it from a page of ours? false: it has answered. */
bool gate_may_pass(struct request *req);
/** With the whole body in req->body. Answers now or later. */
void gate_dispatch(struct request *req);

/** Does this Origin belong to this Host (or to the list of the setting signald.origins)? An absent Origin is
 * fine unless the browser says that another site asked. */
bool gate_origin_ok(const char *origin, const char *host, const char *fetch_site, const char *allowed);
/** Is the address this machine's own (or the unix socket's)? */
bool gate_is_loopback(const char *ip);
