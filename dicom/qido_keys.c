#include "dicom/qido_keys.h"
#include "core/mem.h"
#include "dicom/dataset/dictionary.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { UIDS, WORDS, LIKE, NAME, EXACT, DATES, BORN, NUMBER };

static const struct row {
    uint32_t tag;
    enum qido_level level;
    enum kind kind;
    enum qido_key key;
} ROWS[] = {
    {TAG_StudyInstanceUID, QIDO_STUDIES, UIDS, QIDO_STUDY_UID},
    {TAG_PatientName, QIDO_STUDIES, NAME, QIDO_PATIENT_NAME},
    {TAG_PatientID, QIDO_STUDIES, LIKE, QIDO_PATIENT_ID},
    {TAG_AccessionNumber, QIDO_STUDIES, LIKE, QIDO_ACCESSION},
    {TAG_StudyDate, QIDO_STUDIES, DATES, QIDO_DATE_FROM},
    {TAG_ModalitiesInStudy, QIDO_STUDIES, WORDS, QIDO_MODALITIES},
    {TAG_StudyDescription, QIDO_STUDIES, LIKE, QIDO_STUDY_DESCRIPTION},
    {TAG_PatientSex, QIDO_STUDIES, EXACT, QIDO_SEX},
    {TAG_PatientBirthDate, QIDO_STUDIES, BORN, QIDO_BORN_FROM},
    {TAG_SeriesInstanceUID, QIDO_SERIES, UIDS, QIDO_SERIES_UID},
    {TAG_Modality, QIDO_SERIES, WORDS, QIDO_MODALITY},
    {TAG_SeriesNumber, QIDO_SERIES, NUMBER, QIDO_SERIES_NUMBER},
    {TAG_SeriesDescription, QIDO_SERIES, LIKE, QIDO_SERIES_DESCRIPTION},
    {TAG_SOPInstanceUID, QIDO_INSTANCES, UIDS, QIDO_SOP_UID},
    {TAG_SOPClassUID, QIDO_INSTANCES, UIDS, QIDO_SOP_CLASS},
    {TAG_InstanceNumber, QIDO_INSTANCES, NUMBER, QIDO_INSTANCE_NUMBER},
};

static bool wrong(struct err *err, const char *name)
{
    return err_set(err, ERR_INVALID, "query_value", "%.64s", name);
}

static void put(struct qido_keys *k, enum qido_key key, char *text)
{
    free(k->text[key]);
    k->text[key] = text;
}

char *qido_like(const char *pattern)
{
    char *out = mem_new(2 * strlen(pattern) + 1), *o = out;

    for (const char *p = pattern; *p; p++) {
        if (*p == '*' || *p == '?') {
            *o++ = *p == '*' ? '%' : '_';
            continue;
        }
        if (*p == '%' || *p == '_' || *p == '\\')
            *o++ = '\\';
        *o++ = *p;
    }
    return out;
}

/* Values with commas or backslashes between them. */
static bool add_list(struct qido_keys *k, enum qido_key key, const char *value, bool uids)
{
    for (const char *p = value; *p;) {
        size_t len = strcspn(p, ",\\");
        if (len) {
            if (k->n[key] == QIDO_LIST_MAX || len > 64 || (uids && strspn(p, "0123456789.") < len))
                return false;
            k->list[key] = mem_grow(k->list[key], (k->n[key] + 1) * sizeof *k->list[key]);
            k->list[key][k->n[key]++] = mem_format("%.*s", (int)len, p);
        }
        p += len;
        p += *p != '\0';
    }
    return k->n[key] > 0;
}

static bool is_date(const char *text, size_t len)
{
    return len == 8 && strspn(text, "0123456789") >= 8;
}

/* "20260101", "20260101-20260131", "-20260131", "20260101-"; also with the old dots or dashes nobody should send: no. */
static bool add_range(struct qido_keys *k, enum qido_key from, const char *value, const char *fmt)
{
    const char *dash = strchr(value, '-'), *to = dash ? dash + 1 : value;
    size_t from_len = dash ? (size_t)(dash - value) : strlen(value), to_len = strlen(to);

    if ((from_len && !is_date(value, from_len)) || (to_len && !is_date(to, to_len)) || (!from_len && !to_len))
        return false;
    if (from_len)
        put(k, from, mem_format(fmt, 4, value, 2, value + 4, 2, value + 6));
    if (to_len)
        put(k, from + 1, mem_format(fmt, 4, to, 2, to + 4, 2, to + 6));
    return true;
}

