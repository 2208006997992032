/* reception.h - what one incoming stream's packets say about the way they came (RFC 3550 A.1, A.3, A.8), and which of
 * them are missing and asked for again (RFC 4585 6.2.1).
 *
 * Owns    plain state inside the track. Runs on the worker's loop; time is the caller's. No allocation.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "media/rtcp.h"

#define RECEPTION_WINDOW 1024 /* packets behind the highest; older ones are for nobody any more */
#define NACK_MISSING_MAX 128  /* more holes than that are not worth repairing: a key frame is cheaper */
#define NACK_TRIES_MAX   10
#define NACK_WINDOW      480 /* packets; older ones the sender has forgotten as well */

struct reception {
    bool started;
    uint64_t first, highest; /* extended sequence numbers; start high, so that late packets stay positive */
    uint64_t received;       /* without duplicates */
    uint64_t seen[RECEPTION_WINDOW / 64]; /* a bit for each number of the window */
    uint32_t clock_hz;
    uint32_t jitter_q4; /* RTP units, 4 bits of fraction */
    uint32_t transit;
    bool have_transit;
    uint64_t expected_before, received_before; /* at the last report */
    struct {
        uint64_t ext;
        int64_t asked_at_us;
        uint8_t tries;
    } missing[NACK_MISSING_MAX];
    unsigned missing_count;
    bool nacking; /* negotiated */
    int64_t nacks_sent, given_up;
};

enum reception_result {
    RECEPTION_NEW,
    RECEPTION_LATE, /* filled a hole */
    RECEPTION_DUPLICATE,
    RECEPTION_OLD, /* behind the window */
};

void reception_init(struct reception *r, uint32_t clock_hz, bool nacking);
/** @param[out] ext extended number of this packet. @param[out] overrun the holes became too many; they were forgotten.
 * DUPLICATE and OLD must not be handed on: a receiver's cipher may see a number once only (RFC 7714 8.1), and a publisher
 * can wrap anything it likes in a retransmission. */
enum reception_result reception_packet(struct reception *r, uint16_t seq, uint64_t *ext, bool *overrun);
/** Only for packets that were not retransmitted. */
void reception_jitter(struct reception *r, uint32_t ts, int64_t now_us);
/** Sequence numbers to ask for now, ascending. @param retry_us wait between two questions for one packet */
unsigned reception_nacks(struct reception *r, int64_t now_us, int64_t retry_us, uint16_t *out, unsigned max);
/** Fill in everything but ssrc, lsr and dlsr, and begin a new interval. */
void reception_report(struct reception *r, struct rtcp_block *out);
int64_t reception_lost(const struct reception *r);
