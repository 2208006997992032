#include "dicom/decode/jpeg_stream.h"
#include <string.h>

#define FAST_BITS 9

static bool refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_INVALID, "codec_failed", "JPEG: %s", why);
}

static bool cut(struct err *err)
{
    return err_set(err, ERR_INVALID, "truncated", "JPEG: the stream ends in the middle of a segment");
}

void jpeg_open(struct jpeg_stream *s, const uint8_t *bytes, size_t len)
{
    *s = (struct jpeg_stream){.at = bytes, .end = bytes + len, .adobe = -1};
}

/* --- segments --- */

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* C.2: codes of each length are counted up; a table with more codes than the length has room for is not one. */
static bool huffman_make(struct jpeg_huffman *h, const uint8_t counts[16], const uint8_t *values,
                         struct err *err)
{
    int32_t code = 0, k = 0;

    memset(h, 0, sizeof *h);
    for (int len = 1; len <= 16; len++) {
        h->offset[len] = k - code;
        for (int i = 0; i < counts[len - 1]; i++, code++, k++) {
            if (code >= 1 << len)
                return refuse(err, "a Huffman table with too many codes");
            h->values[k] = values[k];
            if (len <= FAST_BITS)
                for (int fill = 0; fill < 1 << (FAST_BITS - len); fill++)
                    h->fast[(code << (FAST_BITS - len)) + fill] = (uint16_t)(len << 8 | values[k]);
        }
        h->code_max[len] = counts[len - 1] ? code - 1 : -1;
        code <<= 1;
    }
    h->there = true;
    return true;
}

static bool read_dht(struct jpeg_stream *s, const uint8_t *p, size_t len, struct err *err)
{
    while (len > 0) {
        unsigned total = 0;
        if (len < 17)
            return cut(err);
        for (int i = 1; i <= 16; i++)
            total += p[i];
        if (p[0] >> 4 > 1 || (p[0] & 15) > 3 || total > 256)
            return refuse(err, "a Huffman table nobody defined");
        if (len < 17 + total)
            return cut(err);
        struct jpeg_huffman *h = p[0] >> 4 ? &s->ac[p[0] & 15] : &s->dc[p[0] & 15];
        if (!huffman_make(h, p + 1, p + 17, err))
            return false;
        p += 17 + total;
        len -= 17 + total;
    }
    return true;
}

static bool read_dqt(struct jpeg_stream *s, const uint8_t *p, size_t len, struct err *err)
{
    while (len > 0) {
        size_t width = p[0] >> 4 ? 2 : 1, id = p[0] & 15;
        if (p[0] >> 4 > 1 || id > 3)
            return refuse(err, "a quantization table nobody defined");
        if (len < 1 + 64 * width)
            return cut(err);
        for (size_t i = 0; i < 64; i++)
            s->quant[id][i] = (uint16_t)(width == 2 ? be16(p + 1 + 2 * i) : p[1 + i]);
        s->quant_there[id] = true;
        p += 1 + 64 * width;
        len -= 1 + 64 * width;
    }
    return true;
}

static bool read_sof(struct jpeg_stream *s, uint8_t marker, const uint8_t *p, size_t len, struct err *err)
{
    struct jpeg_frame f = {.process = marker};

    if (s->frame.process)
        return refuse(err, "two frame headers");
    if (len < 6 || len != 6 + 3u * p[5])
        return refuse(err, "a frame header of another length than its components");
    f.precision = p[0];
    f.rows = be16(p + 1);
    f.columns = be16(p + 3);
    f.n = p[5];
    if (f.n < 1 || f.n > JPEG_COMPONENTS_MAX || !f.rows || !f.columns || f.precision < 2 || f.precision > 16)
        return refuse(err, "a frame header nobody defined");
    for (int i = 0; i < f.n; i++) {
        const uint8_t *c = p + 6 + 3 * i;
        f.c[i] = (struct jpeg_component){c[0], c[1] >> 4, c[1] & 15, c[2]};
        if (f.c[i].h < 1 || f.c[i].h > 4 || f.c[i].v < 1 || f.c[i].v > 4 || f.c[i].tq > 3)
            return refuse(err, "sampling factors nobody defined");
        f.h_max = f.c[i].h > f.h_max ? f.c[i].h : f.h_max;
        f.v_max = f.c[i].v > f.v_max ? f.c[i].v : f.v_max;
    }
    s->frame = f;
    return true;
}

static bool read_sos(struct jpeg_stream *s, const uint8_t *p, size_t len, struct err *err)
{
    struct jpeg_scan scan = {.n = len ? p[0] : 0};
    unsigned seen = 0;

    if (!s->frame.process)
        return refuse(err, "a scan before the frame header");
    if (scan.n < 1 || scan.n > s->frame.n || len != 4 + 2u * scan.n)
        return refuse(err, "a scan header of another length than its components");
    for (int i = 0; i < scan.n; i++) {
        int c = 0;
        while (c < s->frame.n && s->frame.c[c].id != p[1 + 2 * i])
            c++;
        if (c == s->frame.n || seen & 1u << c || p[2 + 2 * i] >> 4 > 3 || (p[2 + 2 * i] & 15) > 3)
            return refuse(err, "a scan of a component that is not there");
        seen |= 1u << c;
        scan.component[i] = (uint8_t)c;
        scan.dc[i] = p[2 + 2 * i] >> 4;
        scan.ac[i] = p[2 + 2 * i] & 15;
    }
    const uint8_t *tail = p + 1 + 2 * scan.n;
    scan.ss = tail[0];
    scan.se = tail[1];
    scan.ah = tail[2] >> 4;
    scan.al = tail[2] & 15;
    s->scan = scan;
    return true;
}

