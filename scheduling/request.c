#include "scheduling/request.h"
#include "core/clock.h"
#include "records/visit_gate.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field_type {
    F_ID,
    F_INT,
    F_BOOL,
    F_TIME,
    F_DAY,
    F_STR,
    F_WORD,
    F_CHOICE,
    F_OBJECT,
    F_KINDS,
    F_DIAGNOSIS,
    F_PRIOR,
    F_IGNORED
};

struct field {
    enum sched_op op;
    const char *name;
    enum field_type type;
    bool needed;
    size_t offset;
    int64_t min, max;  /* of a number, or of a string's bytes */
    const char *words; /* F_WORD: "a|b", in the order of the enum; F_CHOICE: kept as the word it is */
};

#define AT(member) offsetof(struct sched_fields, member)
#define ORDER_ID(op)                                                                                         \
    {                                                                                                        \
        op, "order_id", F_ID, true, AT(order_id), 0, 0, NULL                                                 \
    }
#define VERSION(op)                                                                                          \
    {                                                                                                        \
        op, "version", F_INT, true, AT(version), 1, INT32_MAX, NULL                                          \
    }
#define REASON(op)                                                                                           \
    {                                                                                                        \
        op, "reason", F_STR, true, AT(reason), 1, 2000, NULL                                                 \
    }
#define EXAM_ID(op)                                                                                          \
    {                                                                                                        \
        op, "exam_id", F_ID, true, AT(exam_id), 0, 0, NULL                                                   \
    }
#define FINDINGS(op)                                                                                         \
    {                                                                                                        \
        op, "findings", F_STR, true, AT(findings), 0, 40000, NULL                                            \
    }
#define IMPRESSION(op, min)                                                                                  \
    {                                                                                                        \
        op, "impression", F_STR, true, AT(impression), min, 16000, NULL                                      \
    }
#define MODALITIES "CT|DX|US|ECG"
#define COMPLAINT(op)                                                                                        \
    {                                                                                                        \
        op, "complaint", F_STR, true, AT(complaint), 1, 4000, NULL                                           \
    }

