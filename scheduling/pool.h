/* pool.h - orders shown to doctors: opening circles, telling who sees what. On the deciding thread. */
#pragma once
#include "scheduling/batch.h"

/** Offer pooled orders to as many eligible doctors on duty as their circle allows, least served first.
 * @param orders NULL: every pooled order   @param staff_id 0: every doctor */
bool pool_offer(struct batch *b, const int64_t *orders, size_t n, int64_t staff_id);
/** An event per order to the accounts that stand in rows (order, account, owner), sorted by order. op: added, changed, removed. */
void pool_tell(struct batch *b, const char *op, const struct db_rows *rows);
