/* ecg_test.c - DICOM waveforms as microvolts: those of the data folder, and what devices leave out, made here. */
#include "dicom/decode/ecg.h"
#include <stdlib.h>
#include "core/crypto.h"
#include "core/json.h"
#include "tests/unit/dicom/dataset/bytes.h"
#include "tests/unit/dicom/dataset/manifest.h"
#include "tests/unit/test.h"

/* One group of one or more channels; every field may be left out or wrong. */
struct made {
    unsigned channels, samples, bits;
    const char *interpretation, *hz, *sensitivity, *unit, *baseline, *label, *code, *meaning;
    unsigned bits_stored;
    const void *data;
    size_t len;
    const void *padding;
};

static const int16_t RAW[] = {0, 100, -100, 32767, 1, 2, 3, 4};
static const struct made GOOD = {.channels = 2,
                                 .samples = 4,
                                 .bits = 16,
                                 .interpretation = "SS",
                                 .hz = "500",
                                 .sensitivity = "1.25",
                                 .unit = "uV",
                                 .baseline = "0",
                                 .code = "5.6.3-9-2",
                                 .meaning = "Lead II",
                                 .data = RAW,
                                 .len = sizeof RAW};

static void add_code(struct bytes *b, uint32_t tag, const char *code, const char *scheme, const char *meaning)
{
    add_head(b, tag, "SQ", 0xFFFFFFFF);
    add_item(b, 0xFFFFFFFF);
    add_text(b, TAG_CodeValue, "SH", code);
    add_text(b, TAG_CodingSchemeDesignator, "SH", scheme);
    add_text(b, TAG_CodeMeaning, "LO", meaning);
    add_item_end(b);
    add_sequence_end(b);
}

static void add_channel(struct bytes *b, const struct made *m)
{
    add_item(b, 0xFFFFFFFF);
    if (m->code)
        add_code(b, TAG_ChannelSourceSequence, m->code, "SCPECG", m->meaning);
    if (m->sensitivity)
        add_text(b, TAG_ChannelSensitivity, "DS", m->sensitivity);
    if (m->unit)
        add_code(b, TAG_ChannelSensitivityUnitsSequence, m->unit, "UCUM", m->unit);
    if (m->baseline) {
        add_text(b, TAG_ChannelSensitivityCorrectionFactor, "DS", "1");
        add_text(b, TAG_ChannelBaseline, "DS", m->baseline);
    }
    if (m->bits_stored)
        add_us(b, TAG_WaveformBitsStored, m->bits_stored);
    add_text(b, TAG_FilterLowFrequency, "DS", "0.05");
    add_item_end(b);
}

static void add_group(struct bytes *b, const struct made *m)
{
    add_item(b, 0xFFFFFFFF);
    add_us(b, TAG_NumberOfWaveformChannels, m->channels);
    add_value(b, TAG_NumberOfWaveformSamples, "UL", &m->samples, 4);
    if (m->hz)
        add_text(b, TAG_SamplingFrequency, "DS", m->hz);
    if (m->label)
        add_text(b, TAG_MultiplexGroupLabel, "SH", m->label);
    add_head(b, TAG_ChannelDefinitionSequence, "SQ", 0xFFFFFFFF);
    for (unsigned i = 0; i < m->channels; i++)
        add_channel(b, m);
    add_sequence_end(b);
    add_us(b, TAG_WaveformBitsAllocated, m->bits);
    add_text(b, TAG_WaveformSampleInterpretation, "CS", m->interpretation);
    if (m->padding)
        add_value(b, TAG_WaveformPaddingValue, "OW", m->padding, 2);
    add_value(b, TAG_WaveformData, m->bits == 8 ? "OB" : "OW", m->data, m->len);
    add_item_end(b);
}

struct read {
    struct bytes b;
    struct dataset *ds;
    struct ecg ecg;
    struct err err;
};

static void read_free(void *arg)
{
    struct read *r = arg;

    ecg_free(&r->ecg);
    dataset_close(r->ds);
    free(r->b.p);
    free(r);
}

static struct read *read_made(struct test *t, const struct made *m)
{
    struct read *r = mem_new(sizeof *r);

