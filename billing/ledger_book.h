/* ledger_book.h - postings folded into balances, in memory: the model that a store of the ledger must agree with, and what an
 * independent check of its rows uses. Pure; belongs to one thread.
 *
 * Owns    copies of all groups and the accounts they touch.
 * Rule    a group is posted whole or not at all; the same key has one effect; a closed day takes nothing; a group is reversed
 *         at most once, by its exact mirror; an account that may not be negative is not.
 */
#pragma once
#include "billing/ledger.h"

struct ledger_balance {
    struct ledger_account account;
    int64_t debits_fen, credits_fen; /* sums, never shrinking */
};

struct ledger_book;
struct ledger_book *ledger_book_new(void);
void ledger_book_free(struct ledger_book *b);

/** @param[out] repeated  the same request was posted before, nothing happened; may be NULL
 * errors of ledger_group_check(); ERR_CONFLICT "ledger_day_closed" | "ledger_key_reused" (another group under this key) |
 * "ledger_id_reused" | "ledger_reversed" (twice) | "ledger_not_its_mirror" | "ledger_negative";
 * ERR_NOT_FOUND "ledger_unknown" (there is nothing to reverse); ERR_TOO_LARGE "ledger_range" */
bool ledger_book_post(struct ledger_book *b, const struct ledger_group *g, bool *repeated, struct err *err);
/** ERR_CONFLICT "ledger_day_closed" | "ledger_day_open" */
bool ledger_book_close_day(struct ledger_book *b, int32_t day, struct err *err);
bool ledger_book_reopen_day(struct ledger_book *b, int32_t day, struct err *err);

size_t ledger_book_groups(const struct ledger_book *b);
const struct ledger_group *ledger_book_group(const struct ledger_book *b,
                                             size_t i); /* in the order of posting */
size_t ledger_book_accounts(const struct ledger_book *b);
const struct ledger_balance *ledger_book_balance(const struct ledger_book *b, size_t i);
/** In the account's own direction; 0 when nobody ever touched it. */
int64_t ledger_book_fen(const struct ledger_book *b, enum ledger_kind kind, int64_t owner_id);
