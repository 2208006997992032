/* The HTTP side alone, against a real database: who sees what, in which form, and what bad input gets. */
#include "core/json.h"
#include "tests/unit/dicom/web_rig.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DICOM_PARTS "multipart/related; type=\"application/dicom\"; boundary=XX"
#define ANY_SYNTAX  "multipart/related; type=application/octet-stream; transfer-syntax=*"

static json_t *json_of(const struct web_answer *a)
{
    json_t *doc = json_loadb(a->body, a->len, 0, NULL);

    CHECK(doc != NULL);
    return doc;
}

static const char *text_of(const json_t *row, const char *tag)
{
    const char *text =
        json_string_value(json_array_get(json_object_get(json_object_get(row, tag), "Value"), 0));

    return text ? text : "";
}

static void check_code(const struct web_answer *a, int status, const char *code)
{
    json_t *doc = json_of(a);

    CHECK_STR(json_string_value(json_object_get(doc, "code")), code);
    CHECK_INT(a->status, status);
    json_decref(doc);
}

static size_t rows_of(struct web_rig *r, const char *path, const char *who)
{
    const struct web_answer *a = web_rig_get(r, path, who, "application/dicom+json");
    json_t *doc = json_of(a);
    size_t n = json_array_size(doc);

    CHECK_INT(a->status, 200);
    json_decref(doc);
    return n;
}

TEST(dicomweb, answers_nobody_without_an_identity)
{
    struct web_rig *r = web_rig_start(t);

    check_code(web_rig_get(r, "/dicomweb/studies", NULL, NULL), 401, "not_logged_in");
    check_code(web_rig_get(r, "/dicomweb/studies", "region=150000;tenant=21", NULL), 401, "not_logged_in");
    check_code(web_rig_get(r, "/dicomweb/studies",
                           "region=150001;tenant=21;account=1;person=0;staff=1;roles=8;session=1", NULL),
               401, "not_logged_in");
    check_code(web_rig_get(r, "/dicomweb/nothing", OPERATOR, NULL), 404, "not_found");
    check_code(web_rig_get(r, "/dicomweb/studies/1.2.x/series", OPERATOR, NULL), 404, "not_found");
}

TEST(query, finds_a_chinese_name_by_its_beginning_and_by_any_of_its_groups)
{
    struct web_rig *r = web_rig_start(t);

    CHECK_INT(rows_of(r, "/dicomweb/studies", OPERATOR), 2);
    CHECK_INT(rows_of(r, "/dicomweb/studies?PatientName=%E7%8E%8B*", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies?PatientName=wang*", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies?00100010=%E7%8E%8B%5E%E5%B0%8F%E4%B8%9C", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies?PatientName=%E7%8E%8B%E5%B0%8F%E4%B8%9C", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies?PatientName=%E5%BC%A0*", OPERATOR), 0);
    CHECK_INT(rows_of(r, "/dicomweb/studies?PatientName=%25", OPERATOR), 0);
}

