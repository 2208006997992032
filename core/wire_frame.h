/* wire_frame.h - a frame being written, shared by wire.c and wire_frame.c only. */
#pragma once
#include "core/wire.h"

#define WIRE_HEAD 16

struct wire_out {
    struct wire *wire;
    struct wire_out *next; /* in the sending queue */
    uint8_t *data;         /* head and payload */
    size_t len, cap;
    bool too_long; /* a put did not fit; wire_send() says so once */
    int fd;        /* rides along; ours to close, or -1 */
};

struct wire_out *wire_frame_new(struct wire *w, uint16_t type, uint64_t request_id);
/** Write the length into the head; false when the frame is too long. */
bool wire_frame_seal(struct wire_out *o);
void wire_frame_free(struct wire_out *o);
