#include "records/print/page.h"
#include <cairo-pdf.h>
#include <cairo.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>
#include "records/print/code.h"

#define MARGIN       48.0
#define WIDTH        (PAGE_WIDTH - 2 * MARGIN)
#define BOTTOM       (PAGE_HEIGHT - MARGIN - 16.0) /* below it stands the page's number */
#define CODE_SIDE    84.0
#define FACT_GAP     12.0
#define FACT_COLUMNS 3

/* The first of these that is there; the machine's own choice fills in what it lacks. */
#define SONG "Noto Serif CJK SC, WenQuanYi Micro Hei, serif"
#define HEI  "Noto Sans CJK SC, WenQuanYi Micro Hei, sans-serif"

enum face { FACE_TEXT, FACE_LABEL, FACE_TITLE, FACE_HOUSE, FACE_HEADING, FACE_SMALL };
static const struct {
    const char *family;
    double size;
    bool bold;
} FACES[] = {
    [FACE_TEXT] = {SONG, 10.5, false},  [FACE_LABEL] = {HEI, 9, false},   [FACE_TITLE] = {HEI, 17, true},
    [FACE_HOUSE] = {SONG, 12.5, false}, [FACE_HEADING] = {HEI, 11, true}, [FACE_SMALL] = {SONG, 8, false},
};

struct printer {
    const struct sheet *sheet;
    cairo_t *cr;
    double y;
    int page, pages; /* pages: 0 while they are counted */
    size_t unknown;  /* letters without a font */
    struct err *err;
};

/* ---------------------------------------------------------------- letters */