/* Lengths are bytes of UTF-8: four times the characters the API names. */
static const struct field FIELDS[] = {
    {SCHED_OP_SLOT_LIST, "clinic_id", F_ID, true, AT(clinic_id), 0, 0, NULL},
    {SCHED_OP_SLOT_LIST, "day", F_DAY, false, AT(day), 0, 0, NULL},
    {SCHED_OP_ROSTER_LIST, "day", F_DAY, false, AT(day), 0, 0, NULL},
    {SCHED_OP_ROSTER_CREATE, "clinic_id", F_ID, true, AT(clinic_id), 0, 0, NULL},
    {SCHED_OP_ROSTER_CREATE, "staff_id", F_ID, true, AT(staff_id), 0, 0, NULL},
    {SCHED_OP_ROSTER_CREATE, "starts_at", F_TIME, true, AT(starts_at_us), 0, 0, NULL},
    {SCHED_OP_ROSTER_CREATE, "ends_at", F_TIME, true, AT(ends_at_us), 0, 0, NULL},
    {SCHED_OP_ROSTER_CREATE, "slot_minutes", F_INT, true, AT(slot_minutes), 5, 240, NULL},
    {SCHED_OP_ROSTER_CREATE, "capacity_per_slot", F_INT, true, AT(capacity_per_slot), 1, 100, NULL},
    {SCHED_OP_ROSTER_CREATE, "kinds", F_KINDS, true, AT(kinds), 0, 0, NULL},
    {SCHED_OP_ROSTER_PUBLISH, "roster_id", F_ID, true, AT(roster_id), 0, 0, NULL},
    VERSION(SCHED_OP_ROSTER_PUBLISH),
    {SCHED_OP_ROSTER_CANCEL, "roster_id", F_ID, true, AT(roster_id), 0, 0, NULL},
    VERSION(SCHED_OP_ROSTER_CANCEL),
    REASON(SCHED_OP_ROSTER_CANCEL),
    {SCHED_OP_DUTY_SET, "on", F_BOOL, true, AT(on), 0, 0, NULL},
    {SCHED_OP_APPOINTMENT_CREATE, "slot_id", F_ID, true, AT(slot_id), 0, 0, NULL},
    {SCHED_OP_APPOINTMENT_CREATE, "person_id", F_ID, false, AT(person_id), 0, 0, NULL},
    COMPLAINT(SCHED_OP_APPOINTMENT_CREATE),
    {SCHED_OP_APPOINTMENT_CREATE, "prior_diagnosis", F_PRIOR, true, AT(prior_diagnosis), 0, 0, NULL},
    ORDER_ID(SCHED_OP_APPOINTMENT_CANCEL),
    VERSION(SCHED_OP_APPOINTMENT_CANCEL),
    REASON(SCHED_OP_APPOINTMENT_CANCEL),
    {SCHED_OP_ORDER_CREATE, "person_id", F_ID, true, AT(person_id), 0, 0, NULL},
    COMPLAINT(SCHED_OP_ORDER_CREATE),
    {SCHED_OP_ORDER_CREATE, "specialty", F_STR, true, AT(specialty), 1, 64, NULL},
    {SCHED_OP_ORDER_CREATE, "urgency", F_WORD, true, AT(urgency), 0, 0, "normal|urgent|emergency"},
    {SCHED_OP_ORDER_CREATE, "clinic_id", F_ID, false, AT(clinic_id), 0, 0, NULL},
    {SCHED_OP_ORDER_CREATE, "vitals", F_OBJECT, false, AT(vitals), 0, 4096, NULL},
    ORDER_ID(SCHED_OP_ORDER_CANCEL),
    VERSION(SCHED_OP_ORDER_CANCEL),
    REASON(SCHED_OP_ORDER_CANCEL),
    {SCHED_OP_ORDER_LIST, "scope", F_WORD, false, AT(scope), 0, 0, "mine|today|township|history"},
    ORDER_ID(SCHED_OP_ORDER_GET),
    ORDER_ID(SCHED_OP_ORDER_CLAIM),
    VERSION(SCHED_OP_ORDER_CLAIM),
    {SCHED_OP_ORDER_CLAIM, "nonce", F_STR, true, AT(nonce), 1, 64, NULL},
    ORDER_ID(SCHED_OP_ORDER_CHECK_IN),
    VERSION(SCHED_OP_ORDER_CHECK_IN),
    ORDER_ID(SCHED_OP_WAITING_GET),
    ORDER_ID(SCHED_OP_ORDER_ADMIT),
    VERSION(SCHED_OP_ORDER_ADMIT),
    ORDER_ID(SCHED_OP_ORDER_SEND_BACK),
    VERSION(SCHED_OP_ORDER_SEND_BACK),
    ORDER_ID(SCHED_OP_ORDER_END),
    VERSION(SCHED_OP_ORDER_END),
    ORDER_ID(SCHED_OP_ORDER_NOTE),
    VERSION(SCHED_OP_ORDER_NOTE),
    {SCHED_OP_ORDER_NOTE, "diagnosis", F_DIAGNOSIS, true, 0, 0, 0, NULL},
    {SCHED_OP_ORDER_NOTE, "text", F_STR, true, AT(text), 0, 80000, NULL},
    {SCHED_OP_ORDER_NOTE, "advice", F_STR, true, AT(advice), 0, 32000, NULL},
    ORDER_ID(SCHED_OP_ORDER_SIGN),
    VERSION(SCHED_OP_ORDER_SIGN),
    {SCHED_OP_ORDER_SIGN, "note_version", F_INT, true, AT(note_version), 1, INT32_MAX, NULL},
    {SCHED_OP_EXAM_CREATE, "visit_id", F_ID, true, AT(visit_id), 0, 0, NULL},
    {SCHED_OP_EXAM_CREATE, "modality", F_CHOICE, true, AT(modality), 0, 0, MODALITIES},
    {SCHED_OP_EXAM_CREATE, "procedure", F_STR, true, AT(procedure), 1, 800, NULL},
    {SCHED_OP_EXAM_CREATE, "question", F_STR, true, AT(question), 1, 4000, NULL},
    {SCHED_OP_EXAM_CREATE, "urgency", F_WORD, true, AT(urgency), 0, 0, "normal|urgent|emergency"},
    {SCHED_OP_EXAM_LIST, "scope", F_WORD, false, AT(scope), 0, 0, "mine|visit|township|history"},
    {SCHED_OP_EXAM_LIST, "visit_id", F_ID, false, AT(visit_id), 0, 0, NULL},
    EXAM_ID(SCHED_OP_EXAM_GET),
    EXAM_ID(SCHED_OP_EXAM_CANCEL),
    VERSION(SCHED_OP_EXAM_CANCEL),
    REASON(SCHED_OP_EXAM_CANCEL),
    {SCHED_OP_READING_LIST, "modality", F_CHOICE, false, AT(modality), 0, 0, MODALITIES},
    EXAM_ID(SCHED_OP_EXAM_CLAIM),
    VERSION(SCHED_OP_EXAM_CLAIM),
    EXAM_ID(SCHED_OP_EXAM_RELEASE),
    VERSION(SCHED_OP_EXAM_RELEASE),
    REASON(SCHED_OP_EXAM_RELEASE),
    EXAM_ID(SCHED_OP_EXAM_DRAFT),
    VERSION(SCHED_OP_EXAM_DRAFT),
    {SCHED_OP_EXAM_DRAFT, "draft_version", F_INT, true, AT(draft_version), 0, INT32_MAX, NULL},
    FINDINGS(SCHED_OP_EXAM_DRAFT),
    IMPRESSION(SCHED_OP_EXAM_DRAFT, 0),
    {SCHED_OP_EXAM_DRAFT, "template", F_STR, false, AT(template), 0, 256, NULL},
    EXAM_ID(SCHED_OP_EXAM_SIGN),
    VERSION(SCHED_OP_EXAM_SIGN),
    {SCHED_OP_EXAM_SIGN, "draft_version", F_INT, true, AT(draft_version), 1, INT32_MAX, NULL},
    EXAM_ID(SCHED_OP_EXAM_AMEND),
    VERSION(SCHED_OP_EXAM_AMEND),
    FINDINGS(SCHED_OP_EXAM_AMEND),
    IMPRESSION(SCHED_OP_EXAM_AMEND, 1),
    REASON(SCHED_OP_EXAM_AMEND),
    EXAM_ID(SCHED_OP_EXAM_REJECT),
    VERSION(SCHED_OP_EXAM_REJECT),
    {SCHED_OP_EXAM_REJECT, "reason_code", F_CHOICE, true, AT(reason_code), 0, 0,
     "motion|positioning|incomplete|artefact|wrong_patient|other"},
    REASON(SCHED_OP_EXAM_REJECT),
    EXAM_ID(SCHED_OP_EXAM_CRITICAL),
    VERSION(SCHED_OP_EXAM_CRITICAL),
    {SCHED_OP_EXAM_CRITICAL, "finding", F_STR, true, AT(finding), 1, 2000, NULL},
    EXAM_ID(SCHED_OP_REPORT_LIST),
    EXAM_ID(SCHED_OP_EXAM_PRIORS),
    {SCHED_OP_TEMPLATE_LIST, "modality", F_CHOICE, false, AT(modality), 0, 0, MODALITIES},
    {SCHED_OP_ALERT_ACKNOWLEDGE, "alert_id", F_ID, true, AT(alert_id), 0, 0, NULL},
    {SCHED_OP_ALERT_ACKNOWLEDGE, "note", F_STR, true, AT(text), 1, 2000, NULL},
    {SCHED_OP_PRESENCE, "visit_id", F_ID, true, AT(visit_id), 0, 0, NULL},
    {SCHED_OP_PRESENCE, "seat_id", F_ID, true, AT(seat_id), 0, 0, NULL},
    {SCHED_OP_PRESENCE, "present", F_BOOL, true, AT(on), 0, 0, NULL},
    {SCHED_OP_PRESENCE, "event", F_WORD, true, AT(event), 0, 0, "joined|left|dropped|back"},
    {SCHED_OP_PRESENCE, "account_id", F_IGNORED, false, 0, 0, 0, NULL},
    {SCHED_OP_PRESENCE, "role", F_IGNORED, false, 0, 0, 0, NULL},
};
#define FIELD_COUNT (sizeof FIELDS / sizeof FIELDS[0])

