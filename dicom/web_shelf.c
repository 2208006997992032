#include "dicom/web_shelf.h"
#include "core/mem.h"
#include <stdlib.h>
#include <string.h>

struct series {
    int64_t account_id, tenant_id, put_us;
    struct web_found *whole; /* NULL: empty */
};

struct shelf {
    struct series series[SHELVES];
};

struct shelf *shelf_new(void)
{
    return mem_new(sizeof(struct shelf));
}

void shelf_free(struct shelf *s)
{
    for (size_t i = 0; s && i < SHELVES; i++)
        web_found_free(s->series[i].whole);
    free(s);
}

static bool is_of(const struct series *e, const struct caller *who, const char *study_uid,
                  const char *series_uid)
{
    return e->whole && e->account_id == who->account_id && e->tenant_id == who->tenant_id &&
           !strcmp(e->whole->study_uid, study_uid) && !strcmp(e->whole->instances[0].series_uid, series_uid);
}

void shelf_put(struct shelf *s, const struct caller *who, struct web_found *whole, int64_t now_us)
{
    struct series *place = &s->series[0];

    for (size_t i = 0; i < SHELVES; i++) {
        struct series *e = &s->series[i];
        if (is_of(e, who, whole->study_uid, whole->instances[0].series_uid)) {
            place = e;
            break;
        }
        if (!e->whole || (place->whole && e->put_us < place->put_us))
            place = e;
    }
    web_found_free(place->whole);
    *place = (struct series){who->account_id, who->tenant_id, now_us, whole};
}

struct web_found *web_found_one(const struct web_found *whole, const char *sop_uid)
{
    for (size_t i = 0; i < whole->n; i++) {
        const struct web_instance *in = &whole->instances[i];
        struct web_found *one;
        if (strcmp(in->sop_uid, sop_uid) != 0)
            continue;
        one = mem_new(sizeof *one);
        *one = *whole;
        one->viewer = mem_str(whole->viewer);
        one->n = 1;
        one->instances = mem_copy(in, sizeof *in);
        one->instances[0].path = mem_str(in->path);
        one->instances[0].index_path = mem_str(in->index_path);
        return one;
    }
    return NULL;
}

struct web_found *shelf_take(const struct shelf *s, const struct caller *who, const char *study_uid,
                             const char *series_uid, const char *sop_uid, int64_t now_us)
{
    for (size_t i = 0; i < SHELVES; i++) {
        const struct series *e = &s->series[i];
        if (is_of(e, who, study_uid, series_uid) && now_us - e->put_us < SHELF_US)
            return web_found_one(e->whole, sop_uid);
    }
    return NULL;
}
