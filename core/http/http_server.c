#include "core/http/http_server.h"
#include "core/clock.h"
#include "core/http/http_gate.h"
#include "core/http/http_head.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "core/unix_socket.h"
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

_Static_assert(HTTP_SERVER_PRE >= LWS_PRE, "room in front of a frame");

#define CHUNK         (128 * 1024) /* one lws_write; trap 11: more would be copied */
#define BODY_TOTAL_S  30           /* trap 8: lws re-arms its timer with each byte, so we keep a total */
#define WRITE_S       20           /* trap 9: a reader that takes nothing for this long is dropped */
#define ANSWER_S      30           /* a handler that has not answered by now is answered for */
#define SLOW_S        600          /* the same of ROUTE_SLOW */
#define GOODBYE_TURNS 50
#define HEAD_MAX      4096
#define CONN_MAGIC    0x636f6e6eu

/* lws keeps one of these zeroed for each transaction or socket. */
struct conn {
    uint32_t magic;
    struct lws *wsi;
    struct http_server *server;
    struct request *req; /* being read, waited for, or written */
    void *socket;        /* after the upgrade: the daemon's */
    size_t body_len;     /* promised by Content-Length */
    size_t sent;         /* of head + body */
    char *head;          /* LWS_PRE bytes, then the head */
    size_t head_len;
    bool throttled;
    int64_t deadline_us;
    struct conn *prev, *next;
};

struct http_server {
    struct http_app app;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct conn *conns;
    unsigned sockets;
    struct loop_timer *sweep;
    char path[108];
};

static struct metric REQUESTS =
    METRIC_COUNTER("yz_http_requests_total", "HTTP requests answered. Grows with use.");
static struct metric ERRORS = METRIC_COUNTER(
    "yz_http_request_failures_total", "Answers of 500 and above. Look into the log for request_failed.");
static struct metric LATENCY =
    METRIC_HISTOGRAM("yz_http_request_us", "From the header to the answer, microseconds.", METRIC_BOUNDS_US);
static struct metric CONNS =
    METRIC_GAUGE("yz_http_connections", "HTTP transactions and live sockets open now.");

/* --- connections --- */

static void conn_open(struct http_server *h, struct conn *c, struct lws *wsi)
{
    if (c->magic == CONN_MAGIC)
        return;
    *c = (struct conn){.magic = CONN_MAGIC, .wsi = wsi, .server = h, .next = h->conns};
    if (h->conns)
        h->conns->prev = c;
    h->conns = c;
    CONNS.value++;
}

/* Trap 2: whoever still works for this request finds conn NULL and its answer goes nowhere. */
static void conn_drop_request(struct conn *c)
{
    struct request *req = c->req;

    c->req = NULL;
    free(c->head);
    c->head = NULL;
    c->head_len = c->sent = c->body_len = 0;
    c->deadline_us = 0;
    if (!req)
        return;
    req->conn = NULL;
    req->on_answer = NULL;
    if (!req->handed && !req->answer.status)
        request_unref(req); /* the handler's, which no handler got */
    request_unref(req);
}

static void conn_close(struct conn *c)
{
    if (!c || c->magic != CONN_MAGIC)
        return;
    conn_drop_request(c);
    if (c->prev)
        c->prev->next = c->next;
    else
        c->server->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->magic = 0;
    CONNS.value--;
}

/* --- answering --- */

static void on_answer(struct request *req)
{
    struct conn *c = req->conn;

    c->deadline_us = 0;
    /* Trap 1: a throttled connection gets no writable callback, so let it flow before asking for one. */
    if (c->throttled) {
        c->throttled = false;
        lws_rx_flow_control(c->wsi, 1);
    }
    lws_callback_on_writable(c->wsi);
}

static bool make_head(struct conn *c)
{
    c->head = mem_new(LWS_PRE + HEAD_MAX);
    c->head_len = http_head_write(c->req, c->head + LWS_PRE, HEAD_MAX);
    return c->head_len > 0;
}

static int write_body(struct conn *c, size_t body_len)
{
    const struct answer *a = &c->req->answer;
    size_t at = c->sent - c->head_len, left = body_len - at;
    size_t n = left < CHUNK ? left : CHUNK;
    char *buf = mem_new(LWS_PRE + n);
    int wrote;

    memcpy(buf + LWS_PRE, a->body + at, n);
    wrote = lws_write(c->wsi, (unsigned char *)buf + LWS_PRE, n, LWS_WRITE_HTTP);
    free(buf);
    if (wrote < 0)
        return -1;
    c->sent += n;
    return 0;
}

