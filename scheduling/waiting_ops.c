/* Where do I stand, and when: asked for by one, told to all whose place moved. */
#include "core/clock.h"
#include "core/mem.h"
#include "core/ids.h"
#include "records/age.h"
#include "scheduling/ops.h"
#include "scheduling/waiting.h"
#include "scheduling/waiting.sql.h"
#include "scheduling/waiting_line.h"
#include <stdlib.h>
#include <string.h>

/* One doctor's line, sorted; rows keep what the sorting does not need. */
struct line {
    struct waiting *v;
    size_t n;
    int64_t lengths[WAITING_SAMPLE];
    size_t n_lengths;
};

static enum order_urgency urgency_of(const char *name)
{
    return !strcmp(name, "emergency") ? URGENCY_EMERGENCY
           : !strcmp(name, "urgent")  ? URGENCY_URGENT
                                      : URGENCY_NORMAL;
}

static void entry(struct waiting *w, const struct batch *b, int64_t id, const char *urgency,
                  const char *birth, const char *channel, int64_t ticket_us)
{
    int32_t day = 0;

    *w = (struct waiting){.order_id = id, .urgency = urgency_of(urgency), .ticket_us = ticket_us};
    w->over_80 = clock_parse_day(birth, strlen(birth), &day) && age_years(day, b->today) >= 80;
    w->referred = !strcmp(channel, "assisted");
}

static bool lines_query(struct batch *b, const int64_t *doctors, size_t n, struct db_rows *rows,
                        struct db_rows *lengths)
{
    struct db_args a;

    batch_args(b, &a);
    db_arg_i64s(&a, doctors, n);
    if (!batch_query(b, &SQL_waiting_lines, &a, rows))
        return false;
    batch_args(b, &a);
    db_arg_i64s(&a, doctors, n);
    return batch_query(b, &SQL_waiting_lengths, &a, lengths);
}

static void line_read(struct line *line, const struct batch *b, int64_t doctor_id, const struct db_rows *rows,
                      const struct db_rows *lengths)
{
    *line = (struct line){.v = mem_new(sizeof *line->v * (size_t)(rows->n + 1))};
    for (int i = 0; i < rows->n; i++)
        if (db_i64(rows, i, 0) == doctor_id) {
            struct waiting *w = &line->v[line->n++];

            entry(w, b, db_i64(rows, i, 1), db_str(rows, i, 3), db_str(rows, i, 4), db_str(rows, i, 5),
                  db_time(rows, i, 6));
            w->live = !strcmp(db_str(rows, i, 7), "live");
        }
    for (int i = 0; i < lengths->n; i++)
        if (db_i64(lengths, i, 0) == doctor_id && line->n_lengths < WAITING_SAMPLE)
            line->lengths[line->n_lengths++] = db_i64(lengths, i, 1);
    waiting_sort(line->v, line->n);
}

static json_t *position_doc(const struct line *line, int64_t order_id, bool doctor_present,
                            int64_t opens_at_us)
{
    int ahead = waiting_ahead(line->v, line->n, order_id);
    int64_t minutes =
        waiting_estimate_minutes(line->lengths, line->n_lengths, ahead < 0 ? (int)line->n : ahead);
    json_t *out = json_object();

    if (ahead < 0) /* not checked in: everybody who is goes first */
        ahead = (int)line->n;
    json_object_set_new(out, "position", json_integer(ahead + 1));
    json_object_set_new(out, "ahead", json_integer(ahead));
    json_object_set_new(out, "estimate_minutes", minutes < 0 ? json_null() : json_integer(minutes));
    json_object_set_new(out, "doctor_present", json_boolean(doctor_present));
    json_object_set_new(out, "opens_at", json_time(opens_at_us));
    return out;
}

