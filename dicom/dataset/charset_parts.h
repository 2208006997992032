/* charset_parts.h - what the files of charset.h share. Nobody outside of this room includes it. */
#pragma once
#include "dicom/dataset/charset.h"

struct charset_text {
    char *p;
    size_t len, cap;
};
void charset_put(struct charset_text *t, const char *p, size_t n);
/** A code point as UTF-8. */
void charset_put_point(struct charset_text *t, uint32_t point);
/** The text with its '\0', owned by the caller. */
char *charset_take(struct charset_text *t);

/** The next code point of well-formed UTF-8, or one byte as U+FFFD; moves *p. */
uint32_t charset_next(const char **p, const char *end);

/** Bytes of one set (no escapes; CHARSET_JIS0208 and 0212 as pairs of 7 bit bytes) to UTF-8; what fits nothing becomes
 * U+FFFD. @return how many were replaced */
size_t charset_to_utf8(enum charset_id set, const uint8_t *in, size_t len, struct charset_text *out);
/** One code point in a set's own bytes. @return their number, 0 when the set does not have it */
size_t charset_from_point(enum charset_id set, uint32_t point, uint8_t out[8]);

/** How the bytes (some above 7F, no escapes) are to be read under a label. @return CHARSET_AS_LABELLED, ..._WAS_UTF8,
 * ..._WAS_GB18030 or ..._WAS_LATIN1 */
enum charset_repair charset_guess(enum charset_id labelled, bool known, const uint8_t *bytes, size_t len);
