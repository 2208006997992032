#include "signaling/limiter.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include <stdlib.h>
#include <string.h>

#define NEIGHBOURS 8

struct slot {
    uint64_t key; /* 0: free */
    struct bucket bucket;
};

struct limiter {
    int64_t cost_us, burst_us; /* one take; a full bucket */
    unsigned mask;
    uint8_t secret[16];
    struct slot slots[];
};

struct limiter *limiter_new(unsigned burst, unsigned per_hour, unsigned slots)
{
    struct limiter *l = mem_new(sizeof *l + slots * sizeof l->slots[0]);

    l->cost_us = 3600 * US_PER_S / per_hour;
    l->burst_us = burst * l->cost_us;
    l->mask = slots - 1;
    crypto_random(l->secret, sizeof l->secret);
    return l;
}

void limiter_free(struct limiter *l)
{
    free(l);
}

/* The level falls with each take and rises with time up to burst: it is how long the bucket could have rested. */
static int64_t level_now(const struct bucket *b, int64_t burst_us, int64_t now_us)
{
    int64_t level;

    if (!b->seen_us)
        return burst_us;
    level = b->level_us + (now_us - b->seen_us);
    return level < burst_us ? level : burst_us;
}

bool bucket_take(struct bucket *b, int64_t cost_us, int64_t burst_us, int64_t now_us)
{
    int64_t level = level_now(b, burst_us, now_us);

    if (level < cost_us)
        return false;
    b->level_us = level - cost_us;
    b->seen_us = now_us ? now_us : 1;
    return true;
}

static uint64_t key_of(const struct limiter *l, const char *text)
{
    uint8_t sum[SHA256_LEN];
    uint64_t key;

    crypto_hmac_sha256(l->secret, sizeof l->secret, text, strlen(text), sum);
    memcpy(&key, sum, sizeof key);
    return key | 1;
}

static struct slot *find(struct limiter *l, const char *text, int64_t now_us)
{
    uint64_t key = key_of(l, text);
    struct slot *best = NULL;

    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        struct slot *s = &l->slots[((unsigned)(key >> 8) + i) & l->mask];
        if (s->key == key)
            return s;
        if (!best || (best->key && (!s->key || level_now(&s->bucket, l->burst_us, now_us) >
                                                   level_now(&best->bucket, l->burst_us, now_us))))
            best = s;
    }
    *best = (struct slot){.key = key};
    return best;
}

static void say_wait(const struct limiter *l, const struct slot *s, int64_t now_us, int *wait_s)
{
    if (wait_s)
        *wait_s = (int)((l->cost_us - level_now(&s->bucket, l->burst_us, now_us)) / US_PER_S) + 1;
}

bool limiter_take(struct limiter *l, const char *key, int64_t now_us, int *wait_s)
{
    struct slot *s = find(l, key, now_us);

    if (bucket_take(&s->bucket, l->cost_us, l->burst_us, now_us))
        return true;
    say_wait(l, s, now_us, wait_s);
    return false;
}

bool limiter_has(struct limiter *l, const char *key, int64_t now_us, int *wait_s)
{
    struct slot *s = find(l, key, now_us);

    if (level_now(&s->bucket, l->burst_us, now_us) >= l->cost_us)
        return true;
    say_wait(l, s, now_us, wait_s);
    return false;
}

void limiter_forgive(struct limiter *l, const char *key, int64_t mono_us)
{
    find(l, key, mono_us)->bucket = (struct bucket){0};
}
