/* waiting.h - who is next, and what may honestly be said about when. Pure; any thread. */
#pragma once
#include <stddef.h>
#include "scheduling/request.h"

struct waiting {
    int64_t order_id;
    enum order_urgency urgency; /* set by staff, never by the patient */
    bool over_80, referred;     /* from the verified birth date; from the order's channel */
    int64_t ticket_us;          /* planned start, or the time of queueing */
    bool live;                  /* in the room with the doctor now */
};

/** Sort by effective key: ticket time plus the weight of the class. Weights differ by at most 30 min below emergencies, so
 * nobody is passed over longer than that by lower-urgency arrivals (domain.md 4.2). Those in the room come first. */
void waiting_sort(struct waiting *w, size_t n);
/** People before this order in a sorted queue; -1 when it is not in it. */
int waiting_ahead(const struct waiting *w, size_t n, int64_t order_id);

#define WAITING_SAMPLE 10 /* visits the estimate looks back at */
/** Median length of the doctor's last visits times those ahead, in whole minutes rounded up; -1 (unknown) before three. */
int64_t waiting_estimate_minutes(const int64_t *lengths_us, size_t n, int ahead);
