/* The judges of claims, bookings and waiting lines: no database, every case a line. */
#include "core/clock.h"
#include "scheduling/booking.h"
#include "scheduling/claim.h"
#include "scheduling/waiting.h"
#include "tests/unit/test.h"

#define MINUTE (60 * US_PER_S)

static struct claim fit(int64_t order, int64_t staff)
{
    return (struct claim){.subject_id = order,
                          .staff_id = staff,
                          .version = 1,
                          .stand = CLAIM_FREE,
                          .version_now = 1,
                          .on_duty = true,
                          .licence_valid = true,
                          .specialty_fits = true,
                          .level_fits = true,
                          .offered = true,
                          .nonce_fits = true,
                          .hand_max = 5};
}

TEST(claim, the_first_of_several_wins_and_the_others_learn_who)
{
    struct claim c[] = {fit(1, 10), fit(1, 11), fit(2, 11), fit(1, 12)};

    claims_judge(CLAIM_ORDER, c, 4);
    CHECK_INT(c[0].result, CLAIM_WON);
    CHECK_INT(c[1].result, CLAIM_LOST);
    CHECK_INT(c[1].winner_id, 10);
    CHECK_INT(c[2].result, CLAIM_WON);
    CHECK_INT(c[3].result, CLAIM_LOST);
}

TEST(claim, the_winners_second_tap_wins_again_in_the_same_batch_and_later)
{
    struct claim c[] = {fit(1, 10), fit(1, 10), fit(2, 10)};

    c[2].stand = CLAIM_TAKEN;
    c[2].holder_id = 10;
    c[2].version_now = 2;
    claims_judge(CLAIM_ORDER, c, 3);
    CHECK_INT(c[0].result, CLAIM_WON);
    CHECK_INT(c[1].result, CLAIM_WON_AGAIN);
    CHECK_INT(c[2].result, CLAIM_WON_AGAIN);
}

TEST(claim, every_rule_of_eligibility_names_itself)
{
    struct claim c;

#define BROKEN(field, value, word)                                                                           \
    c = fit(1, 10);                                                                                          \
    c.field = value;                                                                                         \
    claims_judge(CLAIM_ORDER, &c, 1);                                                                        \
    CHECK_INT(c.result, CLAIM_INELIGIBLE);                                                                   \
    CHECK_STR(c.reason, word)
    BROKEN(on_duty, false, "off_duty");
    BROKEN(licence_valid, false, "licence");
    BROKEN(own_request, true, "own_request");
    BROKEN(specialty_fits, false, "specialty");
    BROKEN(level_fits, false, "level");
    BROKEN(offered, false, "not_offered");
    BROKEN(nonce_fits, false, "nonce");
    BROKEN(live, 1, "live");
    BROKEN(in_hand, 5, "hands_full");
#undef BROKEN
}

TEST(claim, an_old_version_is_stale_and_a_missing_order_is_absent)
{
    struct claim c[] = {fit(1, 10), fit(2, 10)};

    c[0].version = 3;
    c[1].stand = CLAIM_ABSENT;
    claims_judge(CLAIM_ORDER, c, 2);
    CHECK_INT(c[0].result, CLAIM_STALE);
    CHECK_INT(c[1].result, CLAIM_NOTHING);
}

TEST(claim, full_hands_let_the_next_doctor_have_it_within_one_batch)
{
    struct claim c[] = {fit(1, 10), fit(2, 10), fit(2, 11)};

    c[0].hand_max = c[1].hand_max = 1;
    claims_judge(CLAIM_ORDER, c, 3);
    CHECK_INT(c[0].result, CLAIM_WON);
    CHECK_INT(c[1].result, CLAIM_INELIGIBLE);
    CHECK_STR(c[1].reason, "hands_full");
    CHECK_INT(c[2].result, CLAIM_WON);
}

static struct booking free_slot(int64_t slot, int64_t person, int32_t free)
{
    return (struct booking){.slot_id = slot,
                            .person_id = person,
                            .slot_found = true,
                            .bookable = true,
                            .doctor_id = 7,
                            .day = 20000,
                            .free = free,
                            .person_found = true,
                            .open_max = 2};
}

TEST(booking, the_last_seat_goes_to_the_first_and_numbers_count_up)
{
    struct booking b[] = {free_slot(1, 100, 2), free_slot(1, 101, 2), free_slot(1, 102, 2)};

    bookings_judge(b, 3);
    CHECK_INT(b[0].result, BOOKING_NEW);
    CHECK_INT(b[0].token_no, 1);
    CHECK_INT(b[1].token_no, 2);
    CHECK_INT(b[2].result, BOOKING_SLOT_FULL);
    CHECK_STR(booking_refusal(b[2].result), "slot_full");
}

