/* codec_j2k.c - JPEG 2000 (ITU-T T.800) by OpenJPEG, codestreams and JP2 files. One thread: no pool is asked for. */
#include <openjpeg.h>
#include <stdlib.h>
#include <string.h>
#include "dicom/decode/codec.h"

struct source {
    const uint8_t *bytes;
    size_t len, at;
};

static OPJ_SIZE_T on_read(void *to, OPJ_SIZE_T n, void *arg)
{
    struct source *s = arg;
    size_t rest = s->len - s->at;

    if (rest == 0)
        return (OPJ_SIZE_T)-1;
    if (n > rest)
        n = rest;
    memcpy(to, s->bytes + s->at, n);
    s->at += n;
    return n;
}

static OPJ_OFF_T on_skip(OPJ_OFF_T n, void *arg)
{
    struct source *s = arg;
    size_t rest = s->len - s->at;

    if (n < 0)
        return -1;
    s->at += (size_t)n < rest ? (size_t)n : rest;
    return n;
}

static OPJ_BOOL on_seek(OPJ_OFF_T to, void *arg)
{
    struct source *s = arg;

    if (to < 0 || (size_t)to > s->len)
        return OPJ_FALSE;
    s->at = (size_t)to;
    return OPJ_TRUE;
}

static void on_error(const char *text, void *arg)
{
    char *first = arg;

    if (!first[0]) {
        strncpy(first, text, 150);
        first[strcspn(first, "\n")] = '\0';
    }
}

/* The transform of colours within the codec (RCT, ICT) has been undone: what is here is RGB. */
static void name_colours(struct picture_form *f)
{
    if (strcmp(f->photometric, "YBR_RCT") == 0 || strcmp(f->photometric, "YBR_ICT") == 0)
        strcpy(f->photometric, "RGB");
}

static bool fits(const struct picture_form *f, const opj_image_t *image, struct err *err)
{
    if (image->numcomps < f->samples)
        return codec_refuse(err, "JPEG 2000", "fewer components than samples");
    for (uint32_t c = 0; c < f->samples; c++) {
        const opj_image_comp_t *p = &image->comps[c];
        if (p->dx != 1 || p->dy != 1)
            return err_set(err, ERR_UNSUPPORTED, "pixel_format", "JPEG 2000: subsampled components");
        if (!codec_fits(f, "JPEG 2000", p->w, p->h, image->numcomps, p->prec, err))
            return false;
    }
    return true;
}

static void place(struct picture_form *f, const opj_image_t *image, uint8_t *values)
{
    size_t pixels = (size_t)f->rows * f->columns;

    for (uint32_t c = 0; c < f->samples; c++) {
        const opj_image_comp_t *p = &image->comps[c];
        uint32_t mask = p->prec >= 32 ? UINT32_MAX : (1u << p->prec) - 1;
        for (size_t i = 0; i < pixels; i++)
            codec_put(f, values, i * f->samples + c,
                      codec_sign(f, (int32_t)((uint32_t)p->data[i] & mask), p->prec));
    }
}

static bool decode(opj_codec_t *codec, opj_stream_t *stream, struct picture_form *f, uint8_t *values,
                   const char *text, struct err *err)
{
    opj_dparameters_t parameters;
    opj_image_t *image = NULL;
    bool ok = false;

    opj_set_default_decoder_parameters(&parameters);
    if (!opj_setup_decoder(codec, &parameters) || !opj_decoder_set_strict_mode(codec, OPJ_TRUE) ||
        !opj_read_header(stream, codec, &image)) {
        codec_refuse(err, "JPEG 2000", text[0] ? text : "no header");
        goto out;
    }
    if (!fits(f, image, err))
        goto out;
    if (!opj_decode(codec, stream, image)) {
        codec_refuse(err, "JPEG 2000", text[0] ? text : "decoding failed");
        goto out;
    }
    if (!fits(f, image, err))
        goto out;
    for (uint32_t c = 0; c < f->samples; c++)
        if (!image->comps[c].data) {
            codec_refuse(err, "JPEG 2000", "a component is missing");
            goto out;
        }
    place(f, image, values);
    name_colours(f);
    ok = true;
out:
    opj_image_destroy(image);
    return ok;
}

bool codec_j2k(struct picture_form *f, const uint8_t *bytes, size_t len, uint8_t *values, struct err *err)
{
    static const uint8_t JP2[] = {0, 0, 0, 12, 'j', 'P', ' ', ' '};
    struct source source = {bytes, len, 0};
    char text[160] = "";
    bool jp2 = len > sizeof JP2 && memcmp(bytes, JP2, sizeof JP2) == 0;
    opj_codec_t *codec = opj_create_decompress(jp2 ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
    opj_stream_t *stream = opj_stream_create(1 << 16, OPJ_TRUE);
    bool ok = false;

    if (!codec || !stream) {
        err_set(err, ERR_TOO_LARGE, "too_large", "JPEG 2000: no memory");
        goto out;
    }
    opj_set_error_handler(codec, on_error, text);
    opj_stream_set_user_data(stream, &source, NULL);
    opj_stream_set_user_data_length(stream, len);
    opj_stream_set_read_function(stream, on_read);
    opj_stream_set_skip_function(stream, on_skip);
    opj_stream_set_seek_function(stream, on_seek);
    ok = decode(codec, stream, f, values, text, err);
out:
    if (stream)
        opj_stream_destroy(stream);
    if (codec)
        opj_destroy_codec(codec);
    return ok;
}
