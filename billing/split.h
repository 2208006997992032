/* split.h - a payment shared among its parties (分账), to the fen. Pure; any thread.
 *
 * Rule    basis points of each party, sum 10,000; a rule is a version and never changes, so a refund is shared by the rule that
 *         shared the payment.
 * Rest    the largest remainder takes the next fen; among equals the party named first (enum order). Σ parts = amount, always.
 */
#pragma once
#include <stdint.h>
#include "core/err.h"

enum split_party { SPLIT_INVITING_ORG, SPLIT_INVITED_ORG, SPLIT_DOCTOR, SPLIT_OPERATOR, SPLIT_PARTIES };
const char *split_party_name(enum split_party party); /* "inviting_org" … */

struct split_rule {
    int64_t id;
    int32_t version;
    int32_t basis_points[SPLIT_PARTIES];
};

/** ERR_INVALID "split_negative" | "split_sum" (not 10,000) */
bool split_rule_check(const struct split_rule *rule, struct err *err);
/** @param fen of the payment, or of the refund; ≥ 0 @param rule checked */
void split_amount(const struct split_rule *rule, int64_t fen, int64_t out[SPLIT_PARTIES]);
/** What each party gives back: its share of the refund, but never more than it still has of the payment; what one lacks the
 * others give, in party order. A full refund therefore leaves everybody with nothing, whatever small ones came before.
 * @param left of the payment with each party; 0 ≤ fen ≤ Σ left */
void split_refund(const struct split_rule *rule, const int64_t left[SPLIT_PARTIES], int64_t fen,
                  int64_t out[SPLIT_PARTIES]);
