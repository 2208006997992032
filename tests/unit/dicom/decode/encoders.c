#include "tests/unit/dicom/decode/encoders.h"
#include <charls/charls.h>
#include <openjpeg.h>
#include <stdio.h>
#include <jpeglib.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"

static uint16_t word(const struct source_picture *p, size_t i)
{
    return (uint16_t)((uint32_t)p->values[i] & ((1u << p->bits) - 1));
}

/* Bytes or 16 bit words, as libraries want them. */
static uint8_t *packed(const struct source_picture *p, bool planes, size_t *len)
{
    size_t pixels = (size_t)p->rows * p->columns, n = pixels * p->samples, width = p->bits <= 8 ? 1 : 2;
    uint8_t *out = mem_new(n * width);

    for (size_t i = 0; i < n; i++) {
        size_t at = planes ? (i % p->samples) * pixels + i / p->samples : i;
        out[at * width] = (uint8_t)word(p, i);
        if (width == 2)
            out[at * width + 1] = (uint8_t)(word(p, i) >> 8);
    }
    *len = n * width;
    return out;
}

uint8_t *encode_rle(const struct source_picture *p, uint32_t allocated, size_t *len)
{
    size_t pixels = (size_t)p->rows * p->columns, at = 64;
    uint32_t width = allocated / 8, segments = width * p->samples;
    uint8_t *out = mem_new(64 + segments * (2 * pixels + 2));

    out[0] = (uint8_t)segments;
    for (uint32_t s = 0; s < segments; s++) {
        for (int k = 0; k < 4; k++)
            out[4 + 4 * s + (uint32_t)k] = (uint8_t)(at >> (8 * k));
        for (size_t i = 0; i < pixels;) { /* runs of equal bytes, everything else one by one */
            unsigned shift = 8 * (width - 1 - s % width);
            uint8_t byte = (uint8_t)((uint32_t)p->values[i * p->samples + s / width] >> shift);
            size_t run = 1;
            while (run < 128 && i + run < pixels &&
                   (uint8_t)((uint32_t)p->values[(i + run) * p->samples + s / width] >> shift) == byte)
                run++;
            out[at++] = run == 1 ? 0 : (uint8_t)(1 - (int)run);
            out[at++] = byte;
            i += run;
        }
        at += at % 2;
    }
    *len = at;
    return out;
}

/* --- JPEG of our own: Huffman tables whose codes all have one length, so that encoding is counting --- */

struct bits {
    uint8_t *out;
    size_t len;
    uint32_t acc;
    int n;
};

static void byte(struct bits *b, unsigned v)
{
    b->out[b->len++] = (uint8_t)v;
}

static void put(struct bits *b, uint32_t v, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        b->acc = b->acc << 1 | (v >> i & 1);
        if (++b->n == 8) {
            byte(b, b->acc & 0xFF);
            if ((b->acc & 0xFF) == 0xFF)
                byte(b, 0);
            b->n = 0;
        }
    }
}

static void flush(struct bits *b)
{
    while (b->n)
        put(b, 1, 1);
}

static void segment(struct bits *b, unsigned marker, const uint8_t *data, size_t len)
{
    byte(b, 0xFF);
    byte(b, marker);
    byte(b, (unsigned)(len + 2) >> 8);
    byte(b, (unsigned)(len + 2) & 0xFF);
    for (size_t i = 0; i < len; i++)
        byte(b, data[i]);
}

/* `count` symbols 0, 1, 2 … with codes of `length` bits each. */
static void table(struct bits *b, uint8_t id, int length, int count)
{
    uint8_t t[17 + 256] = {id};

    t[length] = (uint8_t)count;
    for (int i = 0; i < count; i++)
        t[17 + i] = (uint8_t)i;
    segment(b, 0xC4, t, 17 + (size_t)count);
}

