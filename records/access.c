#include "records/access.h"
#include <stdlib.h>

void access_add(json_t *list, int64_t id, int64_t subject_id, int64_t tenant_id, const char *purpose,
                int64_t order_id, int64_t until_us)
{
    json_t *row = json_object();

    json_object_set_new(row, "id", json_integer(id));
    json_object_set_new(row, "subject_id", json_integer(subject_id));
    json_object_set_new(row, "tenant_id", json_integer(tenant_id));
    json_object_set_new(row, "purpose", json_string(purpose));
    json_object_set_new(row, "order_id", json_integer(order_id));
    json_object_set_new(row, "until", json_time(until_us));
    json_array_append_new(list, row);
}

void access_grant_args(struct db_args *a, int64_t region_id, int64_t now_us, const json_t *list)
{
    char *text = json_text(list, NULL);

    db_args_init(a);
    db_arg_i64(a, region_id);
    db_arg_time(a, now_us);
    db_arg_str(a, text);
    free(text);
}