static bool bad(struct err *err, const char *reason, const char *name, const char *what)
{
    return err_set(err, ERR_INVALID, reason, "%s: %s", name, what);
}

static bool get_text(const json_t *obj, const char *name, const char **out, int64_t min, int64_t max,
                     struct err *err)
{
    const char *text = NULL;

    if (!json_get_str(obj, name, &text, (size_t)max, err))
        return false;
    if ((int64_t)strlen(text) < min)
        return bad(err, "field_range", name, "must not be empty");
    *out = text;
    return true;
}

static bool get_choice(const json_t *obj, const struct field *f, const char **out, int64_t *place,
                       struct err *err)
{
    const char *text = NULL, *at = f->words;
    size_t len;
    int64_t i = 0;

    if (!json_get_str(obj, f->name, &text, 32, err))
        return false;
    for (len = strlen(text); at; i++, at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (!strncmp(at, text, len) && (at[len] == '|' || !at[len])) {
            *out = text;
            *place = i;
            return true;
        }
    return bad(err, "field_range", f->name, f->words);
}

static bool get_word(const json_t *obj, const struct field *f, int64_t *out, struct err *err)
{
    const char *text;

    return get_choice(obj, f, &text, out, err);
}

static bool get_day(const json_t *obj, const char *name, int64_t *out, struct err *err)
{
    const char *text = NULL;
    int32_t day;

    if (!json_get_str(obj, name, &text, 10, err))
        return false;
    if (!clock_parse_day(text, strlen(text), &day))
        return bad(err, "field_range", name, "must be a day, YYYY-MM-DD");
    *out = day;
    return true;
}

static bool get_kinds(const json_t *obj, const char *name, uint32_t *out, struct err *err)
{
    const json_t *list = json_object_get(obj, name), *item;
    enum visit_kind kind;
    size_t i;

    if (!json_is_array(list) || !json_array_size(list))
        return bad(err, "field_type", name, "must be a list of visit kinds");
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item) || !visit_kind_parse(json_string_value(item), &kind))
            return bad(err, "field_range", name, "first_visit or follow_up");
        *out |= UINT32_C(1) << kind;
    }
    return true;
}

