/* order_new.h - rows of an order to be: itself, its visit and room, its seats. Used by bookings and assisted requests. */
#pragma once
#include "records/visit_gate.h"
#include "scheduling/batch.h"

struct order_new {
    int64_t id, visit_id; /* set by order_new_add() */
    int64_t tenant_id, person_id, created_by;
    enum order_state state;
    enum visit_channel channel;
    enum visit_kind kind;
    enum order_urgency urgency;
    const char *specialty, *care_level, *complaint;
    const char *person, *sex, *birth_date; /* birth date as text */
    int64_t person_account_id;
    /* assisted */
    int64_t inviting_tenant_id, inviting_staff_id, inviting_account_id;
    const char *inviting_staff, *township;
    /* booked */
    int64_t clinic_id, slot_id, starts_at_us, doctor_id, doctor_tenant_id, doctor_account_id;
    int32_t slot_day, token_no;
    const char *clinic, *doctor;
    const json_t *prior_diagnosis, *vitals;
};

struct order_new_rows {
    json_t *orders, *seats;
};
void order_new_begin(struct order_new_rows *rows);
void order_new_add(struct order_new_rows *rows, struct batch *b, struct order_new *o);
/** Insert all; the counts must match. Frees rows. */
bool order_new_insert(struct order_new_rows *rows, struct batch *b);
