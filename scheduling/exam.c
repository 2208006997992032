#include "scheduling/exam.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/mem.h"
#include "records/age.h"
#include "scheduling/batch.h"
#include "scheduling/exam.sql.h"
#include "scheduling/subject.h"
#include <stdlib.h>
#include <string.h>

/* Columns in the order of exam_load. */
static void read_who(struct exam *e, const struct db_rows *r, int i)
{
    e->id = db_i64(r, i, 0);
    e->tenant_id = db_i64(r, i, 1);
    e->visit_id = db_i64(r, i, 2);
    e->person_id = db_i64(r, i, 3);
    e->version = (int32_t)db_i64(r, i, 4);
    exam_state_parse(db_str(r, i, 5), &e->state);
    e->accession_no = db_str(r, i, 6);
    e->age_band = db_str(r, i, 7);
    e->sex = db_str(r, i, 8);
    e->kind = db_str(r, i, 9);
    e->modality = db_str(r, i, 10);
    e->procedure = db_str(r, i, 11);
    e->question = db_str(r, i, 12);
    e->urgency = db_str(r, i, 13);
    e->person = db_str(r, i, 14);
    e->birth_date = db_str(r, i, 15);
    e->tenant = db_str(r, i, 16);
    e->orderer = db_str(r, i, 17);
    e->ordered_by = db_i64(r, i, 18);
    e->reader_id = db_i64(r, i, 19);
    e->reader_tenant_id = db_i64(r, i, 20);
    e->reader = db_str(r, i, 21);
    e->reader_tenant = db_str(r, i, 22);
    e->visit_doctor_id = db_i64(r, i, 23);
    e->study_id = db_i64(r, i, 24);
    e->retake_of = db_i64(r, i, 25);
    e->retaken_by = db_i64(r, i, 26);
}

static void read_what(struct exam *e, const struct db_rows *r, int i)
{
    e->ordered_at_us = db_time(r, i, 27);
    e->pooled_at_us = db_time(r, i, 28);
    e->deadline_at_us = db_time(r, i, 29);
    e->claimed_at_us = db_time(r, i, 30);
    e->signed_at_us = db_time(r, i, 31);
    e->delivered_at_us = db_time(r, i, 32);
    e->report_version = (int32_t)db_i64(r, i, 33);
    e->reject_code = db_str(r, i, 34);
    e->reject_reason = db_str(r, i, 35);
    e->cancel_reason = db_str(r, i, 36);
    e->critical = db_bool(r, i, 37);
    e->study_uid = db_str(r, i, 38);
    e->study_state = db_str(r, i, 39);
    e->n_series = (int32_t)db_i64(r, i, 40);
    e->n_instances = (int32_t)db_i64(r, i, 41);
    e->bytes = db_i64(r, i, 42);
    e->draft_version = (int32_t)db_i64(r, i, 43);
    e->findings = db_str(r, i, 44);
    e->impression = db_str(r, i, 45);
    e->template = db_str(r, i, 46);
    e->saved_at_us = db_time(r, i, 47);
    e->n_accounts = id_parse_list(db_str(r, i, 48), e->accounts, sizeof e->accounts / sizeof *e->accounts);
}

static void exam_read(void *item, const struct db_rows *r, int i)
{
    read_who(item, r, i);
    read_what(item, r, i);
}

bool exams_load(struct exams *out, struct batch *b, const int64_t *ids, size_t n)
{
    void *v;
    bool ok =
        subjects_load(b, &SQL_exam_load, ids, n, sizeof(struct exam), exam_read, &out->rows, &v, &out->n);

    out->v = v;
    return ok;
}

void exams_free(struct exams *e)
{
    db_rows_free(&e->rows);
    free(e->v);
    *e = (struct exams){0};
}

const struct exam *exams_find(const struct exams *e, int64_t id)
{
    return subjects_find(e->v, e->n, sizeof *e->v, id);
}

struct subject exam_subject(const struct exam *e)
{
    return (struct subject){.kind = "exam",
                            .id = e->id,
                            .tenant_id = e->tenant_id,
                            .person_id = e->person_id,
                            .version = e->version,
                            .state = exam_state_name(e->state)};
}

uint32_t exam_party(const struct exam *e, const struct actor *a)
{
    uint32_t party = 0;

    if ((a->roles & ROLE_PATIENT) && a->person_id && a->person_id == e->person_id)
        party |= EXAM_PATIENT;
    if ((a->roles & (ROLE_TOWNSHIP_DOCTOR | ROLE_OPERATOR)) && a->tenant_id == e->tenant_id)
        party |= EXAM_DESK;
    if ((a->roles & (ROLE_TOWNSHIP_DOCTOR | ROLE_DOCTOR)) && a->staff_id && a->staff_id == e->ordered_by)
        party |= EXAM_ORDERER;
    if ((a->roles & ROLE_DOCTOR) && a->staff_id && a->staff_id == e->visit_doctor_id)
        party |= EXAM_VISIT_DOCTOR;
    if ((a->roles & ROLE_READER) && a->staff_id) {
        if (a->staff_id == e->reader_id)
            party |= EXAM_READER;
        else if (e->state == EXAM_POOLED && a->staff_id != e->ordered_by)
            party |= EXAM_POOL;
    }
    if ((a->roles & ROLE_COORDINATOR) && (a->region_wide || a->tenant_id == e->tenant_id))
        party |= EXAM_COORDINATOR;
    return party;
}

bool exam_shows_identity(uint32_t party)
{
    return party & ~(uint32_t)EXAM_POOL;
}

#define IN(state) (UINT32_C(1) << EXAM_##state)
#define IN_HAND   (IN(CLAIMED) | IN(DRAFT))
#define REPORTED  (IN(DELIVERED) | IN(AMENDED))

