/* From the worklist to the complete study: attached by itself, matched or returned by a person, told to whom it concerns. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/ask.h"
#include "core/json.h"
#include "core/loop.h"
#include "core/mem.h"
#include "dicom/protocol.h"
#include "records/roles.h"
#include "tests/unit/dicom/dicom_fx.h"

#define ACCESSION "0000000000ABC"

/* An exam of the east township for person 102, whose visit hospital 31 sees. */
static void order(int exam, const char *accession, const char *modality)
{
    char sql[2000];

    snprintf(sql, sizeof sql,
             "INSERT INTO records.visits (region_id, id, tenant_id, order_id, person_id, room_id, channel, "
             "kind, state, created_at)"
             " VALUES (150000, %d, 21, %d, 102, 'room%d', 'assisted', 'first_visit', 'pooled', now()) ON "
             "CONFLICT DO NOTHING;"
             "INSERT INTO records.access (region_id, subject_id, tenant_id, purpose, id, granted_at, until)"
             " VALUES (150000, %d, 31, 'care', %d, now(), now() + interval '1 day') ON CONFLICT DO NOTHING;"
             "INSERT INTO records.exams (region_id, id, tenant_id, state, accession_no, visit_id, person_id, "
             "age_band, sex, kind,"
             " modality, procedure, question, urgency, ordered_by, ordered_at)"
             " VALUES (150000, %d, 21, 'ordered', '%s', %d, 102, '70-79', 'male', '%s', '%s', '胸部平扫', "
             "'咳嗽三周', 'urgent', 204,"
             " '2026-11-20T17:30:00Z')",
             exam + 1000, exam + 2000, exam, exam + 1000, exam, exam, accession, exam + 1000,
             strcmp(modality, "ECG") ? "image" : "ecg", modality);
    pg_sql(sql);
}

static void send(struct dfx *f, const struct dfx_image *im)
{
    struct scu s;
    size_t len;
    uint8_t *data = dfx_image(im, &len);

    scu_connect(&s, f);
    CHECK_INT(scu_associate(&s, "YUNZHEN", "CT1", CT_IMAGE, EXPLICIT), PDU_ASSOCIATE_AC);
    CHECK_INT(scu_store(&s, CT_IMAGE, im->sop, data, len), DIMSE_SUCCESS);
    scu_close(&s);
    free(data);
}

/* ---------------------------------------------------------------- the asking side */

struct asker {
    struct loop *loop;
    struct wire *wire;
    bool open, done;
    struct err err;
    json_t *doc;
    int events;
    uint64_t last_id;
};

static void on_open(void *arg, struct wire *w)
{
    ((struct asker *)arg)->open = wire_is_open(w);
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    static struct ask_audience room;
    struct asker *a = arg;
    struct ask_event ev;
    struct ask_hello hello;
    const uint8_t *text;
    size_t len;

    (void)w;
    if (in->type == ASK_HELLO) {
        CHECK(ask_get_hello(in, &hello));
    } else if (in->type == ASK_EVENT) {
        CHECK(ask_get_event(in, &ev, &room));
        CHECK_STR(ev.topic, "study");
        CHECK_INT(ev.tenants[0], FX_TENANT);
        a->events++;
    } else if (in->type == ASK_REFUSED) {
        CHECK(ask_get_refused(in, &a->err, &text, &len));
        a->done = true;
    } else {
        CHECK(ask_get_answer(in, &text, &len));
        json_decref(a->doc);
        a->doc = json_loadb((const char *)text, len, 0, NULL);
        a->done = true;
    }
}

static void on_close(void *arg, struct wire *w)
{
    (void)w;
    ((struct asker *)arg)->open = false;
}

static void asker_free(void *arg)
{
    struct asker *a = arg;

    wire_close(a->wire);
    json_decref(a->doc);
    loop_free(a->loop);
    free(a);
}

static struct asker *asker_open(struct dfx *f)
{
    struct asker *a = mem_new(sizeof *a);
    struct err err = ERR_INIT;
    struct wire_events ev = {.on_open = on_open, .on_message = on_message, .on_close = on_close, .arg = a};
    struct ask_subscription all = {.region_id = 150000};
    struct wire_out *o;

    CHECK_OK(loop_new(&a->loop, &err), &err);
    a->wire = wire_connect(a->loop, test_path(f->t, f->data, "run/dicomd-ask.sock"), ev);
    test_cleanup(f->t, asker_free, a);
    CHECK_SOON(a->loop, a->open);
    o = wire_begin(a->wire, ASK_SUBSCRIBE, 0);
    ask_put_subscribe(o, &all);
    wire_send(o);
    return a;
}

/* Body with ' for ". NULL err: answered. */
static const char *ask(struct asker *a, enum dicom_op op, int account, int tenant, uint32_t roles,
                       const char *fmt, ...) __attribute__((format(printf, 6, 7)));
