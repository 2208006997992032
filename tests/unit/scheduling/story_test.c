/* The two visits of the story, step by step, through the owner. */
#include "tests/unit/scheduling/sched_fx.h"

TEST(story, a_claimed_assisted_visit_goes_from_the_pool_to_the_signed_note)
{
    struct fx *f = fx_open(t);
    int64_t order, visit;
    json_t *doc;

    fx_on_duty(f, "doctor1");
    fx_on_duty(f, "doctor2");
    order = fx_assist(f, 102);
    doc = fx_pool_offer(f, "doctor1", order);
    CHECK(doc && fx_pool_offer(f, "doctor2", order));
    CHECK_STR(fx_str(doc, "age_band"), "70-79");
    CHECK(!json_object_get(doc, "patient") && !json_object_get(doc, "visit_id"));

    struct sched_request *won = fx_claim(f, "doctor1", order);
    CHECK_OK(!won->answer.err.code, &won->answer.err);
    CHECK_STR(fx_str(won->answer.doc, "result"), "won");
    CHECK_STR(fx_str(won->answer.doc, "order.state"), "claimed");
    CHECK_STR(fx_str(won->answer.doc, "order.patient.name"), "演示患者乙 Demo Patient Two");
    CHECK(!fx_pool_offer(f, "doctor2", order));
    visit = fx_id(won->answer.doc, "order.visit_id");

    fx_present(f, visit, "doctor", true);
    CHECK_STR(fx_str(fx_order(f, "doctor1", order), "state"), "waiting");
    CHECK_REFUSED(fx_step(f, "doctor1", SCHED_OP_ORDER_ADMIT, order), ERR_CONFLICT, "inviting_doctor_absent");
    fx_present(f, visit, "township_doctor", true);
    CHECK_REFUSED(fx_step(f, "doctor1", SCHED_OP_ORDER_ADMIT, order), ERR_CONFLICT, "consent_missing");
    fx_consents(f, visit, "service,sensitive_data,record_sharing");
    doc = fx_step(f, "doctor1", SCHED_OP_ORDER_ADMIT, order)->answer.doc;
    CHECK_STR(fx_str(doc, "state"), "live");
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.visit_seats WHERE visit_id = %lld AND admitted",
                       (long long)visit),
              3);

    doc = fx_step(f, "doctor1", SCHED_OP_ORDER_END, order)->answer.doc;
    CHECK_STR(fx_str(doc, "state"), "documenting");
    doc = fx_get(f, "doctor1", SCHED_OP_ORDER_NOTE,
                 "{'order_id':'%lld','version':%lld,'diagnosis':{'code':'R07.4','text':'胸痛'},'text':'胸闷',"
                 "'advice':'复查'}",
                 (long long)order, (long long)fx_int(doc, "version"));
    CHECK_INT(fx_int(doc, "note_version"), 1);
    doc = fx_order(f, "doctor1", order);
    doc = fx_get(f, "doctor1", SCHED_OP_ORDER_SIGN, "{'order_id':'%lld','version':%lld,'note_version':1}",
                 (long long)order, (long long)fx_int(doc, "version"));
    CHECK_STR(fx_str(doc, "state"), "closed");
    CHECK(json_is_true(json_object_get(json_object_get(doc, "note"), "signed")));
    CHECK_STR(fx_value(f, "SELECT state FROM records.visits WHERE id = %lld", (long long)visit), "closed");
}

TEST(story, a_booked_follow_up_goes_from_the_slot_to_the_visit)
{
    struct fx *f = fx_open(t);
    json_t *doc, *clinics;
    int64_t order, visit, slot;

    clinics = fx_get(f, "patient1", SCHED_OP_CLINIC_LIST, "{}");
    CHECK(json_is_null(json_object_get(json_array_get(clinics, 0), "next_free_at")));
    fx_publish(f);
    fx_on_duty(f, "doctor1");
    clinics = fx_get(f, "patient1", SCHED_OP_CLINIC_LIST, "{}");
    CHECK(json_is_string(json_object_get(json_array_get(clinics, 0), "next_free_at")));
    slot = fx_slot(f, 0);
    CHECK_REFUSED(fx_ask(f, "patient1", SCHED_OP_APPOINTMENT_CREATE, "{'slot_id':'%lld','complaint':'复诊'}",
                         (long long)slot),
                  ERR_INVALID, "prior_diagnosis_missing");
    doc = fx_book(f, "patient1", slot);
    CHECK_STR(fx_str(doc, "state"), "booked");
    CHECK_INT(fx_int(doc, "token_no"), 1);
    order = fx_id(doc, "id");
    visit = fx_id(doc, "visit_id");
    CHECK(fx_id(fx_book(f, "patient1", slot), "id") == order); /* the second tap */
    CHECK_INT(fx_count(f, "SELECT taken FROM scheduling.slots WHERE id = %lld", (long long)slot), 1);

    doc = fx_step(f, "patient1", SCHED_OP_ORDER_CHECK_IN, order)->answer.doc;
    CHECK_STR(fx_str(doc, "state"), "waiting");
    doc = fx_get(f, "patient1", SCHED_OP_WAITING_GET, "{'order_id':'%lld'}", (long long)order);
    CHECK_INT(fx_int(doc, "position"), 1);
    CHECK(json_is_null(json_object_get(doc, "estimate_minutes")));
    fx_consents(f, visit, "service,sensitive_data");
    CHECK_REFUSED(fx_step(f, "doctor1", SCHED_OP_ORDER_ADMIT, order), ERR_CONFLICT, "consent_missing");
    fx_consents(f, visit, "recording");
    doc = fx_step(f, "doctor1", SCHED_OP_ORDER_ADMIT, order)->answer.doc;
    CHECK_STR(fx_str(doc, "state"), "live");
    doc = fx_step(f, "doctor1", SCHED_OP_ORDER_SEND_BACK, order)->answer.doc;
    CHECK_STR(fx_str(doc, "state"), "waiting");
}
