#include "billing/sandbox/notify.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/unix_socket.h"

#define PATIENCE_US (30 * US_PER_S)

struct owed { /* what only this process knows of a notice */
    bool seen, forge, repeat;
    int64_t due_us; /* monotonic */
};

struct notify {
    struct notify_config config;
    struct notify_faults faults;
    struct owed *owed;
    size_t n_owed;
    struct loop_timer *timer;
    /* the one on its way */
    int fd;
    struct loop_watch *watch;
    struct loop_timer *patience;
    size_t sent;
    bool forged;
    char answer[64];
    size_t got;
};

static void pump(void *arg);

/* ---------------------------------------------------------------- one callback as text */

static void random_text(char *out, size_t len)
{
    uint8_t bytes[32];

    crypto_random(bytes, sizeof bytes);
    for (size_t i = 0; i < len; i++)
        out[i] = "0123456789abcdefghijklmnopqrstuv"[bytes[i] % 32];
    out[len] = '\0';
}

static char *body_of(const struct notify *n, const struct channel_notice *notice, size_t i)
{
    const struct channel *c = n->config.channel;
    json_t *doc = notice->refund ? channel_refund_json(c, &c->refunds[notice->about], true)
                                 : channel_order_json(c, &c->orders[notice->about]);
    const char *kind = notice->refund ? "refund" : "transaction";
    char nonce[13], id[32], *plain, *sealed, *body;
    size_t len;

    if (!notice->refund) /* it says what happened, not what became of it since */
        json_object_set_new(doc, "trade_state", json_string("SUCCESS"));
    random_text(nonce, 12);
    snprintf(id, sizeof id, "EV-%020zu", i + 1); /* the same one every time it is sent */
    plain = json_text(doc, &len);
    sealed = wechat_seal(n->config.api_key, nonce, kind, plain, len);
    json_decref(doc);
    doc = json_pack("{ss ss ss s{ss ss ss ss ss}}", "id", id, "event_type",
                    notice->refund ? "REFUND.SUCCESS" : "TRANSACTION.SUCCESS", "resource_type",
                    "encrypt-resource", "resource", "algorithm", "AEAD_AES_256_GCM", "original_type", kind,
                    "ciphertext", sealed, "nonce", nonce, "associated_data", kind);
    body = json_text(doc, NULL);
    json_decref(doc);
    free(plain);
    free(sealed);
    return body;
}

/* "https://host/path" -> "/path" */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://"), *path = strchr(host ? host + 3 : url, '/');

    return path ? path : "/";
}

static char *request_of(const struct notify *n, size_t i, bool forged)
{
    const struct channel *c = n->config.channel;
    const struct channel_notice *notice = &c->notices[i];
    const char *url =
        notice->refund ? c->refunds[notice->about].notify_url : c->orders[notice->about].notify_url;
    char *body = body_of(n, notice, i), nonce[33], timestamp[24], *signature, *out;

    random_text(nonce, 32);
    snprintf(timestamp, sizeof timestamp, "%" PRId64, clock_now_us() / US_PER_S);
    /* a forger has the text, and the signature of another one */
    signature = wechat_sign(n->config.key, timestamp, forged ? "another nonce" : nonce, body, strlen(body));
    out = mem_format(
        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
        "Connection: close\r\nWechatpay-Timestamp: %s\r\nWechatpay-Nonce: %s\r\nWechatpay-Serial: %s\r\n"
        "Wechatpay-Signature: %s\r\nWechatpay-Signature-Type: " WECHAT_SCHEME "\r\n\r\n%s",
        path_of(url), strlen(body), timestamp, nonce, n->config.serial, signature, body);
    free(signature);
    free(body);
    return out;
}

/* ---------------------------------------------------------------- on its way */

static void hang_up(struct notify *n)
{
    if (n->fd < 0)
        return;
    loop_unwatch(n->watch);
    loop_untimer(n->patience);
    close(n->fd);
    n->watch = NULL;
    n->patience = NULL;
    n->fd = -1;
}

static void over(struct notify *n, bool taken)
{
    struct owed *o = &n->owed[n->sent];
    struct err err = ERR_INIT;

    hang_up(n);
    if (n->forged)
        o->forge = false; /* whatever he said to it, the good one follows */
    else if (taken && o->repeat)
        o->repeat = false;
    else if (!taken)
        o->due_us = clock_mono_us() + n->config.retry_us;
    else if (!channel_noticed(n->config.channel, n->sent, &err))
        log_error("notice_not_kept", LERR(&err));
    notify_wake(n);
}

