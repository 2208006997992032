/* recon.h - our day against the channel's bill of that day: every difference with its class and both sides' rows.
 * Pure; any thread. The same inputs under the same rule give the same result, and its hash says so.
 *
 * Expects our settled trades of the day, and those of days beside it that may stand in this bill (cut-off at midnight), by
 *         ascending id; a bill read whole (bill.h). Both are borrowed, the result points at them by index.
 * Key     a payment is found by our order number, a refund by our refund number; compared in full, never by hash alone.
 * Delta   what the channel has more of on this day, refunds counted negative: Σ delta = the bill's net - our settled net.
 * Source  domain.md 3.5: classes and dispositions; a payment's day is that of its success, a refund's that of its beginning.
 */
#pragma once
#include "billing/bill.h"
#include "core/crypto.h"

enum recon_class {
    RECON_LONG,   /* the channel has it, we have not */
    RECON_SHORT,  /* we have it, the channel has not */
    RECON_CUTOFF, /* the same trade on two days, around midnight */
    RECON_AMOUNT,
    RECON_STATUS, /* the money moved for one side only, or for another trade */
    RECON_DUP,    /* once too often */
    RECON_FEE,    /* the principal agrees, the channel's fee does not */
    RECON_CLASSES
};
const char *recon_class_name(enum recon_class c); /* "long" … */

enum recon_state {
    RECON_OPEN,    /* created, paying, unknown: no money of ours yet */
    RECON_SETTLED, /* paid; a refund: accepted by the channel */
    RECON_CLOSED,  /* closed or failed */
};

#define RECON_NO_FEE INT64_MIN
#define RECON_NO_DAY INT32_MIN
struct recon_ours {
    int64_t id;
    enum bill_kind kind; /* BILL_PAYMENT or BILL_REFUND */
    enum recon_state state;
    int64_t at_us;              /* success, or a refund's beginning */
    int64_t amount_fen;         /* > 0 */
    int64_t fee_milli_fen;      /* expected; negative for a refund; RECON_NO_FEE: nobody knows */
    int32_t matched_day;        /* of an earlier run's bill that had it, or RECON_NO_DAY */
    const char *out_trade_no;   /* of the payment, also of a refund's */
    const char *out_refund_no;  /* "" for a payment */
    const char *transaction_id; /* the channel's, "" when we never learned it */
};

/* A version never changes: its number stands in the hash. */
struct recon_rule {
    int32_t version;
    int32_t cutoff_s;    /* how far from midnight two clocks may disagree about the day */
    int32_t cutoff_days; /* a trade missing this many days after its own is short */
    int64_t fee_tolerance_milli_fen;
};

#define RECON_NONE UINT32_MAX
struct recon_diff {
    enum recon_class class;
    uint32_t ours, channel; /* rows, RECON_NONE where that side has none */
    bool cleared;           /* RECON_CUTOFF: both sides are known now */
    int64_t delta_fen;
    int64_t fee_delta_milli_fen;
    const char *why; /* static, for the clerk and the log */
};

struct recon_result {
    struct recon_diff *diffs; /* the bill's order, then ours by id */
    size_t n;
    size_t matched;                   /* pairs without a difference */
    size_t count[RECON_CLASSES];      /* of diffs */
    int64_t delta_fen[RECON_CLASSES]; /* Σ */
    uint8_t hash[SHA256_LEN];         /* of inputs, rule and differences */
};

/** @param[out] out recon_free()d by the caller; untouched on failure
 * ERR_INVALID "recon_day" (the bill is another day's) | "recon_ours" (kind, amount, number, or ids not ascending) |
 * "recon_rule"; ERR_TOO_LARGE "recon_too_large" */
bool recon_run(struct recon_result *out, const struct recon_rule *rule, int32_t day,
               const struct recon_ours *ours, size_t n_ours, const struct bill *bill, struct err *err);
void recon_free(struct recon_result *result);
