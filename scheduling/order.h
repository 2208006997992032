/* order.h - one order as it stands in the database, who is who in it, and what each of them may see and do.
 *
 * Owns    struct orders its rows; strings are lent by them.
 * Runs    on the deciding thread.
 * Stores  scheduling.orders with its visit, people and notes: order.sql.
 */
#pragma once
#include "core/db/db.h"
#include "core/json.h"
#include "records/visit_gate.h"
#include "scheduling/order_fsm.h"
#include "scheduling/request.h"

struct subject;

struct order {
    int64_t id, tenant_id, person_id, visit_id;
    int32_t version;
    enum order_state state;
    enum visit_channel channel;
    enum visit_kind kind;
    enum order_urgency urgency;
    const char *specialty, *care_level, *room_id;
    int64_t inviting_tenant_id, inviting_staff_id;
    const char *inviting_tenant, *inviting_staff;
    int64_t clinic_id, slot_id, slot_starts_at_us;
    int32_t waiting_room_opens_s, token_no;
    const char *clinic;
    int64_t doctor_id, doctor_tenant_id;
    const char *doctor, *doctor_title;
    const char *person, *sex, *age_band;
    const char *complaint, *prior_diagnosis, *vitals; /* JSON text, "" when none */
    int64_t created_at_us, queued_at_us, checked_in_at_us, claimed_at_us, live_at_us, ended_at_us,
        signed_at_us;
    uint32_t consents; /* granted now */
    int32_t note_version, signed_note_version;
    const char *note_code, *note_diagnosis, *note_text, *note_advice;
    int64_t accounts[8]; /* of patient, doctor and inviting doctor */
    size_t n_accounts;
    bool doctor_present, inviting_present;
};

struct orders {
    struct db_rows rows;
    struct order *v;
    size_t n;
};
struct batch;
/** Those of the ids that exist, in no order. Free with orders_free() also after a failure. */
bool orders_load(struct orders *out, struct batch *b, const int64_t *ids, size_t n);
void orders_free(struct orders *o);
const struct order *orders_find(const struct orders *o, int64_t id);
struct subject order_subject(const struct order *o);

/* Who the caller is to this order. */
enum order_party {
    PARTY_PATIENT = 1 << 0,
    PARTY_DOCTOR = 1 << 1,
    PARTY_INVITING = 1 << 2, /* staff of the inviting side with a township role */
    PARTY_OFFICE = 1 << 3,   /* office of the owning hospital */
    PARTY_COORDINATOR = 1 << 4,
    PARTY_SUPERVISOR = 1 << 5, /* sees states, never a name */
    PARTY_SYSTEM = 1 << 6,
};
struct actor;
/** 0: a stranger, for whom the order does not exist. */
uint32_t order_party(const struct order *o, const struct actor *a);
/** May these parties learn who the patient is? */
bool order_shows_identity(uint32_t party);

/** May these parties cause the event in this state? One table gives this answer and the list of actions.
 * ERR_DENIED "not_allowed": never theirs to do; ERR_CONFLICT "wrong_state": not now. */
bool order_allows(const struct order *o, uint32_t party, enum order_event event, struct err *err);
/** The same for what moves no state: "note", "join". */
bool order_allows_act(const struct order *o, uint32_t party, const char *act, struct err *err);
json_t *order_actions(const struct order *o, uint32_t party, int64_t now_us);
/** When the waiting room opens; 0 when there is no planned time. */
int64_t order_opens_at_us(const struct order *o);

/** The API's Order for that party. */
json_t *order_view(const struct order *o, uint32_t party, int64_t now_us);
