/* Each codec against an encoder: what goes in comes out, whatever the width, the sign and the order of colours; and a stream
 * that is cut or altered is refused or decoded, but nothing else happens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/mem.h"
#include "dicom/decode/job.h"
#include "tests/unit/dicom/decode/encoders.h"
#include "tests/unit/dicom/decode/made.h"
#include "tests/unit/test.h"

#define COLUMNS 61 /* no multiple of 8, nor of anything */
#define ROWS    45

/* A ramp with noise and a flat corner, over the whole range. */
static int32_t *picture(uint32_t samples, uint32_t bits, bool is_signed)
{
    int32_t *v = mem_new(sizeof *v * ROWS * COLUMNS * samples);
    uint32_t seed = 12345 + bits + samples, top = (1u << bits) - 1;

    for (uint32_t i = 0; i < ROWS * COLUMNS * samples; i++) {
        uint32_t x = i / samples % COLUMNS, y = i / samples / COLUMNS;
        seed = seed * 1664525 + 1013904223;
        uint64_t ramp = (uint64_t)top * (x + y + i % samples * 7) / (ROWS + COLUMNS + 14);
        uint32_t noise = (seed >> 16) % (top / 16 + 2), value = (uint32_t)ramp + noise;
        if (x > 40 && y > 30)
            value = x % 2 ? top : 0;
        value = value > top ? top : value;
        v[i] = is_signed ? (int32_t)value - (int32_t)(top / 2 + 1) : (int32_t)value;
    }
    return v;
}

struct source {
    struct source_picture p;
    struct made_image image;
};

static struct source source(uint16_t samples, uint16_t bits, bool is_signed)
{
    struct source s = {.p = {COLUMNS, ROWS, samples, bits, is_signed, picture(samples, bits, is_signed)}};

    s.image = (struct made_image){.rows = ROWS,
                                  .columns = COLUMNS,
                                  .samples = samples,
                                  .allocated = bits <= 8 ? 8 : 16,
                                  .stored = bits,
                                  .is_signed = is_signed,
                                  .photometric = samples == 3 ? "RGB" : "MONOCHROME2"};
    return s;
}

static void source_free(struct source *s)
{
    free((void *)(uintptr_t)s->p.values);
}

/* FRAME of one encapsulated stream. @return values, or NULL with err */
static uint8_t *decode(const char *syntax, const struct made_image *image, const uint8_t *stream, size_t len,
                       struct decode_answer *answer, struct err *err)
{
    const struct decode_params params = {.op = DECODE_FRAME};
    int fd = memfd_create("out", MFD_CLOEXEC);
    uint8_t *values = NULL;
    struct made m;

    made_begin(&m, syntax);
    made_image(&m, image);
    made_fragments(&m, &stream, &len, 1);
    *answer = (struct decode_answer){0};
    if (job_run(&params, m.bytes, m.len, fd, answer, err)) {
        values = mem_new(answer->bytes);
        CHECK_INT(pread(fd, values, answer->bytes, 0), answer->bytes);
    }
    close(fd);
    made_free(&m);
    return values;
}

static int32_t value(const struct made_image *image, const uint8_t *values, size_t i)
{
    if (image->allocated == 8)
        return image->is_signed ? (int8_t)values[i] : values[i];
    uint16_t v = (uint16_t)(values[2 * i] | values[2 * i + 1] << 8);
    return image->is_signed ? (int16_t)v : v;
}

/* Decode and compare; tolerance 0: exactly. Frees the stream. */
static void comes_back(const char *syntax, const struct source *s, uint8_t *stream, size_t len,
                       int32_t tolerance)
{
    struct decode_answer answer;
    struct err err = ERR_INIT;

    CHECK(stream);
    uint8_t *values = decode(syntax, &s->image, stream, len, &answer, &err);
    CHECK_STR(err.text, "");
    CHECK(values);
    for (size_t i = 0; i < (size_t)ROWS * COLUMNS * s->p.samples; i++) {
        int32_t d = value(&s->image, values, i) - s->p.values[i];
        if (d < -tolerance || d > tolerance) {
            printf("value %zu of %s: %d instead of %d\n", i, syntax, value(&s->image, values, i),
                   s->p.values[i]);
            CHECK(false);
        }
    }
    free(values);
    free(stream);
}

