#include "records/age.h"
#include "core/clock.h"
#include "tests/unit/test.h"
#include <string.h>

static int32_t day(const char *text)
{
    int32_t out;

    CHECK(clock_parse_day(text, strlen(text), &out));
    return out;
}

TEST(age, the_eightieth_birthday_counts_and_the_day_before_does_not)
{
    CHECK_INT(age_years(day("1946-11-21"), day("2026-11-20")), 79);
    CHECK_INT(age_years(day("1946-11-21"), day("2026-11-21")), 80);
}

TEST(age, somebody_born_on_a_leap_day_turns_on_the_first_of_march)
{
    CHECK_INT(age_years(day("2008-02-29"), day("2026-02-28")), 17);
    CHECK_INT(age_years(day("2008-02-29"), day("2026-03-01")), 18);
    CHECK_INT(age_years(day("2008-02-29"), day("2024-02-29")), 16);
}

TEST(age, born_tomorrow_is_zero)
{
    CHECK_INT(age_years(day("2026-11-22"), day("2026-11-21")), 0);
}

TEST(age, bands_are_decades_and_end_at_ninety)
{
    static const struct {
        const char *birth, *band;
    } CASES[] = {{"2026-01-01", "0-9"},   {"2017-11-22", "0-9"},   {"2016-11-21", "10-19"},
                 {"1986-11-22", "30-39"}, {"1986-11-21", "40-49"}, {"1936-11-22", "80-89"},
                 {"1936-11-21", "90+"},   {"1901-01-01", "90+"}};
    char band[AGE_BAND_TEXT];

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        age_band(day(CASES[i].birth), day("2026-11-21"), band);
        CHECK_STR(band, CASES[i].band);
    }
}