    test_cleanup(t, read_free, r);
    add_text(&r->b, TAG_AcquisitionDateTime, "DT", "20250601093000");
    add_head(&r->b, TAG_WaveformSequence, "SQ", 0xFFFFFFFF);
    add_group(&r->b, m);
    add_sequence_end(&r->b);
    CHECK_OK(dataset_open_bare(&r->ds, r->b.p, r->b.len, EXPLICIT_LE, NULL, &r->err), &r->err);
    CHECK(ecg_dicom_read(&r->ecg, r->ds, &r->err) == (r->err.code == ERR_NONE));
    return r;
}

TEST(ecg, samples_become_microvolts_by_lead)
{
    struct read *r = read_made(t, &GOOD);
    struct json_buf j = {0};
    struct err err = ERR_INIT;
    json_t *doc;

    CHECK_STR(r->err.reason, "");
    CHECK_INT(r->ecg.groups[0].n_samples, 4);
    CHECK_STR(r->ecg.groups[0].leads[0].name, "II");
    CHECK_INT(r->ecg.groups[0].leads[0].raw[1], -100); /* the channels take turns */
    CHECK_INT(r->ecg.groups[0].leads[1].raw[1], 32767);
    CHECK_INT(r->ecg.assumed, 0);
    CHECK_INT(r->ecg.start_at_us, 1748741400000000); /* 09:30 in Shanghai */
    ecg_json(&j, &r->ecg);
    CHECK_OK(json_parse(&doc, (uint8_t *)j.text, j.len, NULL, &err), &err);
    json_t *group = json_array_get(json_object_get(doc, "groups"), 0);
    json_t *lead = json_array_get(json_object_get(group, "leads"), 0);
    CHECK_STR(json_string_value(json_object_get(doc, "start_at")), "2025-06-01T01:30:00.000Z");
    CHECK_STR(json_string_value(json_object_get(group, "label")), "rhythm");
    CHECK_STR(json_string_value(json_object_get(lead, "samples_b64")), "AACc/wEAAwA=");
    CHECK(json_number_value(json_object_get(lead, "uv_per_unit")) > 1.2499);
    CHECK(json_is_null(json_object_get(json_object_get(group, "filters"), "notch_hz")));
    json_decref(doc);
    json_buf_free(&j);
}

static void check_refused(struct test *t, const struct made *m, const char *reason)
{
    CHECK_STR(read_made(t, m)->err.reason, reason);
}

TEST(ecg, what_would_be_a_guess_is_refused)
{
    struct made m = GOOD;

    m.sensitivity = NULL;
    check_refused(t, &m, "sensitivity_missing");
    m.sensitivity = "0";
    check_refused(t, &m, "sensitivity_missing");
    m = GOOD;
    m.unit = "mm[Hg]";
    check_refused(t, &m, "units_unknown");
    m = GOOD;
    m.unit = NULL;
    m.sensitivity = "0.00488";
    check_refused(t, &m, "units_unknown");
    m = GOOD;
    m.hz = NULL;
    check_refused(t, &m, "sampling_missing");
    m = GOOD;
    m.samples = 5;
    check_refused(t, &m, "waveform_short");
    m.samples = 0xFFFFFFFF;
    check_refused(t, &m, "too_large");
    m.samples = 0;
    check_refused(t, &m, "waveform_short");
    m = GOOD;
    m.channels = 0;
    check_refused(t, &m, "channels_mismatch");
}

TEST(ecg, encodings_nobody_reads_are_refused)
{
    static const struct {
        unsigned bits;
        const char *interpretation;
    } CASES[] = {{8, "MB"}, {8, "AB"}, {64, "SV"}, {16, "SB"}, {16, ""}, {12, "SS"}};

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct made m = GOOD;
        m.bits = CASES[i].bits;
        m.interpretation = CASES[i].interpretation;
        check_refused(t, &m, "waveform_encoding");
    }
}

