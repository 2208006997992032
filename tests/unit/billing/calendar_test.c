#include "tests/unit/test.h"
#include "billing/calendar.h"
#include "core/clock.h"
#include <string.h>

static int64_t at(const char *local) /* "2026-10-12T17:59:00+08:00" */
{
    int64_t us;

    CHECK(clock_parse(local, strlen(local), &us));
    return us;
}

static struct calendar usual(void)
{
    return (struct calendar){
        .from_min = {8 * 60 + 30, 14 * 60 + 30}, .to_min = {12 * 60, 19 * 60}, .weekdays = 0x1f};
}

TEST(calendar, the_regime_turns_at_the_minute)
{
    struct calendar c = usual();
    struct err err = ERR_INIT;

    c.from_min[0] = 8 * 60;
    c.to_min[0] = 12 * 60;
    c.from_min[1] = 14 * 60;
    c.to_min[1] = 18 * 60;
    CHECK_OK(calendar_check(&c, &err), &err);
    CHECK_INT(calendar_regime(&c, at("2026-10-12T17:59:00+08:00")), REGIME_GUIDED);
    CHECK_INT(calendar_regime(&c, at("2026-10-12T17:59:59+08:00")), REGIME_GUIDED);
    CHECK_INT(calendar_regime(&c, at("2026-10-12T18:00:00+08:00")), REGIME_MARKET);
    CHECK_INT(calendar_regime(&c, at("2026-10-12T18:01:00+08:00")), REGIME_MARKET);
    CHECK_INT(calendar_regime(&c, at("2026-10-12T07:59:59+08:00")), REGIME_MARKET);
    CHECK_INT(calendar_regime(&c, at("2026-10-12T08:00:00+08:00")), REGIME_GUIDED);
    CHECK_INT(calendar_regime(&c, at("2026-10-12T13:00:00+08:00")), REGIME_MARKET);
    CHECK_INT(calendar_regime(&c, at("2026-10-12T09:59:00Z")),
              REGIME_GUIDED); /* the same minute, said in UTC */
}

TEST(calendar, a_weekend_is_the_markets_unless_it_makes_up_for_a_holiday)
{
    struct calendar c = usual();
    struct calendar_day days[2] = {{0, true}, {0, false}};

    CHECK_INT(calendar_regime(&c, at("2026-10-10T10:00:00+08:00")), REGIME_MARKET); /* a Saturday */
    CHECK_INT(calendar_regime(&c, at("2026-10-11T10:00:00+08:00")), REGIME_MARKET);
    CHECK_INT(calendar_regime(&c, at("2026-10-12T10:00:00+08:00")), REGIME_GUIDED);
    CHECK(clock_parse_day("2026-10-10", 10, &days[0].day));
    CHECK(clock_parse_day("2026-10-12", 10, &days[1].day));
    c.exceptions = days;
    c.n_exceptions = 2;
    CHECK_INT(calendar_regime(&c, at("2026-10-10T10:00:00+08:00")), REGIME_GUIDED);
    CHECK_INT(calendar_regime(&c, at("2026-10-12T10:00:00+08:00")), REGIME_MARKET);
}

TEST(calendar, hours_that_are_not_eight_are_refused)
{
    struct calendar c = usual();
    struct calendar_day days[2] = {{5, true}, {5, false}};
    struct err err = ERR_INIT;

    CHECK_OK(calendar_check(&c, &err), &err);
    c.to_min[1]++;
    CHECK_ERR(calendar_check(&c, &err), &err, ERR_INVALID, "calendar_hours");
    c = usual();
    c.from_min[0] = 13 * 60;
    CHECK_ERR(calendar_check(&c, &err), &err, ERR_INVALID, "calendar_hours");
    c = usual();
    c.exceptions = days;
    c.n_exceptions = 2;
    CHECK_ERR(calendar_check(&c, &err), &err, ERR_INVALID, "calendar_order");
}
