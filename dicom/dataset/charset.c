/* charset.c - labels, and text with code extensions (PS3.3 C.12.1.1.2, PS3.5 6.1) as UTF-8. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/charset_parts.h"

#define ESC 0x1B

/* Defined terms, without what people write differently: spaces, _ and -. */
static const struct term {
    const char *word;
    enum charset_id set;
    bool extension;
} TERMS[] = {
    {"", CHARSET_ASCII, false},
    {"ISOIR6", CHARSET_ASCII, false},
    {"ASCII", CHARSET_ASCII, false},
    {"ISOIR100", CHARSET_LATIN1, false},
    {"ISO88591", CHARSET_LATIN1, false},
    {"LATIN1", CHARSET_LATIN1, false},
    {"ISOIR101", CHARSET_LATIN2, false},
    {"ISOIR109", CHARSET_LATIN3, false},
    {"ISOIR110", CHARSET_LATIN4, false},
    {"ISOIR144", CHARSET_CYRILLIC, false},
    {"ISOIR127", CHARSET_ARABIC, false},
    {"ISOIR126", CHARSET_GREEK, false},
    {"ISOIR138", CHARSET_HEBREW, false},
    {"ISOIR148", CHARSET_LATIN5, false},
    {"ISOIR203", CHARSET_LATIN9, false},
    {"ISOIR166", CHARSET_THAI, false},
    {"ISOIR13", CHARSET_KATAKANA, false},
    {"ISOIR192", CHARSET_UTF8, false},
    {"UTF8", CHARSET_UTF8, false},
    {"GB18030", CHARSET_GB18030, false},
    {"GBK", CHARSET_GBK, false},
    {"GB2312", CHARSET_GBK, false},
    {"CP936", CHARSET_GBK, false},
    {"ISOIR58", CHARSET_GB2312, true},
    {"ISO2022IR6", CHARSET_ASCII, true},
    {"ISO2022IR100", CHARSET_LATIN1, true},
    {"ISO2022IR101", CHARSET_LATIN2, true},
    {"ISO2022IR109", CHARSET_LATIN3, true},
    {"ISO2022IR110", CHARSET_LATIN4, true},
    {"ISO2022IR144", CHARSET_CYRILLIC, true},
    {"ISO2022IR127", CHARSET_ARABIC, true},
    {"ISO2022IR126", CHARSET_GREEK, true},
    {"ISO2022IR138", CHARSET_HEBREW, true},
    {"ISO2022IR148", CHARSET_LATIN5, true},
    {"ISO2022IR203", CHARSET_LATIN9, true},
    {"ISO2022IR166", CHARSET_THAI, true},
    {"ISO2022IR13", CHARSET_KATAKANA, true},
    {"ISO2022IR87", CHARSET_JIS0208, true},
    {"ISO2022IR159", CHARSET_JIS0212, true},
    {"ISO2022IR149", CHARSET_KOREAN, true},
    {"ISO2022IR58", CHARSET_GB2312, true},
};

static void add_term(struct charset *cs, const char *word)
{
    const struct term *found = NULL;

    for (size_t i = 0; !found && i < sizeof TERMS / sizeof *TERMS; i++)
        if (strcmp(TERMS[i].word, word) == 0)
            found = &TERMS[i];
    if (!found) {
        cs->unknown = true;
        return;
    }
    if (cs->n < CHARSET_SETS_MAX)
        cs->sets[cs->n++] = found->set;
    cs->extensions |= found->extension;
}

void charset_parse(struct charset *out, const char *label, size_t len)
{
    char word[24];
    size_t n = 0;

    *out = (struct charset){0};
    while (len && (label[len - 1] == ' ' || label[len - 1] == '\0'))
        len--;
    if (len == 0)
        return;
    for (size_t i = 0; i <= len; i++) {
        if (i == len || label[i] == '\\') {
            word[n] = '\0';
            add_term(out, word);
            n = 0;
        } else if (label[i] != ' ' && label[i] != '_' && label[i] != '-' && n < sizeof word - 1) {
            word[n++] = (char)toupper((unsigned char)label[i]);
        }
    }
    if (out->n > 1)
        out->extensions = true;
    /* Sets of many bytes stand alone (PS3.3 C.12.1.1.2). */
    if (out->n &&
        (out->sets[0] == CHARSET_UTF8 || out->sets[0] == CHARSET_GB18030 || out->sets[0] == CHARSET_GBK)) {
        out->n = 1;
        out->extensions = false;
    }
}

