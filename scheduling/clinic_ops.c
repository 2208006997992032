#include "scheduling/clinic_ops.sql.h"
#include "scheduling/ops.h"

static json_t *doctor_doc(const struct db_rows *r, int i, int first)
{
    json_t *out = json_object();

    json_object_set_new(out, "staff_id", json_id(db_i64(r, i, first)));
    json_object_set_new(out, "name", json_string(db_str(r, i, first + 1)));
    json_object_set_new(out, "title", json_string(db_str(r, i, first + 2)));
    return out;
}

static json_t *doctors_of(const struct db_rows *doctors, int64_t clinic_id)
{
    json_t *out = json_array();

    for (int i = 0; i < doctors->n; i++)
        if (db_i64(doctors, i, 0) == clinic_id) {
            json_t *doc = doctor_doc(doctors, i, 1);

            json_object_set_new(doc, "on_duty", json_boolean(db_bool(doctors, i, 4)));
            json_array_append_new(out, doc);
        }
    return out;
}

static json_t *clinic_doc(const struct db_rows *r, int i, const struct db_rows *doctors)
{
    json_t *out = json_object(), *tenant = json_object();

    json_object_set_new(tenant, "id", json_id(db_i64(r, i, 3)));
    json_object_set_new(tenant, "name", json_string(db_str(r, i, 4)));
    json_object_set_new(tenant, "care_level", db_null(r, i, 5) ? json_null() : json_string(db_str(r, i, 5)));
    json_object_set_new(out, "id", json_id(db_i64(r, i, 0)));
    json_object_set_new(out, "name", json_string(db_str(r, i, 1)));
    json_object_set_new(out, "department", json_string(db_str(r, i, 2)));
    json_object_set_new(out, "tenant", tenant);
    json_object_set_new(out, "next_free_at", json_time(db_time(r, i, 6)));
    json_object_set_new(out, "doctors", doctors_of(doctors, db_i64(r, i, 0)));
    json_object_set_new(out, "price_note", json_null());
    return out;
}

bool op_clinic_list(struct batch *b, struct sched_request *r)
{
    struct db_args a;
    struct db_rows clinics = {0}, doctors = {0};
    bool ok;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    batch_arg_day(&a, b->today);
    ok = batch_query(b, &SQL_clinic_list, &a, &clinics);
    if (ok) {
        batch_args(b, &a);
        batch_arg_day(&a, b->today);
        ok = batch_query(b, &SQL_clinic_doctors, &a, &doctors);
    }
    if (ok) {
        r->answer.doc = json_array();
        for (int i = 0; i < clinics.n; i++)
            json_array_append_new(r->answer.doc, clinic_doc(&clinics, i, &doctors));
    }
    db_rows_free(&clinics);
    db_rows_free(&doctors);
    return ok;
}

bool op_slot_list(struct batch *b, struct sched_request *r)
{
    struct db_args a;
    struct db_rows rows;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    batch_arg_day(&a, b->today);
    db_arg_i64(&a, r->in.clinic_id);
    batch_arg_day(&a, r->in.day == INT64_MIN ? b->today : (int32_t)r->in.day);
    if (!batch_query(b, &SQL_slot_list, &a, &rows))
        return false;
    r->answer.doc = json_array();
    for (int i = 0; i < rows.n; i++) {
        json_t *doc = json_object();

        json_object_set_new(doc, "id", json_id(db_i64(&rows, i, 0)));
        json_object_set_new(doc, "starts_at", json_time(db_time(&rows, i, 1)));
        json_object_set_new(doc, "ends_at", json_time(db_time(&rows, i, 2)));
        json_object_set_new(doc, "doctor", doctor_doc(&rows, i, 3));
        json_object_set_new(doc, "free", json_integer(db_i64(&rows, i, 6)));
        json_array_append_new(r->answer.doc, doc);
    }
    db_rows_free(&rows);
    return true;
}
