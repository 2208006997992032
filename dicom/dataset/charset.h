/* charset.h - Specific Character Set (0008,0005) to UTF-8 and back, and names as people search for them.
 *
 * Owns    strings it returns, freed by the caller with free().
 * Runs on any thread. Tables are loaded by the C library on first use: a process that will not be allowed to open files
 *         calls charset_prepare() before.
 * Repair  what a device writes and what it says it writes differ often. Bytes above 7F that are well-formed UTF-8 while the
 *         label says Latin-1, GBK or nothing are read as UTF-8; bytes that are well-formed GB18030 Chinese while the label
 *         says Latin-1, UTF-8 or nothing as GB18030. What was done is reported, and the bytes stay in the file.
 */
#pragma once
#include "dicom/dataset/dataset.h"

enum charset_id {
    CHARSET_ASCII, /* nothing, or ISO_IR 6 */
    CHARSET_LATIN1,
    CHARSET_LATIN2,
    CHARSET_LATIN3,
    CHARSET_LATIN4,
    CHARSET_CYRILLIC,
    CHARSET_ARABIC,
    CHARSET_GREEK,
    CHARSET_HEBREW,
    CHARSET_LATIN5,
    CHARSET_LATIN9,
    CHARSET_THAI,
    CHARSET_KATAKANA, /* ISO_IR 13 */
    CHARSET_JIS0208,  /* ISO 2022 IR 87 */
    CHARSET_JIS0212,  /* ISO 2022 IR 159 */
    CHARSET_KOREAN,   /* ISO 2022 IR 149 */
    CHARSET_GB2312,   /* ISO 2022 IR 58 */
    CHARSET_UTF8,     /* ISO_IR 192 */
    CHARSET_GB18030,
    CHARSET_GBK,
    CHARSET_COUNT
};

enum charset_repair {
    CHARSET_AS_LABELLED = 0,
    CHARSET_WAS_UTF8 = 1,      /* UTF-8 under another label */
    CHARSET_WAS_GB18030 = 2,   /* GBK or GB18030 under another label */
    CHARSET_REPLACED = 4,      /* some bytes fit nothing and became U+FFFD */
    CHARSET_LABEL_UNKNOWN = 8, /* (0008,0005) names no set we know */
    CHARSET_WAS_LATIN1 = 16,   /* bytes above 7F without a label, and neither UTF-8 nor Chinese */
};

#define CHARSET_SETS_MAX 8
/* The values of one (0008,0005). */
struct charset {
    enum charset_id sets[CHARSET_SETS_MAX];
    uint8_t n;       /* 0: no label */
    bool extensions; /* ISO 2022 escapes may occur */
    bool unknown;
};

/** Load all tables now. Called by the others by themselves; a second call costs nothing. */
void charset_prepare(void);

/** The set that holds in this data set: its own (0008,0005), else that of the data set around it. */
void charset_of(struct charset *out, const struct dataset_item *item);
/** From the element's text: "ISO_IR 100", "\\ISO 2022 IR 58"; spellings such as "ISO-IR 100", "ISO_IR_192", "UTF-8" as well. */
void charset_parse(struct charset *out, const char *label, size_t len);

/** One text value as UTF-8. Never fails: what fits nothing becomes U+FFFD.
 * @param vr  PN resets at ^ and =, all at \ and control characters (PS3.5 6.1.2.5.3)
 * @param[in,out] repaired  bits of enum charset_repair are added; may be NULL */
char *charset_decode(const struct charset *cs, uint16_t vr, const uint8_t *bytes, size_t len,
                     unsigned *repaired);
/** Value `index` of an element of this data set as UTF-8, padding removed; NULL when absent or empty. */
char *charset_text(const struct dataset_item *item, uint32_t tag, size_t index, unsigned *repaired);
/** All values as they stand, joined by `\`; NULL when absent or empty. */
char *charset_text_all(const struct dataset_item *item, uint32_t tag, unsigned *repaired);
/** A name: groups joined by `=`, empty groups and components at the end dropped, spaces trimmed per component. */
char *charset_name(const struct dataset_item *item, uint32_t tag, unsigned *repaired);

/** The same for a name that is UTF-8 already. */
char *charset_name_tidy(const char *name);

/** UTF-8 in another set (with escapes for JIS, Korean and GB2312, reset at delimiters as PS3.5 asks). A character it does
 * not have becomes '?', and *lossy is set (may be NULL). @return bytes, freed by the caller; *len without the final NUL */
char *charset_encode(enum charset_id set, uint16_t vr, const char *utf8, size_t *len, bool *lossy);
/** "ISO_IR 192", "GB18030", "\\ISO 2022 IR 58" ...: the element's value for that set. */
const char *charset_label(enum charset_id set);
/** The set a peer can read, from the label it sent in its own identifier: what answers are written in. */
enum charset_id charset_for_answer(const struct charset *asked);

/** Does a name match what was asked for, as a person means it? `*` and `?` as in C-FIND; case, width and spaces do not count;
 * the pattern may stand for any component group of the name (Wang* and 王* both find Wang^XiaoDong=王^小东), a pattern with =
 * is compared group by group, and one without ^ also against the components run together (王小东 finds 王^小东).
 * An empty pattern matches everything. */
bool charset_name_matches(const char *pattern, const char *name);
/** The same for other text: whole value, case does not count. */
bool charset_text_matches(const char *pattern, const char *text);
/** Lower case, full width to half width, spaces at ^ dropped: the form to store for searching. Freed by the caller. */
char *charset_fold(const char *utf8);
/** Is it well-formed UTF-8 (RFC 3629)? */
bool charset_utf8_valid(const char *text, size_t len);
