#include "signaling/gate.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/json.h"
#include "core/log.h"
#include "signaling/limiter.h"
#include "signaling/route.h"
#include "signaling/sched_forward.h"
#include "signaling/session.h"
#include "signaling/signald.h"
#include <string.h>
#include <strings.h>

#define DISCARD_MAX (4u << 20)

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

/* RFC 9110 8.6: digits only. Anything else would let two readers see two lengths. */
static bool parse_length(const char *text, size_t *out)
{
    size_t n = 0;

    if (!*text || strlen(text) > 12)
        return false;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        n = n * 10 + (size_t)(*p - '0');
    }
    *out = n;
    return true;
}

static enum gate refuse(struct request *req, enum err_code code, const char *reason, bool close)
{
    req->answer.close = close;
    request_refuse(req, code, reason, reason);
    return GATE_ANSWERED;
}

static bool type_ok(const struct request *req)
{
    const char *want = req->route->flags & ROUTE_JSON ? "application/json" : req->route->body_type;
    size_t len = strlen(want);

    return !strncasecmp(req->content_type, want, len) && strchr("; \t", req->content_type[len]) != NULL;
}

static enum gate find_route(struct request *req)
{
    char allow[96];

    switch (route_find(req->method, req->path, &req->route, req->param, allow)) {
    case ROUTE_FOUND:
        return GATE_READY;
    case ROUTE_NONE:
        return refuse(req, ERR_NOT_FOUND, "not_found", false);
    case ROUTE_OTHER_METHOD:
        break;
    }
    request_header(req, "Allow", allow);
    if (req->method != HTTP_OPTIONS)
        return refuse(req, ERR_INVALID, "method_not_allowed", false);
    request_answer_empty(req, 204);
    return GATE_ANSWERED;
}

enum gate gate_open(struct request *req, const char *length, bool chunked, size_t *body_len)
{
    const char *origins = config_str(req->app->config, "signald.origins");

    *body_len = 0;
    req->locale = locale_accept(req->accept_language, LOCALE_ZH_CN);
    /* http.md trap 5: the library hands chunk framing through as if it were body. */
    if (chunked)
        return refuse(req, ERR_INVALID, "length_required", true);
    if (find_route(req) == GATE_ANSWERED)
        return GATE_ANSWERED;
    if (length && !parse_length(length, body_len))
        return refuse(req, ERR_INVALID, "length_required", true);
    if (*body_len > req->route->body_max)
        /* What nginx lets through is read and thrown away: closing on it mid-body would look like a fault of ours. */
        return refuse(req, ERR_TOO_LARGE, "body_too_large", *body_len > DISCARD_MAX);
    if (req->route->body_max && !length)
        return refuse(req, ERR_INVALID, "length_required", true);
    if (req->route->body_max && !type_ok(req))
        return refuse(req, ERR_UNSUPPORTED, "content_type", false);
    if (unsafe(req->method) && !*req->bearer && !(req->route->flags & ROUTE_NO_ORIGIN) &&
        !gate_origin_ok(req->origin, req->host, req->fetch_site, origins))
        return refuse(req, ERR_DENIED, "origin_foreign", false);
    return *body_len ? GATE_WANTS_BODY : GATE_READY;
}

static bool key_ok(const char *key)
{
    size_t len = strlen(key);

    return !len ||
           (len >= 8 && len <= 64 &&
            key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-")] == '\0');
}

static bool parse_body(struct request *req, struct err *err)
{
    if (!(req->route->flags & ROUTE_JSON))
        return true;
    if (!req->body_len)
        return err_set(err, ERR_INVALID, "body_missing", "no body");
    if (!json_parse(&req->json, req->body, req->body_len, &BODY_LIMITS, err))
        return false;
    return json_is_object(req->json) || err_set(err, ERR_INVALID, "field_type", "the body is not an object");
}

/* Load tests on the same machine use a token for every room; it is not held to anybody's pace. */
static bool exempt(const struct request *req)
{
    return req->who->bearer && !strcmp(req->who->claims.room, "*") && gate_is_loopback(req->ip);
}

static void enter(struct request *req)
{
    const struct route *r = req->route;
    struct err err = ERR_INIT;
    char key[32];
    int wait_s = 1;

    if (req->who) {
        req->locale = req->who->locale; /* chosen by the person, not by the browser's maker */
        /* A join token is good once, for one socket (socket.c): a second door would let it be used twice. */
        if (req->who->bearer && req->who->claims.kind == TOKEN_JOIN) {
            request_refuse(req, ERR_DENIED, "token_rights", "a join token on the API");
            return;
        }
        if (r->roles != ROUTE_ANY_ROLE && !(r->roles & req->who->roles)) {
            request_refuse(req, ERR_DENIED, "role_missing",
                           "none of the account's roles is in the route's row");
            return;
        }
        id_format(req->who->account_id, key);
        if (!exempt(req) && !limiter_take(req->app->request_limit, key, clock_mono_us(), &wait_s)) {
            json_t *extra = json_pack("{s:i}", "retry_after_s", wait_s);
            err_set(&err, ERR_LIMIT, "too_many_requests", "account %s", key);
            request_problem(req, &err, extra);
            json_decref(extra);
            return;
        }
    }
    if (!key_ok(req->idempotency)) {
        request_refuse(req, ERR_INVALID, "idempotency_key", "malformed key");
        return;
    }
    if (!parse_body(req, &err)) {
        request_problem(req, &err, NULL);
        return;
    }
    if (r->handler)
        r->handler(req);
    else
        sched_forward(req);
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
    req->who = identity_ref(who);
    enter(req);
}

void gate_dispatch(struct request *req)
{
    req->handed = true;
    if ((req->route->flags & (ROUTE_OPEN | ROUTE_GUEST)) == ROUTE_OPEN) {
        enter(req);
        return;
    }
    if (*req->bearer)
        session_of_bearer(req->app->sessions, req->bearer, on_identity, req);
    else if (*req->cookie && !(req->route->flags & ROUTE_BEARER))
        session_of_cookie(req->app->sessions, req->cookie, on_identity, req);
    else
        on_identity(req, NULL, &(struct err){ERR_UNAUTHENTICATED, "not_logged_in", "no cookie and no token"});
}
