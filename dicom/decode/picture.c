#include "dicom/decode/picture.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "dicom/decode/codec.h"
#include "dicom/decode/protocol.h"

#define SIDE_MAX                                                                                             \
    (1u << 20) /* HTJ2K and JPEG 2000 know sides of more than 16 bits; DICOM's Rows and Columns do not */

static uint32_t number(const struct dataset_item *root, uint32_t tag, uint32_t otherwise)
{
    int64_t v;

    if (!dataset_int(root, tag, 0, &v))
        return otherwise;
    return v < 0 || v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static const struct dataset_element *pixel_data(const struct dataset_item *root, struct picture_form *form)
{
    static const struct {
        uint32_t tag, allocated;
    } KINDS[] = {{TAG_PixelData, 0}, {TAG_FloatPixelData, 32}, {TAG_DoubleFloatPixelData, 64}};

    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        const struct dataset_element *e = dataset_find(root, KINDS[i].tag);
        if (!e)
            continue;
        form->is_float = KINDS[i].allocated > 0;
        if (form->is_float)
            form->allocated = form->stored = KINDS[i].allocated;
        return e;
    }
    return NULL;
}

static bool form_exists(const struct picture_form *f)
{
    bool width =
        f->is_float || f->allocated == 1 || f->allocated == 8 || f->allocated == 16 || f->allocated == 32;

    return f->rows > 0 && f->columns > 0 && f->rows <= SIDE_MAX && f->columns <= SIDE_MAX &&
           (f->samples == 1 || f->samples == 3) && width && f->stored > 0 && f->stored <= f->allocated &&
           f->planar <= 1;
}

bool picture_form_read(struct picture_form *out, const struct dataset *ds, struct err *err)
{
    const struct dataset_item *root = dataset_root(ds);
    struct picture_form f = {
        .rows = number(root, TAG_Rows, 0),
        .columns = number(root, TAG_Columns, 0),
        .samples = number(root, TAG_SamplesPerPixel, 1),
        .allocated = number(root, TAG_BitsAllocated, 0),
        .planar = number(root, TAG_PlanarConfiguration, 0),
        .is_signed = number(root, TAG_PixelRepresentation, 0) == 1,
    };

    f.stored = number(root, TAG_BitsStored, f.allocated);
    if (!pixel_data(root, &f))
        return err_set(err, ERR_NOT_FOUND, "pixel_data_missing", "the data set holds no pixel data");
    if (!dataset_ascii(root, TAG_PhotometricInterpretation, f.photometric, sizeof f.photometric))
        strcpy(f.photometric, f.samples == 3 ? "RGB" : "MONOCHROME2");
    if (!form_exists(&f))
        return err_set(err, ERR_UNSUPPORTED, "pixel_format",
                       "%ux%u, %u samples, %u of %u bits, planar %u: no picture can be so", f.columns, f.rows,
                       f.samples, f.stored, f.allocated, f.planar);
    if ((uint64_t)f.rows * f.columns * f.samples * (f.allocated < 8 ? 1 : f.allocated / 8) > DECODE_FRAME_MAX)
        return err_set(err, ERR_TOO_LARGE, "too_large", "a frame of %ux%u, %u samples, %u bits", f.columns,
                       f.rows, f.samples, f.allocated);
    *out = f;
    return true;
}

size_t picture_form_bytes(const struct picture_form *f)
{
    return (size_t)f->rows * f->columns * f->samples * (f->allocated < 8 ? 1 : f->allocated / 8);
}

/* The frame's fragments one behind the other, and some zero bytes for bit readers that look ahead. One fragment alone is
 * not copied. */
struct stream {
    const uint8_t *bytes;
    size_t len;
    uint8_t *copy;
};

static bool gather(struct stream *s, const struct frames *fr, const uint8_t *bytes, size_t len, uint32_t n,
                   struct err *err)
{
    const struct frames_frame *f = &fr->frames[n];
    size_t at = 0;

