/* gate.h - what every request passes before a handler sees it, in this order: address, method, length, type,
 * origin, session, role, how often, JSON. The first that fails answers.
 *
 * Runs on the service loop only.
 */
#pragma once
#include "signaling/request.h"

enum gate { GATE_ANSWERED, GATE_WANTS_BODY, GATE_READY };

/** With the headers read and the body still to come.
 * @param length   the text of Content-Length, or NULL
 * @param chunked  a Transfer-Encoding header is present */
enum gate gate_open(struct request *req, const char *length, bool chunked, size_t *body_len);
/** With the whole body in req->body. Answers now or later. */
void gate_dispatch(struct request *req);

/** Does this Origin belong to this Host (or to the list of the setting signald.origins)? An absent Origin is
 * fine unless the browser says that another site asked. */
bool gate_origin_ok(const char *origin, const char *host, const char *fetch_site, const char *allowed);
/** Is the address this machine's own (or the unix socket's)? */
bool gate_is_loopback(const char *ip);
