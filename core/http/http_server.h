/* http_server.h - libwebsockets as we let it be: HTTP/1.1 and WebSockets on a unix socket behind nginx.
 *
 * Owns    the lws context, every connection, and the pumping of core's loop: loop_fd() is adopted as a raw file,
 *         so one thread and one poll() carry both.
 * Knows   no accounts and no other process: the daemon says in struct http_app which addresses there are, and is
 *         called with each request that passed the gate (address, method, length, type).
 * Guards  http.md's traps, each marked with its number where it is met; the h2c guard of media.md 5.3.
 * Runs on the service loop only. One server per process.
 */
#pragma once
#include <stddef.h>
#include "core/err.h"
#include "core/http/request.h"
#include "core/http/route.h"

struct http_server;
struct loop;
struct lws;

/* Live sockets, when a daemon has any. sock is whatever open() gave. */
struct http_sockets {
    /** The handshake's status; 101 when it may go on. req holds head and path and is borrowed for the call. */
    unsigned (*open)(void **sock, const struct request *req, struct lws *wsi);
    void (*established)(void *sock);
    bool (*receive)(void *sock, const void *in, size_t len, bool first, bool final, bool binary);
    bool (*writable)(void *sock);
    void (*closed)(void *sock);
};

/* What a daemon tells its server; borrowed for the server's life. */
struct http_app {
    const char *name;  /* "signald", for logs */
    const char *title; /* of the Server header */
    void *arg;         /* req->app */
    struct loop *loop;
    struct route_table routes;
    const char *cookie; /* the one whose value is kept, or NULL */
    const char *const
        *headers; /* more headers to keep ("x-body-file:"), at most REQUEST_KEPT, NULL last; or NULL */
    /** Head read and route found, body still to come. false: it has answered. NULL: everything may pass. */
    bool (*may_pass)(struct request *req);
    /** The whole body is there. Answers once, now or later; ERR: req->handed is set already. */
    void (*routed)(struct request *req);
    const struct http_sockets *sockets; /* NULL: upgrades are refused */
    void (*stopping)(void *arg);        /* the loop has stopped: say goodbye; NULL when there is nobody */
};

/** Listen on path (mode 0660). ERR_CONFLICT "socket_in_use" when another process answers there. */
bool http_server_new(struct http_server **out, const struct http_app *app, const char *path, struct err *err);
/** Serve until the loop is stopped. */
void http_server_run(struct http_server *h);
void http_server_free(struct http_server *h);

/* For live sockets: the little of lws they need. */
void http_server_want_write(struct lws *wsi);
/** Ends the connection soon, from anywhere. */
void http_server_kill(struct lws *wsi);
/** One text frame. buf has room for LWS_PRE bytes in front of text. */
bool http_server_write_text(struct lws *wsi, char *text, size_t len);
bool http_server_choked(struct lws *wsi);
#define HTTP_SERVER_PRE 16 /* at least LWS_PRE */
