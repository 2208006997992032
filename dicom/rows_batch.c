/* rows_batch.c - instances become rows: one transaction for as many as wait. Runs on the rows thread. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "dicom/dimse.h"
#include "dicom/rows.sql.h"
#include "dicom/rows_internal.h"

enum fate { FATE_NEW, FATE_HERE, FATE_DUPLICATE, FATE_OTHER, FATE_REFUSED, FATE_LOST };

struct batch {
    struct rows *r;
    int64_t tenant_id, now_us;
    struct rows_instance **list;
    size_t n;
    enum fate fate[ROWS_BATCH];
    int64_t study[ROWS_BATCH], series[ROWS_BATCH]; /* of list[i], once known */
    int64_t own_id[ROWS_BATCH];
};

/* ---------------------------------------------------------------- helpers */

static const char *fact(const struct rows_instance *i, const char *name)
{
    const char *s = json_string_value(json_object_get(i->facts, name));

    return s ? s : "";
}

/* A number as PostgreSQL's integer, or null. */
static json_t *fact_int(const struct rows_instance *i, const char *name)
{
    const json_t *v = json_object_get(i->facts, name);

    if (!json_is_integer(v) || json_integer_value(v) < INT32_MIN || json_integer_value(v) > INT32_MAX)
        return json_null();
    return json_integer(json_integer_value(v));
}

