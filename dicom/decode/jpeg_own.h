/* jpeg_own.h - the JPEG processes libjpeg-turbo does not decode. */
#pragma once
#include "dicom/decode/codec.h"
#include "dicom/decode/jpeg_stream.h"

/** Process 14 (T.81 Annex H), any predictor, 2 to 16 bits. s stands behind its frame header. */
bool jpeg_lossless(struct picture_form *form, struct jpeg_stream *s, uint8_t *values, struct err *err);
/** Sequential and progressive DCT with Huffman codes, 8 or 12 bits. s stands behind its frame header. */
bool jpeg_dct(struct picture_form *form, struct jpeg_stream *s, uint8_t *values, struct err *err);
