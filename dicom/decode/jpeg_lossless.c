/* jpeg_lossless.c - T.81 Annex H: each value is predicted from its neighbours, the difference is Huffman coded. */
#include <stdlib.h>
#include "dicom/decode/jpeg_own.h"

struct plane { /* one component of the scan */
    const struct jpeg_huffman *huffman;
    size_t at;              /* its place among the samples of a pixel */
    uint16_t *above, *line; /* decoded values of two lines, before the point transform is undone */
};

struct lossless {
    struct picture_form *form;
    struct jpeg_stream *s;
    struct jpeg_bits bits;
    struct plane planes[JPEG_COMPONENTS_MAX];
    uint32_t columns;
    uint16_t start; /* the first prediction: half the range */
    bool fresh;     /* the line is the first one, or the first after a restart */
    unsigned restarts;
    uint32_t until_restart; /* MCUs */
};

static bool refuse(struct err *err, const char *why)
{
    return codec_refuse(err, "JPEG lossless", why);
}

/* Table H.1. Sums wrap as 16 bit numbers: differences are taken modulo 2^16. */
static uint16_t predict(unsigned selection, int32_t a, int32_t b, int32_t c)
{
    switch (selection) {
    case 1:
        return (uint16_t)a;
    case 2:
        return (uint16_t)b;
    case 3:
        return (uint16_t)c;
    case 4:
        return (uint16_t)(a + b - c);
    case 5:
        return (uint16_t)(a + ((b - c) >> 1));
    case 6:
        return (uint16_t)(b + ((a - c) >> 1));
    default:
        return (uint16_t)((a + b) >> 1);
    }
}

static uint16_t expected(const struct lossless *l, const struct plane *p, uint32_t x)
{
    if (l->fresh)
        return x == 0 ? l->start : p->line[x - 1];
    if (x == 0)
        return p->above[0];
    return predict(l->s->scan.ss, p->line[x - 1], p->above[x], p->above[x - 1]);
}

static bool difference(struct lossless *l, const struct plane *p, uint16_t *out)
{
    int category = jpeg_symbol(&l->bits, p->huffman);

    if (category < 0 || category > 16)
        return false;
    /* H.1.2.2: category 16 is 32768 and has no more bits. */
    *out = category == 16 ? 32768 : (uint16_t)jpeg_extend(&l->bits, category);
    return true;
}

static bool restart(struct lossless *l, struct err *err)
{
    if (!jpeg_bits_restart(&l->bits, l->restarts++))
        return refuse(err, "a restart marker is missing");
    l->until_restart = l->s->restart;
    l->fresh = true;
    return true;
}

static bool decode_line(struct lossless *l, uint32_t y, uint8_t *values, struct err *err)
{
    uint32_t samples = l->form->samples;

    for (uint32_t x = 0; x < l->columns; x++) {
        for (int c = 0; c < l->s->scan.n; c++) {
            struct plane *p = &l->planes[c];
            uint16_t d;
            if (!difference(l, p, &d))
                return refuse(err, "a code that is in no table");
            uint16_t v = (uint16_t)(expected(l, p, x) + d);
            p->line[x] = v;
            uint32_t whole = (uint32_t)v << l->s->scan.al;
            codec_put(l->form, values, ((size_t)y * l->columns + x) * samples + p->at,
                      codec_sign(l->form, (int32_t)(whole & 0xFFFF), l->s->frame.precision));
        }
        if (l->until_restart)
            l->until_restart--;
    }
    if (jpeg_bits_over(&l->bits))
        return err_set(err, ERR_INVALID, "truncated", "JPEG lossless: the stream ends in line %u", y + 1);
    l->fresh = false;
    return true;
}

static bool decode_scan(struct lossless *l, uint8_t *values, struct err *err)
{
    l->until_restart = l->s->restart;
    l->fresh = true;
    for (uint32_t y = 0; y < l->form->rows; y++) {
        if (l->s->restart && l->until_restart == 0 && y > 0 && !restart(l, err))
            return false;
        for (int c = 0; c < l->s->scan.n; c++) {
            uint16_t *swap = l->planes[c].above;
            l->planes[c].above = l->planes[c].line;
            l->planes[c].line = swap;
        }
        if (!decode_line(l, y, values, err))
            return false;
    }
    l->s->at = l->bits.at;
    return true;
}

static bool scan_open(struct lossless *l, uint16_t *room, struct err *err)
{
    const struct jpeg_scan *scan = &l->s->scan;

    if (scan->ss < 1 || scan->ss > 7 || scan->al >= l->s->frame.precision)
        return refuse(err, "a predictor nobody defined");
    /* H.1.1: an interval is a whole number of lines. */
    if (l->s->restart % l->columns)
        return refuse(err, "a restart interval that ends within a line");
    for (int c = 0; c < scan->n; c++) {
        l->planes[c].huffman = &l->s->dc[scan->dc[c]];
        if (!l->planes[c].huffman->there)
            return refuse(err, "a Huffman table is missing");
        l->planes[c].at = scan->component[c];
        l->planes[c].above = room + (size_t)(2 * c) * l->columns;
        l->planes[c].line = room + (size_t)(2 * c + 1) * l->columns;
    }
    l->start = (uint16_t)(1u << (l->s->frame.precision - scan->al - 1));
    l->restarts = 0;
    jpeg_bits_open(&l->bits, l->s);
    return true;
}

bool jpeg_lossless(struct picture_form *form, struct jpeg_stream *s, uint8_t *values, struct err *err)
{
    const struct jpeg_frame *f = &s->frame;
    struct lossless l = {.form = form, .s = s, .columns = f->columns};
    unsigned seen = 0, all = (1u << f->n) - 1;
    bool ok = false;

    if (!codec_fits(form, "JPEG lossless", f->columns, f->rows, f->n, f->precision, err))
        return false;
    if (f->h_max != 1 || f->v_max != 1)
        return refuse(err, "subsampled components");
    uint16_t *room = calloc((size_t)2 * JPEG_COMPONENTS_MAX * f->columns, sizeof *room);
    if (!room)
        return err_set(err, ERR_TOO_LARGE, "too_large", "JPEG lossless: no memory for two lines");
    while (seen != all) {
        int marker = jpeg_next(s, err);
        if (marker != MARKER_SOS) {
            if (marker)
                err_set(err, ERR_INVALID, "truncated", "JPEG lossless: a component has no scan");
            goto out;
        }
        for (int c = 0; c < s->scan.n; c++) {
            if (seen & 1u << s->scan.component[c]) {
                refuse(err, "two scans of one component");
                goto out;
            }
            seen |= 1u << s->scan.component[c];
        }
        if (!scan_open(&l, room, err) || !decode_scan(&l, values, err))
            goto out;
    }
    ok = true;
out:
    free(room);
    return ok;
}
