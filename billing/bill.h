/* bill.h - a channel's bill of one day, whatever the channel: what came in, what went back, what it cost. Pure; any thread.
 *
 * Owns    rows and the copy of the text their strings point into; bill_free().
 * Whole   a bill is read whole or refused whole: the error names the row, and nothing of it may be used.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

#define BILL_BYTES_MAX (512u << 20)
#define BILL_FIELD_MAX 1024

enum bill_kind {
    BILL_PAYMENT,
    BILL_REFUND,
    BILL_REVOKED, /* a pay code taken back before it was paid: no money moved */
};
const char *bill_kind_name(enum bill_kind kind);

struct bill_row {
    uint32_t line; /* of the file, from 1 */
    enum bill_kind kind;
    int64_t at_us;              /* UTC; of the success, or of the refund's beginning */
    int64_t amount_fen;         /* > 0: received, or given back; 0 for BILL_REVOKED */
    int64_t order_fen;          /* what was asked for before the channel's coupons */
    int64_t fee_milli_fen;      /* the channel's; negative: given back with a refund */
    const char *out_trade_no;   /* ours: of the payment, also in a refund's row */
    const char *out_refund_no;  /* ours, "" unless a refund */
    const char *transaction_id; /* the channel's */
    const char *refund_id;      /* the channel's, "" unless a refund */
    const char *status;         /* SUCCESS, REFUND, REVOKED as written; of a refund its refund state */
    const char *merchant, *sub_merchant;
};

struct bill {
    char *text; /* every string points into it */
    struct bill_row *rows;
    size_t n;
    int32_t day;                                   /* Shanghai day of all rows; INT32_MIN for an empty bill */
    int64_t paid_fen, refunded_fen, fee_milli_fen; /* sums, equal to the bill's own total row */
};

void bill_free(struct bill *bill);
