#include "scheduling/waiting.h"
#include "core/clock.h"
#include <stdlib.h>
#include <string.h>

#define MINUTE_US (60 * US_PER_S)
#define DAY_US    (24 * 60 * MINUTE_US)

/* Class weights; the first row that fits counts. */
static int64_t weight_us(const struct waiting *w)
{
    if (w->live)
        return -2 * DAY_US;
    if (w->urgency == URGENCY_EMERGENCY)
        return -DAY_US;
    if (w->urgency == URGENCY_URGENT)
        return 5 * MINUTE_US;
    if (w->over_80)
        return 10 * MINUTE_US;
    if (w->referred)
        return 20 * MINUTE_US;
    return 30 * MINUTE_US;
}

static int by_key(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;
    int64_t kx = x->ticket_us + weight_us(x), ky = y->ticket_us + weight_us(y);

    if (kx != ky)
        return kx < ky ? -1 : 1;
    return x->order_id < y->order_id ? -1 : x->order_id > y->order_id;
}

void waiting_sort(struct waiting *w, size_t n)
{
    if (n)
        qsort(w, n, sizeof *w, by_key);
}

int waiting_ahead(const struct waiting *w, size_t n, int64_t order_id)
{
    for (size_t i = 0; i < n; i++)
        if (w[i].order_id == order_id)
            return (int)i;
    return -1;
}

static int by_length(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

int64_t waiting_estimate_minutes(const int64_t *lengths_us, size_t n, int ahead)
{
    int64_t sorted[WAITING_SAMPLE], median;

    if (n < 3)
        return -1;
    if (n > WAITING_SAMPLE)
        n = WAITING_SAMPLE;
    memcpy(sorted, lengths_us, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_length);
    median = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    return (median * ahead + MINUTE_US - 1) / MINUTE_US;
}
