/* encoders.h - streams made by code: the libraries' own encoders, and small ones of ours where no library has one.
 * Values are int32, interleaved; streams are freed with free(). NULL: the encoder refused. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct source_picture {
    uint32_t columns, rows, samples, bits;
    int is_signed;
    const int32_t *values;
};

uint8_t *encode_rle(const struct source_picture *p, uint32_t allocated, size_t *len);
/** Predictor 1 … 7, point transform, restart interval in lines (0: none); one scan of all components. */
uint8_t *encode_jpeg_lossless(const struct source_picture *p, unsigned predictor, unsigned al,
                              unsigned restart_lines, size_t *len);
/** One component, 8 or 12 bits, quantized by 1: what comes back is right to a grey level. */
uint8_t *encode_jpeg_dct(const struct source_picture *p, size_t *len);
/** libjpeg-turbo at quality 100. */
uint8_t *encode_jpeg_turbo(const struct source_picture *p, size_t *len);
/** interleave: 0 planes, 1 lines, 2 pixels; near 0: lossless */
uint8_t *encode_jpegls(const struct source_picture *p, int interleave, int near, size_t *len);
uint8_t *encode_j2k(const struct source_picture *p, size_t *len);
/** Lossless, RPCL. */
uint8_t *encode_htj2k(const struct source_picture *p, size_t *len);

#ifdef __cplusplus
}
#endif
