#include "dicom/decode/shade.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "dicom/decode/grey.h"

/* The value as meant: only Bits Stored of a word count, older files keep overlays above them. */
static double stored_value(const struct picture *p, size_t i)
{
    const struct picture_form *f = &p->form;
    const uint8_t *at = p->values + i * (f->allocated / 8);
    uint32_t v = 0;

    if (f->is_float && f->allocated == 64) {
        double d;
        memcpy(&d, at, sizeof d);
        return d;
    }
    memcpy(&v, at, f->allocated / 8);
    if (f->is_float) {
        float single;
        memcpy(&single, &v, sizeof single);
        return (double)single;
    }
    if (f->stored < 32)
        v &= (1u << f->stored) - 1;
    if (!f->is_signed)
        return v;
    return (double)((int32_t)(v << (32 - f->stored)) >> (32 - f->stored));
}

/* --- grey --- */

static void find_range(struct grey *g, const struct picture *p)
{
    size_t n = (size_t)p->form.rows * p->form.columns;
    double low = INFINITY, high = -INFINITY;

    for (size_t i = 0; i < n; i++) {
        double v = stored_value(p, i);
        if (!isfinite(v) || (g->padded && v >= (double)g->pad_low && v <= (double)g->pad_high))
            continue;
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    if (low > high)
        low = high = 0;
    low = grey_modality(g, low);
    high = grey_modality(g, high);
    grey_range(g, fmin(low, high), fmax(low, high));
}

/* Up to 16 bits every value is worked out once. */
static bool grey_by_table(struct shaded *out, const struct grey *g, const struct picture *p)
{
    const struct picture_form *f = &p->form;
    size_t n = (size_t)f->rows * f->columns;
    uint32_t mask = (1u << f->stored) - 1;
    uint8_t *table = malloc((size_t)mask + 1);

    if (!table)
        return false;
    for (uint32_t v = 0; v <= mask; v++) {
        double stored =
            f->is_signed ? (double)((int32_t)(v << (32 - f->stored)) >> (32 - f->stored)) : (double)v;
        table[v] = grey_shade(g, grey_modality(g, stored));
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t v = f->allocated == 8 ? p->values[i]
                                       : (uint32_t)p->values[2 * i] | (uint32_t)p->values[2 * i + 1] << 8;
        out->pixels[i] = table[v & mask];
    }
    free(table);
    return true;
}

static bool grey(struct shaded *out, const struct picture *p, const struct dataset *ds,
                 const struct shade_wish *wish, struct err *err)
{
    size_t n = (size_t)p->form.rows * p->form.columns;
    struct grey g;

    grey_read(&g, &p->form, ds, wish->frame);
    if (wish->window_given && isfinite(wish->center) && isfinite(wish->breadth))
        grey_window(&g, wish->center, wish->breadth);
    if (g.voi == GREY_RANGE)
        find_range(&g, p);
    if (p->form.allocated <= 16)
        return grey_by_table(out, &g, p) || err_set(err, ERR_TOO_LARGE, "too_large", "no memory for a table");
    for (size_t i = 0; i < n; i++)
        out->pixels[i] = grey_shade(&g, grey_modality(&g, stored_value(p, i)));
    return true;
}

/* --- colour --- */

struct palette {
    const struct dataset_element *data[3];
    int64_t first;
    uint32_t n;
    bool bytes; /* entries of 8 bits, packed */
    bool high;  /* 16 bit entries whose upper half counts */
};

/* PS3.3 C.7.6.3.1.5 and .6 */
static bool palette_read(struct palette *pal, const struct picture_form *form,
                         const struct dataset_item *root)
{
    static const uint32_t DATA[3] = {TAG_RedPaletteColorLookupTableData, TAG_GreenPaletteColorLookupTableData,
                                     TAG_BluePaletteColorLookupTableData};
    const struct dataset_element *d = dataset_find(root, TAG_RedPaletteColorLookupTableDescriptor);
    int64_t n, bits;

    if (!d || !dataset_element_int(d, 0, &n) || !dataset_element_int(d, 1, &pal->first) ||
        !dataset_element_int(d, 2, &bits))
        return false;
    pal->n = (uint32_t)(n & 0xFFFF) ? (uint32_t)(n & 0xFFFF) : 65536;
    if (form->is_signed && pal->first > INT16_MAX)
        pal->first -= 65536;
    pal->bytes = true;
    for (int c = 0; c < 3; c++) {
        pal->data[c] = dataset_find(root, DATA[c]);
        if (!pal->data[c] || pal->data[c]->length < pal->n)
            return false;
        pal->bytes &= pal->data[c]->length < 2 * (size_t)pal->n;
    }
    pal->high = false;
    for (size_t i = 0; !pal->bytes && i < 3 * (size_t)pal->n && !pal->high; i++) {
        const struct dataset_element *e = pal->data[i % 3];
        if (e->length >= 2 * (size_t)pal->n)
            pal->high = e->value[2 * (i / 3) + (e->flags & DATASET_BIG_ENDIAN ? 0 : 1)] != 0;
    }
    return true;
}

static uint8_t palette_value(const struct palette *pal, int c, size_t i)
{
    const struct dataset_element *e = pal->data[c];
    size_t big = e->flags & DATASET_BIG_ENDIAN ? 1 : 0;

    if (e->length < 2 * (size_t)pal->n) /* in a big endian data set such entries stand in turned words */
        return e->value[big && (i ^ 1) < e->length ? i ^ 1 : i];
    return e->value[2 * i + (pal->high ? 1 - big : big)];
}

static bool palette(struct shaded *out, const struct picture *p, const struct dataset *ds, struct err *err)
{
    size_t n = (size_t)p->form.rows * p->form.columns;
    struct palette pal;

    if (!palette_read(&pal, &p->form, dataset_root(ds)))
        return err_set(err, ERR_UNSUPPORTED, "pixel_format", "a palette that is missing, cut, or segmented");
    for (size_t i = 0; i < n; i++) {
        double at = stored_value(p, i) - (double)pal.first;
        size_t entry = at <= 0 ? 0 : at >= pal.n - 1 ? pal.n - 1 : (size_t)at;
        for (int c = 0; c < 3; c++)
            out->pixels[3 * i + (size_t)c] = palette_value(&pal, c, entry);
    }
    return true;
}

static uint8_t clamp(double v)
{
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)lrint(v);
}