TEST(booking, one_patient_doctor_and_day_is_one_booking_also_over_two_slots_of_a_batch)
{
    struct booking b[] = {free_slot(1, 100, 2), free_slot(2, 100, 2), free_slot(3, 101, 1)};

    b[2].existing_order_id = 55;
    bookings_judge(b, 3);
    CHECK_INT(b[0].result, BOOKING_NEW);
    CHECK_INT(b[1].result, BOOKING_SAME_BATCH);
    CHECK_INT(b[1].same_as, 0);
    CHECK_INT(b[2].result, BOOKING_SAME);
}

TEST(booking, refusals_come_in_their_order)
{
    struct booking b[] = {free_slot(1, 100, 1), free_slot(1, 101, 1), free_slot(1, 102, 1),
                          free_slot(1, 103, 1)};

    b[0].person_found = false;
    b[1].slot_found = false;
    b[2].bookable = false;
    b[3].open_orders = 2;
    bookings_judge(b, 4);
    CHECK_STR(booking_refusal(b[0].result), "person_unknown");
    CHECK_STR(booking_refusal(b[1].result), "slot_gone");
    CHECK_STR(booking_refusal(b[2].result), "slot_gone");
    CHECK_STR(booking_refusal(b[3].result), "too_many_open_orders");
}

TEST(waiting, emergencies_first_then_urgent_the_old_the_referred_and_the_ticket)
{
    struct waiting w[] = {
        {.order_id = 1, .ticket_us = 100 * MINUTE},
        {.order_id = 2, .ticket_us = 101 * MINUTE, .referred = true},
        {.order_id = 3, .ticket_us = 102 * MINUTE, .over_80 = true},
        {.order_id = 4, .ticket_us = 103 * MINUTE, .urgency = URGENCY_URGENT},
        {.order_id = 5, .ticket_us = 104 * MINUTE, .urgency = URGENCY_EMERGENCY},
        {.order_id = 6, .ticket_us = 105 * MINUTE, .live = true},
    };

    waiting_sort(w, 6);
    CHECK_INT(w[0].order_id, 6);
    CHECK_INT(w[1].order_id, 5);
    CHECK_INT(w[2].order_id, 4);
    CHECK_INT(w[3].order_id, 3);
    CHECK_INT(w[4].order_id, 2);
    CHECK_INT(w[5].order_id, 1);
    CHECK_INT(waiting_ahead(w, 6, 1), 5);
    CHECK_INT(waiting_ahead(w, 6, 99), -1);
}

TEST(waiting, nobody_is_passed_over_longer_than_half_an_hour_by_lower_urgency_arrivals)
{
    struct waiting w[] = {{.order_id = 1, .ticket_us = 0},
                          {.order_id = 2, .ticket_us = 26 * MINUTE, .urgency = URGENCY_URGENT},
                          {.order_id = 3, .ticket_us = 21 * MINUTE, .over_80 = true}};

    waiting_sort(w, 3);
    CHECK_INT(w[0].order_id, 1);
}

TEST(waiting, the_estimate_is_the_median_and_unknown_before_three_visits)
{
    int64_t lengths[] = {10 * MINUTE, 60 * MINUTE, 12 * MINUTE, 11 * MINUTE};

    CHECK_INT(waiting_estimate_minutes(lengths, 2, 3), -1);
    CHECK_INT(waiting_estimate_minutes(lengths, 3, 2), 24);
    CHECK_INT(waiting_estimate_minutes(lengths, 4, 1), 12); /* 11.5, rounded up: never a promise too short */
    CHECK_INT(waiting_estimate_minutes(lengths, 3, 0), 0);
}

/* ---------------------------------------------------------------- readers */

static struct claim reads(int64_t exam, int64_t staff)
{
    struct claim c = fit(exam, staff);

    c.on_duty = c.level_fits = c.offered = c.nonce_fits = false; /* a read needs none of them */
    return c;
}

TEST(read_claim, is_judged_by_licence_specialty_own_request_and_hands_alone)
{
    struct claim c[] = {reads(1, 10), reads(2, 10), reads(3, 10), reads(4, 10), reads(5, 10)};
    static const char *const WHY[] = {"licence", "own_request", "specialty", "hands_full"};

    c[0].licence_valid = false;
    c[1].own_request = true;
    c[2].specialty_fits = false;
    c[3].in_hand = 5;
    claims_judge(CLAIM_EXAM, c, 5);
    for (int i = 0; i < 4; i++)
        CHECK_STR(c[i].reason, WHY[i]);
    CHECK_INT(c[4].result, CLAIM_WON);
}

TEST(read_claim, the_first_of_two_readers_wins_and_the_other_learns_who)
{
    struct claim c[] = {reads(1, 10), reads(1, 11), reads(1, 10)};

    claims_judge(CLAIM_EXAM, c, 3);
    CHECK_INT(c[0].result, CLAIM_WON);
    CHECK_INT(c[1].result, CLAIM_LOST);
    CHECK_INT(c[1].winner_id, 10);
    CHECK_INT(c[2].result, CLAIM_WON_AGAIN);
}
