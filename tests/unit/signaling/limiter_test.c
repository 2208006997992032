#include "core/clock.h"
#include "signaling/limiter.h"
#include "tests/unit/test.h"
#include <stdio.h>

#define START US_PER_S

static int take(struct limiter *l, const char *key, int n, int64_t now_us)
{
    int got = 0;

    for (int i = 0; i < n; i++)
        got += limiter_take(l, key, now_us, NULL);
    return got;
}

TEST(limiter, gives_a_burst_and_then_the_rate)
{
    struct limiter *l = limiter_new(5, 3600, 64);

    CHECK_INT(take(l, "a", 20, START), 5);
    CHECK_INT(take(l, "a", 20, START + 3 * US_PER_S), 3);
    CHECK_INT(take(l, "a", 20, START + 3600 * US_PER_S), 5);
    limiter_free(l);
}

TEST(limiter, counts_each_key_by_itself)
{
    struct limiter *l = limiter_new(2, 360, 64);

    CHECK_INT(take(l, "a", 9, START), 2);
    CHECK_INT(take(l, "b", 9, START), 2);
    limiter_free(l);
}

TEST(limiter, says_when_the_next_one_comes)
{
    struct limiter *l = limiter_new(1, 360, 64);
    int wait_s = 0;

    CHECK(limiter_take(l, "a", START, &wait_s));
    CHECK(!limiter_take(l, "a", START, &wait_s));
    CHECK_INT(wait_s, 11); /* ten seconds, rounded up with one to spare */
    CHECK(!limiter_has(l, "a", START, &wait_s));
    CHECK(limiter_has(l, "a", START + 11 * US_PER_S, &wait_s));
    limiter_free(l);
}

TEST(limiter, forgives_after_a_right_password)
{
    struct limiter *l = limiter_new(3, 360, 64);

    CHECK_INT(take(l, "a", 9, START), 3);
    limiter_forgive(l, "a", START);
    CHECK_INT(take(l, "a", 9, START), 3);
    limiter_free(l);
}

TEST(limiter, keeps_its_size_under_a_flood_of_keys_and_does_not_forget_the_busy_one_first)
{
    struct limiter *l = limiter_new(3, 360, 256);
    char key[32];

    CHECK_INT(take(l, "busy", 9, START), 3);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "10.0.%d.%d", i / 256, i % 256);
        limiter_take(l, key, START, NULL);
    }
    CHECK_INT(take(l, "busy", 9, START), 0);
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "%d", i);
        limiter_take(l, key, START, NULL);
    }
    limiter_free(l);
}

TEST(bucket, of_its_own_is_full_at_first)
{
    struct bucket b = {0};
    int got = 0;

    for (int i = 0; i < 500; i++)
        got += bucket_take(&b, US_PER_S / 50, 100 * US_PER_S / 50, START);
    CHECK_INT(got, 100);
    CHECK(bucket_take(&b, US_PER_S / 50, 100 * US_PER_S / 50, START + US_PER_S / 50));
}
