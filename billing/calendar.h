/* calendar.h - which price regime a moment falls into: within the eight working hours the guided price, outside the market's.
 * Pure; any thread. Times are UTC microseconds; days are Shanghai day numbers, minutes count from midnight there.
 *
 * Source  domain.md 3.1: the regime follows the booked start and is frozen in the price snapshot.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

enum price_regime { REGIME_GUIDED, REGIME_MARKET };
const char *price_regime_name(enum price_regime regime); /* "guided", "market" */

/* An exception of the year's order of holidays: a holiday on a weekday, or a make-up day on a weekend. */
struct calendar_day {
    int32_t day;
    bool works;
};

struct calendar {
    int32_t from_min[2], to_min[2]; /* morning and afternoon; [from, to) */
    uint8_t weekdays;               /* bit 0: Monday … bit 6: Sunday */
    const struct calendar_day *exceptions;
    size_t n_exceptions; /* sorted by day, each once */
};

/** Eight hours in two parts, in order and within the day; exceptions sorted.
 * ERR_INVALID "calendar_hours" | "calendar_order" */
bool calendar_check(const struct calendar *c, struct err *err);
bool calendar_works(const struct calendar *c, int32_t day);
enum price_regime calendar_regime(const struct calendar *c, int64_t starts_at_us);
