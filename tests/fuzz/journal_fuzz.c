/* journal_fuzz.c - a journal's bytes, as a crash, a bad disk or a careful hand may have left them. Each input is read
 * twice: as a file, and as the contents of well-formed records, so that what lies behind the checksums is reached too. */
#include <stdlib.h>
#include <string.h>
#include "media/record/timeline.h"
#include "media/record/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_it(const uint8_t *data, size_t len)
{
    struct verify_summary sum = {0};
    struct timeline_bytes halves[2] = {{data, len / 2}, {data, len}};
    struct timeline *tl = NULL;
    struct err err = ERR_INIT;
    uint8_t head[SHA256_LEN], rtp[2048];

    verify_segment(data, len, head, &sum, NULL, NULL);
    if (!timeline_build(&tl, halves, 2, &err))
        return;
    for (size_t i = 0; i < tl->len; i++) {
        if (i > 0 && tl->packets[i].seq <= tl->packets[i - 1].seq)
            abort();
        timeline_rtp(tl, i, rtp, sizeof rtp);
    }
    timeline_free(tl);
}

/* u8 type, u8 flags, u8 length/4, i64 at_us, payload */
static size_t records_of(const uint8_t *data, size_t len, uint8_t *out, size_t cap)
{
    struct journal_header h = {.kind = JOURNAL_VIDEO, .segment = 1, .clock_hz = 90000, .codec = "VP8"};
    size_t used = journal_header_encode(&h, out);

    for (size_t at = 0; len - at >= 11;) {
        size_t n = data[at + 2] * 4u;
        int64_t at_us;
        memcpy(&at_us, data + at + 3, 8);
        if (n > len - at - 11)
            n = len - at - 11;
        if (used + n + JOURNAL_OVERHEAD > cap)
            break;
        used += journal_record_encode(out + used, data[at] % 5 + 1, data[at + 1], at_us, data + at + 11, n);
        at += 11 + n;
    }
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(JOURNAL_HEADER_MAX + 3 * len);

    read_it(data, len);
    read_it(copy, records_of(data, len, copy, JOURNAL_HEADER_MAX + 3 * len));
    free(copy);
    return 0;
}
