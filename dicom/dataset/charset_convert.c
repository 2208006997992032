/* charset_convert.c - single character sets to UTF-8 and back, by the C library's tables. */
#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/charset_parts.h"

#define REPLACEMENT 0xFFFDu

/* GB18030 reads GBK and GB2312 as well; EUC holds the 94 x 94 sets with the high bits set. */
static const char *const NAMES[CHARSET_COUNT] = {
    [CHARSET_LATIN1] = "ISO-8859-1",  [CHARSET_LATIN2] = "ISO-8859-2",   [CHARSET_LATIN3] = "ISO-8859-3",
    [CHARSET_LATIN4] = "ISO-8859-4",  [CHARSET_CYRILLIC] = "ISO-8859-5", [CHARSET_ARABIC] = "ISO-8859-6",
    [CHARSET_GREEK] = "ISO-8859-7",   [CHARSET_HEBREW] = "ISO-8859-8",   [CHARSET_LATIN5] = "ISO-8859-9",
    [CHARSET_LATIN9] = "ISO-8859-15", [CHARSET_THAI] = "ISO-8859-11",    [CHARSET_JIS0208] = "EUC-JP",
    [CHARSET_JIS0212] = "EUC-JP",     [CHARSET_KOREAN] = "EUC-KR",       [CHARSET_GB2312] = "GB18030",
    [CHARSET_GB18030] = "GB18030",    [CHARSET_GBK] = "GB18030",
};
/* What must not be written with characters that only the wider set has. */
static const char *const NAMES_OUT[CHARSET_COUNT] = {[CHARSET_GB2312] = "GB2312", [CHARSET_GBK] = "GBK"};

/* The C library loads a set's tables from a file on first use and drops them with the last descriptor: one of each is kept
 * open, so that a process that may open nothing any more can still convert. */
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void prepare(void)
{
    static iconv_t kept[CHARSET_COUNT * 3];

    for (int i = 0; i < CHARSET_COUNT; i++) {
        if (NAMES[i]) {
            kept[3 * i] = iconv_open("UTF-8", NAMES[i]);
            kept[3 * i + 1] = iconv_open(NAMES_OUT[i] ? NAMES_OUT[i] : NAMES[i], "UTF-8");
        }
    }
    (void)kept;
}

void charset_prepare(void)
{
    pthread_once(&prepared, prepare);
}

void charset_put(struct charset_text *t, const char *p, size_t n)
{
    if (t->len + n + 1 > t->cap)
        t->p = mem_grow(t->p, t->cap = (t->len + n + 1) * 2);
    memcpy(t->p + t->len, p, n);
    t->len += n;
}

void charset_put_point(struct charset_text *t, uint32_t c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    if (n == 1) {
        b[0] = (char)c;
    } else {
        static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
        for (size_t i = n - 1; i > 0; i--, c >>= 6)
            b[i] = (char)(0x80 | (c & 0x3F));
        b[0] = (char)(lead[n] | c);
    }
    charset_put(t, b, n);
}

char *charset_take(struct charset_text *t)
{
    charset_put(t, "", 0);
    t->p[t->len] = '\0';
    return t->p;
}

