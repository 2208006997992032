/* The API's own description: the two files as they are, and a page for people made from the first one. The page
 * has no script at all. */
#include "core/crypto.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "signaling/api.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char embed_openapi[], embed_openapi_end[];
extern const char embed_socket_schema[], embed_socket_schema_end[];

static const char STYLE[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 "
    "auto;padding:1rem;color:#1a1a1a;background:#fff}"
    "h2{margin-top:2.5rem;border-bottom:1px solid #999}code{background:#eee;padding:0 .25em}"
    "article{border:1px solid #ccc;border-radius:6px;margin:1rem 0;padding:0 1rem}"
    "h3{font-size:1rem}b.m{display:inline-block;min-width:4.5rem;color:#fff;background:#1b4f72;border-radius:"
    "4px;"
    "text-align:center}pre{overflow:auto;background:#f5f5f5;padding:.75rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2rem "
    ".6rem;text-align:left;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}code,pre{background:#222}}";

static struct {
    char *text;
    size_t len;
    char etag[40], openapi_etag[40], socket_etag[40];
} page;

struct out {
    FILE *f;
};

static void text(struct out *o, const char *s)
{
    for (; s && *s; s++) {
        switch (*s) {
        case '<':
            fputs("&lt;", o->f);
            break;
        case '>':
            fputs("&gt;", o->f);
            break;
        case '&':
            fputs("&amp;", o->f);
            break;
        case '"':
            fputs("&quot;", o->f);
            break;
        default:
            fputc(*s, o->f);
        }
    }
}

static const char *str(const json_t *obj, const char *key)
{
    return json_string_value(json_object_get(obj, key));
}

static void paragraph(struct out *o, const char *s)
{
    if (!s)
        return;
    fputs("<p>", o->f);
    text(o, s);
    fputs("</p>", o->f);
}

/* "#/components/schemas/Order" to a link; anything else to its type. */
static void type(struct out *o, const json_t *schema)
{
    const char *ref = str(schema, "$ref"), *name = ref ? strrchr(ref, '/') : NULL;
    const json_t *kind = json_object_get(schema, "type");

    if (name) {
        fprintf(o->f, "<a href=\"#schema-%s\">%s</a>", name + 1, name + 1);
    } else if (json_is_string(kind) && !strcmp(json_string_value(kind), "array")) {
        fputs("list of ", o->f);
        type(o, json_object_get(schema, "items"));
    } else if (json_is_string(kind)) {
        text(o, json_string_value(kind));
    } else {
        const json_t *one = json_array_get(json_object_get(schema, "oneOf"), 0);
        if (one) {
            type(o, one);
            fputs(" or null", o->f);
        } else {
            fputs("value", o->f);
        }
    }
}

static void content(struct out *o, const json_t *holder)
{
    const char *media;
    json_t *value;

    json_object_foreach(json_object_get(holder, "content"), media, value)
    {
        fputs(" <code>", o->f);
        text(o, media);
        fputs("</code> ", o->f);
        type(o, json_object_get(value, "schema"));
    }
}

static void parameters(struct out *o, const json_t *doc, const json_t *op)
{
    const json_t *param;
    size_t i;

    json_array_foreach(json_object_get(op, "parameters"), i, param)
    {
        const char *ref = str(param, "$ref");
        if (ref)
            param = json_object_get(json_object_get(json_object_get(doc, "components"), "parameters"),
                                    strrchr(ref, '/') + 1);
        fputs("<li><code>", o->f);
        text(o, str(param, "name"));
        fputs("</code> in ", o->f);
        text(o, str(param, "in"));
        fputs(": ", o->f);
        text(o, str(param, "description"));
        fputs("</li>", o->f);
    }
}

static void answers(struct out *o, const json_t *doc, const json_t *op)
{
    const char *status;
    json_t *answer;

    json_object_foreach(json_object_get(op, "responses"), status, answer)
    {
        const char *ref = str(answer, "$ref");
        const json_t *r = answer;
        if (ref)
            r = json_object_get(json_object_get(json_object_get(doc, "components"), "responses"),
                                strrchr(ref, '/') + 1);
        fprintf(o->f, "<li><b>%s</b> ", status);
        text(o, str(r, "description"));
        if (!ref)
            content(o, r);
        fputs("</li>", o->f);
    }
}

static void operation(struct out *o, const json_t *doc, const char *path, const char *method,
                      const json_t *op)
{
    const json_t *role;
    size_t i;

    fprintf(o->f, "<article id=\"%s\"><h3><b class=\"m\">%s</b> <code>", str(op, "operationId"), method);
    text(o, path);
    fputs("</code> ", o->f);
    text(o, str(op, "summary"));
    fputs("</h3>", o->f);
    paragraph(o, str(op, "description"));
    fputs("<p>Who: ", o->f);
    if (!json_array_size(json_object_get(op, "x-roles")))
        fputs("anybody", o->f);
    json_array_foreach(json_object_get(op, "x-roles"), i, role)
    {
        fputs(i ? ", " : "", o->f);
        text(o, strcmp(json_string_value(role), "*") ? json_string_value(role) : "whoever is logged in");
    }
    fputs("</p><ul>", o->f);
    parameters(o, doc, op);
    if (json_object_get(op, "requestBody")) {
        fputs("<li>body", o->f);
        content(o, json_object_get(op, "requestBody"));
        fputs("</li>", o->f);
    }
    fputs("</ul><p>Answers</p><ul>", o->f);
    answers(o, doc, op);
    fputs("</ul></article>", o->f);
}

static bool tagged(const json_t *op, const char *tag)
{
    const char *own = json_string_value(json_array_get(json_object_get(op, "tags"), 0));

    return own && !strcmp(own, tag);
}

static void operations(struct out *o, const json_t *doc)
{
    const json_t *tag;
    const char *path, *method;
    json_t *item, *op;
    size_t i;

    json_array_foreach(json_object_get(doc, "tags"), i, tag)
    {
        fputs("<h2>", o->f);
        text(o, str(tag, "description"));
        fputs("</h2>", o->f);
        json_object_foreach(json_object_get(doc, "paths"), path, item)
            json_object_foreach(item, method, op) if (tagged(op, str(tag, "name")))
                operation(o, doc, path, method, op);
    }
}

static void schemas(struct out *o, const json_t *doc)
{
    const char *name, *member;
    json_t *schema, *value;

    fputs("<h2>Documents</h2>", o->f);
    json_object_foreach(json_object_get(json_object_get(doc, "components"), "schemas"), name, schema)
    {
        fprintf(o->f, "<h3 id=\"schema-%s\">%s</h3>", name, name);
        paragraph(o, str(schema, "description"));
        if (!json_object_get(schema, "properties")) {
            char *raw = json_dumps(schema, JSON_COMPACT);
            fputs("<pre>", o->f);
            text(o, raw);
            fputs("</pre>", o->f);
            free(raw);
            continue;
        }
        fputs("<table><tr><th>member</th><th>type</th><th></th></tr>", o->f);
        json_object_foreach(json_object_get(schema, "properties"), member, value)
        {
            fprintf(o->f, "<tr><td><code>%s</code></td><td>", member);
            type(o, value);
            fputs("</td><td>", o->f);
            text(o, str(value, "description"));
            fputs("</td></tr>", o->f);
        }
        fputs("</table>", o->f);
    }
}

static void etag(const char *bytes, size_t len, char out[40])
{
    uint8_t sum[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];

    crypto_sha256(bytes, len, sum);
    crypto_hex(sum, sizeof sum, hex);
    snprintf(out, 40, "\"%.32s\"", hex);
}

/* Once, at the first request: the document never changes while we run. */
static void make_page(void)
{
    static const struct json_limits OURS = {1024 * 1024, 40};
    size_t len = (size_t)(embed_openapi_end - embed_openapi);
    struct err err = ERR_INIT;
    struct out o;
    json_t *doc = NULL;

    if (page.text)
        return;
    o.f = open_memstream(&page.text, &page.len);
    if (!o.f || !json_parse(&doc, (const uint8_t *)embed_openapi, len, &OURS, &err))
        abort(); /* a test parses the same bytes */
    fprintf(o.f,
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Yunzhen API</title>"
            "<meta name=\"viewport\" "
            "content=\"width=device-width,initial-scale=1\"><style>%s</style></head><body>"
            "<h1>Yunzhen API</h1>",
            STYLE);
    paragraph(&o, str(json_object_get(doc, "info"), "description"));
    fputs("<p>Machines read <a href=\"/api/openapi.json\">openapi.json</a> and "
          "<a href=\"/api/socket.schema.json\">socket.schema.json</a>.</p>",
          o.f);
    operations(&o, doc);
    schemas(&o, doc);
    fputs("</body></html>", o.f);
    fclose(o.f);
    json_decref(doc);
    etag(page.text, page.len, page.etag);
    etag(embed_openapi, len, page.openapi_etag);
    etag(embed_socket_schema, (size_t)(embed_socket_schema_end - embed_socket_schema), page.socket_etag);
}

void api_openapi(struct request *req)
{
    make_page();
    request_answer_lent(req, 200, "application/json", embed_openapi,
                        (size_t)(embed_openapi_end - embed_openapi), page.openapi_etag);
}

void api_socket_schema(struct request *req)
{
    make_page();
    request_answer_lent(req, 200, "application/schema+json", embed_socket_schema,
                        (size_t)(embed_socket_schema_end - embed_socket_schema), page.socket_etag);
}

void api_docs(struct request *req)
{
    make_page();
    request_header(req, "Content-Security-Policy",
                   "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    request_answer_lent(req, 200, "text/html; charset=utf-8", page.text, page.len, page.etag);
}

void api_docs_free(void)
{
    free(page.text);
    page.text = NULL;
}
