/* manifest_test.c - every file of the data folder is read with the facts its manifest states, or refused with a reason. */
#include "tests/unit/dicom/dataset/manifest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/mem.h"
#include "dicom/dataset/charset.h"
#include "dicom/dataset/index.h"
#include "tests/unit/test.h"

/* What of the readable ones is refused all the same, and why. */
static const struct refusal {
    const char *file, *reason;
} REFUSED[] = {
    {"pydicom/test_files/MR_truncated.dcm", "truncated"},
    {"pydicom/test_files/rtplan_truncated.dcm", "truncated"},
    {"pydicom/test_files/dicomdirtests/DICOMDIR-nooffset",
     "truncated"},                                   /* its last item is longer than the file */
    {"pydicom/test_files/no_meta.dcm", "not_dicom"}, /* a byte too many in front */
};

static const char *refused(const char *file)
{
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (strcmp(REFUSED[i].file, file) == 0)
            return REFUSED[i].reason;
    return NULL;
}

static int problems;

static void complain(const json_t *entry, const char *what, const char *got, const char *expected)
{
    fprintf(stderr, "%s: %s is \"%s\", expected \"%s\"\n", manifest_text(entry, "file"), what, got, expected);
    problems++;
}

static void check_ints(const json_t *entry, const struct dataset_item *root)
{
    static const struct {
        const char *key;
        uint32_t tag;
    } INTS[] = {
        {"Rows", TAG_Rows},
        {"Columns", TAG_Columns},
        {"NumberOfFrames", TAG_NumberOfFrames},
        {"SamplesPerPixel", TAG_SamplesPerPixel},
        {"BitsAllocated", TAG_BitsAllocated},
        {"BitsStored", TAG_BitsStored},
        {"PixelRepresentation", TAG_PixelRepresentation},
        {"PlanarConfiguration", TAG_PlanarConfiguration},
    };
    char got[32], expected[32];
    int64_t v;

    for (size_t i = 0; i < sizeof INTS / sizeof *INTS; i++) {
        int64_t want = manifest_int(entry, INTS[i].key, -1);
        if (want < 0 || (dataset_int(root, INTS[i].tag, 0, &v) && v == want))
            continue;
        snprintf(got, sizeof got, "%lld", (long long)v);
        snprintf(expected, sizeof expected, "%lld", (long long)want);
        complain(entry, INTS[i].key, got, expected);
    }
}

static void check_name(const json_t *entry, const struct dataset_item *root)
{
    const char *probable = manifest_text(entry, "patient_name_probable");
    char *expected = charset_name_tidy(*probable ? probable : manifest_text(entry, "patient_name"));
    unsigned repaired = 0;
    char *name = charset_name(root, TAG_PatientName, &repaired);

    if (strcmp(name ? name : "", expected) != 0)
        complain(entry, "the name", name ? name : "", expected);
    if ((repaired != 0) != (*probable != '\0'))
        complain(entry, "repaired", repaired ? "yes" : "no", *probable ? "yes" : "no");
    free(name);
    free(expected);
}

static void check_text(const json_t *entry, const struct dataset_item *root, const char *key, uint32_t tag)
{
    char text[129] = "";

    dataset_ascii(root, tag, text, sizeof text);
    if (strcmp(text, manifest_text(entry, key)) != 0)
        complain(entry, key, text, manifest_text(entry, key));
}

/* As many frames as stated, and all of them inside of the file. */
static void check_frames(const json_t *entry, const struct dataset *ds, size_t len)
{
    struct frames f;
    struct err err = ERR_INIT;
    int64_t want = manifest_int(entry, "NumberOfFrames", 1);

    if (!frames_find(&f, ds, &err)) {
        if (strcmp(manifest_text(entry, "pixel_error"), "") == 0)
            complain(entry, "frames", err.reason, "a table");
        return;
    }
    if (f.source != FRAMES_NONE && f.n_frames != want)
        complain(entry, "frames", "another number", "NumberOfFrames");
    for (uint32_t i = 0; i < f.n_pieces; i++)
        if (f.pieces[i].offset + f.pieces[i].length > len)
            complain(entry, "a fragment", "behind the file", "inside");
    frames_free(&f);
}

static void check_readable(const json_t *entry, const struct dataset *ds, size_t len)
{
    const struct dataset_item *root = dataset_root(ds);

    if (*manifest_text(entry, "ts") && strcmp(dataset_syntax(ds), manifest_text(entry, "ts")) != 0)
        complain(entry, "transfer syntax", dataset_syntax(ds), manifest_text(entry, "ts"));
    check_text(entry, root, "sop_class", TAG_SOPClassUID);
    check_text(entry, root, "modality", TAG_Modality);
    check_text(entry, root, "PhotometricInterpretation", TAG_PhotometricInterpretation);
    check_ints(entry, root);
    check_name(entry, root);
    check_frames(entry, ds, len);
}

