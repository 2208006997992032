#include "media/record/journal.h"
#include <assert.h>
#include <string.h>
#include "media/record/bytes.h"
#include "media/record/crc32c.h"

#define MAGIC     "YZJ\x01\r\n\x1a\n"
#define MAGIC_LEN 8
#define FIXED     32
/* Where a tail tore, at most this far is searched for a whole record, and this many likely starts are tried:
 * a writer is never further than two seconds ahead of the disk, and hostile bytes must not cost a square. */
#define RESYNC_BYTES (8u << 20)
#define RESYNC_TRIES 64

/* --- header ----------------------------------------------------------------------------------------------- */

struct text_field {
    size_t offset, cap;
};
#define TEXT(f)                                                                                              \
    {                                                                                                        \
        offsetof(struct journal_header, f), sizeof(((struct journal_header *)0)->f)                          \
    }
static const struct text_field TEXTS[] = {TEXT(room), TEXT(dir),   TEXT(track),
                                          TEXT(peer), TEXT(codec), TEXT(fmtp)};
#define TEXTS_LEN (sizeof TEXTS / sizeof TEXTS[0])

size_t journal_header_encode(const struct journal_header *h, uint8_t out[JOURNAL_HEADER_MAX])
{
    size_t at = FIXED;

    memset(out, 0, FIXED);
    memcpy(out, MAGIC, MAGIC_LEN);
    put_le16(out + 8, JOURNAL_VERSION);
    out[12] = (uint8_t)h->kind;
    out[13] = h->pt;
    put_le16(out + 14, h->segment);
    put_le32(out + 16, h->clock_hz);
    put_le32(out + 20, h->ssrc);
    put_le64(out + 24, (uint64_t)h->opened_at_us);
    for (size_t i = 0; i < TEXTS_LEN; i++) {
        const char *text = (const char *)h + TEXTS[i].offset;
        size_t len = strnlen(text, TEXTS[i].cap - 1);
        put_le16(out + at, (uint16_t)len);
        memcpy(out + at + 2, text, len);
        at += 2 + len;
    }
    put_le16(out + 10, (uint16_t)(at + 4));
    put_le32(out + at, crc32c(0, out, at));
    return at + 4;
}

static bool header_texts(struct journal_header *h, const uint8_t *data, size_t end)
{
    size_t at = FIXED;

    for (size_t i = 0; i < TEXTS_LEN; i++) {
        char *text = (char *)h + TEXTS[i].offset;
        if (end - at < 2)
            return false;
        size_t len = get_le16(data + at);
        at += 2;
        if (len > end - at || len >= TEXTS[i].cap || memchr(data + at, 0, len))
            return false;
        memcpy(text, data + at, len);
        text[len] = '\0';
        at += len;
    }
    return at == end;
}

bool journal_header_decode(struct journal_header *out, size_t *header_len, const uint8_t *data, size_t len,
                           struct err *err)
{
    struct journal_header h = {0};

    if (len < FIXED + 4 || memcmp(data, MAGIC, MAGIC_LEN) != 0)
        return err_set(err, ERR_CORRUPT, "journal_header", "not a journal");
    if (get_le16(data + 8) != JOURNAL_VERSION)
        return err_set(err, ERR_UNSUPPORTED, "journal_version", "journal version %u", get_le16(data + 8));
    size_t size = get_le16(data + 10);
    if (size < FIXED + 4 || size > JOURNAL_HEADER_MAX || size > len)
        return err_set(err, ERR_CORRUPT, "journal_header", "header of %zu bytes", size);
    if (get_le32(data + size - 4) != crc32c(0, data, size - 4))
        return err_set(err, ERR_CORRUPT, "journal_header", "header checksum differs");
    h.kind = data[12];
    h.pt = data[13];
    h.segment = get_le16(data + 14);
    h.clock_hz = get_le32(data + 16);
    h.ssrc = get_le32(data + 20);
    h.opened_at_us = (int64_t)get_le64(data + 24);
    if ((h.kind != JOURNAL_AUDIO && h.kind != JOURNAL_VIDEO) || h.pt > 127 || h.clock_hz < 1000 ||
        h.clock_hz > 1000000 || !header_texts(&h, data, size - 4))
        return err_set(err, ERR_CORRUPT, "journal_header", "header fields make no sense");
    *out = h;
    *header_len = size;
    return true;
}

/* --- records ---------------------------------------------------------------------------------------------- */

