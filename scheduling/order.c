#include "scheduling/order.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/mem.h"
#include "records/consent.h"
#include "scheduling/batch.h"
#include "scheduling/order.sql.h"
#include "scheduling/subject.h"
#include <stdlib.h>
#include <string.h>

static uint32_t consents_of(const char *list)
{
    char kind[32];
    uint32_t out = 0;
    size_t len;

    for (; *list; list += len + (list[len] == ',')) {
        len = strcspn(list, ",");
        if (len < sizeof kind) {
            memcpy(kind, list, len);
            kind[len] = 0;
            out |= consent_parse(kind);
        }
    }
    return out;
}

static enum order_urgency urgency_of(const char *name)
{
    for (int u = 0; u < URGENCY_COUNT; u++)
        if (!strcmp(urgency_name((enum order_urgency)u), name))
            return (enum order_urgency)u;
    return URGENCY_NORMAL;
}

/* Columns in the order of order_load. */
static void read_who(struct order *o, const struct db_rows *r, int i)
{
    o->id = db_i64(r, i, 0);
    o->tenant_id = db_i64(r, i, 1);
    o->person_id = db_i64(r, i, 2);
    o->visit_id = db_i64(r, i, 3);
    o->version = (int32_t)db_i64(r, i, 4);
    order_state_parse(db_str(r, i, 5), &o->state);
    visit_channel_parse(db_str(r, i, 6), &o->channel);
    visit_kind_parse(db_str(r, i, 7), &o->kind);
    o->urgency = urgency_of(db_str(r, i, 8));
    o->specialty = db_str(r, i, 9);
    o->care_level = db_str(r, i, 10);
    o->room_id = db_str(r, i, 11);
    o->inviting_tenant_id = db_i64(r, i, 12);
    o->inviting_tenant = db_str(r, i, 13);
    o->inviting_staff_id = db_i64(r, i, 14);
    o->inviting_staff = db_str(r, i, 15);
    o->clinic_id = db_i64(r, i, 16);
    o->clinic = db_str(r, i, 17);
    o->waiting_room_opens_s = (int32_t)db_i64(r, i, 18);
    o->slot_id = db_i64(r, i, 19);
    o->slot_starts_at_us = db_time(r, i, 20);
    o->token_no = (int32_t)db_i64(r, i, 21);
    o->doctor_id = db_i64(r, i, 22);
    o->doctor_tenant_id = db_i64(r, i, 23);
    o->doctor = db_str(r, i, 24);
    o->doctor_title = db_str(r, i, 25);
}

static void read_what(struct order *o, const struct db_rows *r, int i)
{
    o->person = db_str(r, i, 26);
    o->sex = db_str(r, i, 27);
    o->age_band = db_str(r, i, 28);
    o->complaint = db_str(r, i, 29);
    o->prior_diagnosis = db_str(r, i, 30);
    o->vitals = db_str(r, i, 31);
    o->created_at_us = db_time(r, i, 32);
    o->queued_at_us = db_time(r, i, 33);
    o->checked_in_at_us = db_time(r, i, 34);
    o->claimed_at_us = db_time(r, i, 35);
    o->live_at_us = db_time(r, i, 36);
    o->ended_at_us = db_time(r, i, 37);
    o->signed_at_us = db_time(r, i, 38);
    o->consents = consents_of(db_str(r, i, 39));
    o->note_version = (int32_t)db_i64(r, i, 40);
    o->note_code = db_str(r, i, 41);
    o->note_diagnosis = db_str(r, i, 42);
    o->note_text = db_str(r, i, 43);
    o->note_advice = db_str(r, i, 44);
    o->signed_note_version = (int32_t)db_i64(r, i, 45);
    o->n_accounts = id_parse_list(db_str(r, i, 46), o->accounts, sizeof o->accounts / sizeof *o->accounts);
    o->doctor_present = db_bool(r, i, 47);
    o->inviting_present = db_bool(r, i, 48);
}

static void order_read(void *item, const struct db_rows *r, int i)
{
    read_who(item, r, i);
    read_what(item, r, i);
}

bool orders_load(struct orders *out, struct batch *b, const int64_t *ids, size_t n)
{
    void *v;
    bool ok =
        subjects_load(b, &SQL_order_load, ids, n, sizeof(struct order), order_read, &out->rows, &v, &out->n);

    out->v = v;
    return ok;
}

void orders_free(struct orders *o)
{
    db_rows_free(&o->rows);
    free(o->v);
    *o = (struct orders){0};
}

const struct order *orders_find(const struct orders *o, int64_t id)
{
    return subjects_find(o->v, o->n, sizeof *o->v, id);
}

struct subject order_subject(const struct order *o)
{
    return (struct subject){.kind = "order",
                            .id = o->id,
                            .tenant_id = o->tenant_id,
                            .person_id = o->person_id,
                            .version = o->version,
                            .state = order_state_name(o->state)};
}

