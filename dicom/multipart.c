#include "dicom/multipart.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- media types --- */

static bool copy_lower(char *out, size_t cap, const char *text, size_t len)
{
    if (len >= cap)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    out[len] = '\0';
    return true;
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* token or quoted-string (RFC 9110 5.6.4); backslashes take the next character as it is. */
static const char *read_value(const char *p, const char *end, char *out, size_t cap, bool *fits)
{
    size_t n = 0;
    bool quoted = p < end && *p == '"';

    *fits = true;
    for (p += quoted; p < end && (quoted ? *p != '"' : *p != ';' && *p != ' ' && *p != '\t'); p++) {
        if (quoted && *p == '\\' && p + 1 < end)
            p++;
        if (n + 1 < cap)
            out[n++] = *p;
        else
            *fits = false;
    }
    out[n] = '\0';
    return p < end && quoted ? p + 1 : p;
}

static bool keep_parameter(struct multipart_type *t, const char *name, size_t name_len, const char *value,
                           bool fits)
{
    const struct {
        const char *name;
        char *out;
        size_t cap;
    } KNOWN[] = {
        {"type", t->type, sizeof t->type},
        {"boundary", t->boundary, sizeof t->boundary},
        {"transfer-syntax", t->syntax, sizeof t->syntax},
    };

    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        size_t len = strlen(value);
        if (strlen(KNOWN[i].name) != name_len || strncasecmp(KNOWN[i].name, name, name_len) != 0)
            continue;
        if (!fits || len >= KNOWN[i].cap)
            return false;
        memcpy(KNOWN[i].out, value, len + 1);
    }
    return true;
}

bool multipart_type_parse(struct multipart_type *out, const char *text, size_t len)
{
    const char *end = text + len, *p = skip_space(text, end), *stop = p;
    char value[MULTIPART_BOUNDARY + 1];

    memset(out, 0, sizeof *out);
    while (stop < end && *stop != ';' && *stop != ' ' && *stop != '\t')
        stop++;
    if (!memchr(p, '/', (size_t)(stop - p)) ||
        !copy_lower(out->media, sizeof out->media, p, (size_t)(stop - p)))
        return false;
    for (p = skip_space(stop, end); p < end; p = skip_space(p, end)) {
        const char *name, *equals;
        bool fits;
        if (*p != ';')
            return false;
        name = skip_space(p + 1, end);
        if (name == end)
            break;
        equals = memchr(name, '=', (size_t)(end - name));
        if (!equals || memchr(name, ';', (size_t)(equals - name)))
            return false;
        p = read_value(equals + 1, end, value, sizeof value, &fits);
        if (!keep_parameter(out, name, (size_t)(equals - name), value, fits))
            return false;
    }
    for (char *c = out->type; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return true;
}

/* --- bodies --- */

static bool malformed(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "multipart_malformed", "%s", what);
}

/* Behind a mark: `--` ends the body, spaces and a line break begin a part (RFC 2046 5.1.1: transport padding). */
static bool after_mark(struct multipart *m, struct err *err)
{
    const uint8_t *p = m->body + m->at, *end = m->body + m->len;

    if (end - p >= 2 && p[0] == '-' && p[1] == '-') {
        m->done = true;
        return true;
    }
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p < end && *p == '\r')
        p++;
    if (p == end || *p != '\n')
        return malformed(err, "no line break behind a boundary");
    m->at = (size_t)(p + 1 - m->body);
    return true;
}

bool multipart_open(struct multipart *m, const uint8_t *body, size_t len, const char *boundary,
                    struct err *err)
{
    const uint8_t *first;

    memset(m, 0, sizeof *m);
    m->body = body;
    m->len = len;
    if (!*boundary || strlen(boundary) > MULTIPART_BOUNDARY)
        return malformed(err, "no boundary, or one that is too long");
    m->mark_len = (size_t)snprintf(m->mark, sizeof m->mark, "\r\n--%s", boundary);
    /* The first mark may stand at the very beginning, without its line break. */
    if (len >= m->mark_len - 2 && !memcmp(body, m->mark + 2, m->mark_len - 2)) {
        m->at = m->mark_len - 2;
        return after_mark(m, err);
    }
    first = len ? memmem(body, len, m->mark, m->mark_len) : NULL;
    if (!first)
        return malformed(err, "the boundary is not there");
    m->at = (size_t)(first - body) + m->mark_len;
    return after_mark(m, err);
}

static void read_head_line(const char *line, size_t len, struct multipart_part *out)
{
    static const char NAME[] = "content-type:";
    struct multipart_type t;

    if (len < sizeof NAME || strncasecmp(line, NAME, sizeof NAME - 1) != 0)
        return;
    if (multipart_type_parse(&t, line + sizeof NAME - 1, len - (sizeof NAME - 1)))
        memcpy(out->media, t.media, sizeof out->media);
    else
        snprintf(out->media, sizeof out->media, "?"); /* it says something, and nobody knows what */
}

/* Header lines up to an empty one. */
static bool read_head(struct multipart *m, struct multipart_part *out, struct err *err)
{
    size_t begin = m->at;

    for (;;) {
        const uint8_t *line = m->body + m->at;
        size_t left = m->len - m->at, n;
        const uint8_t *stop = memchr(line, '\n', left < MULTIPART_HEAD_MAX ? left : MULTIPART_HEAD_MAX);
        if (!stop || m->at - begin > MULTIPART_HEAD_MAX)
            return malformed(err, "a part's head does not end");
        n = (size_t)(stop - line);
        m->at += n + 1;
        if (n && line[n - 1] == '\r')
            n--;
        if (!n)
            return true;
        read_head_line((const char *)line, n, out);
    }
}

bool multipart_next(struct multipart *m, struct multipart_part *out, struct err *err)
{
    const uint8_t *stop;
    size_t from;

    memset(out, 0, sizeof *out);
    err_clear(err);
    if (m->done)
        return false;
    if (!read_head(m, out, err))
        return false;
    /* An empty body: the line break of the empty line is also the mark's. */
    from = m->at >= 2 ? m->at - 2 : 0;
    stop = memmem(m->body + from, m->len - from, m->mark, m->mark_len);
    if (!stop)
        return err_set(err, ERR_INVALID, "multipart_truncated", "part %zu does not end", m->parts + 1);
    out->offset = m->at;
    out->length = (size_t)(stop - m->body) > m->at ? (size_t)(stop - m->body) - m->at : 0;
    m->at = (size_t)(stop - m->body) + m->mark_len;
    m->parts++;
    return after_mark(m, err);
}
