/* yunzhen verify: proofs that need no daemon. Exit status 5 says that something is not what was written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto.h"
#include "core/mem.h"
#include "ops/cli/cli.h"
#include "media/record/verify.h"
#include "records/audit_verify.h"
#include "records/report_verify.h"

/* ---- the audit trail --------------------------------------------------------------------------------------- */

/** @param[out] key  the public half of the key `name` (audit.key, report.key) of this installation */
static bool public_key(const struct cli *cli, const char *name, uint8_t key[32], struct err *err)
{
    char *path = mem_format("%s/keys/%s", cli->data, name);
    struct sign_key *k = NULL;
    bool ok = sign_key_load(&k, path, false, err);

    if (ok)
        sign_key_public(k, key);
    sign_key_free(k);
    free(path);
    return ok;
}

static json_t *audit_report_json(const struct audit_report *r)
{
    json_t *doc = json_pack("{s:b, s:I, s:I}", "ok", r->fault == AUDIT_INTACT, "rows", (json_int_t)r->rows,
                            "seals", (json_int_t)r->seals);

    if (r->fault == AUDIT_INTACT)
        return doc;
    json_object_set_new(doc, "fault", json_string(audit_fault_name(r->fault)));
    json_object_set_new(doc, "what", json_string(r->what));
    json_object_set_new(doc, "region", json_id(r->region_id));
    json_object_set_new(doc, "tenant", json_id(r->tenant_id));
    json_object_set_new(doc, "writer", json_string(r->writer_id));
    json_object_set_new(doc, "seq", json_integer(r->seq));
    json_object_set_new(doc, "id", json_id(r->id));
    return doc;
}

int cmd_verify_audit(struct cli *cli, int argc, char **argv)
{
    char *conninfo = mem_format("host='%s/run/pg' dbname=yunzhen user=yz_audit_ro", cli->data);
    struct db_sync *s = NULL;
    struct audit_report report = {0};
    struct err err = ERR_INIT;
    uint8_t key[32];
    bool done;

    done = cli_parse(NULL, argc, argv, NULL, 0, 0, NULL, &err) && public_key(cli, "audit.key", key, &err) &&
           db_sync_open(&s, conninfo, &err) && audit_verify(s, key, &report, &err);
    if (s)
        db_sync_close(s);
    free(conninfo);
    if (!done)
        return out_error(cli, &err);
    out_object(cli, audit_report_json(&report));
    return report.fault == AUDIT_INTACT ? CLI_OK : CLI_NOT_PROVEN;
}

/* ---- signed reports ---------------------------------------------------------------------------------------- */

static json_t *verdict_json(const struct report_verdict *v)
{
    json_t *doc = json_pack("{s:b, s:I, s:I}", "ok", v->fault == REPORT_INTACT, "reports",
                            (json_int_t)v->reports, "exams", (json_int_t)v->exams);

    if (v->fault == REPORT_INTACT)
        return doc;
    json_object_set_new(doc, "fault", json_string(report_fault_name(v->fault)));
    json_object_set_new(doc, "what", json_string(v->what));
    json_object_set_new(doc, "region", json_id(v->region_id));
    json_object_set_new(doc, "exam", json_id(v->exam_id));
    json_object_set_new(doc, "version", json_integer(v->version));
    return doc;
}

int cmd_verify_report(struct cli *cli, int argc, char **argv)
{
    char *conninfo = mem_format("host='%s/run/pg' dbname=yunzhen user=yz_audit_ro", cli->data);
    struct db_sync *s = NULL;
    struct report_verdict verdict = {0};
    struct err err = ERR_INIT;
    uint8_t key[32];
    bool done;

    done = cli_parse(NULL, argc, argv, NULL, 0, 0, NULL, &err) && public_key(cli, "report.key", key, &err) &&
           db_sync_open(&s, conninfo, &err) && report_verify(s, key, &verdict, &err);
    if (s)
        db_sync_close(s);
    free(conninfo);
    if (!done)
        return out_error(cli, &err);
    out_object(cli, verdict_json(&verdict));
    return verdict.fault == REPORT_INTACT ? CLI_OK : CLI_NOT_PROVEN;
}

/* ---- a recording ------------------------------------------------------------------------------------------- */

static void add_finding(void *arg, const struct verify_finding *f)
{
    json_array_append_new(arg, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:s}", "code", f->code, "file",
                                         f->file, "record_first", (json_int_t)f->record_first, "record_last",
                                         (json_int_t)f->record_last, "offset", (json_int_t)f->offset, "bytes",
                                         (json_int_t)f->bytes, "text", f->text));
}

static void print_recording(const struct cli *cli, const struct verify_summary *sum, json_t *findings)
{
    static const char *const COLUMNS[] = {"code", "file", "record_first", "record_last", "text", NULL};
    char key[65];
    json_t *doc;

    crypto_hex(sum->key, sizeof sum->key, key);
    doc = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "ok", json_array_size(findings) == 0,
                    "tracks", (json_int_t)sum->tracks, "segments", (json_int_t)sum->segments, "records",
                    (json_int_t)sum->records, "files", (json_int_t)sum->files, "bytes",
                    (json_int_t)sum->bytes, "gaps", (json_int_t)sum->gaps, "signed_by", key);
    if (cli->json)
        json_object_set(doc, "findings", findings);
    out_object(cli, doc);
    if (!cli->json && json_array_size(findings) > 0)
        out_rows(cli, json_incref(findings), COLUMNS);
}

/* The key this installation's recorder signs with; a recording brought from elsewhere is checked against the key it names. */
static bool recorder_key(const struct cli *cli, const char *file, uint8_t key[32], bool *known,
                         struct err *err)
{
    char *path = file ? mem_str(file) : mem_format("%s/keys/recording.key", cli->data);
    struct sign_key *k = NULL;
    struct err absent = ERR_INIT;

    *known = sign_key_load(&k, path, false, file ? err : &absent);
    if (*known)
        sign_key_public(k, key);
    sign_key_free(k);
    free(path);
    return *known || !file;
}

int cmd_verify_recording(struct cli *cli, int argc, char **argv)
{
    const char *dir = NULL, *key_file = NULL;
    const struct cli_option options[] = {{"key", &key_file, NULL, "FILE", "the key it must be signed with"},
                                         {0}};
    struct verify_summary sum = {0};
    struct err err = ERR_INIT;
    json_t *findings;
    uint8_t key[32];
    bool known = false, ok;

    if (!cli_parse(options, argc, argv, &dir, 1, 1, NULL, &err) ||
        !recorder_key(cli, key_file, key, &known, &err))
        return out_error(cli, &err);
    findings = json_array();
    ok = verify_recording(&sum, dir, known ? key : NULL, add_finding, findings, &err);
    if (ok || err_is(&err, ERR_CORRUPT))
        print_recording(cli, &sum, findings);
    json_decref(findings);
    if (ok)
        return CLI_OK;
    return err_is(&err, ERR_CORRUPT) ? CLI_NOT_PROVEN : out_error(cli, &err);
}
