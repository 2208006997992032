/* dicom_json.c - see dicom_json.h. */
#include "dicom/dataset/dicom_json.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/charset.h"
#include "dicom/dataset/dataset_tree.h"

#define LUT_MAX (2 * 65536) /* 65536 entries of 16 bits */

/* What holds while one data set is written. */
struct writer {
    struct json_buf *b;
    const struct dicom_json_options *options;
    struct json_buf path; /* "00400555/2/" of the items around */
    unsigned *repaired;
};

static void put(struct json_buf *b, const char *text)
{
    json_buf_add(b, text, strlen(text));
}

/* ---------------------------------------------------------------- text */

static void trim(const char **p, size_t *len, bool front)
{
    while (*len && ((*p)[*len - 1] == ' ' || (*p)[*len - 1] == '\0'))
        (*len)--;
    while (front && *len && **p == ' ')
        (*p)++, (*len)--;
}

/* PS3.18 F.2.2: the groups of a name by their names, empty ones left out. */
static void person(struct json_buf *b, const char *p, size_t len)
{
    static const char *const GROUPS[] = {"Alphabetic", "Ideographic", "Phonetic"};
    const char *end = p + len, *comma = "";

    put(b, "{");
    for (int i = 0; i < 3 && p <= end; i++) {
        const char *next = memchr(p, '=', (size_t)(end - p));
        size_t n = (size_t)((next ? next : end) - p);
        trim(&p, &n, false);
        if (n) {
            json_buf_print(b, "%s\"%s\":", comma, GROUPS[i]);
            json_buf_text(b, p, n);
            comma = ",";
        }
        if (!next)
            break;
        p = next + 1;
    }
    put(b, "}");
}

static bool is_json_number(const char *p, size_t len)
{
    const char *end = p + len;

    p += p < end && *p == '-';
    if (p == end || *p < '0' || *p > '9' || (*p == '0' && end - p > 1 && p[1] >= '0' && p[1] <= '9'))
        return false;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    if (p < end && *p == '.') {
        const char *digits = ++p;
        while (p < end && *p >= '0' && *p <= '9')
            p++;
        if (p == digits)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        if (p == end)
            return false;
        while (p < end && *p >= '0' && *p <= '9')
            p++;
    }
    return p == end;
}

/* A float, in as few digits as read back as the same float. */
static void real_float(struct json_buf *b, float v)
{
    char text[40];

    if (!isfinite(v)) {
        put(b, "null");
        return;
    }
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)v);
        if (strtof(text, NULL) == v)
            break;
    }
    put(b, text);
}

/* DS and IS as they were written where JSON can, by their value otherwise; what is no number stays text. */
static void decimal(struct json_buf *b, const char *p, size_t len)
{
    char text[64], *end;
    double v;

    if (len && len < sizeof text && strspn(p, "0123456789+-.eE") >= len) {
        memcpy(text, p, len);
        text[len] = '\0';
        v = strtod(text, &end);
        if (!*end && isfinite(v)) {
            if (len < 17 && is_json_number(p, len)) /* longer ones are more than a reader's integers hold */
                put(b, text);
            else
                json_buf_real(b, v);
            return;
        }
    }
    json_buf_text(b, p, len);
}

static void text_value(struct json_buf *b, uint16_t vr, const char *p, size_t len)
{
    trim(&p, &len, vr != VR_LT && vr != VR_ST && vr != VR_UT);
    if (len == 0)
        put(b, "null");
    else if (vr == VR_PN)
        person(b, p, len);
    else if (vr == VR_DS || vr == VR_IS)
        decimal(b, p, len);
    else
        json_buf_text(b, p, len);
}

static void text_values(struct writer *w, const struct charset *cs, const struct dataset_element *e)
{
    char *text = charset_decode(cs, e->vr, e->value, e->length, w->repaired), *p = text, *next;
    bool single = e->vr == VR_LT || e->vr == VR_ST || e->vr == VR_UT || e->vr == VR_UR;
    size_t len = strlen(text);
    const char *whole = text;

    trim(&whole, &len, true);
    if (len) {
        put(w->b, ",\"Value\":[");
        do {
            next = single ? NULL : strchr(p, '\\');
            text_value(w->b, e->vr, p, next ? (size_t)(next - p) : strlen(p));
            if (next) {
                put(w->b, ",");
                p = next + 1;
            }
        } while (next);
        put(w->b, "]");
    }
    free(text);
}

