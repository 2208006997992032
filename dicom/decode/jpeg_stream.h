/* jpeg_stream.h - markers, tables and bits of a JPEG stream (ITU-T T.81), for the processes libjpeg-turbo does not have:
 * 12 bit DCT and lossless. Ours because no library of Debian 12 offers them to C with headers.
 *
 * Owns    nothing: positions point into the caller's stream.
 * Trust   none in the bytes: every table and length is checked, and reading behind the end gives zeros and is noticed.
 */
#pragma once
#include "core/err.h"
#include <stddef.h>
#include <stdint.h>

enum jpeg_marker {
    MARKER_SOF0 = 0xC0,
    MARKER_SOF1 = 0xC1,
    MARKER_SOF2 = 0xC2,
    MARKER_SOF3 = 0xC3,
    MARKER_DHT = 0xC4,
    MARKER_RST0 = 0xD0,
    MARKER_SOI = 0xD8,
    MARKER_EOI = 0xD9,
    MARKER_SOS = 0xDA,
    MARKER_DQT = 0xDB,
    MARKER_DRI = 0xDD,
    MARKER_APP0 = 0xE0,
    MARKER_APP14 = 0xEE,
};

#define JPEG_COMPONENTS_MAX 4

struct jpeg_component {
    uint8_t id, h, v, tq;
};

/* B.2.2 */
struct jpeg_frame {
    uint8_t process; /* SOF marker, 0: none seen */
    uint8_t precision, n;
    uint32_t rows, columns;
    struct jpeg_component c[JPEG_COMPONENTS_MAX];
    uint8_t h_max, v_max;
};

struct jpeg_huffman {
    bool there;
    uint8_t values[256];
    uint16_t fast[512]; /* of the next 9 bits: length << 8 | value; 0: longer */
    int32_t code_max[18],
        offset[17]; /* of codes with so many bits: the last one, and where its values begin */
};

/* B.2.3 */
struct jpeg_scan {
    uint8_t n, component[JPEG_COMPONENTS_MAX], dc[JPEG_COMPONENTS_MAX], ac[JPEG_COMPONENTS_MAX];
    uint8_t ss, se, ah, al;
};

struct jpeg_stream {
    const uint8_t *at, *end;
    struct jpeg_frame frame;
    struct jpeg_scan scan; /* of the SOS read last */
    struct jpeg_huffman dc[4], ac[4];
    uint16_t quant[4][64]; /* zigzag order */
    bool quant_there[4];
    uint32_t restart; /* MCUs between restart markers; 0: none */
    int adobe;        /* colour transform of the APP14 segment, -1: none */
    bool jfif;
};

void jpeg_open(struct jpeg_stream *s, const uint8_t *bytes, size_t len);
/** Read segments up to and including the next frame header or scan header; the entropy-coded bytes of a scan begin at `at`.
 * @return SOF0..3, SOS, EOI; 0 with err set "codec_failed" or "truncated" */
int jpeg_next(struct jpeg_stream *s, struct err *err);

/* Entropy-coded bits, F.2.2.5. */
struct jpeg_bits {
    const uint8_t *at, *end;
    uint64_t acc; /* the next bits, at the top */
    int n, pad;   /* bits in acc; of them, at the bottom, ones that are not in the stream */
    bool over;    /* such ones were taken */
};
void jpeg_bits_open(struct jpeg_bits *b, const struct jpeg_stream *s);
void jpeg_bits_fill(struct jpeg_bits *b);
/** Were bits taken that the stream does not have? */
static inline bool jpeg_bits_over(const struct jpeg_bits *b)
{
    return b->over || b->n < b->pad;
}
/** At a restart interval's end: go behind the RSTn marker. false: another marker, or none. */
bool jpeg_bits_restart(struct jpeg_bits *b, unsigned number);

/** n bits, 0 … 16, as they stand. */
static inline uint32_t jpeg_bits_get(struct jpeg_bits *b, int n)
{
    if (n == 0)
        return 0;
    if (b->n < n)
        jpeg_bits_fill(b);
    uint32_t v = (uint32_t)(b->acc >> (64 - n));
    b->acc <<= n;
    b->n -= n;
    return v;
}
/** One symbol; -1: no such code. */
int jpeg_symbol(struct jpeg_bits *b, const struct jpeg_huffman *h);
/** A difference of `category` bits, F.2.2.1. */
static inline int32_t jpeg_extend(struct jpeg_bits *b, int category)
{
    int32_t v = (int32_t)jpeg_bits_get(b, category);

    return category && v < 1 << (category - 1) ? v - (1 << category) + 1 : v;
}
