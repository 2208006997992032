/* The life of an exam on a real database: ordered, imaged, read, signed, amended; and everybody who may not. */
#include "core/clock.h"
#include "records/report_verify.h"
#include "tests/unit/scheduling/read_fx.h"
#include <stdio.h>
#include <string.h>

static const char *state_of(struct fx *f, int64_t exam)
{
    return fx_value(f, "SELECT state FROM records.exams WHERE id = %lld", (long long)exam);
}

static const json_t *row_of(const json_t *list, int64_t exam)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) if (fx_id(item, "id") == exam) return item;
    return NULL;
}

static bool acts(const json_t *exam, const char *act)
{
    return fx_has(json_object_get(exam, "acts"), act);
}

/* ---------------------------------------------------------------- ordering */

TEST(exam, is_ordered_in_a_visit_and_stands_before_patient_township_and_doctor)
{
    struct fx *f = fx_open(t);
    int64_t visit = fx_visit(f), exam = fx_exam(f, visit, "CT", "normal");
    static const char *const PARTIES[] = {"township_doctor1", "operator1", "patient2", "doctor1",
                                          "coordinator1"};
    static const char *const STRANGERS[] = {"patient1", "doctor3", "reader1"};

    for (size_t i = 0; i < sizeof PARTIES / sizeof *PARTIES; i++) {
        json_t *seen = fx_exam_of(f, PARTIES[i], exam);

        CHECK_INT(fx_id(seen, "person.id"), 102);
        CHECK_INT(strlen(fx_str(seen, "accession_no")), 13);
        CHECK_INT(fx_id(seen, "visit_id"), visit);
    }
    for (size_t i = 0; i < sizeof STRANGERS / sizeof *STRANGERS; i++)
        CHECK_REFUSED(fx_ask(f, STRANGERS[i], SCHED_OP_EXAM_GET, "{'exam_id':'%lld'}", (long long)exam),
                      ERR_NOT_FOUND, "not_found");
    CHECK(row_of(fx_get(f, "operator1", SCHED_OP_EXAM_LIST, "{'scope':'township'}"), exam));
    CHECK(row_of(fx_get(f, "patient2", SCHED_OP_EXAM_LIST, "{}"), exam));
    CHECK(row_of(
        fx_get(f, "doctor1", SCHED_OP_EXAM_LIST, "{'scope':'visit','visit_id':'%lld'}", (long long)visit),
        exam));
    CHECK(!row_of(
        fx_get(f, "patient1", SCHED_OP_EXAM_LIST, "{'scope':'visit','visit_id':'%lld'}", (long long)visit),
        exam));
    CHECK_REFUSED(
        fx_ask(f, "doctor3", SCHED_OP_EXAM_CREATE,
               "{'visit_id':'%lld','modality':'CT','procedure':'x','question':'x','urgency':'normal'}",
               (long long)visit),
        ERR_NOT_FOUND, "not_found");
    CHECK_INT(
        fx_count(f, "SELECT count(*) FROM records.audit WHERE action = 'exam.create' AND person_id = 102"),
        1);
}

TEST(exam, is_cancelled_while_nobody_reads_it)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "normal"), other = fx_pooled_exam(f, "DX", "normal");

    fx_did_read(f, "township_doctor1", SCHED_OP_EXAM_CANCEL, exam, ",'reason':'x'");
    CHECK_STR(state_of(f, exam), "cancelled");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, other, "");
    CHECK_REFUSED(fx_read(f, "township_doctor1", SCHED_OP_EXAM_CANCEL, other, ",'reason':'x'"), ERR_CONFLICT,
                  "wrong_state");
}

/* ---------------------------------------------------------------- pictures */

TEST(exam, follows_its_study_from_the_first_image_to_the_pool_and_the_clock_starts_there)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_exam(f, fx_visit(f), "CT", "urgent"), study;

    study = fx_study(f, exam, false);
    CHECK_STR(state_of(f, exam), "acquired");
    CHECK_STR(fx_str(fx_exam_of(f, "operator1", exam), "study.state"), "arriving");
    fx_sql(f, "UPDATE records.studies SET state = 'complete', complete_at = now() WHERE id = %lld",
           (long long)study);
    CHECK(owner_tick(f->o));
    CHECK_STR(state_of(f, exam), "pooled");
    CHECK_INT(
        fx_count(
            f,
            "SELECT extract(epoch FROM deadline_at - pooled_at)::int / 60 FROM records.exams WHERE id = %lld",
            (long long)exam),
        120);
    CHECK(!json_is_true(json_object_get(fx_exam_of(f, "operator1", exam), "overdue")));
    owner_shift_clock(f->o, 121 * 60 * US_PER_S);
    CHECK(json_is_true(json_object_get(fx_exam_of(f, "operator1", exam), "overdue")));
}