/* Length of the well-formed sequence at p (RFC 3629), 0 for none. */
static size_t utf8_step(const uint8_t *p, size_t left)
{
    size_t n = p[0] < 0x80                    ? 1
               : p[0] >= 0xC2 && p[0] <= 0xDF ? 2
               : (p[0] & 0xF0) == 0xE0        ? 3
               : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                              : 0;

    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
        (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return n;
}

bool charset_utf8_valid(const char *text, size_t len)
{
    size_t n;

    for (size_t i = 0; i < len; i += n)
        if ((n = utf8_step((const uint8_t *)text + i, len - i)) == 0)
            return false;
    return true;
}

uint32_t charset_next(const char **p, const char *end)
{
    const uint8_t *s = (const uint8_t *)*p;
    size_t n = utf8_step(s, (size_t)(end - *p));
    uint32_t c;

    *p += n ? n : 1;
    if (n < 2)
        return n ? s[0] : REPLACEMENT;
    c = s[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s[i] & 0x3F);
    return c;
}

static size_t utf8_to_utf8(const uint8_t *in, size_t len, struct charset_text *out)
{
    const char *p = (const char *)in, *end = p + len;
    size_t replaced = 0;

    while (p < end) {
        const char *at = p;
        uint32_t c = charset_next(&p, end);
        replaced += c == REPLACEMENT && p - at == 1;
        charset_put_point(out, c);
    }
    return replaced;
}

/* ASCII, and JIS X 0201: its yen and overline are written where others mean backslash and tilde. */
static size_t simple_to_utf8(enum charset_id set, const uint8_t *in, size_t len, struct charset_text *out)
{
    size_t replaced = 0;

    for (size_t i = 0; i < len; i++) {
        uint32_t c = in[i];
        if (set == CHARSET_KATAKANA && c >= 0xA1 && c <= 0xDF)
            c += 0xFF61 - 0xA1;
        else if (c >= 0x80)
            c = REPLACEMENT;
        replaced += c == REPLACEMENT;
        charset_put_point(out, c);
    }
    return replaced;
}

/* Pairs of 7 bit bytes as EUC: high bits set, for JIS X 0212 behind a 8F. */
static uint8_t *as_euc(enum charset_id set, const uint8_t *in, size_t len, size_t *out_len)
{
    uint8_t *euc = mem_new(len * 2 + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (set == CHARSET_JIS0212 && i % 2 == 0)
            euc[n++] = 0x8F;
        euc[n++] = in[i] | 0x80;
    }
    *out_len = n;
    return euc;
}

static size_t iconv_to_utf8(enum charset_id set, const uint8_t *in, size_t len, struct charset_text *out)
{
    iconv_t cd;
    char *p = (char *)(uintptr_t)in, buf[512];
    size_t replaced = 0;

    charset_prepare();
    cd = iconv_open("UTF-8", NAMES[set]);
    if (cd == (iconv_t)-1)
        return simple_to_utf8(CHARSET_ASCII, in, len, out);
    while (len) {
        char *to = buf;
        size_t room = sizeof buf;
        size_t rc = iconv(cd, &p, &len, &to, &room);
        charset_put(out, buf, (size_t)(to - buf));
        if (rc == (size_t)-1 && errno != E2BIG) {
            charset_put_point(out, REPLACEMENT);
            replaced++;
            p++;
            len--;
            iconv(cd, NULL, NULL, NULL, NULL);
        }
    }
    iconv_close(cd);
    return replaced;
}

size_t charset_to_utf8(enum charset_id set, const uint8_t *in, size_t len, struct charset_text *out)
{
    size_t n, replaced;
    uint8_t *euc;

    if (set == CHARSET_UTF8)
        return utf8_to_utf8(in, len, out);
    if (set == CHARSET_ASCII || set == CHARSET_KATAKANA)
        return simple_to_utf8(set, in, len, out);
    if (set != CHARSET_JIS0208 && set != CHARSET_JIS0212)
        return iconv_to_utf8(set, in, len, out);
    euc = as_euc(set, in, len, &n);
    replaced = iconv_to_utf8(set, euc, n, out);
    free(euc);
    return replaced;
}

static size_t iconv_from_point(enum charset_id set, uint32_t point, uint8_t out[8])
{
    struct charset_text utf8 = {0};
    iconv_t cd;
    char *from, *to = (char *)out;
    size_t left, room = 8, rc = (size_t)-1;

    charset_prepare();
    charset_put_point(&utf8, point);
    from = utf8.p;
    left = utf8.len;
    cd = iconv_open(NAMES_OUT[set] ? NAMES_OUT[set] : NAMES[set], "UTF-8");
    if (cd != (iconv_t)-1) {
        rc = iconv(cd, &from, &left, &to, &room);
        iconv_close(cd);
    }
    free(utf8.p);
    return rc == 0 ? 8 - room : 0;
}

size_t charset_from_point(enum charset_id set, uint32_t point, uint8_t out[8])
{
    size_t n;

    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (set == CHARSET_ASCII)
        return 0;
    if (set == CHARSET_KATAKANA) {
        out[0] = (uint8_t)(point - 0xFF61 + 0xA1);
        return point >= 0xFF61 && point <= 0xFF9F;
    }
    n = iconv_from_point(set, point, out);
    if (set == CHARSET_JIS0212 && n == 3 && out[0] == 0x8F) {
        memmove(out, out + 1, 2);
        n = 2;
    } else if (set == CHARSET_JIS0212 || (set == CHARSET_JIS0208 && (n != 2 || out[0] == 0x8E))) {
        return 0;
    }
    if (set == CHARSET_JIS0208 || set == CHARSET_JIS0212) {
        out[0] &= 0x7F;
        out[1] &= 0x7F;
    }
    return n;
}
