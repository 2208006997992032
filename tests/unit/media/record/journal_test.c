/* journal_test.c - the bytes of a journal: written, read, torn, damaged. */
#include <stdlib.h>
#include <string.h>
#include "media/record/chain.h"
#include "media/record/crc32c.h"
#include "media/record/verify.h"
#include "tests/unit/media/record/journal_fixture.h"
#include "tests/unit/test.h"

TEST(crc32c, the_check_value_of_the_standard)
{
    CHECK_INT(crc32c(0, "123456789", 9), 0xE3069283);
    CHECK_INT(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
    CHECK_INT(crc32c(0, "", 0), 0);
}

TEST(journal, a_header_comes_back_as_it_was_written)
{
    struct journal_header in = journal_fixture_header(), out;
    uint8_t bytes[JOURNAL_HEADER_MAX];
    struct err err = ERR_INIT;
    size_t len, header_len;

    len = journal_header_encode(&in, bytes);
    CHECK_OK(journal_header_decode(&out, &header_len, bytes, len, &err), &err);
    CHECK_INT(header_len, len);
    CHECK_STR(out.room, in.room);
    CHECK_STR(out.fmtp, in.fmtp);
    CHECK_INT(out.ssrc, in.ssrc);
    CHECK_INT(out.opened_at_us, in.opened_at_us);
}

TEST(journal, a_header_with_any_bit_changed_is_refused)
{
    struct journal_header in = journal_fixture_header(), out;
    uint8_t bytes[JOURNAL_HEADER_MAX];
    struct err err = ERR_INIT;
    size_t len = journal_header_encode(&in, bytes), header_len;

    for (size_t i = 0; i < len * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << (i % 8));
        CHECK(!journal_header_decode(&out, &header_len, bytes, len, &err) && err.code != ERR_NONE);
        bytes[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t cut = 0; cut < len; cut++)
        CHECK_ERR(journal_header_decode(&out, &header_len, bytes, cut, &err), &err, ERR_CORRUPT,
                  "journal_header");
}

TEST(journal, records_come_back_in_order_with_their_times)
{
    struct journal_file f = journal_fixture_file(t, 30);
    struct journal_reader r;
    struct journal_record rec;
    uint64_t rtp = 0;

    journal_reader_init(&r, f.data, f.len, f.header_len);
    while (journal_next(&r, &rec) == JOURNAL_STEP_RECORD) {
        CHECK_INT(rec.number, r.number - 1);
        if (rec.type != JOURNAL_RTP)
            continue;
        CHECK_INT(rec.at_us, FIXTURE_START_US + (int64_t)rtp * 20000);
        CHECK_INT(rec.data[3], rtp & 0xFF);
        rtp++;
    }
    CHECK_INT(rtp, 30);
    CHECK_INT(r.at, f.len);
}

TEST(journal, torn_at_every_byte_the_whole_records_remain)
{
    struct journal_file f = journal_fixture_file(t, 12);
    struct journal_reader r;
    struct journal_record rec;

    for (size_t cut = f.header_len; cut <= f.len; cut++) {
        uint8_t *copy = malloc(cut); /* of exactly this size, so that a read behind it is a report */
        size_t end = f.header_len;
        enum journal_step step;

        memcpy(copy, f.data, cut);
        journal_reader_init(&r, copy, cut, f.header_len);
        while ((step = journal_next(&r, &rec)) == JOURNAL_STEP_RECORD)
            end = rec.offset + rec.size;
        CHECK_INT(step, end == cut ? JOURNAL_STEP_DONE : JOURNAL_STEP_TORN);
        CHECK_INT(rec.offset, end);
        CHECK(cut - end < f.longest);
        free(copy);
    }
}

TEST(journal, a_tail_of_zeros_or_noise_is_torn_where_it_begins)
{
    struct journal_file f = journal_fixture_file(t, 5);
    uint8_t *longer = calloc(1, f.len + 5000);
    struct journal_reader r;
    struct journal_record rec;

    memcpy(longer, f.data, f.len);
    for (int noise = 0; noise < 2; noise++) {
        for (size_t i = 0; noise && i < 5000; i++)
            longer[f.len + i] = (uint8_t)(i * 2654435761u >> 13);
        journal_reader_init(&r, longer, f.len + 5000, f.header_len);
        while (journal_next(&r, &rec) == JOURNAL_STEP_RECORD)
            ;
        CHECK_INT(rec.offset, f.len);
        CHECK_INT(journal_next(&r, &rec), JOURNAL_STEP_TORN); /* and so it stays */
    }
    free(longer);
}

TEST(journal, damage_in_the_middle_is_stepped_over)
{
    struct journal_file f = journal_fixture_file(t, 10);
    struct journal_reader r;
    struct journal_record rec;
    int damaged = 0, rtp = 0;
    enum journal_step step;

    memset(f.data + f.rtp_offset[4], 0, 60); /* a hole, as a lost page leaves it: length gone too */
    journal_reader_init(&r, f.data, f.len, f.header_len);
    while ((step = journal_next(&r, &rec)) != JOURNAL_STEP_DONE) {
        CHECK(step != JOURNAL_STEP_TORN);
        if (step == JOURNAL_STEP_DAMAGE) {
            damaged++;
            CHECK_INT(rec.offset, f.rtp_offset[4]);
            CHECK_INT(rec.offset + rec.size, f.rtp_offset[5]);
        } else if (rec.type == JOURNAL_RTP) {
            rtp++;
        }
    }
    CHECK_INT(damaged, 1);
    CHECK_INT(rtp, 9);
}

/* --- chain ------------------------------------------------------------------------------------------------ */

struct seen {
    struct verify_finding last;
    int count;
};

static void see(void *arg, const struct verify_finding *f)
{
    struct seen *s = arg;

    s->last = *f;
    s->count++;
}

TEST(chain, an_untouched_segment_verifies_and_gives_the_head_it_was_closed_with)
{
    struct journal_file f = journal_fixture_file(t, 200);
    struct verify_summary sum = {0};
    struct seen seen = {0};
    uint8_t head[SHA256_LEN];

    CHECK_INT(verify_segment(f.data, f.len, head, &sum, see, &seen), 0);
    CHECK_MEM(head, f.head, SHA256_LEN);
    CHECK_INT(sum.checkpoints, 4); /* one each 50 packets, one at the close */
}

TEST(chain, one_changed_byte_anywhere_names_its_record)
{
    struct journal_file f = journal_fixture_file(t, 60);
    struct journal_reader r;
    struct journal_record rec;

    journal_reader_init(&r, f.data, f.len, f.header_len);
    while (journal_next(&r, &rec) == JOURNAL_STEP_RECORD) {
        size_t at = rec.offset + (rec.number * 7) % rec.size;
        struct verify_summary sum = {0};
        struct seen seen = {0};
        uint8_t head[SHA256_LEN];

        f.data[at] ^= 0x20;
        CHECK(verify_segment(f.data, f.len, head, &sum, see, &seen) > 0);
        CHECK_INT(seen.count, 1);
        CHECK_INT(seen.last.record_first, rec.number);
        CHECK_INT(seen.last.offset, rec.offset);
        f.data[at] ^= 0x20;
    }
}

TEST(chain, a_record_rewritten_with_its_checksum_names_its_second)
{
    struct journal_file f = journal_fixture_file(t, 200);
    size_t at = f.rtp_offset[120];
    struct verify_summary sum = {0};
    struct seen seen = {0};
    uint8_t head[SHA256_LEN], payload[2048];
    size_t len =
        f.rtp_size[120] - JOURNAL_OVERHEAD; /* the same, so that everything behind it stands where it stood */

    memset(payload, 0x11, sizeof payload);
    journal_record_encode(f.data + at, JOURNAL_RTP, 0, FIXTURE_START_US + 120 * 20000, payload, len);

    CHECK_INT(verify_segment(f.data, f.len, head, &sum, see, &seen), 1);
    CHECK_STR(seen.last.code, "chain_differs");
    CHECK(seen.last.offset <= at && at < seen.last.offset + seen.last.bytes);
    CHECK_INT(seen.last.from_us, FIXTURE_START_US + 100 * 20000);
    CHECK_INT(seen.last.to_us, FIXTURE_START_US + 149 * 20000);
}

TEST(chain, records_left_out_are_noticed)
{
    struct journal_file f = journal_fixture_file(t, 200);
    size_t at = f.rtp_offset[70], next = f.rtp_offset[71];
    struct verify_summary sum = {0};
    struct seen seen = {0};
    uint8_t head[SHA256_LEN];

    memmove(f.data + at, f.data + next, f.len - next);
    CHECK_INT(verify_segment(f.data, f.len - (next - at), head, &sum, see, &seen), 1);
    CHECK_STR(seen.last.code, "chain_differs");
}