static PangoLayout *layout_of(struct printer *p, enum face face, const char *text, double width)
{
    PangoLayout *l = pango_cairo_create_layout(p->cr);
    PangoFontDescription *font = pango_font_description_new();

    pango_font_description_set_family_static(font, FACES[face].family);
    pango_font_description_set_absolute_size(font, FACES[face].size * PANGO_SCALE);
    pango_font_description_set_weight(font, FACES[face].bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_context_set_language(pango_layout_get_context(l), pango_language_from_string(p->sheet->lang));
    pango_layout_set_font_description(l, font);
    pango_font_description_free(font);
    pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_width(l, (int)lround(width * PANGO_SCALE));
    pango_layout_set_spacing(l, (int)lround(FACES[face].size * 0.45 * PANGO_SCALE));
    pango_layout_set_text(l, text, -1);
    p->unknown += (size_t)pango_layout_get_unknown_glyphs_count(l);
    return l;
}

static double height_of(PangoLayout *l)
{
    int h;

    pango_layout_get_size(l, NULL, &h);
    return (double)h / PANGO_SCALE;
}

static void put(struct printer *p, PangoLayout *l, double x, double y)
{
    cairo_move_to(p->cr, x, y);
    pango_cairo_show_layout(p->cr, l);
}

static void rule(struct printer *p, double width)
{
    cairo_set_line_width(p->cr, width);
    cairo_move_to(p->cr, MARGIN, p->y);
    cairo_line_to(p->cr, PAGE_WIDTH - MARGIN, p->y);
    cairo_stroke(p->cr);
    p->y += 8;
}

/* ---------------------------------------------------------------- pages */

static void page_number(struct printer *p)
{
    char text[32];

    snprintf(text, sizeof text, "%d/%d", p->page, p->pages);
    PangoLayout *l = layout_of(p, FACE_SMALL, text, WIDTH);
    pango_layout_set_alignment(l, PANGO_ALIGN_CENTER);
    put(p, l, MARGIN, PAGE_HEIGHT - MARGIN);
    g_object_unref(l);
}

static void page_mark(struct printer *p)
{
    if (!p->sheet->mark)
        return;
    PangoLayout *l = layout_of(p, FACE_HEADING, p->sheet->mark, WIDTH);
    pango_layout_set_alignment(l, PANGO_ALIGN_CENTER);
    cairo_set_source_rgb(p->cr, 0.7, 0, 0);
    put(p, l, MARGIN, p->y);
    cairo_set_source_rgb(p->cr, 0, 0, 0);
    p->y += height_of(l) + 8;
    g_object_unref(l);
}

static void page_begin(struct printer *p)
{
    p->page++;
    p->y = MARGIN;
    page_mark(p);
}

static void page_end(struct printer *p)
{
    page_number(p);
    cairo_show_page(p->cr);
}

static void need(struct printer *p, double height)
{
    if (p->y + height <= BOTTOM)
        return;
    page_end(p);
    page_begin(p);
}

/* ---------------------------------------------------------------- the parts of a sheet */

static void centred(struct printer *p, enum face face, const char *text, double below)
{
    PangoLayout *l = layout_of(p, face, text, WIDTH);

    pango_layout_set_alignment(l, PANGO_ALIGN_CENTER);
    need(p, height_of(l));
    put(p, l, MARGIN, p->y);
    p->y += height_of(l) + below;
    g_object_unref(l);
}

/* Lines go one by one, so that a long text turns the page between two of them. */
static void flow(struct printer *p, enum face face, const char *text)
{
    PangoLayout *l = layout_of(p, face, text, WIDTH);
    double line_height = FACES[face].size * 1.6;

    for (GSList *at = pango_layout_get_lines_readonly(l); at; at = at->next) {
        need(p, line_height);
        cairo_move_to(p->cr, MARGIN, p->y + FACES[face].size * 1.1);
        pango_cairo_show_layout_line(p->cr, at->data);
        p->y += line_height;
    }
    g_object_unref(l);
}

static double fact(struct printer *p, const struct sheet_pair *pair, double x, double width, bool draw)
{
    PangoLayout *label = layout_of(p, FACE_LABEL, pair->label, width),
                *value = layout_of(p, FACE_TEXT, pair->value, width);
    double height = height_of(label) + 2 + height_of(value);

    if (draw) {
        cairo_set_source_rgb(p->cr, 0.35, 0.35, 0.35);
        put(p, label, x, p->y);
        cairo_set_source_rgb(p->cr, 0, 0, 0);
        put(p, value, x, p->y + height_of(label) + 2);
    }
    g_object_unref(label);
    g_object_unref(value);
    return height;
}

static void facts(struct printer *p)
{
    double width = (WIDTH - (FACT_COLUMNS - 1) * FACT_GAP) / FACT_COLUMNS;

    for (size_t i = 0; i < p->sheet->n_facts; i += FACT_COLUMNS) {
        size_t n = p->sheet->n_facts - i < FACT_COLUMNS ? p->sheet->n_facts - i : FACT_COLUMNS;
        double height = 0;

        for (size_t k = 0; k < n; k++)
            height = fmax(height, fact(p, &p->sheet->facts[i + k], 0, width, false));
        need(p, height);
        for (size_t k = 0; k < n; k++)
            fact(p, &p->sheet->facts[i + k], MARGIN + (double)k * (width + FACT_GAP), width, true);
        p->y += height + 7;
    }
}

static void sections(struct printer *p)
{
    for (size_t i = 0; i < p->sheet->n_sections; i++) {
        need(p, 46); /* a heading never stands alone at the foot */
        flow(p, FACE_HEADING, p->sheet->sections[i].label);
        p->y += 2;
        flow(p, FACE_TEXT, p->sheet->sections[i].value);
        p->y += 10;
    }
}

static void signature(struct printer *p)
{
    need(p, 20.0 * (double)p->sheet->n_signature);
    for (size_t i = 0; i < p->sheet->n_signature; i++) {
        char text[512];

        snprintf(text, sizeof text, "%s  %s", p->sheet->signature[i].label, p->sheet->signature[i].value);
        PangoLayout *l = layout_of(p, FACE_TEXT, text, WIDTH);
        pango_layout_set_alignment(l, PANGO_ALIGN_RIGHT);
        put(p, l, MARGIN, p->y);
        p->y += height_of(l) + 4;
        g_object_unref(l);
    }
    p->y += 8;
}

static bool code(struct printer *p)
{
    if (!p->sheet->code_text)
        return true;
    need(p, CODE_SIDE);
    PangoLayout *l = layout_of(p, FACE_SMALL, p->sheet->code_caption, WIDTH - CODE_SIDE - 8);
    if (!code_draw(p->cr, p->sheet->code_text, MARGIN, p->y, CODE_SIDE)) {
        g_object_unref(l);
        return err_set(p->err, ERR_INVALID, "code_too_long", "the text does not fit a QR code");
    }
    put(p, l, MARGIN + CODE_SIDE + 8, p->y + fmax(0, (CODE_SIDE - height_of(l)) / 2));
    p->y += CODE_SIDE + 6;
    g_object_unref(l);
    return true;
}

static bool everything(struct printer *p)
{
    page_begin(p);
    centred(p, FACE_HOUSE, p->sheet->organisation, 4);
    centred(p, FACE_TITLE, p->sheet->title, 10);
    rule(p, 0.8);
    facts(p);
    rule(p, 0.4);
    sections(p);
    signature(p);
    rule(p, 0.4);
    for (size_t i = 0; i < p->sheet->n_notes; i++)
        flow(p, FACE_SMALL, p->sheet->notes[i]);
    p->y += 4;
    if (!code(p))
        return false;
    page_end(p);
    return true;
}

/* ---------------------------------------------------------------- the file */

static cairo_status_t to_file(void *out, const unsigned char *data, unsigned int len)
{
    return fwrite(data, 1, len, out) == len ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_status_t to_nowhere(void *out, const unsigned char *data, unsigned int len)
{
    (void)out;
    (void)data;
    (void)len;
    return CAIRO_STATUS_SUCCESS;
}

static bool run(struct printer *p, cairo_write_func_t write, FILE *out)
{
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(write, out, PAGE_WIDTH, PAGE_HEIGHT);
    bool ok;

    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, p->sheet->title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_AUTHOR, p->sheet->organisation);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, p->sheet->made_at);
    p->cr = cairo_create(surface);
    p->page = 0;
    ok = everything(p);
    cairo_destroy(p->cr);
    cairo_surface_finish(surface);
    if (ok && cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS)
        ok = err_set(p->err, ERR_IO, "write_failed", "%s",
                     cairo_status_to_string(cairo_surface_status(surface)));
    cairo_surface_destroy(surface);
    return ok;
}

int page_print(const struct sheet *sheet, FILE *out, struct err *err)
{
    struct printer p = {.sheet = sheet, .err = err};

    if (!run(&p, to_nowhere, NULL)) /* how many pages there will be stands on each of them */
        return 0;
    if (p.unknown) {
        err_set(err, ERR_INVALID, "no_letters", "%zu letters have no font on this machine", p.unknown);
        return 0;
    }
    if (p.page > PAGES_MAX) {
        err_set(err, ERR_INVALID, "too_many_pages", "%d pages", p.page);
        return 0;
    }
    p.pages = p.page;
    if (!run(&p, to_file, out))
        return 0;
    if (fflush(out) != 0) {
        err_set(err, ERR_IO, "write_failed", "the file could not be written");
        return 0;
    }
    return p.pages;
}
