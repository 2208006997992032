/* codec.h - what every codec looks like from outside, and which syntax is whose.
 *
 * A codec gets one frame's whole stream and writes picture_form_bytes() of values where it is told. It checks that the
 * stream is as large as the image module says before it writes the first one.
 */
#pragma once
#include "dicom/decode/picture.h"

/** @param form what the image module says; a codec may change photometric and stored to what it found
 * @param values room for all of them, zeroed
 * @param[out] err ERR_INVALID "codec_failed", "truncated"; ERR_UNSUPPORTED "syntax_unsupported"; ERR_TOO_LARGE */
typedef bool codec_fn(struct picture_form *form, const uint8_t *stream, size_t len, uint8_t *values,
                      struct err *err);

struct codec {
    const char *syntax; /* transfer syntax UID */
    const char *name;
    bool lossy;       /* the syntax allows it */
    codec_fn *decode; /* NULL: native, see codec_native.c */
};
/** NULL: none of ours. */
const struct codec *codec_of(const char *syntax);
/** All of them, ends with syntax NULL: for tests and the README's table. */
extern const struct codec CODECS[];

codec_fn codec_rle, codec_jpeg, codec_jpegls, codec_j2k, codec_htj2k;
/** Native pixel data of frame n. */
bool codec_native(const struct picture_form *form, const struct frames *frames, bool big_endian, uint16_t vr,
                  const uint8_t *bytes, size_t len, uint32_t n, uint8_t *values, struct err *err);

/** "codec_failed" with the reason. */
bool codec_refuse(struct err *err, const char *codec, const char *why);
/** Does a stream fit the image module? Sets "codec_failed" when it does not. */
bool codec_fits(const struct picture_form *form, const char *codec, uint32_t columns, uint32_t rows,
                uint32_t samples, uint32_t bits, struct err *err);
/** Store one value of `form->allocated` bits. */
static inline void codec_put(const struct picture_form *form, uint8_t *values, size_t i, int32_t v)
{
    if (form->allocated <= 8) {
        values[i] = (uint8_t)v;
    } else if (form->allocated == 16) {
        values[2 * i] = (uint8_t)v;
        values[2 * i + 1] = (uint8_t)((uint32_t)v >> 8);
    } else {
        for (int k = 0; k < 4; k++)
            values[4 * i + (size_t)k] = (uint8_t)((uint32_t)v >> (8 * k));
    }
}
/** The low `bits` of v, read as the image module means them: signed or not. */
static inline int32_t codec_sign(const struct picture_form *form, int32_t v, uint32_t bits)
{
    if (!form->is_signed || bits == 0 || bits >= 32)
        return v;
    return (int32_t)((uint32_t)v << (32 - bits)) >> (32 - bits);
}
