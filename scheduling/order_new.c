#include "scheduling/order_new.h"
#include "core/clock.h"
#include "core/ids.h"
#include "records/age.h"
#include "scheduling/order.sql.h"
#include <stdlib.h>
#include <string.h>

void order_new_begin(struct order_new_rows *rows)
{
    rows->orders = json_array();
    rows->seats = json_array();
}

static void set_id(json_t *row, const char *key, int64_t id)
{
    json_object_set_new(row, key, id ? json_integer(id) : json_null());
}

static void set_str(json_t *row, const char *key, const char *text)
{
    json_object_set_new(row, key, text ? json_string(text) : json_null());
}

static void set_doc(json_t *row, const char *key, const json_t *doc)
{
    char *text = doc ? json_text(doc, NULL) : NULL;

    set_str(row, key, text);
    free(text);
}

struct seat {
    const char *role, *name;
    int64_t tenant_id, account_id, person_id, staff_id;
};

static void seat_add(struct order_new_rows *rows, struct batch *b, int64_t visit_id, struct seat seat)
{
    json_t *row = json_object();

    set_id(row, "visit_id", visit_id);
    set_id(row, "id", batch_id(b));
    set_id(row, "tenant_id", seat.tenant_id);
    set_str(row, "role", seat.role);
    set_id(row, "account_id", seat.account_id);
    set_id(row, "person_id", seat.person_id);
    set_id(row, "staff_id", seat.staff_id);
    set_str(row, "name", seat.name);
    json_object_set_new(row, "admitted", json_boolean(strcmp(seat.role, "doctor") == 0));
    json_array_append_new(rows->seats, row);
}

static void seats_add(struct order_new_rows *rows, struct batch *b, const struct order_new *o)
{
    seat_add(rows, b, o->visit_id,
             (struct seat){.role = "patient",
                           .name = o->person,
                           .tenant_id = o->tenant_id,
                           .account_id = o->person_account_id,
                           .person_id = o->person_id});
    if (o->inviting_staff_id)
        seat_add(rows, b, o->visit_id,
                 (struct seat){.role = "township_doctor",
                               .name = o->inviting_staff,
                               .tenant_id = o->inviting_tenant_id,
                               .account_id = o->inviting_account_id,
                               .staff_id = o->inviting_staff_id});
    if (o->doctor_id)
        seat_add(rows, b, o->visit_id,
                 (struct seat){.role = "doctor",
                               .name = o->doctor,
                               .tenant_id = o->doctor_tenant_id,
                               .account_id = o->doctor_account_id,
                               .staff_id = o->doctor_id});
}

static void set_who(json_t *row, struct batch *b, const struct order_new *o)
{
    char band[AGE_BAND_TEXT], room[ID_RANDOM_TEXT];
    int32_t birth = 0;

    if (clock_parse_day(o->birth_date, strlen(o->birth_date), &birth))
        age_band(birth, b->today, band);
    else
        abort(); /* a date column */
    id_random(room);
    set_id(row, "id", o->id);
    set_id(row, "visit_id", o->visit_id);
    set_id(row, "tenant_id", o->tenant_id);
    set_id(row, "person_id", o->person_id);
    set_id(row, "created_by", o->created_by);
    set_str(row, "age_band", band);
    set_str(row, "sex", o->sex);
    set_str(row, "room_id", room);
    set_id(row, "inviting_tenant_id", o->inviting_tenant_id);
    set_id(row, "inviting_staff_id", o->inviting_staff_id);
    set_str(row, "township", o->township);
}

static void set_when(json_t *row, const struct order_new *o)
{
    char day[CLOCK_TEXT];

    clock_format_day(o->slot_day, day);
    set_id(row, "clinic_id", o->clinic_id);
    set_str(row, "clinic", o->clinic);
    set_id(row, "slot_id", o->slot_id);
    set_str(row, "slot_day", o->slot_id ? day : NULL);
    json_object_set_new(row, "starts_at", json_time(o->starts_at_us));
    set_id(row, "token_no", o->token_no);
    set_id(row, "doctor_id", o->doctor_id);
    set_id(row, "doctor_tenant_id", o->doctor_tenant_id);
}

void order_new_add(struct order_new_rows *rows, struct batch *b, struct order_new *o)
{
    json_t *row = json_object();

    o->id = batch_id(b);
    o->visit_id = batch_id(b);
    set_who(row, b, o);
    set_when(row, o);
    set_str(row, "state", order_state_name(o->state));
    set_str(row, "channel", visit_channel_name(o->channel));
    set_str(row, "kind", visit_kind_name(o->kind));
    set_str(row, "urgency", urgency_name(o->urgency));
    set_str(row, "specialty", o->specialty);
    set_str(row, "care_level", o->care_level);
    set_str(row, "complaint", o->complaint);
    set_doc(row, "prior_diagnosis", o->prior_diagnosis);
    set_doc(row, "vitals", o->vitals);
    json_object_set_new(row, "queued_at", json_time(b->now_us));
    json_array_append_new(rows->orders, row);

    seats_add(rows, b, o);
}

bool order_new_insert(struct order_new_rows *rows, struct batch *b)
{
    size_t n = json_array_size(rows->orders);
    struct db_args a;
    struct db_rows made = {0};
    bool ok = true;

    if (n) {
        ok = batch_write(b);
        if (ok) {
            batch_args_epoch(b, &a);
            db_arg_time(&a, b->now_us);
            batch_arg_json(&a, rows->orders);
            batch_arg_json(&a, rows->seats);
            ok = batch_query(b, &SQL_order_insert, &a, &made);
        }
        if (ok && (size_t)made.n != n)
            ok = err_set(&b->err, ERR_STALE, "not_owner", "%zu orders to make, %d made", n, made.n);
    }
    db_rows_free(&made);
    json_decref(rows->orders);
    json_decref(rows->seats);
    return ok;
}