static int finish(struct conn *c)
{
    struct request *req = c->req;
    bool close = req->answer.close;

    REQUESTS.value++;
    ERRORS.value += req->answer.status >= 500;
    metric_observe(&LATENCY, clock_mono_us() - req->started_us);
    log_debug("request", LS("request_id", req->id), LS("method", http_method_name(req->method)),
              LS("route", req->route ? req->route->path : ""), LI("status", req->answer.status),
              LI("us", clock_mono_us() - req->started_us));
    conn_drop_request(c);
    if (close)
        return -1;
    return lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

static void wait_quietly(struct conn *c)
{
    c->throttled = true;
    lws_rx_flow_control(c->wsi, 0); /* trap 1: or a pipelined request makes poll spin */
}

/* One write of a streamed body: a chunk of the piece that is here, framed when nobody knows the length (RFC 9112 7.1). */
static int write_piece(struct conn *c, bool framed)
{
    struct answer *a = &c->req->answer;
    size_t left = a->piece_len - a->piece_at, n = left < CHUNK - 64 ? left : CHUNK - 64, len = 0;
    char *buf = mem_new(LWS_PRE + CHUNK), *out = buf + LWS_PRE;
    bool end = a->last && n == left;
    int wrote = 0;

    if (framed && n)
        len += (size_t)snprintf(out, 32, "%zx\r\n", n);
    if (n)
        memcpy(out + len, a->piece + a->piece_at, n);
    len += n;
    if (framed && n)
        len += (size_t)snprintf(out + len, 4, "\r\n");
    if (framed && end)
        len += (size_t)snprintf(out + len, 8, "0\r\n\r\n");
    if (len)
        wrote = lws_write(c->wsi, (unsigned char *)out, len, LWS_WRITE_HTTP);
    free(buf);
    a->piece_at += n;
    c->sent += n;
    if (a->piece_at == a->piece_len) {
        free(a->piece);
        a->piece = NULL;
    }
    return wrote < 0 ? -1 : 0;
}

/* The promised length is kept or the connection goes: whoever reads must never take a part for the whole. */
static int write_stream(struct conn *c)
{
    struct request *req = c->req;
    struct answer *a = &req->answer;
    bool framed = a->body_len == ANSWER_LENGTH_UNKNOWN;

    if (a->broken)
        return -1;
    if (a->piece && write_piece(c, framed))
        return -1;
    if (a->piece) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    if (a->last) {
        a->close |= !framed && c->sent != c->head_len + a->body_len;
        return finish(c);
    }
    if (!a->asked) {
        a->asked = true;
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S + WRITE_S);
        a->stream.next(a->stream.arg, request_ref(req));
        if (c->req == req && a->asked)
            wait_quietly(c);
    }
    return 0;
}

static int on_writable(struct conn *c)
{
    struct request *req = c->req;
    size_t body_len;

    if (!req || !req->answer.status)
        return 0;
    body_len = req->method == HTTP_HEAD || req->answer.streamed ? 0 : req->answer.body_len;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, WRITE_S);
    if (!c->head) {
        if (!make_head(c))
            return -1;
        if (lws_write(c->wsi, (unsigned char *)c->head + LWS_PRE, c->head_len, LWS_WRITE_HTTP_HEADERS) < 0)
            return -1;
        c->sent = c->head_len;
        if (req->answer.streamed && req->method != HTTP_HEAD) {
            lws_callback_on_writable(c->wsi);
            return 0;
        }
    } else if (req->answer.streamed) {
        return write_stream(c);
    } else if (c->sent < c->head_len + body_len && write_body(c, body_len)) {
        return -1;
    }
    if (c->sent < c->head_len + body_len) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    return finish(c);
}

/* --- the life of a transaction --- */

static void dispatch(struct conn *c)
{
    struct request *req = c->req;
    int patience_s = req->route->flags & ROUTE_SLOW ? SLOW_S : ANSWER_S;

    c->deadline_us = clock_mono_us() + patience_s * US_PER_S;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, patience_s + WRITE_S); /* trap 3 */
    req->handed = true;
    c->server->app.routed(req);
    if (c->req == req && !req->answer.status) {
        wait_quietly(c);
    }
}

static int on_request(struct http_server *h, struct conn *c, struct lws *wsi, const char *path, size_t len)
{
    struct request *req;
    enum http_method method;
    char length[24];
    bool has_length, chunked;

    conn_open(h, c, wsi);
    if (c->req || !http_head_method(wsi, &method) || len >= REQUEST_PATH_MAX)
        return -1;
    req = request_new(h->app.arg);
    request_ref(req);
    req->method = method;
    memcpy(req->path, path, len);
    http_head_read(wsi, &h->app, req);
    req->conn = c;
    req->on_answer = on_answer;
    c->req = req;
    has_length = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
    if (has_length && lws_hdr_copy(wsi, length, sizeof length, WSI_TOKEN_HTTP_CONTENT_LENGTH) < 0)
        snprintf(length, sizeof length, "-");
    chunked = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    switch (http_gate_open(&h->app, req, has_length ? length : NULL, chunked, &c->body_len)) {
    case GATE_ANSWERED:
        break;
    case GATE_WANTS_BODY:
        req->body = mem_new(c->body_len + 1);
        c->deadline_us = clock_mono_us() + BODY_TOTAL_S * US_PER_S;
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, BODY_TOTAL_S);
        break;
    case GATE_READY:
        dispatch(c);
        break;
    }
    return 0;
}

