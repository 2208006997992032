/* wire.h - framed, typed messages between our processes. SEQPACKET on one node; the carrier between nodes
 * (NATS) comes behind this same header.
 *
 * Frame   u16 version | u16 type | u32 length | u64 request_id | payload, little endian, at most WIRE_MAX bytes.
 *         The payload is read in order by the getters; bytes left over, or missing, are a protocol error and
 *         close the connection: both ends are ours, so it is a bug and is logged as one.
 * Owns    wire_server its accepted connections; strings handed to wire_put_* are copied; wire_get_* lend from
 *         the frame. wire_server_free() calls on_close for each connection still open.
 * Runs on one loop. Callbacks come from the loop, never from inside wire_connect() or wire_send(). Sending
 *         never blocks: frames queue up to WIRE_QUEUE_MAX bytes, after which wire_begin() gives NULL.
 * Peers are checked with SO_PEERCRED: another uid (root aside) is refused.
 */
#pragma once
#include <stdint.h>
#include "core/loop.h"

#define WIRE_VERSION   1
#define WIRE_MAX       (128 * 1024)
#define WIRE_QUEUE_MAX (16 * 1024 * 1024)

struct wire; /* one connection */
struct wire_server;
struct wire_out;

struct wire_in { /* a received frame and the reading position; lent to the callback */
    uint16_t type;
    uint64_t request_id;
    const uint8_t *data;
    size_t len, at;
    bool bad; /* a getter ran past the end; once set, getters give zero values */
    int fd;   /* came along (SCM_RIGHTS), or -1; the callback that wants it sets this to -1 and owns it */
};

struct wire_events {
    void (*on_open)(void *arg, struct wire *w);
    void (*on_message)(void *arg, struct wire *w, struct wire_in *in);
    /* Server side: the wire is gone after this returns. Client side: it reconnects by itself. */
    void (*on_close)(void *arg, struct wire *w);
    void *arg;
};

bool wire_listen(struct wire_server **out, struct loop *l, const char *path, struct wire_events ev,
                 struct err *err);
void wire_server_free(struct wire_server *s);
/** Connect now and again for ever (100 ms … 2 s between tries); on_open at each success. Never fails at once.
 */
struct wire *wire_connect(struct loop *l, const char *path, struct wire_events ev);
/** No callback follows, not even on_close; frames still queued are tried once. Safe inside a callback; NULL
 * is fine. */
void wire_close(struct wire *w);
bool wire_is_open(const struct wire *w);
void wire_set_data(struct wire *w, void *data); /* the server's own struct for a connection */
void *wire_data(const struct wire *w);

/** NULL when not connected or the queue is full: say ERR_AGAIN to whoever asked, never wait. */
struct wire_out *wire_begin(struct wire *w, uint16_t type, uint64_t request_id);
void wire_put_u8(struct wire_out *o, uint8_t v);
void wire_put_u16(struct wire_out *o, uint16_t v);
void wire_put_u32(struct wire_out *o, uint32_t v);
void wire_put_u64(struct wire_out *o, uint64_t v);
void wire_put_i64(struct wire_out *o, int64_t v);
void wire_put_bytes(struct wire_out *o, const void *data, size_t len); /* u32 length first */
void wire_put_str(struct wire_out *o, const char *s);                  /* NULL is sent as "" */
/** A descriptor to ride along; duplicated. One per frame. */
void wire_put_fd(struct wire_out *o, int fd);
/** false: too long for WIRE_MAX (logged); nothing was sent. */
bool wire_send(struct wire_out *o);
/** A begun frame that is not wanted after all; NULL is fine. */
void wire_abandon(struct wire_out *o);

uint8_t wire_get_u8(struct wire_in *in);
uint16_t wire_get_u16(struct wire_in *in);
uint32_t wire_get_u32(struct wire_in *in);
uint64_t wire_get_u64(struct wire_in *in);
int64_t wire_get_i64(struct wire_in *in);
const uint8_t *wire_get_bytes(struct wire_in *in, size_t *len); /* lent */
/** Copies at most cap-1 bytes and ends with NUL; longer, or with a NUL inside, sets bad. */
void wire_get_str(struct wire_in *in, char *out, size_t cap);
/** Read a frame's head and point in->data at its payload. false: not a frame of ours. For tests and fuzzing
 * too. */
bool wire_parse(struct wire_in *in, const uint8_t *frame, size_t len);
/** true when everything was read and nothing was missing. Call it before acting on a frame. */
bool wire_end(const struct wire_in *in);
