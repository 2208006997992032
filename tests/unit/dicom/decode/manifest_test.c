/* Every file of the shared data set, through the real sandboxed process: decoded to the manifest's hash, or refused with
 * the reason written here. The data set lies beside the repository; without it this is skipped, aloud. */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/crypto.h"
#include "core/json.h"
#include "core/mem.h"
#include "dicom/decoders.h"
#include "tests/unit/dicom/dataset/manifest.h"
#include "tests/unit/test.h"

static json_t *manifest_or_skip(void)
{
    json_t *m = manifest_open();

    if (!m)
        skip();
    return m;
}

static char *path_of(const char *file)
{
    return mem_format("%s/files/%s", manifest_folder(), file);
}

struct fx {
    struct loop *loop;
    struct decoders *pool;
};

struct outcome {
    bool done;
    char reason[48], text[400];
    struct decode_answer answer;
    int fd;
};

static void fx_close(void *arg)
{
    struct fx *f = arg;

    decoders_free(f->pool);
    loop_free(f->loop);
}

static void fx_open(struct test *t, struct fx *f)
{
    struct err err = ERR_INIT;
    /* The house's limit for any input is ten seconds; a busy machine with sanitizers is given more. */
    const struct decoders_config config = {
        .program = DECODE_PROGRAM, .processes = 1, .deadline_us = 60 * US_PER_S};

    CHECK_OK(loop_new(&f->loop, &err), &err);
    CHECK_OK(decoders_new(&f->pool, f->loop, &config, &err), &err);
    test_cleanup(t, fx_close, f);
}

static void on_done(void *arg, struct decode_result *result, const struct err *err)
{
    struct outcome *o = arg;

    o->done = true;
    snprintf(o->reason, sizeof o->reason, "%s", err->reason);
    snprintf(o->text, sizeof o->text, "%s", err->text);
    o->answer = result->answer;
    o->fd = result->fd;
    result->fd = -1;
}

static struct outcome run(struct fx *f, int file, const struct decode_params *params)
{
    struct outcome o = {.fd = -1};
    int64_t deadline = test_deadline_us(120000);

    CHECK(decoders_run(f->pool, DECODERS_SOMEBODY_WAITS, params, file, -1, on_done, &o));
    while (!o.done && test_turn(f->loop, deadline))
        ;
    CHECK(o.done);
    return o;
}

static struct outcome decode_frame(struct fx *f, int file, uint32_t n)
{
    return run(f, file, &(struct decode_params){.op = DECODE_FRAME, .frame = n});
}

struct figures {
    char sha[65], reason[48], text[400];
    double min, max, sum, n;
    uint32_t frames;
};

static double value_at(const struct decode_answer *a, const uint8_t *p)
{
    uint32_t v = 0;

    memcpy(&v, p, a->bits_allocated / 8);
    if (!a->pixel_representation)
        return v;
    return a->bits_allocated == 8 ? (int8_t)v : a->bits_allocated == 16 ? (int16_t)v : (int32_t)v;
}

static void count(struct figures *g, const struct decode_answer *a, const uint8_t *values)
{
    size_t width = a->bits_allocated / 8;

    for (size_t at = 0; at + width <= a->bytes && width <= 4; at += width) {
        double v = value_at(a, values + at);
        g->min = g->n == 0 || v < g->min ? v : g->min;
        g->max = g->n == 0 || v > g->max ? v : g->max;
        g->sum += v;
        g->n++;
    }
}

/* All frames of a file, one hash over them. */
static struct figures decode_file(struct fx *f, const char *path)
{
    struct figures g = {.frames = 1};
    uint8_t *all = NULL;
    size_t len = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    CHECK(file >= 0);
    for (uint32_t n = 0; n < g.frames; n++) {
        struct outcome o = decode_frame(f, file, n);
        if (o.reason[0]) {
            memcpy(g.reason, o.reason, sizeof g.reason);
            memcpy(g.text, o.text, sizeof g.text);
            break;
        }
        all = mem_grow(all, len + o.answer.bytes + 1);
        CHECK_INT(pread(o.fd, all + len, o.answer.bytes, 0), o.answer.bytes);
        close(o.fd);
        count(&g, &o.answer, all + len);
        len += o.answer.bytes;
        g.frames = o.answer.frames;
    }
    close(file);
    uint8_t sha[32];
    crypto_sha256(all ? all : (uint8_t *)"", len, sha);
    for (int i = 0; i < 32; i++)
        sprintf(g.sha + 2 * i, "%02x", sha[i]);
    free(all);
    return g;
}