TEST(ecg, eight_and_thirty_two_bits_signed_and_not)
{
    static const uint8_t bytes[] = {0xFF, 1, 2, 0x80};
    static const int32_t wide[] = {-100000, 7, 100000, 8};
    struct made m = GOOD;

    m.data = bytes;
    m.len = 4;
    m.samples = 2;
    m.bits = 8;
    m.interpretation = "SB";
    CHECK_INT(read_made(t, &m)->ecg.groups[0].leads[0].raw[0], -1);
    m.interpretation = "UB";
    CHECK_INT(read_made(t, &m)->ecg.groups[0].leads[0].raw[0], 255);
    m.bits = 32;
    m.interpretation = "SL";
    m.data = wide;
    m.len = 16;
    struct read *r = read_made(t, &m);
    CHECK_INT(r->ecg.groups[0].leads[0].raw[1], 100000);
    struct json_buf j = {0};
    ecg_json(&j, &r->ecg);
    CHECK(strstr(j.text, "\"samples_uV\":[-125000,125000]")); /* does not fit into 16 bits */
    json_buf_free(&j);
    m.interpretation = "UL";
    check_refused(t, &m, "waveform_encoding"); /* above 2^31 */
}

TEST(ecg, units_baseline_and_what_was_taken_for_granted)
{
    struct made m = GOOD;

    m.unit = "mV";
    m.sensitivity = "0.005";
    m.baseline = "0.01";
    struct read *r = read_made(t, &m);
    CHECK(r->ecg.groups[0].leads[0].uv_per_unit > 4.999 && r->ecg.groups[0].leads[0].uv_per_unit < 5.001);
    CHECK(r->ecg.groups[0].leads[0].offset_uv > 9.999 && r->ecg.groups[0].leads[0].offset_uv < 10.001);
    m = GOOD;
    m.unit = NULL;
    m.baseline = NULL;
    CHECK_INT(read_made(t, &m)->ecg.assumed, ECG_TOOK(UNITS_UV) | ECG_TOOK(CORRECTION_ONE));
    m = GOOD;
    m.code = NULL;
    r = read_made(t, &m);
    CHECK_INT(r->ecg.assumed, ECG_TOOK(LEAD_UNNAMED));
    CHECK_STR(r->ecg.groups[0].leads[1].name, "2");
    m = GOOD;
    m.meaning = "Lead V3";
    r = read_made(t, &m);
    CHECK_INT(r->ecg.assumed, ECG_TOOK(LEAD_CONTRADICTS));
    CHECK_STR(r->ecg.groups[0].leads[0].name, "II");
}

TEST(ecg, twelve_bits_in_sixteen)
{
    static const int16_t empty[] = {0x0FFF, 1, 0x0800, 2, 0x07FF, 3, 0, 4},
                         full[] = {-1, 1, -2048, 2, 2047, 3, 0, 4}, wrong[] = {-3000, 1, 3000, 2, 0, 3, 0, 4};
    struct made m = GOOD;

    m.bits_stored = 12;
    m.data = empty;
    struct read *r = read_made(t, &m);
    CHECK_INT(r->ecg.assumed, ECG_TOOK(SIGN_EXTENDED));
    CHECK_INT(r->ecg.groups[0].leads[0].raw[0], -1);
    CHECK_INT(r->ecg.groups[0].leads[0].raw[1], -2048);
    CHECK_INT(r->ecg.groups[0].leads[0].raw[2], 2047);
    m.data = full;
    r = read_made(t, &m);
    CHECK_INT(r->ecg.assumed, 0);
    CHECK_INT(r->ecg.groups[0].leads[0].raw[0], -1);
    m.data = wrong;
    r = read_made(t, &m);
    CHECK_INT(r->ecg.assumed, ECG_TOOK(BITS_STORED_WRONG));
    CHECK_INT(r->ecg.groups[0].leads[0].raw[0], -3000);
}

