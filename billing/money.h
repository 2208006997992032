/* money.h - amounts as they are written outside and counted inside. Pure; any thread.
 *
 * Unit    fen, int64; a fee as channels print it has five decimals of a yuan, so it is counted in milli-fen (1/1000 fen) until
 *         it is rounded, once, half up (away from zero).
 * Source  WeChat Pay trade bill: amounts in yuan with two decimals, fees with five.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

#define MONEY_MAX_FEN                                                                                        \
    INT64_C(999999999999) /* below ten thousand million yuan; sums of a million of them fit */
#define MONEY_TEXT 24

/** "12.50", "-3.00", "0". At most two decimals, no sign but '-', no spaces, no thousands.
 * ERR_INVALID "amount_malformed" | "amount_decimals" (a third decimal, even a zero) | "amount_range" */
bool money_parse(const char *text, size_t len, int64_t *fen, struct err *err);
/** A fee: up to five decimals, exactly. */
bool money_parse_fee(const char *text, size_t len, int64_t *milli_fen, struct err *err);
int64_t money_fee_fen(int64_t milli_fen);

/** "12.50"; out holds MONEY_TEXT. */
void money_format(int64_t fen, char out[MONEY_TEXT]);
/** "0.06000". */
void money_format_fee(int64_t milli_fen, char out[MONEY_TEXT]);
