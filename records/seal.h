/* seal.h - the sealer: joins the writers' heads as each tenant sees them and signs them (Ed25519), so that a chain
 * rewritten as a whole is found, too.
 *
 * Runs    in one process per region (yz-schedulerd), on the thread that owns its connection, at most once a second.
 * Covers  every audit row committed before the statement ran; a row is sealed within a second of its commit.
 */
#pragma once
#include "core/db/db.h"
#include "records/audit.h"

struct seal;

/** @param key lent; the public half goes into every seal */
void seal_new(struct seal **out, int64_t region_id, const struct sign_key *key);
void seal_free(struct seal *s); /* NULL is fine */

/** Inside a transaction of the caller: seal what is new. *sealed is the number of tenants that got a seal; 0 wrote nothing. */
bool seal_run(struct seal *s, struct db_sync *db, int64_t now_us, unsigned *sealed, struct err *err);
/** Tell how that transaction ended; until then the next run would begin where this one did. */
void seal_committed(struct seal *s);