static int on_body(struct conn *c, const void *in, size_t len)
{
    struct request *req = c->req;

    if (!req || req->answer.status || req->handed) /* an early refusal: what still comes is thrown away */
        return 0;
    if (req->body_len + len > c->body_len)
        return -1;
    memcpy(req->body + req->body_len, in, len);
    req->body_len += len;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, BODY_TOTAL_S);
    return 0;
}

static void on_body_end(struct conn *c)
{
    if (c->req && !c->req->answer.status && !c->req->handed)
        dispatch(c);
}

/* media.md 5.3: on plain TCP the library would accept `Upgrade: h2c` whatever alpn says. Read the header itself,
 * and never answer with a positive value: that path uses freed memory in 4.1.6 (NN-2025-0102). */
static int confirm_upgrade(struct lws *wsi)
{
    char value[16];
    int len = lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE);

    if (len <= 0 || len >= (int)sizeof value || lws_hdr_copy(wsi, value, sizeof value, WSI_TOKEN_UPGRADE) < 0)
        return -1;
    return strcasecmp(value, "websocket") ? -1 : 0;
}

/* --- the live socket's handshake --- */

static int refuse_upgrade(struct lws *wsi, unsigned status)
{
    unsigned char buf[LWS_PRE + 256];
    int n = snprintf((char *)buf + LWS_PRE, sizeof buf - LWS_PRE,
                     "HTTP/1.1 %u %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status,
                     problem_title((int)status));

    lws_write(wsi, buf + LWS_PRE, (size_t)n, LWS_WRITE_HTTP_HEADERS);
    return -1;
}

static int on_upgrade(struct http_server *h, struct conn *c, struct lws *wsi)
{
    struct request *req = request_new(h->app.arg);
    unsigned status = 404;

    conn_open(h, c, wsi);
    if (lws_hdr_copy(wsi, req->path, sizeof req->path, WSI_TOKEN_GET_URI) < 0)
        req->path[0] = '\0';
    http_head_read(wsi, &h->app, req);
    if (h->app.sockets)
        status = h->app.sockets->open(&c->socket, req, wsi);
    request_unref(req);
    if (status != 101)
        return refuse_upgrade(wsi, status);
    h->sockets++;
    return 0;
}

static void socket_gone(struct conn *c)
{
    void *sock = c->socket;

    if (!sock)
        return;
    c->socket = NULL;
    c->server->sockets--;
    c->server->app.sockets->closed(sock);
}

/* --- lws calls back --- */

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct http_server *h = lws_context_user(lws_get_context(wsi));
    struct conn *c = user;

    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return confirm_upgrade(wsi);
    case LWS_CALLBACK_HTTP:
        return on_request(h, c, wsi, in, len);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(c, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        on_body_end(c);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writable(c);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        conn_close(c);
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return on_upgrade(h, c, wsi);
    case LWS_CALLBACK_ESTABLISHED:
        h->app.sockets->established(c->socket);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return h->app.sockets->receive(c->socket, in, len, lws_is_first_fragment(wsi),
                                       lws_is_final_fragment(wsi), lws_frame_is_binary(wsi))
                   ? 0
                   : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return h->app.sockets->writable(c->socket) ? 0 : -1;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        if (c && c->magic == CONN_MAGIC) {
            socket_gone(c);
            conn_close(c);
        }
        return 0;
    default:
        return 0;
    }
}

static int on_loop_file(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct http_server *h = lws_context_user(lws_get_context(wsi));

    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_RAW_RX_FILE)
        loop_turn(h->app.loop, 0);
    return 0;
}

/* --- deadlines that lws does not keep --- */

static void sweep(void *arg)
{
    struct http_server *h = arg;
    int64_t now = clock_mono_us();

    for (struct conn *c = h->conns, *next; c; c = next) {
        next = c->next;
        if (!c->deadline_us || now < c->deadline_us || !c->req)
            continue;
        if (!c->req->handed) {
            http_server_kill(c->wsi); /* a body that drips */
            c->deadline_us = 0;
            continue;
        }
        log_warn("handler_late", LS("request_id", c->req->id), LS("route", c->req->route->path));
        /* The late handler's own answer will find this one standing. */
        request_ref(c->req);
        request_refuse(c->req, ERR_UNKNOWN, "outcome_unknown", "no answer in time");
    }
}

void http_server_want_write(struct lws *wsi)
{
    lws_callback_on_writable(wsi);
}

