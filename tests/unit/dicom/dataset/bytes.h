/* bytes.h - data sets put together by hand, byte for byte, so that faults can be put in. */
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"

struct bytes {
    uint8_t *p;
    size_t len, cap;
};

static inline void add(struct bytes *b, const void *p, size_t n)
{
    if (b->len + n + 1 > b->cap)
        b->p = mem_grow(b->p, b->cap = (b->len + n + 1) * 2);
    if (n)
        memcpy(b->p + b->len, p, n);
    b->len += n;
}

static inline void add_u16(struct bytes *b, unsigned v)
{
    add(b, (uint8_t[]){(uint8_t)v, (uint8_t)(v >> 8)}, 2);
}

static inline void add_u32(struct bytes *b, uint32_t v)
{
    add_u16(b, v & 0xFFFF);
    add_u16(b, v >> 16);
}

static inline void add_tag(struct bytes *b, uint32_t tag)
{
    add_u16(b, tag >> 16);
    add_u16(b, tag & 0xFFFF);
}

/* Explicit VR little endian; the length may be a lie. */
static inline void add_head(struct bytes *b, uint32_t tag, const char *vr, uint32_t length)
{
    add_tag(b, tag);
    add(b, vr, 2);
    if (strstr("OB OD OF OL OV OW SQ SV UC UN UR UT UV", vr)) {
        add_u16(b, 0);
        add_u32(b, length);
    } else {
        add_u16(b, length);
    }
}

static inline void add_value(struct bytes *b, uint32_t tag, const char *vr, const void *value, size_t n)
{
    static const char pad[] = " ";

    add_head(b, tag, vr, (uint32_t)(n + (n & 1)));
    add(b, value, n);
    add(b, strcmp(vr, "UI") == 0 ? "" : pad, n & 1);
}

static inline void add_text(struct bytes *b, uint32_t tag, const char *vr, const char *text)
{
    add_value(b, tag, vr, text, strlen(text));
}

static inline void add_us(struct bytes *b, uint32_t tag, unsigned v)
{
    add_value(b, tag, "US", (uint8_t[]){(uint8_t)v, (uint8_t)(v >> 8)}, 2);
}

/* Implicit VR little endian. */
static inline void add_implicit(struct bytes *b, uint32_t tag, const void *value, size_t n)
{
    add_tag(b, tag);
    add_u32(b, (uint32_t)n);
    add(b, value, n);
}

static inline void add_item(struct bytes *b, uint32_t length)
{
    add_tag(b, 0xFFFEE000);
    add_u32(b, length);
}

static inline void add_item_end(struct bytes *b)
{
    add_tag(b, 0xFFFEE00D);
    add_u32(b, 0);
}

static inline void add_sequence_end(struct bytes *b)
{
    add_tag(b, 0xFFFEE0DD);
    add_u32(b, 0);
}

/* Preamble, DICM and group 0002. */
static inline void add_meta(struct bytes *b, const char *syntax)
{
    struct bytes group = {0};
    uint8_t preamble[128] = {0};

    add_text(&group, 0x00020002, "UI", "1.2.840.10008.5.1.4.1.1.7");
    add_text(&group, 0x00020003, "UI", "1.2.3.4");
    add_text(&group, 0x00020010, "UI", syntax);
    add(b, preamble, sizeof preamble);
    add(b, "DICM", 4);
    add_head(b, 0x00020000, "UL", 4);
    add_u32(b, (uint32_t)group.len);
    add(b, group.p, group.len);
    free(group.p);
}

#define IMPLICIT_LE "1.2.840.10008.1.2"
#define EXPLICIT_LE "1.2.840.10008.1.2.1"
#define EXPLICIT_BE "1.2.840.10008.1.2.2"
#define DEFLATED    "1.2.840.10008.1.2.1.99"
#define JPEG_LOSS   "1.2.840.10008.1.2.4.70"
