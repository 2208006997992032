/* store.c - see store.h. Bytes lie in a ring; `pos` counts them for ever, so a slot knows whether it was overwritten. */
#include "media/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"

struct slot {
    uint64_t ext, pos;
    uint16_t len; /* 0: empty */
};

struct store {
    unsigned mask;
    uint32_t bytes;
    uint64_t pos;
    uint8_t *data;
    struct slot slots[];
};

struct store *store_new(unsigned slots, uint32_t bytes)
{
    struct store *s = mem_new(sizeof(*s) + slots * sizeof(s->slots[0]));

    assert(slots && slots <= STORE_SLOTS_MAX && (slots & (slots - 1)) == 0);
    s->mask = slots - 1;
    s->bytes = bytes;
    s->data = mem_new(bytes); /* untouched pages cost nothing */
    return s;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    free(s->data);
    free(s);
}

void store_put(struct store *s, uint64_t ext, const uint8_t *packet, size_t len)
{
    struct slot *slot = &s->slots[ext & s->mask];
    uint32_t at = (uint32_t)(s->pos % s->bytes);

    if (len == 0 || len > UINT16_MAX || len > s->bytes || (slot->len && slot->ext > ext))
        return; /* too late to be asked for */
    if (at + len > s->bytes) {
        s->pos += s->bytes - at;
        at = 0;
    }
    memcpy(s->data + at, packet, len);
    *slot = (struct slot){ext, s->pos, (uint16_t)len};
    s->pos += len;
}

const uint8_t *store_get(const struct store *s, uint64_t ext, size_t *len)
{
    const struct slot *slot = &s->slots[ext & s->mask];

    if (!slot->len || slot->ext != ext || s->pos - slot->pos > s->bytes)
        return NULL;
    *len = slot->len;
    return s->data + slot->pos % s->bytes;
}