void http_server_kill(struct lws *wsi)
{
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

bool http_server_write_text(struct lws *wsi, char *text, size_t len)
{
    return lws_write(wsi, (unsigned char *)text, len, LWS_WRITE_TEXT) >= 0;
}

bool http_server_choked(struct lws *wsi)
{
    return lws_send_pipe_choked(wsi) != 0;
}

/* --- life --- */

static void lws_line(int level, const char *line)
{
    char text[256];
    size_t len = strcspn(line, "\n");

    snprintf(text, sizeof text, "%.*s", (int)(len < 255 ? len : 255), line);
    if (level & LLL_ERR)
        log_warn("lws", LS("line", text));
    else
        log_debug("lws", LS("line", text));
}

static bool adopt_loop(struct http_server *h, struct err *err)
{
    lws_sock_file_fd_type fd;

    /* lws closes what it adopted, and so does loop_free(). */
    fd.filefd = dup(loop_fd(h->app.loop));
    if (fd.filefd < 0)
        return err_errno(err, "dup");
    if (!lws_adopt_descriptor_vhost(h->vhost, LWS_ADOPT_RAW_FILE_DESC, fd, "core-loop", NULL))
        return err_set(err, ERR_IO, "lws", "could not adopt the loop");
    return true;
}

static bool path_free(const char *path, struct err *err)
{
    int fd;

    if (strlen(path) >= 108)
        return err_set(err, ERR_INVALID, "path_too_long", "%s", path);
    if (unix_socket_connect(&fd, path, SOCK_STREAM, NULL)) {
        close(fd);
        return err_set(err, ERR_CONFLICT, "socket_in_use", "another process answers on %s", path);
    }
    return true;
}

bool http_server_new(struct http_server **out, const struct http_app *app, const char *path, struct err *err)
{
    static const struct lws_protocols PROTOCOLS[] = {
        /* Both plain HTTP and sockets without a subprotocol land on the first. ws rx 2 K, trap 11's tx 128 K. */
        {.name = "http",
         .callback = on_http,
         .per_session_data_size = sizeof(struct conn),
         .rx_buffer_size = 2048,
         .tx_packet_size = CHUNK},
        {.name = "core-loop", .callback = on_loop_file},
        {0},
    };
    static const lws_retry_bo_t ALIVE = {.secs_since_valid_ping = 15, .secs_since_valid_hangup = 40};
    struct http_server *h = mem_new(sizeof *h);
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_UNIX_SOCK | LWS_SERVER_OPTION_DISABLE_IPV6,
        .iface = h->path,
        .protocols = PROTOCOLS,
        .extensions = NULL, /* no permessage-deflate: memory, and two open bugs */
        .alpn = "http/1.1",
        .server_string = app->title,
        .user = h,
        .gid = -1,
        .uid = -1,
        .timeout_secs = 10,
        .keepalive_timeout = 75,
        .max_http_header_data2 = 16 * 1024, /* trap 10 */
        .pt_serv_buf_size = CHUNK,
        .retry_and_idle_policy = &ALIVE,
    };

    h->app = *app;
    snprintf(h->path, sizeof h->path, "%s", path);
    lws_set_log_level(LLL_ERR | LLL_WARN, lws_line);
    if (!path_free(path, err))
        goto fail;
    info.vhost_name = app->name;
    h->context = lws_create_context(&info);
    if (!h->context) {
        err_set(err, ERR_IO, "lws", "could not listen on %s", path);
        goto fail;
    }
    h->vhost = lws_get_vhost_by_name(h->context, app->name);
    if (!h->vhost || !adopt_loop(h, err)) {
        err_add(err, "serve %s", path);
        goto fail;
    }
    h->sweep = loop_timer(app->loop, US_PER_S, US_PER_S, sweep, h);
    metrics_add(&REQUESTS);
    metrics_add(&ERRORS);
    metrics_add(&LATENCY);
    metrics_add(&CONNS);
    *out = h;
    return true;
fail:
    http_server_free(h);
    return false;
}

/* Windows hear that we go, so that they come back without counting it as a fault of the network. */
static void say_goodbye(struct http_server *h)
{
    if (h->app.stopping)
        h->app.stopping(h->app.arg);
    for (int i = 0; i < GOODBYE_TURNS && h->sockets; i++) {
        lws_cancel_service(h->context); /* or the next line would wait for somebody to speak */
        lws_service(h->context, 0);
    }
}

void http_server_run(struct http_server *h)
{
    while (!loop_stopped(h->app.loop))
        if (lws_service(h->context, 0) < 0)
            return;
    say_goodbye(h);
}

void http_server_free(struct http_server *h)
{
    if (!h)
        return;
    loop_untimer(h->sweep);
    if (h->context) {
        lws_context_destroy(h->context);
        unlink(h->path);
    }
    free(h);
}
