/* ecg_dicom.c - DICOM waveforms (PS3.3 C.10.9) as an ECG. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/charset.h"
#include "dicom/decode/ecg.h"

#define SHANGHAI_S (8 * 3600)
#define GROUPS_MAX 16

/* How the samples of one group are written: (5400,1004) and (5400,1006). */
struct coding {
    unsigned width; /* bytes */
    bool is_signed, big;
    bool has_padding;
    int64_t padding;
};

static double real_or(const struct dataset_item *item, uint32_t tag, double otherwise)
{
    double v;

    return dataset_real(item, tag, 0, &v) ? v : otherwise;
}

static int64_t raw_value(const struct coding *c, const uint8_t *p)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < c->width; i++)
        v |= (uint32_t)p[c->big ? c->width - 1 - i : i] << 8 * i;
    if (!c->is_signed)
        return v;
    return c->width == 1 ? (int8_t)v : c->width == 2 ? (int16_t)v : (int32_t)v;
}

static bool read_coding(struct coding *c, const struct dataset_item *group,
                        const struct dataset_element *data, struct err *err)
{
    static const struct {
        const char *word;
        unsigned bits;
        bool is_signed;
    } KINDS[] = {{"SB", 8, true},   {"UB", 8, false}, {"SS", 16, true},
                 {"US", 16, false}, {"SL", 32, true}, {"UL", 32, false}};
    const struct dataset_element *padding = dataset_find(group, TAG_WaveformPaddingValue);
    char word[17] = "";
    int64_t bits = 0;

    dataset_int(group, TAG_WaveformBitsAllocated, 0, &bits);
    dataset_ascii(group, TAG_WaveformSampleInterpretation, word, sizeof word);
    *c = (struct coding){.big = data->flags & DATASET_BIG_ENDIAN};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        if (strcmp(KINDS[i].word, word) == 0 && KINDS[i].bits == bits) {
            c->width = KINDS[i].bits / 8;
            c->is_signed = KINDS[i].is_signed;
        }
    }
    if (c->width == 0)
        return err_set(err, ERR_UNSUPPORTED, "waveform_encoding", "samples of %lld bits as \"%s\"",
                       (long long)bits, word);
    if (padding && padding->length >= c->width) {
        c->has_padding = true;
        c->padding = raw_value(c, padding->value);
    }
    return true;
}

/* ---------------------------------------------------------------- what a channel is */

static void code_of(const struct dataset_item *item, uint32_t sequence, char scheme[17], char code[65])
{
    const struct dataset_item *it = dataset_sequence(item, sequence);

    *scheme = *code = '\0';
    dataset_ascii(it, TAG_CodingSchemeDesignator, scheme, 17);
    dataset_ascii(it, TAG_CodeValue, code, 65);
}

static void read_name(struct ecg_lead *l, const struct dataset_item *channel, uint32_t number,
                      unsigned *assumed)
{
    char scheme[17], code[65];
    char *meaning =
        charset_text(dataset_sequence(channel, TAG_ChannelSourceSequence), TAG_CodeMeaning, 0, NULL);
    char *label = charset_text(channel, TAG_ChannelLabel, 0, NULL);
    const char *text = meaning ? meaning : label ? label : "", *by_code, *by_text = ecg_lead_of_text(text);

    code_of(channel, TAG_ChannelSourceSequence, scheme, code);
    by_code = ecg_lead_of_code(scheme, code);
    if (by_code && by_text && strcmp(by_code, by_text) != 0)
        *assumed |= ECG_TOOK(LEAD_CONTRADICTS);
    if (!by_code && !by_text && label)
        by_text = ecg_lead_of_text(label);
    if (by_code || by_text) {
        snprintf(l->name, sizeof l->name, "%s", by_code ? by_code : by_text);
    } else if (*text && strlen(text) < sizeof l->name) {
        snprintf(l->name, sizeof l->name, "%s", text);
    } else {
        snprintf(l->name, sizeof l->name, "%u", number);
        *assumed |= ECG_TOOK(LEAD_UNNAMED);
    }
    free(meaning);
    free(label);
}

