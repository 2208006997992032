/* A channel's bill as anybody may bring it: read whole or refused, and then its sums are those of its rows. */
#include "billing/bill_wechat.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct bill_wechat_options ANY = {.day = INT32_MIN};
    struct err err = ERR_INIT;
    struct bill b;
    int64_t paid = 0, refunded = 0;

    bill_wechat_is_none(data, len);
    if (!bill_wechat_read(&b, data, len, &ANY, &err)) {
        if (!err.code || !*err.reason)
            abort();
        return 0;
    }
    for (size_t i = 0; i < b.n; i++) {
        if (b.rows[i].amount_fen < 0 || !*b.rows[i].out_trade_no)
            abort();
        paid += b.rows[i].kind == BILL_PAYMENT ? b.rows[i].amount_fen : 0;
        refunded += b.rows[i].kind == BILL_REFUND ? b.rows[i].amount_fen : 0;
    }
    if (refunded != b.refunded_fen || paid > b.paid_fen)
        abort();
    bill_free(&b);
    return 0;
}
