#include "signaling/identity.h"
#include "core/mem.h"
#include <stdlib.h>

struct identity *identity_new(void)
{
    struct identity *id = mem_new(sizeof *id);

    id->refs = 1;
    return id;
}

struct identity *identity_ref(struct identity *id)
{
    id->refs++;
    return id;
}

void identity_unref(struct identity *id)
{
    if (!id || --id->refs > 0)
        return;
    json_decref(id->account);
    free(id);
}

void identity_free(void *id)
{
    identity_unref(id);
}

struct db_scope identity_scope(const struct identity *id)
{
    return (struct db_scope){id->region_id, id->tenant_id, id->account_id};
}
