/* counters.h - every packet that is not forwarded is counted by reason. */
#pragma once
#include "core/metrics.h"

enum counter {
    /* in */
    C_RTP_IN,
    C_RTCP_IN,
    /* dropped before decryption */
    C_DROP_UNKNOWN_KIND,
    C_DROP_UNKNOWN_ADDRESS,
    C_DROP_NOT_READY,
    C_DROP_STREAMS,
    /* dropped by decryption */
    C_DROP_AUTH,
    C_DROP_REPLAY,
    /* dropped after it */
    C_DROP_MALFORMED,
    C_DROP_UNBOUND,
    C_DROP_PAYLOAD_TYPE,
    C_DROP_RIGHTS,
    C_DROP_POLICE,
    C_DROP_DUPLICATE,
    C_DROP_LATE,
    /* out */
    C_RTP_OUT,
    C_RTP_RESENT,
    C_DROP_PROTECT,
    C_NACK_IN,
    C_NACK_UNKNOWN,
    C_NACK_LIMIT,
    C_NACK_OUT,
    C_PLI_IN,
    C_PLI_OUT,
    C_RTX_IN,
    C_PROBES_IN,
    C_NO_COMMON_CODEC,
    C_OFFERS_REFUSED,
    C_RECORD_LOST,
    COUNTERS
};

extern struct metric COUNTER[COUNTERS];
static inline void count(enum counter c)
{
    COUNTER[c].value++;
}

struct worker;
/** Register all of them and those of net, ICE and DTLS. */
void counters_init(void);
/** Copy what others count for themselves; once a second. */
void counters_gather(const struct worker *w);