/* Cut at many places and with many bytes turned: refused or decoded, and the sanitizers have nothing to say. */
static void survives(const char *syntax, const struct source *s, uint8_t *stream, size_t len)
{
    struct decode_answer answer;

    for (size_t cut = 0; cut < 40; cut++) {
        struct err err = ERR_INIT;
        uint8_t *values = decode(syntax, &s->image, stream, len * cut / 40, &answer, &err);
        CHECK((values != NULL) == (err.code == ERR_NONE));
        free(values);
    }
    for (size_t i = 0; i < 120; i++) {
        struct err err = ERR_INIT;
        size_t at = i < 60 ? i % len : i * 7919 % len;
        uint8_t was = stream[at];
        stream[at] ^= (uint8_t)(1u << i % 8 | (i % 3 ? 0 : 0x55));
        uint8_t *values = decode(syntax, &s->image, stream, len, &answer, &err);
        CHECK((values != NULL) == (err.code == ERR_NONE));
        stream[at] = was;
        free(values);
    }
    free(stream);
}

#define RLE      "1.2.840.10008.1.2.5"
#define BASELINE "1.2.840.10008.1.2.4.50"
#define EXTENDED "1.2.840.10008.1.2.4.51"
#define LOSSLESS "1.2.840.10008.1.2.4.57"
#define JPEGLS   "1.2.840.10008.1.2.4.80"
#define NEAR     "1.2.840.10008.1.2.4.81"
#define J2K      "1.2.840.10008.1.2.4.90"
#define HTJ2K    "1.2.840.10008.1.2.4.201"

static const struct {
    uint16_t samples, bits;
    bool is_signed;
} KINDS[] = {{1, 8, false}, {1, 12, false}, {1, 12, true}, {1, 16, false}, {1, 16, true}, {3, 8, false}};

TEST(codec, rle_comes_back)
{
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        struct source s = source(KINDS[k].samples, KINDS[k].bits, KINDS[k].is_signed);
        size_t len;
        uint8_t *stream = encode_rle(&s.p, s.image.allocated, &len);
        comes_back(RLE, &s, stream, len, 0);
        source_free(&s);
    }
}

TEST(codec, jpeg_lossless_comes_back_by_every_predictor)
{
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        struct source s = source(KINDS[k].samples, KINDS[k].bits, KINDS[k].is_signed);
        size_t len;
        for (unsigned predictor = 1; predictor <= 7; predictor++) {
            uint8_t *stream = encode_jpeg_lossless(&s.p, predictor, 0, predictor % 3 * 7, &len);
            comes_back(LOSSLESS, &s, stream, len, 0);
        }
        source_free(&s);
    }
}

TEST(codec, jpeg_lossless_with_a_point_transform_loses_those_bits_only)
{
    struct source s = source(1, 12, false);
    int32_t *v = (int32_t *)(uintptr_t)s.p.values;
    size_t len;

    for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++)
        v[i] &= ~3;
    uint8_t *stream = encode_jpeg_lossless(&s.p, 4, 2, 0, &len);
    comes_back(LOSSLESS, &s, stream, len, 0);
    source_free(&s);
}

TEST(codec, jpeg_dct_of_12_and_8_bits_comes_back_to_a_grey_level)
{
    struct source twelve = source(1, 12, false), eight = source(1, 8, false), colour = source(3, 8, false);
    size_t len;
    uint8_t *stream = encode_jpeg_dct(&twelve.p, &len);

    comes_back(EXTENDED, &twelve, stream, len, 2);
    stream = encode_jpeg_dct(&eight.p, &len); /* ours encoded, libjpeg-turbo decodes */
    comes_back(EXTENDED, &eight, stream, len, 2);
    stream = encode_jpeg_turbo(&eight.p, &len);
    comes_back(BASELINE, &eight, stream, len, 3);
    stream = encode_jpeg_turbo(&colour.p, &len);
    comes_back(BASELINE, &colour, stream, len, 3);
    source_free(&twelve);
    source_free(&eight);
    source_free(&colour);
}

TEST(codec, jpeg_ls_comes_back_in_every_order_of_colours)
{
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        struct source s = source(KINDS[k].samples, KINDS[k].bits, KINDS[k].is_signed);
        size_t len;
        for (int interleave = 0; interleave < (s.p.samples == 3 ? 3 : 1); interleave++) {
            uint8_t *stream = encode_jpegls(&s.p, interleave, 0, &len);
            comes_back(JPEGLS, &s, stream, len, 0);
        }
        if (!s.p.is_signed) {
            uint8_t *stream = encode_jpegls(&s.p, 0, 3, &len);
            comes_back(NEAR, &s, stream, len, 3);
        }
        source_free(&s);
    }
}

