/* reception.c - see reception.h. */
#include "media/reception.h"

#include <string.h>
#include "media/bytes.h"

#define EXT_BASE (UINT64_C(1) << 32) /* room for packets older than the first */

void reception_init(struct reception *r, uint32_t clock_hz, bool nacking)
{
    memset(r, 0, sizeof(*r));
    r->clock_hz = clock_hz;
    r->nacking = nacking;
}

/* Test and set. */
static bool seen(struct reception *r, uint64_t ext)
{
    uint64_t *word = &r->seen[ext / 64 % (RECEPTION_WINDOW / 64)], bit = UINT64_C(1) << (ext % 64);
    bool was = *word & bit;

    *word |= bit;
    return was;
}

/* The window moves on: what it newly covers has not been seen. */
static void advance(struct reception *r, uint64_t ext)
{
    if (ext - r->highest >= RECEPTION_WINDOW)
        memset(r->seen, 0, sizeof(r->seen));
    else
        for (uint64_t e = r->highest + 1; e <= ext; e++)
            r->seen[e / 64 % (RECEPTION_WINDOW / 64)] &= ~(UINT64_C(1) << (e % 64));
    r->highest = ext;
}

/* Everything between the highest so far and the new one is missing. */
static bool note_gap(struct reception *r, uint64_t ext)
{
    if (ext - r->highest > NACK_MISSING_MAX || r->missing_count + (ext - r->highest - 1) > NACK_MISSING_MAX) {
        r->given_up += r->missing_count;
        r->missing_count = 0;
        return false;
    }
    for (uint64_t e = r->highest + 1; e < ext; e++) {
        r->missing[r->missing_count].ext = e;
        r->missing[r->missing_count].asked_at_us = 0;
        r->missing[r->missing_count++].tries = 0;
    }
    return true;
}

static void forget(struct reception *r, unsigned i)
{
    memmove(&r->missing[i], &r->missing[i + 1], (r->missing_count - i - 1) * sizeof(r->missing[0]));
    r->missing_count--;
}

static enum reception_result late(struct reception *r, uint64_t ext)
{
    if (r->highest - ext >= RECEPTION_WINDOW)
        return RECEPTION_OLD;
    if (seen(r, ext))
        return RECEPTION_DUPLICATE;
    if (ext < r->first)
        r->first = ext;
    r->received++;
    for (unsigned i = 0; i < r->missing_count; i++)
        if (r->missing[i].ext == ext) {
            forget(r, i);
            break;
        }
    return RECEPTION_LATE;
}

enum reception_result reception_packet(struct reception *r, uint16_t seq, uint64_t *ext, bool *overrun)
{
    *overrun = false;
    if (!r->started) {
        r->started = true;
        r->first = r->highest = EXT_BASE + seq;
    } else {
        *ext = r->highest + (uint64_t)(int64_t)seq_diff(seq, (uint16_t)r->highest);
        if (*ext <= r->highest)
            return late(r, *ext);
        if (r->nacking && *ext > r->highest + 1)
            *overrun = !note_gap(r, *ext);
        advance(r, *ext);
    }
    *ext = r->highest;
    seen(r, *ext);
    r->received++;
    return RECEPTION_NEW;
}

void reception_jitter(struct reception *r, uint32_t ts, int64_t now_us)
{
    uint32_t arrival = (uint32_t)(now_us * r->clock_hz / 1000000);
    uint32_t transit = arrival - ts;
    int32_t d = (int32_t)(transit - r->transit);

    if (r->have_transit) {
        uint32_t size = d < 0 ? (uint32_t)-d : (uint32_t)d;

        if (size < r->clock_hz * 4) /* a sender's clock that jumps is no jitter */
            r->jitter_q4 += size - ((r->jitter_q4 + 8) >> 4);
    }
    r->transit = transit;
    r->have_transit = true;
}

unsigned reception_nacks(struct reception *r, int64_t now_us, int64_t retry_us, uint16_t *out, unsigned max)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->missing_count && n < max;) {
        if (r->missing[i].tries >= NACK_TRIES_MAX || r->highest - r->missing[i].ext > NACK_WINDOW) {
            r->given_up++;
            forget(r, i);
            continue;
        }
        if (r->missing[i].tries == 0 || now_us - r->missing[i].asked_at_us >= retry_us) {
            r->missing[i].tries++;
            r->missing[i].asked_at_us = now_us;
            out[n++] = (uint16_t)r->missing[i].ext;
        }
        i++;
    }
    r->nacks_sent += n;
    return n;
}

int64_t reception_lost(const struct reception *r)
{
    return r->started ? (int64_t)(r->highest - r->first + 1 - r->received) : 0;
}

void reception_report(struct reception *r, struct rtcp_block *out)
{
    uint64_t expected = r->started ? r->highest - r->first + 1 : 0;
    uint64_t expected_now = expected - r->expected_before;
    int64_t lost_now = (int64_t)expected_now - (int64_t)(r->received - r->received_before);
    int64_t lost = reception_lost(r);

    if (lost > 0x7fffff)
        lost = 0x7fffff;
    if (lost < -0x800000)
        lost = -0x800000;
    memset(out, 0, sizeof(*out));
    if (expected_now && lost_now > 0)
        out->fraction = (uint8_t)((uint64_t)lost_now * 255 / expected_now);
    out->lost = (int32_t)lost;
    out->highest = (uint32_t)(r->highest - EXT_BASE);
    out->jitter = r->jitter_q4 >> 4;
    r->expected_before = expected;
    r->received_before = r->received;
}