TEST(exam, whose_study_was_given_back_waits_for_another)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "normal");

    fx_sql(f,
           "UPDATE records.studies SET matched = false, exam_id = NULL, visit_id = NULL, person_id = NULL, "
           "matched_at = NULL,"
           " matched_by = NULL WHERE exam_id = %lld",
           (long long)exam);
    CHECK(owner_tick(f->o));
    CHECK_STR(state_of(f, exam), "ordered");
    CHECK(json_is_null(json_object_get(fx_exam_of(f, "operator1", exam), "study")));
    fx_study(f, exam, true);
    CHECK_STR(state_of(f, exam), "pooled");
}

/* ---------------------------------------------------------------- the worklist */

TEST(reading, the_worklist_is_by_urgency_and_remaining_time_and_names_nobody)
{
    struct fx *f = fx_open(t);
    int64_t normal = fx_pooled_exam(f, "CT", "normal"), quick = fx_pooled_exam(f, "DX", "normal"),
            emergency = fx_pooled_exam(f, "CT", "emergency"), ecg = fx_pooled_exam(f, "ECG", "urgent");
    json_t *list = fx_get(f, "reader1", SCHED_OP_READING_LIST, "{}"), *row;
    char *text = json_dumps(list, 0);
    const int64_t ORDER[] = {emergency, ecg, quick, normal};
    size_t i;

    CHECK_INT(json_array_size(list), 4);
    json_array_foreach(list, i, row)
    {
        CHECK_INT(fx_id(row, "id"), ORDER[i]);
        CHECK(json_is_null(json_object_get(row, "person")));
        CHECK(json_is_null(json_object_get(row, "visit_id")));
        CHECK(json_is_null(json_object_get(json_object_get(row, "study"), "study_uid")));
        CHECK_STR(fx_str(row, "age_band"), "70-79");
        CHECK_INT(fx_int(row, "study.n_instances"), 30);
        CHECK(acts(row, "claim"));
    }
    CHECK(!strstr(text, "Demo Patient") && !strstr(text, "\"102\"") && !strstr(text, "1.2.3."));
    free(text);
    CHECK_INT(json_array_size(fx_get(f, "reader1", SCHED_OP_READING_LIST, "{'modality':'ECG'}")), 1);
    fx_sql(f, "UPDATE records.staff SET specialties = '{ecg}' WHERE id = 213");
    CHECK_INT(json_array_size(fx_get(f, "reader2", SCHED_OP_READING_LIST, "{}")), 1);
}

/* ---------------------------------------------------------------- the report */