static bool of_house(const struct order *o, int64_t tenant_id)
{
    return tenant_id == o->tenant_id || tenant_id == o->doctor_tenant_id;
}

uint32_t order_party(const struct order *o, const struct actor *a)
{
    uint32_t party = 0;

    if (a->roles & ROLE_SYSTEM)
        party |= PARTY_SYSTEM;
    if ((a->roles & ROLE_PATIENT) && a->person_id && a->person_id == o->person_id)
        party |= PARTY_PATIENT;
    if ((a->roles & ROLE_DOCTOR) && a->staff_id && a->staff_id == o->doctor_id)
        party |= PARTY_DOCTOR;
    if ((a->roles & (ROLE_TOWNSHIP_DOCTOR | ROLE_OPERATOR)) && a->tenant_id == o->inviting_tenant_id)
        party |= PARTY_INVITING;
    if ((a->roles & (ROLE_OFFICE | ROLE_ADMIN)) && of_house(o, a->tenant_id))
        party |= PARTY_OFFICE;
    /* Region-wide only from the region's platform; a house's own coordinator coordinates that house. */
    if ((a->roles & ROLE_COORDINATOR) && (a->region_wide || of_house(o, a->tenant_id)))
        party |= PARTY_COORDINATOR;
    if ((a->roles & ROLE_SUPERVISOR) && (a->region_wide || of_house(o, a->tenant_id)))
        party |= PARTY_SUPERVISOR;
    return party;
}

bool order_shows_identity(uint32_t party)
{
    return party & (PARTY_PATIENT | PARTY_DOCTOR | PARTY_INVITING | PARTY_COORDINATOR);
}

#define IN(state) (UINT32_C(1) << ORDER_##state)

static const struct act ACTS[] = {
    {"check_in", EV_CHECK_IN, PARTY_PATIENT | PARTY_INVITING, IN(BOOKED)},
    {"admit", EV_ADMIT, PARTY_DOCTOR, IN(WAITING)},
    {"send_back", EV_SEND_BACK, PARTY_DOCTOR, IN(LIVE)},
    {"end", EV_END, PARTY_DOCTOR, IN(LIVE)},
    {"note", ACT_STAYS, PARTY_DOCTOR, IN(LIVE) | IN(DOCUMENTING)},
    {"sign", EV_SIGN, PARTY_DOCTOR, IN(DOCUMENTING)},
    {"cancel", EV_CANCEL, PARTY_PATIENT | PARTY_INVITING | PARTY_COORDINATOR,
     IN(POOLED) | IN(BOOKED) | IN(CLAIMED) | IN(WAITING)},
    {"cancel", EV_CANCEL, PARTY_OFFICE, IN(BOOKED)},
    {"cancel", EV_CANCEL, PARTY_DOCTOR, IN(CLAIMED) | IN(WAITING)},
    {"join", ACT_STAYS, PARTY_PATIENT, IN(POOLED) | IN(CLAIMED) | IN(WAITING) | IN(LIVE)},
    {"join", ACT_STAYS, PARTY_INVITING, IN(POOLED) | IN(CLAIMED) | IN(WAITING) | IN(LIVE)},
    {"join", ACT_STAYS, PARTY_DOCTOR, IN(BOOKED) | IN(CLAIMED) | IN(WAITING) | IN(LIVE)},
};
static const struct acts ALL = {ACTS, sizeof ACTS / sizeof ACTS[0]};

static bool allows(const struct order *o, uint32_t party, enum order_event event, const char *act,
                   struct err *err)
{
    struct subject s = order_subject(o);

    return acts_allow(&ALL, act, (int)event, o->state, &s, party, err);
}

bool order_allows(const struct order *o, uint32_t party, enum order_event event, struct err *err)
{
    return allows(o, party, event, NULL, err);
}

bool order_allows_act(const struct order *o, uint32_t party, const char *act, struct err *err)
{
    return allows(o, party, ORDER_EVENT_COUNT, act, err);
}

int64_t order_opens_at_us(const struct order *o)
{
    return o->slot_starts_at_us ? o->slot_starts_at_us - o->waiting_room_opens_s * US_PER_S : 0;
}

static bool act_is_due(const struct act *act, const struct order *o, int64_t now_us)
{
    if (act->event == EV_CHECK_IN)
        return now_us >= order_opens_at_us(o);
    if (act->event == EV_SIGN)
        return o->note_version > 0;
    return true;
}

json_t *order_actions(const struct order *o, uint32_t party, int64_t now_us)
{
    json_t *out = json_array();
    const char *last = "";

    for (size_t i = 0; i < ALL.n; i++)
        if (act_fits(&ACTS[i], o->state, party) && act_is_due(&ACTS[i], o, now_us) &&
            strcmp(last, ACTS[i].name) != 0) {
            last = ACTS[i].name; /* rows of one action stand together */
            json_array_append_new(out, json_string(last));
        }
    return out;
}

