/* render.h - a shaded picture made small and written as JPEG or PNG.
 *
 * Runs on the decoder's one thread.
 */
#pragma once
#include "dicom/decode/shade.h"

/** Fit into width × height (0: no limit on that side) by averaging areas; never enlarged. Changes s. */
bool render_fit(struct shaded *s, uint32_t width, uint32_t height, struct err *err);
/** @param[out] bytes freed by the caller with free() */
bool render_jpeg(const struct shaded *s, unsigned quality, uint8_t **bytes, size_t *len, struct err *err);
bool render_png(const struct shaded *s, uint8_t **bytes, size_t *len, struct err *err);