TEST(reading, goes_from_the_claim_to_a_signed_report_that_township_patient_and_doctor_read)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "normal");
    json_t *mine = fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, ""), *saved, *after, *reports,
           *heard = NULL;
    static const char *const READERS[] = {"township_doctor1", "operator1", "patient2",
                                          "doctor1",          "reader1",   "coordinator1"};

    CHECK_INT(fx_id(mine, "person.id"), 102);
    CHECK(*fx_str(mine, "study.study_uid") && acts(mine, "draft") && !acts(mine, "sign"));
    saved = fx_did_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                        ",'draft_version':0,'findings':'所见','impression':'印象','template':'61'");
    CHECK_INT(fx_int(saved, "draft_version"), 1);
    CHECK_INT(fx_int(saved, "exam_version"), fx_exam_version(f, exam));
    CHECK_REFUSED(fx_ask(f, "township_doctor1", SCHED_OP_EXAM_SIGN,
                         "{'exam_id':'%lld','version':1,'draft_version':1}", (long long)exam),
                  ERR_DENIED, "role_denied");
    fx_forget_events(f);
    after = fx_did_read(f, "reader1", SCHED_OP_EXAM_SIGN, exam, ",'draft_version':1");
    CHECK_STR(fx_str(after, "state"), "delivered");
    CHECK_INT(fx_int(after, "report_version"), 1);
    CHECK_INT(fx_events(f, "exam", &heard), 1);
    CHECK_STR(fx_str(heard, "state"), "delivered");
    json_decref(heard);
    for (size_t i = 0; i < sizeof READERS / sizeof *READERS; i++) {
        reports = fx_get(f, READERS[i], SCHED_OP_REPORT_LIST, "{'exam_id':'%lld'}", (long long)exam);
        CHECK_INT(json_array_size(reports), 1);
        CHECK_STR(fx_str(json_array_get(reports, 0), "impression"), "印象");
        CHECK_INT(strlen(fx_str(json_array_get(reports, 0), "code")), 26);
    }
    CHECK_REFUSED(fx_ask(f, "reader2", SCHED_OP_REPORT_LIST, "{'exam_id':'%lld'}", (long long)exam),
                  ERR_NOT_FOUND, "not_found");
    /* Sight of the pictures while he read, the record afterwards, the person's past no more. */
    CHECK_INT(fx_count(f,
                       "SELECT count(*) FROM records.access WHERE order_id = %lld AND purpose = 'reading' "
                       "AND until > now()",
                       (long long)exam),
              0);
    CHECK_INT(fx_count(f,
                       "SELECT count(*) FROM records.access WHERE order_id = %lld AND purpose = 'record' AND "
                       "until > now()",
                       (long long)exam),
              2);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.audit WHERE person_id = 102 AND action IN "
                          "('exam.sign', 'report.look')"),
              6);
}

TEST(reading, an_amendment_is_the_next_version_and_both_stay)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_signed_exam(f, "CT");
    json_t *reports;

    CHECK_REFUSED(
        fx_read(f, "reader1", SCHED_OP_EXAM_AMEND, exam, ",'findings':'','impression':'  ','reason':'x'"),
        ERR_INVALID, "impression_missing");
    for (int i = 2; i <= 3; i++)
        fx_did_read(f, "reader1", SCHED_OP_EXAM_AMEND, exam,
                    ",'findings':'再阅','impression':'补充','reason':'漏看'");
    CHECK_STR(state_of(f, exam), "amended");
    reports = fx_get(f, "patient2", SCHED_OP_REPORT_LIST, "{'exam_id':'%lld'}", (long long)exam);
    CHECK_INT(json_array_size(reports), 3);
    CHECK_INT(fx_int(json_array_get(reports, 0), "version"), 3);
    CHECK_STR(fx_str(json_array_get(reports, 0), "kind"), "amendment");
    CHECK_STR(fx_str(json_array_get(reports, 0), "reason"), "漏看");
    CHECK_STR(fx_str(json_array_get(reports, 2), "impression"), "印象");
    CHECK_REFUSED(
        fx_read(f, "reader2", SCHED_OP_EXAM_AMEND, exam, ",'findings':'','impression':'x','reason':'x'"),
        ERR_NOT_FOUND, "not_found");
}

TEST(reading, a_licence_is_asked_for_at_the_claim_and_again_at_the_signature)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "normal"), other = fx_pooled_exam(f, "CT", "normal");
    struct sched_request *r;

    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                ",'draft_version':0,'findings':'a','impression':'b'");
    fx_sql(f, "UPDATE records.staff SET licence_until = current_date - 2 WHERE id = 206");
    CHECK_REFUSED(fx_read(f, "reader1", SCHED_OP_EXAM_SIGN, exam, ",'draft_version':1"), ERR_DENIED,
                  "licence_expired");
    r = fx_read(f, "reader1", SCHED_OP_EXAM_CLAIM, other, "");
    CHECK_REFUSED(r, ERR_DENIED, "claim_ineligible");
    CHECK_STR(fx_str(r->answer.doc, "reason"), "licence");
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.reports"), 0);
    CHECK_STR(state_of(f, exam), "draft");
}

