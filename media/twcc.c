/* twcc.c - see twcc.h. */
#include "media/twcc.h"

#include <string.h>
#include "media/bytes.h"
#include "media/rtcp.h"

#define TICK_US      250
#define REFERENCE_US 64000
#define PER_REPORT                                                                                           \
    300 /* packets; worst case 2 bytes of delta and a 7-packet chunk each: fits TWCC_BYTES_MAX */

enum symbol { GONE, SMALL, LARGE };

static int64_t *slot(struct twcc *t, uint64_t ext)
{
    return &t->arrived_us[ext & (TWCC_WINDOW - 1)];
}

void twcc_packet(struct twcc *t, uint16_t seq, int64_t now_us)
{
    uint64_t ext;

    if (!t->started) {
        t->started = true;
        t->next = t->end = (UINT64_C(1) << 32) + seq;
    }
    ext = t->end + (uint64_t)(int64_t)seq_diff(seq, (uint16_t)t->end);
    if (ext < t->next)
        return;                         /* reported as lost already */
    if (ext - t->next >= TWCC_WINDOW) { /* a jump: what lies before it will not be missed */
        memset(t->arrived_us, 0, sizeof(t->arrived_us));
        t->next = ext;
    }
    *slot(t, ext) = now_us;
    if (ext >= t->end)
        t->end = ext + 1;
}

bool twcc_waiting(const struct twcc *t)
{
    return t->next != t->end;
}

/* The symbols and deltas of one report. @return packets covered; stops before a delta that 16 bits cannot say. */
static unsigned gather(struct twcc *t, uint8_t *symbols, int16_t *deltas, int64_t *reference)
{
    unsigned n = 0;
    int64_t last = 0;

    *reference = -1;
    while (n < PER_REPORT && t->next + n < t->end) {
        int64_t at = *slot(t, t->next + n);
        int64_t d = 0;

        if (at && *reference < 0) {
            *reference = at / REFERENCE_US;
            last = *reference * (REFERENCE_US / TICK_US);
        }
        if (at)
            d = at / TICK_US - last;
        if (d > INT16_MAX || d < INT16_MIN)
            break;
        symbols[n] = !at ? GONE : d >= 0 && d <= 255 ? SMALL : LARGE;
        deltas[n++] = (int16_t)d;
        last += d;
    }
    return n;
}

static size_t write_chunks(uint8_t *out, const uint8_t *symbols, unsigned n)
{
    size_t len = 0;

    for (unsigned i = 0; i < n;) {
        unsigned run = 1;
        uint16_t chunk;

        while (i + run < n && symbols[i + run] == symbols[i] && run < 8191)
            run++;
        if (run >= 7 || i + run == n) {
            chunk = (uint16_t)(symbols[i] << 13 | run);
            i += run;
        } else {
            chunk = 0xc000; /* seven symbols of two bits; what is beyond the end reads as not received */
            for (unsigned k = 0; k < 7 && i < n; k++, i++)
                chunk = (uint16_t)(chunk | symbols[i] << (12 - 2 * k));
        }
        put_be16(out + len, chunk);
        len += 2;
    }
    return len;
}

static size_t write_deltas(uint8_t *out, const uint8_t *symbols, const int16_t *deltas, unsigned n)
{
    size_t len = 0;

    for (unsigned i = 0; i < n; i++) {
        if (symbols[i] == SMALL) {
            out[len++] = (uint8_t)deltas[i];
        } else if (symbols[i] == LARGE) {
            put_be16(out + len, (uint16_t)deltas[i]);
            len += 2;
        }
    }
    return len;
}

size_t twcc_write(struct twcc *t, uint8_t *out, uint32_t sender, uint32_t media)
{
    uint8_t symbols[PER_REPORT];
    int16_t deltas[PER_REPORT];
    int64_t reference;
    size_t len = 20;
    unsigned n;

    if (!twcc_waiting(t))
        return 0;
    n = gather(t, symbols, deltas, &reference);
    put_be32(out + 8, media);
    put_be16(out + 12, (uint16_t)t->next);
    put_be16(out + 14, (uint16_t)n);
    put_be24(out + 16, (uint32_t)(reference < 0 ? 0 : reference) & 0xffffff);
    out[19] = t->count++;
    len += write_chunks(out + len, symbols, n);
    len += write_deltas(out + len, symbols, deltas, n);
    while (len & 3)
        out[len++] = 0;
    for (unsigned i = 0; i < n; i++)
        *slot(t, t->next + i) = 0;
    t->next += n;
    out[0] = 0x80 | RTCP_FMT_TWCC;
    out[1] = RTCP_RTPFB;
    put_be16(out + 2, (uint16_t)(len / 4 - 1));
    put_be32(out + 4, sender);
    return len;
}
