/* Pictures for people (rendered, thumbnail) and the ECG as numbers: one job for a decoder each. */
#include "core/mem.h"
#include "dicom/web_private.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define THUMBNAIL   128
#define SIDE_MAX    8192
#define PICTURE_MAX (256u << 20)

struct picture {
    struct request *req;
    const char *type;
};

/* --- what the query asks for (PS3.18 8.3.5) --- */

/* "400,1500" or "400,1500,LINEAR": n numbers, then at most one word. */
static bool read_numbers(const char *text, double *out, int n, const char **word)
{
    char *end;

    for (int i = 0; i < n; i++) {
        out[i] = strtod(text, &end);
        if (end == text || !isfinite(out[i]) || (*end && *end != ','))
            return false;
        if (i + 1 < n && !*end)
            return false;
        text = *end ? end + 1 : end;
    }
    *word = text;
    return true;
}

static bool read_window(struct decode_params *p, const char *text)
{
    const char *word;
    double v[2];

    if (!text)
        return true;
    if (!read_numbers(text, v, 2, &word) || v[1] < 1 || (*word && strcasecmp(word, "linear") != 0))
        return false;
    p->window_given = 1;
    p->center = v[0];
    p->breadth = v[1];
    return true;
}

static bool read_viewport(struct decode_params *p, const char *text)
{
    const char *rest;
    double v[2];

    if (!text)
        return true;
    if (!read_numbers(text, v, 2, &rest) || v[0] < 1 || v[1] < 1 || v[0] > SIDE_MAX || v[1] > SIDE_MAX ||
        *rest)
        return false; /* a part of the picture is not cut out */
    p->width = (uint32_t)v[0];
    p->height = (uint32_t)v[1];
    return true;
}

static bool read_quality(struct decode_params *p, const char *text)
{
    char *end;
    long q;

    if (!text)
        return true;
    q = strtol(text, &end, 10);
    if (*end || q < 1 || q > 100)
        return false;
    p->quality = (uint32_t)q;
    return true;
}

static bool read_frame(struct decode_params *p, const struct request *req)
{
    unsigned long n;
    char *end;

    if (!strstr(req->route->path, "frame_list"))
        return true;
    n = strtoul(req->param[3], &end, 10);
    if (*end || n < 1 || n > INT32_MAX)
        return false; /* one picture, not several */
    p->frame = (uint32_t)n - 1;
    return true;
}

static bool read_query(struct decode_params *p, struct request *req)
{
    const char *wrong = NULL;

    if (!read_window(p, request_query(req, "window")))
        wrong = "window";
    else if (!read_viewport(p, request_query(req, "viewport")))
        wrong = "viewport";
    else if (!read_quality(p, request_query(req, "quality")))
        wrong = "quality";
    else if (!read_frame(p, req))
        wrong = "frame_list";
    if (wrong)
        request_refuse(req, ERR_INVALID, !strcmp(wrong, "frame_list") ? wrong : "query_value", wrong);
    return !wrong;
}

/* JPEG unless PNG is wanted more. */
static bool choose(struct decode_params *p, struct request *req, const char **type)
{
    struct accept a;

    accept_of(&a, req);
    for (int i = 0; i < a.n; i++) {
        if (a.ranges[i].multi)
            continue;
        if (accept_takes(&a.ranges[i], "image/jpeg")) {
            p->format = DECODE_JPEG;
            *type = "image/jpeg";
            return true;
        }
        if (accept_takes(&a.ranges[i], "image/png")) {
            p->format = DECODE_PNG;
            *type = "image/png";
            return true;
        }
    }
    accept_refuse(req, "image/jpeg, image/png");
    return false;
}

/* --- the answer --- */

static void on_made(void *arg, struct decode_result *result, const struct err *err)
{
    struct picture *p = arg;
    struct err own = ERR_INIT;
    char *bytes = NULL;
    size_t len = 0;

    if (!err->code && result->answer.bytes <= PICTURE_MAX) { /* a memfd: reading it waits for nothing */
        len = (size_t)result->answer.bytes;
        bytes = mem_grow(NULL, len + 1);
        if (pread(result->fd, bytes, len, 0) != (ssize_t)len)
            err_set(&own, ERR_IO, "internal", "a decoder's output is short");
    } else if (!err->code) {
        err_set(&own, ERR_TOO_LARGE, "too_large", "a picture of %zu bytes", (size_t)result->answer.bytes);
    }
    if (err->code || own.code) {
        free(bytes);
        request_problem(p->req, err->code ? err : &own, NULL);
    } else {
        request_answer_text(p->req, 200, p->type, bytes, len);
    }
    free(p);
}

static void run(struct web_found *f, const struct web_instance *in, const struct decode_params *params,
                const char *type)
{
    struct picture *p;
    struct err err = ERR_INIT;

    request_header(f->req, "Vary", "Accept");
    if (web_unchanged(f->req, in, strrchr(type, '/') + 1)) {
        web_found_free(f);
        return;
    }
    p = mem_new(sizeof *p);
    *p = (struct picture){f->req, type};
    if (!web_decode(web_of(f->req), params, in->path, on_made, p, &err)) {
        request_problem(f->req, &err, NULL);
        free(p);
    }
    web_found_free(f);
}

/* The middle one of those that have a picture. */
static const struct web_instance *middle(const struct web_found *f)
{
    size_t with = 0, seen = 0;

    for (size_t i = 0; i < f->n; i++)
        with += f->instances[i].frames > 0;
    for (size_t i = 0; i < f->n; i++)
        if (f->instances[i].frames > 0 && seen++ == with / 2)
            return &f->instances[i];
    return NULL;
}

static void show(struct web_found *f, struct decode_params *params)
{
    const struct web_instance *in = middle(f);
    struct request *req = f->req;
    const char *type;

    if (!in) {
        request_refuse(req, ERR_NOT_FOUND, "pixel_data_missing", "nothing here has pixel data");
        web_found_free(f);
    } else if (!read_query(params, req) || !choose(params, req, &type)) {
        web_found_free(f);
    } else {
        run(f, in, params, type);
    }
}

static void on_rendered(struct web_found *f)
{
    show(f, &(struct decode_params){.op = DECODE_RENDER});
}

static void on_thumbnail(struct web_found *f)
{
    show(f, &(struct decode_params){
                .op = DECODE_RENDER, .width = THUMBNAIL, .height = THUMBNAIL, .quality = 80});
}

static void on_waveform(struct web_found *f)
{
    run(f, &f->instances[0], &(struct decode_params){.op = DECODE_WAVEFORM}, "application/json");
}

void web_rendered(struct request *req)
{
    web_find(req, on_rendered);
}

void web_thumbnail(struct request *req)
{
    web_find(req, on_thumbnail);
}

void web_waveform(struct request *req)
{
    if (accept_only(req, "application/json", NULL))
        web_find(req, on_waveform);
}