/* ---------------------------------------------------------------- numbers and bytes */

static void number(struct json_buf *b, const struct dataset_element *e, size_t i)
{
    uint64_t wide;
    int64_t v;
    double d;

    if (e->vr == VR_AT) {
        json_buf_print(b, "\"%08X\"", get_tag(e->value + i * 4, e->flags & DATASET_BIG_ENDIAN));
    } else if (e->vr == VR_FL || e->vr == VR_FD) {
        dataset_element_real(e, i, &d);
        e->vr == VR_FL ? real_float(b, (float)d) : json_buf_real(b, d);
    } else if (e->vr == VR_UV || e->vr == VR_SV) { /* PS3.18 F.2.3: beyond 2^53 as text */
        wide = get_u64(e->value + i * 8, e->flags & DATASET_BIG_ENDIAN);
        bool text = e->vr == VR_UV ? wide >> 53 : (int64_t)wide > 1ll << 53 || (int64_t)wide < -(1ll << 53);
        put(b, text ? "\"" : "");
        if (e->vr == VR_UV)
            json_buf_print(b, "%" PRIu64, wide);
        else
            json_buf_print(b, "%" PRId64, (int64_t)wide);
        put(b, text ? "\"" : "");
    } else if (dataset_element_int(e, i, &v)) {
        json_buf_print(b, "%" PRId64, v);
    } else {
        put(b, "null");
    }
}

static void numbers(struct json_buf *b, const struct dataset_element *e)
{
    size_t n = dataset_count(e);

    if (n == 0)
        return;
    put(b, ",\"Value\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            put(b, ",");
        number(b, e, i);
    }
    put(b, "]");
}

/* Base64 of the value, in little endian (PS3.18 F.2.7). */
static void inline_binary(struct json_buf *b, const struct dataset_element *e)
{
    unsigned unit = dicom_vr_unit(e->vr);
    uint8_t *turned = NULL;

    if ((e->flags & DATASET_BIG_ENDIAN) && unit > 1 && e->length % unit == 0) {
        turned = mem_new(e->length);
        for (size_t i = 0; i < e->length; i++)
            turned[i] = e->value[i - i % unit + unit - 1 - i % unit];
    }
    put(b, ",\"InlineBinary\":");
    json_buf_base64(b, turned ? turned : e->value, e->length);
    free(turned);
}

static bool is_pixel_data(uint32_t tag)
{
    return tag == TAG_PixelData || tag == TAG_FloatPixelData || tag == TAG_DoubleFloatPixelData;
}

/* Look-up tables are needed before the first picture: never worth another request. */
static size_t inline_max(const struct writer *w, uint32_t tag)
{
    size_t max = w->options->inline_max;

    return tag >> 16 == 0x0028 && max && max < LUT_MAX ? LUT_MAX : max;
}

static void binary(struct writer *w, const struct dataset_element *e)
{
    const char *base = w->options->bulk_base;

    if (e->length == 0)
        return;
    if (!is_pixel_data(e->tag) && !(e->flags & DATASET_ENCAPSULATED) && e->length <= inline_max(w, e->tag)) {
        inline_binary(w->b, e);
        return;
    }
    put(w->b, ",\"BulkDataURI\":");
    struct json_buf uri = {0};
    json_buf_print(&uri, "%s%sbulkdata/%s%08X", base ? base : "", base && *base ? "/" : "",
                   w->path.len ? w->path.text : "", e->tag);
    json_buf_text(w->b, uri.text, uri.len);
    json_buf_free(&uri);
}

/* ---------------------------------------------------------------- structure */

static void item_object(struct writer *w, const struct dataset_item *item, const struct charset *around);

/* Depth is bounded by the reader's limit. */
static void sequence(struct writer *w, const struct charset *cs, const struct dataset_element *e)
{
    size_t path = w->path.len;

    if (!e->items)
        return;
    put(w->b, ",\"Value\":[");
    for (const struct dataset_item *i = e->items; i; i = i->next) {
        json_buf_print(&w->path, "%08X/%u/", e->tag, i->number);
        if (i != e->items)
            put(w->b, ",");
        item_object(w, i, cs);
        w->path.len = path;
        w->path.text[path] = '\0';
    }
    put(w->b, "]");
}

