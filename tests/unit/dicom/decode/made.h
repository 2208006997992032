/* made.h - DICOM files made by code, so that codecs are tested where the shared data is not. Explicit little endian but for
 * the pixel data, elements in the order they are put. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct made {
    uint8_t *bytes;
    size_t len;
};

struct made_image {
    uint16_t rows, columns, samples, allocated, stored, is_signed, planar, frames;
    const char *photometric;
};

/** Preamble, File Meta Information, SOP class and instance. */
void made_begin(struct made *m, const char *syntax);
void made_put(struct made *m, uint32_t tag, const char *vr, const void *value, size_t len);
void made_text(struct made *m, uint32_t tag, const char *vr, const char *text);
void made_us(struct made *m, uint32_t tag, uint16_t v);
/** The image module of this picture; no frames element for 0 or 1. */
void made_image(struct made *m, const struct made_image *image);
void made_native(struct made *m, const char *vr, const void *values, size_t len);
/** Encapsulated pixel data: an empty offset table, one fragment per stream. */
void made_fragments(struct made *m, const uint8_t *const *streams, const size_t *lens, size_t n);
void made_free(struct made *m);
