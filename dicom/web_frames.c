/* Frames: the stored bytes under their true name, or the values a decoder gives (PS3.18 8.7.3, 10.4). */
#include "core/mem.h"
#include "dicom/web_index.h"
#include "dicom/web_private.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 1000 /* in one request */

/* What the bytes of a frame are, by the syntax they are kept in. An absent row is an uncompressed one. */
static const struct {
    const char *syntax, *media;
} MEDIA[] = {
    {"1.2.840.10008.1.2.4.50", "image/jpeg"},  {"1.2.840.10008.1.2.4.51", "image/jpeg"},
    {"1.2.840.10008.1.2.4.53", "image/jpeg"},  {"1.2.840.10008.1.2.4.55", "image/jpeg"},
    {"1.2.840.10008.1.2.4.57", "image/jpeg"},  {"1.2.840.10008.1.2.4.70", "image/jpeg"},
    {"1.2.840.10008.1.2.4.80", "image/jls"},   {"1.2.840.10008.1.2.4.81", "image/jls"},
    {"1.2.840.10008.1.2.4.90", "image/jp2"},   {"1.2.840.10008.1.2.4.91", "image/jp2"},
    {"1.2.840.10008.1.2.4.92", "image/jpx"},   {"1.2.840.10008.1.2.4.93", "image/jpx"},
    {"1.2.840.10008.1.2.4.100", "video/mpeg"}, {"1.2.840.10008.1.2.4.101", "video/mpeg"},
    {"1.2.840.10008.1.2.4.102", "video/mp4"},  {"1.2.840.10008.1.2.4.103", "video/mp4"},
    {"1.2.840.10008.1.2.4.104", "video/mp4"},  {"1.2.840.10008.1.2.4.105", "video/mp4"},
    {"1.2.840.10008.1.2.4.106", "video/mp4"},  {"1.2.840.10008.1.2.4.107", "video/mp4"},
    {"1.2.840.10008.1.2.4.108", "video/mp4"},  {"1.2.840.10008.1.2.4.110", "image/jxl"},
    {"1.2.840.10008.1.2.4.111", "image/jxl"},  {"1.2.840.10008.1.2.4.112", "image/jxl"},
    {"1.2.840.10008.1.2.4.201", "image/jphc"}, {"1.2.840.10008.1.2.4.202", "image/jphc"},
    {"1.2.840.10008.1.2.4.203", "image/jphc"}, {"1.2.840.10008.1.2.5", "image/dicom-rle"},
};

/* A frame's two forms: as kept, and as plain values. Often they are the same bytes. */
struct form {
    const char *media, *syntax;
    bool decode; /* a decoder makes it; otherwise it is a range of the file */
};

struct frames {
    struct web_found *found;
    uint32_t *list; /* from 0 */
    size_t n;
    struct web_frame_table table;
    struct err err;
    struct form form;
    bool alone; /* one part without an envelope */
};

static void frames_free(struct frames *f)
{
    web_frame_table_free(&f->table);
    web_found_free(f->found);
    free(f->list);
    free(f);
}

static const char *media_of(const char *syntax)
{
    for (size_t i = 0; i < sizeof MEDIA / sizeof *MEDIA; i++)
        if (!strcmp(MEDIA[i].syntax, syntax))
            return MEDIA[i].media;
    return WEB_OCTETS;
}

/* Little endian values are the same bytes in implicit and explicit VR; what lies inside a deflated data set, or not at a byte,
 * or in the other byte order, is a decoder's work. */
static struct form plain_form(const struct frames *f)
{
    const char *kept = f->found->instances[0].syntax;
    bool little = !strcmp(kept, SYNTAX_ILE) || !strcmp(kept, SYNTAX_ELE);

    return (struct form){WEB_OCTETS, SYNTAX_ELE,
                         !(little && f->table.native && f->table.aligned && !f->table.deflated)};
}

static struct form kept_form(const struct frames *f)
{
    const char *kept = f->found->instances[0].syntax;

    if (f->table.deflated || (f->table.native && (!f->table.aligned || strcmp(kept, SYNTAX_EBE) != 0)))
        return plain_form(f);
    return (struct form){media_of(kept), kept, false};
}

static bool is(const char *a, const char *b)
{
    return !strcmp(a, b);
}

/* The first range that one of the two forms satisfies. Octets without a syntax mean explicit little endian (table 8.7.3-5); a
 * media type of pictures without one means whichever of that type is kept; `*` means as kept. */
static bool choose(struct frames *f)
{
    const struct form kept = kept_form(f), plain = plain_form(f);
    bool film = !strncmp(kept.media, "video/", 6);
    struct accept a;

    accept_of(&a, f->found->req);
    for (int i = 0; i < a.n; i++) {
        const struct accept_range *r = &a.ranges[i];
        bool any = is(r->media, "*/*"), octets = any || is(r->media, WEB_OCTETS);
        f->alone = !r->multi && !any;
        if (f->alone && f->n > 1)
            continue;
        f->form = kept;
        if ((octets && is(r->syntax, "*")) || (any && !*r->syntax && film) ||
            (accept_takes(r, kept.media) && is(r->syntax, kept.syntax)))
            return true;
        if (!any && !is(kept.media, WEB_OCTETS) && accept_takes(r, kept.media) &&
            (!*r->syntax || is(r->syntax, "*")))
            return true;
        f->form = plain;
        if (octets && (!*r->syntax || is(r->syntax, SYNTAX_ELE)))
            return true;
    }
    return false;
}

