#include "core/clock.h"
#include "core/mem.h"
#include "records/visit_gate.h"
#include "scheduling/ops.h"
#include "scheduling/order_move.h"
#include "scheduling/roster_move.h"
#include "scheduling/roster_ops.sql.h"
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- reading */

static json_t *kinds_doc(const char *list)
{
    json_t *out = json_array();
    size_t len;

    for (; *list; list += len + (list[len] == ',')) {
        len = strcspn(list, ",");
        json_array_append_new(out, json_stringn(list, len));
    }
    return out;
}

static json_t *roster_doc(const struct db_rows *r, int i)
{
    json_t *out = json_object(), *doctor = json_object();

    json_object_set_new(doctor, "staff_id", json_id(db_i64(r, i, 5)));
    json_object_set_new(doctor, "name", json_string(db_str(r, i, 6)));
    json_object_set_new(doctor, "title", json_string(db_str(r, i, 7)));
    json_object_set_new(out, "id", json_id(db_i64(r, i, 0)));
    json_object_set_new(out, "state", json_string(db_str(r, i, 1)));
    json_object_set_new(out, "version", json_integer(db_i64(r, i, 2)));
    json_object_set_new(out, "clinic_id", json_id(db_i64(r, i, 3)));
    json_object_set_new(out, "clinic", json_string(db_str(r, i, 4)));
    json_object_set_new(out, "doctor", doctor);
    json_object_set_new(out, "starts_at", json_time(db_time(r, i, 8)));
    json_object_set_new(out, "ends_at", json_time(db_time(r, i, 9)));
    json_object_set_new(out, "slot_minutes", json_integer(db_i64(r, i, 10)));
    json_object_set_new(out, "capacity_per_slot", json_integer(db_i64(r, i, 11)));
    json_object_set_new(out, "kinds", kinds_doc(db_str(r, i, 12)));
    json_object_set_new(out, "slots", json_integer(db_i64(r, i, 13)));
    json_object_set_new(out, "booked", json_integer(db_i64(r, i, 14)));
    return out;
}

#define OVERSEERS (ROLE_COORDINATOR | ROLE_SUPERVISOR | ROLE_ADMIN)

static bool sees_all_houses(const struct actor *actor)
{
    return actor->region_wide && (actor->roles & OVERSEERS);
}

/* The caller's own hospital; offices above the hospitals see all of them; a doctor sees his own sessions. */
static bool roster_query(struct batch *b, const struct sched_request *r, int64_t only_id,
                         struct db_rows *rows)
{
    const struct actor *actor = batch_actor(b, r);
    bool own = !(actor->roles & (OVERSEERS | ROLE_OFFICE));
    struct db_args a;

    batch_args(b, &a);
    db_arg_i64(&a, sees_all_houses(actor) ? 0 : actor->tenant_id);
    db_arg_i64(&a, own ? actor->staff_id : 0);
    if (r->in.day == INT64_MIN)
        db_arg_null(&a);
    else
        batch_arg_day(&a, (int32_t)r->in.day);
    batch_arg_day(&a, b->today);
    db_arg_i64(&a, only_id);
    return batch_query(b, &SQL_roster_list, &a, rows);
}

bool op_roster_list(struct batch *b, struct sched_request *r)
{
    struct db_rows rows;

    if (!roster_query(b, r, 0, &rows))
        return false;
    r->answer.doc = json_array();
    for (int i = 0; i < rows.n; i++)
        json_array_append_new(r->answer.doc, roster_doc(&rows, i));
    db_rows_free(&rows);
    return true;
}

static bool answer_roster(struct batch *b, struct sched_request *r, int64_t id)
{
    struct db_rows rows;

    if (!roster_query(b, r, id, &rows))
        return false;
    r->answer.doc = rows.n ? roster_doc(&rows, 0) : json_object();
    db_rows_free(&rows);
    return true;
}

/* ---------------------------------------------------------------- making a draft */

static bool roster_facts(struct batch *b, const struct sched_request *r, struct db_rows *rows)
{
    struct db_args a;

    batch_args(b, &a);
    db_arg_i64(&a, r->in.clinic_id);
    db_arg_i64(&a, r->in.staff_id);
    db_arg_time(&a, r->in.starts_at_us);
    db_arg_time(&a, r->in.ends_at_us);
    batch_arg_day(&a, clock_shanghai_day(r->in.starts_at_us));
    return batch_query(b, &SQL_roster_facts, &a, rows);
}