static void every_kind_comes_back(const char *syntax,
                                  uint8_t *(*encode)(const struct source_picture *p, size_t *len))
{
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        struct source s = source(KINDS[k].samples, KINDS[k].bits, KINDS[k].is_signed);
        size_t len;
        uint8_t *stream = encode(&s.p, &len);
        comes_back(syntax, &s, stream, len, 0);
        source_free(&s);
    }
}

TEST(codec, jpeg_2000_comes_back)
{
    every_kind_comes_back(J2K, encode_j2k);
}

TEST(codec, htj2k_comes_back)
{
    every_kind_comes_back(HTJ2K, encode_htj2k);
}

TEST(codec, cut_and_altered_streams_are_refused_or_decoded_and_nothing_else)
{
    struct source grey = source(1, 12, false), colour = source(3, 8, false);
    size_t len;
    uint8_t *stream = encode_rle(&colour.p, 8, &len);

    survives(RLE, &colour, stream, len);
    stream = encode_jpeg_lossless(&grey.p, 5, 0, 9, &len);
    survives(LOSSLESS, &grey, stream, len);
    stream = encode_jpeg_dct(&grey.p, &len);
    survives(EXTENDED, &grey, stream, len);
    stream = encode_jpeg_turbo(&colour.p, &len);
    survives(BASELINE, &colour, stream, len);
    stream = encode_jpegls(&colour.p, 1, 0, &len);
    survives(JPEGLS, &colour, stream, len);
    source_free(&grey);
    source_free(&colour);
}

/* A picture with its end missing is not a picture, whatever the codec would make of it. */
TEST(codec, half_a_stream_is_never_a_picture)
{
    struct source s = source(1, 12, false);
    struct decode_answer answer;
    size_t len;
    struct {
        const char *syntax;
        uint8_t *stream;
        size_t len;
    } all[6] = {{.syntax = RLE},    {.syntax = LOSSLESS}, {.syntax = EXTENDED},
                {.syntax = JPEGLS}, {.syntax = J2K},      {.syntax = HTJ2K}};

    all[0].stream = encode_rle(&s.p, 16, &all[0].len);
    all[1].stream = encode_jpeg_lossless(&s.p, 1, 0, 0, &all[1].len);
    all[2].stream = encode_jpeg_dct(&s.p, &all[2].len);
    all[3].stream = encode_jpegls(&s.p, 0, 0, &all[3].len);
    all[4].stream = encode_j2k(&s.p, &all[4].len);
    all[5].stream = encode_htj2k(&s.p, &all[5].len);
    for (int i = 0; i < 6; i++) {
        struct err err = ERR_INIT;
        len = all[i].len / 2;
        uint8_t *values = decode(all[i].syntax, &s.image, all[i].stream, len, &answer, &err);
        if (values)
            printf("%s: half a stream became a picture\n", all[i].syntax);
        CHECK(!values);
        CHECK(strcmp(err.reason, "truncated") == 0 || strcmp(err.reason, "codec_failed") == 0);
        free(all[i].stream);
    }
    source_free(&s);
}

TEST(codec, a_stream_of_another_size_than_the_image_module_says_is_refused)
{
    struct source s = source(1, 8, false);
    struct decode_answer answer;
    struct err err = ERR_INIT;
    size_t len;
    uint8_t *stream = encode_jpegls(&s.p, 0, 0, &len);

    s.image.rows = ROWS * 2;
    CHECK(!decode(JPEGLS, &s.image, stream, len, &answer, &err));
    CHECK_STR(err.reason, "codec_failed");
    free(stream);
    source_free(&s);
}

TEST(codec, a_lossless_stream_behind_the_label_of_baseline_is_decoded_as_what_it_is)
{
    struct source s = source(1, 16, false);
    size_t len;
    uint8_t *stream = encode_jpeg_lossless(&s.p, 1, 0, 0, &len);

    comes_back(BASELINE, &s, stream, len, 0);
    source_free(&s);
}

TEST(codec, a_syntax_nobody_decodes_is_named_so)
{
    struct source s = source(1, 8, false);
    struct decode_answer answer;
    struct err err = ERR_INIT;

    CHECK(!decode("1.2.840.10008.1.2.4.100", &s.image, (const uint8_t *)"mpeg", 4, &answer, &err));
    CHECK_INT(err.code, ERR_UNSUPPORTED);
    CHECK_STR(err.reason, "syntax_unsupported");
    source_free(&s);
}