static void refuse_form(struct frames *f)
{
    struct form kept = kept_form(f);
    char *there = mem_format("multipart/related; type=\"%s\"; transfer-syntax=%s, multipart/related; "
                             "type=\"" WEB_OCTETS "\"; transfer-syntax=" SYNTAX_ELE,
                             kept.media, kept.syntax);

    accept_refuse(f->found->req, there);
    free(there);
}

/* --- sending --- */

static void add_stored(struct web_body *b, const struct frames *f, uint32_t frame)
{
    struct web_frame where;

    if (!web_frame_find(&f->table, frame, &where))
        return; /* counted before */
    for (size_t i = 0; i < where.n; i++)
        web_body_file(b, f->found->instances[0].path, where.pieces[i].offset, where.pieces[i].length);
    free(where.pieces);
}

/* first: the first frame's decoded values, which decide whether there is an answer at all; -1 when nothing is decoded. */
static void send(struct frames *f, int first, uint64_t first_len)
{
    struct web_body *b = web_body_new(web_of(f->found->req));
    char mark[ID_RANDOM_TEXT], type[160], text[320];

    id_random(mark);
    snprintf(type, sizeof type, "%s; transfer-syntax=%s", f->form.media, f->form.syntax);
    for (size_t i = 0; i < f->n; i++) {
        snprintf(text, sizeof text, "%s--%s\r\nContent-Type: %s\r\n\r\n", i ? "\r\n" : "", mark, type);
        if (!f->alone)
            web_body_text(b, text);
        if (!f->form.decode)
            add_stored(b, f, f->list[i]);
        else if (i == 0)
            web_body_fd(b, first, first_len);
        else
            web_body_frame(b, f->found->instances[0].path, f->list[i]);
    }
    if (!f->alone) {
        snprintf(text, sizeof text, "\r\n--%s--\r\n", mark);
        web_body_text(b, text);
        snprintf(text, sizeof text, "multipart/related; type=\"%s\"; boundary=%s", f->form.media, mark);
    }
    web_body_send(b, f->found->req, 200, f->alone ? type : text);
    frames_free(f);
}

static void on_first(void *arg, struct decode_result *result, const struct err *err)
{
    struct frames *f = arg;
    int fd;

    if (err->code) {
        request_problem(f->found->req, err, NULL);
        frames_free(f);
        return;
    }
    fd = result->fd;
    result->fd = -1;
    send(f, fd, result->answer.bytes);
}

static void decode_first(struct frames *f)
{
    struct decode_params p = {.op = DECODE_FRAME, .frame = f->list[0]};
    struct err err = ERR_INIT;

    if (web_decode(web_of(f->found->req), &p, f->found->instances[0].path, on_first, f, &err))
        return;
    request_problem(f->found->req, &err, NULL);
    frames_free(f);
}

/* --- the table of frames, on a worker --- */

static void read_index(void *arg)
{
    struct frames *f = arg;

    if (!web_index_frames(&f->table, &f->found->instances[0], &f->err))
        return;
    if (*f->table.reason)
        err_set(&f->err, ERR_UNSUPPORTED, "frames_unreadable", "%s", f->table.reason);
    else if (f->table.n_frames == 0)
        err_set(&f->err, ERR_NOT_FOUND, "pixel_data_missing", "no pixel data");
    for (size_t i = 0; i < f->n && !f->err.code; i++)
        if (f->list[i] >= f->table.n_frames)
            err_set(&f->err, ERR_NOT_FOUND, "frame_missing", "frame %u of %u", f->list[i] + 1,
                    f->table.n_frames);
}

/* An instance's bytes never change: its frames have as many tags as they have forms. */
static bool is_unchanged(const struct frames *f)
{
    char what[] = {f->form.decode ? 'd' : 'k', is(f->form.media, WEB_OCTETS) ? 'v' : 'p',
                   f->alone ? 'a' : 'm', 0};

    request_header(f->found->req, "Vary", "Accept");
    return web_unchanged(f->found->req, &f->found->instances[0], what);
}

static void on_index(void *arg)
{
    struct frames *f = arg;

    if (f->err.code) {
        request_problem(f->found->req, &f->err, NULL);
        frames_free(f);
    } else if (!choose(f)) {
        refuse_form(f);
        frames_free(f);
    } else if (is_unchanged(f)) {
        frames_free(f);
    } else if (f->form.decode) {
        decode_first(f);
    } else {
        send(f, -1, 0);
    }
}

/* "3", "1,2,7": numbers from 1. */
static bool read_list(struct frames *f, const char *text)
{
    f->list = mem_new(FRAMES_MAX * sizeof *f->list);
    for (const char *p = text;; p++) {
        char *end;
        unsigned long n = *p >= '0' && *p <= '9' ? strtoul(p, &end, 10) : 0;
        if (!n || n > INT32_MAX || f->n == FRAMES_MAX)
            return false;
        f->list[f->n++] = (uint32_t)n - 1;
        p = end;
        if (!*p)
            return true;
        if (*p != ',')
            return false;
    }
}

static void on_found(struct web_found *found)
{
    struct frames *f = mem_new(sizeof *f);

    f->found = found;
    if (!read_list(f, found->req->param[3])) {
        request_refuse(found->req, ERR_INVALID, "frame_list", "not a list of frame numbers");
        frames_free(f);
    } else if (!web_work(found->req, read_index, on_index, f)) {
        frames_free(f);
    }
}

void web_frames(struct request *req)
{
    web_find(req, on_found);
}
