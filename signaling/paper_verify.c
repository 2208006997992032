/* GET /api/v1/verify/{code}: is this paper genuine, and is it the newest? Nothing is believed: the hash is made again from the
 * row, the signature and the key are checked, and only then does it say so. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "core/db/db.h"
#include "core/json.h"
#include "core/log.h"
#include "records/report.h"
#include "signaling/paper.h"
#include "signaling/paper.sql.h"
#include "signaling/paper_sheet.h"
#include "signaling/signald.h"

static bool hex_at(const struct db_rows *r, int col, uint8_t *out, size_t len)
{
    const char *text = db_str(r, 0, col);

    return crypto_unhex(text, strlen(text), out, len);
}

static bool report_of(struct report *out, const struct db_rows *r, int64_t region_id, const char *code)
{
    *out = (struct report){
        .region_id = region_id,
        .exam_id = db_i64(r, 0, 0),
        .version = (int32_t)db_i64(r, 0, 1),
        .tenant_id = db_i64(r, 0, 2),
        .person_id = db_i64(r, 0, 3),
        .study_uid = db_str(r, 0, 4),
        .accession_no = db_str(r, 0, 5),
        .author_tenant_id = db_i64(r, 0, 6),
        .staff_id = db_i64(r, 0, 7),
        .staff_name = db_str(r, 0, 8),
        .kind = db_str(r, 0, 9),
        .findings = db_str(r, 0, 10),
        .impression = db_str(r, 0, 11),
        .critical_finding = db_str(r, 0, 12),
        .template = db_str(r, 0, 13),
        .reason = db_str(r, 0, 14),
        .written_at_us = db_i64(r, 0, 15),
        .signed_at_us = db_i64(r, 0, 16),
        .code = code,
    };
    return hex_at(r, 17, out->prev_hash, sizeof out->prev_hash) &&
           hex_at(r, 18, out->hash, sizeof out->hash) &&
           hex_at(r, 19, out->public_key, sizeof out->public_key) &&
           hex_at(r, 20, out->signature, sizeof out->signature);
}

/* The key is the house's, not whichever stands in the row: who can write rows can also bring a key. */
static bool house_key(const struct signald *app, uint8_t out[REPORT_KEY_LEN])
{
    struct sign_key *key;
    struct err err = ERR_INIT;

    if (!sign_key_load(&key, app->report_key, false, &err)) {
        log_warn("report_key_missing", LERR(&err));
        return false;
    }
    sign_key_public(key, out);
    sign_key_free(key);
    return true;
}

static bool genuine(const struct report *r, const uint8_t key[REPORT_KEY_LEN])
{
    uint8_t hash[SHA256_LEN];

    report_hash(r, hash);
    return crypto_equal(hash, r->hash, sizeof hash) && crypto_equal(key, r->public_key, REPORT_KEY_LEN) &&
           sign_verify(r->public_key, hash, sizeof hash, r->signature);
}

static json_t *says(const struct db_rows *r, const struct report *report, bool valid)
{
    char patient[16], hash[2 * SHA256_LEN + 1];

    paper_mask(db_str(r, 0, 25), patient);
    crypto_hex(report->hash, SHA256_LEN, hash);
    return json_pack("{s:b, s:s, s:s, s:s, s:s, s:o, s:s, s:i, s:i, s:s, s:s}", "valid", valid, "hospital",
                     db_str(r, 0, 23), "examined_by", db_str(r, 0, 24), "modality", db_str(r, 0, 22), "title",
                     paper_title(db_str(r, 0, 22)), "signed_at", json_time(report->signed_at_us), "doctor",
                     report->staff_name, "version", report->version, "newest_version", (int)db_i64(r, 0, 21),
                     "patient", patient, "hash", hash);
}

static void on_row(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct request *req = arg;
    uint8_t key[REPORT_KEY_LEN];
    struct report report;
    bool valid;

    if (err) {
        request_problem(req, err, NULL);
        return;
    }
    if (rows->n != 1) {
        request_refuse(req, ERR_NOT_FOUND, "not_found", "no report has this code");
        return;
    }
    if (!house_key(req->app, key)) {
        request_refuse(req, ERR_AGAIN, "verification_away", "the key of reports cannot be read");
        return;
    }
    valid = report_of(&report, rows, request_app(req)->region_id, req->param[0]) && genuine(&report, key);
    if (!valid)
        log_error("report_not_genuine", LID("exam", report.exam_id), LI("version", report.version));
    request_answer_json(req, 200, says(rows, &report, valid));
}

void paper_verify(struct request *req)
{
    struct db_scope scope = {.region_id = request_app(req)->region_id};
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_str(&a, req->param[0]);
    db_query(request_app(req)->db, &scope, &SQL_report_of_code, &a, on_row, req);
}
