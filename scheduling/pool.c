#include "scheduling/pool.h"
#include "core/mem.h"
#include "scheduling/ops.h"
#include "scheduling/pool.sql.h"
#include <stdlib.h>

void pool_tell(struct batch *b, const char *op, const struct db_rows *rows)
{
    int64_t *accounts = mem_new(sizeof *accounts * (size_t)(rows->n + 1));

    for (int i = 0, begin = 0; i < rows->n; i++) {
        int64_t order_id = db_i64(rows, i, 0);
        json_t *data;

        accounts[i - begin] = db_i64(rows, i, 1);
        if (i + 1 < rows->n && db_i64(rows, i + 1, 0) == order_id && i + 1 - begin < ASK_AUDIENCE_MAX)
            continue;
        data = json_object();
        json_object_set_new(data, "op", json_string(op));
        json_object_set_new(data, "order_id", json_id(order_id));
        batch_event(b, (struct batch_event){.topic = "pool",
                                            .tenant_id = db_i64(rows, i, 2),
                                            .subject_id = order_id,
                                            .accounts = accounts,
                                            .n_accounts = (size_t)(i + 1 - begin),
                                            .data = data});
        begin = i + 1;
    }
    free(accounts);
}

bool pool_offer(struct batch *b, const int64_t *orders, size_t n, int64_t staff_id)
{
    struct db_args a;
    struct db_rows rows;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    batch_arg_day(&a, b->today);
    if (orders)
        db_arg_i64s(&a, orders, n);
    else
        db_arg_null(&a);
    db_arg_i64(&a, staff_id);
    if (!batch_write(b) || !batch_query(b, &SQL_offer_open, &a, &rows))
        return false;
    pool_tell(b, "added", &rows);
    db_rows_free(&rows);
    return true;
}

static json_t *offer_doc(const struct db_rows *r, int i)
{
    json_t *out = json_object();

    json_object_set_new(out, "order_id", json_id(db_i64(r, i, 0)));
    json_object_set_new(out, "version", json_integer(db_i64(r, i, 1)));
    json_object_set_new(out, "nonce", json_string(db_str(r, i, 2)));
    json_object_set_new(out, "age_band", json_string(db_str(r, i, 3)));
    json_object_set_new(out, "sex", json_string(db_str(r, i, 4)));
    json_object_set_new(out, "complaint", json_string(db_str(r, i, 5)));
    json_object_set_new(out, "specialty", json_string(db_str(r, i, 6)));
    json_object_set_new(out, "urgency", json_string(db_str(r, i, 7)));
    json_object_set_new(out, "care_level", json_string(db_str(r, i, 8)));
    json_object_set_new(out, "waiting_since", json_time(db_time(r, i, 9)));
    json_object_set_new(out, "level", json_integer(db_i64(r, i, 10)));
    json_object_set_new(out, "township", json_string(db_str(r, i, 11)));
    return out;
}

bool op_pool_list(struct batch *b, struct sched_request *r)
{
    struct db_args a;
    struct db_rows rows;

    batch_args(b, &a);
    db_arg_i64(&a, batch_actor(b, r)->staff_id);
    if (!batch_query(b, &SQL_pool_list, &a, &rows))
        return false;
    r->answer.doc = json_array();
    for (int i = 0; i < rows.n; i++)
        json_array_append_new(r->answer.doc, offer_doc(&rows, i));
    db_rows_free(&rows);
    return true;
}
