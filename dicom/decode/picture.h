/* picture.h - one frame of stored values, and what the image module says about them.
 *
 * Owns    struct picture: `values`, freed by picture_free().
 * Runs on the decoder's one thread; trust in the bytes: none.
 * Values  as protocol.h says: little endian, 8, 16, 32 or 64 bits wide, interleaved by pixel.
 */
#pragma once
#include "core/err.h"
#include "dicom/dataset/frames.h"

struct picture_form {
    uint32_t rows, columns, samples;
    uint32_t allocated; /* bits of one stored value: 1, 8, 16, 32, 64 */
    uint32_t stored;    /* of them meaningful */
    bool is_signed, is_float;
    uint32_t planar;
    char photometric[20];
};

struct picture {
    struct picture_form form; /* allocated is at least 8 here; photometric that of the values */
    uint8_t *values;
    size_t len;
};

/** What the data set says, checked: no picture that could not exist.
 * @param[out] err ERR_NOT_FOUND "pixel_data_missing", ERR_UNSUPPORTED "pixel_format", ERR_TOO_LARGE "too_large" */
bool picture_form_read(struct picture_form *out, const struct dataset *ds, struct err *err);
/** Bytes of one frame of such values. */
size_t picture_form_bytes(const struct picture_form *form);

/** Decode frame n (from 0). @param bytes the file that ds was made of
 * @param[out] err as picture_form_read(); ERR_NOT_FOUND "frame_missing"; ERR_INVALID "truncated", "codec_failed", and
 * what frames_find() says; ERR_UNSUPPORTED "syntax_unsupported" */
bool picture_decode(struct picture *out, const struct dataset *ds, const uint8_t *bytes, size_t len,
                    uint32_t n, uint32_t *n_frames, struct err *err);
void picture_free(struct picture *p);
