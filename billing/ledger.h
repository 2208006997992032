/* ledger.h - the rules of the double entry: which accounts there are, which transfers between them have a meaning, and the groups
 * of transfers that an event of the day becomes. Pure; any thread.
 *
 * Row     a transfer debits one account and credits another by the same amount > 0 (data.md 2.2): whatever is made of such
 *         rows sums to zero. Several rows of one event are a group, posted whole or not at all.
 * Never   changed or deleted: what was wrong is reversed by a group that names the original.
 * Axes    effective_day is the accounting day (Shanghai), which may not be closed; when it was booked is the store's to say.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "billing/split.h"
#include "core/crypto.h"

enum ledger_kind {
    LEDGER_CHANNEL,  /* what the payment channel owes us; owner: the channel */
    LEDGER_SHORT,    /* what it should owe us and does not say; owner: the channel */
    LEDGER_CLEARING, /* received for a service, not shared out yet; owner: whose business it is */
    LEDGER_INVITING_ORG,
    LEDGER_INVITED_ORG, /* owed to the four parties of a split, in their order */
    LEDGER_DOCTOR,
    LEDGER_OPERATOR,
    LEDGER_LONG, /* what the channel says it owes us, and we do not know what for */
    LEDGER_FEE,  /* what the channel costs; owner: who bears it */
    LEDGER_LOSS, /* given up with a second person's approval */
    LEDGER_KINDS
};

/* The chart of accounts. */
struct ledger_chart {
    const char *name;    /* "assets:channel" */
    bool debit;          /* a debit makes it larger */
    bool never_negative; /* a posting that would is refused */
};
const struct ledger_chart *ledger_chart(enum ledger_kind kind);

struct ledger_account {
    enum ledger_kind kind;
    int64_t owner_id;
};

enum ledger_code {
    LEDGER_PAID,
    LEDGER_SPLIT,
    LEDGER_UNSPLIT, /* a party's part of a refund */
    LEDGER_REFUNDED,
    LEDGER_FEE_CHARGED,
    LEDGER_FEE_BACK,
    LEDGER_LONG_FOUND,
    LEDGER_LONG_REFUNDED, /* given back to who paid it */
    LEDGER_LONG_BOOKED,   /* it was a service's after all */
    LEDGER_SHORT_FOUND,
    LEDGER_SHORT_ARRIVED,
    LEDGER_SHORT_LOST,
    LEDGER_SHORT_VOIDED, /* nobody had paid: our record goes */
    LEDGER_CODES
};
const char *ledger_code_name(enum ledger_code code); /* "paid" … */

struct ledger_transfer {
    enum ledger_code code;
    struct ledger_account debit, credit;
    int64_t amount_fen; /* > 0 */
};

struct ledger_head {
    int64_t id;
    int64_t key;      /* of the request: the same key has one effect */
    int64_t about_id; /* the payment, refund or difference */
    int32_t effective_day;
};

#define LEDGER_GROUP_MAX (SPLIT_PARTIES + 1)
struct ledger_group {
    struct ledger_head head;
    int64_t reverses; /* id of the group this one undoes, or 0 */
    size_t n;
    struct ledger_transfer transfers[LEDGER_GROUP_MAX];
};

/** Every transfer has a meaning (code, accounts), an amount and two different accounts.
 * ERR_INVALID "ledger_empty" | "ledger_amount" | "ledger_shape" */
bool ledger_group_check(const struct ledger_group *g, struct err *err);
/** Of all but head.id: what a repeated request must have in common with the first. */
void ledger_group_hash(const struct ledger_group *g, uint8_t out[SHA256_LEN]);

/* How a payment was shared: by which rule, to whom, and what of it each still has (all of it before the first refund). */
struct ledger_shares {
    const struct split_rule *rule; /* checked; the one that shared the payment */
    int64_t owner_id[SPLIT_PARTIES];
    int64_t left_fen[SPLIT_PARTIES];
};

/* Builders. All: ERR_INVALID "ledger_amount" when there is nothing to post, or more than money.h's largest amount. */
bool ledger_paid(struct ledger_group *out, const struct ledger_head *head, int64_t channel_id,
                 int64_t clearing_id, int64_t fen, struct err *err);
/** left_fen of shares is set to the parts. */
bool ledger_split(struct ledger_group *out, const struct ledger_head *head, int64_t clearing_id,
                  struct ledger_shares *shares, int64_t fen, struct err *err);
/** Back from the parties by the original rule, then out through the channel; left_fen shrinks. @param shares NULL: not shared yet
 * ERR_CONFLICT "ledger_refund_exceeds": more than the parties have left; nothing is changed then */
bool ledger_refund(struct ledger_group *out, const struct ledger_head *head, int64_t channel_id,
                   int64_t clearing_id, struct ledger_shares *shares, int64_t fen, struct err *err);
/** @param milli_fen as the bill says it, rounded here once; negative: given back with a refund */
bool ledger_fee(struct ledger_group *out, const struct ledger_head *head, int64_t channel_id,
                int64_t bearer_id, int64_t milli_fen, struct err *err);
/** A difference into suspense. @param delta_fen of recon.h: > 0 the channel has more, < 0 less */
bool ledger_difference(struct ledger_group *out, const struct ledger_head *head, int64_t channel_id,
                       int64_t delta_fen, struct err *err);
/** Out of suspense again. @param how LEDGER_LONG_REFUNDED … LEDGER_SHORT_VOIDED without the two FOUND ones
 * @param other_id the clearing account's or loss's owner, where how needs one
 * ERR_INVALID "ledger_shape": how is none of those */
bool ledger_clear(struct ledger_group *out, const struct ledger_head *head, enum ledger_code how,
                  int64_t channel_id, int64_t other_id, int64_t fen, struct err *err);
/** The mirror of a group. A reversal may be reversed, which is the original again. */
bool ledger_reverse(struct ledger_group *out, const struct ledger_head *head,
                    const struct ledger_group *original, struct err *err);
