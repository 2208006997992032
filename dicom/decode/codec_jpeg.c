/* codec_jpeg.c - all JPEG of T.81: 8 bit DCT by libjpeg-turbo, the rest by our own. The stream says which process it is;
 * the transfer syntax is not asked. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>
#include "dicom/decode/jpeg_own.h"

struct turbo {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    jmp_buf out;
    bool truncated;
    char text[JMSG_LENGTH_MAX];
};

static void on_error(j_common_ptr info)
{
    struct turbo *t = (struct turbo *)info->client_data;

    info->err->format_message(info, t->text);
    longjmp(t->out, 1);
}

/* Rubbish between segments is harmless; a picture with its end missing is not a picture. */
static void on_message(j_common_ptr info, int level)
{
    struct turbo *t = (struct turbo *)info->client_data;

    if (level < 0 && (info->err->msg_code == JWRN_JPEG_EOF || info->err->msg_code == JWRN_HIT_MARKER))
        t->truncated = true;
}

static bool turbo_rows(struct turbo *t, const struct picture_form *f, uint8_t *values)
{
    size_t stride = (size_t)f->columns * f->samples;

    while (t->info.output_scanline < t->info.output_height) {
        JSAMPROW row = values + stride * t->info.output_scanline;
        jpeg_read_scanlines(&t->info, &row, 1);
    }
    jpeg_finish_decompress(&t->info);
    return true;
}

/* 8 bit values in wider words: some devices say 16 allocated for an 8 bit stream. */
static void widen(const struct picture_form *f, uint8_t *values)
{
    size_t n = (size_t)f->rows * f->columns * f->samples;

    for (size_t i = n; f->allocated > 8 && i-- > 0;) {
        uint8_t v = values[i];
        codec_put(f, values, i, codec_sign(f, v, 8));
    }
}

/* Colours stay as they are in the stream: YCbCr is what the image module says, and its conversion is a reader's. */
static bool turbo_run(struct turbo *t, struct picture_form *f, const uint8_t *stream, size_t len,
                      uint8_t *values, struct err *err)
{
    jpeg_mem_src(&t->info, stream, len);
    jpeg_read_header(&t->info, TRUE);
    if (!codec_fits(f, "JPEG", t->info.image_width, t->info.image_height, (uint32_t)t->info.num_components, 8,
                    err))
        return false;
    t->info.out_color_space = t->info.jpeg_color_space;
    t->info.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&t->info);
    turbo_rows(t, f, values);
    widen(f, values);
    return !t->truncated || err_set(err, ERR_INVALID, "truncated", "JPEG: the stream ends too early");
}

static bool turbo(struct picture_form *f, const uint8_t *stream, size_t len, uint8_t *values, struct err *err)
{
    struct turbo t = {.truncated = false};
    volatile bool ok = false;

    t.info.err = jpeg_std_error(&t.errors);
    t.errors.error_exit = on_error;
    t.errors.emit_message = on_message;
    t.info.client_data = &t;
    if (setjmp(t.out) == 0) {
        jpeg_create_decompress(&t.info);
        ok = turbo_run(&t, f, stream, len, values, err);
    } else {
        codec_refuse(err, "JPEG", t.text);
    }
    jpeg_destroy_decompress(&t.info);
    return ok;
}

/* What the picture's colours are when the stream says otherwise than the label: JFIF and Adobe's transform 1 are YCbCr,
 * transform 0 is RGB. */
static void name_colours(struct picture_form *f, const struct jpeg_stream *s)
{
    const struct jpeg_component *c = s->frame.c;

    if (f->samples != 3)
        return;
    if (strncmp(f->photometric, "YBR", 3) == 0)
        strcpy(f->photometric,
               s->adobe == 0 || (c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B' && !s->jfif)
                   ? "RGB"
                   : "YBR_FULL");
    else if (strcmp(f->photometric, "RGB") == 0 &&
             (s->jfif || s->adobe == 1 || s->frame.h_max * s->frame.v_max > 1))
        strcpy(f->photometric, "YBR_FULL");
}

bool codec_jpeg(struct picture_form *f, const uint8_t *stream, size_t len, uint8_t *values, struct err *err)
{
    struct jpeg_stream s;

    jpeg_open(&s, stream, len);
    for (;;) {
        int marker = jpeg_next(&s, err);
        if (marker == 0)
            return false;
        if (marker == MARKER_EOI)
            return err_set(err, ERR_INVALID, "truncated", "JPEG: no frame header");
        if (marker == MARKER_SOS)
            return codec_refuse(err, "JPEG", "a scan before the frame header");
        break;
    }
    bool ok = s.frame.process == MARKER_SOF3 ? jpeg_lossless(f, &s, values, err)
              : s.frame.precision == 8       ? turbo(f, stream, len, values, err)
                                             : jpeg_dct(f, &s, values, err);
    if (ok && s.frame.process != MARKER_SOF3)
        name_colours(f, &s);
    return ok;
}
