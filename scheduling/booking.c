#include "scheduling/booking.h"

static bool same_visit(const struct booking *a, const struct booking *b)
{
    return a->person_id == b->person_id && a->doctor_id == b->doctor_id && a->day == b->day;
}

static bool same_in_batch(struct booking *all, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (all[k].result == BOOKING_NEW && same_visit(&all[k], &all[i])) {
            all[i].same_as = k;
            return true;
        }
    return false;
}

static void judge_one(struct booking *all, size_t i)
{
    struct booking *b = &all[i];

    if (!b->person_found)
        b->result = BOOKING_PERSON_UNKNOWN;
    else if (!b->slot_found)
        b->result = BOOKING_SLOT_GONE;
    else if (b->existing_order_id)
        b->result = BOOKING_SAME;
    else if (same_in_batch(all, i))
        b->result = BOOKING_SAME_BATCH;
    else if (!b->bookable)
        b->result = BOOKING_SLOT_GONE;
    else if (b->free <= 0)
        b->result = BOOKING_SLOT_FULL;
    else if (b->open_orders >= b->open_max)
        b->result = BOOKING_TOO_MANY;
    else {
        b->result = BOOKING_NEW;
        b->token_no = b->last_token + 1;
    }
}

static void tell_others(const struct booking *b, struct booking *later, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (later[i].slot_id == b->slot_id) {
            later[i].free--;
            later[i].last_token++;
        }
        if (later[i].person_id == b->person_id)
            later[i].open_orders++;
    }
}

void bookings_judge(struct booking *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        judge_one(b, i);
        if (b[i].result == BOOKING_NEW)
            tell_others(&b[i], b + i + 1, n - i - 1);
    }
}

const char *booking_refusal(enum booking_result result)
{
    switch (result) {
    case BOOKING_SLOT_GONE:
        return "slot_gone";
    case BOOKING_SLOT_FULL:
        return "slot_full";
    case BOOKING_PERSON_UNKNOWN:
        return "person_unknown";
    case BOOKING_TOO_MANY:
        return "too_many_open_orders";
    case BOOKING_NEW:
    case BOOKING_SAME:
    case BOOKING_SAME_BATCH:
        break;
    }
    return NULL;
}
