/* route.h - every address the API answers, in one table (route_table.c).
 *
 * A row is the rule: method, path template, who may call, how much body of which type, and either a handler of
 * ours or the owner's operation it becomes. A test holds the table against openapi.json in both directions.
 * Of core/http's row: roles are the bits of records/roles.h (one of them is enough), op is an OWNER_OP() when handler is
 * NULL, ok_status is the status of the owner's answer, query names the parameters passed on to it ("day scope").
 * Runs on any thread (constants).
 */
#pragma once
#include "core/http/route.h"
#include "signaling/owner.h"

enum api_route_flag {
    ROUTE_OPEN = ROUTE_APP,          /* anybody, without a session */
    ROUTE_BEARER = 2 * ROUTE_APP,    /* only with a token (machines) */
    ROUTE_GUEST = 4 * ROUTE_APP,     /* with ROUTE_OPEN: the caller is known when there is a session */
    ROUTE_NO_ORIGIN = 8 * ROUTE_APP, /* not for browsers' pages: a foreign Origin does not matter */
    ROUTE_STEP_UP = 16 * ROUTE_APP,  /* a signature: the password was shown within five minutes (step_up.h) */
    ROUTE_UNCOUNTED =
        32 * ROUTE_APP, /* asked for every piece of something that nginx holds to a pace of its own */
};

#define ROUTE_ANY_ROLE 0xffffffffu

extern const struct route ROUTES[];
extern const size_t ROUTES_N;
