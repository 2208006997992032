#include "core/ids.h"
#include "core/clock.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define EPOCH_MS  INT64_C(1704067200000) /* 2024-01-01T00:00:00Z */
#define NODE_BITS 10
#define SEQ_BITS  12
#define SEQ_MAX   ((1 << SEQ_BITS) - 1)

void ids_init(struct ids *ids, uint16_t node)
{
    assert(node < 1 << NODE_BITS);
    *ids = (struct ids){.node = node, .seq = 0, .last_ms = 0};
}

int64_t ids_next(struct ids *ids, int64_t now_us)
{
    int64_t ms = now_us / US_PER_MS - EPOCH_MS;

    if (ms < 1)
        ms = 1; /* a clock before our epoch still makes positive ids */
    if (ms > ids->last_ms) {
        ids->last_ms = ms;
        ids->seq = 0;
    } else if (ids->seq < SEQ_MAX) {
        ids->seq++;
    } else { /* more than 4096 in a millisecond, or the clock went back: borrow from the future */
        ids->last_ms++;
        ids->seq = 0;
    }
    return ids->last_ms << (NODE_BITS + SEQ_BITS) | (int64_t)ids->node << SEQ_BITS | ids->seq;
}

int64_t ids_time_us(int64_t id)
{
    return ((id >> (NODE_BITS + SEQ_BITS)) + EPOCH_MS) * US_PER_MS;
}

void id_format(int64_t id, char out[ID_TEXT])
{
    snprintf(out, ID_TEXT, "%" PRId64, id);
}

bool id_parse(const char *text, size_t len, int64_t *out)
{
    int64_t v = 0;

    if (len < 1 || len > 19 || text[0] == '0') /* one spelling per id: no leading zeros */
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, text[i] - '0', &v))
            return false;
    }
    *out = v;
    return true;
}

size_t id_parse_list(const char *list, int64_t *out, size_t cap)
{
    size_t n = 0, len;

    for (; *list && n < cap; list += len + (list[len] == ',')) {
        len = strcspn(list, ",");
        n += id_parse(list, len, &out[n]);
    }
    return n;
}

void id_random(char out[ID_RANDOM_TEXT])
{
    static const char ALPHABET[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648, lower case */
    uint8_t raw[13] = {0};
    unsigned acc = 0;
    int bits = 0;
    size_t at = 0;

    if (getrandom(raw, 12, 0) != 12)
        abort();
    /* 96 bits are 19.2 letters: the thirteenth byte is the zero padding of the last one. */
    for (size_t i = 0; at < ID_RANDOM_TEXT - 1; i++) {
        acc = acc << 8 | raw[i];
        bits += 8;
        while (bits >= 5 && at < ID_RANDOM_TEXT - 1) {
            bits -= 5;
            out[at++] = ALPHABET[acc >> bits & 31];
        }
        acc &= (1U << bits) - 1;
    }
    out[at] = '\0';
}