TEST(ecg, padding_is_a_gap_and_a_median_beat_is_called_one)
{
    static const int16_t data[] = {-32768, 1, -32768, 2, 5, 3, -32768, 4}, padding[] = {-32768};
    struct made m = GOOD;

    m.data = data;
    m.padding = padding;
    m.label = "MEDIAN BEAT";
    struct read *r = read_made(t, &m);
    const struct ecg_lead *l = &r->ecg.groups[0].leads[0];
    CHECK_INT(l->n_gaps, 2);
    CHECK_INT(l->gaps[0].n, 2);
    CHECK_INT(l->gaps[1].first, 3);
    CHECK_INT(r->ecg.groups[0].leads[1].n_gaps, 0);
    CHECK(r->ecg.groups[0].median);
    CHECK_INT(r->ecg.assumed, ECG_TOOK(PADDING));
}

TEST(ecg, leads_have_one_name)
{
    CHECK_STR(ecg_lead_of_code("SCPECG", "5.6.3-9-61"), "III");
    CHECK_STR(ecg_lead_of_code("MDC", "2:62"), "aVR");
    CHECK_STR(ecg_lead_of_code("MDC", "MDC_ECG_LEAD_V4"), "V4");
    CHECK(!ecg_lead_of_code("SCPECG", "5.6.3-9-") && !ecg_lead_of_code("SCPECG", "5.6.3-9-1x"));
    CHECK_STR(ecg_lead_of_text("Lead I (Einthoven)"), "I");
    CHECK_STR(ecg_lead_of_text("avf, augmented"), "aVF");
    CHECK(!ecg_lead_of_text("") && !ecg_lead_of_text("Lead ") && !ecg_lead_of_text("Pulse"));
}

/* ---------------------------------------------------------------- the data folder */

static double at(const json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

static void hash_of(const struct ecg_group *g, char hex[65])
{
    size_t n = (size_t)g->n_leads * g->n_samples;
    uint8_t *p = mem_new(2 * n + 1), digest[32];

    for (size_t i = 0; i < n; i++) {
        uint16_t v = (uint16_t)g->leads[i % g->n_leads].raw[i / g->n_leads];
        p[2 * i] = (uint8_t)v;
        p[2 * i + 1] = (uint8_t)(v >> 8);
    }
    crypto_sha256(p, 2 * n, digest);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    free(p);
}

static void check_group(const struct ecg_group *g, const json_t *expected)
{
    const json_t *leads = json_object_get(expected, "leads"),
                 *first = json_object_get(expected, "first8_ch0");
    char hex[65];

    CHECK_INT(g->n_leads, manifest_int(expected, "channels", 0));
    CHECK_INT(g->n_samples, manifest_int(expected, "samples", 0));
    CHECK_INT(g->hz, manifest_int(expected, "fs", 0));
    for (uint32_t i = 0; i < g->n_leads; i++) {
        CHECK_STR(g->leads[i].name, ecg_lead_of_text(json_string_value(json_array_get(leads, i))));
        CHECK(g->leads[i].uv_per_unit == at(json_object_get(expected, "sensitivity"), i));
    }
    for (size_t i = 0; i < 8; i++)
        CHECK_INT(g->leads[0].raw[i], at(first, i));
    hash_of(g, hex);
    CHECK_STR(hex, manifest_text(expected, "raw_sha256"));
}

TEST(ecg, the_manifests_waveforms_come_out_to_the_bit)
{
    json_t *m = manifest_open(), *entry;
    int seen = 0;
    size_t i;

    if (!m)
        skip();
    json_array_foreach(m, i, entry)
    {
        const json_t *groups = json_object_get(entry, "waveforms");
        struct dataset *ds;
        struct err err = ERR_INIT;
        struct ecg e;
        size_t len;
        if (!groups)
            continue;
        uint8_t *bytes = manifest_file(entry, &len);
        CHECK_OK(dataset_open(&ds, bytes, len, NULL, &err), &err);
        CHECK_OK(ecg_dicom_read(&e, ds, &err), &err);
        CHECK_INT(e.n_groups, json_array_size(groups));
        CHECK_INT(e.assumed, 0);
        for (uint32_t g = 0; g < e.n_groups; g++)
            check_group(&e.groups[g], json_array_get(groups, g));
        CHECK(e.n_groups < 2 || (e.groups[1].median && !e.groups[0].median));
        ecg_free(&e);
        dataset_close(ds);
        free(bytes);
        seen++;
    }
    json_decref(m);
    CHECK_INT(seen, 2);
}
