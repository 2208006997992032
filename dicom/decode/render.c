#include "dicom/decode/render.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <zlib.h>

/* --- smaller --- */

/* One line of sums: each pixel of the line gives each new pixel the part it covers, in 1/new columns. */
static void add_line(const struct shaded *s, const uint8_t *line, uint32_t columns, uint64_t *sums,
                     uint64_t weight)
{
    for (uint32_t x = 0; x < s->columns; x++) {
        uint64_t left = (uint64_t)x * columns, right = left + columns;
        for (uint64_t to = left / s->columns; to * s->columns < right; to++) {
            uint64_t begin = to * s->columns, end = begin + s->columns;
            uint64_t part = (right < end ? right : end) - (left > begin ? left : begin);
            for (uint32_t c = 0; c < s->samples; c++)
                sums[to * s->samples + c] += line[x * s->samples + c] * part * weight;
        }
    }
}

static void average(const struct shaded *s, uint32_t columns, uint32_t rows, uint64_t *sums, uint8_t *out)
{
    size_t stride = (size_t)s->columns * s->samples, width = (size_t)columns * s->samples;
    uint64_t area = (uint64_t)s->rows * s->columns;

    for (uint32_t y = 0; y < rows; y++) {
        uint64_t top = (uint64_t)y * s->rows, bottom = top + s->rows; /* in 1/rows of an old line */
        memset(sums, 0, width * sizeof *sums);
        for (uint64_t from = top / rows; from * rows < bottom; from++) {
            uint64_t begin = from * rows, end = begin + rows;
            uint64_t part = (bottom < end ? bottom : end) - (top > begin ? top : begin);
            add_line(s, s->pixels + from * stride, columns, sums, part);
        }
        for (size_t i = 0; i < width; i++)
            out[y * width + i] = (uint8_t)((sums[i] + area / 2) / area);
    }
}

static void fitting(const struct shaded *s, uint32_t width, uint32_t height, uint32_t *columns,
                    uint32_t *rows)
{
    *columns = s->columns;
    *rows = s->rows;
    if (width && *columns > width) {
        *rows = (uint32_t)(((uint64_t)*rows * width + *columns / 2) / *columns);
        *columns = width;
    }
    if (height && *rows > height) {
        *columns = (uint32_t)(((uint64_t)*columns * height + *rows / 2) / *rows);
        *rows = height;
    }
    *columns += *columns == 0;
    *rows += *rows == 0;
}

bool render_fit(struct shaded *s, uint32_t width, uint32_t height, struct err *err)
{
    uint32_t columns, rows;

    fitting(s, width, height, &columns, &rows);
    if (columns == s->columns && rows == s->rows)
        return true;
    uint64_t *sums = malloc((size_t)columns * s->samples * sizeof *sums);
    uint8_t *out = malloc((size_t)columns * rows * s->samples);
    if (!sums || !out) {
        free(sums);
        free(out);
        return err_set(err, ERR_TOO_LARGE, "too_large", "no memory for a picture of %ux%u", columns, rows);
    }
    average(s, columns, rows, sums, out);
    free(sums);
    free(s->pixels);
    s->pixels = out;
    s->columns = columns;
    s->rows = rows;
    return true;
}

/* --- JPEG --- */

struct writer {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    jmp_buf out;
    char text[JMSG_LENGTH_MAX];
    unsigned char *bytes;
    unsigned long len;
};

static void on_error(j_common_ptr info)
{
    struct writer *w = info->client_data;

    info->err->format_message(info, w->text);
    longjmp(w->out, 1);
}