static bool draft_refused(struct batch *b, struct sched_request *r, const struct db_rows *f)
{
    const struct actor *actor = batch_actor(b, r);
    int64_t span = r->in.ends_at_us - r->in.starts_at_us, slot = r->in.slot_minutes * 60 * US_PER_S;

    if (span <= 0 || span > 12 * 3600 * US_PER_S || span % slot != 0)
        answer_refuse(r, ERR_INVALID, "roster_span",
                      "a session ends after it starts, within 12 h, after whole slots");
    else if (r->in.ends_at_us <= b->now_us)
        answer_refuse(r, ERR_INVALID, "roster_past", "the session would be over already");
    else if (!f->n || (!sees_all_houses(actor) && db_i64(f, 0, 0) != actor->tenant_id))
        answer_refuse(r, ERR_NOT_FOUND, "clinic_unknown", "no such clinic of this hospital");
    else if (db_null(f, 0, 1) || !db_bool(f, 0, 2))
        answer_refuse(r, ERR_INVALID, "doctor_unfit", "not a doctor of this hospital and specialty");
    else if (!db_bool(f, 0, 3))
        answer_refuse(r, ERR_CONFLICT, "licence_invalid", "the licence is not valid on that day");
    else if (db_bool(f, 0, 4))
        answer_refuse(r, ERR_CONFLICT, "roster_overlap", "the doctor has another session at that time");
    return r->answer.err.code != ERR_NONE;
}

static json_t *day_doc(int64_t at_us)
{
    char text[CLOCK_TEXT];

    clock_format_day(clock_shanghai_day(at_us), text);
    return json_string(text);
}

static json_t *slots_doc(struct batch *b, const struct sched_fields *in)
{
    json_t *out = json_array();
    int64_t step = in->slot_minutes * 60 * US_PER_S;

    for (int64_t at = in->starts_at_us; at < in->ends_at_us; at += step) {
        json_t *row = json_object();

        json_object_set_new(row, "id", json_integer(batch_id(b)));
        json_object_set_new(row, "starts_at", json_time(at));
        json_object_set_new(row, "ends_at", json_time(at + step));
        json_object_set_new(row, "day", day_doc(at));
        json_array_append_new(out, row);
    }
    return out;
}

static json_t *session_doc(struct batch *b, const struct sched_request *r, int64_t id, int64_t tenant_id)
{
    json_t *out = json_object(), *kinds = json_array();

    for (int k = 0; k < VISIT_KIND_COUNT; k++)
        if (r->in.kinds & UINT32_C(1) << k)
            json_array_append_new(kinds, json_string(visit_kind_name((enum visit_kind)k)));
    json_object_set_new(out, "id", json_integer(id));
    json_object_set_new(out, "tenant_id", json_integer(tenant_id));
    json_object_set_new(out, "clinic_id", json_integer(r->in.clinic_id));
    json_object_set_new(out, "staff_id", json_integer(r->in.staff_id));
    json_object_set_new(out, "day", day_doc(r->in.starts_at_us));
    json_object_set_new(out, "starts_at", json_time(r->in.starts_at_us));
    json_object_set_new(out, "ends_at", json_time(r->in.ends_at_us));
    json_object_set_new(out, "slot_minutes", json_integer(r->in.slot_minutes));
    json_object_set_new(out, "capacity", json_integer(r->in.capacity_per_slot));
    json_object_set_new(out, "kinds", kinds);
    json_object_set_new(out, "created_by", json_integer(batch_actor(b, r)->id));
    return out;
}

static void roster_audit(struct batch *b, const struct sched_request *by, const struct roster *r,
                         const char *action, const char *from, const char *to, const char *why)
{
    json_t *data = json_object();

    json_object_set_new(data, "roster_id", json_id(r->id));
    json_object_set_new(data, "clinic_id", json_id(r->clinic_id));
    json_object_set_new(data, "state", json_string(to));
    batch_audit(
        b, by,
        (struct batch_audit){.tenant_id = r->tenant_id,
                             .subject_kind = "roster",
                             .subject_id = r->id,
                             .action = by ? NULL : action,
                             .outcome = "ok",
                             .detail = json_pack("{s:s, s:s, s:s}", "from", from, "to", to, "why", why)});
    batch_event_region(b, "roster", r->tenant_id, r->id, data);
}