TEST(reading, a_stale_draft_is_neither_saved_nor_signed_and_the_newest_comes_back)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "normal");
    struct sched_request *r;

    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                ",'draft_version':0,'findings':'one','impression':''");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                ",'draft_version':1,'findings':'two','impression':''");
    r = fx_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                ",'draft_version':1,'findings':'other window','impression':''");
    CHECK_REFUSED(r, ERR_STALE, "draft_stale");
    CHECK_STR(fx_str(r->answer.doc, "draft.findings"), "two");
    CHECK_REFUSED(fx_read(f, "reader1", SCHED_OP_EXAM_SIGN, exam, ",'draft_version':1"), ERR_STALE,
                  "draft_stale");
    CHECK_REFUSED(fx_read(f, "reader1", SCHED_OP_EXAM_SIGN, exam, ",'draft_version':2"), ERR_INVALID,
                  "impression_missing");
    /* A browser that was closed finds its text again; nobody else sees it. */
    CHECK_STR(fx_str(fx_exam_of(f, "reader1", exam), "draft.findings"), "two");
    CHECK(json_is_null(json_object_get(fx_exam_of(f, "operator1", exam), "draft")));
}

TEST(reading, a_bad_image_is_rejected_and_the_retake_asks_the_same_question)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "urgent"), again;
    json_t *retake;

    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_REJECT, exam, ",'reason_code':'motion','reason':'呼吸运动伪影'");
    CHECK_STR(state_of(f, exam), "rejected");
    again = fx_count(f, "SELECT id FROM records.exams WHERE retake_of = %lld", (long long)exam);
    retake = fx_exam_of(f, "township_doctor1", again);
    CHECK_STR(fx_str(retake, "state"), "ordered");
    CHECK_STR(fx_str(retake, "question"), "咳嗽一周");
    CHECK_STR(fx_str(retake, "urgency"), "urgent");
    CHECK_INT(fx_id(fx_exam_of(f, "township_doctor1", exam), "retaken_by"), again);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.access WHERE order_id = %lld AND until > now()",
                       (long long)exam),
              0);
    fx_study(f, again, true);
    CHECK_STR(state_of(f, again), "pooled");
}

/* ---------------------------------------------------------------- two readers, hands, time */

TEST(reading, of_two_readers_in_one_batch_one_wins_and_the_other_hears_who)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "normal");
    struct sched_request *both[2];

    for (int i = 0; i < 2; i++)
        both[i] =
            fx_request(f, i ? "reader2" : "reader1", SCHED_OP_EXAM_CLAIM, "{'exam_id':'%lld','version':%lld}",
                       (long long)exam, (long long)fx_exam_version(f, exam));
    owner_turn(f->o, both, 2);
    CHECK_OK(!both[0]->answer.err.code, &both[0]->answer.err);
    CHECK_REFUSED(both[1], ERR_CONFLICT, "claim_lost");
    CHECK_STR(fx_str(both[1]->answer.doc, "reader_name"), "演示阅片医生 Demo Reader");
    CHECK_INT(fx_count(f,
                       "SELECT count(*) FROM scheduling.claim_log WHERE id = %lld AND result = 'lost' AND "
                       "winner_id = 206",
                       (long long)fx_id(both[1]->answer.doc, "log_id")),
              1);
}

TEST(reading, of_two_readers_in_two_batches_one_wins_and_a_repeat_of_the_winner_changes_nothing)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "normal"), version = fx_exam_version(f, exam);
    struct sched_request *r;

    fx_did_read(f, "reader2", SCHED_OP_EXAM_CLAIM, exam, "");
    r = fx_ask(f, "reader1", SCHED_OP_EXAM_CLAIM, "{'exam_id':'%lld','version':%lld}", (long long)exam,
               (long long)version);
    CHECK_REFUSED(r, ERR_CONFLICT, "claim_lost");
    CHECK_STR(fx_str(r->answer.doc, "reader_name"), "演示阅片医生乙 Demo Reader Two");
    r = fx_ask(f, "reader2", SCHED_OP_EXAM_CLAIM, "{'exam_id':'%lld','version':%lld}", (long long)exam,
               (long long)version);
    CHECK_OK(!r->answer.err.code, &r->answer.err);
    CHECK_INT(fx_exam_version(f, exam), version + 1);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM scheduling.claim_log WHERE exam_id = %lld AND result = 'won'",
                       (long long)exam),
              1);
    CHECK_REFUSED(fx_ask(f, "reader1", SCHED_OP_EXAM_GET, "{'exam_id':'%lld'}", (long long)exam),
                  ERR_NOT_FOUND, "not_found");
}

