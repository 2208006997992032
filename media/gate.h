/* gate.h - the two brakes of the packet path: how often a publisher is asked for a key frame, and how much anybody may
 * send. Plain state, the caller's clock (monotonic), nothing allocated. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define KEYFRAME_GAP_US 1000000 /* at most one request a second and track; the first goes out at once */

struct keyframe_gate {
    int64_t sent_us;
    bool ever, pending;
};

/** Somebody needs a key frame. @return true: ask the publisher now. */
static inline bool keyframe_ask(struct keyframe_gate *g, int64_t now_us)
{
    g->pending = g->ever && now_us - g->sent_us < KEYFRAME_GAP_US;
    if (g->pending)
        return false;
    g->sent_us = now_us;
    g->ever = true;
    return true;
}
/** Called now and then: a request that had to wait is due. */
static inline bool keyframe_due(struct keyframe_gate *g, int64_t now_us)
{
    return g->pending && keyframe_ask(g, now_us);
}
/** One came: everybody who asked is served. */
static inline void keyframe_seen(struct keyframe_gate *g)
{
    g->pending = false;
}

/* A bucket of packets and one of bits that fill with time, one second deep. */
struct police {
    int64_t at_us;
    int32_t packets;
    int64_t bits;
    bool begun;
};

static inline bool police_pass(struct police *p, int64_t now_us, int32_t packets_per_s, int64_t bits_per_s,
                               uint32_t bytes)
{
    int64_t passed = now_us - p->at_us;

    if (!p->begun || passed >= 1000000) {
        p->begun = true;
        p->at_us = now_us;
        p->packets = packets_per_s;
        p->bits = bits_per_s;
    } else if (passed >= 10000) { /* in steps of 10 ms, so that rounding loses nothing that matters */
        int64_t packets = p->packets + passed * packets_per_s / 1000000;
        int64_t bits = p->bits + passed * bits_per_s / 1000000;

        p->packets = packets > packets_per_s ? packets_per_s : (int32_t)packets;
        p->bits = bits > bits_per_s ? bits_per_s : bits;
        p->at_us = now_us;
    }
    if (p->packets < 1 || p->bits < (int64_t)bytes * 8)
        return false;
    p->packets--;
    p->bits -= (int64_t)bytes * 8;
    return true;
}
