/* Bodies of requests: whatever arrives is refused with an error or read; what was read can be written again. */
#include "core/json.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const KEYS[] = {"id", "name", "n", "at", "on"};
    struct err err = ERR_INIT;
    json_t *doc = NULL, *again = NULL;
    size_t text_len;

    if (!json_parse(&doc, data, len, NULL, &err)) {
        if (err.code == ERR_NONE || doc)
            abort();
        return 0;
    }
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        const char *s;
        int64_t v;
        bool b;
        err_clear(&err);
        if (json_opt_str(doc, KEYS[i], &s, 64, &err) != (err.code == ERR_NONE))
            abort();
        json_get_id(doc, KEYS[i], &v, &err);
        json_get_i64(doc, KEYS[i], -5, 5, &v, &err);
        json_get_time(doc, KEYS[i], &v, &err);
        json_get_bool(doc, KEYS[i], &b, &err);
    }
    char *text = json_text(doc, &text_len);
    struct json_limits wide = {.bytes_max = SIZE_MAX, .depth_max = 64};
    if (!json_parse(&again, (const uint8_t *)text, text_len, &wide, &err) || !json_equal(doc, again))
        abort();
    free(text);
    json_decref(doc);
    json_decref(again);
    return 0;
}
