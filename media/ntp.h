/* ntp.h - RTCP's clock (RFC 3550 4): seconds since 1900 and a binary fraction. */
#pragma once
#include <stdint.h>

#define NTP_UNIX_S INT64_C(2208988800)

static inline uint64_t ntp_from_us(int64_t utc_us)
{
    uint64_t s = (uint64_t)(utc_us / 1000000 + NTP_UNIX_S);

    return s << 32 | ((uint64_t)(utc_us % 1000000) << 32) / 1000000;
}
static inline int64_t ntp_to_us(uint64_t ntp)
{
    return ((int64_t)(ntp >> 32) - NTP_UNIX_S) * 1000000 + (int64_t)(((ntp & 0xffffffff) * 1000000) >> 32);
}
/** The middle 32 bits, as LSR carries them. */
static inline uint32_t ntp_mid(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}
