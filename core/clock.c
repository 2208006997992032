#include "core/clock.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_US      (INT64_C(86400) * US_PER_S)
#define SHANGHAI_US (INT64_C(8) * 3600 * US_PER_S)
#define YEAR_MIN    1
#define YEAR_MAX    9999

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int32_t clock_shanghai_day(int64_t utc_us)
{
    return (int32_t)floor_div(utc_us + SHANGHAI_US, DAY_US);
}

int64_t clock_shanghai_day_start_us(int32_t day)
{
    return (int64_t)day * DAY_US - SHANGHAI_US;
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar. The year is counted from March, so
 * that the leap day is its last one and needs no exception. */
static int64_t days_of(int y, int m, int d)
{
    int64_t yy = m <= 2 ? y - 1 : y;
    int64_t era = floor_div(yy, 400);
    int64_t yoe = yy - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of(int64_t days, int *y, int *m, int *d)
{
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2));
}

void clock_format_utc(int64_t utc_us, char out[CLOCK_TEXT])
{
    int64_t days = floor_div(utc_us, DAY_US);
    int64_t us = utc_us - days * DAY_US;
    int64_t s = us / US_PER_S;
    int y, m, d;

    date_of(days, &y, &m, &d);
    snprintf(out, CLOCK_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", y, m, d, (int)(s / 3600),
             (int)(s / 60 % 60), (int)(s % 60), (int)(us % US_PER_S));
}

void clock_format_day(int32_t day, char out[CLOCK_TEXT])
{
    int y, m, d;

    date_of(day, &y, &m, &d);
    snprintf(out, CLOCK_TEXT, "%04d-%02d-%02d", y, m, d);
}

/* Exactly n digits at *p; moves on. */
static bool digits(const char **p, const char *end, int n, int *out)
{
    int v = 0;

    if (end - *p < n)
        return false;
    for (int i = 0; i < n; i++) {
        char c = (*p)[i];
        if (c < '0' || c > '9')
            return false;
        v = v * 10 + (c - '0');
    }
    *p += n;
    *out = v;
    return true;
}

static bool one_of(const char **p, const char *end, const char *set)
{
    if (*p == end || **p == '\0' || !strchr(set, **p))
        return false;
    (*p)++;
    return true;
}

static bool date(const char **p, const char *end, int64_t *days)
{
    static const int LENGTH[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, m, d;

    if (!digits(p, end, 4, &y) || !one_of(p, end, "-") || !digits(p, end, 2, &m) || !one_of(p, end, "-") ||
        !digits(p, end, 2, &d))
        return false;
    if (y < YEAR_MIN || y > YEAR_MAX || m < 1 || m > 12 || d < 1 || d > LENGTH[m - 1])
        return false;
    if (m == 2 && d == 29 && (y % 4 != 0 || (y % 100 == 0 && y % 400 != 0)))
        return false;
    *days = days_of(y, m, d);
    return true;
}

/* ".123456789": at least one digit; what is finer than a microsecond is cut off. */
static bool fraction(const char **p, const char *end, int64_t *us)
{
    int64_t unit = 100000;

    *us = 0;
    if (!one_of(p, end, "."))
        return true;
    if (*p == end || **p < '0' || **p > '9')
        return false;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
        *us += unit * (**p - '0');
        unit /= 10;
    }
    return true;
}

static bool offset(const char **p, const char *end, int64_t *us)
{
    int sign, h, m;

    *us = 0;
    if (one_of(p, end, "Zz"))
        return true;
    if (*p == end)
        return false;
    sign = **p == '-' ? -1 : 1;
    if (!one_of(p, end, "+-") || !digits(p, end, 2, &h) || !one_of(p, end, ":") || !digits(p, end, 2, &m))
        return false;
    if (h > 23 || m > 59)
        return false;
    *us = sign * (h * INT64_C(3600) + m * INT64_C(60)) * US_PER_S;
    return true;
}

bool clock_parse(const char *text, size_t len, int64_t *out_us)
{
    const char *p = text, *end = text + len;
    int64_t days, frac, off;
    int h, m, s;

    if (!date(&p, end, &days) || !one_of(&p, end, "Tt ") || !digits(&p, end, 2, &h) ||
        !one_of(&p, end, ":") || !digits(&p, end, 2, &m) || !one_of(&p, end, ":") || !digits(&p, end, 2, &s))
        return false;
    if (h > 23 || m > 59 || s > 60) /* RFC 3339: 60 is a leap second; it becomes the next minute's first */
        return false;
    if (!fraction(&p, end, &frac) || !offset(&p, end, &off) || p != end)
        return false;
    *out_us = days * DAY_US + (h * INT64_C(3600) + m * INT64_C(60) + s) * US_PER_S + frac - off;
    return true;
}

bool clock_parse_day(const char *text, size_t len, int32_t *out_day)
{
    const char *p = text;
    int64_t days;

    if (!date(&p, text + len, &days) || p != text + len)
        return false;
    *out_day = (int32_t)days;
    return true;
}
