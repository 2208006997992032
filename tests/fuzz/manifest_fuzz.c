/* manifest_fuzz.c - a manifest somebody may have edited: read strictly, written and read again without a difference. */
#include <stdlib.h>
#include <string.h>
#include "media/record/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct manifest *m = NULL, *again = NULL;
    struct err err = ERR_INIT;
    uint8_t key[32];
    char *text = NULL, *text2 = NULL;
    size_t len1 = 0, len2 = 0;

    manifest_signature_check(key, data, len, &err);
    err_clear(&err);
    if (!manifest_parse(&m, data, len, &err))
        return 0;
    if (!manifest_text(&text, &len1, m, NULL, &err) || !manifest_parse(&again, (uint8_t *)text, len1, &err) ||
        !manifest_text(&text2, &len2, again, NULL, &err) || len1 != len2 || memcmp(text, text2, len1) != 0)
        abort();
    free(text);
    free(text2);
    manifest_free(m);
    manifest_free(again);
    return 0;
}
