/* access.h - live grants: who, besides the owner, sees a person or a visit, why, and until when.
 * A claim, a booking or a referral writes them in its own transaction; row security reads them. Any thread. */
#pragma once
#include <stdint.h>
#include "core/db/db.h"
#include "core/json.h"
#include "records/access.sql.h"

#define ACCESS_CARE_US (24 * 3600 * INT64_C(1000000)) /* from booking or claim to the end of the visit */
#define ACCESS_READING_US                                                                                    \
    (7 * 24 * 3600 *                                                                                         \
     INT64_C(1000000)) /* from a reader's claim; signing, giving back and idling end it sooner */
#define ACCESS_RECORD_US                                                                                     \
    (15 * 366 * 24 * 3600 * INT64_C(1000000)) /* both sides keep the record: 15 years from closure */

/** One grant into the list for SQL_access_grant. subject: a person (demographics), a visit (its room, notes, recording), an exam or
 * a study; order_id: the order or the exam that is the cause. */
void access_add(json_t *list, int64_t id, int64_t subject_id, int64_t tenant_id, const char *purpose,
                int64_t order_id, int64_t until_us);
/** Arguments of SQL_access_grant. */
void access_grant_args(struct db_args *a, int64_t region_id, int64_t now_us, const json_t *list);
