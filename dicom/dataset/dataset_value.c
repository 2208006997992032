/* dataset_value.c - finding elements, and their values as numbers, text and times. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "dicom/dataset/dataset_tree.h"

const struct dataset_element *dataset_find(const struct dataset_item *item, uint32_t tag)
{
    const struct dataset_element *e = item ? item->first : NULL;

    while (e && e->tag != tag)
        e = e->next;
    return e;
}

const struct dataset_item *dataset_sequence(const struct dataset_item *item, uint32_t tag)
{
    const struct dataset_element *e = dataset_find(item, tag);

    return e && e->vr == VR_SQ ? e->items : NULL;
}

/* PS3.5 6.2: padded to even length with a space, UIDs with a NUL; the field pads with either, on both sides. */
static void trim(const uint8_t **text, size_t *len)
{
    while (*len && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\0'))
        (*len)--;
    while (*len && **text == ' ')
        (*text)++, (*len)--;
}

/* One value by its backslashes, for text whose bytes are ASCII. */
static bool split(const uint8_t *text, size_t len, size_t index, const uint8_t **out, size_t *out_len)
{
    const uint8_t *end = text + len;

    while (true) {
        const uint8_t *next = memchr(text, '\\', (size_t)(end - text));
        if (index == 0) {
            *out = text;
            *out_len = (size_t)((next ? next : end) - text);
            return true;
        }
        if (!next)
            return false;
        text = next + 1;
        index--;
    }
}

/* Of these the backslash is no separator (PS3.5 6.2). */
static bool is_single(uint16_t vr)
{
    return vr == VR_LT || vr == VR_ST || vr == VR_UT || vr == VR_UR;
}

bool dataset_element_text(const struct dataset_element *e, size_t index, const uint8_t **text, size_t *len)
{
    if (!dicom_vr_is_string(e->vr) || e->length == 0)
        return false;
    if (is_single(e->vr)) {
        *text = e->value;
        *len = e->length;
        if (index)
            return false;
    } else if (!split(e->value, e->length, index, text, len)) {
        return false;
    }
    trim(text, len);
    return true;
}

size_t dataset_count(const struct dataset_element *e)
{
    size_t n = 1;

    if (e->length == 0)
        return 0;
    if (dicom_vr_unit(e->vr) > 0)
        return e->length / (e->vr == VR_AT ? 4 : dicom_vr_unit(e->vr));
    if (!dicom_vr_is_string(e->vr) || is_single(e->vr))
        return 1;
    for (size_t i = 0; i < e->length; i++)
        n += e->value[i] == '\\';
    return n;
}

/* A number in text, as a C string: at most 63 characters are looked at, more is no number. */
static bool number_text(const struct dataset_element *e, size_t index, char out[64])
{
    const uint8_t *text;
    size_t len;

    if (!dataset_element_text(e, index, &text, &len) || len == 0 || len > 63)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return strspn(out, "0123456789+-.eE") == len;
}

static bool text_real(const struct dataset_element *e, size_t index, double *out)
{
    char text[64], *end;
    double v;

    if (!number_text(e, index, text))
        return false;
    v = strtod(text, &end);
    if (*end || !isfinite(v))
        return false;
    *out = v;
    return true;
}

static bool text_int(const struct dataset_element *e, size_t index, int64_t *out)
{
    char text[64], *end;
    double v;

    if (!number_text(e, index, text))
        return false;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (!*end && errno == 0) {
        *out = n;
        return true;
    }
    if (!text_real(e, index, &v) || fabs(v) > 9e15 ||
        v != (double)(int64_t)v) /* "512.0" is written as well */
        return false;
    *out = (int64_t)v;
    return true;
}

static bool binary_int(const struct dataset_element *e, size_t index, int64_t *out)
{
    unsigned unit = dicom_vr_unit(e->vr);
    bool big = e->flags & DATASET_BIG_ENDIAN;
    const uint8_t *p;
    uint64_t u;

    if (unit == 0 || index >= e->length / unit)
        return false;
    p = e->value + index * unit;
    u = unit == 1 ? *p : unit == 2 ? get_u16(p, big) : unit == 4 ? get_u32(p, big) : get_u64(p, big);
    switch (e->vr) {
    case VR_SS:
        *out = (int16_t)u;
        return true;
    case VR_SL:
        *out = (int32_t)u;
        return true;
    case VR_SV:
        *out = (int64_t)u;
        return true;
    case VR_UV:
    case VR_OV:
        if (u > INT64_MAX)
            return false;
        *out = (int64_t)u;
        return true;
    case VR_FL:
    case VR_FD:
    case VR_OF:
    case VR_OD:
        return false;
    default:
        *out = (int64_t)u;
        return true;
    }
}

bool dataset_element_int(const struct dataset_element *e, size_t index, int64_t *out)
{
    return e->vr == VR_IS ? text_int(e, index, out) : binary_int(e, index, out);
}

bool dataset_element_real(const struct dataset_element *e, size_t index, double *out)
{
    bool big = e->flags & DATASET_BIG_ENDIAN;
    unsigned unit = dicom_vr_unit(e->vr);
    int64_t n;

    if (e->vr == VR_DS || e->vr == VR_IS)
        return text_real(e, index, out);
    if (unit == 0 || index >= e->length / unit)
        return false;
    if (e->vr == VR_FL || e->vr == VR_OF) {
        uint32_t bits = get_u32(e->value + index * 4, big);
        float f;
        memcpy(&f, &bits, sizeof f);
        *out = (double)f;
        return true;
    }
    if (e->vr == VR_FD || e->vr == VR_OD) {
        uint64_t bits = get_u64(e->value + index * 8, big);
        memcpy(out, &bits, sizeof bits);
        return true;
    }
    if (!binary_int(e, index, &n))
        return false;
    *out = (double)n;
    return true;
}

static bool is_integer_vr(uint16_t vr)
{
    return vr == VR_IS || vr == VR_US || vr == VR_SS || vr == VR_UL || vr == VR_SL || vr == VR_UV ||
           vr == VR_SV;
}

bool dataset_int(const struct dataset_item *item, uint32_t tag, unsigned index, int64_t *out)
{
    const struct dataset_element *e = dataset_find(item, tag);

    return e && is_integer_vr(e->vr) && dataset_element_int(e, index, out);
}

bool dataset_real(const struct dataset_item *item, uint32_t tag, unsigned index, double *out)
{
    const struct dataset_element *e = dataset_find(item, tag);

    return e && (is_integer_vr(e->vr) || e->vr == VR_DS || e->vr == VR_FL || e->vr == VR_FD) &&
           dataset_element_real(e, index, out) && isfinite(*out);
}

bool dataset_ascii(const struct dataset_item *item, uint32_t tag, char *out, size_t cap)
{
    const struct dataset_element *e = dataset_find(item, tag);
    const uint8_t *text;
    size_t len;

    if (!e || !dataset_element_text(e, 0, &text, &len) || len == 0 || len >= cap)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] > 0x7E)
            return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