bool op_roster_create(struct batch *b, struct sched_request *r)
{
    struct roster roster = {.clinic_id = r->in.clinic_id, .staff_id = r->in.staff_id};
    struct db_rows f;
    struct db_args a;
    json_t *session, *slots;
    bool refused, ok;

    if (!roster_facts(b, r, &f))
        return false;
    refused = draft_refused(b, r, &f);
    roster.tenant_id = f.n ? db_i64(&f, 0, 0) : 0;
    db_rows_free(&f);
    if (refused)
        return true;
    if (!batch_write(b))
        return false;
    roster.id = batch_id(b);
    session = session_doc(b, r, roster.id, roster.tenant_id);
    slots = slots_doc(b, &r->in);
    batch_args_epoch(b, &a);
    db_arg_time(&a, b->now_us);
    batch_arg_json(&a, session);
    batch_arg_json(&a, slots);
    json_decref(session);
    json_decref(slots);
    ok = batch_run(b, &SQL_roster_insert, &a);
    if (ok)
        roster_audit(b, r, &roster, NULL, "", "draft", "a draft was made");
    return ok && answer_roster(b, r, roster.id);
}

/* ---------------------------------------------------------------- moving */

static const struct roster_edge *last_edge(const struct roster_move *m)
{
    const struct roster_edge *edge = roster_edge(m->roster.state, m->on);

    if (edge && m->then != ROSTER_EVENT_COUNT)
        edge = roster_edge(edge->to, m->then);
    if (!edge)
        abort(); /* the caller checks */
    return edge;
}

static json_t *move_row(const struct roster_move *m)
{
    static const char *const FATES[] = {
        [SLOTS_KEEP] = "keep", [SLOTS_FREE] = "free", [SLOTS_CLOSE] = "closed"};
    const struct roster_edge *edge = last_edge(m);

    return json_pack("{s:I, s:i, s:s, s:s, s:s, s:s}", "id", (json_int_t)m->roster.id, "version",
                     m->roster.version, "state_from", roster_state_name(m->roster.state), "state_to",
                     roster_state_name(edge->to), "slots", FATES[edge->slots], "reason",
                     m->reason ? m->reason : "");
}

bool rosters_move(struct batch *b, const struct roster_move *moves, size_t n, const struct sched_request *by)
{
    json_t *rows = json_array();
    struct db_args a;
    struct db_rows moved = {0};
    bool ok = batch_write(b);

    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, move_row(&moves[i]));
    if (ok) {
        batch_args_epoch(b, &a);
        db_arg_time(&a, b->now_us);
        batch_arg_json(&a, rows);
        ok = batch_query(b, &SQL_rosters_move, &a, &moved);
    }
    if (ok && (size_t)moved.n != n)
        ok = err_set(&b->err, ERR_AGAIN, "database_conflict", "%zu sessions to move, %d moved", n, moved.n);
    for (size_t i = 0; ok && i < n; i++) {
        const struct roster_edge *edge = last_edge(&moves[i]);

        roster_audit(b, by, &moves[i].roster, roster_event_name(moves[i].on),
                     roster_state_name(moves[i].roster.state), roster_state_name(edge->to), edge->why);
    }
    db_rows_free(&moved);
    json_decref(rows);
    return ok;
}

