/* timeline_test.c - packets in any order and with any clock become one line of time. */
#include <stdlib.h>
#include <string.h>
#include "media/record/bytes.h"
#include "media/record/timeline.h"
#include "tests/unit/media/record/journal_fixture.h"
#include "tests/unit/test.h"

/* A journal built packet by packet. */
struct tape {
    uint8_t data[1 << 20];
    size_t len;
    struct journal_header header;
};
static struct tape tape, second;

static void tape_begin(struct tape *tp)
{
    tp->header = journal_fixture_header();
    tp->len = journal_header_encode(&tp->header, tp->data);
}

static void packet_of(struct tape *tp, uint16_t seq, uint32_t rtp, int64_t at_us, uint32_t ssrc)
{
    uint8_t p[40] = {0x80, 111, (uint8_t)(seq >> 8), (uint8_t)seq};

    p[4] = (uint8_t)(rtp >> 24), p[5] = (uint8_t)(rtp >> 16), p[6] = (uint8_t)(rtp >> 8), p[7] = (uint8_t)rtp;
    p[8] = (uint8_t)(ssrc >> 24), p[9] = (uint8_t)(ssrc >> 16), p[10] = (uint8_t)(ssrc >> 8),
    p[11] = (uint8_t)ssrc;
    memset(p + 12, seq & 0xFF, sizeof p - 12);
    tp->len += journal_record_encode(tp->data + tp->len, JOURNAL_RTP, 0, at_us, p, sizeof p);
}

static void packet(uint16_t seq, uint32_t rtp, int64_t at_us)
{
    packet_of(&tape, seq, rtp, at_us, 0xCAFE);
}

static void report(uint32_t rtp, int64_t sender_us)
{
    uint8_t payload[12];
    struct journal_sr sr = {
        (uint64_t)(sender_us / 1000000) << 32 | (uint64_t)((sender_us % 1000000 << 32) / 1000000), rtp};

    tape.len += journal_record_encode(tape.data + tape.len, JOURNAL_SR, 0, FIXTURE_START_US, payload,
                                      journal_sr_encode(payload, &sr));
}

static struct timeline *build(struct test *t, size_t n)
{
    struct timeline_bytes bytes[2] = {{tape.data, tape.len}, {second.data, second.len}};
    struct timeline *tl = NULL;
    struct err err = ERR_INIT;

    CHECK_OK(timeline_build(&tl, bytes, n, &err), &err);
    test_cleanup(t, (void (*)(void *))timeline_free, tl);
    for (size_t i = 1; i < tl->len; i++)
        CHECK(tl->packets[i].seq > tl->packets[i - 1].seq);
    return tl;
}

#define AT(ms) (FIXTURE_START_US + INT64_C(1000) * (ms))

TEST(timeline, packets_come_out_in_the_order_they_were_sent)
{
    static const uint16_t ARRIVAL[] = {0, 1, 3, 2, 4, 7, 6, 5, 9, 8};

    tape_begin(&tape);
    for (int i = 0; i < 10; i++)
        packet((uint16_t)(65530 + ARRIVAL[i]), ARRIVAL[i] * 960u,
               AT(i * 20)); /* the numbers wrap on the way */
    struct timeline *tl = build(t, 1);
    CHECK_INT(tl->len, 10);
    CHECK_INT(tl->lost, 0);
    for (uint32_t i = 0; i < 10; i++)
        CHECK_INT(tl->packets[i].rtp, i * 960);
}

TEST(timeline, the_lost_are_counted_and_doubles_left_out)
{
    tape_begin(&tape);
    for (int i = 0; i < 100; i++) {
        if (i == 20 || (i >= 50 && i < 55))
            continue;
        packet((uint16_t)i, (uint32_t)i * 960, AT(i * 20));
        if (i % 10 == 0)
            packet((uint16_t)i, (uint32_t)i * 960, AT(i * 20 + 300)); /* sent again, though it had come */
    }
    packet(20, 20 * 960, AT(2500)); /* very late */
    struct timeline *tl = build(t, 1);
    CHECK_INT(tl->len, 95);
    CHECK_INT(tl->lost, 5);
    CHECK_INT(tl->doubles, 8);
    CHECK_INT(tl->packets[20].pts_us - tl->packets[19].pts_us, 20000); /* late or not, it belongs there */
}

