/* QIDO-RS: rows of the index as DICOM JSON. */
#include "core/db/db.h"
#include "core/mem.h"
#include "dicom/dataset/dicom_json.h"
#include "dicom/qido_keys.h"
#include "dicom/web.sql.h"
#include "dicom/web_private.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct query {
    struct request *req;
    enum qido_level level;
    int64_t limit;
    bool nested; /* below a study: its own attributes are known to who asks */
    char *base;
};

/* Columns of the statements. */
enum {
    STUDY_UID,
    NAME,
    PATIENT_NO,
    SEX,
    BORN,
    ACCESSION,
    DESCRIPTION,
    DATE,
    TIME,
    N_SERIES,
    N_INSTANCES,
    MODALITIES,
    SERIES_UID,
    MODALITY,
    SERIES_NO,
    SERIES_DESCRIPTION,
    BODY_PART,
    N_IN_SERIES,
    SOP_UID,
    SOP_CLASS,
    NUMBER,
    ROWS,
    COLS,
    BITS,
    FRAMES,
    SYNTAX,
};

/* --- one attribute --- */

static void begin(struct json_buf *b, bool *first, const char *tag, const char *vr)
{
    json_buf_print(b, "%s\"%s\":{\"vr\":\"%s\"", *first ? "" : ",", tag, vr);
    *first = false;
}

static void text(struct json_buf *b, bool *first, const char *tag, const char *vr, const char *value)
{
    begin(b, first, tag, vr);
    if (*value) {
        json_buf_print(b, ",\"Value\":[");
        json_buf_string(b, value);
        json_buf_print(b, "]");
    }
    json_buf_print(b, "}");
}

static void number(struct json_buf *b, bool *first, const char *tag, const char *vr, const struct db_rows *r,
                   int row, int col)
{
    if (db_null(r, row, col))
        return;
    begin(b, first, tag, vr);
    json_buf_print(b, ",\"Value\":[%" PRId64 "]}", db_i64(r, row, col));
}

/* "CT,SR" */
static void words(struct json_buf *b, bool *first, const char *tag, const char *vr, const char *list)
{
    begin(b, first, tag, vr);
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ",");
        json_buf_print(b, "%s\"%.*s\"", p == list ? ",\"Value\":[" : ",", (int)len, p);
        p += len;
        p += *p == ',';
    }
    json_buf_print(b, "%s}", *list ? "]" : "");
}

/* PS3.18 F.2.2: the groups of a name, as far as there are any. */
static void name(struct json_buf *b, bool *first, const char *value)
{
    static const char *const GROUPS[] = {"Alphabetic", "Ideographic", "Phonetic"};
    const char *p = value;
    bool any = false;

    begin(b, first, "00100010", "PN");
    for (int g = 0; g < 3 && *p; g++) {
        size_t len = strcspn(p, "=");
        if (len) {
            char *group = mem_format("%.*s", (int)len, p);
            json_buf_print(b, "%s\"%s\":", any ? "," : ",\"Value\":[{", GROUPS[g]);
            json_buf_string(b, group);
            free(group);
            any = true;
        }
        p += len;
        p += *p == '=';
    }
    json_buf_print(b, "%s}", any ? "}]" : "");
}

/* --- one row; attributes stand in the order of their tags --- */

