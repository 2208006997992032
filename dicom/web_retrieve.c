/* Whole objects, byte for byte as they are kept. */
#include "core/mem.h"
#include "dicom/web_private.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DICOM "application/dicom"

enum form { NONE, PARTS, ALONE };

static bool syntax_fits(const struct accept_range *r, const struct web_found *f)
{
    if (!*r->syntax || !strcmp(r->syntax, "*"))
        return true;
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(r->syntax, f->instances[i].syntax) != 0)
            return false; /* what is kept is given; nothing is relabelled, and whole objects are not decoded */
    return true;
}

static enum form choose(const struct web_found *f)
{
    struct accept a;

    accept_of(&a, f->req);
    for (int i = 0; i < a.n; i++) {
        const struct accept_range *r = &a.ranges[i];
        if (!accept_takes(r, DICOM) || !syntax_fits(r, f))
            continue;
        if (r->multi || !strcmp(r->media, "*/*"))
            return PARTS;
        if (f->n == 1)
            return ALONE;
    }
    return NONE;
}

/* The file is already what was asked for: nginx sends it, with ranges. */
static void send_alone(struct web_found *f)
{
    const struct web_instance *in = &f->instances[0];
    struct request *req = f->req;
    char *where = mem_format("/internal/imaging%s", in->path + strlen(web_of(req)->imaging));
    char *type = mem_format(DICOM "; transfer-syntax=%s", in->syntax);

    request_header(req, "X-Accel-Redirect", where);
    request_header(req, "Content-Type", type);
    request_answer_lent(req, 200, NULL, "", 0, NULL);
    free(where);
    free(type);
}

static void send_parts(struct web_found *f)
{
    struct web_body *b = web_body_new(web_of(f->req));
    char mark[ID_RANDOM_TEXT], head[256];

    id_random(mark);
    for (size_t i = 0; i < f->n; i++) {
        const struct web_instance *in = &f->instances[i];
        snprintf(head, sizeof head,
                 "%s--%s\r\nContent-Type: " DICOM "; transfer-syntax=%s\r\nContent-Length: %" PRId64
                 "\r\n\r\n",
                 i ? "\r\n" : "", mark, in->syntax, in->bytes);
        web_body_text(b, head);
        web_body_file(b, in->path, 0, (uint64_t)in->bytes);
    }
    snprintf(head, sizeof head, "\r\n--%s--\r\n", mark);
    web_body_text(b, head);
    snprintf(head, sizeof head, "multipart/related; type=\"" DICOM "\"; boundary=%s", mark);
    web_body_send(b, f->req, 200, head);
}

static void on_found(struct web_found *f)
{
    enum form form = choose(f);

    if (form == NONE)
        accept_refuse(f->req, f->n == 1 ? f->instances[0].syntax
                                        : "multipart/related; type=\"" DICOM "\"; transfer-syntax=*");
    else if (form == ALONE)
        send_alone(f);
    else
        send_parts(f);
    web_found_free(f);
}

void web_retrieve(struct request *req)
{
    web_find(req, on_found);
}
