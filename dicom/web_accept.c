#include "core/mem.h"
#include "dicom/multipart.h"
#include "dicom/web_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* 0 … 1000; a weight that is none counts as 1 (RFC 9110 12.4.2). */
static int weight(const char *text, size_t len)
{
    for (size_t i = 0; i + 3 < len; i++)
        if (text[i] == ';') {
            const char *p = text + i + 1, *end = text + len;
            while (p < end && *p == ' ')
                p++;
            if (end - p >= 3 && (*p == 'q' || *p == 'Q') && p[1] == '=') {
                char number[8] = "";
                double q;
                memcpy(number, p + 2, (size_t)(end - p - 2 < 7 ? end - p - 2 : 7));
                q = strtod(number, NULL);
                return q >= 0 && q <= 1 ? (int)(q * 1000) : 1000;
            }
        }
    return 1000;
}

/* The next comma outside of quotes. */
static size_t range_length(const char *p)
{
    bool quoted = false;
    size_t n = 0;

    for (; p[n] && (quoted || p[n] != ','); n++)
        if (p[n] == '"')
            quoted = !quoted;
        else if (quoted && p[n] == '\\' && p[n + 1])
            n++;
    return n;
}

static void add(struct accept *out, const char *text, size_t len)
{
    struct multipart_type t;
    struct accept_range r = {.q = weight(text, len)};
    int at;

    if (out->n == ACCEPT_MAX || !r.q || !multipart_type_parse(&t, text, len))
        return;
    r.multi = !strcmp(t.media, "multipart/related");
    snprintf(r.media, sizeof r.media, "%s", !r.multi ? t.media : *t.type ? t.type : "*/*");
    snprintf(r.syntax, sizeof r.syntax, "%s", t.syntax);
    for (at = out->n++; at > 0 && out->ranges[at - 1].q < r.q; at--)
        out->ranges[at] = out->ranges[at - 1];
    out->ranges[at] = r;
}

void accept_parse(struct accept *out, const char *header, const char *query)
{
    const char *text = query && *query ? query : *header ? header : "*/*";

    memset(out, 0, sizeof *out);
    for (const char *p = text; *p;) {
        size_t len = range_length(p), lead = strspn(p, " \t");
        if (lead < len)
            add(out, p + lead, len - lead);
        p += len;
        p += *p == ',';
    }
}

void accept_of(struct accept *out, const struct request *req)
{
    accept_parse(out, req->accept, request_query(req, "accept"));
}

bool accept_takes(const struct accept_range *r, const char *media)
{
    size_t len = strlen(r->media);

    if (!strcmp(r->media, "*/*") || !strcmp(r->media, media))
        return true;
    return len > 2 && !strcmp(r->media + len - 2, "/*") && !strncmp(r->media, media, len - 1);
}

void accept_refuse(struct request *req, const char *there_is)
{
    struct err err = ERR_INIT;
    json_t *extra = json_pack("{s:s}", "available", there_is);

    err_set(&err, ERR_INVALID, "not_acceptable", "%s", there_is);
    request_problem(req, &err, extra);
    json_decref(extra);
}

bool accept_only(struct request *req, const char *media, const char *also)
{
    struct accept a;

    accept_of(&a, req);
    for (int i = 0; i < a.n; i++)
        if (!a.ranges[i].multi &&
            (accept_takes(&a.ranges[i], media) || (also && accept_takes(&a.ranges[i], also))))
            return true;
    accept_refuse(req, media);
    return false;
}