/* Microvolts of one unit, 0 when it is no voltage. */
static double uv_of_unit(const char *unit)
{
    static const struct {
        const char *unit;
        double uv;
    } UNITS[] = {{"uV", 1}, {"mV", 1000}, {"V", 1000000}, {"nV", 0.001}, {"\xC2\xB5V", 1}, {"\xCE\xBCV", 1}};

    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
        if (strcmp(UNITS[i].unit, unit) == 0)
            return UNITS[i].uv;
    return 0;
}

static bool read_scale(struct ecg_lead *l, const struct dataset_item *channel, unsigned *assumed,
                       struct err *err)
{
    double sensitivity, correction = 1, unit;
    char *word;

    if (!dataset_real(channel, TAG_ChannelSensitivity, 0, &sensitivity) || sensitivity == 0)
        return err_set(err, ERR_INVALID, "sensitivity_missing", "lead %s does not say what a step is worth",
                       l->name);
    word =
        charset_text(dataset_sequence(channel, TAG_ChannelSensitivityUnitsSequence), TAG_CodeValue, 0, NULL);
    unit = word ? uv_of_unit(word) : 0;
    /* Devices of 0.1 to 100 microvolts a step exist, of so many millivolts none. */
    if (!word && sensitivity >= 0.1 && sensitivity <= 100) {
        unit = 1;
        *assumed |= ECG_TOOK(UNITS_UV);
    }
    free(word);
    if (unit == 0)
        return err_set(err, ERR_INVALID, "units_unknown", "lead %s is in no unit of voltage that we know",
                       l->name);
    if (!dataset_real(channel, TAG_ChannelSensitivityCorrectionFactor, 0, &correction) || correction == 0) {
        correction = 1;
        *assumed |= ECG_TOOK(CORRECTION_ONE);
    }
    l->uv_per_unit = sensitivity * correction * unit;
    l->offset_uv = real_or(channel, TAG_ChannelBaseline, 0) * unit;
    if (!isfinite(l->uv_per_unit) || !isfinite(l->offset_uv) || fabs(l->uv_per_unit) > 1e9 ||
        fabs(l->offset_uv) > 1e12)
        return err_set(err, ERR_INVALID, "sensitivity_missing", "lead %s has an impossible sensitivity",
                       l->name);
    return true;
}

static void read_filters(struct ecg_lead *l, const struct dataset_item *channel, double hz)
{
    l->high_pass_hz = real_or(channel, TAG_FilterLowFrequency, 0);
    l->low_pass_hz = real_or(channel, TAG_FilterHighFrequency, 0);
    l->notch_hz = real_or(channel, TAG_NotchFilterFrequency, 0);
    l->skew_s = real_or(channel, TAG_ChannelTimeSkew, 0);
    if (l->skew_s == 0)
        l->skew_s = real_or(channel, TAG_ChannelSampleSkew, 0) / hz;
}

/* ---------------------------------------------------------------- samples */

static void add_gap(struct ecg_lead *l, uint32_t at)
{
    struct ecg_gap *last = l->n_gaps ? &l->gaps[l->n_gaps - 1] : NULL;

    if (last && last->first + last->n == at) {
        last->n++;
        return;
    }
    if ((l->n_gaps & (l->n_gaps - 1)) == 0)
        l->gaps = mem_grow(l->gaps, (l->n_gaps ? (size_t)l->n_gaps * 2 : 1) * sizeof *l->gaps);
    l->gaps[l->n_gaps++] = (struct ecg_gap){at, 1};
}

static bool read_samples(struct ecg_lead *l, const struct coding *c, const uint8_t *p, size_t stride,
                         uint32_t n)
{
    l->raw = mem_new((n ? (size_t)n : 1) * sizeof *l->raw);
    for (uint32_t i = 0; i < n; i++, p += stride) {
        int64_t v = raw_value(c, p);
        if (c->has_padding && v == c->padding) {
            add_gap(l, i);
            continue;
        }
        if (v > INT32_MAX)
            return false;
        l->raw[i] = (int32_t)v;
    }
    return true;
}