/* Where the manifest has no answer, or more than one. `want` is a reason word, or how a SHA-256 begins. */
static const struct settled {
    const char *file, *want, *why;
} SETTLED[] = {
    {"pydicom/test_files/rtdose_expb.dcm", "e30a4288",
     "big endian 32 bit values: equal to rtdose.dcm, the same dose in little endian; dcmtk turns words of 16 "
     "bits"},
    {"pydicom/test_files/rtdose_expb_1frame.dcm", "67f96b33", "likewise: equal to rtdose_1frame.dcm"},
    {"pydicom/test_files/SC_rgb_small_odd_big_endian.dcm", "ef2df252",
     "8 bit values in OW of a big endian data set stand in turned words (PS3.5 A.3): equal to "
     "SC_rgb_small_odd.dcm; "
     "pydicom takes the bytes as they lie, and its black sample is the padding byte"},
    {"dicomparser/multi-frame/CT0012.fragmented_no_bot_jpeg_ls.81.dcm", "280666ec",
     "dcmtk's, and near the lossless sibling; pydicom cuts the frames in the wrong places"},
    {"pydicom/test_files/JPEG2000-embedded-sequence-delimiter.dcm", "codec_failed",
     "the delimiter was written over the codestream's own header (SIZ): the reference shows noise from "
     "-32767 to 32767"},
    {"cornerstone3d/CTImage.dcm_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm", "",
     "no reference decodes it; its figures are compared with its sibling's below"},
    {"cornerstone3d/CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm", "", "likewise"},
    {"pydicom/test_files/badVR.dcm", "", "the reference stumbles over another element than the picture"},
    {"pydicom/test_files/MR_truncated.dcm", "truncated", "the pixel data is cut"},
    {"pydicom/test_files/rtplan_truncated.dcm", "truncated", "a data set cut in the middle"},
    {"pydicom/test_files/dicomdirtests/DICOMDIR-nooffset", "truncated",
     "its last item says more than is there"},
    {"pydicom/test_files/meta_missing_tsyntax.dcm", "pixel_format", "pixel data without rows and columns"},
    {"pydicom/test_files/nested_priv_SQ.dcm", "pixel_format", "likewise"},
    {"pydicom/test_files/no_meta.dcm", "not_dicom", "no reference reads it either"},
};

static const struct settled *settled(const char *file)
{
    for (size_t i = 0; i < sizeof SETTLED / sizeof SETTLED[0]; i++)
        if (strcmp(SETTLED[i].file, file) == 0)
            return &SETTLED[i];
    return NULL;
}

static bool is(const struct figures *g, const char *want)
{
    if (strspn(want, "0123456789abcdef") == strlen(want))
        return !g->reason[0] && strncmp(g->sha, want, strlen(want)) == 0;
    return strcmp(g->reason, want) == 0;
}

static bool near(const json_t *row, const char *key, double got, double tolerance)
{
    return fabs(json_number_value(json_object_get(row, key)) - got) <= tolerance;
}

/* Two decoders of a lossy stream may differ by a grey level here and there. */
static bool looks_alike(const json_t *row, const struct figures *g)
{
    double range =
        json_number_value(json_object_get(row, "max")) - json_number_value(json_object_get(row, "min"));
    double edge = range / 200 > 2 ? range / 200 : 2;

    return !g->reason[0] && g->n > 0 && near(row, "mean", g->sum / g->n, 1) &&
           near(row, "min", g->min, edge) && near(row, "max", g->max, edge);
}