static json_t *named(const char *id_key, int64_t id, const char *name)
{
    json_t *out;

    if (!id)
        return json_null();
    out = json_object();
    json_object_set_new(out, id_key, json_id(id));
    json_object_set_new(out, "name", json_string(name));
    return out;
}

static json_t *text_doc(const char *text)
{
    return *text ? json_loads(text, 0, NULL) : json_null();
}

static json_t *kinds_list(uint32_t kinds)
{
    json_t *out = json_array();

    for (unsigned i = 0; i < CONSENT_KINDS; i++)
        if (kinds & UINT32_C(1) << i)
            json_array_append_new(out, json_string(consent_name(UINT32_C(1) << i)));
    return out;
}

static json_t *view_patient(const struct order *o)
{
    json_t *out = named("person_id", o->person_id, o->person);

    json_object_set_new(out, "age_band", json_string(o->age_band));
    json_object_set_new(out, "sex", json_string(o->sex));
    return out;
}

static json_t *view_doctor(const struct order *o)
{
    json_t *out = named("staff_id", o->doctor_id, o->doctor);

    if (o->doctor_id)
        json_object_set_new(out, "title", json_string(o->doctor_title));
    return out;
}

static json_t *view_inviting(const struct order *o)
{
    json_t *out = named("tenant_id", o->inviting_tenant_id, o->inviting_tenant);

    if (o->inviting_tenant_id) {
        json_object_set_new(out, "staff_id", json_id(o->inviting_staff_id));
        json_object_set_new(out, "name_doctor", json_string(o->inviting_staff));
    }
    return out;
}

static json_t *view_note(const struct order *o)
{
    if (!o->note_version)
        return json_null();
    return json_pack("{s:i, s:{s:s, s:s}, s:s, s:s, s:b}", "version", o->note_version, "diagnosis", "code",
                     o->note_code, "text", o->note_diagnosis, "text", o->note_text, "advice", o->note_advice,
                     "signed", o->signed_note_version == o->note_version);
}

static void view_state(json_t *out, const struct order *o)
{
    json_object_set_new(out, "id", json_id(o->id));
    json_object_set_new(out, "version", json_integer(o->version));
    json_object_set_new(out, "state", json_string(order_state_name(o->state)));
    json_object_set_new(out, "channel", json_string(visit_channel_name(o->channel)));
    json_object_set_new(out, "kind", json_string(visit_kind_name(o->kind)));
    json_object_set_new(out, "urgency", json_string(urgency_name(o->urgency)));
    json_object_set_new(out, "specialty", json_string(o->specialty));
    json_object_set_new(out, "care_level", json_string(o->care_level));
    json_object_set_new(out, "clinic", named("id", o->clinic_id, o->clinic));
    json_object_set_new(out, "slot_starts_at", json_time(o->slot_starts_at_us));
    json_object_set_new(out, "token_no", o->token_no ? json_integer(o->token_no) : json_null());
    json_object_set_new(out, "doctor", view_doctor(o));
    json_object_set_new(out, "inviting", view_inviting(o));
    json_object_set_new(out, "created_at", json_time(o->created_at_us));
    json_object_set_new(out, "queued_at", json_time(o->queued_at_us));
    json_object_set_new(out, "checked_in_at", json_time(o->checked_in_at_us));
    json_object_set_new(out, "claimed_at", json_time(o->claimed_at_us));
    json_object_set_new(out, "live_at", json_time(o->live_at_us));
    json_object_set_new(out, "ended_at", json_time(o->ended_at_us));
    json_object_set_new(out, "signed_at", json_time(o->signed_at_us));
}

json_t *order_view(const struct order *o, uint32_t party, int64_t now_us)
{
    bool inside = order_shows_identity(party);
    json_t *out = json_object();

    view_state(out, o);
    json_object_set_new(out, "visit_id", inside ? json_id(o->visit_id) : json_null());
    json_object_set_new(out, "room_id", inside ? json_string(o->room_id) : json_null());
    json_object_set_new(out, "patient", inside ? view_patient(o) : json_null());
    json_object_set_new(out, "complaint", json_string(inside ? o->complaint : ""));
    json_object_set_new(out, "prior_diagnosis", inside ? text_doc(o->prior_diagnosis) : json_null());
    json_object_set_new(out, "vitals", inside ? text_doc(o->vitals) : json_null());
    json_object_set_new(out, "consents", kinds_list(o->consents));
    json_object_set_new(out, "consents_missing", kinds_list(consent_missing(o->channel, o->consents)));
    json_object_set_new(out, "note",
                        inside && !(party & PARTY_PATIENT && !o->signed_note_version) ? view_note(o)
                                                                                      : json_null());
    json_object_set_new(out, "actions", order_actions(o, party, now_us));
    return out;
}
