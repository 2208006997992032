#include "records/report_verify.h"
#include "records/report_verify.sql.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE 500

const char *report_fault_name(enum report_fault_kind kind)
{
    static const char *const NAMES[] = {
        [REPORT_INTACT] = "intact",
        [REPORT_CHANGED] = "report_changed",
        [REPORT_FORGED] = "report_forged",
        [REPORT_MISSING] = "version_missing",
        [REPORT_UNCHAINED] = "version_unchained",
    };

    return NAMES[kind];
}

static void unhex(const char *text, uint8_t *out, size_t len)
{
    if (!crypto_unhex(text, strlen(text), out, len))
        memset(out, 0, len); /* the lengths are CHECKed by the table; anything else does not compare equal */
}

static void row_read(const struct db_rows *r, int i, struct report *out)
{
    *out = (struct report){
        .region_id = db_i64(r, i, 0),
        .exam_id = db_i64(r, i, 1),
        .version = (int32_t)db_i64(r, i, 2),
        .tenant_id = db_i64(r, i, 3),
        .person_id = db_i64(r, i, 4),
        .study_uid = db_str(r, i, 5),
        .accession_no = db_str(r, i, 6),
        .author_tenant_id = db_i64(r, i, 7),
        .staff_id = db_i64(r, i, 8),
        .staff_name = db_str(r, i, 9),
        .kind = db_str(r, i, 10),
        .findings = db_str(r, i, 11),
        .impression = db_str(r, i, 12),
        .critical_finding = db_str(r, i, 13),
        .template = db_str(r, i, 14),
        .reason = db_str(r, i, 15),
        .written_at_us = db_i64(r, i, 16),
        .signed_at_us = db_i64(r, i, 17),
        .code = db_str(r, i, 18),
    };
    unhex(db_str(r, i, 19), out->prev_hash, SHA256_LEN);
    unhex(db_str(r, i, 20), out->hash, SHA256_LEN);
    unhex(db_str(r, i, 21), out->public_key, REPORT_KEY_LEN);
    unhex(db_str(r, i, 22), out->signature, REPORT_SIGNATURE_LEN);
}

struct walk {
    const uint8_t *key;
    int64_t region_id, exam_id;
    int32_t version; /* last seen of that exam */
    uint8_t head[SHA256_LEN];
    struct report_verdict *out;
};

static bool fault(struct walk *w, const struct report *r, enum report_fault_kind kind, int32_t version,
                  const char *what)
{
    w->out->fault = kind;
    w->out->region_id = r->region_id;
    w->out->exam_id = r->exam_id;
    w->out->version = version;
    snprintf(w->out->what, sizeof w->out->what, "version %" PRId32 " of the report on exam %" PRId64 " %s",
             version, r->exam_id, what);
    return false;
}

static bool row_check(struct walk *w, const struct report *r)
{
    uint8_t hash[SHA256_LEN];

    if (r->region_id != w->region_id || r->exam_id != w->exam_id) {
        w->region_id = r->region_id;
        w->exam_id = r->exam_id;
        w->version = 0;
        memset(w->head, 0, sizeof w->head);
        w->out->exams++;
    }
    if (r->version != w->version + 1)
        return fault(w, r, REPORT_MISSING, w->version + 1, "is not there");
    report_hash(r, hash);
    if (memcmp(hash, r->hash, SHA256_LEN) != 0)
        return fault(w, r, REPORT_CHANGED, r->version, "is not the text that was signed");
    if (memcmp(r->public_key, w->key, REPORT_KEY_LEN) != 0)
        return fault(w, r, REPORT_FORGED, r->version, "names another key than ours");
    if (!sign_verify(w->key, r->hash, SHA256_LEN, r->signature))
        return fault(w, r, REPORT_FORGED, r->version, "carries a signature that is not our key's");
    if (memcmp(r->prev_hash, w->head, SHA256_LEN) != 0)
        return fault(w, r, REPORT_UNCHAINED, r->version,
                     "follows another text than the one stored before it");
    memcpy(w->head, r->hash, SHA256_LEN);
    w->version = r->version;
    w->out->reports++;
    return true;
}

static bool page(struct walk *w, struct db_sync *db, int *n, struct err *err)
{
    struct db_args a;
    struct db_rows rows;
    struct report r;

    db_args_init(&a);
    db_arg_i64(&a, w->region_id);
    db_arg_i64(&a, w->exam_id);
    db_arg_i64(&a, w->version);
    db_arg_i64(&a, PAGE);
    if (!db_sync_query(db, NULL, &SQL_report_rows, &a, &rows, err))
        return false;
    *n = rows.n;
    for (int i = 0; i < rows.n; i++) {
        row_read(&rows, i, &r);
        if (!row_check(w, &r)) {
            *n = 0; /* the first one is the answer */
            break;
        }
    }
    db_rows_free(&rows);
    return true;
}

/* A chain whose last link is gone looks whole: the exam says how many there are. */
static bool heads(struct walk *w, struct db_sync *db, struct err *err)
{
    struct db_args none;
    struct db_rows rows;

    db_args_init(&none);
    if (!db_sync_query(db, NULL, &SQL_report_heads, &none, &rows, err))
        return false;
    if (rows.n) {
        struct report r = {.region_id = db_i64(&rows, 0, 0), .exam_id = db_i64(&rows, 0, 1)};

        fault(w, &r, REPORT_MISSING, (int32_t)db_i64(&rows, 0, 2), "is not there");
    }
    db_rows_free(&rows);
    return true;
}

bool report_verify(struct db_sync *db, const uint8_t key[REPORT_KEY_LEN], struct report_verdict *out,
                   struct err *err)
{
    struct walk w = {.key = key, .out = out};
    int n;

    *out = (struct report_verdict){0};
    do
        if (!page(&w, db, &n, err))
            return false;
    while (n == PAGE);
    return out->fault != REPORT_INTACT || heads(&w, db, err);
}