static const char *ask(struct asker *a, enum dicom_op op, int account, int tenant, uint32_t roles,
                       const char *fmt, ...)
{
    struct ask_request q = {
        .op = op, .region_id = 150000, .tenant_id = tenant, .account_id = account, .roles = roles};
    struct wire_out *o = wire_begin(a->wire, ASK_REQUEST, ++a->last_id);
    char *body = NULL;
    va_list ap;

    va_start(ap, fmt);
    CHECK(vasprintf(&body, fmt, ap) > 0);
    va_end(ap);
    for (char *p = body; *p; p++)
        if (*p == '\'')
            *p = '"';
    q.body = (const uint8_t *)body;
    q.body_len = strlen(body);
    a->done = false;
    err_clear(&a->err);
    ask_put_request(o, &q);
    CHECK(wire_send(o));
    free(body);
    CHECK_SOON(a->loop, a->done);
    return a->err.reason;
}

#define AS_OPERATOR 315, 21, ROLE_OPERATOR

static const char *member(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

/* ---------------------------------------------------------------- */

TEST(study, of_an_ordered_exam_is_attached_told_and_complete_when_nothing_comes_any_more)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image a = {.sop = "1.9.1", .patient_no = "102", .accession = ACCESSION, .fill = 1};
    struct dfx_image b = {.sop = "1.9.2", .patient_no = "102", .accession = ACCESSION, .fill = 2};
    struct asker *who;

    order(7001, ACCESSION, "CT");
    dfx_start(f);
    who = asker_open(f);
    send(f, &a);
    send(f, &b);
    dfx_soon("SELECT count(*) FROM records.studies WHERE matched AND exam_id = 7001 AND visit_id = 8001 AND "
             "person_id = 102"
             " AND matched_by = 0 AND mismatch = ''",
             1);
    dfx_soon("SELECT count(*) FROM records.studies WHERE state = 'complete' AND complete_at IS NOT NULL AND "
             "n_instances = 2",
             1);
    CHECK_INT(
        dfx_count(
            "SELECT count(*) FROM records.events WHERE writer_id = 'dicom' AND NOT (to_tenants @> '{21,31}')"
            " AND data->>'visit_id' = '8001'"),
        0);
    CHECK_INT(
        dfx_count("SELECT count(DISTINCT action) FROM records.audit WHERE writer_id = 'dicom' AND action IN ("
                  "'study.attach',"
                  " 'study.complete') AND person_id = 102"),
        2);
    CHECK_SOON(who->loop, who->events >= 2);
    CHECK_STR(ask(who, DICOM_OP_STUDY_LIST, 314, 21, ROLE_TOWNSHIP_DOCTOR, "{'scope':'township'}"), "");
    CHECK_INT(json_array_size(who->doc), 1);
    CHECK_STR(member(json_array_get(who->doc, 0), "exam_id"), "7001");
    CHECK_STR(member(json_array_get(who->doc, 0), "state"), "complete");
    CHECK_STR(member(json_array_get(who->doc, 0), "patient_name"), "王^小东");
}

