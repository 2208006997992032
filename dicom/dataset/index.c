/* index.c - see index.h. */
#include "dicom/dataset/index.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/charset.h"

#define SHANGHAI_S (8 * 3600)

/* As much as fits, cut between characters. */
static void keep(char *out, size_t cap, char *text)
{
    size_t n = text ? strlen(text) : 0;

    if (n > cap - 1) {
        n = cap - 1;
        while (n && ((uint8_t)text[n] & 0xC0) == 0x80)
            n--;
    }
    if (n)
        memcpy(out, text, n);
    out[n] = '\0';
    free(text);
}

static void read_text(const struct dataset_item *root, uint32_t tag, char *out, size_t cap,
                      unsigned *repaired)
{
    uint16_t vr = dictionary_vr(tag);
    char date[9];

    if (vr == VR_PN)
        keep(out, cap, charset_name(root, tag, repaired));
    else if (vr == VR_DA)
        keep(out, cap, dataset_date(root, tag, date) ? mem_str(date) : NULL);
    else if (tag == TAG_ImageType)
        keep(out, cap, charset_text_all(root, tag, repaired));
    else
        keep(out, cap, charset_text(root, tag, 0, repaired));
}

/* The bytes of a name that is shown otherwise than its label says. */
static char *hex_of(const struct dataset_element *e)
{
    char *hex = mem_new(e->length * 2 + 1);

    for (size_t i = 0; i < e->length; i++)
        snprintf(hex + 2 * i, 3, "%02x", e->value[i]);
    return hex;
}

static void read_identity(struct index *ix, const struct dataset *ds)
{
    const struct dataset_item *root = dataset_root(ds), *meta = dataset_meta(ds);
    const struct dataset_element *name = dataset_find(root, TAG_PatientName);
    unsigned name_repaired = 0;

#define X(field, tag) dataset_uid(root, tag, ix->field);
    INDEX_UIDS(X)
#undef X
    if (!*ix->sop_class)
        dataset_uid(meta, TAG_MediaStorageSOPClassUID, ix->sop_class);
    if (!*ix->sop_uid)
        dataset_uid(meta, TAG_MediaStorageSOPInstanceUID, ix->sop_uid);
#define X(field, tag, max)                                                                                   \
    read_text(root, tag, ix->field, sizeof ix->field,                                                        \
              tag == TAG_PatientName ? &name_repaired : &ix->repaired);
    INDEX_TEXTS(X)
#undef X
    if (name_repaired && name && name->length <= 1024)
        ix->patient_name_bytes = hex_of(name);
    ix->repaired |= name_repaired;
    snprintf(ix->syntax, sizeof ix->syntax, "%s", dataset_syntax(ds));
    keep(ix->charset, sizeof ix->charset, charset_text_all(root, TAG_SpecificCharacterSet, NULL));
}

static int64_t study_time(const struct dataset_item *root)
{
    static const uint32_t PAIRS[][2] = {{TAG_StudyDate, TAG_StudyTime},
                                        {TAG_AcquisitionDateTime, 0},
                                        {TAG_AcquisitionDate, TAG_AcquisitionTime},
                                        {TAG_SeriesDate, TAG_SeriesTime},
                                        {TAG_ContentDate, TAG_ContentTime}};
    int64_t us;

    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++)
        if (dataset_time(root, PAIRS[i][0], PAIRS[i][1], SHANGHAI_S, &us))
            return us;
    return 0;
}

