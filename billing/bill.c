#include "billing/bill.h"
#include <stdlib.h>

const char *bill_kind_name(enum bill_kind kind)
{
    static const char *const NAMES[] = {
        [BILL_PAYMENT] = "payment",
        [BILL_REFUND] = "refund",
        [BILL_REVOKED] = "revoked",
    };

    return NAMES[kind];
}

void bill_free(struct bill *bill)
{
    free(bill->rows);
    free(bill->text);
    *bill = (struct bill){.day = INT32_MIN};
}