static void frame(struct bits *b, const struct source_picture *p, unsigned marker)
{
    uint8_t sof[6 + 9] = {(uint8_t)p->bits,           (uint8_t)(p->rows >> 8), (uint8_t)p->rows,
                          (uint8_t)(p->columns >> 8), (uint8_t)p->columns,     (uint8_t)p->samples};

    for (uint32_t c = 0; c < p->samples; c++) {
        sof[6 + 3 * c] = (uint8_t)(c + 1);
        sof[7 + 3 * c] = 0x11;
    }
    segment(b, marker, sof, 6 + 3 * (size_t)p->samples);
}

static void scan(struct bits *b, uint32_t samples, unsigned ss, unsigned se, unsigned al)
{
    uint8_t sos[4 + 6] = {(uint8_t)samples};

    for (uint32_t c = 0; c < samples; c++)
        sos[1 + 2 * c] = (uint8_t)(c + 1);
    sos[1 + 2 * samples] = (uint8_t)ss;
    sos[2 + 2 * samples] = (uint8_t)se;
    sos[3 + 2 * samples] = (uint8_t)al;
    segment(b, 0xDA, sos, 4 + 2 * (size_t)samples);
}

static int category(int32_t v)
{
    int n = 0;

    for (uint32_t a = (uint32_t)(v < 0 ? -v : v); a; a >>= 1)
        n++;
    return n;
}

static void amount(struct bits *b, int32_t v, int n)
{
    put(b, (uint32_t)(v < 0 ? v + (1 << n) - 1 : v), n);
}

static int32_t predicted(const struct source_picture *p, uint32_t x, uint32_t y, uint32_t c,
                         unsigned predictor, unsigned al, bool fresh)
{
    size_t stride = (size_t)p->columns * p->samples, i = y * stride + (size_t)x * p->samples + c;
    int32_t ra = x ? word(p, i - p->samples) >> al : 0, rb = !fresh ? word(p, i - stride) >> al : 0;
    int32_t rc = x && !fresh ? word(p, i - stride - p->samples) >> al : 0;

    if (fresh)
        return x ? ra : 1 << (p->bits - al - 1);
    if (x == 0)
        return rb;
    switch (predictor) {
    case 1:
        return ra;
    case 2:
        return rb;
    case 3:
        return rc;
    case 4:
        return ra + rb - rc;
    case 5:
        return ra + ((rb - rc) >> 1);
    case 6:
        return rb + ((ra - rc) >> 1);
    default:
        return (ra + rb) >> 1;
    }
}

uint8_t *encode_jpeg_lossless(const struct source_picture *p, unsigned predictor, unsigned al,
                              unsigned restart_lines, size_t *len)
{
    struct bits b = {.out = mem_new(1024 + (size_t)p->rows * (p->columns * p->samples * 6 + 8))};
    unsigned interval = restart_lines * p->columns, restarts = 0;

    byte(&b, 0xFF);
    byte(&b, 0xD8);
    frame(&b, p, 0xC3);
    table(&b, 0, 5, 17);
    if (interval)
        segment(&b, 0xDD, (uint8_t[]){(uint8_t)(interval >> 8), (uint8_t)interval}, 2);
    scan(&b, p->samples, predictor, 0, al);
    for (uint32_t y = 0; y < p->rows; y++) {
        bool fresh = y == 0 || (restart_lines && y % restart_lines == 0);
        if (fresh && y) {
            flush(&b);
            byte(&b, 0xFF);
            byte(&b, 0xD0 + restarts++ % 8);
        }
        for (uint32_t x = 0; x < p->columns; x++)
            for (uint32_t c = 0; c < p->samples; c++) {
                size_t i = ((size_t)y * p->columns + x) * p->samples + c;
                int32_t d =
                    (int16_t)(uint16_t)((word(p, i) >> al) - predicted(p, x, y, c, predictor, al, fresh));
                int n = d == -32768 ? 16 : category(d);
                put(&b, (uint32_t)n, 5);
                if (n < 16)
                    amount(&b, d, n);
            }
    }
    flush(&b);
    byte(&b, 0xFF);
    byte(&b, 0xD9);
    *len = b.len;
    return b.out;
}

