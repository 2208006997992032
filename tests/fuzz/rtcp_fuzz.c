/* rtcp_fuzz.c - RTCP compounds and everything read from them. */
#include <assert.h>
#include "media/rtcp.h"

static void read_all(const struct rtcp *p)
{
    struct rtcp_block b;
    struct rtcp_sr sr;
    uint32_t ssrc;
    uint64_t rate;
    unsigned pairs;
    uint16_t pid, mask;

    rtcp_read_sr(p, &sr);
    rtcp_read_pli(p, &ssrc);
    rtcp_read_remb(p, &rate);
    for (unsigned i = 0; rtcp_read_block(p, i, &b); i++)
        assert(i < 31);
    for (unsigned i = 0; rtcp_read_bye(p, i, &ssrc); i++)
        assert(i < 31);
    for (unsigned i = 0; rtcp_read_fir(p, i, &ssrc); i++)
        assert(12 + 8 * (i + 1) <= p->len);
    if (!rtcp_read_nack(p, &ssrc, &pairs))
        return;
    assert(12 + 4 * pairs <= p->len);
    for (unsigned i = 0; i < pairs; i++)
        rtcp_nack_pair(p, i, &pid, &mask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rtcp_reader r = {data, len, 0};
    struct rtcp p;

    while (rtcp_next(&r, &p)) {
        assert(p.len >= 8 && p.data + p.len <= data + len);
        read_all(&p);
    }
    assert(r.at <= len);
    return 0;
}
