#include "records/age.h"
#include <stdio.h>

struct civil {
    int32_t year, month, day;
};

/* Days since 1970-01-01 to a calendar date (proleptic Gregorian, 400-year eras beginning in March). */
static struct civil civil_from_day(int32_t day)
{
    int32_t z = day + 719468;
    int32_t era = (z >= 0 ? z : z - 146096) / 146097;
    int32_t doe = z - era * 146097;
    int32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int32_t mp = (5 * doy + 2) / 153;
    struct civil c = {
        .year = yoe + era * 400, .month = mp < 10 ? mp + 3 : mp - 9, .day = doy - (153 * mp + 2) / 5 + 1};

    if (c.month <= 2)
        c.year++;
    return c;
}

int32_t age_years(int32_t birth_day, int32_t on_day)
{
    struct civil b = civil_from_day(birth_day), n = civil_from_day(on_day);
    int32_t years = n.year - b.year;

    if (n.month < b.month || (n.month == b.month && n.day < b.day))
        years--;
    return years < 0 ? 0 : years;
}

void age_band(int32_t birth_day, int32_t on_day, char out[AGE_BAND_TEXT])
{
    static const char *const BANDS[] = {"0-9",   "10-19", "20-29", "30-39", "40-49",
                                        "50-59", "60-69", "70-79", "80-89", "90+"};
    int32_t decade = age_years(birth_day, on_day) / 10;

    snprintf(out, AGE_BAND_TEXT, "%s", BANDS[decade > 9 ? 9 : decade]);
}