/* Forward DCT of A.3.3, as slow as it is written there. */
static void forward(const double in[64], double out[64])
{
    for (int v = 0; v < 8; v++)
        for (int u = 0; u < 8; u++) {
            double sum = 0;
            for (int y = 0; y < 8; y++)
                for (int x = 0; x < 8; x++)
                    sum += in[8 * y + x] * __builtin_cos((2 * x + 1) * u * 3.14159265358979 / 16) *
                           __builtin_cos((2 * y + 1) * v * 3.14159265358979 / 16);
            out[8 * v + u] = sum / 4 * (u ? 1 : 0.70710678118655) * (v ? 1 : 0.70710678118655);
        }
}

static void zigzag_order(int order[64])
{
    int x = 0, y = 0;

    for (int k = 0; k < 64; k++) {
        order[k] = 8 * y + x;
        if ((x + y) % 2 == 0) {
            if (x == 7)
                y++;
            else if (y == 0)
                x++;
            else
                x++, y--;
        } else {
            if (y == 7)
                x++;
            else if (x == 0)
                y++;
            else
                x--, y++;
        }
    }
}

static void block(struct bits *b, const struct source_picture *p, uint32_t bx, uint32_t by, int32_t *dc)
{
    double in[64], out[64];
    int order[64], zeros = 0;

    zigzag_order(order);
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t x = bx * 8 + i % 8, y = by * 8 + i / 8;
        x = x < p->columns ? x : p->columns - 1;
        y = y < p->rows ? y : p->rows - 1;
        in[i] = (double)word(p, (size_t)y * p->columns + x) - (1 << (p->bits - 1));
    }
    forward(in, out);
    int32_t d = (int32_t)__builtin_lrint(out[0]), n = category(d - *dc);
    put(b, (uint32_t)n, 5);
    amount(b, d - *dc, n);
    *dc = d;
    for (int k = 1; k < 64; k++) {
        int32_t v = (int32_t)__builtin_lrint(out[order[k]]);
        if (v == 0) {
            zeros++;
            continue;
        }
        for (; zeros > 15; zeros -= 16)
            put(b, 0xF0, 8);
        put(b, (uint32_t)(zeros << 4 | category(v)), 8);
        amount(b, v, category(v));
        zeros = 0;
    }
    if (zeros)
        put(b, 0, 8);
}

uint8_t *encode_jpeg_dct(const struct source_picture *p, size_t *len)
{
    uint32_t across = (p->columns + 7) / 8, down = (p->rows + 7) / 8;
    struct bits b = {.out = mem_new(1024 + (size_t)across * down * 64 * 8)};
    uint8_t quant[65];
    int32_t dc = 0;

    memset(quant, 1, sizeof quant);
    quant[0] = 0;
    byte(&b, 0xFF);
    byte(&b, 0xD8);
    segment(&b, 0xDB, quant, sizeof quant);
    frame(&b, p, 0xC1);
    table(&b, 0x00, 5, 16);
    table(&b, 0x10, 8, 255);
    scan(&b, 1, 0, 63, 0);
    for (uint32_t y = 0; y < down; y++)
        for (uint32_t x = 0; x < across; x++)
            block(&b, p, x, y, &dc);
    flush(&b);
    byte(&b, 0xFF);
    byte(&b, 0xD9);
    *len = b.len;
    return b.out;
}

/* --- the libraries' --- */

uint8_t *encode_jpeg_turbo(const struct source_picture *p, size_t *len)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long n = 0;
    size_t raw_len, stride = (size_t)p->columns * p->samples;
    uint8_t *raw = packed(p, false, &raw_len);

    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &out, &n);
    info.image_width = p->columns;
    info.image_height = p->rows;
    info.input_components = (int)p->samples;
    info.in_color_space = p->samples == 3 ? JCS_YCbCr : JCS_GRAYSCALE;
    jpeg_set_defaults(&info);
    for (int c = 0; c < info.num_components; c++)
        info.comp_info[c].h_samp_factor = info.comp_info[c].v_samp_factor = 1;
    jpeg_set_quality(&info, 100, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = raw + stride * info.next_scanline;
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    free(raw);
    *len = n;
    return out;
}

