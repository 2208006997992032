/* shade.h - from stored values to what a screen shows: 8 bit grey or RGB.
 *
 * The chain of PS3.4 Annex N: modality transform, VOI window or table, MONOCHROME1 turned over; palettes and YBR become RGB.
 * Runs on the decoder's one thread.
 */
#pragma once
#include "dicom/decode/picture.h"

struct shade_wish {
    bool window_given;
    double center, breadth; /* LINEAR, in units after the modality transform */
    uint32_t frame;         /* which one the picture is, for per-frame functional groups */
};

struct shaded {
    uint32_t rows, columns, samples; /* 1 or 3 */
    uint8_t *pixels;                 /* freed by the caller with free() */
};

/** @param[out] err ERR_UNSUPPORTED "pixel_format"; ERR_TOO_LARGE "too_large" */
bool shade(struct shaded *out, const struct picture *p, const struct dataset *ds,
           const struct shade_wish *wish, struct err *err);
