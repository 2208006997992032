/* rtp_fuzz.c - demultiplexing, RTP headers and extensions, RTX, and the payloads an SFU looks into. */
#include <assert.h>
#include <string.h>
#include "media/demux.h"
#include "media/payload.h"
#include "media/rewrite.h"
#include "media/rtp.h"

static void look_inside(const struct rtp *r)
{
    const uint8_t *p = rtp_payload(r);
    size_t len = rtp_payload_len(r);
    uint8_t copy[RTP_PACKET_MAX];
    struct vp8_desc d;
    struct rewrite w;

    payload_starts_keyframe(CODEC_H264, p, len);
    payload_starts_keyframe(CODEC_VP8, p, len);
    if (!vp8_parse(p, len, &d))
        return;
    assert(d.len <= len);
    memcpy(copy, p, len);
    rewrite_init(&w, 90000, 7);
    rewrite_begin(&w, 1, r->ts, &d, 0);
    rewrite_vp8(&w, &d, copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t copy[RTP_PACKET_MAX];
    struct rtp r;

    demux(data, len);
    if (!rtp_parse(data, len, &r))
        return 0;
    assert(r.payload_at <= r.len && (size_t)r.len + r.padding == len);
    for (unsigned id = 0; id < 256; id++) {
        uint8_t n;
        const uint8_t *v = rtp_ext_find(&r, (uint8_t)id, &n);

        if (v)
            assert(v >= data + r.ext_at && v + n <= data + r.ext_at + r.ext_len);
    }
    look_inside(&r);
    memcpy(copy, data, len);
    if (rtp_unwrap_rtx(copy, &len, 1, 96))
        assert(rtp_parse(copy, len, &r) && r.ssrc == 1 && r.pt == 96);
    return 0;
}