uint8_t *encode_jpegls(const struct source_picture *p, int interleave, int near, size_t *len)
{
    charls_jpegls_encoder *e = charls_jpegls_encoder_create();
    const charls_frame_info info = {p->columns, p->rows, (int32_t)p->bits, (int32_t)p->samples};
    size_t raw_len, room = 0;
    uint8_t *raw = packed(p, interleave == 0, &raw_len), *out = NULL;

    if (!charls_jpegls_encoder_set_frame_info(e, &info) &&
        !charls_jpegls_encoder_set_near_lossless(e, near) &&
        !charls_jpegls_encoder_set_interleave_mode(e, (charls_interleave_mode)interleave) &&
        !charls_jpegls_encoder_get_estimated_destination_size(e, &room)) {
        out = mem_new(2 * room);
        if (charls_jpegls_encoder_set_destination_buffer(e, out, 2 * room) ||
            charls_jpegls_encoder_encode_from_buffer(e, raw, raw_len, 0) ||
            charls_jpegls_encoder_get_bytes_written(e, len)) {
            free(out);
            out = NULL;
        }
    }
    charls_jpegls_encoder_destroy(e);
    free(raw);
    return out;
}

struct sink {
    uint8_t *out;
    size_t len, at;
};

static OPJ_SIZE_T on_write(void *from, OPJ_SIZE_T n, void *arg)
{
    struct sink *s = arg;

    if (s->at + n > s->len)
        s->out = mem_grow(s->out, s->len = s->at + n);
    memcpy(s->out + s->at, from, n);
    s->at += n;
    return n;
}

static OPJ_BOOL on_seek(OPJ_OFF_T to, void *arg)
{
    ((struct sink *)arg)->at = (size_t)to;
    return OPJ_TRUE;
}

static OPJ_OFF_T on_skip(OPJ_OFF_T n, void *arg)
{
    ((struct sink *)arg)->at += (size_t)n;
    return n;
}

static opj_image_t *j2k_image(const struct source_picture *p)
{
    opj_image_cmptparm_t parts[3];
    size_t pixels = (size_t)p->rows * p->columns;

    memset(parts, 0, sizeof parts);
    for (uint32_t c = 0; c < p->samples; c++)
        parts[c] = (opj_image_cmptparm_t){.dx = 1,
                                          .dy = 1,
                                          .w = p->columns,
                                          .h = p->rows,
                                          .prec = p->bits,
                                          .sgnd = (OPJ_UINT32)p->is_signed};
    opj_image_t *image =
        opj_image_create(p->samples, parts, p->samples == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY);
    image->x1 = p->columns;
    image->y1 = p->rows;
    for (size_t i = 0; i < pixels * p->samples; i++)
        image->comps[i % p->samples].data[i / p->samples] = p->values[i];
    return image;
}

uint8_t *encode_j2k(const struct source_picture *p, size_t *len)
{
    opj_codec_t *codec = opj_create_compress(OPJ_CODEC_J2K);
    opj_stream_t *stream = opj_stream_create(1 << 16, OPJ_FALSE);
    opj_image_t *image = j2k_image(p);
    opj_cparameters_t parameters;
    struct sink s = {0};

    opj_set_default_encoder_parameters(&parameters);
    parameters.tcp_numlayers = 1;
    parameters.cp_disto_alloc = 1;
    parameters.numresolution = 3;
    parameters.tcp_mct = p->samples == 3;
    opj_stream_set_user_data(stream, &s, NULL);
    opj_stream_set_write_function(stream, on_write);
    opj_stream_set_seek_function(stream, on_seek);
    opj_stream_set_skip_function(stream, on_skip);
    bool ok = opj_setup_encoder(codec, &parameters, image) && opj_start_compress(codec, image, stream) &&
              opj_encode(codec, stream) && opj_end_compress(codec, stream);
    opj_stream_destroy(stream);
    opj_destroy_codec(codec);
    opj_image_destroy(image);
    *len = s.len;
    if (!ok) {
        free(s.out);
        return NULL;
    }
    return s.out;
}
