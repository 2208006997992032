/* dataset_fuzz.c - files of strangers, through everything that ingest does with one. */
#include <assert.h>
#include <string.h>
#include "core/json.h"
#include "dicom/dataset/dataset_write.h"
#include "dicom/dataset/index.h"

static const struct dataset_limits LIMITS = {.inflated_max = 1 << 20, .elements_max = 20000, .depth_max = 16};

/* Whatever came in, strict JSON goes out. */
static void check_json(const char *text, size_t len)
{
    const struct json_limits limits = {.bytes_max = SIZE_MAX, .depth_max = 128};
    struct err err = ERR_INIT;
    json_t *doc = NULL;

    assert(json_parse(&doc, (const uint8_t *)text, len, &limits, &err));
    json_decref(doc);
}

static void use(const struct dataset *ds, size_t len)
{
    struct json_buf j = {0};
    struct index ix;
    struct err err = ERR_INIT;
    size_t end = dataset_deflated(ds) ? LIMITS.inflated_max : len;

    if (index_make(&ix, ds, &err)) {
        for (uint32_t i = 0; i < ix.table.n_pieces; i++)
            assert(ix.table.pieces[i].offset + ix.table.pieces[i].length <= end);
        if (ix.table.source == FRAMES_NATIVE)
            assert(ix.table.offset + ix.table.frame_bits * ix.table.n_frames / 8 <= end);
        index_write_facts(&j, &ix);
        check_json(j.text, j.len);
        json_buf_free(&j);
        index_write_frames(&j, &ix);
        check_json(j.text, j.len);
        json_buf_free(&j);
        index_free(&ix);
    } else {
        assert(err.reason[0]);
    }
    dicom_json_write(&j, ds, NULL, NULL);
    check_json(j.text, j.len);
    json_buf_free(&j);
    dicom_json_bulk(ds, "00081140/1/7FE00010");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const SYNTAXES[] = {NULL, SYNTAX_IMPLICIT_LITTLE, SYNTAX_EXPLICIT_LITTLE,
                                           SYNTAX_EXPLICIT_BIG};

    for (size_t i = 0; i < sizeof SYNTAXES / sizeof *SYNTAXES; i++) {
        struct dataset *ds = NULL;
        struct err err = ERR_INIT;
        bool ok = SYNTAXES[i] ? dataset_open_bare(&ds, data, len, SYNTAXES[i], &LIMITS, &err)
                              : dataset_open(&ds, data, len, &LIMITS, &err);
        assert(ok == (err.code == ERR_NONE) && ok == (ds != NULL));
        assert(ok || err.reason[0]);
        if (ok)
            use(ds, len);
        dataset_close(ds);
    }
    return 0;
}
