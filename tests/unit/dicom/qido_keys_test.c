#include "dicom/qido_keys.h"
#include "tests/unit/test.h"
#include <stdlib.h>
#include <string.h>

static bool add(struct qido_keys *k, const char *name, const char *value, struct err *err)
{
    return qido_keys_add(k, QIDO_STUDIES, name, value, err);
}

TEST(query, takes_keywords_and_digits_for_the_same_key)
{
    struct qido_keys k = {0};
    struct err err = ERR_INIT;

    CHECK_OK(add(&k, "PatientID", "88*", &err), &err);
    CHECK_STR(k.text[QIDO_PATIENT_ID], "88%");
    CHECK_OK(add(&k, "00100020", "4_?%", &err), &err);
    CHECK_STR(k.text[QIDO_PATIENT_ID], "4\\__\\%");
    qido_keys_free(&k);
}

TEST(query, with_wildcards_becomes_a_pattern_in_which_nothing_else_is_special)
{
    static const char *const PAIRS[][2] = {
        {"王*", "王%"}, {"?^三", "_^三"}, {"100%", "100\\%"}, {"a_b\\c", "a\\_b\\\\c"}, {"**", "%%"}};

    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++) {
        char *like = qido_like(PAIRS[i][0]);
        CHECK_STR(like, PAIRS[i][1]);
        free(like);
    }
}

TEST(query, of_dates_is_a_range_with_open_ends)
{
    struct qido_keys k = {0};
    struct err err = ERR_INIT;

    CHECK_OK(add(&k, "StudyDate", "20260105-20260131", &err), &err);
    CHECK_STR(k.text[QIDO_DATE_FROM], "2026-01-05");
    CHECK_STR(k.text[QIDO_DATE_TO], "2026-01-31");
    qido_keys_free(&k);
    k = (struct qido_keys){0};
    CHECK_OK(add(&k, "StudyDate", "20260105", &err), &err);
    CHECK_STR(k.text[QIDO_DATE_TO], "2026-01-05");
    qido_keys_free(&k);
    k = (struct qido_keys){0};
    CHECK_OK(add(&k, "StudyDate", "-20260105", &err), &err);
    CHECK(!k.text[QIDO_DATE_FROM]);
    CHECK_OK(add(&k, "PatientBirthDate", "19700101-", &err), &err);
    CHECK_STR(k.text[QIDO_BORN_FROM], "19700101");
    CHECK(!k.text[QIDO_BORN_TO]);
    CHECK_ERR(add(&k, "StudyDate", "2026-01-05", &err), &err, ERR_INVALID, "query_value");
    CHECK_ERR(add(&k, "StudyDate", "-", &err), &err, ERR_INVALID, "query_value");
    CHECK_ERR(add(&k, "StudyDate", "2026'; --", &err), &err, ERR_INVALID, "query_value");
    qido_keys_free(&k);
}

TEST(query, of_uids_is_a_list)
{
    struct qido_keys k = {0};
    struct err err = ERR_INIT;

    CHECK_OK(add(&k, "StudyInstanceUID", "1.2.3,1.2.4\\1.2.5", &err), &err);
    CHECK_INT(k.n[QIDO_STUDY_UID], 3);
    CHECK_STR(k.list[QIDO_STUDY_UID][2], "1.2.5");
    CHECK_ERR(add(&k, "StudyInstanceUID", "1.2.x", &err), &err, ERR_INVALID, "query_value");
    qido_keys_uid(&k, QIDO_STUDY_UID, "1.9");
    CHECK_INT(k.n[QIDO_STUDY_UID], 1);
    qido_keys_free(&k);
}

TEST(query, by_what_nobody_knows_is_refused_and_by_nothing_is_everything)
{
    struct qido_keys k = {0};
    struct err err = ERR_INIT;

    CHECK_ERR(add(&k, "PatientNam", "x", &err), &err, ERR_INVALID, "query_key_unknown");
    CHECK_ERR(add(&k, "StudyTime", "10", &err), &err, ERR_INVALID, "query_key_unsupported");
    CHECK_ERR(add(&k, "SeriesNumber", "1", &err), &err, ERR_INVALID, "query_key_unsupported");
    CHECK_OK(qido_keys_add(&k, QIDO_SERIES, "SeriesNumber", "1", &err), &err);
    CHECK_OK(add(&k, "PatientName", "", &err), &err);
    CHECK_OK(add(&k, "PatientName", "*", &err), &err);
    CHECK(!k.text[QIDO_PATIENT_NAME]);
    CHECK_OK(add(&k, "includefield", "all", &err), &err);
    qido_keys_free(&k);
}

TEST(query, pages_are_bounded)
{
    struct qido_keys k = {0};
    struct err err = ERR_INIT;
    struct db_args a;

    CHECK_OK(add(&k, "limit", "999999999999", &err), &err);
    CHECK_INT(k.limit, QIDO_LIMIT_MAX);
    CHECK_OK(add(&k, "offset", "25", &err), &err);
    CHECK_ERR(add(&k, "limit", "-1", &err), &err, ERR_INVALID, "query_value");
    CHECK_ERR(add(&k, "limit", "ten", &err), &err, ERR_INVALID, "query_value");
    db_args_init(&a);
    qido_keys_args(&k, QIDO_INSTANCES, &a);
    CHECK_INT(a.n, QIDO_KEYS + 2);
    CHECK_STR(a.v[QIDO_KEYS], "1001");
    CHECK_STR(a.v[QIDO_KEYS + 1], "25");
    db_args_free(&a);
    qido_keys_free(&k);
}
