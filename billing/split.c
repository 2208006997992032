#include "billing/split.h"
#include <stddef.h>

#define WHOLE 10000

const char *split_party_name(enum split_party party)
{
    static const char *const NAMES[SPLIT_PARTIES] = {
        [SPLIT_INVITING_ORG] = "inviting_org",
        [SPLIT_INVITED_ORG] = "invited_org",
        [SPLIT_DOCTOR] = "doctor",
        [SPLIT_OPERATOR] = "operator",
    };

    return party < SPLIT_PARTIES ? NAMES[party] : "";
}

bool split_rule_check(const struct split_rule *rule, struct err *err)
{
    int64_t sum = 0;

    for (size_t i = 0; i < SPLIT_PARTIES; i++) {
        if (rule->basis_points[i] < 0)
            return err_set(err, ERR_INVALID, "split_negative", "%s has %d basis points",
                           split_party_name((enum split_party)i), rule->basis_points[i]);
        sum += rule->basis_points[i];
    }
    return sum == WHOLE ||
           err_set(err, ERR_INVALID, "split_sum", "the shares sum to %lld, not to 10,000", (long long)sum);
}

void split_amount(const struct split_rule *rule, int64_t fen, int64_t out[SPLIT_PARTIES])
{
    int64_t rest[SPLIT_PARTIES], left = fen;

    for (size_t i = 0; i < SPLIT_PARTIES; i++) {
        /* whole ten-thousandths first: fen × basis points could be too large for 64 bits, its two parts cannot */
        int64_t points = rule->basis_points[i], tail = fen % WHOLE * points;

        out[i] = fen / WHOLE * points + tail / WHOLE;
        rest[i] = tail % WHOLE;
        left -= out[i];
    }
    for (; left > 0; left--) {
        size_t best = 0;

        for (size_t i = 1; i < SPLIT_PARTIES; i++)
            if (rest[i] > rest[best])
                best = i;
        out[best]++;
        rest[best] = -1;
    }
}

void split_refund(const struct split_rule *rule, const int64_t left[SPLIT_PARTIES], int64_t fen,
                  int64_t out[SPLIT_PARTIES])
{
    int64_t lacking = 0;

    split_amount(rule, fen, out);
    for (size_t i = 0; i < SPLIT_PARTIES; i++)
        if (out[i] > left[i]) {
            lacking += out[i] - left[i];
            out[i] = left[i];
        }
    for (size_t i = 0; i < SPLIT_PARTIES && lacking; i++) {
        int64_t more = left[i] - out[i] < lacking ? left[i] - out[i] : lacking;

        out[i] += more;
        lacking -= more;
    }
}