static const struct act ACTS[] = {
    {"cancel", EXAM_EV_CANCEL, EXAM_DESK | EXAM_ORDERER | EXAM_VISIT_DOCTOR,
     IN(ORDERED) | IN(ACQUIRED) | IN(UPLOADED) | IN(POOLED)},
    {"claim", EXAM_EV_CLAIM, EXAM_POOL, IN(POOLED)},
    {"release", EXAM_EV_RELEASE, EXAM_READER, IN_HAND},
    {"draft", ACT_STAYS, EXAM_READER, IN_HAND},
    {"sign", EXAM_EV_SIGN, EXAM_READER, IN(DRAFT)},
    {"amend", EXAM_EV_AMEND, EXAM_READER, REPORTED},
    {"reject", EXAM_EV_REJECT, EXAM_READER, IN_HAND},
    {"critical", ACT_STAYS, EXAM_READER, IN_HAND | REPORTED},
};
static const struct acts ALL = {ACTS, sizeof ACTS / sizeof ACTS[0]};

bool exam_allows(const struct exam *e, uint32_t party, const char *act, struct err *err)
{
    struct subject s = exam_subject(e);

    return acts_allow(&ALL, act, ACT_STAYS, e->state, &s, party, err);
}

static json_t *acts_view(const struct exam *e, uint32_t party)
{
    json_t *out = json_array();

    for (size_t i = 0; i < ALL.n; i++)
        if (act_fits(&ACTS[i], e->state, party))
            json_array_append_new(out, json_string(ACTS[i].name));
    return out;
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *person_view(const struct exam *e, int64_t now_us)
{
    json_t *out = json_object();
    int32_t birth = 0;

    clock_parse_day(e->birth_date, strlen(e->birth_date), &birth);
    json_object_set_new(out, "id", json_id(e->person_id));
    json_object_set_new(out, "name", json_string(e->person));
    json_object_set_new(out, "sex", json_string(e->sex));
    json_object_set_new(out, "age", json_integer(age_years(birth, clock_shanghai_day(now_us))));
    return out;
}

static json_t *study_view(const struct exam *e, bool inside)
{
    json_t *out;

    if (!*e->study_state)
        return json_null();
    out = json_pack("{s:s, s:i, s:i, s:I}", "state", e->study_state, "n_series", e->n_series, "n_instances",
                    e->n_instances, "bytes", (json_int_t)e->bytes);
    json_object_set_new(out, "id", inside ? json_id(e->study_id) : json_null());
    json_object_set_new(out, "study_uid", inside ? json_string(e->study_uid) : json_null());
    return out;
}

json_t *exam_draft_view(const struct exam *e)
{
    json_t *out;

    if (!e->draft_version)
        return json_null();
    out = json_pack("{s:i, s:s, s:s, s:s}", "draft_version", e->draft_version, "findings", e->findings,
                    "impression", e->impression, "template", e->template);
    json_object_set_new(out, "saved_at", json_time(e->saved_at_us));
    return out;
}

static void view_clock(json_t *out, const struct exam *e, int64_t now_us)
{
    json_object_set_new(out, "ordered_at", json_time(e->ordered_at_us));
    json_object_set_new(out, "pooled_at", json_time(e->pooled_at_us));
    json_object_set_new(out, "deadline_at", json_time(e->deadline_at_us));
    json_object_set_new(out, "overdue",
                        json_boolean(e->deadline_at_us && e->deadline_at_us < now_us && !e->signed_at_us &&
                                     !exam_is_final(e->state)));
    json_object_set_new(out, "claimed_at", json_time(e->claimed_at_us));
    json_object_set_new(out, "signed_at", json_time(e->signed_at_us));
    json_object_set_new(out, "delivered_at", json_time(e->delivered_at_us));
}

json_t *exam_view(const struct exam *e, uint32_t party, int64_t now_us, bool full)
{
    bool inside = exam_shows_identity(party);
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:b}", "accession_no",
                  e->accession_no, "age_band", e->age_band, "sex", e->sex, "kind", e->kind, "modality",
                  e->modality, "procedure", e->procedure, "question", e->question, "urgency", e->urgency,
                  "state", exam_state_name(e->state), "version", e->version, "ordered_by_name", e->orderer,
                  "tenant_name", e->tenant, "critical", e->critical);

    json_object_set_new(out, "id", json_id(e->id));
    json_object_set_new(out, "tenant_id", json_id(e->tenant_id));
    json_object_set_new(out, "visit_id", inside ? json_id(e->visit_id) : json_null());
    json_object_set_new(out, "person", inside ? person_view(e, now_us) : json_null());
    json_object_set_new(out, "reader_name", text_or_null(e->reader));
    json_object_set_new(out, "reader_tenant_name", text_or_null(e->reader_tenant));
    view_clock(out, e, now_us);
    json_object_set_new(out, "report_version",
                        e->report_version ? json_integer(e->report_version) : json_null());
    json_object_set_new(out, "study", study_view(e, inside));
    json_object_set_new(out, "reject_code", text_or_null(e->reject_code));
    json_object_set_new(out, "reject_reason", text_or_null(e->reject_reason));
    json_object_set_new(out, "cancel_reason", text_or_null(e->cancel_reason));
    json_object_set_new(out, "retake_of", inside ? json_id(e->retake_of) : json_null());
    json_object_set_new(out, "retaken_by", inside ? json_id(e->retaken_by) : json_null());
    json_object_set_new(out, "draft", full && (party & EXAM_READER) ? exam_draft_view(e) : json_null());
    json_object_set_new(out, "acts", acts_view(e, party));
    return out;
}
