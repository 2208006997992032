#include "signaling/gate.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/json.h"
#include "core/log.h"
#include "signaling/limiter.h"
#include "signaling/owner_forward.h"
#include "signaling/route.h"
#include "signaling/session.h"
#include "signaling/signald.h"
#include "signaling/step_up.h"
#include <string.h>
#include <strings.h>

static const struct json_limits BODY_LIMITS = {256 * 1024, 24};

bool gate_is_loopback(const char *ip)
{
    return !*ip || !strncmp(ip, "127.", 4) || !strcmp(ip, "::1");
}

static bool in_list(const char *origin, const char *list)
{
    size_t len = strlen(origin);

    for (const char *p = list; *p; p += strcspn(p, " ")) {
        p += strspn(p, " ");
        if (strcspn(p, " ") == len && !strncasecmp(p, origin, len))
            return true;
    }
    return false;
}

bool gate_origin_ok(const char *origin, const char *host, const char *fetch_site, const char *allowed)
{
    const char *authority;

    /* Every browser of today sends Origin with unsafe methods and with WebSockets; Fetch metadata catches the rest. */
    if (!*origin)
        return !*fetch_site || !strcasecmp(fetch_site, "same-origin") || !strcasecmp(fetch_site, "none");
    authority = strstr(origin, "://");
    if (authority && *host && !strcasecmp(authority + 3, host))
        return true;
    return in_list(origin, allowed);
}

static bool unsafe(enum http_method m)
{
    return m == HTTP_POST || m == HTTP_PUT || m == HTTP_PATCH || m == HTTP_DELETE;
}

bool gate_may_pass(struct request *req)
{
    const char *origins = config_str(request_app(req)->config, "signald.origins");

    if (!unsafe(req->method) || *req->bearer || (req->route->flags & ROUTE_NO_ORIGIN) ||
        gate_origin_ok(req->origin, req->host, req->fetch_site, origins))
        return true;
    request_refuse(req, ERR_DENIED, "origin_foreign", "origin_foreign");
    return false;
}

static bool key_ok(const char *key)
{
    size_t len = strlen(key);

    return !len ||
           (len >= 8 && len <= 64 &&
            key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-")] == '\0');
}

/* Load tests on the same machine use a token for every room; it is not held to anybody's pace. */
static bool exempt(const struct request *req)
{
    return request_who(req)->bearer && !strcmp(request_who(req)->claims.room, "*") &&
           gate_is_loopback(req->ip);
}

static void enter(struct request *req)
{
    const struct route *r = req->route;
    struct err err = ERR_INIT;
    char key[32];
    int wait_s = 1;

    if (req->who) {
        req->locale = request_who(req)->locale; /* chosen by the person, not by the browser's maker */
        /* A join token is good once, for one socket (socket.c): a second door would let it be used twice. */
        if (request_who(req)->bearer && request_who(req)->claims.kind == TOKEN_JOIN) {
            request_refuse(req, ERR_DENIED, "token_rights", "a join token on the API");
            return;
        }
        if (r->roles != ROUTE_ANY_ROLE && !(r->roles & request_who(req)->roles)) {
            request_refuse(req, ERR_DENIED, "role_missing",
                           "none of the account's roles is in the route's row");
            return;
        }
        id_format(request_who(req)->account_id, key);
        if (!(r->flags & ROUTE_UNCOUNTED) && !exempt(req) &&
            !limiter_take(request_app(req)->request_limit, key, clock_mono_us(), &wait_s)) {
            json_t *extra = json_pack("{s:i}", "retry_after_s", wait_s);
            err_set(&err, ERR_LIMIT, "too_many_requests", "account %s", key);
            request_problem(req, &err, extra);
            json_decref(extra);
            return;
        }
    }
    if ((r->flags & ROUTE_STEP_UP) &&
        !step_up_holds(request_app(req)->step_ups, request_who(req), clock_mono_us())) {
        request_refuse(req, ERR_DENIED, "step_up_needed",
                       "the password was not shown in this session lately");
        return;
    }
    if (!key_ok(req->idempotency)) {
        request_refuse(req, ERR_INVALID, "idempotency_key", "malformed key");
        return;
    }
    if ((r->flags & ROUTE_JSON) && !request_parse_json(req, &BODY_LIMITS, &err)) {
        request_problem(req, &err, NULL);
        return;
    }
    if (r->handler)
        r->handler(req);
    else
        owner_forward(req);
}

static void on_identity(void *arg, struct identity *who, const struct err *err)
{
    struct request *req = arg;

    if (err && err->code == ERR_UNAUTHENTICATED && (req->route->flags & ROUTE_GUEST)) {
        enter(req);
        return;
    }
    if (err) {
        if (err->code == ERR_UNAUTHENTICATED)
            request_header(req, "WWW-Authenticate", "Bearer");
        request_problem(req, err, NULL);
        return;
    }
    request_recognise(req, who);
    enter(req);
}

void gate_dispatch(struct request *req)
{
    if ((req->route->flags & (ROUTE_OPEN | ROUTE_GUEST)) == ROUTE_OPEN) {
        enter(req);
        return;
    }
    if (*req->bearer)
        session_of_bearer(request_app(req)->sessions, req->bearer, on_identity, req);
    else if (*req->cookie && !(req->route->flags & ROUTE_BEARER))
        session_of_cookie(request_app(req)->sessions, req->cookie, on_identity, req);
    else
        on_identity(req, NULL, &(struct err){ERR_UNAUTHENTICATED, "not_logged_in", "no cookie and no token"});
}