/* Everything that ingest does with an instance. */
static void use(const struct dataset *ds)
{
    struct json_buf j = {0};
    struct index ix;
    struct err err = ERR_INIT;

    if (index_make(&ix, ds, &err)) {
        index_write(&j, &ix, ds, NULL);
        index_free(&ix);
    } else {
        dicom_json_write(&j, ds, NULL, NULL);
    }
    json_buf_free(&j);
}

static void one_file(const json_t *entry, int *read, int *turned_away)
{
    const char *file = manifest_text(entry, "file"), *reason = refused(file);
    bool dicom = json_object_get(entry, "parse") != NULL,
         broken = json_is_true(json_object_get(entry, "broken"));
    struct dataset *ds = NULL;
    struct err err = ERR_INIT;
    size_t len;
    uint8_t *bytes = manifest_file(entry, &len);

    if (!dicom && !broken)
        reason = "not_dicom";
    if (dataset_open(&ds, bytes, len, NULL, &err)) {
        if (reason)
            complain(entry, "refusal", "none", reason);
        else if (dicom)
            check_readable(entry, ds, len);
        use(ds);
        dataset_close(ds);
        ++*read;
    } else {
        if (!*err.reason || (!broken && (!reason || strcmp(reason, err.reason) != 0)))
            complain(entry, "refusal", err.reason, reason ? reason : "none");
        ++*turned_away;
    }
    free(bytes);
}

TEST(manifest, every_file_is_read_with_its_facts_or_refused_with_a_reason)
{
    json_t *m = manifest_open(), *entry;
    int read = 0, turned_away = 0;
    size_t i;

    if (!m)
        skip();
    problems = 0;
    json_array_foreach(m, i, entry) one_file(entry, &read, &turned_away);
    printf("%d read, %d refused\n", read, turned_away);
    json_decref(m);
    CHECK_INT(problems, 0);
    CHECK(read > 200 && turned_away > 50);
}

/* Of the sanitizers' runtime; without it only time is looked at. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *)) __attribute__((weak));
static size_t taken, taken_most;

static void on_malloc(const volatile void *p, size_t size)
{
    (void)p;
    taken += size;
}

static void on_free(const volatile void *p)
{
    (void)p;
}

/* Processor time, so that a busy machine does not make it fail. */
TEST(manifest, a_broken_file_takes_neither_time_nor_memory)
{
    json_t *m = manifest_open(), *entry;
    size_t i;

    if (!m)
        skip();
    if (__sanitizer_install_malloc_and_free_hooks)
        __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    json_array_foreach(m, i, entry)
    {
        struct dataset *ds = NULL;
        struct err err = ERR_INIT;
        size_t len;
        uint8_t *bytes;
        clock_t begin = clock();
        if (!json_is_true(json_object_get(entry, "broken")))
            continue;
        bytes = manifest_file(entry, &len);
        taken = 0;
        if (dataset_open(&ds, bytes, len, NULL, &err))
            use(ds);
        dataset_close(ds);
        free(bytes);
        taken_most = taken > taken_most ? taken : taken_most;
        if (taken > (size_t)256 << 20) /* all of it together, given back or not */
            fail_msg("%s takes %zu bytes", manifest_text(entry, "file"), taken);
        if (clock() - begin > CLOCKS_PER_SEC)
            fail_msg("%s takes more than a second", manifest_text(entry, "file"));
    }
    json_decref(m);
    CHECK(!__sanitizer_install_malloc_and_free_hooks || taken_most > 0);
}

static void write_json(FILE *out, const json_t *entry)
{
    struct dicom_json_options all = {.inline_max = SIZE_MAX};
    struct dataset *ds = NULL;
    struct json_buf j = {0};
    struct err err = ERR_INIT;
    unsigned repaired = 0;
    size_t len;
    uint8_t *bytes = manifest_file(entry, &len);

    if (len < 600000 &&
        dataset_open(&ds, bytes, len, NULL, &err)) { /* the large ones hold pixels, nothing more */
        dicom_json_write(&j, ds, &all, &repaired);
        fprintf(out, "%s/files/%s\t%u\t%s\n", manifest_folder(), manifest_text(entry, "file"), repaired,
                j.text);
    }
    json_buf_free(&j);
    dataset_close(ds);
    free(bytes);
}

TEST(manifest, our_json_says_what_pydicoms_says)
{
    json_t *m = manifest_open(), *entry;
    const char *dir = test_dir(t), *path = test_path(t, dir, "ours");
    char *command;
    FILE *out;
    size_t i;
    int rc;

    if (!m)
        skip();
    if (system("/usr/bin/python3 -c 'import pydicom' 2>/dev/null") != 0) {
        fprintf(stderr, "SKIPPED: no pydicom (package python3-pydicom)\n");
        json_decref(m);
        skip();
    }
    out = fopen(path, "we");
    CHECK(out);
    json_array_foreach(m, i, entry) if (json_object_get(entry, "parse")) write_json(out, entry);
    fclose(out);
    json_decref(m);
    command =
        mem_format("/usr/bin/python3 %s/tests/unit/dicom/dataset/json_compare.py %s", YZ_SOURCE_DIR, path);
    rc = system(command);
    free(command);
    CHECK_INT(rc, 0);
}