static void on_answer(void *arg, uint32_t events)
{
    struct notify *n = arg;
    ssize_t got = recv(n->fd, n->answer + n->got, sizeof n->answer - 1 - n->got, 0);

    (void)events;
    n->got += got > 0 ? (size_t)got : 0;
    n->answer[n->got] = '\0';
    if (n->got >= 12) /* "HTTP/1.1 200" */
        over(n, strncmp(n->answer, "HTTP/1.1 2", 10) == 0);
    else if (got <= 0)
        over(n, false);
}

static void on_patience(void *arg)
{
    over(arg, false);
}

static void send_one(struct notify *n, size_t i)
{
    char *text = request_of(n, i, n->owed[i].forge);
    size_t len = strlen(text);
    struct err err = ERR_INIT;

    n->sent = i;
    n->forged = n->owed[i].forge;
    n->got = 0;
    if (!unix_socket_connect(&n->fd, n->config.socket, SOCK_STREAM, &err)) {
        n->fd = -1;
        n->owed[i].due_us = clock_mono_us() + n->config.retry_us;
        notify_wake(n);
    } else {
        n->watch = loop_watch(n->config.loop, n->fd, EPOLLIN, on_answer, n);
        n->patience = loop_timer(n->config.loop, PATIENCE_US, 0, on_patience, n);
        /* a few KiB into an empty socket: whole, or he is not listening */
        if (send(n->fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
            over(n, false);
    }
    free(text);
}

/* ---------------------------------------------------------------- whose turn */

static bool take_one(int64_t *left)
{
    if (*left <= 0)
        return false;
    --*left;
    return true;
}

/* A notice met for the first time gets its share of the faults. */
static void meet(struct notify *n, size_t i, int64_t now_us)
{
    struct owed *o = &n->owed[i];
    struct err err = ERR_INIT;

    o->seen = true;
    o->due_us = now_us + n->faults.delay_ms * US_PER_MS;
    if (take_one(&n->faults.drop)) {
        if (!channel_noticed(n->config.channel, i, &err))
            log_error("notice_not_kept", LERR(&err));
        return;
    }
    o->forge = take_one(&n->faults.forge);
    o->repeat = take_one(&n->faults.repeat);
}

static void pump(void *arg)
{
    struct notify *n = arg;
    const struct channel *c = n->config.channel;
    int64_t now = clock_mono_us(), next = INT64_MAX;
    size_t first = SIZE_MAX, last = SIZE_MAX;

    if (n->fd >= 0 || !*n->config.socket)
        return;
    n->owed = mem_grow(n->owed, (c->n_notices + 1) * sizeof *n->owed);
    for (; n->n_owed < c->n_notices; n->n_owed++)
        n->owed[n->n_owed] = (struct owed){.seen = false};
    for (size_t i = 0; i < c->n_notices; i++) {
        if (!c->notices[i].done && !n->owed[i].seen)
            meet(n, i, now);
        if (c->notices[i].done)
            continue;
        if (n->owed[i].due_us > now) {
            next = n->owed[i].due_us < next ? n->owed[i].due_us : next;
            continue;
        }
        first = first == SIZE_MAX ? i : first;
        last = i;
    }
    if (first != SIZE_MAX && first == last && n->faults.reorder > 0)
        first = SIZE_MAX; /* it waits for another one, whose event wakes us */
    else if (first != SIZE_MAX && take_one(&n->faults.reorder))
        first = last;
    if (first != SIZE_MAX)
        send_one(n, first);
    else if (next != INT64_MAX)
        loop_timer_set(n->timer, next - now, 0);
}

void notify_wake(struct notify *n)
{
    loop_timer_set(n->timer, 0, 0);
}

struct notify_faults *notify_faults(struct notify *n)
{
    return &n->faults;
}

void notify_new(struct notify **out, const struct notify_config *config)
{
    struct notify *n = mem_new(sizeof *n);

    n->config = *config;
    n->fd = -1;
    n->timer = loop_timer(config->loop, 0, 0, pump, n);
    *out = n;
}

void notify_free(struct notify *n)
{
    if (!n)
        return;
    hang_up(n);
    loop_untimer(n->timer);
    free(n->owed);
    free(n);
}
