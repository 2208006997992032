/* ecg.c - leads by name, and an ECG as JSON. */
#include "dicom/decode/ecg.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "core/mem.h"

void ecg_free(struct ecg *e)
{
    for (uint32_t g = 0; g < e->n_groups; g++) {
        for (uint32_t i = 0; e->groups[g].leads && i < e->groups[g].n_leads; i++) {
            free(e->groups[g].leads[i].raw);
            free(e->groups[g].leads[i].gaps);
        }
        free(e->groups[g].leads);
    }
    for (uint32_t i = 0; i < e->n_annotations; i++) {
        free(e->annotations[i].name);
        free(e->annotations[i].value);
        free(e->annotations[i].unit);
    }
    free(e->groups);
    free(e->annotations);
    *e = (struct ecg){0};
}

/* The numbers of SCP-ECG (EN 1064 5.6.3) and, the same, of ISO/IEEE 11073-10101 partition 2. */
static const struct {
    int number;
    const char *name;
} LEADS[] = {
    {1, "I"},    {2, "II"},   {61, "III"}, {62, "aVR"}, {63, "aVL"}, {64, "aVF"}, {65, "-aVR"}, {3, "V1"},
    {4, "V2"},   {5, "V3"},   {6, "V4"},   {7, "V5"},   {8, "V6"},   {9, "V7"},   {66, "V8"},   {67, "V9"},
    {10, "V2R"}, {11, "V3R"}, {12, "V4R"}, {13, "V5R"}, {14, "V6R"}, {15, "V7R"}, {68, "V8R"},  {69, "V9R"},
    {16, "X"},   {17, "Y"},   {18, "Z"},   {19, "CC5"}, {20, "CM5"},
};
#define N_LEADS (sizeof LEADS / sizeof *LEADS)

static const char *lead_of_number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    for (size_t i = 0; end != text && !*end && i < N_LEADS; i++)
        if (LEADS[i].number == n)
            return LEADS[i].name;
    return NULL;
}

const char *ecg_lead_of_code(const char *scheme, const char *code)
{
    if (strcmp(scheme, "SCPECG") == 0 && strncmp(code, "5.6.3-9-", 8) == 0)
        return lead_of_number(code + 8);
    if (strncmp(scheme, "MDC", 3) == 0 && strncmp(code, "2:", 2) == 0)
        return lead_of_number(code + 2);
    if (strncmp(code, "MDC_ECG_LEAD_", 13) == 0)
        return ecg_lead_of_text(code);
    return NULL;
}

const char *ecg_lead_of_text(const char *text)
{
    size_t n;

    while (*text == ' ')
        text++;
    if (strncasecmp(text, "MDC_ECG_LEAD_", 13) == 0)
        text += 13;
    else if (strncasecmp(text, "Lead ", 5) == 0 || strncasecmp(text, "Lead_", 5) == 0)
        text += 5;
    n = strcspn(text, " (,");
    for (size_t i = 0; n && i < N_LEADS; i++)
        if (strlen(LEADS[i].name) == n && strncasecmp(text, LEADS[i].name, n) == 0)
            return LEADS[i].name;
    return NULL;
}

/* ---------------------------------------------------------------- JSON */

static void put_hz(struct json_buf *b, const char *name, double hz)
{
    json_buf_print(b, "%s:", name);
    if (hz > 0)
        json_buf_real(b, hz);
    else
        json_buf_print(b, "null");
}

/* Raw steps and whole steps of offset fit into 16 bits: then nothing is lost. */
static bool fits_16(const struct ecg_lead *l, uint32_t n, int32_t *shift)
{
    double steps = l->uv_per_unit != 0 ? l->offset_uv / l->uv_per_unit : 0;

    if (!(fabs(steps) < 32768) || steps != (double)(int32_t)steps)
        return false;
    *shift = (int32_t)steps;
    for (uint32_t i = 0; i < n; i++) {
        int64_t v = (int64_t)l->raw[i] + *shift;
        if (v < INT16_MIN || v > INT16_MAX)
            return false;
    }
    return true;
}

static void put_base64(struct json_buf *b, const struct ecg_lead *l, uint32_t n, int32_t shift)
{
    uint8_t *bytes = mem_new(2 * (size_t)n + 1);

    for (uint32_t i = 0; i < n; i++) {
        uint16_t v = (uint16_t)(l->raw[i] + shift);
        bytes[2 * (size_t)i] = (uint8_t)v;
        bytes[2 * (size_t)i + 1] = (uint8_t)(v >> 8);
    }
    json_buf_base64(b, bytes, 2 * (size_t)n);
    free(bytes);
}

