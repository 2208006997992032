#include "core/http/request.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/http/route.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC         0x72657121u
#define RETRY_AFTER_S 2

static const char *const METHODS[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

const char *http_method_name(enum http_method m)
{
    return METHODS[m];
}

struct request *request_new(void *app)
{
    struct request *req = mem_new(sizeof *req);

    req->magic = MAGIC;
    req->refs = 1;
    req->app = app;
    req->started_us = clock_mono_us();
    id_random(req->id);
    return req;
}

void request_check(const struct request *req)
{
    if (!req || req->magic != MAGIC || req->refs < 1)
        abort();
}

struct request *request_ref(struct request *req)
{
    request_check(req);
    req->refs++;
    return req;
}

void request_unref(struct request *req)
{
    request_check(req);
    if (--req->refs > 0)
        return;
    req->magic = 0;
    json_decref(req->json);
    if (req->who)
        req->who_free(req->who);
    for (int i = 0; i < REQUEST_KEPT; i++)
        free(req->kept[i]);
    free(req->body);
    free(req->answer.headers);
    if (!req->answer.lent)
        free((char *)req->answer.body);
    free(req->answer.piece);
    if (req->answer.streamed && req->answer.stream.done)
        req->answer.stream.done(req->answer.stream.arg);
    free(req);
}

void request_set_who(struct request *req, void *who, void (*who_free)(void *who))
{
    if (req->who)
        abort();
    req->who = who;
    req->who_free = who_free;
}

bool request_parse_json(struct request *req, const struct json_limits *limits, struct err *err)
{
    if (!req->body_len)
        return err_set(err, ERR_INVALID, "body_missing", "no body");
    if (!json_parse(&req->json, req->body, req->body_len, limits, err))
        return false;
    return json_is_object(req->json) || err_set(err, ERR_INVALID, "field_type", "the body is not an object");
}

const char *request_query(const struct request *req, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = req->query; *p; p += strlen(p) + 1)
        if (!strncmp(p, name, len) && p[len] == '=')
            return p + len + 1;
    return NULL;
}

int64_t request_param_id(const struct request *req, int index)
{
    int64_t id = 0;

    if (!id_parse(req->param[index], strlen(req->param[index]), &id))
        abort();
    return id;
}

void request_header(struct request *req, const char *name, const char *value)
{
    char *old = req->answer.headers;

    /* A line break would let a value write headers of its own. */
    if (strpbrk(value, "\r\n"))
        abort();
    req->answer.headers = mem_format("%s%s: %s\r\n", old ? old : "", name, value);
    free(old);
}

/* The handler's part ends here: its answer is kept, its reference given back. */
static void settle(struct request *req, int status, const char *type, const char *body, size_t len, bool lent)
{
    struct answer *a = &req->answer;

    request_check(req);
    if (a->status) { /* the server lost patience before */
        if (!lent)
            free((char *)body);
        request_unref(req);
        return;
    }
    a->status = status;
    a->content_type = type;
    a->body = body;
    a->body_len = len;
    a->lent = lent;
    if (req->on_answer)
        req->on_answer(req);
    request_unref(req);
}

void request_answer_text(struct request *req, int status, const char *type, char *text, size_t len)
{
    settle(req, status, type, text, len, false);
}

void request_answer_lent(struct request *req, int status, const char *type, const char *body, size_t len,
                         const char *etag)
{
    if (etag && !req->answer.status) {
        request_header(req, "ETag", etag);
        if (!strcmp(req->if_none_match, etag)) {
            settle(req, 304, NULL, NULL, 0, true);
            return;
        }
    }
    settle(req, status, type, body, len, true);
}

void request_answer_empty(struct request *req, int status)
{
    settle(req, status, NULL, NULL, 0, true);
}

void request_answer_stream(struct request *req, int status, const char *type, size_t len,
                           const struct answer_stream *stream)
{
    request_check(req);
    if (req->answer.status) { /* the server lost patience before */
        if (stream->done)
            stream->done(stream->arg);
        request_unref(req);
        return;
    }
    req->answer.streamed = true;
    req->answer.stream = *stream;
    settle(req, status, type, NULL, len, true);
}

/* A piece, or the end of hope, has come: the server hears of it if somebody still listens. */
static void piece_came(struct request *req)
{
    req->answer.asked = false;
    if (req->on_answer)
        req->on_answer(req);
    request_unref(req);
}

void request_more(struct request *req, char *bytes, size_t len, bool last)
{
    struct answer *a = &req->answer;

    request_check(req);
    if (!a->asked || a->piece)
        abort();
    a->piece = bytes;
    a->piece_len = len;
    a->piece_at = 0;
    a->last = last;
    piece_came(req);
}

void request_broken(struct request *req)
{
    request_check(req);
    if (!req->answer.asked)
        abort();
    req->answer.broken = true;
    piece_came(req);
}

static void etag_of(const char *text, size_t len, char out[40])
{
    uint8_t sum[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];

    crypto_sha256(text, len, sum);
    crypto_hex(sum, sizeof sum, hex);
    snprintf(out, 40, "\"%.32s\"", hex);
}

void request_answer_json(struct request *req, int status, json_t *doc)
{
    size_t len;
    char etag[40], *text = json_text(doc, &len);

    json_decref(doc);
    if (status == 200 && req->route && (req->route->flags & ROUTE_ETAG) && !req->answer.status) {
        etag_of(text, len, etag);
        request_header(req, "ETag", etag);
        if (!strcmp(req->if_none_match, etag)) {
            free(text);
            request_answer_empty(req, 304);
            return;
        }
    }
    settle(req, status, "application/json", text, len, false);
}

void request_problem(struct request *req, const struct err *err, const json_t *extra)
{
    int status = problem_status(err);
    const char *reason = *err->reason ? err->reason : "internal";
    struct err named = *err;
    json_t *doc;
    size_t len;
    char *text;

    snprintf(named.reason, sizeof named.reason, "%s", reason);
    doc = problem_doc(&named, req->locale, req->id, extra);
    if (status >= 500)
        log_warn("request_failed", LS("request_id", req->id), LS("method", http_method_name(req->method)),
                 LS("route", req->route ? req->route->path : ""), LI("status", status), LS("code", reason),
                 LERR(err));
    if (!req->answer.status && (status == 503 || status == 429)) {
        json_t *wait = json_object_get(extra, "retry_after_s");
        char text_s[16];
        snprintf(text_s, sizeof text_s, "%d", wait ? (int)json_integer_value(wait) : RETRY_AFTER_S);
        request_header(req, "Retry-After", text_s);
    }
    text = json_text(doc, &len);
    json_decref(doc);
    settle(req, status, "application/problem+json", text, len, false);
}

void request_refuse(struct request *req, enum err_code code, const char *reason, const char *text)
{
    struct err err = ERR_INIT;

    err_set(&err, code, reason, "%s", text);
    request_problem(req, &err, NULL);
}