TEST(study, whose_number_fits_but_whose_patient_does_not_waits_for_a_person)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image a = {.sop = "1.9.1", .patient_no = "103", .accession = ACCESSION};
    struct dfx_image b = {.sop = "1.9.5", .study = "1.2.4", .series = "1.2.4.1", .patient_no = "X"};
    struct asker *who;
    char study[32], other[32];

    order(7001, ACCESSION, "CT");
    order(7002, "0000000000ABD", "CT");
    dfx_start(f);
    who = asker_open(f);
    send(f, &a);
    send(f, &b);
    dfx_soon("SELECT count(*) FROM records.studies WHERE NOT matched", 2);
    snprintf(study, sizeof study, "%s",
             dfx_value("SELECT id FROM records.studies WHERE mismatch = 'patient_mismatch'"));
    snprintf(other, sizeof other, "%s", dfx_value("SELECT id FROM records.studies WHERE mismatch = ''"));
    CHECK(*study && *other);
    CHECK_STR(ask(who, DICOM_OP_STUDY_LIST, AS_OPERATOR, "{'scope':'unmatched'}"), "");
    CHECK_INT(json_array_size(who->doc), 2);
    CHECK_STR(ask(who, DICOM_OP_STUDY_LIST, 311, 31, ROLE_DOCTOR, "{'scope':'unmatched'}"), "role_denied");
    CHECK_STR(ask(who, DICOM_OP_STUDY_LIST, 311, 31, ROLE_DOCTOR, "{}"), "");
    CHECK_INT(json_array_size(who->doc), 0); /* what belongs to nobody yet is the sender's alone */

    CHECK_STR(ask(who, DICOM_OP_STUDY_MATCH, 311, 31, ROLE_DOCTOR,
                  "{'study_id':'%s','exam_id':'7001','reason':'x'}", study),
              "role_denied");
    CHECK_STR(ask(who, DICOM_OP_STUDY_MATCH, 317, 31, ROLE_OPERATOR,
                  "{'study_id':'%s','exam_id':'7001','reason':'x'}", study),
              "not_found"); /* another house's desk */
    CHECK_STR(
        ask(who, DICOM_OP_STUDY_MATCH, AS_OPERATOR, "{'study_id':'%s','exam_id':'7001','reason':''}", study),
        "field_missing");
    CHECK_STR(ask(who, DICOM_OP_STUDY_MATCH, AS_OPERATOR,
                  "{'study_id':'%s','exam_id':'7001','reason':'编号录错'}", study),
              "");
    CHECK_STR(member(who->doc, "exam_id"), "7001");
    CHECK(json_is_true(json_object_get(who->doc, "matched")));
    CHECK_STR(ask(who, DICOM_OP_STUDY_MATCH, AS_OPERATOR,
                  "{'study_id':'%s','exam_id':'7001','reason':'again'}", study),
              "");
    CHECK_STR(
        ask(who, DICOM_OP_STUDY_MATCH, AS_OPERATOR, "{'study_id':'%s','exam_id':'7002','reason':'x'}", study),
        "study_matched");
    CHECK_STR(
        ask(who, DICOM_OP_STUDY_MATCH, AS_OPERATOR, "{'study_id':'%s','exam_id':'7001','reason':'x'}", other),
        "exam_has_study");
    CHECK_STR(ask(who, DICOM_OP_STUDY_RETURN, AS_OPERATOR, "{'study_id':'%s','reason':'x'}", study),
              "study_matched");
    CHECK_STR(
        ask(who, DICOM_OP_STUDY_RETURN, AS_OPERATOR, "{'study_id':'%s','reason':'不是本院患者'}", other), "");
    CHECK_STR(member(who->doc, "state"), "returned");
    CHECK_STR(
        ask(who, DICOM_OP_STUDY_MATCH, AS_OPERATOR, "{'study_id':'%s','exam_id':'7002','reason':'x'}", other),
        "study_returned");
    CHECK_INT(
        dfx_count(
            "SELECT count(*) FROM records.audit WHERE writer_id = 'dicom' AND account_id = 315 AND action IN"
            " ('study.match', 'study.return')"),
        2);
    CHECK_INT(dfx_count("SELECT max(seq) - count(*) FROM records.events WHERE writer_id = 'dicom'"), 0);
    CHECK_INT(dfx_count("SELECT max(seq) - count(*) FROM records.audit WHERE writer_id = 'dicom'"), 0);
}

TEST(worklist, shows_ordered_exams_to_findscu_in_the_character_set_it_asks_for)
{
    struct dfx *f = dfx_open(t);
    char out[20000];

    order(7001, ACCESSION, "CT");
    order(7002, "0000000000ABD", "DX");
    dfx_start(f);
#define FIND                                                                                                 \
    "findscu -W -aec YUNZHEN -aet CT1 -k PatientName%s -k PatientID -k AccessionNumber -k StudyInstanceUID " \
    "-k 'ScheduledProcedureStepSequence[0].Modality=%s' "                                                    \
    "-k 'ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate=%s' "                             \
    "-k 'ScheduledProcedureStepSequence[0].ScheduledStationAETitle' %s 127.0.0.1 %u"
    CHECK_INT(dfx_run(f, out, sizeof out, FIND, "", "CT", "", "-k SpecificCharacterSet='ISO_IR 192'",
                      (unsigned)f->port),
              0);
    CHECK(strstr(out, ACCESSION) && strstr(out, "[102 ]") && strstr(out, "演示患者乙") &&
          strstr(out, "2.25."));
    CHECK(strstr(out, "20261121") != NULL); /* 01:30 in Shanghai */
    CHECK(strstr(out, "[CT1 ]") != NULL || strstr(out, "[CT1]") != NULL);
    CHECK(strstr(out, "0000000000ABD") == NULL);
    CHECK_INT(dfx_run(f, out, sizeof out, FIND, "", "", "20261121-", "-k SpecificCharacterSet=GB18030",
                      (unsigned)f->port),
              0);
    CHECK(strstr(out, ACCESSION) && strstr(out, "0000000000ABD") && strstr(out, "GB18030"));
    CHECK(strstr(out, "\xd1\xdd\xca\xbe\xbb\xbc\xd5\xdf\xd2\xd2") != NULL); /* 演示患者乙 in GB18030 */
    CHECK_INT(dfx_run(f, out, sizeof out, FIND, "", "", "-20261120", "", (unsigned)f->port), 0);
    CHECK(strstr(out, ACCESSION) == NULL);
    CHECK_INT(dfx_run(f, out, sizeof out, FIND, "='演示*'", "", "", "-k SpecificCharacterSet='ISO_IR 192'",
                      (unsigned)f->port),
              0);
    CHECK(strstr(out, ACCESSION) != NULL);
    CHECK_INT(dfx_run(f, out, sizeof out, FIND, "='王*'", "", "", "-k SpecificCharacterSet='ISO_IR 192'",
                      (unsigned)f->port),
              0);
    CHECK(strstr(out, ACCESSION) == NULL);
    CHECK_INT(dfx_run(f, out, sizeof out, "echoscu -aec YUNZHEN 127.0.0.1 %u", (unsigned)f->port), 0);
}

