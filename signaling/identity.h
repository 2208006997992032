/* identity.h - who is calling, as everybody in this room needs to know it.
 *
 * Owns    itself by reference count; nothing in it changes after it was made, so requests, sockets and the
 *         cache share one. Runs on the service loop only.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/db/db.h"
#include "core/http/problem.h"
#include "signaling/token.h"

struct identity {
    int refs;
    int64_t region_id, tenant_id, account_id;
    int64_t person_id,
        staff_id;   /* 0 when the account has none, or when only a token vouches and the database is away */
    uint32_t roles; /* records/roles.h */
    enum locale locale;
    char name[128];
    json_t *account;       /* the API's Account */
    int64_t session_id;    /* 0 for bearers */
    int64_t expires_at_us; /* UTC */
    bool bearer;
    struct token_claims claims; /* when bearer */
};

struct identity *identity_new(void); /* one reference, everything zero */
struct identity *identity_ref(struct identity *id);
void identity_unref(struct identity *id); /* NULL is fine */
void identity_free(void *id);             /* the same, for a struct request */
/** The scope every statement of this caller runs in. */
struct db_scope identity_scope(const struct identity *id);
