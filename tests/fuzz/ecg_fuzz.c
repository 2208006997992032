/* ecg_fuzz.c - waveform files of strangers. */
#include <assert.h>
#include "core/json.h"
#include "dicom/decode/ecg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct dataset_limits limits = {.inflated_max = 1 << 20, .elements_max = 20000, .depth_max = 16};
    const struct json_limits any = {.bytes_max = SIZE_MAX, .depth_max = 16};
    struct dataset *ds = NULL;
    struct json_buf j = {0};
    struct err err = ERR_INIT;

    if (!dataset_open(&ds, data, len, &limits, &err))
        return 0;
    if (ecg_write(&j, ds, &err)) {
        json_t *doc = NULL;
        assert(json_parse(&doc, (const uint8_t *)j.text, j.len, &any, &err));
        json_decref(doc);
    } else {
        assert(err.code != ERR_NONE && err.reason[0]);
    }
    json_buf_free(&j);
    dataset_close(ds);
    return 0;
}
