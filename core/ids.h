/* ids.h - row ids: 64 bit, time-ordered, made by the daemon (data.md 4.2: 41 bit ms, 10 bit node, 12 bit
 * sequence). Epoch 2024-01-01T00:00:00Z. Positive for 69 years. Strings in JSON, because JavaScript numbers
 * end at 2^53. Not thread-safe: one struct ids per loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ids {
    uint16_t node;
    uint16_t seq;
    int64_t last_ms;
};

void ids_init(struct ids *ids, uint16_t node); /* node 0 .. 1023, one per writing process */
/** Never repeats and never goes back, even when the clock does (it then counts on from the last millisecond).
 */
int64_t ids_next(struct ids *ids, int64_t now_us);
int64_t ids_time_us(int64_t id);

#define ID_TEXT 24
void id_format(int64_t id, char out[ID_TEXT]);
/** Decimal digits only, 1 .. INT64_MAX. */
bool id_parse(const char *text, size_t len, int64_t *out);
/** "1,2,3" as a database aggregates them. What is no id is left out, what does not fit as well. @return how many */
size_t id_parse_list(const char *list, int64_t *out, size_t cap);
/** 96 random bits as 20 lower-case base32 letters: room names, tokens' jti. */
#define ID_RANDOM_TEXT 21
void id_random(char out[ID_RANDOM_TEXT]);