static bool get_object(const json_t *obj, const struct field *f, const json_t **out, struct err *err)
{
    const json_t *doc = json_object_get(obj, f->name);
    size_t len;

    if (!json_is_object(doc))
        return bad(err, "field_type", f->name, "must be an object");
    free(json_text(doc, &len));
    if ((int64_t)len > f->max)
        return bad(err, "field_range", f->name, "is too long");
    *out = doc;
    return true;
}

static bool only_keys(const json_t *obj, const char *const *keys, const char *name, struct err *err)
{
    const char *key;
    json_t *value;
    size_t i;

    json_object_foreach((json_t *)obj, key, value)
    {
        for (i = 0; keys[i] && strcmp(keys[i], key) != 0; i++)
            ;
        if (!keys[i])
            return err_set(err, ERR_INVALID, "field_unknown", "%s.%.40s", name, key);
    }
    return true;
}

static bool get_diagnosis(const json_t *obj, const char *name, struct sched_fields *out, struct err *err)
{
    static const char *const KEYS[] = {"code", "text", NULL};
    const json_t *doc = json_object_get(obj, name);

    if (!json_is_object(doc))
        return bad(err, "field_type", name, "must be an object");
    return only_keys(doc, KEYS, name, err) && get_text(doc, "code", &out->diagnosis_code, 0, 64, err) &&
           get_text(doc, "text", &out->diagnosis_text, 0, 1600, err);
}

