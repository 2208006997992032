/* bill_wechat.h - the trade bill of WeChat Pay, type ALL: read and written. Pure; any thread.
 *
 * Source  WeChat Pay v3 "tradebill": UTF-8, perhaps a BOM; LF or CRLF; a bare header, then every field of data and totals behind
 *         a backtick, unquoted, so a comma may stand in a name: fields part at ",`". Columns are found by their names in
 *         the header. Yuan with two decimals, fees with five; refund amounts positive, a refund's fee negative; a refund's
 *         row carries the payment's order number. The last two lines are the totals' header and the totals.
 * Hash    SHA-1 as the channel gives it beside the address of the download; checked before anything is read.
 * Fuzz    tests/fuzz/bill_wechat_fuzz.c
 */
#pragma once
#include <stdio.h>
#include "billing/bill.h"

struct bill_wechat_options {
    const char *sha1_hex; /* NULL: none is known (a file somebody brought) */
    const char *merchant; /* 商户号 every row must have; NULL: any */
    int32_t day;          /* Shanghai day every row must be of; INT32_MIN: any one day */
};

/** ERR_CORRUPT "bill_hash"; ERR_TOO_LARGE "bill_too_large";
 * ERR_INVALID "bill_header" (a column is missing or unknown), "bill_no_totals", "bill_row" (fields, time, state),
 * "bill_amount" (amount_* of money.h in the text), "bill_totals" (a total is not the sum), "bill_merchant", "bill_day";
 * the text says the line and the column. */
bool bill_wechat_read(struct bill *out, const uint8_t *data, size_t len,
                      const struct bill_wechat_options *opt, struct err *err);

/** What the channel answers instead of a bill: {"code":"NO_STATEMENT_EXIST"} or the older XML with 20002. A day without trades. */
bool bill_wechat_is_none(const uint8_t *data, size_t len);

struct bill_wechat_line { /* what a row shows beside struct bill_row */
    const char *app_id, *payer, *trade_type, *bank, *goods, *attach;
};
/** The whole file: header, rows in their order, totals. line[i] belongs to rows[i]. false: the stream failed. */
bool bill_wechat_write(FILE *out, const struct bill_row *rows, const struct bill_wechat_line *line, size_t n);
