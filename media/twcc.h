/* twcc.h - transport-wide feedback to a publisher (draft-holmer-rmcat-transport-wide-cc-extensions-01): when each of its
 * packets arrived, so that the browser's own congestion control finds its rate.
 *
 * Owns    plain state inside the peer. Runs on the worker's loop; time is the caller's. No allocation.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TWCC_WINDOW    1024 /* packets between two reports; at 50 ms that is 20,000 a second */
#define TWCC_BYTES_MAX 1000

struct twcc {
    bool started;
    uint64_t next, end;              /* to be reported: next .. end-1, extended numbers */
    int64_t arrived_us[TWCC_WINDOW]; /* 0: not here */
    uint8_t count;                   /* of reports */
};

void twcc_packet(struct twcc *t, uint16_t seq, int64_t now_us);
bool twcc_waiting(const struct twcc *t);
/** One report into out (TWCC_BYTES_MAX). @return its length, 0 when nothing waits; call again until then. */
size_t twcc_write(struct twcc *t, uint8_t *out, uint32_t sender, uint32_t media);
