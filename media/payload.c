/* payload.c - see payload.h. */
#include "media/payload.h"

#include "media/bytes.h"

const char *codec_name(enum codec c)
{
    static const char *const NAMES[] = {"", "opus", "VP8", "H264", "rtx"};

    return NAMES[c];
}

/* RFC 7741 4.2. */
bool vp8_parse(const uint8_t *p, size_t len, struct vp8_desc *out)
{
    size_t at = 1;
    uint8_t ext;

    memset(out, 0, sizeof(*out));
    if (len < 1)
        return false;
    out->starts = (p[0] & 0x10) && (p[0] & 0x07) == 0;
    if (p[0] & 0x80) {
        if (len < 2)
            return false;
        ext = p[at++];
        if (ext & 0x80) {
            if (at + 1 > len)
                return false;
            out->picture_at = (uint8_t)at;
            out->wide = p[at] & 0x80;
            if (out->wide && at + 2 > len)
                return false;
            out->picture = out->wide ? get_be16(p + at) & 0x7fff : p[at];
            at += out->wide ? 2 : 1;
        }
        if (ext & 0x40) {
            if (at + 1 > len)
                return false;
            out->tl0_at = (uint8_t)at;
            out->tl0 = p[at++];
        }
        if (ext & 0x30)
            at++;
    }
    out->len = (uint8_t)at;
    return at <= len;
}

static bool vp8_keyframe(const uint8_t *p, size_t len)
{
    struct vp8_desc d;

    return vp8_parse(p, len, &d) && d.starts && d.len < len && (p[d.len] & 0x01) == 0;
}

/* A sequence parameter set begins the picture (RFC 6184); a sender that sent it once, long ago, begins with the
 * IDR slice itself. */
static bool h264_starts(uint8_t nal)
{
    return (nal & 0x1f) == 7 || (nal & 0x1f) == 5;
}

static bool h264_keyframe(const uint8_t *p, size_t len)
{
    size_t at = 1;

    if (len < 2)
        return false;
    switch (p[0] & 0x1f) {
    case 24: /* STAP-A: a list of sizes and units */
        while (at + 3 <= len) {
            size_t n = get_be16(p + at);

            if (h264_starts(p[at + 2]))
                return true;
            at += 2 + n;
        }
        return false;
    case 28: /* FU-A: type in the second byte, the start bit beside it */
        return (p[1] & 0x80) && h264_starts(p[1]);
    default:
        return h264_starts(p[0]);
    }
}

bool payload_starts_keyframe(enum codec c, const uint8_t *p, size_t len)
{
    switch (c) {
    case CODEC_VP8:
        return vp8_keyframe(p, len);
    case CODEC_H264:
        return h264_keyframe(p, len);
    case CODEC_OPUS:
        return true;
    case CODEC_NONE:
    case CODEC_RTX:
        break;
    }
    return false;
}