/* The office's own sessions; refused as unknown, stale or not now. */
static bool roster_guard(struct batch *b, struct sched_request *r, enum roster_event on, struct roster *out,
                         bool *go)
{
    struct err err = ERR_INIT;
    enum roster_state next;
    struct db_rows rows;

    *go = false;
    if (!roster_query(b, r, r->in.roster_id, &rows))
        return false;
    if (rows.n) {
        *out = (struct roster){.id = db_i64(&rows, 0, 0),
                               .version = (int32_t)db_i64(&rows, 0, 2),
                               .clinic_id = db_i64(&rows, 0, 3),
                               .staff_id = db_i64(&rows, 0, 5),
                               .tenant_id = db_i64(&rows, 0, 15)};
        roster_state_parse(db_str(&rows, 0, 1), &out->state);
    }
    db_rows_free(&rows);
    next = out->state;
    if (!out->id)
        answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such session");
    else if (!roster_step(&next, on, NULL, &err))
        answer_refuse(r, err.code, err.reason, "%s", err.text);
    else if (r->in.version != out->version)
        answer_refuse(r, ERR_STALE, "version_stale", "the session has version %d", out->version);
    else
        *go = true;
    if (out->id && !*go)
        r->answer.doc =
            json_pack("{s:i, s:s}", "version", out->version, "state", roster_state_name(out->state));
    return true;
}

/* A second session of the doctor at that time may have been published since the draft was made. */
static bool overlaps(struct batch *b, struct sched_request *r, const struct roster *roster, bool *out)
{
    struct sched_request probe = {.in = {.clinic_id = roster->clinic_id, .staff_id = roster->staff_id}};
    struct db_rows rows, f;

    if (!roster_query(b, r, roster->id, &rows))
        return false;
    probe.in.starts_at_us = db_time(&rows, 0, 8);
    probe.in.ends_at_us = db_time(&rows, 0, 9);
    db_rows_free(&rows);
    if (!roster_facts(b, &probe, &f))
        return false;
    *out = f.n && db_bool(&f, 0, 4);
    db_rows_free(&f);
    return true;
}

bool op_roster_publish(struct batch *b, struct sched_request *r)
{
    struct roster_move move = {.on = ROSTER_EV_PUBLISH, .then = ROSTER_EV_RELEASE};
    bool go, overlap = false;

    if (!roster_guard(b, r, ROSTER_EV_PUBLISH, &move.roster, &go))
        return false;
    if (!go)
        return true;
    if (!overlaps(b, r, &move.roster, &overlap))
        return false;
    if (overlap) {
        answer_refuse(r, ERR_CONFLICT, "roster_overlap", "the doctor has another session at that time");
        return true;
    }
    return rosters_move(b, &move, 1, r) && answer_roster(b, r, move.roster.id);
}

/* Who had booked is told, and the seat is given back: an order never hangs on a session that does not take place. */
static bool bookings_cancel(struct batch *b, const struct sched_request *r, int64_t roster_id)
{
    struct db_args a;
    struct db_rows rows;
    struct orders loaded = {0};
    struct order_move *moves = NULL;
    const struct order **list = NULL;
    int64_t *ids;
    bool ok;

    batch_args(b, &a);
    db_arg_i64s(&a, &roster_id, 1);
    if (!batch_query(b, &SQL_roster_orders, &a, &rows))
        return false;
    ids = mem_new(sizeof *ids * (size_t)(rows.n + 1));
    for (int i = 0; i < rows.n; i++)
        ids[i] = db_i64(&rows, i, 0);
    ok = orders_load(&loaded, b, ids, (size_t)rows.n);
    if (ok && loaded.n) {
        moves = mem_new(sizeof *moves * loaded.n);
        list = mem_new(sizeof(const struct order *) * loaded.n);
        for (size_t i = 0; i < loaded.n; i++) {
            list[i] = &loaded.v[i];
            moves[i] = (struct order_move){.order = list[i],
                                           .on = EV_CANCEL,
                                           .then = ORDER_EVENT_COUNT,
                                           .by = r,
                                           .reason = r->in.reason};
        }
        ok = orders_move(b, moves, loaded.n) && orders_release(b, list, loaded.n);
    }
    orders_free(&loaded);
    db_rows_free(&rows);
    free(moves);
    free(list);
    free(ids);
    return ok;
}

bool op_roster_cancel(struct batch *b, struct sched_request *r)
{
    struct roster_move move = {.on = ROSTER_EV_CANCEL, .then = ROSTER_EVENT_COUNT, .reason = r->in.reason};
    bool go;

    if (!roster_guard(b, r, ROSTER_EV_CANCEL, &move.roster, &go))
        return false;
    return !go || (bookings_cancel(b, r, move.roster.id) && rosters_move(b, &move, 1, r) &&
                   answer_roster(b, r, move.roster.id));
}
