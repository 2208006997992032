#include "shape.h"

#define US_PER_SECOND INT64_C(1000000)
#define PPM           UINT64_C(1000000)

void shape_init(struct shape *s, uint64_t seed)
{
    *s = (struct shape){.prng = seed ? seed : 1};
    s->profile.queue_us = 200 * 1000;
}

/* xorshift64*: tiny, seedable and good enough to decide who gets lost. */
static uint64_t next_random(struct shape *s)
{
    s->prng ^= s->prng >> 12;
    s->prng ^= s->prng << 25;
    s->prng ^= s->prng >> 27;
    return s->prng * UINT64_C(2685821657736338717);
}

static uint64_t below(struct shape *s, uint64_t bound)
{
    return bound ? (next_random(s) >> 16) % bound : 0;
}

/* Returns when the last bit has passed the bottleneck. */
static int64_t through_bottleneck(const struct shape *s, size_t bytes, int64_t now_us)
{
    int64_t start = s->free_at_us > now_us ? s->free_at_us : now_us;

    if (s->profile.rate_bps <= 0)
        return now_us;
    return start + (int64_t)bytes * 8 * US_PER_SECOND / s->profile.rate_bps;
}

static int64_t leave(struct shape *s, size_t bytes, int64_t sent_us)
{
    int64_t due = sent_us + s->profile.delay_us;

    if (s->profile.rate_bps > 0)
        s->free_at_us = sent_us;
    if (s->profile.jitter_us > 0)
        due += (int64_t)below(s, (uint64_t)s->profile.jitter_us + 1);
    if (due < s->last_due_us)
        due = s->last_due_us;
    s->last_due_us = due;
    s->passed++;
    s->bytes += bytes;
    return due;
}

bool shape_datagram(struct shape *s, size_t bytes, int64_t now_us, int64_t *due_us)
{
    int64_t sent_us;

    if (s->dark) {
        s->darkened++;
        return false;
    }
    if (s->profile.loss_ppm && below(s, PPM) < s->profile.loss_ppm) {
        s->lost++;
        return false;
    }
    sent_us = through_bottleneck(s, bytes, now_us);
    if (sent_us - now_us > s->profile.queue_us && s->profile.rate_bps > 0) {
        s->overflowed++;
        return false;
    }
    *due_us = leave(s, bytes, sent_us);
    return true;
}

int64_t shape_stream(struct shape *s, size_t bytes, int64_t now_us)
{
    return leave(s, bytes, through_bottleneck(s, bytes, now_us));
}
