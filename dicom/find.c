#include "dicom/find.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto.h"
#include "core/mem.h"
#include "dicom/dataset/charset.h"
#include "dicom/dataset/dataset.h"
#include "dicom/dataset/dataset_write.h"
#include "dicom/dimse.h"
#include "dicom/find.sql.h"
#include "dicom/sop.h"

#define TAGS_MAX 128 /* of one identifier and one level; more are read over */
#define UIDS_MAX 256

/* What a row of a statement gives for a tag. Column -1: made in value_of(). */
struct field {
    uint32_t tag;
    int column;
};

/* clang-format off */
static const struct field WORKLIST[] = {
    {TAG_AccessionNumber, 5}, {TAG_InstitutionName, 13}, {TAG_ReferringPhysicianName, 6}, {TAG_PatientName, 1},
    {TAG_PatientID, 2}, {TAG_PatientBirthDate, 3}, {TAG_PatientSex, 4}, {TAG_StudyInstanceUID, -1},
    {TAG_RequestingPhysician, 6}, {TAG_RequestedProcedureDescription, 7}, {TAG_RequestedProcedureID, 5},
    {TAG_ReasonForTheRequestedProcedure, 8}, {TAG_RequestedProcedurePriority, 12}, {0}};
static const struct field STEP[] = { /* inside the Scheduled Procedure Step Sequence */
    {TAG_Modality, 9}, {TAG_ScheduledStationAETitle, -1}, {TAG_ScheduledProcedureStepStartDate, 10},
    {TAG_ScheduledProcedureStepStartTime, 11}, {TAG_ScheduledProcedureStepDescription, 7},
    {TAG_ScheduledProcedureStepID, 5}, {0}};
static const struct field STUDY[] = {
    {TAG_StudyDate, 8}, {TAG_StudyTime, 9}, {TAG_AccessionNumber, 6}, {TAG_RetrieveAETitle, -1}, {TAG_ModalitiesInStudy, 10},
    {TAG_StudyDescription, 7}, {TAG_PatientName, 2}, {TAG_PatientID, 3}, {TAG_PatientBirthDate, 4}, {TAG_PatientSex, 5},
    {TAG_StudyInstanceUID, 1}, {TAG_NumberOfStudyRelatedSeries, 11}, {TAG_NumberOfStudyRelatedInstances, 12}, {0}};
static const struct field SERIES[] = {
    {TAG_RetrieveAETitle, -1}, {TAG_Modality, 3}, {TAG_SeriesDescription, 5}, {TAG_BodyPartExamined, 6},
    {TAG_StudyInstanceUID, 1}, {TAG_SeriesInstanceUID, 2}, {TAG_SeriesNumber, 4}, {TAG_NumberOfSeriesRelatedInstances, 7}, {0}};
static const struct field IMAGE[] = {
    {TAG_SOPClassUID, 4}, {TAG_SOPInstanceUID, 3}, {TAG_RetrieveAETitle, -1}, {TAG_AvailableTransferSyntaxUID, 9},
    {TAG_StudyInstanceUID, 1}, {TAG_SeriesInstanceUID, 2}, {TAG_InstanceNumber, 5}, {TAG_NumberOfFrames, 8}, {TAG_Rows, 6},
    {TAG_Columns, 7}, {0}};

enum model { MODEL_WORKLIST, MODEL_STUDY, MODEL_SERIES, MODEL_IMAGE };
static const struct { const char *level; const struct field *fields; } MODELS[] = {
    [MODEL_WORKLIST] = {NULL, WORKLIST},
    [MODEL_STUDY] = {"STUDY", STUDY},
    [MODEL_SERIES] = {"SERIES", SERIES},
    [MODEL_IMAGE] = {"IMAGE", IMAGE},
};
/* clang-format on */

struct key { /* one attribute that was asked for */
    uint32_t tag;
    char *want; /* UTF-8, "" or NULL: only to be returned */
};
struct keys {
    struct key key[TAGS_MAX];
    size_t n;
};

