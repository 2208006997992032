/* codec_native.c - pixel data that is not compressed: PS3.5 section 8.1 and 8.2, PS3.3 C.7.6.3.1.2. */
#include <string.h>
#include "dicom/decode/codec.h"

/* 1 bit: packed from the lowest bit on, frames without a gap between them; a byte a pixel here. */
static void unpack_bits(const struct picture_form *f, const uint8_t *from, uint64_t first_bit, bool swap,
                        uint8_t *values)
{
    size_t n = (size_t)f->rows * f->columns * f->samples;

    for (size_t i = 0; i < n; i++) {
        uint64_t bit = first_bit + i;
        values[i] = (from[(bit >> 3) ^ (swap ? 1 : 0)] >> (bit & 7)) & 1;
    }
}

/* Y1 Y2 Cb Cr for two pixels in a row: both have the chroma. */
static void spread_422(const struct picture_form *f, const uint8_t *from, uint8_t *values)
{
    size_t pairs = (size_t)f->rows * f->columns / 2;

    for (size_t i = 0; i < pairs; i++, from += 4, values += 6) {
        values[0] = from[0];
        values[3] = from[1];
        values[1] = values[4] = from[2];
        values[2] = values[5] = from[3];
    }
}

/* Values of `width` bytes: big endian ones turned, planes woven into pixels. */
static void copy_values(const struct picture_form *f, const uint8_t *from, bool turn, uint8_t *values)
{
    size_t width = f->allocated / 8, pixels = (size_t)f->rows * f->columns;

    if (!turn && (f->samples == 1 || f->planar == 0)) {
        memcpy(values, from, pixels * f->samples * width);
        return;
    }
    for (size_t i = 0; i < pixels * f->samples; i++) {
        size_t to = f->planar && f->samples > 1 ? (i % pixels) * f->samples + i / pixels : i;
        for (size_t k = 0; k < width; k++)
            values[to * width + k] = from[i * width + (turn ? width - 1 - k : k)];
    }
}

/* 8 bit values in 16 bit words of a big endian data set: each pair stands turned round (PS3.5 A.3, 7.3). */
static void copy_turned_words(const struct picture_form *f, const uint8_t *base, uint64_t at, uint64_t end,
                              uint8_t *values)
{
    size_t pixels = (size_t)f->rows * f->columns;

    for (size_t i = 0; i < pixels * f->samples; i++) {
        size_t to = f->planar && f->samples > 1 ? (i % pixels) * f->samples + i / pixels : i;
        uint64_t byte = (at + i) ^ 1;
        values[to] = base[byte < end ? byte : at + i];
    }
}

bool codec_native(const struct picture_form *f, const struct frames *fr, bool big_endian, uint16_t vr,
                  const uint8_t *bytes, size_t len, uint32_t n, uint8_t *values, struct err *err)
{
    bool sub = strcmp(f->photometric, "YBR_FULL_422") == 0 || strcmp(f->photometric, "YBR_PARTIAL_422") == 0;
    uint64_t first = fr->frame_bits * n, bits = (uint64_t)f->rows * f->columns * f->samples * f->allocated;
    bool words = big_endian && vr == VR_OW;

    if (sub && f->allocated == 8 && f->samples == 3 && f->columns % 2 == 0 && f->planar == 0)
        bits = bits / 3 * 2;
    else
        sub = false;
    if (fr->offset > len || bits > (len - fr->offset) * 8 || first > (len - fr->offset) * 8 - bits ||
        bits != fr->frame_bits)
        return err_set(err, ERR_INVALID, "truncated", "frame %u needs %zu bits, the pixel data has %zu bytes",
                       n + 1, (size_t)bits, fr->offset > len ? 0 : len - (size_t)fr->offset);
    const uint8_t *base = bytes + fr->offset;
    size_t room = len - (size_t)fr->offset;
    if (f->allocated == 1)
        unpack_bits(f, base, first, words && room % 2 == 0, values);
    else if (sub)
        spread_422(f, base + first / 8, values);
    else if (words && f->allocated == 8)
        copy_turned_words(f, base, first / 8, room, values);
    else
        copy_values(f, base + first / 8, big_endian, values);
    return true;
}
