/* http_server.h - libwebsockets as we let it be: HTTP/1.1 and WebSockets on a unix socket behind nginx.
 *
 * Owns    the lws context, every connection, and the pumping of core's loop: loop_fd() is adopted as a raw file,
 *         so one thread and one poll() carry both.
 * Guards  http.md's traps, each marked with its number where it is met; the h2c guard of media.md 5.3.
 * Runs on the service loop only.
 */
#pragma once
#include <stddef.h>
#include "core/err.h"

struct lws;
struct signald;
struct socket;
struct http_server;

/** Listen on path (mode 0660). ERR_CONFLICT "socket_in_use" when another process answers there. */
bool http_server_new(struct http_server **out, struct signald *app, const char *path, struct err *err);
/** Serve until the loop is stopped. */
void http_server_run(struct http_server *h);
void http_server_free(struct http_server *h);

/* For socket.c: the little of lws it needs. */
void http_server_want_write(struct lws *wsi);
/** Ends the connection soon, from anywhere. */
void http_server_kill(struct lws *wsi);
/** One text frame. buf has room for LWS_PRE bytes in front of text. */
bool http_server_write_text(struct lws *wsi, char *text, size_t len);
bool http_server_choked(struct lws *wsi);
#define HTTP_SERVER_PRE 16 /* at least LWS_PRE */
