/* http_gate.h - what every request passes before its body is read: address, method, length, type, and the daemon's
 * own question. The first that fails answers.
 * Runs on the service loop only. */
#pragma once
#include "core/http/http_server.h"

enum gate { GATE_ANSWERED, GATE_WANTS_BODY, GATE_READY };

/** With the headers read and the body still to come.
 * @param length   the text of Content-Length, or NULL
 * @param chunked  a Transfer-Encoding header is present */
enum gate http_gate_open(const struct http_app *app, struct request *req, const char *length, bool chunked,
                         size_t *body_len);
