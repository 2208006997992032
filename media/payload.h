/* payload.h - the little an SFU must know of what is inside: where a picture that needs no other begins, and
 * the counters in a VP8 payload descriptor (RFC 7741) that must stay continuous when a chair changes its
 * source. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum codec { CODEC_NONE, CODEC_OPUS, CODEC_VP8, CODEC_H264, CODEC_RTX };
const char *codec_name(enum codec c); /* "opus", "VP8", "H264", "rtx" */

/** The first packet of a key frame: a receiver may start here. Bytes of the outside. Audio: always. */
bool payload_starts_keyframe(enum codec c, const uint8_t *p, size_t len);

struct vp8_desc { /* offsets into the payload, 0 when absent */
    uint8_t picture_at, tl0_at, len;
    bool wide;        /* picture id of 15 bits */
    uint16_t picture; /* 7 or 15 bits */
    uint8_t tl0;
    bool starts; /* first packet of the first partition */
};
bool vp8_parse(const uint8_t *p, size_t len, struct vp8_desc *out);
