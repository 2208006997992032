#include "signaling/socket.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/http/http_server.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "signaling/gate.h"
#include "signaling/identity.h"
#include "signaling/live.h"
#include "signaling/request.h"
#include "signaling/session.h"
#include "signaling/signald.h"
#include "signaling/socket_message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC           0x736f636bu
#define HELLO_S         5
#define PACE_COST_US    (US_PER_S / 50)
#define PACE_BURST_US   (100 * PACE_COST_US)
#define QUEUE_MAX       (1024 * 1024)
#define PER_ACCOUNT_MAX 20
#define JOIN_LIFE_S     300
#define ENDING_S        3 /* for the bye to leave */

struct socket_text {
    int refs;
    size_t len;
    char data[]; /* HTTP_SERVER_PRE bytes, where lws writes its frame header anew each time, then the text */
};

struct queued {
    struct socket_text *text;
    struct queued *next;
};

struct sockets {
    struct signald *app;
    struct socket *first;
    struct loop_timer *sweep;
    struct limiter *used; /* words of join tokens */
    unsigned n;
};

static struct metric OPEN = METRIC_GAUGE("yz_signal_sockets", "Live sockets open now.");
static struct metric SLOW =
    METRIC_COUNTER("yz_signal_sockets_too_slow_total", "Sockets ended because their reader did not keep up.");
static struct metric MESSAGES =
    METRIC_COUNTER("yz_signal_socket_messages_total", "Messages received on live sockets.");

/* --- text that many sockets share --- */

struct socket_text *socket_text_new(const json_t *doc)
{
    size_t len;
    char *text = json_text(doc, &len);
    struct socket_text *t = mem_new(sizeof *t + HTTP_SERVER_PRE + len + 1);

    t->refs = 1;
    t->len = len;
    memcpy(t->data + HTTP_SERVER_PRE, text, len);
    free(text);
    return t;
}

void socket_text_unref(struct socket_text *t)
{
    if (--t->refs == 0)
        free(t);
}

static void queue_push(struct socket *sock, struct socket_text *t)
{
    struct queued *q = mem_new(sizeof *q);

    q->text = t;
    t->refs++;
    *sock->out_end = q;
    sock->out_end = &q->next;
    sock->out_bytes += t->len;
}

static void queue_pop(struct socket *sock)
{
    struct queued *q = sock->out;

    sock->out = q->next;
    if (!sock->out)
        sock->out_end = &sock->out;
    sock->out_bytes -= q->text->len;
    socket_text_unref(q->text);
    free(q);
}

/* --- references --- */

struct socket *socket_ref(struct socket *sock)
{
    if (sock->magic != MAGIC)
        abort();
    sock->refs++;
    return sock;
}

void socket_unref(struct socket *sock)
{
    if (sock->magic != MAGIC)
        abort();
    if (--sock->refs > 0)
        return;
    sock->magic = 0;
    while (sock->out)
        queue_pop(sock);
    identity_unref(sock->who);
    free(sock->rx);
    free(sock->early);
    free(sock);
}

bool socket_is_open(const struct socket *sock)
{
    return sock->wsi && sock->state != SOCKET_ENDING;
}

/* --- sending --- */

/* Before the 101 has left, the library must not be asked. */
static void want_write(struct socket *sock)
{
    if (sock->established)
        http_server_want_write(sock->wsi);
}

void socket_send_text(struct socket *sock, struct socket_text *t)
{
    if (!sock->wsi || sock->state == SOCKET_ENDING)
        return;
    if (sock->out_bytes + t->len > QUEUE_MAX && !sock->exempt) {
        SLOW.value++;
        socket_end(sock, "too_slow");
        return;
    }
    queue_push(sock, t);
    want_write(sock);
}

void socket_send(struct socket *sock, json_t *doc)
{
    struct socket_text *t;

    if (!doc) { /* a text from outside that is not UTF-8 */
        log_error("socket_message_unprintable", LS("socket", sock->id));
        return;
    }
    t = socket_text_new(doc);
    json_decref(doc);
    socket_send_text(sock, t);
    socket_text_unref(t);
}

void socket_error(struct socket *sock, const char *request_id, const struct err *err)
{
    const struct problem_text *t = problem_text(err->reason, problem_status(err));
    json_t *doc = json_pack("{s:s, s:s, s:s, s:s}", "t", "error", "code", err->reason, "detail",
                            t->detail[sock->locale], "hint", t->hint[sock->locale]);

    if (request_id && *request_id)
        json_object_set_new(doc, "id", json_string(request_id));
    socket_send(sock, doc);
}

/* The bye goes out behind what waits, and the connection follows it. A reader that is too slow gets the bye alone. */
void socket_end(struct socket *sock, const char *reason)
{
    struct socket_text *t;
    json_t *doc;

    if (!sock->wsi || sock->state == SOCKET_ENDING)
        return;
    log_info("socket_end", LS("socket", sock->id), LS("reason", reason));
    snprintf(sock->bye, sizeof sock->bye, "%s", reason);
    while (sock->out && !strcmp(reason, "too_slow"))
        queue_pop(sock);
    doc = json_pack("{s:s, s:s}", "t", "bye", "reason", reason);
    t = socket_text_new(doc);
    json_decref(doc);
    queue_push(sock, t);
    socket_text_unref(t);
    sock->state = SOCKET_ENDING;
    sock->opened_us = clock_mono_us(); /* from here ENDING_S counts */
    want_write(sock);
}

