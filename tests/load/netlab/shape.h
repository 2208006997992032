/* shape.h - what a bad link does to one packet: lost, late, or too many at once.
 *
 * Pure arithmetic: no sockets, no clock of its own, one seed gives one history.
 * Order   darkness -> loss -> bottleneck rate with a drop-tail queue -> fixed delay plus jitter, never
 * reordering. Time    monotonic microseconds, given by the caller.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shape_profile {
    uint32_t loss_ppm; /* chance in a million that a datagram vanishes */
    int64_t delay_us;  /* added to every packet */
    int64_t jitter_us; /* 0 .. this much more, evenly */
    int64_t rate_bps;  /* bottleneck in bits per second, 0: none */
    int64_t queue_us;  /* packets that would wait longer at the bottleneck are dropped */
};

struct shape { /* one direction */
    struct shape_profile profile;
    bool dark;           /* nothing passes */
    uint64_t prng;       /* never 0 */
    int64_t free_at_us;  /* when the bottleneck is idle again */
    int64_t last_due_us; /* keeps order */
    uint64_t passed, bytes, lost, overflowed, darkened;
};

void shape_init(struct shape *s, uint64_t seed);

/** A datagram meets the link.
 * @param[out] due_us  when it comes out at the other end
 * @return false: it does not come out at all */
bool shape_datagram(struct shape *s, size_t bytes, int64_t now_us, int64_t *due_us);

/** A piece of a byte stream meets the link: late, but never lost, because TCP sends again.
 * The caller stops reading while the link is dark. @return when it comes out */
int64_t shape_stream(struct shape *s, size_t bytes, int64_t now_us);
