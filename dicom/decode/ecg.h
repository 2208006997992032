/* ecg.h - an electrocardiogram in one form, whatever file it came in: leads in microvolts as they were recorded.
 *
 * Owns    struct ecg and all in it; ecg_free(). Runs on any thread.
 * Units   microvolts = raw * uv_per_unit + offset_uv. Nothing is filtered, resampled or rounded.
 * Honest  what the file did not say and we took for granted stands in `assumed`, word by word; what would make the
 *         paper's millimetres a guess is refused.
 * Errors  ERR_INVALID     waveform_missing     no Waveform Sequence
 *                         waveform_short       fewer bytes than channels x samples
 *                         channels_mismatch    as many definitions as channels there must be, 1 to 64
 *                         sampling_missing     no sampling frequency, or none that can be
 *                         sensitivity_missing  nothing says what a step is worth
 *                         units_unknown        it is worth something in units that are no voltage
 *         ERR_UNSUPPORTED waveform_encoding    mu-law, A-law, 64 bits and what nobody defined
 *         ERR_TOO_LARGE   too_large            more than 32 million samples
 */
#pragma once
#include "dicom/dataset/dataset.h"
#include "dicom/dataset/dicom_json.h"

#define ECG_NAME_MAX     32
#define ECG_SAMPLES_MAX  (32u << 20)
#define ECG_CHANNELS_MAX 64
#define ECG_ANNOTATIONS  500

/* What was taken for granted. */
#define ECG_ASSUMED(X)                                                                                       \
    X(UNITS_UV, "units_uv", "sensitivity without units was read as microvolts")                              \
    X(CORRECTION_ONE, "correction_one", "no correction factor: 1")                                           \
    X(SIGN_EXTENDED, "sign_extended", "fewer bits stored than allocated, their sign was extended")           \
    X(BITS_STORED_WRONG, "bits_stored_wrong", "the samples need more bits than Waveform Bits Stored says")   \
    X(LEAD_UNNAMED, "lead_unnamed", "a channel without a lead's name got its number")                        \
    X(LEAD_CONTRADICTS, "lead_contradicts", "a lead's code and its text differ: the code was taken")         \
    X(PADDING, "padding", "samples marked as missing stand as gaps")                                         \
    X(SAMPLES_MORE, "samples_more", "bytes behind the last sample were left out")
enum ecg_assumed {
#define X(name, word, text) ECG_BIT_##name,
    ECG_ASSUMED(X)
#undef X
        ECG_ASSUMED_COUNT
};
#define ECG_TOOK(name) (1u << ECG_BIT_##name)

struct ecg_gap {
    uint32_t first, n;
};

struct ecg_lead {
    char name[ECG_NAME_MAX]; /* I II III aVR aVL aVF V1 ... V9 V2R ... X Y Z, else as the file says */
    double uv_per_unit, offset_uv;
    double high_pass_hz, low_pass_hz, notch_hz; /* 0: not stated */
    double skew_s;
    int32_t *raw; /* n_samples of the group */
    struct ecg_gap *gaps;
    uint32_t n_gaps;
};

struct ecg_group {
    bool median; /* one beat made from many, not a recording */
    double hz;
    double offset_ms; /* behind the start of the acquisition */
    uint32_t n_leads, n_samples;
    struct ecg_lead *leads;
};

struct ecg_annotation {
    char *name, *value, *unit; /* UTF-8; unit "" */
};

struct ecg {
    const char *format;  /* "dicom" */
    int64_t start_at_us; /* UTC, 0: not stated */
    uint32_t n_groups, n_annotations;
    struct ecg_group *groups;
    struct ecg_annotation *annotations;
    unsigned assumed; /* ECG_TOOK(...) */
};

/** From a DICOM waveform object (12-lead, General, Ambulatory; any class with a Waveform Sequence of voltages). */
bool ecg_dicom_read(struct ecg *out, const struct dataset *ds, struct err *err);
void ecg_free(struct ecg *e);

/** The lead a code of SCP-ECG or MDC stands for (PS3.16 CID 3001), or NULL. */
const char *ecg_lead_of_code(const char *scheme, const char *code);
/** The lead a text names: "Lead I (Einthoven)", "aVR", "MDC_ECG_LEAD_V1"; NULL when none. */
const char *ecg_lead_of_text(const char *text);

/** {"v":1,"format":"dicom","start_at":"2013-01-25T02:59:19.000Z"|null,"assumed":["units_uv",...],
 *   "groups":[{"label":"rhythm"|"median","hz":1000,"n_samples":10000,"offset_ms":0,
 *              "filters":{"high_pass_hz":0.05,"low_pass_hz":300,"notch_hz":null},
 *              "leads":[{"name":"I","samples_b64":"...","uv_per_unit":1.25}            16 bit little endian, or
 *                       {"name":"I","samples_uV":[...]}                                whole microvolts when they do not fit,
 *                        both with "gaps":[[first,count],...] and "skew_s" where there are any]}],
 *   "annotations":[{"name":"PR Interval","value":"161","unit":"ms"},...]} */
void ecg_json(struct json_buf *b, const struct ecg *e);
/** Both in one: read and append. */
bool ecg_write(struct json_buf *b, const struct dataset *ds, struct err *err);
