#include "tests/unit/test.h"
#include "core/clock.h"
#include <string.h>
#include <time.h>

static int64_t parse(const char *text)
{
    int64_t us = -1;

    CHECK(clock_parse(text, strlen(text), &us));
    return us;
}

TEST(clock, formats_utc_to_the_microsecond)
{
    char text[CLOCK_TEXT];

    clock_format_utc(0, text);
    CHECK_STR(text, "1970-01-01T00:00:00.000000Z");
    clock_format_utc(-1, text);
    CHECK_STR(text, "1969-12-31T23:59:59.999999Z");
    clock_format_utc(INT64_C(1795244400123456), text);
    CHECK_STR(text, "2026-11-21T07:00:00.123456Z");
}

TEST(clock, reads_what_it_writes)
{
    for (int64_t us = INT64_C(-62135596800000000); us < INT64_C(253402300800000000);
         us += INT64_C(86399987654321) * 37) {
        char text[CLOCK_TEXT];
        clock_format_utc(us, text);
        CHECK_INT(parse(text), us);
    }
}

TEST(clock, agrees_with_the_c_library_on_every_day_for_a_century)
{
    for (int32_t day = -3650; day < 36500; day++) {
        time_t s = (time_t)day * 86400;
        char ours[CLOCK_TEXT], theirs[CLOCK_TEXT];
        struct tm tm;
        int32_t back;
        gmtime_r(&s, &tm);
        strftime(theirs, sizeof theirs, "%Y-%m-%d", &tm);
        clock_format_day(day, ours);
        CHECK_STR(ours, theirs);
        CHECK(clock_parse_day(ours, strlen(ours), &back));
        CHECK_INT(back, day);
    }
}

TEST(clock, offsets_and_fractions_are_understood)
{
    CHECK_INT(parse("2026-11-21T15:00:00+08:00"), parse("2026-11-21T07:00:00Z"));
    CHECK_INT(parse("2026-11-21T01:30:00-05:30"), parse("2026-11-21T07:00:00Z"));
    CHECK_INT(parse("2026-11-21 07:00:00.5z"), parse("2026-11-21T07:00:00Z") + 500000);
    CHECK_INT(parse("2026-11-21T07:00:00.1234569Z"), parse("2026-11-21T07:00:00Z") + 123456);
    CHECK_INT(parse("2016-12-31T23:59:60Z"), parse("2017-01-01T00:00:00Z"));
}

TEST(clock, refuses_what_is_not_a_time)
{
    static const char *const BAD[] = {
        "",
        "2026-11-21",
        "2026-11-21T07:00:00",
        "2026-11-21T24:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-11-21T07:60:00Z",
        "2026-11-21T07:00:61Z",
        "2026-11-21T07:00:00.Z",
        "2026-11-21T07:00:00Z ",
        "2026-11-21T07:00:00+0800",
        "2026-11-21T07:00:00+24:00",
        "2026-1-21T07:00:00Z",
        "+026-11-21T07:00:00Z",
    };
    int64_t us;

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        CHECK(!clock_parse(BAD[i], strlen(BAD[i]), &us));
    CHECK(!clock_parse("2026-11-21T07:00:00Z", 19, &us));
}

TEST(clock, a_shanghai_day_begins_at_sixteen_hundred_utc)
{
    int64_t midnight = parse("2026-11-20T16:00:00Z");
    int32_t day;

    CHECK(clock_parse_day("2026-11-21", 10, &day));
    CHECK_INT(clock_shanghai_day(midnight), day);
    CHECK_INT(clock_shanghai_day(midnight - 1), day - 1);
    CHECK_INT(clock_shanghai_day_start_us(day), midnight);
    CHECK_INT(clock_shanghai_day(-8 * 3600 * US_PER_S - 1), -1);
}

TEST(clock, monotonic_time_does_not_go_back)
{
    int64_t a = clock_mono_us();

    CHECK(clock_mono_us() >= a);
    CHECK(clock_now_us() > parse("2024-01-01T00:00:00Z"));
}