struct find {
    struct find_ask ask;
    char syntax[PDU_UID + 1], calling[PDU_AE + 1], called[PDU_AE + 1];
    enum model model;
    struct keys root, step;
    bool has_step;
    enum charset_id charset;
    struct db_job *job;
    bool busy, stopped; /* answering; stopped from inside an answer */
};

/* ---------------------------------------------------------------- the identifier */

static void add_key(struct keys *k, const struct dataset_item *item, const struct dataset_element *e)
{
    if (k->n == TAGS_MAX || (e->tag & 0xffff) == 0) /* group lengths are nothing to match */
        return;
    k->key[k->n++] = (struct key){e->tag, e->vr == VR_PN ? charset_name(item, e->tag, NULL)
                                                         : charset_text_all(item, e->tag, NULL)};
}

static int by_tag(const void *a, const void *b)
{
    uint32_t x = ((const struct key *)a)->tag, y = ((const struct key *)b)->tag;

    return x < y ? -1 : x > y;
}

static void read_keys(struct keys *k, const struct dataset_item *item)
{
    for (const struct dataset_element *e = item ? item->first : NULL; e; e = e->next)
        if (e->tag != TAG_SpecificCharacterSet && e->tag != TAG_QueryRetrieveLevel && e->vr != VR_SQ)
            add_key(k, item, e);
    qsort(k->key, k->n, sizeof *k->key, by_tag);
}

static const char *want(const struct keys *k, uint32_t tag)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->key[i].tag == tag && k->key[i].want && *k->key[i].want)
            return k->key[i].want;
    return NULL;
}

static bool read_level(struct find *f, const struct dataset_item *root, char comment[65])
{
    char level[17] = "";

    if (!strcmp(f->ask.abstract, SOP_WORKLIST)) {
        f->model = MODEL_WORKLIST;
        return true;
    }
    dataset_ascii(root, TAG_QueryRetrieveLevel, level, sizeof level);
    for (f->model = MODEL_STUDY; f->model <= MODEL_IMAGE; f->model++)
        if (!strcmp(MODELS[f->model].level, level))
            break;
    if (f->model > MODEL_IMAGE) {
        snprintf(comment, 65, "query level must be STUDY, SERIES or IMAGE");
        return false;
    }
    if (f->model >= MODEL_SERIES && !want(&f->root, TAG_StudyInstanceUID)) {
        snprintf(comment, 65, "below STUDY the study instance UID is needed");
        return false;
    }
    if (f->model == MODEL_IMAGE && !want(&f->root, TAG_SeriesInstanceUID)) {
        snprintf(comment, 65, "at IMAGE the series instance UID is needed");
        return false;
    }
    return true;
}

static bool read_identifier(struct find *f, uint16_t *status, char comment[65])
{
    static const struct dataset_limits LIMITS = {FIND_IDENTIFIER_MAX, 1000, 4};
    struct dataset *ds;
    struct charset asked;
    struct err err = ERR_INIT;
    const struct dataset_item *root, *step;
    bool ok;

    if (!dataset_open_bare(&ds, f->ask.identifier, f->ask.len, f->syntax, &LIMITS, &err)) {
        *status = DIMSE_NOT_UNDERSTOOD;
        snprintf(comment, 65, "identifier: %s", err.reason);
        return false;
    }
    root = dataset_root(ds);
    charset_of(&asked, root);
    f->charset = charset_for_answer(&asked);
    read_keys(&f->root, root);
    step = dataset_sequence(root, TAG_ScheduledProcedureStepSequence);
    f->has_step = dataset_find(root, TAG_ScheduledProcedureStepSequence) != NULL;
    read_keys(&f->step, step);
    ok = read_level(f, root, comment);
    if (!ok)
        *status = DIMSE_WRONG_CLASS;
    dataset_close(ds);
    return ok;
}

/* ---------------------------------------------------------------- matching (PS3.4 section C.2.2.2) */