static void write_jpeg(struct writer *w, const struct shaded *s, unsigned quality)
{
    jpeg_create_compress(&w->info);
    jpeg_mem_dest(&w->info, &w->bytes, &w->len);
    w->info.image_width = s->columns;
    w->info.image_height = s->rows;
    w->info.input_components = (int)s->samples;
    w->info.in_color_space = s->samples == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&w->info);
    jpeg_set_quality(&w->info, (int)quality, TRUE);
    jpeg_start_compress(&w->info, TRUE);
    while (w->info.next_scanline < w->info.image_height) {
        JSAMPROW row = s->pixels + (size_t)w->info.next_scanline * s->columns * s->samples;
        jpeg_write_scanlines(&w->info, &row, 1);
    }
    jpeg_finish_compress(&w->info);
}

bool render_jpeg(const struct shaded *s, unsigned quality, uint8_t **bytes, size_t *len, struct err *err)
{
    struct writer w = {.bytes = NULL};
    volatile bool ok = false;

    if (s->columns > JPEG_MAX_DIMENSION || s->rows > JPEG_MAX_DIMENSION)
        return err_set(err, ERR_TOO_LARGE, "too_large", "a JPEG has at most %ld pixels a side",
                       JPEG_MAX_DIMENSION);
    w.info.err = jpeg_std_error(&w.errors);
    w.errors.error_exit = on_error;
    w.info.client_data = &w;
    if (setjmp(w.out) == 0) {
        write_jpeg(&w, s, quality < 1 || quality > 100 ? 90 : quality);
        ok = true;
    } else {
        err_set(err, ERR_INTERNAL, "codec_failed", "JPEG: %s", w.text);
    }
    jpeg_destroy_compress(&w.info);
    if (!ok) {
        free(w.bytes);
        return false;
    }
    *bytes = w.bytes;
    *len = w.len;
    return true;
}

/* --- PNG (ISO/IEC 15948): three chunks, each line filtered by the one above it --- */

static void be32(uint8_t *to, size_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint8_t *chunk(uint8_t *to, const char *type, const uint8_t *data, size_t len)
{
    be32(to, len);
    memcpy(to + 4, type, 4);
    if (len > 0 && to + 8 != data)
        memcpy(to + 8, data, len);
    be32(to + 8 + len, crc32(0, to + 4, (uInt)(len + 4)));
    return to + 12 + len;
}

static uint8_t *filtered(const struct shaded *s)
{
    size_t stride = (size_t)s->columns * s->samples;
    uint8_t *lines = malloc((stride + 1) * s->rows);

    for (uint32_t y = 0; lines && y < s->rows; y++) {
        uint8_t *to = lines + (stride + 1) * y;
        const uint8_t *from = s->pixels + stride * y;
        *to++ = 2; /* Up: in the first line above is nothing */
        if (y == 0) {
            memcpy(to, from, stride);
            continue;
        }
        for (size_t i = 0; i < stride; i++)
            to[i] = (uint8_t)(from[i] - s->pixels[stride * (y - 1) + i]);
    }
    return lines;
}

bool render_png(const struct shaded *s, uint8_t **bytes, size_t *len, struct err *err)
{
    static const uint8_t SIGNATURE[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    uLong raw = (uLong)(((size_t)s->columns * s->samples + 1) * s->rows), packed = compressBound(raw);
    uint8_t head[13] = {[8] = 8, [9] = s->samples == 3 ? 2 : 0}, *lines = filtered(s),
            *out = malloc(packed + 64);
    bool ok = false;

    if (lines && out) {
        memcpy(out, SIGNATURE, sizeof SIGNATURE);
        be32(head, s->columns);
        be32(head + 4, s->rows);
        uint8_t *at = chunk(out + 8, "IHDR", head, sizeof head);
        ok = compress2(at + 8, &packed, lines, raw, 6) == Z_OK;
        at = ok ? chunk(at, "IDAT", at + 8, packed) : at;
        *len = (size_t)(chunk(at, "IEND", NULL, 0) - out);
        *bytes = out;
    }
    free(lines);
    if (!ok) {
        free(out);
        return err_set(err, ERR_TOO_LARGE, "too_large", "no memory for a PNG of %ux%u", s->columns, s->rows);
    }
    return true;
}