void charset_of(struct charset *out, const struct dataset_item *item)
{
    const struct dataset_element *e = NULL;

    for (; item && !e; item = item->parent)
        e = dataset_find(item, TAG_SpecificCharacterSet);
    charset_parse(out, e ? (const char *)e->value : "", e ? e->length : 0);
}

/* ISO 2022 escape sequences of PS3.3 tables C.12-3 and C.12-4, behind the ESC. */
static const struct escape {
    const char *sequence;
    enum charset_id set;
    bool g0; /* it invokes bytes below 80, else those above */
} ESCAPES[] = {
    {"(B", CHARSET_ASCII, true},    {"(J", CHARSET_KATAKANA, true},  {")I", CHARSET_KATAKANA, false},
    {"-A", CHARSET_LATIN1, false},  {"-B", CHARSET_LATIN2, false},   {"-C", CHARSET_LATIN3, false},
    {"-D", CHARSET_LATIN4, false},  {"-L", CHARSET_CYRILLIC, false}, {"-G", CHARSET_ARABIC, false},
    {"-F", CHARSET_GREEK, false},   {"-H", CHARSET_HEBREW, false},   {"-M", CHARSET_LATIN5, false},
    {"-b", CHARSET_LATIN9, false},  {"-T", CHARSET_THAI, false},     {"$B", CHARSET_JIS0208, true},
    {"$@", CHARSET_JIS0208, true},  {"$(D", CHARSET_JIS0212, true},  {"$)C", CHARSET_KOREAN, false},
    {"$)A", CHARSET_GB2312, false},
};

/* What is invoked while an extended text is read. */
struct reading {
    enum charset_id g0, g1, first_g1;
    const uint8_t *p, *end;
    struct charset_text *out;
    size_t replaced;
};

static bool take_escape(struct reading *r)
{
    for (size_t i = 0; i < sizeof ESCAPES / sizeof *ESCAPES; i++) {
        size_t n = strlen(ESCAPES[i].sequence);
        if ((size_t)(r->end - r->p) > n && memcmp(r->p + 1, ESCAPES[i].sequence, n) == 0) {
            if (ESCAPES[i].g0)
                r->g0 = ESCAPES[i].set;
            else
                r->g1 = ESCAPES[i].set;
            r->p += 1 + n;
            return true;
        }
    }
    return false;
}

/* PS3.5 6.1.2.5.3: at these the first set is active again. */
static bool resets(uint8_t c, uint16_t vr)
{
    return c == '\\' || c == '\r' || c == '\n' || c == '\f' || c == '\t' ||
           (vr == VR_PN && (c == '^' || c == '='));
}

static bool is_double(enum charset_id set)
{
    return set == CHARSET_JIS0208 || set == CHARSET_JIS0212;
}

/* A run of bytes that one set reads. */
static size_t run_length(const struct reading *r, uint16_t vr, bool high)
{
    const uint8_t *p = r->p;

    if (!high && is_double(r->g0)) {
        while (r->end - p >= 2 && p[0] > 0x20 && p[0] < 0x80)
            p += 2;
    } else {
        while (p < r->end && *p != ESC && (*p >= 0x80) == high && (high || !resets(*p, vr)))
            p++;
    }
    return (size_t)(p - r->p);
}

static void read_extended(const struct charset *cs, uint16_t vr, struct reading *r)
{
    r->first_g1 = r->g1 = cs->n && !is_double(cs->sets[0]) ? cs->sets[0] : CHARSET_ASCII;
    r->g0 = CHARSET_ASCII;
    while (r->p < r->end) {
        bool high = *r->p >= 0x80;
        size_t n;
        if (*r->p == ESC && take_escape(r))
            continue;
        n = run_length(r, vr, high);
        if (n) {
            r->replaced += charset_to_utf8(high ? r->g1 : r->g0, r->p, n, r->out);
            r->p += n;
            continue;
        }
        if (resets(*r->p, vr) || *r->p < 0x20) {
            r->g0 = CHARSET_ASCII;
            r->g1 = r->first_g1;
        }
        if (*r->p == ESC) { /* of a sequence nobody knows */
            charset_put_point(r->out, 0xFFFD);
            r->replaced++;
        } else if (*r->p) {
            charset_put_point(r->out, *r->p);
        }
        r->p++;
    }
}

/* Only one set, or bytes above 7F without any escape though escapes are what the label promises. */
static enum charset_id plain_set(const struct charset *cs)
{
    enum charset_id first = cs->n ? cs->sets[0] : CHARSET_ASCII;

    for (int i = 1; i < cs->n && first == CHARSET_ASCII; i++)
        if (cs->sets[i] == CHARSET_GB2312 || cs->sets[i] == CHARSET_KOREAN)
            return cs->sets[i] == CHARSET_GB2312 ? CHARSET_GBK : CHARSET_KOREAN;
    return first == CHARSET_GB2312 ? CHARSET_GBK : first;
}