static bool read_segment(struct jpeg_stream *s, uint8_t marker, const uint8_t *p, size_t len, struct err *err)
{
    switch (marker) {
    case MARKER_SOF0:
    case MARKER_SOF1:
    case MARKER_SOF2:
    case MARKER_SOF3:
        return read_sof(s, marker, p, len, err);
    case MARKER_SOS:
        return read_sos(s, p, len, err);
    case MARKER_DHT:
        return read_dht(s, p, len, err);
    case MARKER_DQT:
        return read_dqt(s, p, len, err);
    case MARKER_DRI:
        if (len != 2)
            return refuse(err, "a restart interval of another length");
        s->restart = be16(p);
        return true;
    case MARKER_APP0:
        s->jfif |= len >= 5 && memcmp(p, "JFIF", 5) == 0;
        return true;
    case MARKER_APP14:
        if (len >= 12 && memcmp(p, "Adobe", 5) == 0)
            s->adobe = p[11];
        return true;
    default: /* the other SOFn: differential, arithmetic; nothing of DICOM's */
        if (marker >= 0xC5 && marker <= 0xCF && marker != 0xC8 && marker != 0xCC)
            return err_set(err, ERR_UNSUPPORTED, "syntax_unsupported", "JPEG: process SOF%d", marker - 0xC0);
        return true;
    }
}

int jpeg_next(struct jpeg_stream *s, struct err *err)
{
    for (;;) {
        /* What stands before a marker is the rest of a scan, or rubbish that decoders step over. */
        const uint8_t *ff = s->at < s->end ? memchr(s->at, 0xFF, (size_t)(s->end - s->at)) : NULL;
        if (!ff || ff + 1 >= s->end) {
            cut(err);
            return 0;
        }
        uint8_t marker = ff[1];
        s->at = marker == 0xFF ? ff + 1 : ff + 2;
        if (marker == 0xFF || marker == 0 || marker == 1 || (marker >= MARKER_RST0 && marker <= MARKER_SOI))
            continue;
        if (marker == MARKER_EOI)
            return MARKER_EOI;
        if (s->end - s->at < 2 || be16(s->at) < 2 || be16(s->at) > (size_t)(s->end - s->at)) {
            cut(err);
            return 0;
        }
        const uint8_t *p = s->at + 2;
        size_t len = be16(s->at) - 2;
        s->at = p + len;
        if (!read_segment(s, marker, p, len, err))
            return 0;
        if (marker == MARKER_SOS || (marker >= MARKER_SOF0 && marker <= MARKER_SOF3))
            return marker;
    }
}

/* --- bits --- */

void jpeg_bits_open(struct jpeg_bits *b, const struct jpeg_stream *s)
{
    *b = (struct jpeg_bits){.at = s->at, .end = s->end};
}

void jpeg_bits_fill(struct jpeg_bits *b)
{
    if (b->n < b->pad) {
        b->over = true;
        b->pad = b->n;
    }
    while (b->n <= 56) {
        uint8_t byte = 0;
        if (b->at < b->end && *b->at != 0xFF) {
            byte = *b->at++;
        } else if (b->end - b->at >= 2 && b->at[1] == 0) { /* a stuffed zero */
            byte = 0xFF;
            b->at += 2;
        } else {
            b->pad += 8;
        }
        b->acc |= (uint64_t)byte << (56 - b->n);
        b->n += 8;
    }
}

bool jpeg_bits_restart(struct jpeg_bits *b, unsigned number)
{
    while (b->end - b->at >= 2 && b->at[0] == 0xFF && b->at[1] == 0xFF)
        b->at++;
    if (b->end - b->at < 2 || b->at[0] != 0xFF || b->at[1] != MARKER_RST0 + number % 8)
        return false;
    *b = (struct jpeg_bits){.at = b->at + 2, .end = b->end};
    return true;
}

int jpeg_symbol(struct jpeg_bits *b, const struct jpeg_huffman *h)
{
    if (b->n < 16)
        jpeg_bits_fill(b);
    uint16_t fast = h->fast[b->acc >> (64 - FAST_BITS)];
    int len = fast >> 8;
    if (len) {
        b->acc <<= len;
        b->n -= len;
        return fast & 0xFF;
    }
    for (len = FAST_BITS + 1; len <= 16; len++) {
        int32_t code = (int32_t)(b->acc >> (64 - len));
        if (h->code_max[len] >= 0 && code <= h->code_max[len]) {
            b->acc <<= len;
            b->n -= len;
            int32_t k = h->offset[len] + code;
            return k >= 0 && k < 256 ? h->values[k] : -1;
        }
    }
    return -1;
}