TEST(timeline, a_stream_over_many_turns_of_its_numbers_stays_in_order)
{
    tape_begin(&tape);
    for (int i = 0; i < 10000; i++)
        packet((uint16_t)(i * 13), (uint32_t)i * 4000000, AT(i * 20));
    CHECK(tape.len < sizeof tape.data);
    struct timeline *tl = build(t, 1);
    CHECK_INT(tl->len, 10000);
}

TEST(timeline, strangers_padding_and_nonsense_are_left_out)
{
    static const uint8_t PADDING_ONLY[] = {0xA0, 111, 0, 2, 0, 0, 0, 0, 0, 0, 0xCA, 0xFE, 0, 0, 0, 4};

    tape_begin(&tape);
    packet(1, 960, AT(20));
    packet_of(&tape, 7, 960, AT(30), 0xBEEF);
    tape.len += journal_record_encode(tape.data + tape.len, JOURNAL_RTP, 0, AT(40), PADDING_ONLY,
                                      sizeof PADDING_ONLY);
    tape.len += journal_record_encode(tape.data + tape.len, JOURNAL_RTP, 0, AT(40), "\x80", 1);
    packet(3, 2880, AT(60));
    struct timeline *tl = build(t, 1);
    CHECK_INT(tl->len, 2);
    CHECK_INT(tl->strange, 3);
}

TEST(timeline, a_source_that_begins_its_numbers_anew_goes_on_behind)
{
    tape_begin(&tape);
    for (int i = 0; i < 50; i++)
        packet((uint16_t)(40000 + i), (uint32_t)i * 960, AT(i * 20));
    for (int i = 0; i < 50; i++)
        packet((uint16_t)(100 + i), 3000000000u + (uint32_t)i * 960, AT(1000 + i * 20));
    struct timeline *tl = build(t, 1);
    CHECK_INT(tl->len, 100);
    CHECK_INT(tl->lost, 0);
    CHECK_INT(tl->reanchored, 1);
    CHECK_INT(tl->packets[99].pts_us - tl->packets[0].pts_us, 1980000);
}

TEST(timeline, a_source_that_plays_the_same_numbers_again_goes_on_behind)
{
    tape_begin(&tape);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 500; i++)
            packet((uint16_t)(100 + i), (uint32_t)i * 960, AT(round * 10000 + i * 20));
    struct timeline *tl = build(t, 1);
    CHECK_INT(tl->len, 1500);
    CHECK_INT(tl->doubles, 0);
    CHECK_INT(tl->reanchored, 2);
    CHECK_INT(tl->packets[1499].pts_us - tl->packets[0].pts_us, 29980000);
}

TEST(timeline, jitter_of_the_path_does_not_reach_the_picture)
{
    tape_begin(&tape);
    for (int i = 0; i < 200; i++)
        packet((uint16_t)i, (uint32_t)i * 960, AT(i * 20 + 5 + i * 7919 % 40));
    struct timeline *tl = build(t, 1);
    for (size_t i = 1; i < tl->len; i++)
        CHECK_INT(tl->packets[i].pts_us - tl->packets[i - 1].pts_us, 20000);
    CHECK(tl->packets[0].pts_us >= AT(5) && tl->packets[0].pts_us <= AT(7)); /* the quickest packet's delay */
}

TEST(timeline, reports_bring_a_wrong_media_clock_back_to_the_senders_time)
{
    tape_begin(&tape);
    for (int i = 0; i < 1000; i++) { /* a sound card 0.5 % too fast: 20 ms of sound every 19.9 ms */
        int64_t sent = INT64_C(19900) * i;
        if (i % 100 == 0)
            report((uint32_t)i * 960, INT64_C(3900000000000000) + sent);
        packet((uint16_t)i, (uint32_t)i * 960, FIXTURE_START_US + sent + 4000);
    }
    struct timeline *tl = build(t, 1);
    int64_t took = tl->packets[999].pts_us - tl->packets[0].pts_us, off = took - INT64_C(19900) * 999;
    CHECK(off > -12000 && off < 12000); /* nominal time would be 100 ms off */
}

