#include "billing/calendar.h"
#include <stdlib.h>
#include "core/clock.h"

#define WORKING_MIN (8 * 60)
#define DAY_MIN     (24 * 60)
#define THURSDAY    3 /* 1970-01-01 */

const char *price_regime_name(enum price_regime regime)
{
    return regime == REGIME_GUIDED ? "guided" : "market";
}

bool calendar_check(const struct calendar *c, struct err *err)
{
    int32_t sum = c->to_min[0] - c->from_min[0] + c->to_min[1] - c->from_min[1];

    if (c->from_min[0] < 0 || c->from_min[0] >= c->to_min[0] || c->to_min[0] > c->from_min[1] ||
        c->from_min[1] >= c->to_min[1] || c->to_min[1] > DAY_MIN || sum != WORKING_MIN)
        return err_set(err, ERR_INVALID, "calendar_hours",
                       "the working hours are not eight, in two parts of a day");
    for (size_t i = 1; i < c->n_exceptions; i++)
        if (c->exceptions[i].day <= c->exceptions[i - 1].day)
            return err_set(err, ERR_INVALID, "calendar_order", "day %d stands behind day %d",
                           c->exceptions[i].day, c->exceptions[i - 1].day);
    return true;
}

static int by_day(const void *key, const void *item)
{
    const int32_t day = *(const int32_t *)key, other = ((const struct calendar_day *)item)->day;

    return (day > other) - (day < other);
}

static unsigned weekday(int32_t day) /* 0: Monday */
{
    return (unsigned)(((day + THURSDAY) % 7 + 7) % 7);
}

bool calendar_works(const struct calendar *c, int32_t day)
{
    const struct calendar_day *exception =
        c->n_exceptions ? bsearch(&day, c->exceptions, c->n_exceptions, sizeof *c->exceptions, by_day) : NULL;

    return exception ? exception->works : c->weekdays >> weekday(day) & 1;
}

enum price_regime calendar_regime(const struct calendar *c, int64_t starts_at_us)
{
    int32_t day = clock_shanghai_day(starts_at_us);
    int64_t minute = (starts_at_us - clock_shanghai_day_start_us(day)) / (60 * US_PER_S);

    if (!calendar_works(c, day))
        return REGIME_MARKET;
    for (int i = 0; i < 2; i++)
        if (minute >= c->from_min[i] && minute < c->to_min[i])
            return REGIME_GUIDED;
    return REGIME_MARKET;
}