    *s = (struct stream){0};
    for (uint32_t i = 0; i < f->n_pieces; i++) {
        const struct frames_piece *p = &fr->pieces[f->first_piece + i];
        if (p->offset > len || p->length > len - p->offset)
            return err_set(err, ERR_INVALID, "truncated", "a fragment of frame %u ends behind the file",
                           n + 1);
        s->len += p->length;
    }
    if (f->n_pieces == 1) {
        s->bytes = bytes + fr->pieces[f->first_piece].offset;
        return true;
    }
    if (f->n_pieces == 0 || !(s->copy = malloc(s->len + 1)))
        return err_set(err, ERR_TOO_LARGE, f->n_pieces ? "too_large" : "truncated", "frame %u of %zu bytes",
                       n + 1, s->len);
    for (uint32_t i = 0; i < f->n_pieces; i++) {
        const struct frames_piece *p = &fr->pieces[f->first_piece + i];
        memcpy(s->copy + at, bytes + p->offset, p->length);
        at += p->length;
    }
    s->bytes = s->copy;
    return true;
}

static bool decode_encapsulated(struct picture *p, const struct codec *codec, const struct frames *fr,
                                const uint8_t *bytes, size_t len, uint32_t n, struct err *err)
{
    struct stream s;

    if (p->form.is_float)
        return err_set(err, ERR_UNSUPPORTED, "pixel_format", "floating point values are never compressed");
    bool ok = gather(&s, fr, bytes, len, n, err) && codec->decode(&p->form, s.bytes, s.len, p->values, err);

    free(s.copy);
    return ok;
}

static bool decode_frame(struct picture *p, const struct dataset *ds, const struct frames *fr,
                         const uint8_t *bytes, size_t len, uint32_t n, struct err *err)
{
    const struct codec *codec = codec_of(dataset_syntax(ds));
    struct picture_form ignore;
    const struct dataset_element *e = pixel_data(dataset_root(ds), &ignore);

    if (fr->source == FRAMES_NONE)
        return err_set(err, ERR_NOT_FOUND, "pixel_data_missing", "the data set holds no pixel data");
    if (n >= fr->n_frames)
        return err_set(err, ERR_NOT_FOUND, "frame_missing", "frame %u of %u", n + 1, fr->n_frames);
    if (fr->source == FRAMES_NATIVE && dataset_deflated(ds)) { /* offsets count in the inflated data set */
        bytes = e->value - dataset_offset(ds, e->value);
        len = dataset_offset(ds, e->value) + e->length;
    }
    if (fr->source == FRAMES_NATIVE)
        return codec_native(&p->form, fr, e->flags & DATASET_BIG_ENDIAN, e->vr, bytes, len, n, p->values,
                            err);
    if (!codec || !codec->decode)
        return err_set(err, ERR_UNSUPPORTED, "syntax_unsupported", "no codec reads %s", dataset_syntax(ds));
    return decode_encapsulated(p, codec, fr, bytes, len, n, err);
}

bool picture_decode(struct picture *out, const struct dataset *ds, const uint8_t *bytes, size_t len,
                    uint32_t n, uint32_t *n_frames, struct err *err)
{
    struct picture p = {0};
    struct frames fr = {0};
    bool ok = false;

    if (!picture_form_read(&p.form, ds, err) || !frames_find(&fr, ds, err))
        goto out;
    p.len = picture_form_bytes(&p.form);
    p.values = calloc(1, p.len);
    if (!p.values) {
        err_set(err, ERR_TOO_LARGE, "too_large", "no memory for a frame of %zu bytes", p.len);
        goto out;
    }
    ok = decode_frame(&p, ds, &fr, bytes, len, n, err);
    *n_frames = fr.n_frames;
out:
    frames_free(&fr);
    if (!ok) {
        free(p.values);
        err_add(err, "frame %" PRIu32, n + 1);
        return false;
    }
    if (p.form.allocated == 1)
        p.form.allocated = 8;
    *out = p;
    return true;
}

void picture_free(struct picture *p)
{
    free(p->values);
    *p = (struct picture){0};
}
