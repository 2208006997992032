#include "core/wire_frame.h"
#include "core/mem.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- writing --- */

static void store(uint8_t *p, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t fetch(const uint8_t *p, size_t bytes)
{
    uint64_t v = 0;

    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint8_t *grow(struct wire_out *o, size_t n)
{
    if (o->too_long || n > WIRE_MAX - o->len) {
        o->too_long = true;
        return NULL;
    }
    if (o->len + n > o->cap) {
        o->cap = o->len + n > 2 * o->cap ? o->len + n : 2 * o->cap;
        o->data = mem_grow(o->data, o->cap);
    }
    o->len += n;
    return o->data + o->len - n;
}

static void put(struct wire_out *o, uint64_t v, size_t bytes)
{
    uint8_t *p = grow(o, bytes);

    if (p)
        store(p, v, bytes);
}

struct wire_out *wire_frame_new(struct wire *w, uint16_t type, uint64_t request_id)
{
    struct wire_out *o = mem_new(sizeof *o);

    o->wire = w;
    o->fd = -1;
    o->cap = 256;
    o->data = mem_grow(NULL, o->cap);
    put(o, WIRE_VERSION, 2);
    put(o, type, 2);
    put(o, 0, 4);
    put(o, request_id, 8);
    return o;
}

bool wire_frame_seal(struct wire_out *o)
{
    if (o->too_long)
        return false;
    store(o->data + 4, o->len - WIRE_HEAD, 4);
    return true;
}

void wire_frame_free(struct wire_out *o)
{
    if (!o)
        return;
    if (o->fd >= 0)
        close(o->fd);
    free(o->data);
    free(o);
}

void wire_abandon(struct wire_out *o)
{
    wire_frame_free(o);
}

void wire_put_u8(struct wire_out *o, uint8_t v)
{
    put(o, v, 1);
}

void wire_put_u16(struct wire_out *o, uint16_t v)
{
    put(o, v, 2);
}

void wire_put_u32(struct wire_out *o, uint32_t v)
{
    put(o, v, 4);
}

void wire_put_u64(struct wire_out *o, uint64_t v)
{
    put(o, v, 8);
}

void wire_put_i64(struct wire_out *o, int64_t v)
{
    put(o, (uint64_t)v, 8);
}

void wire_put_bytes(struct wire_out *o, const void *data, size_t len)
{
    uint8_t *p = len <= WIRE_MAX ? grow(o, 4 + len) : NULL;

    if (!p) {
        o->too_long = true;
        return;
    }
    store(p, len, 4);
    if (len)
        memcpy(p + 4, data, len);
}

void wire_put_str(struct wire_out *o, const char *s)
{
    wire_put_bytes(o, s, s ? strlen(s) : 0);
}

void wire_put_fd(struct wire_out *o, int fd)
{
    if (o->fd >= 0)
        abort(); /* one per frame: our bug */
    o->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (o->fd < 0)
        o->too_long = true; /* out of descriptors: the frame without it would mean something else */
}

/* --- reading --- */

bool wire_parse(struct wire_in *in, const uint8_t *frame, size_t len)
{
    *in = (struct wire_in){.fd = -1};
    if (len < WIRE_HEAD || len > WIRE_MAX || fetch(frame, 2) != WIRE_VERSION ||
        fetch(frame + 4, 4) != len - WIRE_HEAD)
        return false;
    in->type = (uint16_t)fetch(frame + 2, 2);
    in->request_id = fetch(frame + 8, 8);
    in->data = frame + WIRE_HEAD;
    in->len = len - WIRE_HEAD;
    return true;
}

static const uint8_t *take(struct wire_in *in, size_t n)
{
    if (in->bad || n > in->len - in->at) {
        in->bad = true;
        return NULL;
    }
    in->at += n;
    return in->data + in->at - n;
}

static uint64_t get(struct wire_in *in, size_t bytes)
{
    const uint8_t *p = take(in, bytes);

    return p ? fetch(p, bytes) : 0;
}

uint8_t wire_get_u8(struct wire_in *in)
{
    return (uint8_t)get(in, 1);
}

uint16_t wire_get_u16(struct wire_in *in)
{
    return (uint16_t)get(in, 2);
}

uint32_t wire_get_u32(struct wire_in *in)
{
    return (uint32_t)get(in, 4);
}

uint64_t wire_get_u64(struct wire_in *in)
{
    return get(in, 8);
}

int64_t wire_get_i64(struct wire_in *in)
{
    return (int64_t)get(in, 8);
}

const uint8_t *wire_get_bytes(struct wire_in *in, size_t *len)
{
    size_t n = wire_get_u32(in);
    const uint8_t *p = take(in, n);

    *len = p ? n : 0;
    return p ? p : (const uint8_t *)""; /* never NULL: memcpy of nothing stays defined */
}

void wire_get_str(struct wire_in *in, char *out, size_t cap)
{
    size_t n;
    const uint8_t *p = wire_get_bytes(in, &n);

    if (n >= cap || memchr(p, '\0', n)) {
        in->bad = true;
        n = 0;
    }
    memcpy(out, p, n);
    out[n] = '\0';
}

bool wire_end(const struct wire_in *in)
{
    return !in->bad && in->at == in->len;
}