bool index_make(struct index *out, const struct dataset *ds, struct err *err)
{
    const struct dataset_item *root = dataset_root(ds);
    struct err why = ERR_INIT;

    *out = (struct index){0};
    read_identity(out, ds);
#define X(field, tag)                                                                                        \
    out->field = -1;                                                                                         \
    dataset_int(root, tag, 0, &out->field);
    INDEX_INTS(X)
#undef X
    out->notes = dataset_notes(ds);
    out->study_at_us = study_time(root);
    out->data_begin = dataset_begin(ds);
    out->deflated = dataset_deflated(ds);
    out->has_pixels = dataset_find(root, TAG_PixelData) || dataset_find(root, TAG_FloatPixelData) ||
                      dataset_find(root, TAG_DoubleFloatPixelData);
    out->has_waveform = dataset_sequence(root, TAG_WaveformSequence) != NULL;
    if (!frames_find(&out->table, ds, &why))
        snprintf(out->frames_reason, sizeof out->frames_reason, "%s", why.reason);
#define X(field, tag)                                                                                        \
    if (!*out->field) {                                                                                      \
        index_free(out);                                                                                     \
        return err_set(err, ERR_INVALID, "identity_missing", "no " #field);                                  \
    }
    INDEX_UIDS(X)
#undef X
    return true;
}

void index_free(struct index *ix)
{
    free(ix->patient_name_bytes);
    ix->patient_name_bytes = NULL;
    frames_free(&ix->table);
}

const char *index_repair_word(unsigned bit)
{
    static const char *const WORDS[] = {"was_utf8", "was_gb18030", "replaced", "label_unknown", "was_latin1"};

    return bit < sizeof WORDS / sizeof *WORDS ? WORDS[bit] : "";
}

static void put_words(struct json_buf *b, const char *name, unsigned bits, const char *(*word)(unsigned bit))
{
    const char *comma = "";

    json_buf_print(b, ",\"%s\":[", name);
    for (unsigned i = 0; i < 32; i++) {
        if (bits >> i & 1) {
            json_buf_print(b, "%s\"%s\"", comma, word(i));
            comma = ",";
        }
    }
    json_buf_print(b, "]");
}

static void put_int(struct json_buf *b, const char *name, int64_t v)
{
    if (v == -1)
        json_buf_print(b, ",\"%s\":null", name);
    else
        json_buf_print(b, ",\"%s\":%" PRId64, name, v);
}

static void put_text(struct json_buf *b, const char *name, const char *text)
{
    json_buf_print(b, ",\"%s\":", name);
    json_buf_string(b, text);
}

static void put_facts(struct json_buf *b, const struct index *ix, unsigned repaired)
{
    json_buf_print(b, "{\"v\":1");
#define X(field, tag) put_text(b, #field, ix->field);
    INDEX_UIDS(X)
#undef X
#define X(field, tag, max) put_text(b, #field, ix->field);
    INDEX_TEXTS(X)
#undef X
#define X(field, tag) put_int(b, #field, ix->field);
    INDEX_INTS(X)
#undef X
    put_text(b, "syntax", ix->syntax);
    put_text(b, "charset", ix->charset);
    put_text(b, "patient_name_bytes", ix->patient_name_bytes);
    put_words(b, "repaired", repaired, index_repair_word);
    put_words(b, "notes", ix->notes, dataset_note_word);
    json_buf_print(b, ",\"study_at_us\":%" PRId64 ",\"data_begin\":%zu,\"deflated\":%s", ix->study_at_us,
                   ix->data_begin, ix->deflated ? "true" : "false");
    json_buf_print(b, ",\"has_pixels\":%s,\"has_waveform\":%s", ix->has_pixels ? "true" : "false",
                   ix->has_waveform ? "true" : "false");
    json_buf_print(b, ",\"frames_reason\":\"%s\",\"n_frames\":%u}\n", ix->frames_reason, ix->table.n_frames);
}

void index_write_facts(struct json_buf *b, const struct index *ix)
{
    put_facts(b, ix, ix->repaired);
}

void index_write_frames(struct json_buf *b, const struct index *ix)
{
    static const char *const SOURCES[] = {
        [FRAMES_NONE] = "none",
        [FRAMES_NATIVE] = "native",
        [FRAMES_SINGLE] = "single",
        [FRAMES_ONE_EACH] = "one_each",
        [FRAMES_EXTENDED_TABLE] = "extended_table",
        [FRAMES_BASIC_TABLE] = "basic_table",
        [FRAMES_SCANNED] = "scanned",
    };
    const struct frames *f = &ix->table;

    json_buf_print(b, "{\"source\":\"%s\",\"n\":%u,\"deflated\":%s,\"table_wrong\":%s", SOURCES[f->source],
                   f->n_frames, ix->deflated ? "true" : "false", f->table_wrong ? "true" : "false");
    if (f->source == FRAMES_NATIVE)
        json_buf_print(b, ",\"offset\":%" PRIu64 ",\"frame_bits\":%" PRIu64, f->offset, f->frame_bits);
    if (f->frames) {
        json_buf_print(b, ",\"frames\":[");
        for (uint32_t n = 0; n < f->n_frames; n++) {
            json_buf_print(b, n ? ",[" : "[");
            for (uint32_t i = 0; i < f->frames[n].n_pieces; i++) {
                const struct frames_piece *p = &f->pieces[f->frames[n].first_piece + i];
                json_buf_print(b, "%s[%" PRIu64 ",%u]", i ? "," : "", p->offset, p->length);
            }
            json_buf_print(b, "]");
        }
        json_buf_print(b, "]");
    }
    json_buf_print(b, "}\n");
}

void index_write(struct json_buf *b, const struct index *ix, const struct dataset *ds,
                 const struct dicom_json_options *options)
{
    struct json_buf json = {0};
    unsigned repaired = ix->repaired;

    dicom_json_write(&json, ds, options, &repaired); /* first: it finds what else had to be repaired */
    put_facts(b, ix, repaired);
    index_write_frames(b, ix);
    json_buf_add(b, json.text, json.len);
    json_buf_add(b, "\n", 1);
    json_buf_free(&json);
}