TEST(reading, five_in_hand_are_enough_and_nobody_reads_his_own_request)
{
    struct fx *f = fx_open(t);
    int64_t exams[6];
    struct sched_request *r;

    for (int i = 0; i < 6; i++)
        exams[i] = fx_pooled_exam(f, "ECG", "normal");
    for (int i = 0; i < 5; i++)
        fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exams[i], "");
    r = fx_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exams[5], "");
    CHECK_REFUSED(r, ERR_DENIED, "claim_ineligible");
    CHECK_STR(fx_str(r->answer.doc, "reason"), "hands_full");
    CHECK_INT(json_array_size(fx_get(f, "reader1", SCHED_OP_EXAM_LIST, "{}")), 5);
    fx_did_read(f, "reader1", SCHED_OP_EXAM_RELEASE, exams[0], ",'reason':'x'");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exams[5], "");
    fx_sql(f, "UPDATE records.exams SET ordered_by = 213 WHERE id = %lld", (long long)exams[0]);
    r = fx_read(f, "reader2", SCHED_OP_EXAM_CLAIM, exams[0], "");
    CHECK_STR(fx_str(r->answer.doc, "reason"), "own_request");
    CHECK(!row_of(fx_get(f, "reader2", SCHED_OP_READING_LIST, "{}"), exams[0]));
}

TEST(reading, an_idle_draft_goes_back_to_its_old_place_and_its_text_waits_for_the_same_reader)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "normal");
    char before[64];
    json_t *mine;

    snprintf(before, sizeof before, "%s",
             fx_value(f, "SELECT deadline_at FROM records.exams WHERE id = %lld", (long long)exam));
    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                ",'draft_version':0,'findings':'half','impression':''");
    owner_shift_clock(f->o, 59 * 60 * US_PER_S);
    CHECK(owner_tick(f->o));
    CHECK_STR(state_of(f, exam), "draft");
    owner_shift_clock(f->o, 61 * 60 * US_PER_S);
    CHECK(owner_tick(f->o));
    CHECK_STR(state_of(f, exam), "pooled");
    CHECK_STR(fx_value(f, "SELECT deadline_at FROM records.exams WHERE id = %lld", (long long)exam), before);
    CHECK_INT(fx_count(f,
                       "SELECT count(*) FROM scheduling.claim_log WHERE exam_id = %lld AND result = "
                       "'returned' AND reason = 'idle'",
                       (long long)exam),
              1);
    fx_did_read(f, "reader2", SCHED_OP_EXAM_CLAIM, exam, "");
    CHECK(json_is_null(json_object_get(fx_exam_of(f, "reader2", exam), "draft")));
    fx_did_read(f, "reader2", SCHED_OP_EXAM_RELEASE, exam, ",'reason':'x'");
    mine = fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    CHECK_STR(fx_str(mine, "state"), "draft");
    CHECK_STR(fx_str(mine, "draft.findings"), "half");
}

/* ---------------------------------------------------------------- priors, templates */

TEST(reading, priors_are_seen_by_who_has_the_exam_in_hand_and_by_nobody_else)
{
    struct fx *f = fx_open(t);
    int64_t before = fx_signed_exam(f, "CT"), exam = fx_pooled_exam(f, "CT", "normal");
    json_t *priors;

    CHECK_REFUSED(fx_ask(f, "reader1", SCHED_OP_EXAM_PRIORS, "{'exam_id':'%lld'}", (long long)exam),
                  ERR_DENIED, "not_allowed");
    fx_did_read(f, "reader2", SCHED_OP_EXAM_CLAIM, exam, "");
    priors = fx_get(f, "reader2", SCHED_OP_EXAM_PRIORS, "{'exam_id':'%lld'}", (long long)exam);
    CHECK_INT(json_array_size(priors), 1);
    CHECK_INT(fx_id(json_array_get(priors, 0), "exam_id"), before);
    CHECK_STR(fx_str(json_array_get(priors, 0), "impression"), "印象");
    CHECK(json_array_size(fx_get(f, "reader1", SCHED_OP_TEMPLATE_LIST, "{'modality':'CT'}")) >= 2);
    CHECK(json_array_size(fx_get(f, "reader1", SCHED_OP_TEMPLATE_LIST, "{}")) >= 6);
}

