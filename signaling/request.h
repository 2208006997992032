/* request.h - core/http's request as this room uses it: which daemon it came to, and who is calling.
 * Runs on the service loop only. */
#pragma once
#include "core/http/request.h"
#include "signaling/identity.h"
#include "signaling/signald.h"

enum request_kept {
    KEPT_ORIGINAL_METHOD
}; /* the kept headers: of what nginx asks about in /internal/whoami */

static inline struct signald *request_app(const struct request *req)
{
    return req->app;
}

/** NULL on open routes. */
static inline struct identity *request_who(const struct request *req)
{
    return req->who;
}

/** The request takes a reference. */
static inline void request_recognise(struct request *req, struct identity *who)
{
    request_set_who(req, identity_ref(who), identity_free);
}
