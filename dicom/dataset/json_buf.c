/* json_buf.c - the growing text of dicom_json.h. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/dicom_json.h"

void json_buf_free(struct json_buf *b)
{
    free(b->text);
    *b = (struct json_buf){0};
}

void json_buf_add(struct json_buf *b, const char *text, size_t len)
{
    if (b->len + len + 1 > b->cap)
        b->text = mem_grow(b->text, b->cap = (b->len + len + 1) * 2);
    memcpy(b->text + b->len, text, len);
    b->len += len;
    b->text[b->len] = '\0';
}

void json_buf_print(struct json_buf *b, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < (int)sizeof small) {
        json_buf_add(b, small, (size_t)n);
        return;
    }
    char *large = mem_new((size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(large, (size_t)n + 1, fmt, ap);
    va_end(ap);
    json_buf_add(b, large, (size_t)n);
    free(large);
}

void json_buf_text(struct json_buf *b, const char *p, size_t len)
{
    const char *end = p + len, *plain = p;

    json_buf_add(b, "\"", 1);
    for (; p < end; p++) {
        if ((uint8_t)*p >= 0x20 && *p != '"' && *p != '\\' && *p != 0x7F)
            continue;
        json_buf_add(b, plain, (size_t)(p - plain));
        plain = p + 1;
        if (*p == '"' || *p == '\\')
            json_buf_print(b, "\\%c", *p);
        else
            json_buf_print(b, "\\u%04x", (unsigned)(uint8_t)*p);
    }
    json_buf_add(b, plain, (size_t)(p - plain));
    json_buf_add(b, "\"", 1);
}

void json_buf_string(struct json_buf *b, const char *utf8)
{
    if (utf8)
        json_buf_text(b, utf8, strlen(utf8));
    else
        json_buf_add(b, "null", 4);
}

void json_buf_real(struct json_buf *b, double v)
{
    char text[40];

    if (!isfinite(v)) {
        json_buf_add(b, "null", 4);
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    json_buf_add(b, text, strlen(text));
}

void json_buf_base64(struct json_buf *b, const uint8_t *p, size_t len)
{
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    json_buf_add(b, "\"", 1);
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint8_t second = n > 1 ? p[i + 1] : 0, third = n > 2 ? p[i + 2] : 0;
        char out[4] = {LETTERS[p[i] >> 2], LETTERS[(p[i] & 3) << 4 | second >> 4],
                       n > 1 ? LETTERS[(second & 15) << 2 | third >> 6] : '=',
                       n > 2 ? LETTERS[third & 63] : '='};
        json_buf_add(b, out, 4);
    }
    json_buf_add(b, "\"", 1);
}
