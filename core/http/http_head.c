#include "core/http/http_head.h"
#include "core/http/http_server.h"
#include "core/http/problem.h"
#include "core/http/route.h"
#include "core/mem.h"
#include <libwebsockets.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- requests --- */

static void copy_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t cap)
{
    if (lws_hdr_copy(wsi, out, (int)cap, token) < 0)
        out[0] = '\0';
}

static void copy_custom(struct lws *wsi, const char *name, char *out, size_t cap)
{
    if (lws_hdr_custom_copy(wsi, out, (int)cap, name, (int)strlen(name)) < 0)
        out[0] = '\0';
}

bool http_head_method(struct lws *wsi, enum http_method *out)
{
    static const struct {
        enum lws_token_indexes token;
        enum http_method method;
    } METHODS[] = {
        {WSI_TOKEN_GET_URI, HTTP_GET},         {WSI_TOKEN_POST_URI, HTTP_POST},
        {WSI_TOKEN_PUT_URI, HTTP_PUT},         {WSI_TOKEN_PATCH_URI, HTTP_PATCH},
        {WSI_TOKEN_DELETE_URI, HTTP_DELETE},   {WSI_TOKEN_HEAD_URI, HTTP_HEAD},
        {WSI_TOKEN_OPTIONS_URI, HTTP_OPTIONS},
    };

    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++)
        if (lws_hdr_total_length(wsi, METHODS[i].token) > 0) {
            *out = METHODS[i].method;
            return true;
        }
    return false;
}

static void read_query(struct lws *wsi, char *out, size_t cap)
{
    size_t used = 0;
    char one[REQUEST_QUERY_MAX];

    for (int i = 0;; i++) {
        int n = lws_hdr_copy_fragment(wsi, one, sizeof one, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n < 0 || used + (size_t)n + 2 > cap)
            break;
        if (n == 0)
            continue;
        memcpy(out + used, one, (size_t)n + 1);
        used += strlen(out + used) + 1;
    }
    out[used] = '\0';
}

static void read_cookie(struct lws *wsi, const char *name, char *out, size_t cap)
{
    size_t name_len = strlen(name);
    char all[8192];

    copy_header(wsi, WSI_TOKEN_HTTP_COOKIE, all, sizeof all);
    for (const char *p = all; *p; p += strcspn(p, ";"), p += *p == ';') {
        p += strspn(p, " ");
        if (!strncmp(p, name, name_len) && p[name_len] == '=') {
            size_t len = strcspn(p + name_len + 1, "; ");
            if (len < cap) {
                memcpy(out, p + name_len + 1, len);
                out[len] = '\0';
            }
            return;
        }
    }
}

static void read_bearer(struct lws *wsi, char *out, size_t cap)
{
    char all[REQUEST_BEARER_MAX + 16];

    copy_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, all, sizeof all);
    if (!strncasecmp(all, "Bearer ", 7) && strlen(all + 7) < cap)
        memcpy(out, all + 7, strlen(all + 7) + 1);
}

static void read_kept(struct lws *wsi, const char *const *names, struct request *req)
{
    for (int i = 0; i < REQUEST_KEPT; i++) {
        const char *name = names ? names[i] : NULL;
        /* a header the library has a number for is not among its custom ones */
        bool known = name && !strcmp(name, "authorization:");
        int len = known  ? lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_AUTHORIZATION)
                  : name ? lws_hdr_custom_length(wsi, name, (int)strlen(name))
                         : 0;
        req->kept[i] = mem_new((len > 0 ? (size_t)len : 0) + 1);
        if (known && len > 0)
            copy_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, req->kept[i], (size_t)len + 1);
        else if (len > 0 && lws_hdr_custom_copy(wsi, req->kept[i], len + 1, name, (int)strlen(name)) < 0)
            req->kept[i][0] = '\0';
        if (!name)
            names = NULL; /* the list ends here */
    }
}

void http_head_read(struct lws *wsi, const struct http_app *app, struct request *req)
{
    char proto[16], id[REQUEST_ID_MAX];

    copy_custom(wsi, "x-request-id:", id, sizeof id);
    if (strlen(id) >= 8 && id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz")] == '\0')
        memcpy(req->id, id, sizeof id);
    copy_header(wsi, WSI_TOKEN_HOST, req->host, sizeof req->host);
    copy_header(wsi, WSI_TOKEN_ORIGIN, req->origin, sizeof req->origin);
    copy_header(wsi, WSI_TOKEN_HTTP_X_REAL_IP, req->ip, sizeof req->ip);
    copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, req->content_type, sizeof req->content_type);
    copy_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, req->if_none_match, sizeof req->if_none_match);
    copy_header(wsi, WSI_TOKEN_HTTP_IF_MATCH, req->if_match, sizeof req->if_match);
    copy_header(wsi, WSI_TOKEN_HTTP_ACCEPT_LANGUAGE, req->accept_language, sizeof req->accept_language);
    copy_header(wsi, WSI_TOKEN_HTTP_ACCEPT, req->accept, sizeof req->accept);
    copy_header(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, req->accept_encoding, sizeof req->accept_encoding);
    copy_custom(wsi, "idempotency-key:", req->idempotency, sizeof req->idempotency);
    if (lws_hdr_custom_length(wsi, "idempotency-key:", 16) >= (int)sizeof req->idempotency)
        strcpy(req->idempotency, "?"); /* not "no key": the caller believes in it */
    copy_custom(wsi, "sec-fetch-site:", req->fetch_site, sizeof req->fetch_site);
    copy_custom(wsi, "x-forwarded-proto:", proto, sizeof proto);
    req->https = !strcmp(proto, "https");
    if (app->cookie)
        read_cookie(wsi, app->cookie, req->cookie, sizeof req->cookie);
    read_kept(wsi, app->headers, req);
    read_bearer(wsi, req->bearer, sizeof req->bearer);
    read_query(wsi, req->query, sizeof req->query);
}

/* --- answers --- */

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 304:
        return "Not Modified";
    default:
        return problem_title(status);
    }
}

struct text {
    char *at;
    size_t left;
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(t->at, t->left, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= t->left) {
        t->left = 0;
        return;
    }
    t->at += n;
    t->left -= (size_t)n;
}

size_t http_head_write(const struct request *req, char *out, size_t cap)
{
    const struct answer *a = &req->answer;
    const char *own = a->headers ? a->headers : "";
    bool kept = req->route && (req->route->flags & ROUTE_ETAG);
    struct text t = {out, cap};

    put(&t, "HTTP/1.1 %d %s\r\nX-Request-Id: %s\r\n", a->status, reason(a->status), req->id);
    put(&t, "X-Content-Type-Options: nosniff\r\n");
    if (!strstr(own, "Cache-Control:"))
        put(&t, "Cache-Control: %s\r\n", kept ? "no-cache, private" : "no-store");
    put(&t, "Vary: Cookie, Authorization, Accept-Language\r\n%s", own);
    if (!strstr(own, "Content-Security-Policy:"))
        put(&t, "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
    if (a->content_type)
        put(&t, "Content-Type: %s\r\n", a->content_type);
    if (a->body_len == ANSWER_LENGTH_UNKNOWN)
        put(&t, "Transfer-Encoding: chunked\r\n");
    else if (a->status != 204 && a->status != 304) /* RFC 9110 8.6, 15.4.5 */
        put(&t, "Content-Length: %zu\r\n", a->body_len);
    put(&t, "%s\r\n", a->close ? "Connection: close\r\n" : "");
    return t.left ? (size_t)(t.at - out) : 0;
}
