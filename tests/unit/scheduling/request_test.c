#include "scheduling/request.h"
#include "tests/unit/test.h"
#include <stdlib.h>
#include <string.h>

static bool fields(enum sched_op op, const char *body, struct sched_fields *out, struct err *err)
{
    static struct sched_request *r; /* kept for the length of the test: fields are lent */

    request_free(r);
    r = calloc(1, sizeof *r);
    r->op = op;
    if (!request_parse(r, (const uint8_t *)body, strlen(body), err))
        return false;
    *out = r->in;
    return true;
}

TEST(request, a_booking_is_read_field_by_field)
{
    struct sched_fields in;
    struct err err = ERR_INIT;

    CHECK_OK(fields(SCHED_OP_APPOINTMENT_CREATE,
                    "{\"slot_id\":\"12\",\"complaint\":\"复诊\",\"prior_diagnosis\":{\"text\":\"高血压\","
                    "\"organisation\":\"示例县医院\","
                    "\"date\":\"2026-08-01\"}}",
                    &in, &err),
             &err);
    CHECK_INT(in.slot_id, 12);
    CHECK_INT(in.person_id, 0);
    CHECK_STR(in.complaint, "复诊");
    CHECK(in.prior_diagnosis != NULL);
}

TEST(request, what_is_missing_misspelt_or_out_of_range_is_named)
{
    static const struct {
        enum sched_op op;
        const char *body, *reason;
    } CASES[] = {
        {SCHED_OP_ORDER_CLAIM, "{\"order_id\":\"1\",\"version\":1}", "field_missing"},
        {SCHED_OP_ORDER_CLAIM, "{\"order_id\":\"1\",\"version\":0,\"nonce\":\"x\"}", "field_range"},
        {SCHED_OP_ORDER_CLAIM, "{\"order_id\":1,\"version\":1,\"nonce\":\"x\"}", "field_type"},
        {SCHED_OP_ORDER_CLAIM, "{\"order_id\":\"1\",\"version\":1,\"nonce\":\"\"}", "field_range"},
        {SCHED_OP_ORDER_CLAIM, "{\"order_id\":\"1\",\"version\":1,\"nonce\":\"x\",\"force\":true}",
         "field_unknown"},
        {SCHED_OP_ORDER_CLAIM, "[]", "field_type"},
        {SCHED_OP_ORDER_CLAIM, "{", "malformed_json"},
        {SCHED_OP_ORDER_LIST, "{\"scope\":\"all\"}", "field_range"},
        {SCHED_OP_ORDER_LIST, "{\"scope\":\"\"}", "field_range"},
        {SCHED_OP_SLOT_LIST, "{\"clinic_id\":\"1\",\"day\":\"2026-02-30\"}", "field_range"},
        {SCHED_OP_APPOINTMENT_CREATE, "{\"slot_id\":\"1\",\"complaint\":\"x\"}", "prior_diagnosis_missing"},
        {SCHED_OP_APPOINTMENT_CREATE,
         "{\"slot_id\":\"1\",\"complaint\":\"x\",\"prior_diagnosis\":{\"text\":\"I10\"}}",
         "prior_diagnosis_missing"},
        {SCHED_OP_APPOINTMENT_CREATE,
         "{\"slot_id\":\"1\",\"complaint\":\"x\",\"prior_diagnosis\":{\"text\":\"a\",\"evidence\":\"b\","
         "\"doctor\":\"c\"}}",
         "field_unknown"},
        {SCHED_OP_ROSTER_CREATE,
         "{\"clinic_id\":\"1\",\"staff_id\":\"1\",\"starts_at\":\"2026-11-21T08:00:00Z\",\"ends_at\":\"2026-"
         "11-21T09:00:00Z\","
         "\"slot_minutes\":4,\"capacity_per_slot\":1,\"kinds\":[\"follow_up\"]}",
         "field_range"},
        {SCHED_OP_ROSTER_CREATE,
         "{\"clinic_id\":\"1\",\"staff_id\":\"1\",\"starts_at\":\"2026-11-21T08:00:00Z\",\"ends_at\":\"2026-"
         "11-21T09:00:00Z\","
         "\"slot_minutes\":10,\"capacity_per_slot\":1,\"kinds\":[]}",
         "field_type"},
        {SCHED_OP_PRESENCE, "{\"visit_id\":\"1\",\"seat_id\":\"2\",\"present\":true,\"event\":\"sleeping\"}",
         "field_range"},
    };
    struct sched_fields in;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct err err = ERR_INIT;

        CHECK(!fields(CASES[i].op, CASES[i].body, &in, &err));
        CHECK_STR(err.reason, CASES[i].reason);
    }
}

TEST(request, every_operation_has_a_name_and_somebody_who_may_ask)
{
    for (int op = 0; op < SCHED_OP_COUNT; op++) {
        CHECK(sched_op_name((enum sched_op)op) != NULL);
        CHECK(sched_op_roles((enum sched_op)op) != 0);
    }
    CHECK_INT(sched_op_roles(SCHED_OP_PRESENCE), ROLE_SYSTEM);
}

TEST(request, keys_and_request_ids_are_printable)
{
    struct sched_request *r = calloc(1, sizeof *r);
    struct err err = ERR_INIT;

    strcpy(r->key, "a\nb");
    r->op = SCHED_OP_DUTY_GET;
    CHECK_ERR(request_parse(r, (const uint8_t *)"{}", 2, &err), &err, ERR_INVALID, "bad_value");
    request_free(r);
}