static int64_t fact_i64(const struct rows_instance *i, const char *name, int64_t otherwise)
{
    const json_t *v = json_object_get(i->facts, name);

    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

static void set_text(json_t *row, const char *key, const char *value)
{
    json_t *v = json_string(value);

    json_object_set_new(row, key, v ? v : json_string(""));
}

static bool is_kept(const struct batch *b, size_t k)
{
    return b->fate[k] == FATE_NEW || b->fate[k] == FATE_HERE;
}

static void add_rows(struct db_args *a, json_t *rows)
{
    size_t len;
    char *text = json_text(rows, &len);

    db_arg_str(a, text);
    free(text);
    json_decref(rows);
}

static void begin_args(struct db_args *a, const struct batch *b)
{
    db_args_init(a);
    db_arg_i64(a, b->r->opt.region_id);
    db_arg_i64(a, b->tenant_id);
}

static bool run(struct batch *b, const struct db_stmt *stmt, struct db_args *a, struct db_rows *rows,
                struct err *err)
{
    return rows_query(b->r, b->tenant_id, stmt, a, rows, err);
}

/* ---------------------------------------------------------------- studies and series */

static bool study_seen(const struct batch *b, size_t k)
{
    for (size_t i = 0; i < k; i++)
        if (!b->list[i]->reason[0] && !strcmp(b->list[i]->study_uid, b->list[k]->study_uid))
            return true;
    return false;
}

/* What was repaired in its text, for people who wonder about a name. */
static void set_charset_note(json_t *row, const struct rows_instance *i)
{
    const json_t *words = json_object_get(i->facts, "repaired");
    char note[200] = "";
    size_t k;
    json_t *w;

    json_array_foreach(words, k, w) snprintf(note + strlen(note), sizeof note - strlen(note), "%s%s",
                                             k ? "," : "", json_string_value(w) ? json_string_value(w) : "");
    set_text(row, "charset_note", note);
}

static json_t *study_row(const struct rows_instance *i)
{
    json_t *row = json_object();
    int64_t at = fact_i64(i, "study_at_us", 0);

    json_object_set_new(row, "id", json_integer(i->study_id));
    set_text(row, "study_uid", i->study_uid);
    set_text(row, "patient_name", fact(i, "patient_name"));
    set_text(row, "patient_no", fact(i, "patient_no"));
    set_text(row, "patient_sex", fact(i, "patient_sex"));
    set_text(row, "patient_birth", fact(i, "patient_birth_date"));
    set_text(row, "accession_no", fact(i, "accession_no"));
    set_text(row, "modality", fact(i, "modality"));
    set_text(row, "description", fact(i, "study_description"));
    json_object_set_new(row, "study_at", json_time(at));
    set_text(row, "source", i->src.name);
    set_charset_note(row, i);
    return row;
}

static bool make_studies(struct batch *b, struct err *err)
{
    json_t *rows = json_array();
    struct db_args a;

    for (size_t k = 0; k < b->n; k++)
        if (is_kept(b, k) && !study_seen(b, k))
            json_array_append_new(rows, study_row(b->list[k]));
    begin_args(&a, b);
    db_arg_time(&a, b->now_us);
    add_rows(&a, rows);
    return run(b, &SQL_rows_study_make, &a, NULL, err);
}

static void set_other(struct batch *b, size_t k, const char *reason, uint16_t status)
{
    b->fate[k] = FATE_OTHER;
    b->list[k]->status = status;
    snprintf(b->list[k]->reason, sizeof b->list[k]->reason, "%s", reason);
}

/* Images of one new study may be asked about before its row is there: only here is it certain whose it is. */
static void find_study(struct batch *b, size_t k, const struct db_rows *rows)
{
    for (int i = 0; i < rows->n; i++) {
        if (strcmp(db_str(rows, i, 1), b->list[k]->study_uid) != 0)
            continue;
        b->study[k] = db_i64(rows, i, 0);
        if (strcmp(db_str(rows, i, 2), fact(b->list[k], "patient_no")) != 0)
            set_other(b, k, "patient_differs", DIMSE_WRONG_CLASS);
        return;
    }
}

static bool find_studies(struct batch *b, struct err *err)
{
    const char *uid[ROWS_BATCH];
    struct db_args a;
    struct db_rows rows;
    size_t n = 0;

    for (size_t k = 0; k < b->n; k++)
        if (is_kept(b, k) && !study_seen(b, k))
            uid[n++] = b->list[k]->study_uid;
    begin_args(&a, b);
    db_arg_strs(&a, uid, n);
    if (!run(b, &SQL_rows_study_find, &a, &rows, err))
        return false;
    for (size_t k = 0; k < b->n; k++)
        if (is_kept(b, k))
            find_study(b, k, &rows);
    db_rows_free(&rows);
    return true;
}

static bool series_seen(const struct batch *b, size_t k)
{
    for (size_t i = 0; i < k; i++)
        if (is_kept(b, i) && b->study[i] == b->study[k] &&
            !strcmp(b->list[i]->series_uid, b->list[k]->series_uid))
            return true;
    return false;
}

static json_t *series_row(const struct batch *b, size_t k)
{
    const struct rows_instance *i = b->list[k];
    json_t *row = json_object();

    json_object_set_new(row, "id", json_integer(i->series_id));
    json_object_set_new(row, "study_id", json_integer(b->study[k]));
    set_text(row, "series_uid", i->series_uid);
    set_text(row, "modality", fact(i, "modality"));
    json_object_set_new(row, "number", fact_int(i, "series_no"));
    set_text(row, "description", fact(i, "series_description"));
    set_text(row, "body_part", fact(i, "body_part"));
    return row;
}

static bool make_series(struct batch *b, struct err *err)
{
    json_t *rows = json_array();
    struct db_args a;

    for (size_t k = 0; k < b->n; k++)
        if (is_kept(b, k) && !series_seen(b, k))
            json_array_append_new(rows, series_row(b, k));
    begin_args(&a, b);
    db_arg_time(&a, b->now_us);
    add_rows(&a, rows);
    return run(b, &SQL_rows_series_make, &a, NULL, err);
}

static bool find_series(struct batch *b, struct err *err)
{
    const char *uid[ROWS_BATCH];
    int64_t study[ROWS_BATCH];
    struct db_args a;
    struct db_rows rows;
    size_t n = 0;

    for (size_t k = 0; k < b->n; k++)
        if (is_kept(b, k) && !series_seen(b, k)) {
            uid[n] = b->list[k]->series_uid;
            study[n++] = b->study[k];
        }
    db_args_init(&a);
    db_arg_i64(&a, b->r->opt.region_id);
    db_arg_i64s(&a, study, n);
    db_arg_strs(&a, uid, n);
    if (!run(b, &SQL_rows_series_find, &a, &rows, err))
        return false;
    for (size_t k = 0; k < b->n; k++)
        for (int i = 0; i < rows.n && is_kept(b, k) && !b->series[k]; i++)
            if (db_i64(&rows, i, 1) == b->study[k] && !strcmp(db_str(&rows, i, 2), b->list[k]->series_uid))
                b->series[k] = db_i64(&rows, i, 0);
    db_rows_free(&rows);
    return true;
}

/* ---------------------------------------------------------------- files */

static char *incoming(const struct batch *b, size_t k, const char *ext)
{
    return mem_format("%s/incoming/%" PRId64 ".%s", b->r->imaging, b->list[k]->id, ext);
}

static char *final_name(const struct batch *b, size_t k, const char *ext)
{
    return mem_format("%s/%" PRId64 "/%" PRId64 "/%" PRId64 ".%s", b->r->imaging, b->r->opt.region_id,
                      b->study[k], b->list[k]->id, ext);
}

static char *quarantine_name(const struct batch *b, size_t k)
{
    return mem_format("%s/" ROWS_QUARANTINE "/%" PRId64 ".dcm", b->r->imaging, b->list[k]->id);
}

/* A second name for a file of ours; there already is as good, since names carry the id. Consumes both.
 * ERR_NOT_FOUND "file_missing": there is no such file; ERR_IO: not now, it stays where the journal says. */
static bool second_name(char *from, char *to, struct err *err)
{
    bool ok = link(from, to) == 0 || access(to, F_OK) == 0;

    if (!ok && access(from, F_OK) != 0 && errno == ENOENT)
        err_set(err, ERR_NOT_FOUND, "file_missing", "%s is gone", from);
    else if (!ok)
        err_set(err, ERR_IO, "storage_failed", "no second name for %s", from);
    free(from);
    free(to);
    return ok;
}

static void make_folder(const struct batch *b, size_t k)
{
    char *region = mem_format("%s/%" PRId64, b->r->imaging, b->r->opt.region_id);
    char *study = mem_format("%s/%" PRId64, region, b->study[k]);

    mkdir(region, 0700);
    mkdir(study, 0700);
    free(region);
    free(study);
}

/* false: a full or failing disk. The object was promised, so the whole batch waits until it can be placed. */
static bool place_file(struct batch *b, size_t k, struct err *err)
{
    struct rows_instance *i = b->list[k];
    struct err why = ERR_INIT;
    bool ok;

    if (b->fate[k] == FATE_REFUSED || b->fate[k] == FATE_OTHER) {
        ok = second_name(incoming(b, k, "dcm"), quarantine_name(b, k), &why);
    } else {
        make_folder(b, k);
        ok = second_name(incoming(b, k, "dcm"), final_name(b, k, "dcm"), &why) &&
             second_name(incoming(b, k, "json"), final_name(b, k, "json"), &why);
    }
    if (ok)
        return true;
    if (why.code != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    log_error("object_without_file", LID("instance", i->id), LERR(&why));
    b->fate[k] = FATE_LOST;
    snprintf(i->reason, sizeof i->reason, "file_missing");
    return true;
}

static void drop(char *path)
{
    unlink(path);
    free(path);
}

/* After the commit: one name each, the one the rows say. */
static void tidy_files(const struct batch *b)
{
    for (size_t k = 0; k < b->n; k++) {
        if (b->fate[k] == FATE_LOST)
            continue;
        if (b->study[k] && !is_kept(b, k)) {
            drop(final_name(b, k, "dcm"));
            drop(final_name(b, k, "json"));
        }
        drop(incoming(b, k, "dcm"));
        drop(incoming(b, k, "json"));
    }
}

/* ---------------------------------------------------------------- instances */

static json_t *instance_row(const struct batch *b, size_t k)
{
    const struct rows_instance *i = b->list[k];
    json_t *row = json_object();
    char hash[2 * SHA256_LEN + 1], path[128];
    int64_t frames = fact_i64(i, "frames", 1);
    bool pixels = json_is_true(json_object_get(i->facts, "has_pixels"));

    crypto_hex(i->sha256, SHA256_LEN, hash);
    json_object_set_new(row, "id", json_integer(i->id));
    json_object_set_new(row, "study_id", json_integer(b->study[k]));
    json_object_set_new(row, "series_id", json_integer(b->series[k]));
    set_text(row, "sop_uid", i->sop_uid);
    set_text(row, "sop_class", i->sop_class);
    set_text(row, "transfer_syntax", i->syntax);
    json_object_set_new(row, "number", fact_int(i, "instance_no"));
    snprintf(path, sizeof path, "%" PRId64 "/%" PRId64 "/%" PRId64 ".dcm", b->r->opt.region_id, b->study[k],
             i->id);
    set_text(row, "path", path);
    snprintf(path, sizeof path, "%" PRId64 "/%" PRId64 "/%" PRId64 ".json", b->r->opt.region_id, b->study[k],
             i->id);
    set_text(row, "index_path", path);
    json_object_set_new(row, "bytes", json_integer(i->bytes));
    json_object_set_new(row, "data_begin", json_integer(i->data_begin));
    set_text(row, "sha256", hash);
    json_object_set_new(row, "rows", fact_int(i, "rows"));
    json_object_set_new(row, "cols", fact_int(i, "columns"));
    json_object_set_new(row, "frames",
                        json_integer(!pixels                            ? 0
                                     : frames < 1 || frames > INT32_MAX ? 1
                                                                        : frames));
    json_object_set_new(row, "bits_allocated", fact_int(i, "bits_allocated"));
    json_object_set_new(row, "received_at", json_time(i->received_us));
    set_text(row, "source", i->src.name);
    return row;
}

static bool make_instances(struct batch *b, struct err *err)
{
    json_t *list = json_array();
    struct db_args a;
    struct db_rows rows;

    for (size_t k = 0; k < b->n; k++)
        if (is_kept(b, k))
            json_array_append_new(list, instance_row(b, k));
    begin_args(&a, b);
    add_rows(&a, list);
    if (!run(b, &SQL_rows_instance_make, &a, &rows, err))
        return false;
    for (size_t k = 0; k < b->n; k++) {
        bool is_new = false;

        for (int i = 0; i < rows.n && !is_new; i++)
            is_new = db_i64(&rows, i, 0) == b->list[k]->id;
        if (b->fate[k] == FATE_NEW && !is_new)
            b->fate[k] = FATE_HERE;
    }
    db_rows_free(&rows);
    return true;
}

static void judge_here(struct batch *b, size_t k, const struct db_rows *rows)
{
    struct rows_instance *i = b->list[k];
    char hash[2 * SHA256_LEN + 1];

    crypto_hex(i->sha256, SHA256_LEN, hash);
    for (int row = 0; row < rows->n; row++) {
        if (strcmp(db_str(rows, row, 1), i->sop_uid) != 0)
            continue;
        if (db_i64(rows, row, 0) == i->id) /* written by an earlier try whose outcome we did not hear */
            return;
        b->own_id[k] = db_i64(rows, row, 0);
        if (strcmp(db_str(rows, row, 3), hash) != 0)
            break;
        b->fate[k] = FATE_DUPLICATE;
        i->duplicate = true;
        return;
    }
    set_other(b, k, "same_uid_other_bytes",
              DIMSE_DUPLICATE_INSTANCE); /* or: it conflicts and is not there, which cannot be */
}

static bool find_others(struct batch *b, struct err *err)
{
    const char *uid[ROWS_BATCH];
    struct db_args a;
    struct db_rows rows;
    size_t n = 0;

    for (size_t k = 0; k < b->n; k++)
        if (b->fate[k] == FATE_HERE)
            uid[n++] = b->list[k]->sop_uid;
    if (!n)
        return true;
    begin_args(&a, b);
    db_arg_strs(&a, uid, n);
    if (!run(b, &SQL_rows_instance_find, &a, &rows, err))
        return false;
    for (size_t k = 0; k < b->n; k++)
        if (b->fate[k] == FATE_HERE)
            judge_here(b, k, &rows);
    db_rows_free(&rows);
    return true;
}

static bool place_all(struct batch *b, enum fate fate, struct err *err)
{
    for (size_t k = 0; k < b->n; k++)
        if (b->fate[k] == fate && !place_file(b, k, err))
            return false;
    return true;
}

/* ---------------------------------------------------------------- counts */

struct sums {
    int64_t id[ROWS_BATCH], bytes[ROWS_BATCH];
    int32_t count[ROWS_BATCH];
    size_t n;
};

static void sum(struct sums *s, int64_t id, int64_t bytes)
{
    size_t i = 0;

    while (i < s->n && s->id[i] != id)
        i++;
    if (i == s->n) {
        s->id[s->n] = id;
        s->bytes[s->n] = 0;
        s->count[s->n++] = 0;
    }
    s->count[i]++;
    s->bytes[i] += bytes;
}

static void count_args(struct db_args *a, const struct batch *b, const struct sums *s)
{
    begin_args(a, b);
    db_arg_time(a, b->now_us);
    db_arg_i64s(a, s->id, s->n);
    db_arg_i32s(a, s->count, s->n);
}

static bool count(struct batch *b, struct sums *study, struct err *err)
{
    struct sums *series = mem_new(sizeof *series);
    struct db_args a;
    bool ok = true;

    for (size_t k = 0; k < b->n; k++) {
        if (b->fate[k] != FATE_NEW)
            continue;
        sum(series, b->series[k], b->list[k]->bytes);
        sum(study, b->study[k], b->list[k]->bytes);
    }
    if (study->n) {
        count_args(&a, b, series);
        ok = run(b, &SQL_rows_count, &a, NULL, err);
        if (ok) {
            count_args(&a, b, study);
            db_arg_i64s(&a, study->bytes, study->n);
            ok = run(b, &SQL_rows_study_count, &a, NULL, err);
        }
    }
    free(series);
    return ok;
}

/* Attached studies are told and written into the trail at once; counts of the others not more often than people can read. */
static bool attach(struct batch *b, const struct sums *study, struct err *err)
{
    struct db_args a;
    struct db_rows rows;
    int64_t attached[ROWS_BATCH];
    size_t n;

    begin_args(&a, b);
    db_arg_time(&a, b->now_us);
    db_arg_i64s(&a, study->id, study->n);
    if (!run(b, &SQL_rows_attach, &a, &rows, err))
        return false;
    n = (size_t)rows.n;
    for (size_t i = 0; i < n; i++)
        attached[i] = db_i64(&rows, (int)i, 0);
    db_rows_free(&rows);
    if (n && !rows_tell_studies(b->r, b->tenant_id, attached, n, "study.attach", NULL, "", err))
        return false;
    begin_args(&a, b);
    db_arg_i64s(&a, study->id, study->n);
    return run(b, &SQL_rows_mismatch, &a, NULL, err);
}

static struct rows_active *active_of(struct batch *b, int64_t study_id)
{
    for (size_t k = 0; k < b->n; k++)
        if (b->study[k] == study_id && b->fate[k] == FATE_NEW) {
            struct rows_active *act = rows_active(b->r, b->tenant_id, b->list[k]->study_uid);

            act->study_id = study_id;
            return act;
        }
    return NULL;
}

static bool tell_counts(struct batch *b, const struct sums *study, struct err *err)
{
    int64_t due[ROWS_BATCH], mono = clock_mono_us();
    size_t n = 0;

    for (size_t i = 0; i < study->n; i++) {
        struct rows_active *act = active_of(b, study->id[i]);

        if (!act)
            continue;
        act->last_us = mono;
        act->untold = true;
        if (mono - act->told_us < ROWS_EVENT_US)
            continue;
        act->told_us = mono;
        act->untold = false;
        due[n++] = study->id[i];
    }
    return !n || rows_tell_studies(b->r, b->tenant_id, due, n, NULL, NULL, "", err);
}

/* ---------------------------------------------------------------- quarantine */

static bool quarantine(struct batch *b, struct err *err)
{
    json_t *list = json_array();
    struct db_args a;

    for (size_t k = 0; k < b->n; k++) {
        const struct rows_instance *i = b->list[k];
        char hash[2 * SHA256_LEN + 1], path[64];
        json_t *row;

        if (b->fate[k] != FATE_REFUSED && b->fate[k] != FATE_OTHER)
            continue;
        row = json_object();
        crypto_hex(i->sha256, SHA256_LEN, hash);
        snprintf(path, sizeof path, ROWS_QUARANTINE "/%" PRId64 ".dcm", i->id);
        json_object_set_new(row, "id", json_integer(i->id));
        set_text(row, "reason", i->reason);
        json_object_set_new(row, "status", json_integer(i->status));
        set_text(row, "study_uid", i->study_uid);
        set_text(row, "sop_uid", i->sop_uid);
        set_text(row, "sop_class", i->sop_class);
        set_text(row, "path", path);
        json_object_set_new(row, "bytes", json_integer(i->bytes));
        set_text(row, "sha256", hash);
        set_text(row, "source", i->src.name);
        json_object_set_new(row, "received_at", json_time(i->received_us));
        json_array_append_new(list, row);
    }
    if (!json_array_size(list)) {
        json_decref(list);
        return true;
    }
    begin_args(&a, b);
    add_rows(&a, list);
    return run(b, &SQL_rows_quarantine, &a, NULL, err);
}

/* ---------------------------------------------------------------- all of it */

static bool any_kept(const struct batch *b)
{
    for (size_t k = 0; k < b->n; k++)
        if (is_kept(b, k))
            return true;
    return false;
}

static bool write_kept(struct batch *b, struct err *err)
{
    struct sums *study;
    bool ok;

    if (!any_kept(b))
        return true;
    if (!make_studies(b, err) || !find_studies(b, err) || !make_series(b, err) || !find_series(b, err))
        return false;
    if (!place_all(b, FATE_NEW, err) || !make_instances(b, err) || !find_others(b, err) ||
        !place_all(b, FATE_OTHER, err))
        return false;
    study = mem_new(sizeof *study);
    ok = count(b, study, err) && (!study->n || (attach(b, study, err) && tell_counts(b, study, err)));
    free(study);
    return ok;
}

static void report(struct batch *b)
{
    for (size_t k = 0; k < b->n; k++) {
        b->list[k]->study_id = b->study[k];
        if (b->fate[k] == FATE_DUPLICATE)
            b->list[k]->id = b->own_id[k];
    }
}

bool rows_batch(struct rows *r, int64_t tenant_id, struct rows_instance **list, size_t n, struct err *err)
{
    struct batch *b = mem_new(sizeof *b);
    bool ok = false;

    b->r = r;
    b->tenant_id = tenant_id;
    b->list = list;
    b->n = n;
    b->now_us = clock_now_us();
    for (size_t k = 0; k < n; k++)
        b->fate[k] = list[k]->reason[0] ? FATE_REFUSED : FATE_NEW;
    if (!rows_begin(r, tenant_id, err))
        goto out;
    if (place_all(b, FATE_REFUSED, err) && write_kept(b, err) && quarantine(b, err))
        ok = rows_commit(r, tenant_id, err);
    else
        rows_rollback(r);
    if (ok) {
        tidy_files(b);
        report(b);
    } else {
        /* the outcomes of this try are forgotten: the next one judges anew */
        for (size_t k = 0; k < n; k++)
            if (b->fate[k] == FATE_OTHER || b->fate[k] == FATE_DUPLICATE) {
                list[k]->reason[0] = '\0';
                list[k]->duplicate = false;
            }
    }
out:
    free(b);
    return ok;
}