static void put_samples(struct json_buf *b, const struct ecg_lead *l, uint32_t n)
{
    int32_t shift;

    if (fits_16(l, n, &shift)) {
        json_buf_print(b, ",\"uv_per_unit\":");
        json_buf_real(b, l->uv_per_unit);
        json_buf_print(b, ",\"samples_b64\":");
        put_base64(b, l, n, shift);
        return;
    }
    json_buf_print(b, ",\"samples_uV\":[");
    for (uint32_t i = 0; i < n; i++) {
        double uv = (double)l->raw[i] * l->uv_per_unit + l->offset_uv;
        json_buf_print(b, "%s%.0f", i ? "," : "", uv);
    }
    json_buf_print(b, "]");
}

static void put_lead(struct json_buf *b, const struct ecg_lead *l, uint32_t n)
{
    json_buf_print(b, "{\"name\":");
    json_buf_string(b, l->name);
    if (l->skew_s != 0) {
        json_buf_print(b, ",\"skew_s\":");
        json_buf_real(b, l->skew_s);
    }
    if (l->n_gaps) {
        json_buf_print(b, ",\"gaps\":[");
        for (uint32_t i = 0; i < l->n_gaps; i++)
            json_buf_print(b, "%s[%u,%u]", i ? "," : "", l->gaps[i].first, l->gaps[i].n);
        json_buf_print(b, "]");
    }
    put_samples(b, l, n);
    json_buf_print(b, "}");
}

static void put_group(struct json_buf *b, const struct ecg_group *g)
{
    json_buf_print(b, "{\"label\":\"%s\",\"hz\":", g->median ? "median" : "rhythm");
    json_buf_real(b, g->hz);
    json_buf_print(b, ",\"n_samples\":%u,\"offset_ms\":", g->n_samples);
    json_buf_real(b, g->offset_ms);
    put_hz(b, ",\"filters\":{\"high_pass_hz\"", g->leads[0].high_pass_hz);
    put_hz(b, ",\"low_pass_hz\"", g->leads[0].low_pass_hz);
    put_hz(b, ",\"notch_hz\"", g->leads[0].notch_hz);
    json_buf_print(b, "},\"leads\":[");
    for (uint32_t i = 0; i < g->n_leads; i++) {
        if (i)
            json_buf_print(b, ",");
        put_lead(b, &g->leads[i], g->n_samples);
    }
    json_buf_print(b, "]}");
}

static void put_start(struct json_buf *b, int64_t us)
{
    time_t s = (time_t)(us / 1000000);
    int64_t ms = us / 1000 % 1000;
    struct tm tm;
    char text[32];

    if (us == 0 || !gmtime_r(&s, &tm) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        json_buf_print(b, "null");
    else
        json_buf_print(b, "\"%s.%03lldZ\"", text, (long long)(ms < 0 ? 0 : ms));
}

void ecg_json(struct json_buf *b, const struct ecg *e)
{
    static const char *const WORDS[] = {
#define X(name, word, text) word,
        ECG_ASSUMED(X)
#undef X
    };
    const char *comma = "";

    json_buf_print(b, "{\"v\":1,\"format\":\"%s\",\"start_at\":", e->format);
    put_start(b, e->start_at_us);
    json_buf_print(b, ",\"assumed\":[");
    for (unsigned i = 0; i < ECG_ASSUMED_COUNT; i++) {
        if (e->assumed >> i & 1) {
            json_buf_print(b, "%s\"%s\"", comma, WORDS[i]);
            comma = ",";
        }
    }
    json_buf_print(b, "],\"groups\":[");
    for (uint32_t i = 0; i < e->n_groups; i++) {
        json_buf_print(b, "%s", i ? "," : "");
        put_group(b, &e->groups[i]);
    }
    json_buf_print(b, "],\"annotations\":[");
    for (uint32_t i = 0; i < e->n_annotations; i++) {
        json_buf_print(b, "%s{\"name\":", i ? "," : "");
        json_buf_string(b, e->annotations[i].name);
        json_buf_print(b, ",\"value\":");
        json_buf_string(b, e->annotations[i].value);
        json_buf_print(b, ",\"unit\":");
        json_buf_string(b, e->annotations[i].unit);
        json_buf_print(b, "}");
    }
    json_buf_print(b, "]}");
}

bool ecg_write(struct json_buf *b, const struct dataset *ds, struct err *err)
{
    struct ecg e;

    if (!ecg_dicom_read(&e, ds, err))
        return false;
    ecg_json(b, &e);
    ecg_free(&e);
    return true;
}