bool dataset_uid(const struct dataset_item *item, uint32_t tag, char out[65])
{
    const struct dataset_element *e = dataset_find(item, tag);
    char text[65];

    if (!e || e->vr != VR_UI || !dataset_ascii(item, tag, text, sizeof text) ||
        strspn(text, "0123456789.") != strlen(text))
        return false;
    strcpy(out, text);
    return true;
}

static bool digits(const char *p, size_t n, int *out)
{
    int v = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = v * 10 + (p[i] - '0');
    }
    *out = v;
    return true;
}

bool dataset_date(const struct dataset_item *item, uint32_t tag, char out[9])
{
    const struct dataset_element *e = dataset_find(item, tag);
    char text[32];
    int y, m, d;

    if (!e || (e->vr != VR_DA && e->vr != VR_DT) || !dataset_ascii(item, tag, text, sizeof text))
        return false;
    if (strlen(text) == 10 && text[4] == '.' && text[7] == '.') { /* ACR-NEMA, PS3.5 6.2 */
        memmove(text + 4, text + 5, 2);
        memmove(text + 6, text + 8, 3);
    }
    if (strlen(text) < 8 || (e->vr == VR_DA && strlen(text) != 8) || !digits(text, 4, &y) ||
        !digits(text + 4, 2, &m) || !digits(text + 6, 2, &d) || m < 1 || m > 12 || d < 1 || d > 31)
        return false;
    memcpy(out, text, 8);
    out[8] = '\0';
    return true;
}

/* HHMMSS.FFFFFF, shorter as far as it is known; colons as ACR-NEMA wrote them. Microseconds of the day. */
static bool parse_time(const char *text, int64_t *out_us)
{
    static const int64_t UNIT[] = {3600000000, 60000000, 1000000};
    static const int MAX[] = {23, 59, 60};
    int64_t us = 0;
    int v;

    for (int i = 0; i < 3 && *text; i++) {
        if (*text == ':')
            text++;
        if (!text[0] || !digits(text, 2, &v) || v > MAX[i])
            return false;
        us += v * UNIT[i];
        text += 2;
    }
    if (*text == '.') {
        int64_t unit = 100000;
        for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
            us += (*text - '0') * unit;
    }
    *out_us = us;
    return *text == '\0';
}

/* +0800: seconds east. */
static bool parse_zone(const char *text, int32_t *zone_s)
{
    int h, m;

    if ((text[0] != '+' && text[0] != '-') || strlen(text) != 5 || !digits(text + 1, 2, &h) ||
        !digits(text + 3, 2, &m) || h > 14 || m > 59)
        return false;
    *zone_s = (h * 3600 + m * 60) * (text[0] == '-' ? -1 : 1);
    return true;
}

static int64_t midnight_us(const char date[9])
{
    struct tm tm = {0};
    int y = 0, m = 0, d = 0;

    digits(date, 4, &y);
    digits(date + 4, 2, &m);
    digits(date + 6, 2, &d);
    tm.tm_year = y - 1900;
    tm.tm_mon = m - 1;
    tm.tm_mday = d;
    return (int64_t)timegm(&tm) * 1000000;
}

bool dataset_time(const struct dataset_item *item, uint32_t date_tag, uint32_t time_tag, int32_t zone_s,
                  int64_t *out_us)
{
    char date[9], text[40], zone[16];
    int64_t us = 0;

    if (!dataset_date(item, date_tag, date))
        return false;
    if (dataset_ascii(item, TAG_TimezoneOffsetFromUTC, zone, sizeof zone))
        parse_zone(zone, &zone_s);
    if (time_tag == 0) {
        char *sign;
        if (!dataset_ascii(item, date_tag, text, sizeof text))
            return false;
        sign = strpbrk(text, "+-");
        if (sign && parse_zone(sign, &zone_s))
            *sign = '\0';
        if (!parse_time(text + 8, &us))
            us = 0;
    } else if (dataset_ascii(item, time_tag, text, sizeof text) && !parse_time(text, &us)) {
        us = 0;
    }
    *out_us = midnight_us(date) + us - (int64_t)zone_s * 1000000;
    return true;
}
