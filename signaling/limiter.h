/* limiter.h - how often somebody may: a token bucket per key (an address, an account, a login name).
 *
 * Owns    a table of fixed size; keys are kept as keyed hashes, so nobody can aim at a slot. When a
 *         neighbourhood is full the fullest bucket (the one with the least to remember) makes room.
 * Runs on one loop. Time is the caller's monotonic clock.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limiter;

/** @param burst      how many at once
 * @param per_hour   how many come back each hour
 * @param slots       keys remembered, a power of two */
struct limiter *limiter_new(unsigned burst, unsigned per_hour, unsigned slots);
void limiter_free(struct limiter *l);
/** Take one. @param[out] wait_s seconds until the next one comes (when false); may be NULL */
bool limiter_take(struct limiter *l, const char *key, int64_t mono_us, int *wait_s);
/** Would limiter_take() say yes? Takes nothing. */
bool limiter_has(struct limiter *l, const char *key, int64_t mono_us, int *wait_s);
/** Give it all back: a right password forgives the wrong ones before it. */
void limiter_forgive(struct limiter *l, const char *key, int64_t mono_us);

/* One bucket by itself, for something that has a struct of its own. */
struct bucket {
    int64_t level_us, seen_us; /* level in microseconds of refill; zero-initialised is "never used" */
};
bool bucket_take(struct bucket *b, int64_t cost_us, int64_t burst_us, int64_t mono_us);
