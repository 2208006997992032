/* charset_fuzz.c - text in any set under any label: what comes out is UTF-8, and what is written reads back. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/charset.h"

static void write_back(const char *utf8, enum charset_id set)
{
    struct charset cs;
    bool lossy = false;
    size_t len;
    const char *label = charset_label(set);
    char *bytes = charset_encode(set, VR_LO, utf8, &len, &lossy), *back;

    charset_parse(&cs, label, strlen(label));
    back = charset_decode(&cs, VR_LO, (const uint8_t *)bytes, len, NULL);
    assert(charset_utf8_valid(back, strlen(back)));
    free(bytes);
    free(back);
}

/* "label NUL text": the label as in a file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *nul = memchr(data, 0, len);
    size_t label_len = nul ? (size_t)(nul - data) : 0;
    const uint8_t *text = nul ? nul + 1 : data;
    size_t text_len = len - (size_t)(text - data);
    struct charset cs;
    unsigned repaired = 0;
    char *utf8, *tidy, *folded;

    if (len > 512)
        return 0;
    charset_parse(&cs, (const char *)data, label_len);
    utf8 = charset_decode(&cs, VR_PN, text, text_len, &repaired);
    assert(charset_utf8_valid(utf8, strlen(utf8)));
    tidy = charset_name_tidy(utf8);
    folded = charset_fold(utf8);
    assert(charset_utf8_valid(tidy, strlen(tidy)) && charset_utf8_valid(folded, strlen(folded)));
    assert(strlen(tidy) <= strlen(utf8));
    charset_name_matches(utf8, utf8);
    assert(charset_name_matches("*", tidy));
    charset_text_matches(tidy, utf8);
    if (text_len < 64)
        write_back(utf8, (enum charset_id)(len % CHARSET_COUNT));
    free(utf8);
    free(tidy);
    free(folded);
    return 0;
}