static unsigned read_plain(const struct charset *cs, const uint8_t *bytes, size_t len,
                           struct charset_text *out)
{
    enum charset_id set = plain_set(cs);
    enum charset_repair repair = charset_guess(set, cs->n > 0 && !cs->unknown, bytes, len);

    if (repair == CHARSET_WAS_UTF8)
        set = CHARSET_UTF8;
    else if (repair == CHARSET_WAS_GB18030)
        set = CHARSET_GB18030;
    else if (repair == CHARSET_WAS_LATIN1)
        set = CHARSET_LATIN1;
    return repair | (charset_to_utf8(set, bytes, len, out) ? CHARSET_REPLACED : 0);
}

char *charset_decode(const struct charset *cs, uint16_t vr, const uint8_t *bytes, size_t len,
                     unsigned *repaired)
{
    struct charset_text out = {0};
    bool high = false, escapes = false;
    unsigned how = cs->unknown ? CHARSET_LABEL_UNKNOWN : 0;

    while (len && bytes[len - 1] == '\0')
        len--;
    for (size_t i = 0; i < len; i++) {
        high |= bytes[i] >= 0x80;
        escapes |= bytes[i] == ESC;
    }
    if (escapes) {
        struct reading r = {.p = bytes, .end = bytes + len, .out = &out};
        read_extended(cs, vr, &r);
        how |= r.replaced ? CHARSET_REPLACED : 0;
    } else if (high) {
        how |= read_plain(cs, bytes, len, &out);
    } else {
        for (size_t i = 0; i < len; i++)
            if (bytes[i])
                charset_put(&out, (const char *)bytes + i, 1);
    }
    if (repaired)
        *repaired |= how;
    return charset_take(&out);
}

static char *trimmed(char *text, const char *from, size_t len)
{
    while (len && *from == ' ')
        from++, len--;
    while (len && from[len - 1] == ' ')
        len--;
    memmove(text, from, len);
    text[len] = '\0';
    if (len == 0) {
        free(text);
        return NULL;
    }
    return text;
}

static char *decode_element(const struct dataset_item *item, const struct dataset_element *e,
                            unsigned *repaired)
{
    struct charset cs;

    if (!e || e->length == 0 || (!dicom_vr_is_string(e->vr) && e->vr != VR_UN))
        return NULL;
    charset_of(&cs, item);
    if (!dicom_vr_is_text(e->vr))
        cs.extensions = false;
    return charset_decode(&cs, e->vr, e->value, e->length, repaired);
}

char *charset_text(const struct dataset_item *item, uint32_t tag, size_t index, unsigned *repaired)
{
    const struct dataset_element *e = dataset_find(item, tag);
    char *text = decode_element(item, e, repaired), *from = text, *next;

    if (!text)
        return NULL;
    if (e->vr == VR_LT || e->vr == VR_ST || e->vr == VR_UT || e->vr == VR_UR)
        return index ? (free(text), NULL) : trimmed(text, text, strlen(text));
    for (; index; index--) {
        next = strchr(from, '\\');
        if (!next) {
            free(text);
            return NULL;
        }
        from = next + 1;
    }
    next = strchr(from, '\\');
    return trimmed(text, from, next ? (size_t)(next - from) : strlen(from));
}

char *charset_text_all(const struct dataset_item *item, uint32_t tag, unsigned *repaired)
{
    char *text = decode_element(item, dataset_find(item, tag), repaired);

    return text ? trimmed(text, text, strlen(text)) : NULL;
}

/* Spaces around components away, empty components at the end of a group away, empty groups at the end away. */
char *charset_name_tidy(const char *name)
{
    char *out = mem_new(strlen(name) + 1);
    size_t n = 0;

    for (const char *p = name; *p; p++) {
        if (*p == '^' || *p == '=') {
            while (n && out[n - 1] == ' ')
                n--;
            while (*p == '=' && n && out[n - 1] == '^')
                n--;
            out[n++] = *p;
        } else if (*p != ' ' || (n && out[n - 1] != '^' && out[n - 1] != '=')) {
            out[n++] = *p;
        }
    }
    while (n && strchr(" ^=", out[n - 1]))
        n--;
    out[n] = '\0';
    return out;
}

char *charset_name(const struct dataset_item *item, uint32_t tag, unsigned *repaired)
{
    char *text = charset_text(item, tag, 0, repaired), *name;

    if (!text)
        return NULL;
    name = charset_name_tidy(text);
    free(text);
    return name;
}