/* Internet rules (2018, 2022): a follow-up from home rests on a diagnosis somebody made before, and on something that shows
 * it. A bare statement is not evidence. */
static bool get_prior(const json_t *obj, const char *name, const json_t **out, struct err *err)
{
    static const char *const KEYS[] = {"code", "text", "organisation", "date", "evidence", NULL};
    const json_t *doc = json_object_get(obj, name);
    const char *text = "", *organisation = "", *evidence = "", *code = "";
    int64_t day;

    if (!doc || json_is_null(doc))
        return err_set(err, ERR_INVALID, "prior_diagnosis_missing",
                       "a follow-up from home needs a prior diagnosis");
    if (!json_is_object(doc))
        return bad(err, "field_type", name, "must be an object");
    if (!only_keys(doc, KEYS, name, err) || !json_opt_str(doc, "code", &code, 64, err) ||
        !json_opt_str(doc, "text", &text, 1600, err) ||
        !json_opt_str(doc, "organisation", &organisation, 800, err) ||
        !json_opt_str(doc, "evidence", &evidence, 4000, err))
        return false;
    if (json_object_get(doc, "date") && !json_is_null(json_object_get(doc, "date")) &&
        !get_day(doc, "date", &day, err))
        return false;
    if (!*text || (!*organisation && !*evidence))
        return err_set(err, ERR_INVALID, "prior_diagnosis_missing",
                       "say which diagnosis, and by whom or what shows it");
    *out = doc;
    return true;
}

static bool field_get(struct sched_fields *out, const struct field *f, const json_t *body, struct err *err)
{
    char *at = (char *)out + f->offset;

    switch (f->type) {
    case F_ID:
        return json_get_id(body, f->name, (int64_t *)at, err);
    case F_INT:
        return json_get_i64(body, f->name, f->min, f->max, (int64_t *)at, err);
    case F_BOOL:
        return json_get_bool(body, f->name, (bool *)at, err);
    case F_TIME:
        return json_get_time(body, f->name, (int64_t *)at, err);
    case F_DAY:
        return get_day(body, f->name, (int64_t *)at, err);
    case F_STR:
        return get_text(body, f->name, (const char **)at, f->min, f->max, err);
    case F_WORD:
        return get_word(body, f, (int64_t *)at, err);
    case F_CHOICE: {
        int64_t place;

        return get_choice(body, f, (const char **)at, &place, err);
    }
    case F_OBJECT:
        return get_object(body, f, (const json_t **)at, err);
    case F_KINDS:
        return get_kinds(body, f->name, (uint32_t *)at, err);
    case F_DIAGNOSIS:
        return get_diagnosis(body, f->name, out, err);
    case F_PRIOR:
        return get_prior(body, f->name, (const json_t **)at, err);
    case F_IGNORED:
        break;
    }
    return true;
}

static const struct field *field_find(enum sched_op op, const char *name)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (FIELDS[i].op == op && !strcmp(FIELDS[i].name, name))
            return &FIELDS[i];
    return NULL;
}

bool request_fields(struct sched_fields *out, enum sched_op op, const json_t *body, struct err *err)
{
    const char *key;
    json_t *value;

    *out = (struct sched_fields){.day = INT64_MIN, .modality = "", .template = ""};
    if (!json_is_object(body))
        return bad(err, "field_type", "body", "must be an object");
    json_object_foreach((json_t *)body, key, value) if (!field_find(op, key)) return err_set(
        err, ERR_INVALID, "field_unknown", "%s knows no field %.40s", sched_op_name(op), key);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const json_t *there = json_object_get(body, FIELDS[i].name);

        if (FIELDS[i].op != op || (!FIELDS[i].needed && (!there || json_is_null(there))))
            continue;
        if (!field_get(out, &FIELDS[i], body, err))
            return false;
    }
    return true;
}