/* 12 bits in 16: signed samples are to be extended by their sign; some devices leave the upper bits empty. */
static void extend_sign(struct ecg_lead *l, const struct coding *c, const struct dataset_item *channel,
                        uint32_t n, unsigned *assumed)
{
    int64_t bits = c->width * 8;
    int32_t low, high;
    bool fits = true, empty = true;

    dataset_int(channel, TAG_WaveformBitsStored, 0, &bits);
    if (bits < 2 || bits >= (int64_t)c->width * 8 || bits > 31)
        return;
    high = (int32_t)((1u << (bits - 1)) - 1);
    low = -high - 1;
    for (uint32_t i = 0; i < n; i++) {
        if (!c->is_signed)
            fits = fits && l->raw[i] <= 2 * (int64_t)high + 1;
        else
            fits = fits && l->raw[i] >= low && l->raw[i] <= high;
        empty = empty && l->raw[i] >= 0 && l->raw[i] <= 2 * (int64_t)high + 1;
    }
    if (fits)
        return;
    if (!empty || !c->is_signed) {
        *assumed |= ECG_TOOK(BITS_STORED_WRONG);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        if (l->raw[i] > high)
            l->raw[i] = (int32_t)((int64_t)l->raw[i] - 2 * ((int64_t)high + 1));
    *assumed |= ECG_TOOK(SIGN_EXTENDED);
}

static bool read_lead(struct ecg *e, struct ecg_group *g, uint32_t number, const struct dataset_item *channel,
                      const struct coding *c, const struct dataset_element *data, struct err *err)
{
    struct ecg_lead *l = &g->leads[number];

    read_name(l, channel, number + 1, &e->assumed);
    if (!read_scale(l, channel, &e->assumed, err))
        return false;
    read_filters(l, channel, g->hz);
    if (!read_samples(l, c, data->value + (size_t)number * c->width, (size_t)g->n_leads * c->width,
                      g->n_samples))
        return err_set(err, ERR_UNSUPPORTED, "waveform_encoding", "unsigned samples above 2^31 in lead %s",
                       l->name);
    extend_sign(l, c, channel, g->n_samples, &e->assumed);
    if (l->n_gaps)
        e->assumed |= ECG_TOOK(PADDING);
    return true;
}

/* ---------------------------------------------------------------- groups */

static bool read_size(struct ecg_group *g, const struct dataset_item *item, uint64_t *left, struct err *err)
{
    const struct dataset_item *channel = dataset_sequence(item, TAG_ChannelDefinitionSequence);
    int64_t channels = 0, samples = 0, defined = 0;

    for (; channel; channel = channel->next)
        defined++;
    dataset_int(item, TAG_NumberOfWaveformChannels, 0, &channels);
    dataset_int(item, TAG_NumberOfWaveformSamples, 0, &samples);
    if (channels < 1 || channels > ECG_CHANNELS_MAX || channels != defined)
        return err_set(err, ERR_INVALID, "channels_mismatch", "%lld channels, %lld definitions",
                       (long long)channels, (long long)defined);
    if (!dataset_real(item, TAG_SamplingFrequency, 0, &g->hz) || g->hz <= 0 || g->hz > 1e6)
        return err_set(err, ERR_INVALID, "sampling_missing", "no sampling frequency");
    if (samples < 1)
        return err_set(err, ERR_INVALID, "waveform_short", "%lld samples", (long long)samples);
    if ((uint64_t)samples > *left / (uint64_t)channels)
        return err_set(err, ERR_TOO_LARGE, "too_large", "%lld samples of %lld channels", (long long)samples,
                       (long long)channels);
    *left -= (uint64_t)samples * (uint64_t)channels;
    g->n_samples = (uint32_t)samples;
    g->n_leads = (uint32_t)channels;
    return true;
}

static bool is_median(const struct dataset_item *item)
{
    char label[65] = "", originality[17] = "";

    dataset_ascii(item, TAG_MultiplexGroupLabel, label, sizeof label);
    dataset_ascii(item, TAG_WaveformOriginality, originality, sizeof originality);
    return strcasestr(label, "MEDIAN") || strcasestr(label, "AVERAGE") ||
           (strcmp(originality, "DERIVED") == 0 && !strcasestr(label, "RHYTHM"));
}

static bool read_group(struct ecg *e, struct ecg_group *g, const struct dataset_item *item, uint64_t *left,
                       struct err *err)
{
    const struct dataset_element *data = dataset_find(item, TAG_WaveformData);
    const struct dataset_item *channel = dataset_sequence(item, TAG_ChannelDefinitionSequence);
    struct coding c;
    size_t need;

    if (!data)
        return err_set(err, ERR_INVALID, "waveform_missing", "a group without Waveform Data");
    if (!read_size(g, item, left, err) || !read_coding(&c, item, data, err))
        return false;
    need = (size_t)g->n_leads * g->n_samples * c.width;
    if (data->length < need)
        return err_set(err, ERR_INVALID, "waveform_short", "%zu bytes of %zu", data->length, need);
    if (data->length > need + 1)
        e->assumed |= ECG_TOOK(SAMPLES_MORE);
    g->median = is_median(item);
    g->offset_ms = real_or(item, TAG_MultiplexGroupTimeOffset, 0);
    g->leads = mem_new(g->n_leads * sizeof *g->leads);
    for (uint32_t i = 0; i < g->n_leads; i++, channel = channel->next)
        if (!read_lead(e, g, i, channel, &c, data, err))
            return false;
    return true;
}

/* ---------------------------------------------------------------- annotations */

static char *number_text(const struct dataset_item *item)
{
    char *text = charset_text(item, TAG_NumericValue, 0, NULL), *end;

    /* "161.0" as people write it. */
    if (text && strchr(text, '.') && strspn(text, "0123456789.-") == strlen(text)) {
        end = text + strlen(text);
        while (end[-1] == '0')
            *--end = '\0';
        if (end[-1] == '.')
            end[-1] = '\0';
    }
    return text;
}

static void read_annotation(struct ecg_annotation *a, const struct dataset_item *item)
{
    const struct dataset_item *unit = dataset_sequence(item, TAG_MeasurementUnitsCodeSequence);

    a->name = charset_text(dataset_sequence(item, TAG_ConceptNameCodeSequence), TAG_CodeMeaning, 0, NULL);
    a->value = number_text(item);
    if (!a->value)
        a->value = charset_text(dataset_sequence(item, TAG_ConceptCodeSequence), TAG_CodeMeaning, 0, NULL);
    if (!a->value)
        a->value = charset_text(item, TAG_UnformattedTextValue, 0, NULL);
    a->unit = charset_text(unit, TAG_CodeValue, 0, NULL);
    if (!a->name)
        a->name = mem_str("statement");
    if (!a->value)
        a->value = mem_str("");
    if (!a->unit)
        a->unit = mem_str("");
}

static void read_annotations(struct ecg *e, const struct dataset_item *root)
{
    const struct dataset_item *item = dataset_sequence(root, TAG_WaveformAnnotationSequence);

    e->annotations = mem_new(ECG_ANNOTATIONS * sizeof *e->annotations);
    for (; item && e->n_annotations < ECG_ANNOTATIONS; item = item->next)
        read_annotation(&e->annotations[e->n_annotations++], item);
}

static void read_start(struct ecg *e, const struct dataset_item *root)
{
    if (!dataset_time(root, TAG_AcquisitionDateTime, 0, SHANGHAI_S, &e->start_at_us) &&
        !dataset_time(root, TAG_ContentDate, TAG_ContentTime, SHANGHAI_S, &e->start_at_us))
        dataset_time(root, TAG_StudyDate, TAG_StudyTime, SHANGHAI_S, &e->start_at_us);
}

bool ecg_dicom_read(struct ecg *out, const struct dataset *ds, struct err *err)
{
    const struct dataset_item *root = dataset_root(ds), *item = dataset_sequence(root, TAG_WaveformSequence);
    struct ecg e = {.format = "dicom"};
    uint64_t left = ECG_SAMPLES_MAX;
    bool ok = true;

    if (!item)
        return err_set(err, ERR_INVALID, "waveform_missing", "no Waveform Sequence");
    e.groups = mem_new(GROUPS_MAX * sizeof *e.groups);
    for (; ok && item && e.n_groups < GROUPS_MAX; item = item->next)
        ok = read_group(&e, &e.groups[e.n_groups++], item, &left, err);
    if (ok) {
        read_annotations(&e, root);
        read_start(&e, root);
        *out = e;
    } else {
        ecg_free(&e);
    }
    return ok;
}
