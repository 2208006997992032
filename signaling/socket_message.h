/* socket_message.h - what a browser may say on the live socket, checked as socket.schema.json says. Any thread.
 * Takes bytes, so a fuzz target is five lines. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/err.h"
#include "signaling/coview.h"

enum socket_type {
    SOCKET_HELLO,
    SOCKET_JOIN,
    SOCKET_OFFER,
    SOCKET_LEAVE,
    SOCKET_MUTE,
    SOCKET_MUTE_OTHER,
    SOCKET_VIEW,
    SOCKET_POINTER,
    SOCKET_PING
};

#define SOCKET_MESSAGE_MAX (256 * 1024)
#define SOCKET_HELLO_MAX   4096
#define SOCKET_ID_MAX      64
#define SOCKET_STATE_MAX   4096 /* bytes of a view, as compact JSON */
#define SOCKET_POINT_MAX   1e6

struct socket_message {
    enum socket_type type;
    const char *id;            /* the client's request id, "" when absent */
    int64_t visit_id, seat_id; /* 0 when absent */
    const char *sdp, *resume, *locale;
    bool video; /* kind: video, else audio */
    bool on;
    const json_t *state; /* of a view */
    struct pointer pointer;
    json_t *doc; /* the strings above live here */
};

/** ERR_INVALID "malformed_json", "unknown_message", "field_…"; ERR_TOO_LARGE. Where the text was JSON, out->id is
 * set even on failure, so that the error can name it. socket_message_free() in every case. */
bool socket_message_parse(struct socket_message *out, const uint8_t *text, size_t len, struct err *err);
void socket_message_free(struct socket_message *m);
