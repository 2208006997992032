/* clock.h - time in one unit: int64 microseconds. UTC for facts, monotonic for waiting.
 * Rules that depend on time take now_us as a parameter; only daemons' edges call these. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define US_PER_MS INT64_C(1000)
#define US_PER_S  INT64_C(1000000)

int64_t clock_now_us(void);  /* CLOCK_REALTIME, UTC, since 1970 */
int64_t clock_mono_us(void); /* CLOCK_MONOTONIC, for timeouts and latencies */

/** Shanghai has had no daylight saving since 1991: a fixed +08:00. Day number since 1970-01-01 there. */
int32_t clock_shanghai_day(int64_t utc_us);
/** First microsecond (UTC) of a Shanghai day number. */
int64_t clock_shanghai_day_start_us(int32_t day);

/** "2026-11-21T07:00:00.123456Z"; out must hold CLOCK_TEXT bytes. */
#define CLOCK_TEXT 32
void clock_format_utc(int64_t utc_us, char out[CLOCK_TEXT]);
/** "2026-11-21" for a Shanghai day number. */
void clock_format_day(int32_t day, char out[CLOCK_TEXT]);
/** RFC 3339 with 'Z' or an offset, to microseconds. false when it is not one. */
bool clock_parse(const char *text, size_t len, int64_t *out_us);
bool clock_parse_day(const char *text, size_t len, int32_t *out_day);