TEST(timeline, reports_that_make_no_sense_are_not_believed)
{
    tape_begin(&tape);
    for (int i = 0; i < 300; i++) {
        if (i % 50 == 0)
            report((uint32_t)i * 960 * 7, INT64_C(1000000) * (300 - i));
        packet((uint16_t)i, (uint32_t)i * 960, AT(i * 20));
    }
    struct timeline *tl = build(t, 1);
    int64_t took = tl->packets[299].pts_us - tl->packets[0].pts_us;
    CHECK(took > 5900000 && took < 6060000);
}

TEST(timeline, a_drifting_sender_stays_on_our_clock_for_hours)
{
    tape_begin(&tape);
    for (int i = 0; i < 7200; i++) /* one packet a second for two hours, 100 ppm slow */
        packet((uint16_t)i, (uint32_t)i * 48000, FIXTURE_START_US + INT64_C(1000100) * i + i * 7919 % 3000);
    struct timeline *tl = build(t, 1);
    int64_t off = tl->packets[7199].pts_us - (FIXTURE_START_US + INT64_C(1000100) * 7199);
    CHECK_INT(tl->reanchored, 0);
    CHECK(off > -5000 && off < 5000);
}

TEST(timeline, segments_with_other_numbers_and_names_become_one_stream)
{
    uint8_t rtp[2048];

    tape_begin(&tape);
    tape_begin(&second);
    second.header.ssrc = 0xBEEF;
    second.header.segment = 2;
    second.len = journal_header_encode(&second.header, second.data);
    for (int i = 0; i < 10; i++) {
        packet((uint16_t)(500 + i), (uint32_t)i * 960, AT(i * 20));
        packet_of(&second, (uint16_t)(9 + i), 77777 + (uint32_t)i * 960, AT(5000 + i * 20), 0xBEEF);
    }
    struct timeline *tl = build(t, 2);
    CHECK_INT(tl->len, 20);
    CHECK_INT(tl->lost, 0);
    CHECK_INT(tl->packets[10].pts_us - tl->packets[0].pts_us, 5000000);
    CHECK_INT(timeline_rtp(tl, 15, rtp, sizeof rtp), 40);
    CHECK_MEM(rtp + 8, ((uint8_t[]){0, 0, 0xCA, 0xFE}), 4);
    CHECK_INT(timeline_rtp(tl, 15, rtp, 39), 0);
}

TEST(timeline, extension_and_padding_are_taken_off)
{
    static const uint8_t PACKET[] = {
        0xB1, 0xEF, 0, 9, 0,    0,    0, 1, 0, 0, 0xCA, 0xFE, /* V2 P X CC1, M, pt 111 */
        1,    2,    3, 4, 0xBE, 0xDE, 0, 1, 1, 1, 1,    1,    'h', 'i', 0, 2};
    uint8_t rtp[64];

    tape_begin(&tape);
    tape.len += journal_record_encode(tape.data + tape.len, JOURNAL_RTP, 0, AT(0), PACKET, sizeof PACKET);
    struct timeline *tl = build(t, 1);
    CHECK_INT(tl->len, 1);
    CHECK_INT(timeline_rtp(tl, 0, rtp, sizeof rtp), 14);
    CHECK_INT(rtp[0], 0x80);
    CHECK_INT(rtp[1], 0xEF);
    CHECK_MEM(rtp + 12, "hi", 2);
}

TEST(timeline, nothing_readable_is_an_error)
{
    struct timeline_bytes bytes = {(const uint8_t *)"nonsense", 8};
    struct timeline *tl = NULL;
    struct err err = ERR_INIT;

    CHECK_ERR(timeline_build(&tl, &bytes, 1, &err), &err, ERR_CORRUPT, "journal_header");
    CHECK_ERR(timeline_build(&tl, NULL, 0, &err), &err, ERR_CORRUPT, "journal_header");
}
