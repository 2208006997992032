/* caller.h - who asks by HTTP: the one line nginx puts in front of every request (X-Yz-Identity), as signald wrote it.
 *
 *     region=150000;tenant=21;account=315;person=0;staff=205;roles=8;session=384226543616000001
 *
 * Trust   nginx overwrites whatever a client sent, and the socket is ours; still the line is read strictly: every field once,
 *         decimal, nothing else. Any thread.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/db/db.h"

struct caller {
    int64_t region_id, tenant_id, account_id;
    int64_t person_id, staff_id; /* 0: none */
    int64_t session_id;          /* 0: a bearer token */
    uint32_t roles;              /* records/roles.h */
};

/** false, and *out zero, for anything but such a line with region and account. */
bool caller_parse(struct caller *out, const char *text, size_t len);
/** The scope his statements run in. */
struct db_scope caller_scope(const struct caller *c);