/* One of the values of a list (UIDs), or of a multi-valued attribute. */
static bool list_has(const char *list, const char *value)
{
    size_t len = strlen(value), n;

    for (; *list; list += n + (list[n] == '\\')) {
        n = strcspn(list, "\\");
        if (n == len && !memcmp(list, value, n))
            return true;
    }
    return false;
}

static bool any_value_matches(const char *pattern, const char *values)
{
    char one[257];
    size_t n;

    do {
        n = strcspn(values, "\\");
        snprintf(one, sizeof one, "%.*s", (int)n, values);
        if (charset_text_matches(pattern, one))
            return true;
        values += n + (values[n] == '\\');
    } while (*values);
    return false;
}

/* "a-b", "-b", "a-" or a single one; both sides are digits, so that text order is their order. */
static bool range_has(const char *range, const char *value)
{
    const char *dash = strchr(range, '-');
    size_t len = strlen(value);

    if (!dash)
        return !strncmp(range, value, strlen(range));
    if (!len)
        return false;
    if (dash > range && strncmp(value, range, (size_t)(dash - range)) < 0)
        return false;
    return !dash[1] || strncmp(value, dash + 1, strlen(dash + 1)) <= 0;
}

static bool key_matches(uint32_t tag, const char *pattern, const char *value)
{
    switch (dictionary_vr(tag)) {
    case VR_UI:
        return list_has(pattern, value);
    case VR_DA:
    case VR_TM:
        return range_has(pattern, value);
    case VR_PN:
        return charset_name_matches(pattern, value);
    default:
        return any_value_matches(pattern, value);
    }
}

/* PS3.5 annex B.2: 2.25. and a number made from region and exam: the same at every query. */
static void exam_study_uid(char out[PDU_UID + 1], int64_t region_id, int64_t exam_id)
{
    char text[64], digits[48];
    uint8_t hash[SHA256_LEN];
    unsigned __int128 n = 0;
    size_t at = sizeof digits - 1;

    snprintf(text, sizeof text, "yz-exam-study %" PRId64 " %" PRId64, region_id, exam_id);
    crypto_sha256(text, strlen(text), hash);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80); /* RFC 9562: a UUID of version 8 */
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < 16; i++)
        n = n << 8 | hash[i];
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + (int)(n % 10));
        n /= 10;
    } while (n);
    snprintf(out, PDU_UID + 1, "2.25.%s", digits + at);
}

static const char *value_of(const struct find *f, const struct field *fields, uint32_t tag,
                            const struct db_rows *rows, int row, char made[PDU_UID + 1])
{
    for (; fields->tag; fields++) {
        if (fields->tag != tag)
            continue;
        if (fields->column >= 0)
            return db_str(rows, row, fields->column);
        if (tag == TAG_StudyInstanceUID)
            exam_study_uid(made, f->ask.region_id, db_i64(rows, row, 0));
        else
            snprintf(made, PDU_UID + 1, "%s", tag == TAG_ScheduledStationAETitle ? f->calling : f->called);
        return made;
    }
    return NULL; /* not kept here: returned empty, matches anything (PS3.4 section C.2.2.1.3) */
}

