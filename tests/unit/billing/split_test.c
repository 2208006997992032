/* split_test.c - Σ parts = amount, whatever the rule, the amount and the refunds. */
#include "tests/unit/test.h"
#include "billing/split.h"

/* A small generator of its own: the same seed, the same story. */
static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static struct split_rule any_rule(uint64_t *seed)
{
    struct split_rule r = {.version = 1};
    int32_t left = 10000;

    for (int i = 0; i < SPLIT_PARTIES - 1; i++) {
        r.basis_points[i] = (int32_t)(next(seed) % (uint64_t)(left + 1));
        left -= r.basis_points[i];
    }
    r.basis_points[SPLIT_PARTIES - 1] = left;
    return r;
}

static int64_t sum(const int64_t v[SPLIT_PARTIES])
{
    int64_t s = 0;

    for (int i = 0; i < SPLIT_PARTIES; i++)
        s += v[i];
    return s;
}

TEST(split, the_largest_remainder_takes_the_next_fen)
{
    struct split_rule r = {.basis_points = {3333, 3333, 3334, 0}};
    int64_t out[SPLIT_PARTIES];

    split_amount(&r, 100, out);
    CHECK_INT(out[SPLIT_INVITING_ORG], 33);
    CHECK_INT(out[SPLIT_INVITED_ORG], 33);
    CHECK_INT(out[SPLIT_DOCTOR], 34);
    CHECK_INT(out[SPLIT_OPERATOR], 0);
    r = (struct split_rule){.basis_points = {2500, 2500, 2500, 2500}};
    split_amount(&r, 6, out); /* equal remainders: in the order of the parties */
    CHECK_INT(out[0], 2);
    CHECK_INT(out[1], 2);
    CHECK_INT(out[2], 1);
    CHECK_INT(out[3], 1);
}

TEST(split, a_rule_that_is_not_whole_is_refused)
{
    struct split_rule r = {.basis_points = {5000, 4999, 0, 0}};
    struct err err = ERR_INIT;

    CHECK_ERR(split_rule_check(&r, &err), &err, ERR_INVALID, "split_sum");
    r.basis_points[2] = 1;
    CHECK_OK(split_rule_check(&r, &err), &err);
    r = (struct split_rule){.basis_points = {20000, -10000, 0, 0}};
    CHECK_ERR(split_rule_check(&r, &err), &err, ERR_INVALID, "split_negative");
}

TEST(split, any_rule_and_any_amount_sum_to_the_fen)
{
    uint64_t seed = 20261121;
    struct err err = ERR_INIT;
    int64_t out[SPLIT_PARTIES];

    for (int n = 0; n < 200000; n++) {
        struct split_rule r = any_rule(&seed);
        int64_t fen = (int64_t)(n % 2 ? next(&seed) % 100000
                                      : (next(&seed) << 20 | next(&seed)) % INT64_C(999999999999));

        CHECK_OK(split_rule_check(&r, &err), &err);
        split_amount(&r, fen, out);
        CHECK_INT(sum(out), fen);
        for (int i = 0; i < SPLIT_PARTIES; i++) {
            int64_t exact = fen / 10000 * r.basis_points[i] + fen % 10000 * r.basis_points[i] / 10000;
            CHECK(out[i] == exact || out[i] == exact + 1);
        }
    }
}

TEST(split, refunds_in_any_pieces_leave_everybody_with_nothing)
{
    uint64_t seed = 7;
    int64_t left[SPLIT_PARTIES], back[SPLIT_PARTIES];

    for (int n = 0; n < 20000; n++) {
        struct split_rule r = any_rule(&seed);
        int64_t rest = (int64_t)(next(&seed) % 5000) + 1;

        split_amount(&r, rest, left);
        while (rest) {
            int64_t fen = (int64_t)(next(&seed) % (uint64_t)rest) + 1;

            split_refund(&r, left, fen, back);
            CHECK_INT(sum(back), fen);
            for (int i = 0; i < SPLIT_PARTIES; i++) {
                CHECK(back[i] >= 0 && back[i] <= left[i]);
                left[i] -= back[i];
            }
            rest -= fen;
        }
        CHECK_INT(sum(left), 0);
    }
}
