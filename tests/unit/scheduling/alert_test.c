/* Critical values: whom they page, when, how often, and until when; the clock is shifted, never waited for. */
#include "core/clock.h"
#include "tests/unit/scheduling/read_fx.h"
#include <stdio.h>
#include <string.h>

static int64_t raise(struct fx *f, int64_t exam)
{
    fx_did_read(f, "reader1", SCHED_OP_EXAM_CRITICAL, exam, ",'finding':'急性下壁心肌梗死'");
    return fx_count(f, "SELECT max(id) FROM scheduling.alerts");
}

static int64_t read_ecg(struct fx *f)
{
    int64_t exam = fx_pooled_exam(f, "ECG", "emergency");

    fx_present(f, fx_count(f, "SELECT visit_id FROM records.exams WHERE id = %lld", (long long)exam),
               "doctor", true); /* else he loses the claim before he is paged */
    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    return exam;
}

/* `s` seconds after the raising, the owner looks once. @return pages sent by then */
static int64_t pages_after(struct fx *f, int64_t alert, int64_t s)
{
    owner_shift_clock(f->o, s * US_PER_S);
    CHECK(owner_tick(f->o));
    return fx_count(f, "SELECT count(*) FROM scheduling.alert_pages WHERE alert_id = %lld", (long long)alert);
}

static const char *paged(struct fx *f, int64_t alert)
{
    return fx_value(f, "SELECT array_to_string(to_accounts, ',') FROM scheduling.alerts WHERE id = %lld",
                    (long long)alert);
}

TEST(alert, pages_the_township_doctor_every_minute_and_after_ten_the_next_person)
{
    struct fx *f = fx_open(t);
    int64_t exam = read_ecg(f), alert = raise(f, exam);
    json_t *heard = NULL, *list;

    CHECK(json_is_true(json_object_get(fx_exam_of(f, "operator1", exam), "critical")));
    CHECK_INT(fx_events(f, "alert", &heard), 1);
    CHECK_STR(fx_str(heard, "finding"), "急性下壁心肌梗死");
    json_decref(heard);
    CHECK_STR(paged(f, alert), "314");
    CHECK_INT(pages_after(f, alert, 0), 1);
    CHECK_INT(pages_after(f, alert, 61), 2);
    CHECK_INT(pages_after(f, alert, 62), 2);
    CHECK_INT(pages_after(f, alert, 125), 3);
    CHECK_STR(paged(f, alert), "314");
    CHECK_INT(pages_after(f, alert, 601), 4);
    CHECK_STR(paged(f, alert), "311"); /* the visit's doctor */
    pages_after(f, alert, 662);
    CHECK_STR(paged(f, alert), "311");
    pages_after(f, alert, 1202);
    CHECK_STR(paged(f, alert), "315"); /* the township's operator */
    pages_after(f, alert, 1803);
    CHECK_STR(paged(f, alert), "318"); /* the coordinator, */
    pages_after(f, alert, 9000);
    CHECK_STR(paged(f, alert), "318");                               /* and there it stays */
    list = fx_get(f, "township_doctor1", SCHED_OP_ALERT_LIST, "{}"); /* whoever was paged still sees it */
    CHECK_INT(json_array_size(list), 1);
    CHECK_STR(fx_str(json_array_get(list, 0), "person_name"), "演示患者乙 Demo Patient Two");
    CHECK_INT(fx_int(json_array_get(list, 0), "step"), 4);
    CHECK_INT(fx_count(f, "SELECT count(*) - max(round) FROM scheduling.alert_pages WHERE alert_id = %lld",
                       (long long)alert),
              0);
}

TEST(alert, ends_with_the_acknowledgement_which_keeps_what_was_read_back)
{
    struct fx *f = fx_open(t);
    int64_t exam = read_ecg(f), alert = raise(f, exam);
    json_t *done, *heard = NULL;
    struct sched_request *r;

    pages_after(f, alert, 601);
    CHECK_REFUSED(fx_ask(f, "operator1", SCHED_OP_ALERT_ACKNOWLEDGE, "{'alert_id':'%lld','note':'x'}",
                         (long long)alert),
                  ERR_NOT_FOUND, "not_found");
    CHECK_REFUSED(
        fx_ask(f, "doctor1", SCHED_OP_ALERT_ACKNOWLEDGE, "{'alert_id':'%lld','note':''}", (long long)alert),
        ERR_INVALID, "field_range");
    fx_forget_events(f);
    done = fx_get(f, "township_doctor1", SCHED_OP_ALERT_ACKNOWLEDGE,
                  "{'alert_id':'%lld','note':'复述：下壁心梗，已启动转诊'}", (long long)alert);
    CHECK_STR(fx_str(done, "note"), "复述：下壁心梗，已启动转诊");
    CHECK_STR(fx_str(done, "acknowledged_by_name"), "演示乡医 Demo Township Doctor");
    CHECK_INT(fx_events(f, "alert", &heard), 1); /* it goes away on every screen it was shown on */
    CHECK(*fx_str(heard, "acknowledged_at"));
    CHECK_INT(f->events[0]->n_accounts, 2);
    json_decref(heard);
    CHECK_INT(pages_after(f, alert, 9000), 2);
    CHECK_INT(json_array_size(fx_get(f, "doctor1", SCHED_OP_ALERT_LIST, "{}")), 0);
    r = fx_ask(f, "doctor1", SCHED_OP_ALERT_ACKNOWLEDGE, "{'alert_id':'%lld','note':'x'}", (long long)alert);
    CHECK_REFUSED(r, ERR_CONFLICT, "alert_acknowledged");
    fx_get(f, "township_doctor1", SCHED_OP_ALERT_ACKNOWLEDGE, "{'alert_id':'%lld','note':'again'}",
           (long long)alert);
    CHECK_INT(
        fx_count(f,
                 "SELECT count(*) FROM records.audit WHERE action = 'alert.acknowledge' AND person_id = 102"),
        1);
}

TEST(alert, passes_over_a_step_that_reaches_nobody)
{
    struct fx *f = fx_open(t);
    int64_t exam = read_ecg(f), alert;

    fx_sql(f, "UPDATE records.accounts SET state = 'locked' WHERE id IN (314, 315)");
    alert = raise(f, exam);
    CHECK_STR(paged(f, alert), "311");
    pages_after(f, alert, 601);
    CHECK_STR(paged(f, alert), "318");
}

TEST(alert, one_page_follows_a_night_without_a_scheduler_and_the_report_names_the_finding)
{
    struct fx *f = fx_open(t);
    int64_t exam = read_ecg(f), alert = raise(f, exam);
    json_t *reports;

    CHECK_INT(pages_after(f, alert, 300), 2); /* five minutes of silence: one page, not five */
    owner_shift_clock(f->o, 0);
    fx_did_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                ",'draft_version':0,'findings':'a','impression':'b'");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_SIGN, exam, ",'draft_version':1");
    reports = fx_get(f, "operator1", SCHED_OP_REPORT_LIST, "{'exam_id':'%lld'}", (long long)exam);
    CHECK_STR(fx_str(json_array_get(reports, 0), "critical_finding"), "急性下壁心肌梗死");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_CRITICAL, exam, ",'finding':'又一项'"); /* after signing, too */
    CHECK_INT(fx_count(f, "SELECT count(*) FROM scheduling.alerts"), 2);
}