static bool as_expected(const json_t *row, const struct figures *g)
{
    const char *sha = json_string_value(json_object_get(row, "pixel_sha256"));
    const struct settled *s = settled(json_string_value(json_object_get(row, "file")));

    if (json_is_true(json_object_get(row, "broken")))
        return strcmp(g->reason, "decoder_died") != 0 && strcmp(g->reason, "decoder_slow") != 0;
    if (s)
        return is(g, s->want);
    if (sha)
        return is(g, sha);
    if (json_object_get(row, "mean"))
        return looks_alike(row, g);
    return is(g, json_object_get(row, "parse") ? "pixel_data_missing" : "not_dicom");
}

TEST(manifest, every_file_is_decoded_to_its_hash_or_refused_with_its_reason)
{
    static struct fx f;
    json_t *manifest = manifest_or_skip(), *row;
    int wrong = 0, hashed = 0, decoded = 0, refused = 0;
    size_t i;

    fx_open(t, &f);
    json_array_foreach(manifest, i, row)
    {
        const char *file = json_string_value(json_object_get(row, "file"));
        char *path = path_of(file);
        struct figures g = decode_file(&f, path);
        hashed += !g.reason[0] && json_object_get(row, "pixel_sha256");
        decoded += !g.reason[0];
        refused += g.reason[0] != '\0';
        if (!as_expected(row, &g)) {
            printf("%s: %s %s, SHA-256 %.8s, %g to %g, mean %g\n", file, g.reason, g.text, g.sha, g.min,
                   g.max, g.n > 0 ? g.sum / g.n : 0);
            wrong++;
        }
        free(path);
    }
    printf("%zu files: %d decoded, %d of them to a hash of the manifest, %d refused\n", i, decoded, hashed,
           refused);
    json_decref(manifest);
    CHECK_INT(wrong, 0);
}

/* What no reference decodes is compared with its sibling, made from the same picture. */
TEST(manifest, progressive_streams_of_12_bits_show_what_the_sequential_one_shows)
{
    static struct fx f;
    static const char *const FILES[] = {
        "cornerstone3d/CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm",
        "cornerstone3d/CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm",
        "cornerstone3d/CTImage.dcm_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm",
    };
    struct figures g[3];

    json_decref(manifest_or_skip());
    fx_open(t, &f);
    for (int i = 0; i < 3; i++) {
        char *path = path_of(FILES[i]);
        g[i] = decode_file(&f, path);
        free(path);
        CHECK_STR(g[i].reason, "");
        CHECK(fabs(g[i].sum / g[i].n - g[0].sum / g[0].n) < 1);
        CHECK(fabs(g[i].min - g[0].min) < 12 && fabs(g[i].max - g[0].max) < 12);
    }
}

/* Every operation on every file, through the sandbox: an answer or a reason, never a dead process. */
TEST(manifest, no_file_kills_a_decoder_whatever_is_asked_of_it)
{
    static struct fx f;
    json_t *manifest = manifest_or_skip(), *row;
    int indexed = 0, pictures = 0, waveforms = 0, deaths = 0;
    size_t i;

    fx_open(t, &f);
    json_array_foreach(manifest, i, row)
    {
        const struct decode_params index = {.op = DECODE_INDEX}, waveform = {.op = DECODE_WAVEFORM};
        const struct decode_params render = {
            .op = DECODE_RENDER, .width = 128, .height = 128, .format = i % 2 ? DECODE_PNG : DECODE_JPEG};
        const struct decode_params *ops[] = {&index, &render, &waveform};
        int *counts[] = {&indexed, &pictures, &waveforms};
        char *path = path_of(manifest_text(row, "file"));
        int file = open(path, O_RDONLY | O_CLOEXEC);
        for (int op = 0; op < 3; op++) {
            struct outcome o = run(&f, file, ops[op]);
            *counts[op] += !o.reason[0];
            deaths += strncmp(o.reason, "decoder_", 8) == 0;
            if (strncmp(o.reason, "decoder_", 8) == 0)
                printf("%s: %s on operation %u\n", path, o.reason, ops[op]->op);
            if (o.fd >= 0)
                close(o.fd);
        }
        close(file);
        free(path);
    }
    printf("%zu files: %d indexed, %d shown, %d waveforms\n", i, indexed, pictures, waveforms);
    json_decref(manifest);
    CHECK_INT(deaths, 0);
    CHECK(indexed > 150 && pictures > 150 && waveforms >= 2);
}