static void row_json(struct json_buf *b, const struct query *q, const struct db_rows *r, int i)
{
    bool first = true, whole = q->level == QIDO_STUDIES || !q->nested, series = q->level >= QIDO_SERIES;
    bool deep = q->level == QIDO_INSTANCES;
    char *url = mem_format("%s/dicomweb/studies/%s%s%s%s%s", q->base, db_str(r, i, STUDY_UID),
                           series ? "/series/" : "", series ? db_str(r, i, SERIES_UID) : "",
                           deep ? "/instances/" : "", deep ? db_str(r, i, SOP_UID) : "");

    json_buf_print(b, "{");
    text(b, &first, "00080005", "CS", "ISO_IR 192");
    if (deep) {
        text(b, &first, "00080016", "UI", db_str(r, i, SOP_CLASS));
        text(b, &first, "00080018", "UI", db_str(r, i, SOP_UID));
    }
    if (whole) {
        text(b, &first, "00080020", "DA", db_str(r, i, DATE));
        text(b, &first, "00080030", "TM", db_str(r, i, TIME));
        text(b, &first, "00080050", "SH", db_str(r, i, ACCESSION));
    }
    text(b, &first, "00080056", "CS", "ONLINE");
    if (series)
        text(b, &first, "00080060", "CS", db_str(r, i, MODALITY));
    else
        words(b, &first, "00080061", "CS", db_str(r, i, MODALITIES));
    if (whole) {
        text(b, &first, "00080090", "PN", "");
        text(b, &first, "00081030", "LO", db_str(r, i, DESCRIPTION));
    }
    if (series)
        text(b, &first, "0008103E", "LO", db_str(r, i, SERIES_DESCRIPTION));
    text(b, &first, "00081190", "UR", url);
    if (deep)
        text(b, &first, "00083002", "UI", db_str(r, i, SYNTAX));
    if (whole) {
        name(b, &first, db_str(r, i, NAME));
        text(b, &first, "00100020", "LO", db_str(r, i, PATIENT_NO));
        text(b, &first, "00100030", "DA", db_str(r, i, BORN));
        text(b, &first, "00100040", "CS", db_str(r, i, SEX));
    }
    if (series && *db_str(r, i, BODY_PART))
        text(b, &first, "00180015", "CS", db_str(r, i, BODY_PART));
    text(b, &first, "0020000D", "UI", db_str(r, i, STUDY_UID));
    if (series)
        text(b, &first, "0020000E", "UI", db_str(r, i, SERIES_UID));
    if (whole)
        text(b, &first, "00200010", "SH", "");
    if (series)
        number(b, &first, "00200011", "IS", r, i, SERIES_NO);
    if (deep)
        number(b, &first, "00200013", "IS", r, i, NUMBER);
    if (!series) {
        number(b, &first, "00201206", "IS", r, i, N_SERIES);
        number(b, &first, "00201208", "IS", r, i, N_INSTANCES);
    }
    if (series && !deep)
        number(b, &first, "00201209", "IS", r, i, N_IN_SERIES);
    if (deep) {
        if (db_i64(r, i, FRAMES) > 1)
            number(b, &first, "00280008", "IS", r, i, FRAMES);
        number(b, &first, "00280010", "US", r, i, ROWS);
        number(b, &first, "00280011", "US", r, i, COLS);
        number(b, &first, "00280100", "US", r, i, BITS);
    }
    json_buf_print(b, "}");
    free(url);
}

static void query_free(struct query *q)
{
    free(q->base);
    free(q);
}

static void on_rows(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct query *q = arg;
    struct json_buf b = {0};

    if (err) {
        request_problem(q->req, err, NULL);
        query_free(q);
        return;
    }
    json_buf_print(&b, "[");
    for (int i = 0; i < rows->n && i < q->limit; i++) {
        if (i)
            json_buf_print(&b, ",\n");
        row_json(&b, q, rows, i);
    }
    json_buf_print(&b, "]");
    if (rows->n > q->limit)
        request_header(q->req, "Warning",
                       "299 yunzhen \"There are additional results that can be requested\"");
    request_answer_text(q->req, 200, WEB_JSON, b.text, b.len);
    query_free(q);
}

/* --- asking --- */

static bool read_keys(struct qido_keys *keys, struct request *req, enum qido_level level, bool nested,
                      struct err *err)
{
    keys->limit = QIDO_LIMIT;
    for (char *p = req->query; *p; p += strlen(p) + 1) {
        char *equals = strchr(p, '=');
        bool ok;
        if (!equals)
            continue;
        *equals = '\0';
        for (char *v = equals + 1; *v; v++)
            *v = *v == '+' ? ' ' : *v; /* forms write spaces so */
        ok = qido_keys_add(keys, level, p, equals + 1, err);
        *equals = '=';
        if (!ok)
            return false;
    }
    if (nested)
        qido_keys_uid(keys, QIDO_STUDY_UID, req->param[0]);
    if (strstr(req->route->path, "series_uid"))
        qido_keys_uid(keys, QIDO_SERIES_UID, req->param[1]);
    return true;
}

static void ask(struct request *req, enum qido_level level)
{
    static const struct db_stmt *const STATEMENTS[] = {&SQL_qido_studies, &SQL_qido_series,
                                                       &SQL_qido_instances};
    struct db_scope scope = caller_scope(caller_of(req));
    bool nested = strstr(req->route->path, "study_uid") != NULL;
    struct qido_keys keys = {0};
    struct err err = ERR_INIT;
    struct query *q;
    struct db_args a;

    if (!accept_only(req, WEB_JSON, "application/json"))
        return;
    if (!read_keys(&keys, req, level, nested, &err)) {
        qido_keys_free(&keys);
        request_problem(req, &err, NULL);
        return;
    }
    if (keys.fuzzy)
        request_header(req, "Warning",
                       "299 yunzhen \"The fuzzymatching parameter is not supported. Only literal matching "
                       "has been performed.\"");
    q = mem_new(sizeof *q);
    *q = (struct query){req, level, keys.limit, nested, web_base(req)};
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    qido_keys_args(&keys, level, &a);
    qido_keys_free(&keys);
    db_query(web_of(req)->db, &scope, STATEMENTS[level], &a, on_rows, q);
}

void web_studies(struct request *req)
{
    ask(req, QIDO_STUDIES);
}

void web_series(struct request *req)
{
    ask(req, QIDO_SERIES);
}

void web_instances(struct request *req)
{
    ask(req, QIDO_INSTANCES);
}
