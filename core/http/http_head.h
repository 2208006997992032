/* http_head.h - the heads of requests and answers: what is taken from libwebsockets, and what is sent.
 * Runs on the service loop only. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "core/http/request.h"

struct http_app;
struct lws;

/** false for a method nobody here knows. */
bool http_head_method(struct lws *wsi, enum http_method *out);
/** Fill in what the headers say. A header that does not fit is as good as absent, except where absence would be
 * taken for consent: such a one is filled with something its check refuses. */
void http_head_read(struct lws *wsi, const struct http_app *app, struct request *req);
/** The head of req's answer. @return its length, 0 when it does not fit */
size_t http_head_write(const struct request *req, char *out, size_t cap);
