/* charset_encode.c - UTF-8 into what a peer reads. */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/charset_parts.h"

static const struct {
    const char *label, *escape; /* escape: behind the ESC, for what needs one */
    bool back;                  /* ASCII must be invoked again before anything else (G0 sets) */
} SETS[CHARSET_COUNT] = {
    [CHARSET_ASCII] = {"ISO_IR 6", NULL, false},
    [CHARSET_LATIN1] = {"ISO_IR 100", NULL, false},
    [CHARSET_LATIN2] = {"ISO_IR 101", NULL, false},
    [CHARSET_LATIN3] = {"ISO_IR 109", NULL, false},
    [CHARSET_LATIN4] = {"ISO_IR 110", NULL, false},
    [CHARSET_CYRILLIC] = {"ISO_IR 144", NULL, false},
    [CHARSET_ARABIC] = {"ISO_IR 127", NULL, false},
    [CHARSET_GREEK] = {"ISO_IR 126", NULL, false},
    [CHARSET_HEBREW] = {"ISO_IR 138", NULL, false},
    [CHARSET_LATIN5] = {"ISO_IR 148", NULL, false},
    [CHARSET_LATIN9] = {"ISO_IR 203", NULL, false},
    [CHARSET_THAI] = {"ISO_IR 166", NULL, false},
    [CHARSET_KATAKANA] = {"ISO_IR 13", NULL, false},
    [CHARSET_JIS0208] = {"\\ISO 2022 IR 87", "$B", true},
    [CHARSET_JIS0212] = {"\\ISO 2022 IR 159", "$(D", true},
    [CHARSET_KOREAN] = {"\\ISO 2022 IR 149", "$)C", false},
    [CHARSET_GB2312] = {"\\ISO 2022 IR 58", "$)A", false},
    [CHARSET_UTF8] = {"ISO_IR 192", NULL, false},
    [CHARSET_GB18030] = {"GB18030", NULL, false},
    [CHARSET_GBK] = {"GBK", NULL, false},
};

const char *charset_label(enum charset_id set)
{
    return SETS[set].label;
}

enum charset_id charset_for_answer(const struct charset *asked)
{
    for (int i = 0; i < asked->n; i++)
        if (asked->sets[i] == CHARSET_GB18030 || asked->sets[i] == CHARSET_GBK ||
            asked->sets[i] == CHARSET_GB2312)
            return asked->sets[i];
    return CHARSET_UTF8;
}

static bool is_delimiter(uint32_t c, uint16_t vr)
{
    return c == '\\' || c < 0x20 || (vr == VR_PN && (c == '^' || c == '='));
}

static void put_escape(struct charset_text *out, const char *sequence)
{
    charset_put(out, "\x1B", 1);
    charset_put(out, sequence, strlen(sequence));
}

char *charset_encode(enum charset_id set, uint16_t vr, const char *utf8, size_t *len, bool *lossy)
{
    const char *p = utf8, *end = utf8 + strlen(utf8), *escape = SETS[set].escape;
    struct charset_text out = {0};
    bool invoked = false;
    uint8_t bytes[8];

    if (set == CHARSET_UTF8)
        charset_put(&out, utf8, (size_t)(end - utf8));
    while (set != CHARSET_UTF8 && p < end) {
        uint32_t c = charset_next(&p, end);
        size_t n = charset_from_point(set, c, bytes);
        if (n == 0) {
            bytes[0] = '?';
            n = 1;
            if (lossy)
                *lossy = true;
        }
        bool wide = escape && c >= 0x80 && bytes[0] != '?';
        if (wide && !invoked)
            put_escape(&out, escape);
        if (!wide && invoked && SETS[set].back) {
            put_escape(&out, "(B");
            invoked = false;
        }
        invoked = wide || (invoked && !is_delimiter(c, vr)); /* PS3.5 6.1.2.5.3 */
        charset_put(&out, (const char *)bytes, n);
    }
    if (invoked && SETS[set].back)
        put_escape(&out, "(B");
    charset_take(&out);
    *len = out.len;
    return out.p;
}
