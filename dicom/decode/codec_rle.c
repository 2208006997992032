/* codec_rle.c - RLE lossless, PS3.5 Annex G: up to 15 byte planes, each packed by runs (PackBits). */
#include <string.h>
#include "dicom/decode/codec.h"

#define HEADER 64

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* One plane into every `step`-th byte. Bytes after the plane is full are padding; a plane that ends early is a fault. */
static bool unpack(const uint8_t *in, size_t len, uint8_t *out, size_t step, size_t count)
{
    size_t done = 0, at = 0;

    while (done < count) {
        if (at >= len)
            return false;
        int8_t n = (int8_t)in[at++];
        if (n == -128)
            continue;
        size_t run = n >= 0 ? (size_t)n + 1 : (size_t)(1 - n), need = n >= 0 ? run : 1;
        if (need > len - at)
            return false;
        for (size_t i = 0; i < run && done < count; i++, done++)
            out[done * step] = in[at + (n >= 0 ? i : 0)];
        at += need;
    }
    return true;
}

bool codec_rle(struct picture_form *f, const uint8_t *stream, size_t len, uint8_t *values, struct err *err)
{
    uint32_t width = f->allocated / 8, segments = width * f->samples;
    size_t pixels = (size_t)f->rows * f->columns;

    if (f->allocated < 8 || segments > 15)
        return err_set(err, ERR_UNSUPPORTED, "pixel_format", "RLE of %u bits", f->allocated);
    if (len < HEADER)
        return err_set(err, ERR_INVALID, "truncated", "RLE: no header");
    if (le32(stream) != segments)
        return codec_refuse(err, "RLE", "the count of segments is not what the image module asks for");
    for (uint32_t s = 0; s < segments; s++) {
        uint32_t begin = le32(stream + 4 + 4 * s);
        uint32_t end =
            s + 1 < segments ? le32(stream + 8 + 4 * s) : (uint32_t)(len < UINT32_MAX ? len : UINT32_MAX);
        if (begin < HEADER || begin > end || end > len)
            return codec_refuse(err, "RLE", "a segment begins where none can");
        /* Most significant byte first (G.2); the values are little endian. */
        size_t sample = s / width, byte = width - 1 - s % width;
        if (!unpack(stream + begin, end - begin, values + sample * width + byte, (size_t)width * f->samples,
                    pixels))
            return err_set(err, ERR_INVALID, "truncated", "RLE: segment %u ends before its plane is full",
                           s + 1);
    }
    return true;
}