static bool printable(const char *text)
{
    for (; *text; text++)
        if (*text < 0x21 || *text > 0x7e)
            return false;
    return true;
}

bool request_parse(struct sched_request *r, const uint8_t *json, size_t len, struct err *err)
{
    if (r->op >= SCHED_OP_COUNT)
        return err_set(err, ERR_INVALID, "op_unknown", "there is no operation %u", (unsigned)r->op);
    if (!printable(r->key) || !printable(r->client_id))
        return err_set(err, ERR_INVALID, "bad_value", "keys and request ids are printable ASCII");
    if (!json_parse(&r->body, json, len, &JSON_LIMITS_DEFAULT, err))
        return false;
    crypto_sha256(json, len, r->body_hash);
    return request_fields(&r->in, r->op, r->body, err);
}

void request_free(struct sched_request *r)
{
    if (!r)
        return;
    answer_clear(r);
    json_decref(r->body);
    free(r);
}

void answer_refuse(struct sched_request *r, enum err_code code, const char *reason, const char *fmt, ...)
{
    va_list ap;

    err_set(&r->answer.err, code, reason, "%s", "");
    va_start(ap, fmt);
    vsnprintf(r->answer.err.text, sizeof r->answer.err.text, fmt, ap);
    va_end(ap);
}

void answer_clear(struct sched_request *r)
{
    err_clear(&r->answer.err);
    json_decref(r->answer.doc);
    r->answer.doc = NULL;
    r->order_id = r->log_id = 0;
    free(r->order_ids);
    r->order_ids = NULL;
    r->n_order_ids = 0;
    r->exam_id = 0;
    free(r->exam_ids);
    r->exam_ids = NULL;
    r->n_exam_ids = 0;
    r->as_list = false;
    r->deferred = r->replayed = false;
}

#define EVERYONE                                                                                             \
    (ROLE_PATIENT | ROLE_DOCTOR | ROLE_TOWNSHIP_DOCTOR | ROLE_OPERATOR | ROLE_READER | ROLE_OFFICE |         \
     ROLE_COORDINATOR | ROLE_FINANCE | ROLE_SUPERVISOR | ROLE_AUDITOR | ROLE_ADMIN)
#define TOWNSHIP (ROLE_TOWNSHIP_DOCTOR | ROLE_OPERATOR)
#define OFFICES  (ROLE_OFFICE | ROLE_COORDINATOR | ROLE_ADMIN)
#define EXAMS    (ROLE_PATIENT | ROLE_DOCTOR | TOWNSHIP | ROLE_READER | ROLE_COORDINATOR)
#define PAGED    (ROLE_DOCTOR | TOWNSHIP | ROLE_COORDINATOR)

static const struct op_row {
    const char *name;
    bool writes;
} OPS[SCHED_OP_COUNT] = {
#define X(id, text, w) [SCHED_OP_##id] = {.name = (text), .writes = (w)},
    SCHED_OPS(X)
#undef X
};

