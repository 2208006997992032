/* web_shelf.h - series somebody is looking at: their rows for a few seconds, so that scrolling through 300 slices is not 300
 * questions to the database.
 *
 * Owns    what is on it: at most SHELVES series, the oldest leaves first.
 * Sees    a row is given only to the account for which row security gave it; what it may see no longer, it sees for at most
 *         SHELF_US longer. New instances are asked for anew. A study without a patient is never put here.
 * Runs on the daemon's loop only.
 */
#pragma once
#include "dicom/web_private.h"

#define SHELVES  32
#define SHELF_US (5 * INT64_C(1000000))

struct shelf;

struct shelf *shelf_new(void);
void shelf_free(struct shelf *s); /* NULL is fine */
/** whole is taken: every instance of one series, as the caller sees it. */
void shelf_put(struct shelf *s, const struct caller *who, struct web_found *whole, int64_t now_us);
/** A found of its own with that one instance (its req is not set), or NULL. */
struct web_found *shelf_take(const struct shelf *s, const struct caller *who, const char *study_uid,
                             const char *series_uid, const char *sop_uid, int64_t now_us);
/** One instance of `whole` as a found of its own, or NULL when it is not among them. */
struct web_found *web_found_one(const struct web_found *whole, const char *sop_uid);
