/* route.h - every address the API answers, in one table (route_table.c), and how a path finds its row.
 *
 * A row is the rule: method, path template, who may call, how much body of which type, and either a handler of
 * ours or the scheduler's operation it becomes. A test holds the table against openapi.json in both directions.
 * Runs on any thread (constants).
 */
#pragma once
#include "scheduling/protocol.h"
#include "signaling/request.h"

typedef void route_fn(struct request *req); /* answers once, now or later */

enum route_flag {
    ROUTE_OPEN = 1,       /* anybody, without a session */
    ROUTE_JSON = 2,       /* wants one JSON object as body */
    ROUTE_BEARER = 4,     /* only with a token (machines) */
    ROUTE_ETAG = 8,       /* answers carry an ETag */
    ROUTE_GUEST = 32,     /* with ROUTE_OPEN: the caller is known when there is a session */
    ROUTE_NO_ORIGIN = 16, /* not for browsers' pages: a foreign Origin does not matter */
};

#define ROUTE_ANY_ROLE 0xffffffffu

struct route {
    enum http_method method;
    const char *path; /* "/api/v1/visits/{visit_id}"; names ending in _id take ids only */
    uint32_t roles;   /* one of them; ROUTE_ANY_ROLE */
    unsigned flags;
    size_t body_max;
    const char *body_type; /* when not JSON */
    route_fn *handler;
    int sched_op;      /* enum sched_op when handler is NULL */
    int ok_status;     /* of a scheduler's answer */
    const char *query; /* "day scope": parameters passed on to the scheduler */
};

extern const struct route ROUTES[];
extern const size_t ROUTES_N;

enum route_found { ROUTE_FOUND, ROUTE_NONE, ROUTE_OTHER_METHOD };
/** HEAD finds GET's row. Path parameters are copied into params. With ROUTE_OTHER_METHOD allow holds the list
 * for the Allow header. */
enum route_found route_find(enum http_method method, const char *path, const struct route **out,
                            char params[REQUEST_PARAMS][REQUEST_PARAM_MAX], char allow[96]);
/** The name of the index-th parameter of a template; false when there is none. */
bool route_param_name(const struct route *r, int index, char out[32]);