size_t journal_record_encode(uint8_t *out, enum journal_type type, uint8_t flags, int64_t at_us,
                             const void *payload, size_t payload_len)
{
    size_t size = payload_len + JOURNAL_OVERHEAD;

    assert(payload_len <= JOURNAL_PAYLOAD_MAX);
    put_le32(out, (uint32_t)size);
    out[4] = (uint8_t)type;
    out[5] = flags;
    put_le16(out + 6, 0);
    put_le64(out + 8, (uint64_t)at_us);
    if (payload_len > 0)
        memcpy(out + 16, payload, payload_len);
    put_le32(out + size - 4, crc32c(0, out, size - 4));
    return size;
}

size_t journal_sr_encode(uint8_t out[12], const struct journal_sr *sr)
{
    put_le64(out, sr->ntp);
    put_le32(out + 8, sr->rtp);
    return 12;
}

size_t journal_gap_encode(uint8_t out[16 + JOURNAL_NAME_MAX], const struct journal_gap *gap)
{
    size_t len = strnlen(gap->reason, JOURNAL_NAME_MAX - 1);

    put_le64(out, (uint64_t)gap->from_us);
    put_le64(out + 8, (uint64_t)gap->to_us);
    memcpy(out + 16, gap->reason, len);
    return 16 + len;
}

bool journal_sr_decode(struct journal_sr *out, const uint8_t *data, size_t len)
{
    if (len != 12)
        return false;
    out->ntp = get_le64(data);
    out->rtp = get_le32(data + 8);
    return true;
}

bool journal_gap_decode(struct journal_gap *out, const uint8_t *data, size_t len)
{
    if (len < 16 || len - 16 >= JOURNAL_NAME_MAX || memchr(data + 16, 0, len - 16))
        return false;
    out->from_us = (int64_t)get_le64(data);
    out->to_us = (int64_t)get_le64(data + 8);
    memcpy(out->reason, data + 16, len - 16);
    out->reason[len - 16] = '\0';
    return true;
}

bool journal_check_decode(uint64_t *n, uint8_t hash[SHA256_LEN], const uint8_t *data, size_t len)
{
    if (len != 8 + SHA256_LEN)
        return false;
    *n = get_le64(data);
    memcpy(hash, data + 8, SHA256_LEN);
    return true;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

void journal_reader_init(struct journal_reader *r, const uint8_t *data, size_t len, size_t header_len)
{
    *r = (struct journal_reader){.data = data, .len = len, .at = header_len < len ? header_len : len};
}

/* Looks like a record, by the bytes that are the same in all of them. */
static bool likely(const uint8_t *p, size_t left)
{
    if (left < JOURNAL_RECORD_MIN)
        return false;
    size_t size = get_le32(p);
    return size >= JOURNAL_RECORD_MIN && size <= JOURNAL_RECORD_MAX && size <= left && p[4] >= JOURNAL_RTP &&
           p[4] <= JOURNAL_END && get_le16(p + 6) == 0;
}

static bool whole(const uint8_t *p)
{
    size_t size = get_le32(p);

    return get_le32(p + size - 4) == crc32c(0, p, size - 4);
}

/* Where the next whole record begins behind a bad one, or 0. */
static size_t resync(const struct journal_reader *r)
{
    size_t end = r->len - r->at > RESYNC_BYTES ? r->at + RESYNC_BYTES : r->len;
    int tries = 0;

    for (size_t at = r->at + 1; at < end && tries < RESYNC_TRIES; at++) {
        if (!likely(r->data + at, r->len - at))
            continue;
        if (whole(r->data + at))
            return at;
        tries++;
    }
    return 0;
}

static enum journal_step step_over(struct journal_reader *r, struct journal_record *out)
{
    size_t next = resync(r);

    *out = (struct journal_record){.number = r->number, .offset = r->at};
    if (next == 0) {
        out->size = r->len - r->at;
        return JOURNAL_STEP_TORN; /* at stays: asking again gives the same answer */
    }
    out->size = next - r->at;
    r->at = next;
    r->number++; /* at least one record stood there */
    return JOURNAL_STEP_DAMAGE;
}

enum journal_step journal_next(struct journal_reader *r, struct journal_record *out)
{
    const uint8_t *p = r->data + r->at;

    if (r->at == r->len) {
        *out = (struct journal_record){.number = r->number, .offset = r->at};
        return JOURNAL_STEP_DONE;
    }
    if (!likely(p, r->len - r->at) || !whole(p))
        return step_over(r, out);
    *out = (struct journal_record){.type = p[4],
                                   .flags = p[5],
                                   .at_us = (int64_t)get_le64(p + 8),
                                   .data = p + 16,
                                   .len = get_le32(p) - JOURNAL_OVERHEAD,
                                   .number = r->number++,
                                   .offset = r->at,
                                   .size = get_le32(p)};
    r->at += out->size;
    return JOURNAL_STEP_RECORD;
}
