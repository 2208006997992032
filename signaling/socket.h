/* socket.h - one open window: what it may send, what waits for it, and who sits behind it.
 *
 * Owns    every live socket by reference count (the connection holds one; work on its way holds others), its
 *         queue of outgoing text, its half-received message.
 * Limits  message 256 KiB (4 KiB before hello), 50 a second with a burst of 100, 20 sockets per account, hello
 *         within 5 s, 1 MiB waiting to be read by a slow reader; then `bye` and the end.
 * Runs on the service loop only. What messages mean stands in live.c.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/err.h"
#include "core/http/problem.h"
#include "core/ids.h"
#include "signaling/limiter.h"

struct http_sockets;
struct identity;
struct lws;
struct queued;
struct seat;
struct signald;
struct sockets;

enum socket_state { SOCKET_NEW, SOCKET_READY, SOCKET_ENDING };

struct socket {
    uint32_t magic;
    int refs;
    struct sockets *owner;
    struct lws *wsi; /* NULL when it is gone */
    enum socket_state state;
    struct identity *who; /* NULL until recognised */
    enum locale locale;
    char id[ID_RANDOM_TEXT];
    char resume[44];
    char ip[48];
    char bye[32];       /* the reason, once it ends */
    struct seat *seats; /* taken by this window; chained by seat->next_of_socket */
    bool exempt;        /* a load test on this machine */
    /* private to socket.c */
    bool established; /* the 101 has left */
    uint8_t *rx;
    size_t rx_len, rx_cap;
    struct bucket pace;
    struct queued *out, **out_end;
    size_t out_bytes;
    uint8_t *early; /* hello, waiting for the identity */
    size_t early_len;
    int64_t opened_us;
    struct socket *prev, *next;
};

struct sockets *sockets_new(struct signald *app);
void sockets_free(struct sockets *s);
/** Every ready one, in no order; fn may end the one it is called with. */
void sockets_each(struct sockets *s, void (*fn)(void *arg, struct socket *sock), void *arg);
unsigned sockets_count(const struct sockets *s);
/** Close all with `bye`. */
void sockets_bye(struct sockets *s, const char *reason);
/** End every socket of an account (logout), or of one session (session_id not 0). */
void sockets_end_account(struct sockets *s, int64_t account_id, int64_t session_id, const char *reason);

/** What the HTTP server calls. */
extern const struct http_sockets SOCKET_HOOKS;

struct signald *socket_app(const struct socket *sock);
struct socket *socket_ref(struct socket *sock);
void socket_unref(struct socket *sock);
bool socket_is_open(const struct socket *sock);
/** doc is taken. Silently dropped when the socket is ending. */
void socket_send(struct socket *sock, json_t *doc);
void socket_error(struct socket *sock, const char *request_id, const struct err *err);
void socket_end(struct socket *sock, const char *reason);

/* One text for many sockets: printed once. */
struct socket_text;
struct socket_text *socket_text_new(const json_t *doc);
void socket_text_unref(struct socket_text *t);
void socket_send_text(struct socket *sock, struct socket_text *t);