TEST(query, has_the_keys_of_the_standard)
{
    struct web_rig *r = web_rig_start(t);

    CHECK_INT(rows_of(r, "/dicomweb/studies?PatientID=102&AccessionNumber=ACC?", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies?StudyDate=20260105", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies?StudyDate=20260106-", OPERATOR), 0);
    CHECK_INT(rows_of(r, "/dicomweb/studies?StudyDate=20251201-20260131", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies?ModalitiesInStudy=CT,MR", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies?ModalitiesInStudy=MR", OPERATOR), 0);
    CHECK_INT(rows_of(r, "/dicomweb/studies?StudyInstanceUID=" STUDY_A ",1.2.3", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies?PatientBirthDate=19550101-19551231&PatientSex=M", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/series?Modality=CT", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies/" STUDY_A "/series", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies/" STUDY_A "/instances?InstanceNumber=2", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies/" STUDY_A "/series/" SERIES_A "/instances", OPERATOR), 2);
    CHECK_INT(rows_of(r, "/dicomweb/instances?SOPInstanceUID=" INSTANCE_A, OPERATOR), 1);
    check_code(web_rig_get(r, "/dicomweb/studies?PatientNam=1", OPERATOR, NULL), 400, "query_key_unknown");
    check_code(web_rig_get(r, "/dicomweb/studies?StudyDate=yesterday", OPERATOR, NULL), 400, "query_value");
    check_code(web_rig_get(r, "/dicomweb/studies?StudyDate=20260231", OPERATOR, NULL), 400, "bad_value");
    check_code(web_rig_get(r, "/dicomweb/studies", OPERATOR, "application/dicom+xml"), 406, "not_acceptable");
}

TEST(query, answers_in_dicom_json_and_says_when_there_is_more)
{
    struct web_rig *r = web_rig_start(t);
    const struct web_answer *a =
        web_rig_get(r, "/dicomweb/studies?limit=1", OPERATOR, "application/dicom+json");
    json_t *doc = json_of(a), *row = json_array_get(doc, 0);
    const json_t *name = json_array_get(json_object_get(json_object_get(row, "00100010"), "Value"), 0);

    CHECK(web_answer_says(a, "Content-Type: application/dicom+json\r\n"));
    CHECK(web_answer_says(a, "Warning: 299 "));
    CHECK_STR(text_of(row, "0020000D"), STUDY_A);
    CHECK_STR(text_of(row, "00080020"), "20260105");
    CHECK_STR(text_of(row, "00080061"), "CT");
    CHECK_STR(text_of(row, "00081190"), "http://clinic.example/dicomweb/studies/" STUDY_A);
    CHECK_STR(json_string_value(json_object_get(name, "Alphabetic")), "Wang^XiaoDong");
    CHECK_STR(json_string_value(json_object_get(name, "Ideographic")), "王^小东");
    json_decref(doc);
    CHECK_INT(rows_of(r, "/dicomweb/studies?limit=1&offset=1", OPERATOR), 1);
    CHECK_INT(rows_of(r, "/dicomweb/studies?limit=1&offset=2", OPERATOR), 0);
}

TEST(another_house, sees_nothing)
{
    struct web_rig *r = web_rig_start(t);

    CHECK_INT(rows_of(r, "/dicomweb/studies", ELSEWHERE), 0);
    CHECK_INT(rows_of(r, "/dicomweb/studies/" STUDY_A "/series", ELSEWHERE), 0);
    check_code(web_rig_get(r, AT_A, ELSEWHERE, NULL), 404, "not_found");
    check_code(web_rig_get(r, AT_A "/frames/1", ELSEWHERE, NULL), 404, "not_found");
    check_code(web_rig_get(r, AT_A "/metadata", ELSEWHERE, NULL), 404, "not_found");
    check_code(web_rig_get(r, AT_A "/rendered", PATIENT_2, NULL), 404,
               "not_found"); /* not matched to anybody */
}

TEST(frames, are_given_as_stored_under_their_true_name)
{
    struct web_rig *r = web_rig_start(t);
    const struct web_answer *a = web_rig_get(r, AT_A "/frames/2", OPERATOR, ANY_SYNTAX);

    CHECK_INT(a->status, 200);
    CHECK(
        web_answer_says(a, "Content-Type: multipart/related; type=\"application/octet-stream\"; boundary="));
    CHECK(strstr(
        a->body,
        "\r\nContent-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1\r\n\r\nEFGH\r\n--"));
    a = web_rig_get(r,
                    "/dicomweb/studies/" STUDY_A "/series/" SERIES_A "/instances/1.2.826.1.100.1.2/frames/1",
                    OPERATOR, ANY_SYNTAX);
    CHECK(web_answer_says(a, "type=\"image/jls\""));
    CHECK(strstr(a->body,
                 "\r\nContent-Type: image/jls; transfer-syntax=1.2.840.10008.1.2.4.80\r\n\r\nJPEGLS\r\n--"));
    a = web_rig_get(r, AT_A "/frames/1,2", OPERATOR, NULL);
    CHECK(strstr(a->body, "\r\n\r\nABCD\r\n--") && strstr(a->body, "\r\n\r\nEFGH\r\n--"));
    a = web_rig_get(r, AT_A "/frames/1", OPERATOR, "application/octet-stream");
    CHECK(web_answer_says(a,
                          "Content-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1\r\n"));
    CHECK(web_answer_says(a, "Content-Length: 4\r\n"));
    CHECK_STR(a->body, "ABCD");
}

TEST(frames, that_are_not_there_or_not_so_are_refused_with_the_reason)
{
    struct web_rig *r = web_rig_start(t);

    check_code(web_rig_get(r, AT_A "/frames/3", OPERATOR, NULL), 404, "frame_missing");
    check_code(web_rig_get(r, AT_A "/frames/0", OPERATOR, NULL), 400, "frame_list");
    check_code(web_rig_get(r, AT_A "/frames/1,,2", OPERATOR, NULL), 400, "frame_list");
    check_code(web_rig_get(r, AT_A "/frames/1", OPERATOR, "multipart/related; type=\"image/jphc\""), 406,
               "not_acceptable");
    check_code(web_rig_get(r, AT_A "/frames/1,2", OPERATOR, "application/octet-stream"), 406,
               "not_acceptable");
    /* JPEG-LS as plain values is a decoder's work, and there is none here */
    check_code(web_rig_get(r,
                           "/dicomweb/studies/" STUDY_A "/series/" SERIES_A
                           "/instances/1.2.826.1.100.1.2/frames/1",
                           OPERATOR, NULL),
               503, "decoder_missing");
    check_code(web_rig_get(r, AT_A "/rendered", OPERATOR, "text/html"), 406, "not_acceptable");
    check_code(web_rig_get(r, AT_A "/rendered?window=1", OPERATOR, NULL), 400, "query_value");
    check_code(web_rig_get(r, AT_A "/rendered?viewport=9e9,1", OPERATOR, NULL), 400, "query_value");
}

TEST(objects, leave_as_they_are_stored)
{
    struct web_rig *r = web_rig_start(t);
    const struct web_answer *a = web_rig_get(r, "/dicomweb/studies/" STUDY_A, OPERATOR,
                                             "multipart/related; type=\"application/dicom\"");

    CHECK_INT(a->status, 200);
    CHECK(
        strstr(a->body,
               "transfer-syntax=1.2.840.10008.1.2.1\r\nContent-Length: 18\r\n\r\n0123456789ABCDEFGH\r\n--"));
    CHECK(strstr(
        a->body,
        "transfer-syntax=1.2.840.10008.1.2.4.80\r\nContent-Length: 18\r\n\r\nheadJPEGmoreLSend.\r\n--"));
    CHECK(!strcmp(a->body + a->len - 4, "--\r\n"));
    a = web_rig_get(r, AT_A, OPERATOR, "application/dicom");
    CHECK(web_answer_says(a, "X-Accel-Redirect: /internal/imaging/150000/7001/1.dcm\r\n"));
    CHECK(web_answer_says(a, "Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1\r\n"));
    check_code(
        web_rig_get(r, AT_A, OPERATOR,
                    "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.90"),
        406, "not_acceptable");
}

TEST(metadata, is_made_once_and_kept_and_names_the_syntax)
{
    struct web_rig *r = web_rig_start(t);

    for (int round = 0; round < 2; round++) { /* the second one from the blob */
        const struct web_answer *a =
            web_rig_get(r, "/dicomweb/studies/" STUDY_A "/series/" SERIES_A "/metadata", OPERATOR, NULL);
        json_t *doc = json_of(a), *first = json_array_get(doc, 0);
        CHECK_INT(json_array_size(doc), 2);
        CHECK_STR(text_of(first, "00083002"), "1.2.840.10008.1.2.1");
        CHECK_STR(text_of(json_array_get(doc, 1), "00083002"), "1.2.840.10008.1.2.4.80");
        CHECK_STR(json_string_value(json_object_get(json_object_get(first, "7FE00010"), "BulkDataURI")),
                  AT_A "/bulkdata/7FE00010");
        json_decref(doc);
    }
    CHECK(web_answer_says(web_rig_ask(r, "GET", "/dicomweb/studies/" STUDY_A "/metadata", OPERATOR,
                                      "Accept-Encoding: gzip\r\n"),
                          "Content-Encoding: gzip\r\n"));
}

TEST(metadata, that_the_caller_has_is_not_sent_again)
{
    struct web_rig *r = web_rig_start(t);
    const struct web_answer *a = web_rig_get(r, AT_A "/metadata", OPERATOR, NULL);
    const char *tag = strstr(a->head, "ETag: ");
    char more[128];

    CHECK(tag != NULL);
    snprintf(more, sizeof more, "If-None-Match: %.*s\r\n", (int)strcspn(tag + 6, "\r"), tag + 6);
    CHECK_INT(web_rig_ask(r, "GET", AT_A "/metadata", OPERATOR, more)->status, 304);
}

static void tag_of(const struct web_answer *a, char *more, size_t cap)
{
    const char *tag = strstr(a->head, "ETag: ");

    CHECK(tag != NULL);
    snprintf(more, cap, "If-None-Match: %.*s\r\n", (int)strcspn(tag + 6, "\r"), tag + 6);
}

TEST(frames, in_a_browser_s_cache_are_asked_for_again_by_whoever_sits_there)
{
    struct web_rig *r = web_rig_start(t);
    const struct web_answer *a = web_rig_get(r, AT_A "/frames/1", OPERATOR, ANY_SYNTAX);
    char more[128], alone[200];

    CHECK(web_answer_says(a, "Cache-Control: private, no-cache\r\n"));
    CHECK(web_answer_says(a, "Vary: Accept\r\n"));
    tag_of(a, more, sizeof more);
    a = web_rig_ask(r, "GET", AT_A "/frames/1", OPERATOR, more);
    CHECK_INT(a->status, 304);
    CHECK(web_answer_says(a, "Cache-Control: private, no-cache\r\n"));
    snprintf(alone, sizeof alone, "%sAccept: application/octet-stream\r\n", more);
    CHECK_INT(web_rig_ask(r, "GET", AT_A "/frames/1", OPERATOR, alone)->status, 200); /* another form */
    CHECK_INT(web_rig_ask(r, "GET", AT_A "/frames/1", ELSEWHERE, more)->status, 404);
    CHECK_INT(web_rig_ask(r, "GET", AT_A "/frames/1", NULL, more)->status, 401);
    pg_sql("DELETE FROM records.audit");
    CHECK_INT(web_rig_ask(r, "GET", AT_A "/frames/1", DOCTOR_21, more)->status, 304);
    CHECK_STR(pg_value("SELECT count(*) FROM records.audit WHERE account_id = 314 AND action = 'study.view'"),
              "1");
}

TEST(a_look, just_after_a_match_names_the_patient)
{
    struct web_rig *r = web_rig_start(t);

    pg_sql("DELETE FROM records.audit; ALTER TABLE records.studies DROP CONSTRAINT study_matched_whole");
    CHECK_INT(web_rig_get(r, AT_A "/metadata", OPERATOR, NULL)->status, 200);
    pg_sql(
        "UPDATE records.studies SET person_id = 102 WHERE id = 7001"); /* all that matters here of a match */
    CHECK_INT(web_rig_get(r, AT_A "/metadata", OPERATOR, NULL)->status, 200);
    pg_sql("UPDATE records.studies SET person_id = NULL WHERE id = 7001");
    CHECK_STR(pg_value("SELECT string_agg(coalesce(person_id, 0)::text, ' ' ORDER BY id) FROM records.audit"
                       " WHERE action = 'study.view'"),
              "0 102");
}

TEST(a_look, is_in_the_audit_trail_once_an_hour_however_many_frames)
{
    struct web_rig *r = web_rig_start(t);

    pg_sql("DELETE FROM records.audit");
    for (int i = 0; i < 3; i++)
        CHECK_INT(web_rig_get(r, AT_A "/frames/1", DOCTOR_21, NULL)->status, 200);
    CHECK_INT(web_rig_get(r, "/dicomweb/studies/" STUDY_A "/metadata", DOCTOR_21, NULL)->status, 200);
    CHECK_STR(pg_value("SELECT string_agg(action || ' ' || subject_kind || ' ' || subject_id || ' ' || "
                       "account_id || ' ' || actor_name, ',') "
                       "FROM records.audit"),
              "study.view study 7001 314 演示乡医 Demo Township Doctor");
}

TEST(an_upload, is_taken_apart_and_answered_part_by_part)
{
    static const char GOOD[] = "--XX\r\nContent-Type: application/dicom\r\n\r\ngood\r\n--XX--\r\n";
    static const char MIXED[] =
        "--XX\r\n\r\ngood\r\n--XX\r\nContent-Type: application/dicom\r\n\r\ntext\r\n--XX\r\n"
        "Content-Type: image/png\r\n\r\ngood\r\n--XX--";
    static const char NONE[] = "--XX\r\n\r\ntext\r\n--XX--";
    struct web_rig *r = web_rig_start(t);
    const struct web_answer *a =
        web_rig_store(r, "/dicomweb/studies", OPERATOR, DICOM_PARTS, GOOD, sizeof GOOD - 1);
    json_t *doc = json_of(a), *item;

    CHECK_INT(a->status, 200);
    item = json_array_get(json_object_get(json_object_get(doc, "00081199"), "Value"), 0);
    CHECK_STR(text_of(item, "00081155"), "1.2.9.1.1");
    CHECK_STR(text_of(item, "00081190"),
              "http://clinic.example/dicomweb/studies/1.2.9/series/1.2.9.1/instances/1.2.9.1.1");
    json_decref(doc);
    a = web_rig_store(r, "/dicomweb/studies", OPERATOR, DICOM_PARTS, MIXED, sizeof MIXED - 1);
    CHECK_INT(a->status, 202);
    CHECK(web_answer_says(a, "Warning: 299 yunzhen \"part 2: not_dicom\"\r\n"));
    doc = json_of(a);
    CHECK_INT(json_array_size(json_object_get(json_object_get(doc, "0008119A"), "Value")), 2);
    json_decref(doc);
    CHECK_INT(web_rig_store(r, "/dicomweb/studies", OPERATOR, DICOM_PARTS, NONE, sizeof NONE - 1)->status,
              409);
    a = web_rig_store(r, "/dicomweb/studies/1.2.8", OPERATOR, DICOM_PARTS, GOOD, sizeof GOOD - 1);
    CHECK_INT(a->status, 409);
    CHECK(web_answer_says(a, "part 1: study_differs"));
}

TEST(an_upload, that_is_bad_is_refused_with_its_reason_and_nothing_of_it_is_taken)
{
    static const char GOOD[] = "--XX\r\n\r\ngood\r\n--XX--", CUT[] = "--XX\r\n\r\ngood\r\n--XX\r\n\r\ngo",
                      BUSY[] = "--XX\r\n\r\nbusy\r\n--XX--";
    struct web_rig *r = web_rig_start(t);

    check_code(web_rig_store(r, "/dicomweb/studies", OPERATOR, DICOM_PARTS, CUT, sizeof CUT - 1), 400,
               "multipart_truncated");
    check_code(web_rig_store(r, "/dicomweb/studies", OPERATOR, DICOM_PARTS, "hello", 5), 400,
               "multipart_malformed");
    check_code(web_rig_store(r, "/dicomweb/studies", OPERATOR, DICOM_PARTS, "", 0), 400, "body_missing");
    check_code(web_rig_store(r, "/dicomweb/studies", OPERATOR, "application/dicom", GOOD, sizeof GOOD - 1),
               415, "content_type");
    check_code(web_rig_store(r, "/dicomweb/studies", OPERATOR,
                             "multipart/related; type=\"application/dicom+xml\"; boundary=XX", GOOD,
                             sizeof GOOD - 1),
               415, "content_type");
    check_code(web_rig_store(r, "/dicomweb/studies", PATIENT_2, DICOM_PARTS, GOOD, sizeof GOOD - 1), 403,
               "role_missing");
    check_code(web_rig_ask(r, "POST", "/dicomweb/studies", OPERATOR,
                           "Content-Type: " DICOM_PARTS
                           "\r\nContent-Length: 0\r\nX-Body-File: /etc/passwd\r\n"),
               403, "internal");
    check_code(web_rig_ask(r, "POST", "/dicomweb/studies", OPERATOR,
                           "Content-Type: " DICOM_PARTS
                           "\r\nContent-Length: 0\r\nOrigin: https://evil.example\r\n"),
               403, "origin_foreign");
    CHECK_INT(web_rig_store(r, "/dicomweb/studies", OPERATOR, DICOM_PARTS, BUSY, sizeof BUSY - 1)->status,
              503);
}