/* Two more senders as they are: dcmsend of a whole folder, and a file that is none, refused before it leaves. */
TEST(senders, dcmsend_delivers_what_storescu_delivers)
{
    struct dfx *f = dfx_open(t);
    const char *path = test_path(t, f->data, "a.dcm");
    struct dfx_image im = {.sop = "1.9.7", .pixels = 300000};
    char out[20000];
    uint8_t *data;
    size_t len;
    FILE *file = fopen(path, "we");

    data = dfx_image(&im, &len);
    CHECK(file != NULL);
    dfx_write_meta(file, CT_IMAGE, im.sop, EXPLICIT);
    CHECK_INT(fwrite(data, 1, len, file), len);
    CHECK_INT(fclose(file), 0);
    free(data);
    dfx_start(f);
    CHECK_INT(dfx_run(f, out, sizeof out, "dcmsend -aec YUNZHEN 127.0.0.1 %u %s", (unsigned)f->port, path),
              0);
    CHECK_INT(dfx_run(f, out, sizeof out, "storescu -aec YUNZHEN 127.0.0.1 %u %s", (unsigned)f->port, path),
              0);
    dfx_soon("SELECT count(*) FROM dicom.instances WHERE sop_uid = '1.9.7' AND source = 'DCMSEND'", 1);
    CHECK_INT(dfx_count("SELECT count(*) FROM dicom.instances"), 1);
}

TEST(queries, find_studies_series_and_images_with_findscu)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image a = {.sop = "1.9.1", .accession = "A-1"}, b = {.sop = "1.9.2",
                                                                    .study = "1.2.5",
                                                                    .series = "1.2.5.1",
                                                                    .patient_name = "张^三",
                                                                    .patient_no = "P2"};
    char out[20000];

    dfx_start(f);
    send(f, &a);
    send(f, &b);
    dfx_soon("SELECT count(*) FROM dicom.instances", 2);
#define QUERY                                                                                                \
    "findscu -S -aec YUNZHEN -k QueryRetrieveLevel=%s -k StudyInstanceUID=%s %s -k "                         \
    "SpecificCharacterSet='ISO_IR 192' 127.0.0.1 %u"
    CHECK_INT(dfx_run(f, out, sizeof out, QUERY, "STUDY", "",
                      "-k PatientName='王*' -k NumberOfStudyRelatedInstances", (unsigned)f->port),
              0);
    CHECK(strstr(out, "王^小东") && !strstr(out, "张^三"));
    CHECK_INT(dfx_run(f, out, sizeof out, QUERY, "STUDY", "",
                      "-k StudyDate=20261101-20261130 -k ModalitiesInStudy=CT", (unsigned)f->port),
              0);
    CHECK(strstr(out, "[1.2.3]") && strstr(out, "[1.2.5]"));
    CHECK_INT(dfx_run(f, out, sizeof out, QUERY, "STUDY", "", "-k StudyDate=20270101- ", (unsigned)f->port),
              0);
    CHECK(!strstr(out, "[1.2.3]"));
    CHECK_INT(dfx_run(f, out, sizeof out, QUERY, "SERIES", "1.2.5", "-k SeriesInstanceUID -k Modality",
                      (unsigned)f->port),
              0);
    CHECK(strstr(out, "[1.2.5.1]") != NULL);
    CHECK_INT(dfx_run(f, out, sizeof out, QUERY, "IMAGE", "1.2.5",
                      "-k SeriesInstanceUID=1.2.5.1 -k SOPInstanceUID -k Rows", (unsigned)f->port),
              0);
    CHECK(strstr(out, "[1.9.2]") != NULL);
    dfx_run(f, out, sizeof out, QUERY, "GALAXY", "", "-v", (unsigned)f->port);
    CHECK(strstr(out, "[1.2.3]") == NULL &&
          strstr(out, "Final Find Response (Error: DataSetDoesNotMatchSOPClass)") != NULL);
}