static const uint32_t ROLES[SCHED_OP_COUNT] = {
    [SCHED_OP_CLINIC_LIST] = EVERYONE,
    [SCHED_OP_SLOT_LIST] = EVERYONE,
    [SCHED_OP_ROSTER_LIST] = OFFICES | ROLE_DOCTOR | ROLE_SUPERVISOR,
    [SCHED_OP_ROSTER_CREATE] = OFFICES,
    [SCHED_OP_ROSTER_PUBLISH] = OFFICES,
    [SCHED_OP_ROSTER_CANCEL] = OFFICES,
    [SCHED_OP_DUTY_SET] = ROLE_DOCTOR,
    [SCHED_OP_DUTY_GET] = ROLE_DOCTOR,
    [SCHED_OP_APPOINTMENT_CREATE] = ROLE_PATIENT | TOWNSHIP,
    [SCHED_OP_APPOINTMENT_CANCEL] = ROLE_PATIENT | TOWNSHIP | ROLE_OFFICE,
    [SCHED_OP_ORDER_CREATE] = TOWNSHIP,
    [SCHED_OP_ORDER_CANCEL] = ROLE_PATIENT | TOWNSHIP | ROLE_DOCTOR | ROLE_COORDINATOR | ROLE_OFFICE,
    [SCHED_OP_ORDER_LIST] = ROLE_PATIENT | ROLE_DOCTOR | TOWNSHIP | OFFICES | ROLE_SUPERVISOR,
    [SCHED_OP_ORDER_GET] = ROLE_PATIENT | ROLE_DOCTOR | TOWNSHIP | OFFICES | ROLE_SUPERVISOR,
    [SCHED_OP_POOL_LIST] = ROLE_DOCTOR,
    [SCHED_OP_ORDER_CLAIM] = ROLE_DOCTOR,
    [SCHED_OP_ORDER_CHECK_IN] = ROLE_PATIENT | TOWNSHIP,
    [SCHED_OP_WAITING_GET] = ROLE_PATIENT | TOWNSHIP | ROLE_DOCTOR,
    [SCHED_OP_ORDER_ADMIT] = ROLE_DOCTOR,
    [SCHED_OP_ORDER_SEND_BACK] = ROLE_DOCTOR,
    [SCHED_OP_ORDER_END] = ROLE_DOCTOR,
    [SCHED_OP_ORDER_NOTE] = ROLE_DOCTOR,
    [SCHED_OP_ORDER_SIGN] = ROLE_DOCTOR,
    [SCHED_OP_EXAM_CREATE] = ROLE_DOCTOR | ROLE_TOWNSHIP_DOCTOR,
    [SCHED_OP_EXAM_LIST] = EXAMS,
    [SCHED_OP_EXAM_GET] = EXAMS,
    [SCHED_OP_EXAM_CANCEL] = ROLE_DOCTOR | TOWNSHIP,
    [SCHED_OP_READING_LIST] = ROLE_READER,
    [SCHED_OP_EXAM_CLAIM] = ROLE_READER,
    [SCHED_OP_EXAM_RELEASE] = ROLE_READER,
    [SCHED_OP_EXAM_DRAFT] = ROLE_READER,
    [SCHED_OP_EXAM_SIGN] = ROLE_READER,
    [SCHED_OP_EXAM_AMEND] = ROLE_READER,
    [SCHED_OP_EXAM_REJECT] = ROLE_READER,
    [SCHED_OP_EXAM_CRITICAL] = ROLE_READER,
    [SCHED_OP_REPORT_LIST] = EXAMS,
    [SCHED_OP_EXAM_PRIORS] = ROLE_READER,
    [SCHED_OP_TEMPLATE_LIST] = ROLE_READER,
    [SCHED_OP_ALERT_LIST] = PAGED,
    [SCHED_OP_ALERT_ACKNOWLEDGE] = PAGED,
    [SCHED_OP_PRESENCE] = ROLE_SYSTEM,
    [SCHED_OP_HEALTH] = ROLE_SYSTEM | EVERYONE,
};

const char *sched_op_name(enum sched_op op)
{
    return OPS[op].name;
}

bool sched_op_writes(enum sched_op op)
{
    return OPS[op].writes;
}

uint32_t sched_op_roles(enum sched_op op)
{
    return ROLES[op];
}

uint32_t sched_role_parse(const char *name)
{
    static const char *const NAMES[] = {"patient", "doctor",      "township_doctor", "operator",   "reader",
                                        "office",  "coordinator", "finance",         "supervisor", "auditor",
                                        "admin"};

    for (unsigned i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (!strcmp(NAMES[i], name))
            return UINT32_C(1) << i;
    return 0;
}

const char *urgency_name(enum order_urgency urgency)
{
    static const char *const NAMES[URGENCY_COUNT] = {"normal", "urgent", "emergency"};

    return NAMES[urgency];
}
