#include "billing/money.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct decimal {
    bool negative;
    int64_t whole, part; /* part: `digits` decimals */
    int digits;
};

static bool malformed(struct err *err, const char *text, size_t len)
{
    return err_set(err, ERR_INVALID, "amount_malformed", "'%.*s' is no amount", len > 40 ? 40 : (int)len,
                   text);
}

/* The whole part has at most ten digits, so nothing here overflows. */
static bool decimal_read(struct decimal *d, const char *text, size_t len, int decimals_max, struct err *err)
{
    size_t at = 0, start;

    *d = (struct decimal){.negative = len && *text == '-'};
    at += d->negative;
    for (start = at; at < len && text[at] >= '0' && text[at] <= '9' && at - start <= 10; at++)
        d->whole = d->whole * 10 + (text[at] - '0');
    if (at == start)
        return malformed(err, text, len);
    if (at - start > 10)
        return err_set(err, ERR_INVALID, "amount_range", "'%.*s…' is more than any bill holds",
                       len > 20 ? 20 : (int)len, text);
    if (at == len)
        return true;
    if (text[at++] != '.')
        return malformed(err, text, len);
    for (start = at; at < len && text[at] >= '0' && text[at] <= '9' && d->digits < 9; at++, d->digits++)
        d->part = d->part * 10 + (text[at] - '0');
    if (at == start || at != len)
        return malformed(err, text, len);
    if (d->digits > decimals_max)
        return err_set(err, ERR_INVALID, "amount_decimals", "'%.*s' has more than %d decimals",
                       len > 40 ? 40 : (int)len, text, decimals_max);
    return true;
}

static bool scaled(const char *text, size_t len, int decimals, int64_t *out, struct err *err)
{
    struct decimal d;
    int64_t unit = 1;

    if (!decimal_read(&d, text, len, decimals, err))
        return false;
    for (; d.digits < decimals; d.digits++)
        d.part *= 10;
    for (int i = 0; i < decimals; i++)
        unit *= 10;
    *out = d.whole * unit + d.part;
    if (d.negative)
        *out = -*out;
    return true;
}

bool money_parse(const char *text, size_t len, int64_t *fen, struct err *err)
{
    return scaled(text, len, 2, fen, err);
}

bool money_parse_fee(const char *text, size_t len, int64_t *milli_fen, struct err *err)
{
    return scaled(text, len, 5, milli_fen, err);
}

int64_t money_fee_fen(int64_t milli_fen)
{
    return (milli_fen + (milli_fen < 0 ? -500 : 500)) / 1000;
}

static void format(int64_t value, int64_t unit, int decimals, char out[MONEY_TEXT])
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;

    snprintf(out, MONEY_TEXT, "%s%" PRIu64 ".%0*" PRIu64, value < 0 ? "-" : "", size / (uint64_t)unit,
             decimals, size % (uint64_t)unit);
}

void money_format(int64_t fen, char out[MONEY_TEXT])
{
    format(fen, 100, 2, out);
}

void money_format_fee(int64_t milli_fen, char out[MONEY_TEXT])
{
    format(milli_fen, 100000, 5, out);
}
