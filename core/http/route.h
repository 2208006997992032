/* route.h - every address a daemon answers, in one table, and how a path finds its row.
 *
 * A row is the rule: method, path template, how much body of which type, and the handler. What else a daemon wants
 * to say about an address (who may call, which operation it becomes) stands in the row, too, and only the daemon
 * reads it.
 * Runs on any thread (constants).
 */
#pragma once
#include "core/http/request.h"

typedef void route_fn(struct request *req); /* answers once, now or later */

enum route_flag {
    ROUTE_JSON = 1, /* wants one JSON object as body */
    ROUTE_ETAG = 2, /* answers carry an ETag */
    ROUTE_SLOW = 4, /* the handler may take ten minutes instead of 30 s */
    ROUTE_APP = 16, /* the first of the daemon's own */
};

struct route {
    enum http_method method;
    const char *
        path; /* "/api/v1/visits/{visit_id}"; ending in _id: an id, in _uid: a DICOM UID, in _list: commas, too */
    uint32_t roles; /* the daemon's */
    unsigned flags;
    size_t body_max;
    const char *body_type; /* when not JSON */
    route_fn *handler;
    int op;            /* the daemon's */
    int ok_status;     /* the daemon's */
    const char *query; /* the daemon's */
};

struct route_table {
    const struct route *rows;
    size_t n;
};

enum route_found { ROUTE_FOUND, ROUTE_NONE, ROUTE_OTHER_METHOD };
/** HEAD finds GET's row. Path parameters are copied into params. With ROUTE_OTHER_METHOD allow holds the list
 * for the Allow header. */
enum route_found route_find(const struct route_table *table, enum http_method method, const char *path,
                            const struct route **out, char params[REQUEST_PARAMS][REQUEST_PARAM_MAX],
                            char allow[96]);
/** The name of the index-th parameter of a template; false when there is none. */
bool route_param_name(const struct route *r, int index, char out[32]);
