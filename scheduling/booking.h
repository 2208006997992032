/* booking.h - who gets which seat: a batch of bookings judged at once. Pure; any thread.
 * The place in the array is the order of arrival; a loser is known before the database is asked to write anything. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum booking_result {
    BOOKING_NEW,
    BOOKING_SAME,       /* the same patient, doctor and day: the first booking is the answer */
    BOOKING_SAME_BATCH, /* the same, and it is being made in this batch: `same_as` is its place */
    BOOKING_SLOT_GONE,  /* not there, not released, past, or its doctor has gone off */
    BOOKING_SLOT_FULL,
    BOOKING_PERSON_UNKNOWN,
    BOOKING_TOO_MANY
};

struct booking {
    /* asked */
    int64_t slot_id, person_id;
    /* the slot now */
    bool slot_found, bookable;
    int64_t doctor_id, session_id;
    int32_t day;
    int32_t free, last_token;
    /* the patient now */
    bool person_found;
    int64_t existing_order_id; /* live, with this doctor on this day */
    int32_t open_orders, open_max;
    /* the verdict */
    enum booking_result result;
    int32_t token_no;
    size_t same_as;
};

void bookings_judge(struct booking *b, size_t n);
/** The stable word of a refusal; NULL for BOOKING_NEW and the two SAMEs. */
const char *booking_refusal(enum booking_result result);