static bool keys_match(const struct find *f, const struct keys *k, const struct field *fields,
                       const struct db_rows *rows, int row)
{
    char made[PDU_UID + 1];

    for (size_t i = 0; i < k->n; i++) {
        const char *value;

        /* a machine asks for its own station; whoever is told of an exam may do it */
        if (!k->key[i].want || !*k->key[i].want || k->key[i].tag == TAG_ScheduledStationAETitle ||
            k->key[i].tag == TAG_RetrieveAETitle)
            continue;
        value = value_of(f, fields, k->key[i].tag, rows, row, made);
        if (value && !key_matches(k->key[i].tag, k->key[i].want, value))
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------- answers */

static void put_value(struct dataset_out *o, uint32_t tag, const char *value)
{
    uint16_t vr = dictionary_vr(tag);

    if (vr == VR_UI)
        dataset_out_uid(o, tag, value);
    else if (vr == VR_US && *value)
        dataset_out_int(o, tag, strtoll(value, NULL, 10));
    else if (vr != VR_SQ && vr != VR_UN && vr != VR_US)
        dataset_out_text(o, tag, value);
}

/* Asked-for attributes and those of `always`, in the order of their tags. */
static void put_keys(const struct find *f, struct dataset_out *o, const struct keys *k,
                     const struct field *fields, const struct db_rows *rows, int row, uint32_t from,
                     uint32_t to)
{
    char made[PDU_UID + 1];

    for (size_t i = 0; i < k->n; i++) {
        const char *value;

        if (k->key[i].tag < from || k->key[i].tag >= to || (i && k->key[i].tag == k->key[i - 1].tag))
            continue;
        value = value_of(f, fields, k->key[i].tag, rows, row, made);
        put_value(o, k->key[i].tag, value ? value : "");
    }
}

static void put_all(const struct find *f, struct dataset_out *o, const struct field *fields,
                    const struct db_rows *rows, int row)
{
    char made[PDU_UID + 1];

    for (const struct field *x = fields; x->tag; x++)
        put_value(o, x->tag, value_of(f, fields, x->tag, rows, row, made));
}

static void put_step(const struct find *f, struct dataset_out *o, const struct db_rows *rows, int row)
{
    dataset_out_sequence(o, TAG_ScheduledProcedureStepSequence);
    dataset_out_item(o);
    if (f->step.n)
        put_keys(f, o, &f->step, STEP, rows, row, 0, UINT32_MAX);
    else
        put_all(f, o, STEP, rows, row);
    dataset_out_item_end(o);
    dataset_out_sequence_end(o);
}

static void send_row(struct find *f, const struct db_rows *rows, int row)
{
    struct dataset_out *o = dataset_out_new(f->syntax);
    const struct field *fields = MODELS[f->model].fields;
    uint8_t *data;
    size_t len;

    dataset_out_charset(o, f->charset);
    if (f->model == MODEL_WORKLIST) {
        put_keys(f, o, &f->root, fields, rows, row, TAG_SpecificCharacterSet + 1,
                 TAG_ScheduledProcedureStepSequence);
        if (f->has_step)
            put_step(f, o, rows, row);
        put_keys(f, o, &f->root, fields, rows, row, TAG_ScheduledProcedureStepSequence + 1, UINT32_MAX);
    } else {
        put_keys(f, o, &f->root, fields, rows, row, TAG_SpecificCharacterSet + 1, TAG_QueryRetrieveLevel);
        dataset_out_text(o, TAG_QueryRetrieveLevel, MODELS[f->model].level);
        put_keys(f, o, &f->root, fields, rows, row, TAG_QueryRetrieveLevel + 1, UINT32_MAX);
    }
    data = dataset_out_done(o, &len);
    f->ask.answer(f->ask.arg, data, len);
    free(data);
}

static void find_free(struct find *f)
{
    for (size_t i = 0; i < f->root.n; i++)
        free(f->root.key[i].want);
    for (size_t i = 0; i < f->step.n; i++)
        free(f->step.key[i].want);
    free(f);
}

static void on_rows(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct find *f = arg;
    uint16_t status = DIMSE_SUCCESS;
    const char *comment = NULL;
    int given = 0;

    f->job = NULL;
    f->busy = true;
    if (err) {
        status = DIMSE_OUT_OF_RESOURCES;
        comment = err->reason;
    }
    for (int i = 0; !err && i < rows->n && !f->stopped; i++) {
        if (!keys_match(f, &f->root, MODELS[f->model].fields, rows, i) ||
            !keys_match(f, &f->step, STEP, rows, i))
            continue;
        if (given++ == FIND_ANSWERS) {
            status = DIMSE_OUT_OF_RESOURCES;
            comment = "more than 2000 answers: ask more narrowly";
            break;
        }
        send_row(f, rows, i);
    }
    if (!f->stopped)
        f->ask.done(f->ask.arg, status, comment);
    find_free(f);
}

/* ---------------------------------------------------------------- the question to the database */

static bool is_plain(const char *s)
{
    return s && *s && !strpbrk(s, "*?\\");
}

static void arg_plain(struct db_args *a, const char *s)
{
    db_arg_str(a, is_plain(s) ? s : NULL);
}

static void arg_days(struct db_args *a, const char *range)
{
    const char *dash = range ? strchr(range, '-') : NULL;
    char day[9];

    if (!range || (dash == range))
        db_arg_null(a);
    else {
        snprintf(day, sizeof day, "%.*s", (int)strcspn(range, "-"), range);
        db_arg_str(a, day);
    }
    if (!range || (dash && !dash[1]))
        db_arg_null(a);
    else {
        snprintf(day, sizeof day, "%s", dash ? dash + 1 : range);
        db_arg_str(a, day);
    }
}

static void arg_uids(struct db_args *a, const char *list)
{
    char uid[UIDS_MAX][PDU_UID + 1];
    const char *p[UIDS_MAX];
    size_t n = 0, len;

    if (!list) {
        db_arg_null(a);
        return;
    }
    for (; *list && n < UIDS_MAX; list += len + (list[len] == '\\')) {
        len = strcspn(list, "\\");
        snprintf(uid[n], sizeof uid[n], "%.*s", (int)(len <= PDU_UID ? len : 0), list);
        p[n] = uid[n];
        n++;
    }
    db_arg_strs(a, p, n);
}

static const struct db_stmt *question(const struct find *f, struct db_args *a)
{
    db_args_init(a);
    db_arg_i64(a, f->ask.region_id);
    switch (f->model) {
    case MODEL_WORKLIST:
        arg_plain(a, want(&f->root, TAG_AccessionNumber));
        arg_plain(a, want(&f->root, TAG_PatientID));
        arg_plain(a, want(&f->step, TAG_Modality));
        arg_days(a, want(&f->step, TAG_ScheduledProcedureStepStartDate));
        return &SQL_find_worklist;
    case MODEL_STUDY:
        arg_plain(a, want(&f->root, TAG_AccessionNumber));
        arg_plain(a, want(&f->root, TAG_PatientID));
        arg_uids(a, want(&f->root, TAG_StudyInstanceUID));
        arg_days(a, want(&f->root, TAG_StudyDate));
        return &SQL_find_studies;
    case MODEL_SERIES:
        arg_uids(a, want(&f->root, TAG_StudyInstanceUID));
        return &SQL_find_series;
    case MODEL_IMAGE:
        arg_uids(a, want(&f->root, TAG_StudyInstanceUID));
        arg_uids(a, want(&f->root, TAG_SeriesInstanceUID));
        return &SQL_find_instances;
    }
    return NULL;
}

bool find_start(struct find **out, const struct find_ask *ask, uint16_t *status, char comment[65])
{
    struct find *f = mem_new(sizeof *f);
    struct db_scope scope = {.region_id = ask->region_id, .tenant_id = ask->tenant_id};
    const struct db_stmt *stmt;
    struct db_args a;

    f->ask = *ask;
    snprintf(f->syntax, sizeof f->syntax, "%s", ask->syntax);
    snprintf(f->calling, sizeof f->calling, "%s", ask->calling);
    snprintf(f->called, sizeof f->called, "%s", ask->called);
    if (!read_identifier(f, status, comment)) {
        find_free(f);
        return false;
    }
    stmt = question(f, &a);
    f->job = db_query(ask->db, &scope, stmt, &a, on_rows, f);
    *out = f;
    return true;
}

void find_stop(struct find *f)
{
    if (!f)
        return;
    if (f->busy) { /* an answer could not be sent: on_rows() goes on from here */
        f->stopped = true;
        return;
    }
    db_cancel(f->job);
    find_free(f);
}
