/* age.h - a person's age as the server knows it: from the birth date on a day, never from a claim. Any thread.
 * Days are Shanghai day numbers (core/clock.h). */
#pragma once
#include <stdint.h>

/** Whole years on that day; a birthday counts from its first minute, 29 February from 1 March in other years. */
int32_t age_years(int32_t birth_day, int32_t on_day);

#define AGE_BAND_TEXT 8
/** "40-49", "0-9", "90+": what a doctor sees before claiming. */
void age_band(int32_t birth_day, int32_t on_day, char out[AGE_BAND_TEXT]);