static void element(struct writer *w, const struct charset *cs, const struct dataset_element *e)
{
    json_buf_print(w->b, "\"%08X\":{\"vr\":\"%c%c\"", e->tag, e->vr >> 8, e->vr & 0xFF);
    if (e->tag == TAG_SpecificCharacterSet)
        put(w->b, ",\"Value\":[\"ISO_IR 192\"]"); /* what this text is in */
    else if (e->vr == VR_SQ)
        sequence(w, cs, e);
    else if (dicom_vr_is_string(e->vr))
        text_values(w, cs, e);
    else if (dicom_vr_is_long(e->vr) && e->vr != VR_SV && e->vr != VR_UV)
        binary(w, e);
    else
        numbers(w->b, e);
    put(w->b, "}");
}

static int by_tag(const void *a, const void *b)
{
    const struct dataset_element *x = *(const struct dataset_element *const *)a;
    const struct dataset_element *y = *(const struct dataset_element *const *)b;

    if (x->tag != y->tag)
        return x->tag < y->tag ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value; /* of two the first is what dataset_find() finds */
}

static bool is_written(uint32_t tag)
{
    uint32_t group = tag >> 16;

    return (tag & 0xFFFF) != 0 && group != 0x0000 && group != 0x0002 && tag != TAG_DataSetTrailingPadding;
}

/* JSON objects have each key once, and attributes in order. */
static void item_object(struct writer *w, const struct dataset_item *item, const struct charset *around)
{
    const struct dataset_element **list = mem_new((item->n_elements + 1) * sizeof *list);
    const struct dataset_element *own = NULL;
    struct charset cs = *around;
    size_t n = 0;
    bool sorted = true;

    for (const struct dataset_element *e = item->first; e; e = e->next) {
        if (!is_written(e->tag))
            continue;
        sorted = sorted && (n == 0 || list[n - 1]->tag < e->tag);
        if (e->tag == TAG_SpecificCharacterSet && !own)
            own = e;
        list[n++] = e;
    }
    if (own)
        charset_parse(&cs, (const char *)own->value, own->length);
    if (!sorted)
        qsort(list, n, sizeof(const struct dataset_element *), by_tag);
    put(w->b, "{");
    for (size_t i = 0; i < n; i++) {
        if (i && list[i]->tag == list[i - 1]->tag)
            continue;
        if (i)
            put(w->b, ",");
        element(w, &cs, list[i]);
    }
    put(w->b, "}");
    free(list);
}

static const struct dicom_json_options PLAIN = {.inline_max = DICOM_JSON_INLINE_MAX};

void dicom_json_write(struct json_buf *b, const struct dataset *ds, const struct dicom_json_options *options,
                      unsigned *repaired)
{
    struct writer w = {.b = b, .options = options ? options : &PLAIN, .repaired = repaired};
    struct charset none = {0};

    item_object(&w, dataset_root(ds), &none);
    json_buf_free(&w.path);
}

void dicom_json_element(struct json_buf *b, const struct dataset_item *item, const struct dataset_element *e,
                        const struct dicom_json_options *options, unsigned *repaired)
{
    struct writer w = {.b = b, .options = options ? options : &PLAIN, .repaired = repaired};
    struct charset cs;

    charset_of(&cs, item);
    element(&w, &cs, e);
    json_buf_free(&w.path);
}

const struct dataset_element *dicom_json_bulk(const struct dataset *ds, const char *path)
{
    const struct dataset_item *item = dataset_root(ds);
    char name[9] = "", *end;
    uint32_t tag;

    while (item) {
        if (strnlen(path, 9) < 8 || (path[8] && path[8] != '/'))
            return NULL;
        memcpy(name, path, 8);
        if (!dictionary_tag_of(name, &tag))
            return NULL;
        if (!path[8])
            return dataset_find(item, tag);
        unsigned long number = strtoul(path + 9, &end, 10);
        if (end == path + 9 || *end != '/')
            return NULL;
        item = dataset_sequence(item, tag);
        while (item && item->number != number)
            item = item->next;
        path = end + 1;
    }
    return NULL;
}
