/* request.h - one HTTP request on its way through the house.
 *
 * Owns    itself by reference count. The server holds one reference until the answer is written or the client
 *         has left; the handler holds the other and gives it back with its one answer. A handler may therefore
 *         wait for a database or a scheduler without asking whether somebody still listens.
 * Rule    every request_answer_*() and request_problem() ends the handler's part: do not touch the request
 *         afterwards. Each request is answered exactly once; the server answers for a handler that is late.
 * Runs on the service loop only. Nothing here knows libwebsockets.
 */
#pragma once
#include <jansson.h>
#include <stdint.h>
#include "core/err.h"
#include "core/http/problem.h"
#include "core/ids.h"
#include "core/json.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS };
const char *http_method_name(enum http_method m);

#define REQUEST_ID_MAX     40
#define REQUEST_PATH_MAX   1024
#define REQUEST_PARAMS     4
#define REQUEST_PARAM_MAX  512
#define REQUEST_BEARER_MAX 2048
#define REQUEST_QUERY_MAX  (REQUEST_BEARER_MAX + 512) /* /ws?token=… */
#define REQUEST_KEPT       4

struct route;

struct request;

/* A body that is made while it leaves. */
struct answer_stream {
    /** The next piece, please: request_more() or request_broken(), now or later, once. It comes with a reference of the
     * request, which those give back; never again before that. */
    void (*next)(void *arg, struct request *req);
    /** The answer has ended, one way or another. NULL when there is nothing to free. */
    void (*done)(void *arg);
    void *arg;
};
#define ANSWER_LENGTH_UNKNOWN ((size_t)-1)

struct answer {
    int status;               /* 0: none yet */
    const char *content_type; /* static text, NULL without a body */
    char *headers;            /* "Name: value\r\n"…, or NULL */
    const char *body;         /* owned unless lent */
    size_t body_len;
    bool lent;  /* body is static or outlives the server */
    bool close; /* the connection ends after this */
    /* of a stream; body_len is its length, or ANSWER_LENGTH_UNKNOWN */
    bool streamed, asked, broken, last;
    struct answer_stream stream;
    char *piece;
    size_t piece_len, piece_at;
};

struct request {
    uint32_t magic;
    int refs;
    void *app; /* the daemon's, borrowed */
    const struct route *route;
    char id[REQUEST_ID_MAX]; /* nginx's X-Request-Id, or our own */
    enum http_method method;
    char path[REQUEST_PATH_MAX];
    char query[REQUEST_QUERY_MAX]; /* decoded "name=value" pairs, NUL after each, empty one last */
    char param[REQUEST_PARAMS][REQUEST_PARAM_MAX]; /* of the path template, in order */
    char host[256], origin[256], fetch_site[24], ip[48];
    char cookie[96]; /* value of the daemon's cookie */
    char bearer[REQUEST_BEARER_MAX + 1];
    char content_type[384], idempotency[80], if_none_match[80], if_match[80], accept_language[128];
    char accept[512], accept_encoding[96];
    char *kept[REQUEST_KEPT]; /* the headers named in struct http_app, "" when absent */
    bool https;
    uint8_t *body;
    size_t body_len;
    json_t *json; /* the parsed body of a JSON route */
    void *who;    /* the daemon's idea of who is calling, or NULL */
    void (*who_free)(void *who);
    enum locale locale;
    int64_t started_us; /* monotonic */
    struct answer answer;
    bool handed;                            /* a handler holds its reference (or has answered) */
    void *conn;                             /* the server's connection; NULL when the client left */
    void (*on_answer)(struct request *req); /* the server's ear */
};

struct request *request_new(void *app);
void request_check(const struct request *req); /* aborts on a stale pointer */
struct request *request_ref(struct request *req);
void request_unref(struct request *req);

/** Who is calling: who is taken, and given back to who_free with the request's last reference. */
void request_set_who(struct request *req, void *who, void (*who_free)(void *who));
/** Read the body of a JSON route into req->json. */
bool request_parse_json(struct request *req, const struct json_limits *limits, struct err *err);

/** The value of a query parameter, or NULL. Lent. */
const char *request_query(const struct request *req, const char *name);
/** Path parameter as an id; the router has checked it. */
int64_t request_param_id(const struct request *req, int index);

/** Add a header to the coming answer. A value with CR, LF or NUL is our bug and is refused with an abort. */
void request_header(struct request *req, const char *name, const char *value);
/** doc is taken. With ROUTE_ETAG a GET gets an ETag and maybe 304. */
void request_answer_json(struct request *req, int status, json_t *doc);
/** text is malloc'ed and taken. */
void request_answer_text(struct request *req, int status, const char *content_type, char *text, size_t len);
/** The body lives as long as the process. */
void request_answer_lent(struct request *req, int status, const char *content_type, const char *body,
                         size_t len, const char *etag);
void request_answer_empty(struct request *req, int status);
/** stream is copied; its done() is called in every case, also when nobody listens any more. A type with parameters goes
 * by request_header(); content_type is then NULL. */
void request_answer_stream(struct request *req, int status, const char *content_type, size_t len,
                           const struct answer_stream *stream);
/** bytes are malloc'ed and taken; last: nothing follows (len may then be 0). */
void request_more(struct request *req, char *bytes, size_t len, bool last);
/** The rest will not come: the connection is cut, so that nobody takes a part for the whole. */
void request_broken(struct request *req);
/** extra (borrowed, may be NULL) are more members. */
void request_problem(struct request *req, const struct err *err, const json_t *extra);
/** The same from its parts; the text is for the log. */
void request_refuse(struct request *req, enum err_code code, const char *reason, const char *text);
