#include "tests/unit/test.h"
#include "core/clock.h"
#include "core/loop.h"

int64_t test_deadline_us(int64_t timeout_ms)
{
    return clock_mono_us() + timeout_ms * US_PER_MS;
}

bool test_turn(struct loop *l, int64_t deadline_us)
{
    loop_turn(l, 20);
    return clock_mono_us() < deadline_us;
}