static bool on_writable(void *arg)
{
    struct socket *sock = arg;

    while (sock && sock->out) {
        struct socket_text *t = sock->out->text;
        if (!http_server_write_text(sock->wsi, t->data + HTTP_SERVER_PRE, t->len))
            return false;
        queue_pop(sock);
        if (sock->out && http_server_choked(sock->wsi)) {
            http_server_want_write(sock->wsi);
            return true;
        }
    }
    return sock && sock->state != SOCKET_ENDING;
}

/* --- being recognised --- */

static bool too_many(const struct socket *sock)
{
    unsigned n = 0;

    for (const struct socket *s = sock->owner->first; s; s = s->next)
        n += s != sock && s->who && s->who->account_id == sock->who->account_id && s->state != SOCKET_ENDING;
    return n >= PER_ACCOUNT_MAX && !sock->exempt;
}

static void handle(struct socket *sock, const uint8_t *text, size_t len);

static void on_identity(void *arg, struct identity *who, const struct err *err)
{
    struct socket *sock = arg;
    uint8_t *early = sock->early;

    if (err && socket_is_open(sock)) {
        socket_error(sock, NULL, err);
        socket_end(sock, err->code == ERR_UNAUTHENTICATED ? "logged_out" : "going_down");
    } else if (socket_is_open(sock)) {
        sock->who = identity_ref(who);
        sock->locale = who->locale;
        sock->exempt = who->bearer && !strcmp(who->claims.room, "*") && gate_is_loopback(sock->ip);
        sock->early = NULL;
        if (too_many(sock))
            socket_end(sock, "too_many_sockets");
        else if (early)
            handle(sock, early, sock->early_len);
        free(early);
    }
    socket_unref(sock);
}

/* A join token is good once (media.md 4.5); its word is remembered for longer than it can live. */
static bool first_use(struct sockets *s, const struct token_claims *claims)
{
    if (claims->kind != TOKEN_JOIN)
        return true;
    return claims->expires_at_us - claims->issued_at_us <= JOIN_LIFE_S * US_PER_S &&
           limiter_take(s->used, claims->jti, clock_mono_us(), NULL);
}

static unsigned may_open(struct sockets *s, const struct request *req, const char *bearer)
{
    const char *key = *req->ip ? req->ip : "local";
    struct token_claims claims;

    if (strcmp(req->path, "/ws") != 0)
        return 404;
    if (!gate_origin_ok(req->origin, req->host, req->fetch_site,
                        config_str(s->app->config, "signald.origins")))
        return 403;
    if (bearer) {
        if (!token_claims_parse(s->app->token_key, bearer, strlen(bearer), clock_now_us(), &claims, NULL) ||
            !first_use(s, &claims))
            return 401;
    } else if (!*req->cookie) {
        return 401;
    }
    if (!(bearer && !strcmp(claims.room, "*") && gate_is_loopback(req->ip)) &&
        !limiter_take(s->app->connect_limit, key, clock_mono_us(), NULL))
        return 429;
    return 101;
}

static unsigned on_open(void **out, const struct request *req, struct lws *wsi)
{
    const char *bearer = *req->bearer ? req->bearer : request_query(req, "token");
    struct sockets *s = request_app(req)->sockets;
    unsigned status = may_open(s, req, bearer);
    struct socket *sock;
    uint8_t resume[32];

    if (status != 101)
        return status;
    sock = mem_new(sizeof *sock);
    *sock = (struct socket){.magic = MAGIC, .refs = 1, .owner = s, .wsi = wsi, .opened_us = clock_mono_us()};
    sock->out_end = &sock->out;
    sock->locale = locale_accept(req->accept_language, LOCALE_ZH_CN);
    snprintf(sock->ip, sizeof sock->ip, "%s", req->ip);
    id_random(sock->id);
    crypto_random(resume, sizeof resume);
    crypto_b64url(resume, sizeof resume, sock->resume, sizeof sock->resume);
    sock->next = s->first;
    if (s->first)
        s->first->prev = sock;
    s->first = sock;
    s->n++;
    OPEN.value = s->n;
    *out = sock;
    socket_ref(sock);
    if (bearer)
        session_of_bearer(s->app->sessions, bearer, on_identity, sock);
    else
        session_of_cookie(s->app->sessions, req->cookie, on_identity, sock);
    return 101;
}

static void on_established(void *arg)
{
    struct socket *sock = arg;

    if (!sock)
        return;
    sock->established = true;
    if (sock->out)
        http_server_want_write(sock->wsi);
}

