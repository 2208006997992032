/* jpeg_dct.c - T.81 Annexes F and G: sequential and progressive DCT with Huffman codes. All coefficients are kept until the
 * last scan, so one path serves both; what it is for, 12 bit images, is small enough. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "dicom/decode/jpeg_own.h"

#define SCANS_MAX 200 /* a progressive stream has about ten; each one walks over the whole picture */

struct plane {
    uint32_t columns, rows; /* of this component */
    uint32_t across, down;  /* blocks that hold it, A.2.2 */
    uint32_t stride;        /* blocks of a row as stored, a whole number of MCUs */
    int16_t (*blocks)[64];  /* coefficients in zigzag order */
    uint16_t quant[64];
    bool quant_there;
    int32_t predicted; /* DC */
};

struct dct {
    struct picture_form *form;
    struct jpeg_stream *s;
    struct jpeg_bits bits;
    uint8_t *values;
    struct plane planes[JPEG_COMPONENTS_MAX];
    uint32_t mcus_across, mcus_down;
    uint32_t eob_run;
    unsigned restarts;
    uint32_t until_restart;
};

static const uint8_t ZIGZAG[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                   12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                   35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                   58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

static bool refuse(struct err *err, const char *why)
{
    return codec_refuse(err, "JPEG", why);
}

/* --- blocks: each of these decodes one, false: a code that is in no table --- */

static int16_t narrow(int32_t v)
{
    return (int16_t)(uint16_t)(uint32_t)v;
}

static bool dc_difference(struct dct *d, struct plane *p, const struct jpeg_huffman *h)
{
    int category = jpeg_symbol(&d->bits, h);

    if (category < 0 || category > 15)
        return false;
    p->predicted = narrow(p->predicted + jpeg_extend(&d->bits, category));
    return true;
}

/* F.2.2 */
static bool block_sequential(struct dct *d, struct plane *p, int16_t *b, const struct jpeg_huffman *dc,
                             const struct jpeg_huffman *ac)
{
    if (!dc_difference(d, p, dc))
        return false;
    b[0] = narrow(p->predicted);
    for (int k = 1; k < 64; k++) {
        int rs = jpeg_symbol(&d->bits, ac), size = rs & 15;
        if (rs < 0)
            return false;
        if (size == 0) {
            if (rs >> 4 != 15)
                return true; /* end of block */
            k += 15;
            continue;
        }
        k += rs >> 4;
        if (k > 63)
            return false;
        b[k] = narrow(jpeg_extend(&d->bits, size));
    }
    return true;
}

/* G.1.2.1 */
static bool block_dc(struct dct *d, struct plane *p, int16_t *b, const struct jpeg_huffman *dc)
{
    const struct jpeg_scan *scan = &d->s->scan;

    if (scan->ah) {
        if (jpeg_bits_get(&d->bits, 1))
            b[0] = narrow(b[0] | 1 << scan->al);
        return true;
    }
    if (!dc_difference(d, p, dc))
        return false;
    b[0] = narrow((int32_t)((uint32_t)p->predicted << scan->al));
    return true;
}

/* G.1.2.2 */
static bool block_ac_first(struct dct *d, int16_t *b, const struct jpeg_huffman *ac)
{
    const struct jpeg_scan *scan = &d->s->scan;

    if (d->eob_run) {
        d->eob_run--;
        return true;
    }
    for (int k = scan->ss; k <= scan->se; k++) {
        int rs = jpeg_symbol(&d->bits, ac), run = rs >> 4, size = rs & 15;
        if (rs < 0)
            return false;
        if (size == 0 && run < 15) {
            d->eob_run = (1u << run) - 1 + jpeg_bits_get(&d->bits, run);
            return true;
        }
        k += run;
        if (size == 0)
            continue;
        if (k > scan->se)
            return false;
        b[k] = narrow((int32_t)((uint32_t)jpeg_extend(&d->bits, size) << scan->al));
    }
    return true;
}

static void refine(struct dct *d, int16_t *v)
{
    int bit = 1 << d->s->scan.al;

    if (jpeg_bits_get(&d->bits, 1) && !(abs(*v) & bit))
        *v = narrow(*v + (*v > 0 ? bit : -bit));
}

/* G.1.2.3: coefficients that are known get one more bit each, between them new ones appear. */
static bool block_ac_refine(struct dct *d, int16_t *b, const struct jpeg_huffman *ac)
{
    const struct jpeg_scan *scan = &d->s->scan;
    int k = scan->ss;

    while (d->eob_run == 0 && k <= scan->se) {
        int rs = jpeg_symbol(&d->bits, ac), run = rs >> 4, size = rs & 15;
        int32_t fresh = 0;
        if (rs < 0 || size > 1)
            return false;
        if (size == 0 && run < 15) {
            d->eob_run = (1u << run) + jpeg_bits_get(&d->bits, run);
            break;
        }
        if (size == 1)
            fresh = jpeg_bits_get(&d->bits, 1) ? 1 << scan->al : -(1 << scan->al);
        for (; k <= scan->se; k++) {
            if (b[k])
                refine(d, &b[k]);
            else if (run-- == 0)
                break;
        }
        if (fresh && k <= scan->se)
            b[k] = narrow(fresh);
        k++;
    }
    if (d->eob_run) {
        for (; k <= scan->se; k++)
            if (b[k])
                refine(d, &b[k]);
        d->eob_run--;
    }
    return true;
}

static bool block(struct dct *d, int i, uint32_t across, uint32_t down)
{
    const struct jpeg_scan *scan = &d->s->scan;
    struct plane *p = &d->planes[scan->component[i]];
    const struct jpeg_huffman *dc = &d->s->dc[scan->dc[i]], *ac = &d->s->ac[scan->ac[i]];
    int16_t *b = p->blocks[(size_t)down * p->stride + across];

    if (d->s->frame.process != MARKER_SOF2)
        return block_sequential(d, p, b, dc, ac);
    if (scan->ss == 0)
        return block_dc(d, p, b, dc);
    return scan->ah ? block_ac_refine(d, b, ac) : block_ac_first(d, b, ac);
}

/* --- scans --- */

static void interval_begins(struct dct *d)
{
    d->until_restart = d->s->restart;
    d->eob_run = 0;
    for (int c = 0; c < d->s->frame.n; c++)
        d->planes[c].predicted = 0;
}

static bool unit_done(struct dct *d, bool last, struct err *err)
{
    if (jpeg_bits_over(&d->bits))
        return err_set(err, ERR_INVALID, "truncated", "JPEG: the stream ends within a scan");
    if (!d->s->restart || last || --d->until_restart > 0)
        return true;
    if (!jpeg_bits_restart(&d->bits, d->restarts++))
        return refuse(err, "a restart marker is missing");
    interval_begins(d);
    return true;
}

/* A.2.3: one component alone goes block by block, without the ones that only fill an MCU. */
static bool scan_alone(struct dct *d, struct err *err)
{
    const struct plane *p = &d->planes[d->s->scan.component[0]];

    for (uint32_t y = 0; y < p->down; y++)
        for (uint32_t x = 0; x < p->across; x++) {
            if (!block(d, 0, x, y))
                return refuse(err, "a code that is in no table");
            if (!unit_done(d, y + 1 == p->down && x + 1 == p->across, err))
                return false;
        }
    return true;
}

static bool mcu(struct dct *d, uint32_t mx, uint32_t my)
{
    for (int i = 0; i < d->s->scan.n; i++) {
        const struct jpeg_component *c = &d->s->frame.c[d->s->scan.component[i]];
        for (uint32_t y = 0; y < c->v; y++)
            for (uint32_t x = 0; x < c->h; x++)
                if (!block(d, i, mx * c->h + x, my * c->v + y))
                    return false;
    }
    return true;
}

static bool scan_interleaved(struct dct *d, struct err *err)
{
    for (uint32_t y = 0; y < d->mcus_down; y++)
        for (uint32_t x = 0; x < d->mcus_across; x++) {
            if (!mcu(d, x, y))
                return refuse(err, "a code that is in no table");
            if (!unit_done(d, y + 1 == d->mcus_down && x + 1 == d->mcus_across, err))
                return false;
        }
    return true;
}

static bool scan_checks(struct dct *d, struct err *err)
{
    struct jpeg_scan *s = &d->s->scan;
    bool progressive = d->s->frame.process == MARKER_SOF2;

    /* In a sequential scan these say nothing, and some devices leave them zero. */
    if (!progressive) {
        s->ss = s->ah = s->al = 0;
        s->se = 63;
    }
    if (progressive &&
        (s->se > 63 || s->ss > s->se || s->al > 13 || (s->ss == 0 && s->se != 0) || (s->ss > 0 && s->n != 1)))
        return refuse(err, "a progressive scan nobody defined");
    for (int i = 0; i < s->n; i++) {
        struct plane *p = &d->planes[s->component[i]];
        int q = d->s->frame.c[s->component[i]].tq;
        if ((s->ss == 0 && !s->ah && !d->s->dc[s->dc[i]].there) || (s->se > 0 && !d->s->ac[s->ac[i]].there))
            return refuse(err, "a Huffman table is missing");
        if (!d->s->quant_there[q])
            return refuse(err, "a quantization table is missing");
        if (!p->quant_there) /* the one in force when the component is first met */
            memcpy(p->quant, d->s->quant[q], sizeof p->quant);
        p->quant_there = true;
    }
    return true;
}

static bool scan(struct dct *d, struct err *err)
{
    if (!scan_checks(d, err))
        return false;
    d->restarts = 0;
    jpeg_bits_open(&d->bits, d->s);
    interval_begins(d);
    bool ok = d->s->scan.n == 1 ? scan_alone(d, err) : scan_interleaved(d, err);
    d->s->at = d->bits.at;
    return ok;
}

/* --- values --- */

/* cos((2x+1)uπ/16) with the scale of A.3.3 in it. */
static void make_basis(float basis[8][8])
{
    for (int u = 0; u < 8; u++)
        for (int x = 0; x < 8; x++)
            basis[u][x] = (float)((u ? 1.0 : sqrt(0.5)) / 2 * cos((2 * x + 1) * u * M_PI / 16));
}

static void inverse(float basis[8][8], const float in[64], float out[64])
{
    float rows[64];

    for (int v = 0; v < 8; v++)
        for (int x = 0; x < 8; x++) {
            float sum = 0;
            for (int u = 0; u < 8; u++)
                sum += in[8 * v + u] * basis[u][x];
            rows[8 * v + x] = sum;
        }
    for (int x = 0; x < 8; x++)
        for (int y = 0; y < 8; y++) {
            float sum = 0;
            for (int v = 0; v < 8; v++)
                sum += rows[8 * v + x] * basis[v][y];
            out[8 * y + x] = sum;
        }
}

static void put_pixel(struct dct *d, int c, uint32_t x, uint32_t y, float v)
{
    const struct jpeg_frame *f = &d->s->frame;
    const float top = (float)((1 << f->precision) - 1);
    float shifted = v + (float)(1 << (f->precision - 1));
    int32_t value = (int32_t)lrintf(shifted < 0 ? 0 : shifted > top ? top : shifted);
    /* Subsampled components are repeated. */
    uint32_t wide = f->h_max / f->c[c].h, high = f->v_max / f->c[c].v;

    for (uint32_t j = y * high; j < (y + 1) * high && j < f->rows; j++)
        for (uint32_t i = x * wide; i < (x + 1) * wide && i < f->columns; i++)
            codec_put(d->form, d->values, ((size_t)j * f->columns + i) * f->n + (size_t)c,
                      codec_sign(d->form, value, f->precision));
}

static void show_plane(struct dct *d, int c, float basis[8][8])
{
    const struct plane *p = &d->planes[c];
    float in[64], out[64];

    for (uint32_t by = 0; by < p->down; by++)
        for (uint32_t bx = 0; bx < p->across; bx++) {
            const int16_t *b = p->blocks[(size_t)by * p->stride + bx];
            for (int k = 0; k < 64; k++)
                in[ZIGZAG[k]] = (float)b[k] * (float)p->quant[k];
            inverse(basis, in, out);
            for (uint32_t y = 0; y < 8; y++)
                for (uint32_t x = 0; x < 8; x++)
                    put_pixel(d, c, 8 * bx + x, 8 * by + y, out[8 * y + x]);
        }
}

static uint32_t up(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static bool make_planes(struct dct *d, struct err *err)
{
    const struct jpeg_frame *f = &d->s->frame;

    d->mcus_across = up(f->columns, 8u * f->h_max);
    d->mcus_down = up(f->rows, 8u * f->v_max);
    for (int c = 0; c < f->n; c++) {
        struct plane *p = &d->planes[c];
        if (f->h_max % f->c[c].h || f->v_max % f->c[c].v)
            return refuse(err, "sampling factors that do not divide");
        p->across = up(up(f->columns * f->c[c].h, f->h_max), 8);
        p->down = up(up(f->rows * f->c[c].v, f->v_max), 8);
        p->stride = d->mcus_across * f->c[c].h;
        p->blocks = calloc((size_t)p->stride * d->mcus_down * f->c[c].v, sizeof p->blocks[0]);
        if (!p->blocks)
            return err_set(err, ERR_TOO_LARGE, "too_large", "JPEG: no memory for coefficients");
    }
    return true;
}

/* All scans up to the end of the image. A sequential stream is complete when each component had its scan. */
static bool scans(struct dct *d, struct err *err)
{
    unsigned seen = 0, all = (1u << d->s->frame.n) - 1;
    bool progressive = d->s->frame.process == MARKER_SOF2;

    for (int n = 0; n < SCANS_MAX; n++) {
        int marker = jpeg_next(d->s, err);
        if (marker == MARKER_EOI)
            return seen == all || err_set(err, ERR_INVALID, "truncated", "JPEG: a component has no scan");
        if (marker != MARKER_SOS || !scan(d, err))
            return marker && marker != MARKER_SOS ? refuse(err, "two frame headers") : false;
        for (int i = 0; i < d->s->scan.n; i++)
            seen |= 1u << d->s->scan.component[i];
        if (!progressive && seen == all)
            return true;
    }
    return refuse(err, "too many scans");
}

bool jpeg_dct(struct picture_form *form, struct jpeg_stream *s, uint8_t *values, struct err *err)
{
    const struct jpeg_frame *f = &s->frame;
    struct dct d = {.form = form, .s = s, .values = values};
    float basis[8][8];
    bool ok = false;

    if (!codec_fits(form, "JPEG", f->columns, f->rows, f->n, f->precision, err))
        return false;
    if (f->precision != 8 && f->precision != 12)
        return refuse(err, "a DCT of neither 8 nor 12 bits");
    if (!make_planes(&d, err) || !scans(&d, err))
        goto out;
    make_basis(basis);
    for (int c = 0; c < f->n; c++)
        show_plane(&d, c, basis);
    ok = true;
out:
    for (int c = 0; c < f->n; c++)
        free(d.planes[c].blocks);
    return ok;
}