static void tell_one(struct batch *b, const struct line *line, const struct db_rows *rows, int i)
{
    const char *list = db_str(rows, i, 10);
    json_t *data = position_doc(line, db_i64(rows, i, 1), db_bool(rows, i, 8), db_time(rows, i, 9));
    int64_t accounts[8];
    size_t n = 0, len;

    json_object_set_new(data, "order_id", json_id(db_i64(rows, i, 1)));
    for (; *list && n < 8; list += len + (list[len] == ',')) {
        len = strcspn(list, ",");
        if (id_parse(list, len, &accounts[n]))
            n++;
    }
    batch_event(b, (struct batch_event){
                       .topic = "waiting",
                       .tenant_id = db_i64(rows, i, 2),
                       .subject_id = db_i64(rows, i, 1),
                       .accounts = accounts,
                       .n_accounts = n,
                       .data = data,
                   });
}

bool waiting_tell(struct batch *b)
{
    struct db_rows rows = {0}, lengths = {0};
    bool ok;

    if (!b->queues.n)
        return true;
    ok = lines_query(b, b->queues.v, b->queues.n, &rows, &lengths);
    for (size_t d = 0; ok && d < b->queues.n; d++) {
        struct line line;

        line_read(&line, b, b->queues.v[d], &rows, &lengths);
        for (int i = 0; i < rows.n; i++)
            if (db_i64(&rows, i, 0) == b->queues.v[d] && strcmp(db_str(&rows, i, 7), "live") != 0)
                tell_one(b, &line, &rows, i);
        free(line.v);
    }
    db_rows_free(&rows);
    db_rows_free(&lengths);
    return ok;
}

static bool waiting_for_doctor(struct batch *b, struct sched_request *r, const struct order *o)
{
    struct db_rows rows = {0}, lengths = {0};
    struct line line;
    bool ok = lines_query(b, &o->doctor_id, 1, &rows, &lengths);
    bool present = o->doctor_present;

    if (ok) {
        line_read(&line, b, o->doctor_id, &rows, &lengths);
        for (int i = 0; i < rows.n; i++)
            present = present || db_bool(&rows, i, 8);
        r->answer.doc = position_doc(&line, o->id, present, order_opens_at_us(o));
        free(line.v);
    }
    db_rows_free(&rows);
    db_rows_free(&lengths);
    return ok;
}

static bool waiting_in_pool(struct batch *b, struct sched_request *r, const struct order *o)
{
    struct db_args a;
    struct db_rows rows;
    struct line line = {0};

    batch_args(b, &a);
    db_arg_str(&a, o->specialty);
    db_arg_str(&a, o->care_level);
    if (!batch_query(b, &SQL_waiting_pool, &a, &rows))
        return false;
    line.v = mem_new(sizeof *line.v * (size_t)(rows.n + 1));
    for (int i = 0; i < rows.n; i++)
        entry(&line.v[line.n++], b, db_i64(&rows, i, 0), db_str(&rows, i, 1), db_str(&rows, i, 2),
              db_str(&rows, i, 3), db_time(&rows, i, 4));
    waiting_sort(line.v, line.n);
    r->answer.doc = position_doc(&line, o->id, false, 0);
    free(line.v);
    db_rows_free(&rows);
    return true;
}

bool op_waiting_get(struct batch *b, struct sched_request *r)
{
    struct orders orders;
    const struct order *o;
    uint32_t party;
    bool ok;

    if (!orders_load(&orders, b, &r->in.order_id, 1))
        return false;
    o = orders_find(&orders, r->in.order_id);
    party = o ? order_party(o, batch_actor(b, r)) : 0;
    ok = true;
    if (!o || !order_shows_identity(party))
        answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such order");
    else if (o->state == ORDER_POOLED)
        ok = waiting_in_pool(b, r, o);
    else if (o->doctor_id)
        ok = waiting_for_doctor(b, r, o);
    else
        answer_refuse(r, ERR_CONFLICT, "wrong_state", "nothing to wait for while the order is %s",
                      order_state_name(o->state));
    orders_free(&orders);
    return ok;
}