static void on_closed(void *arg)
{
    struct socket *sock = arg;
    struct sockets *s = sock->owner;

    if (sock->prev)
        sock->prev->next = sock->next;
    else
        s->first = sock->next;
    if (sock->next)
        sock->next->prev = sock->prev;
    s->n--;
    OPEN.value = s->n;
    sock->wsi = NULL;
    live_socket_gone(sock);
    socket_unref(sock);
}

/* --- receiving --- */

static void handle(struct socket *sock, const uint8_t *text, size_t len)
{
    struct socket_message m;
    struct err err = ERR_INIT;

    MESSAGES.value++;
    if (!sock->exempt && !bucket_take(&sock->pace, PACE_COST_US, PACE_BURST_US, clock_mono_us())) {
        socket_end(sock, "too_many");
        return;
    }
    if (!socket_message_parse(&m, text, len, &err)) {
        log_info("socket_message_refused", LS("socket", sock->id), LERR(&err));
        socket_error(sock, m.id, &err);
    } else {
        live_message(sock, &m);
    }
    socket_message_free(&m);
}

static bool grow(struct socket *sock, size_t need)
{
    size_t max = sock->state == SOCKET_READY ? SOCKET_MESSAGE_MAX : SOCKET_HELLO_MAX;

    if (need > max)
        return false;
    if (need > sock->rx_cap) {
        sock->rx_cap = need * 2 < max ? need * 2 : max;
        sock->rx = mem_grow(sock->rx, sock->rx_cap);
    }
    return true;
}

/* The hello came before the database said who this is: keep it, and nothing more. */
static void keep_early(struct socket *sock)
{
    if (sock->early) {
        socket_end(sock, "malformed");
        return;
    }
    sock->early = mem_copy(sock->rx, sock->rx_len ? sock->rx_len : 1);
    sock->early_len = sock->rx_len;
}

static bool on_receive(void *arg, const void *in, size_t len, bool first, bool final, bool binary)
{
    struct socket *sock = arg;

    if (!sock || sock->state == SOCKET_ENDING)
        return sock != NULL;
    if (binary) {
        socket_end(sock, "malformed");
        return true;
    }
    if (first)
        sock->rx_len = 0;
    if (!grow(sock, sock->rx_len + len)) {
        socket_end(sock, "too_large");
        return true;
    }
    if (len)
        memcpy(sock->rx + sock->rx_len, in, len);
    sock->rx_len += len;
    if (!final)
        return true;
    if (!sock->who)
        keep_early(sock);
    else
        handle(sock, sock->rx, sock->rx_len);
    if (sock->rx_cap > 16 * 1024) { /* one large message must not stay in memory as long as the window */
        free(sock->rx);
        sock->rx = NULL;
        sock->rx_cap = 0;
    }
    sock->rx_len = 0;
    return true;
}

const struct http_sockets SOCKET_HOOKS = {on_open, on_established, on_receive, on_writable, on_closed};

/* --- all of them --- */

static void sweep(void *arg)
{
    struct sockets *s = arg;
    int64_t mono = clock_mono_us(), utc = clock_now_us();

    for (struct socket *sock = s->first, *next; sock; sock = next) {
        next = sock->next;
        if (sock->state == SOCKET_NEW && mono - sock->opened_us > HELLO_S * US_PER_S)
            socket_end(sock, "hello_timeout");
        else if (sock->state == SOCKET_ENDING && mono - sock->opened_us > ENDING_S * US_PER_S)
            http_server_kill(sock->wsi);
        else if (sock->state == SOCKET_READY && sock->who->bearer && sock->who->expires_at_us <= utc)
            socket_end(sock, "token_expired");
    }
}

struct sockets *sockets_new(struct signald *app)
{
    struct sockets *s = mem_new(sizeof *s);

    s->app = app;
    s->used = limiter_new(1, 1, 16384);
    s->sweep = loop_timer(app->loop, US_PER_S, US_PER_S, sweep, s);
    metrics_add(&OPEN);
    metrics_add(&SLOW);
    metrics_add(&MESSAGES);
    return s;
}

void sockets_free(struct sockets *s)
{
    if (!s)
        return;
    loop_untimer(s->sweep);
    limiter_free(s->used);
    free(s);
}

void sockets_each(struct sockets *s, void (*fn)(void *arg, struct socket *sock), void *arg)
{
    for (struct socket *sock = s->first, *next; sock; sock = next) {
        next = sock->next;
        if (sock->state == SOCKET_READY)
            fn(arg, sock);
    }
}

unsigned sockets_count(const struct sockets *s)
{
    return s->n;
}

void sockets_bye(struct sockets *s, const char *reason)
{
    for (struct socket *sock = s->first, *next; sock; sock = next) {
        next = sock->next;
        socket_end(sock, reason);
    }
}

void sockets_end_account(struct sockets *s, int64_t account_id, int64_t session_id, const char *reason)
{
    for (struct socket *sock = s->first, *next; sock; sock = next) {
        next = sock->next;
        if (sock->who && sock->who->account_id == account_id &&
            (!session_id || sock->who->session_id == session_id))
            socket_end(sock, reason);
    }
}

struct signald *socket_app(const struct socket *sock)
{
    return sock->owner->app;
}
