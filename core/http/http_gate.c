#include "core/http/http_gate.h"
#include <string.h>
#include <strings.h>

#define DISCARD_MAX (4u << 20)

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

static enum gate find_route(const struct http_app *app, struct request *req)
{
    char allow[96];

    switch (route_find(&app->routes, req->method, req->path, &req->route, req->param, allow)) {
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

enum gate http_gate_open(const struct http_app *app, struct request *req, const char *length, bool chunked,
                         size_t *body_len)
{
    *body_len = 0;
    req->locale = locale_accept(req->accept_language, LOCALE_ZH_CN);
    /* http.md trap 5: the library hands chunk framing through as if it were body. */
    if (chunked)
        return refuse(req, ERR_INVALID, "length_required", true);
    if (find_route(app, req) == GATE_ANSWERED)
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
    if (app->may_pass && !app->may_pass(req))
        return GATE_ANSWERED;
    return *body_len ? GATE_WANTS_BODY : GATE_READY;
}
