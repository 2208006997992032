#include "tests/load/netlab/shape.h"
#include "tests/unit/test.h"

#define PACKET 1000
#define MS     1000

static int passed_of(struct shape *s, int count, int64_t gap_us)
{
    int passed = 0;
    int64_t due_us;

    for (int i = 0; i < count; i++)
        passed += shape_datagram(s, PACKET, i * gap_us, &due_us);
    return passed;
}

TEST(shape, a_clean_link_passes_everything_at_once)
{
    struct shape s;
    int64_t due_us = 0;

    shape_init(&s, 7);
    CHECK(shape_datagram(&s, PACKET, 42, &due_us));
    CHECK_INT(due_us, 42);
    CHECK_INT(passed_of(&s, 1000, MS), 1000);
}

TEST(shape, darkness_passes_nothing_and_counts_it)
{
    struct shape s;

    shape_init(&s, 7);
    s.dark = true;
    CHECK_INT(passed_of(&s, 50, MS), 0);
    CHECK_INT(s.darkened, 50);
}

TEST(shape, loss_takes_about_its_share_and_one_seed_gives_one_history)
{
    struct shape a, b, c;
    int from_a, from_b, from_c;

    shape_init(&a, 7);
    shape_init(&b, 7);
    shape_init(&c, 8);
    a.profile.loss_ppm = b.profile.loss_ppm = c.profile.loss_ppm = 100000;
    from_a = passed_of(&a, 10000, MS);
    from_b = passed_of(&b, 10000, MS);
    from_c = passed_of(&c, 10000, MS);
    CHECK(from_a > 8800 && from_a < 9200);
    CHECK_INT(from_a, from_b);
    CHECK(from_a != from_c || a.prng != c.prng);
}

TEST(shape, delay_is_added_and_jitter_never_reorders)
{
    struct shape s;
    int64_t due_us, last_us = 0;

    shape_init(&s, 7);
    s.profile.delay_us = 50 * MS;
    s.profile.jitter_us = 20 * MS;
    for (int i = 0; i < 1000; i++) {
        int64_t now_us = i * MS;

        CHECK(shape_datagram(&s, PACKET, now_us, &due_us));
        CHECK(due_us >= now_us + 50 * MS && due_us <= now_us + 70 * MS);
        CHECK(due_us >= last_us);
        last_us = due_us;
    }
}

/* 8000 bits at 1 Mbit/s take 8 ms; with 24 ms of queue the fourth packet of a burst is too much. */
TEST(shape, a_bottleneck_queues_and_then_drops_the_tail)
{
    struct shape s;
    int64_t due_us = 0;

    shape_init(&s, 7);
    s.profile.rate_bps = 1000 * 1000;
    s.profile.queue_us = 24 * MS;
    for (int i = 1; i <= 3; i++) {
        CHECK(shape_datagram(&s, PACKET, 0, &due_us));
        CHECK_INT(due_us, i * 8 * MS);
    }
    CHECK(!shape_datagram(&s, PACKET, 0, &due_us));
    CHECK_INT(s.overflowed, 1);
    CHECK(shape_datagram(&s, PACKET, 100 * MS, &due_us));
    CHECK_INT(due_us, 108 * MS);
}

TEST(shape, a_stream_is_late_but_never_lost)
{
    struct shape s;

    shape_init(&s, 7);
    s.profile.loss_ppm = 1000000;
    s.profile.delay_us = 30 * MS;
    CHECK_INT(shape_stream(&s, PACKET, 0), 30 * MS);
    CHECK_INT(s.lost, 0);
}