/* PS3.3 C.7.6.3.1.2; the partial forms keep to 16 … 235 and 16 … 240. */
static void ybr_to_rgb(uint8_t *pixels, size_t n, bool partial)
{
    for (uint8_t *p = pixels; n > 0; n--, p += 3) {
        double y = p[0], cb = p[1] - 128.0, cr = p[2] - 128.0;
        if (partial) {
            y = (y - 16) * 255 / 219;
            cb *= 255.0 / 224;
            cr *= 255.0 / 224;
        }
        p[0] = clamp(y + 1.402 * cr);
        p[1] = clamp(y - 0.344136 * cb - 0.714136 * cr);
        p[2] = clamp(y + 1.772 * cb);
    }
}

static bool colour(struct shaded *out, const struct picture *p)
{
    const struct picture_form *f = &p->form;
    size_t pixels = (size_t)f->rows * f->columns;
    double scale = 255 / (f->stored >= 32 ? 4294967295.0 : (double)((1u << f->stored) - 1));

    for (size_t i = 0; i < 3 * pixels; i++)
        out->pixels[i] =
            f->allocated == 8 && f->stored == 8 ? p->values[i] : clamp(stored_value(p, i) * scale);
    if (strncmp(f->photometric, "YBR_FULL", 8) == 0)
        ybr_to_rgb(out->pixels, pixels, false);
    else if (strncmp(f->photometric, "YBR_PARTIAL", 11) == 0)
        ybr_to_rgb(out->pixels, pixels, true);
    return true;
}

bool shade(struct shaded *out, const struct picture *p, const struct dataset *ds,
           const struct shade_wish *wish, struct err *err)
{
    const struct picture_form *f = &p->form;
    bool with_palette = strcmp(f->photometric, "PALETTE COLOR") == 0 && f->samples == 1;
    struct shaded s = {f->rows, f->columns, f->samples == 3 || with_palette ? 3 : 1, NULL};

    s.pixels = malloc((size_t)s.rows * s.columns * s.samples);
    if (!s.pixels)
        return err_set(err, ERR_TOO_LARGE, "too_large", "no memory for a picture of %ux%u", s.columns,
                       s.rows);
    bool ok = with_palette      ? palette(&s, p, ds, err)
              : f->samples == 3 ? colour(&s, p)
                                : grey(&s, p, ds, wish, err);
    if (!ok) {
        free(s.pixels);
        return false;
    }
    *out = s;
    return true;
}