static bool add_number(struct qido_keys *k, enum qido_key key, const char *value)
{
    char *end;
    long n = strtol(value, &end, 10);

    if (end == value || *end || n < INT32_MIN || n > INT32_MAX)
        return false;
    put(k, key, mem_format("%ld", n));
    return true;
}

static bool add_value(struct qido_keys *k, const struct row *r, const char *value)
{
    switch (r->kind) {
    case UIDS:
        return add_list(k, r->key, value, true);
    case WORDS:
        return add_list(k, r->key, value, false);
    case LIKE:
    case NAME:
        put(k, r->key, qido_like(value));
        return true;
    case EXACT:
        put(k, r->key, mem_str(value));
        return true;
    case DATES:
        return add_range(k, r->key, value, "%.*s-%.*s-%.*s");
    case BORN:
        return add_range(k, r->key, value, "%.*s%.*s%.*s");
    case NUMBER:
        return add_number(k, r->key, value);
    }
    return false;
}

/* limit and offset: digits. Above what there may be is as much as there may be. */
static bool add_page(int64_t *out, const char *value, int64_t max)
{
    size_t len = strlen(value);

    if (!len || len > 18 || strspn(value, "0123456789") != len)
        return false;
    *out = strtoll(value, NULL, 10);
    if (*out > max)
        *out = max;
    return true;
}

static bool is_plain_word(const char *name)
{
    return !(*name >= 'A' && *name <= 'Z') && !(*name >= '0' && *name <= '9');
}

bool qido_keys_add(struct qido_keys *k, enum qido_level level, const char *name, const char *value,
                   struct err *err)
{
    uint32_t tag;

    if (!strcmp(name, "limit"))
        return add_page(&k->limit, value, QIDO_LIMIT_MAX) || wrong(err, name);
    if (!strcmp(name, "offset"))
        return add_page(&k->offset, value, INT32_MAX) || wrong(err, name);
    if (!strcmp(name, "fuzzymatching")) {
        k->fuzzy = !strcmp(value, "true");
        return true;
    }
    if (is_plain_word(name)) /* includefield (all there is is given), accept, and whatever addresses bear */
        return true;
    if (!dictionary_tag_of(name, &tag))
        return err_set(err, ERR_INVALID, "query_key_unknown", "%.64s", name);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        if (ROWS[i].tag != tag || ROWS[i].level > level)
            continue;
        /* An empty value is universal matching (PS3.4 C.2.2.2.3), and so is a lone asterisk. */
        return !*value || !strcmp(value, "*") || add_value(k, &ROWS[i], value) || wrong(err, name);
    }
    return err_set(err, ERR_INVALID, "query_key_unsupported", "%.64s", name);
}

void qido_keys_uid(struct qido_keys *k, enum qido_key key, const char *uid)
{
    for (size_t i = 0; i < k->n[key]; i++)
        free(k->list[key][i]);
    k->n[key] = 0;
    add_list(k, key, uid, true);
}

static bool is_list(enum qido_key key)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        if (ROWS[i].key == key)
            return ROWS[i].kind == UIDS || ROWS[i].kind == WORDS;
    return false;
}

void qido_keys_args(const struct qido_keys *k, enum qido_level level, struct db_args *a)
{
    static const int END[] = {QIDO_SERIES_UID, QIDO_SOP_UID, QIDO_KEYS};

    for (int key = 0; key < END[level]; key++) {
        if (is_list((enum qido_key)key) && k->list[key])
            db_arg_strs(a, (const char *const *)k->list[key], k->n[key]);
        else
            db_arg_str(a, k->text[key]);
    }
    db_arg_i64(a, k->limit + 1);
    db_arg_i64(a, k->offset);
}

void qido_keys_free(struct qido_keys *k)
{
    for (int key = 0; key < QIDO_KEYS; key++) {
        free(k->text[key]);
        for (size_t i = 0; i < k->n[key]; i++)
            free(k->list[key][i]);
        free(k->list[key]);
    }
}