/* ---------------------------------------------------------------- proof */

static void verify(struct fx *f, struct report_verdict *out)
{
    struct sign_key *key = NULL;
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;
    uint8_t pub[REPORT_KEY_LEN];

    CHECK_OK(sign_key_load(&key, f->report_key, false, &err), &err);
    sign_key_public(key, pub);
    sign_key_free(key);
    CHECK_OK(db_sync_open(&s, f->audit, &err), &err);
    bool ok = report_verify(s, pub, out, &err);
    db_sync_close(s);
    CHECK_OK(ok, &err);
}

TEST(report, proof_holds_for_what_was_signed_and_names_the_row_that_was_edited)
{
    struct fx *f = fx_open(t);
    int64_t one = fx_signed_exam(f, "CT"), two = fx_signed_exam(f, "ECG");
    struct report_verdict v;

    fx_did_read(f, "reader1", SCHED_OP_EXAM_AMEND, one,
                ",'findings':'再阅','impression':'补充','reason':'漏看'");
    verify(f, &v);
    CHECK_STR(v.what, "");
    CHECK_INT(v.reports, 3);
    CHECK_INT(v.exams, 2);
    fx_sql(f, "UPDATE records.reports SET impression = '未见异常' WHERE exam_id = %lld", (long long)two);
    verify(f, &v);
    CHECK_INT(v.fault, REPORT_CHANGED);
    CHECK_INT(v.exam_id, two);
    CHECK_INT(v.version, 1);
    fx_sql(f,
           "UPDATE records.reports SET impression = '印象' WHERE exam_id = %lld;"
           "DELETE FROM records.reports WHERE exam_id = %lld AND version = 1",
           (long long)two, (long long)one);
    verify(f, &v);
    CHECK_INT(v.fault, REPORT_MISSING);
    CHECK_INT(v.exam_id, one);
    CHECK_INT(v.version, 1);
    fx_sql(f, "DELETE FROM records.reports WHERE exam_id = %lld", (long long)one);
    verify(f, &v);
    CHECK_INT(v.fault, REPORT_MISSING);
    CHECK_INT(v.exam_id, one);
    CHECK_INT(v.version, 2); /* the newest: a chain without its last link looks whole */
}

/* Whoever asks twice with the same key is answered once; what is signed is signed once, and no version is left out. */
TEST(report, is_signed_once_however_often_and_by_how_many_windows_it_is_asked)
{
    enum { N = 12 };
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "normal");
    struct sched_request *r[N];
    int won = 0;

    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                ",'draft_version':0,'findings':'a','impression':'b'");
    for (int i = 0; i < N; i++) {
        r[i] = fx_request(f, "reader1", SCHED_OP_EXAM_SIGN,
                          "{'exam_id':'%lld','version':%lld,'draft_version':1}", (long long)exam,
                          (long long)fx_exam_version(f, exam));
        if (i % 3 == 0)
            snprintf(r[i]->key, sizeof r[i]->key, "samekey-0");
    }
    owner_turn(f->o, r, N);
    for (int i = 0; i < N; i++) {
        if (r[i]->deferred)
            owner_turn(f->o, &r[i], 1);
        won += !r[i]->answer.err.code;
        if (r[i]->answer.err.code)
            CHECK_REFUSED(r[i], ERR_CONFLICT, "wrong_state");
    }
    CHECK_INT(won, 4); /* the four that came with the key of the first */
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.reports WHERE exam_id = %lld", (long long)exam), 1);
    for (int i = 0; i < N; i++)
        r[i] = fx_request(f, "reader1", SCHED_OP_EXAM_AMEND,
                          "{'exam_id':'%lld','version':%lld,'findings':'','impression':'%d','reason':'x'}",
                          (long long)exam, (long long)fx_exam_version(f, exam) + i, i);
    owner_turn(f->o, r, N);
    CHECK_INT(fx_count(f, "SELECT count(*) - max(version) FROM records.reports WHERE exam_id = %lld",
                       (long long)exam),
              0);
    CHECK_INT(fx_count(f, "SELECT max(version) FROM records.reports WHERE exam_id = %lld", (long long)exam),
              N + 1);
}
