/* charset_guess.c - what bytes above 7F are when their label is wrong, as it is on many consoles. */
#include <stdlib.h>
#include <string.h>
#include "dicom/dataset/charset_parts.h"

/* What the bytes look like when they are read as GB18030, character by character. */
struct chinese {
    bool possible;       /* every byte above 7F is part of a character */
    size_t points;       /* characters above 7F */
    size_t common, rare; /* of GB2312: level 1 (what people are called), level 2 */
    bool symbols;        /* bytes 80..BF: in Latin-1 controls and signs, hardly ever part of a word */
    bool touches_letter; /* a character stands directly beside an ASCII letter */
};

static bool is_ascii_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Bytes of the character at p: 2 or 4, 0 when there is none (GB18030-2022 4). */
static size_t gb_step(const uint8_t *p, size_t left)
{
    if (left < 2 || p[0] < 0x81 || p[0] == 0xFF)
        return 0;
    if ((p[1] >= 0x40 && p[1] <= 0x7E) || (p[1] >= 0x80 && p[1] <= 0xFE))
        return 2;
    if (left >= 4 && p[1] >= 0x30 && p[1] <= 0x39 && p[2] >= 0x81 && p[2] <= 0xFE && p[3] >= 0x30 &&
        p[3] <= 0x39)
        return 4;
    return 0;
}

static void look(const uint8_t *p, size_t n, struct chinese *c)
{
    c->points++;
    if (n == 2 && p[1] >= 0xA1 && p[0] >= 0xB0 && p[0] <= 0xD7)
        c->common++;
    else if (n == 2 && p[1] >= 0xA1 && p[0] >= 0xD8 && p[0] <= 0xF7)
        c->rare++;
    else if (n == 2 && p[0] >= 0xA1 && p[0] <= 0xA3 && p[1] >= 0xA1)
        c->points--; /* punctuation and full width letters say nothing */
    for (size_t i = 0; i < n; i++)
        c->symbols |= p[i] >= 0x80 && p[i] <= 0xBF;
}

static struct chinese read_as_chinese(const uint8_t *p, size_t len)
{
    struct chinese c = {.possible = true};
    size_t n;

    for (size_t i = 0; i < len; i += n) {
        n = 1;
        if (p[i] < 0x80)
            continue;
        n = gb_step(p + i, len - i);
        if (n == 0) {
            c.possible = false;
            return c;
        }
        look(p + i, n, &c);
        c.touches_letter |= (i && is_ascii_letter(p[i - 1])) || (i + n < len && is_ascii_letter(p[i + n]));
    }
    return c;
}

/* A word of Latin-1 has its accents among letters; Chinese has its bytes in pairs, among delimiters, and many of them are
 * signs in Latin-1. At least half must be characters that are in use. */
static bool looks_chinese(const uint8_t *p, size_t len)
{
    struct chinese c = read_as_chinese(p, len);

    if (!c.possible || c.points == 0 || c.common == 0 || (c.common + c.rare) * 2 < c.points)
        return false;
    return c.symbols ? c.points > 1 || !c.touches_letter : !c.touches_letter;
}

/* All multi-byte sequences are of three bytes and more: Chinese, Japanese, Korean. */
static bool utf8_is_wide(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] >= 0xC2 && p[i] <= 0xDF)
            return false;
    return true;
}

/* UTF-8 read as GB18030 is possible as well, but gives characters nobody is called by. */
static bool rather_utf8(const uint8_t *p, size_t len)
{
    struct chinese as_labelled = read_as_chinese(p, len), as_utf8 = {0};
    const char *at = (const char *)p, *end = at + len;

    if (!as_labelled.possible)
        return true;
    if (!utf8_is_wide(p, len))
        return false;
    while (at < end) {
        uint8_t gb[8];
        uint32_t point = charset_next(&at, end);
        size_t n = point < 0x80 ? 0 : charset_from_point(CHARSET_GB18030, point, gb);
        if (n)
            look(gb, n, &as_utf8);
    }
    return (as_utf8.common * 2 + as_utf8.rare) * as_labelled.points >=
           (as_labelled.common * 2 + as_labelled.rare) * as_utf8.points;
}

enum charset_repair charset_guess(enum charset_id labelled, bool known, const uint8_t *bytes, size_t len)
{
    bool utf8 = charset_utf8_valid((const char *)bytes, len);

    switch (labelled) {
    case CHARSET_UTF8:
        return !utf8 && looks_chinese(bytes, len) ? CHARSET_WAS_GB18030 : CHARSET_AS_LABELLED;
    case CHARSET_GB18030:
    case CHARSET_GBK:
        return utf8 && rather_utf8(bytes, len) ? CHARSET_WAS_UTF8 : CHARSET_AS_LABELLED;
    case CHARSET_ASCII:
    case CHARSET_LATIN1:
        if (utf8)
            return CHARSET_WAS_UTF8;
        if (looks_chinese(bytes, len))
            return CHARSET_WAS_GB18030;
        return known && labelled == CHARSET_LATIN1 ? CHARSET_AS_LABELLED : CHARSET_WAS_LATIN1;
    default:
        return utf8 ? CHARSET_WAS_UTF8 : CHARSET_AS_LABELLED;
    }
}
