/* packet_test.c - RTP headers, RTX, RTCP, payloads and the first byte. */
#include <string.h>
#include "media/demux.h"
#include "media/ntp.h"
#include "media/payload.h"
#include "media/rtcp.h"
#include "media/rtp.h"
#include "tests/unit/test.h"

TEST(demux, the_first_bytes_say_what_a_datagram_claims_to_be)
{
    static const struct {
        uint8_t b0, b1;
        size_t len;
        enum demux_kind want;
    } ROWS[] = {
        {0, 1, 20, DEMUX_STUN},    {1, 1, 20, DEMUX_STUN},     {3, 0, 20, DEMUX_STUN},
        {4, 0, 20, DEMUX_NONE},    {0, 1, 19, DEMUX_NONE},     {20, 0, 13, DEMUX_DTLS},
        {63, 0, 13, DEMUX_DTLS},   {64, 0, 13, DEMUX_NONE},    {22, 0, 12, DEMUX_NONE},
        {128, 111, 12, DEMUX_RTP}, {191, 96, 12, DEMUX_RTP},   {192, 96, 12, DEMUX_NONE},
        {128, 200, 8, DEMUX_RTCP}, {129, 206, 12, DEMUX_RTCP}, {128, 223, 8, DEMUX_RTCP},
        {128, 224, 12, DEMUX_RTP}, {128, 191, 12, DEMUX_RTP},  {128, 111, 11, DEMUX_NONE},
        {128, 200, 7, DEMUX_NONE}, {0, 0, 0, DEMUX_NONE},
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        uint8_t p[32] = {ROWS[i].b0, ROWS[i].b1};

        CHECK_INT(demux(p, ROWS[i].len), ROWS[i].want);
    }
}

/* ---- RTP ---- */

static const uint8_t PLAIN[] = {0x80, 0xef, 0x12, 0x34, 0, 0, 0, 9, 0xde, 0xad, 0xbe, 0xef, 'h', 'e', 'y'};

TEST(rtp, a_plain_header_is_read)
{
    struct rtp r;

    CHECK(rtp_parse(PLAIN, sizeof(PLAIN), &r));
    CHECK_INT(r.pt, 111);
    CHECK(r.marker);
    CHECK_INT(r.seq, 0x1234);
    CHECK_INT(r.ts, 9);
    CHECK_INT(r.ssrc, 0xdeadbeef);
    CHECK_INT(rtp_payload_len(&r), 3);
    CHECK_MEM(rtp_payload(&r), "hey", 3);
}

TEST(rtp, lengths_that_do_not_fit_are_refused)
{
    uint8_t p[64] = {0x80, 96};
    struct rtp r;

    CHECK(!rtp_parse(p, 11, &r));
    CHECK(rtp_parse(p, 12, &r)); /* header only is a packet */
    p[0] = 0x40;
    CHECK(!rtp_parse(p, 12, &r)); /* version 1 */
    p[0] = 0x8f;
    CHECK(!rtp_parse(p, 64, &r)); /* 15 CSRCs need 72 bytes */
    p[0] = 0x90;
    p[15] = 200;
    CHECK(!rtp_parse(p, 64, &r)); /* extension of 800 bytes */
    CHECK(!rtp_parse(p, 14, &r)); /* extension header cut */
    p[0] = 0xa0;
    p[63] = 0;
    CHECK(!rtp_parse(p, 64, &r)); /* padding of 0 */
    p[63] = 53;
    CHECK(!rtp_parse(p, 64, &r)); /* padding longer than the payload */
    p[63] = 52;
    CHECK(rtp_parse(p, 64, &r));
    CHECK_INT(rtp_payload_len(&r), 0);
}

TEST(rtp, an_extension_length_that_wraps_sixteen_bits_is_refused)
{
    uint8_t p[64] = {0x90, 96};
    struct rtp r;

    p[14] = 0x40; /* 0x4000 words are 65536 bytes, 0 in 16 bits */
    p[15] = 0x00;
    CHECK(!rtp_parse(p, 64, &r));
}

TEST(rtp, both_kinds_of_header_extensions_are_found)
{
    /* one byte: id 1 "ab", padding, id 3 one byte; two bytes: id 1 empty, id 20 three bytes */
    static const uint8_t ONE[] = {0x90, 96,   0, 1, 0,    0,   0,   0, 0,    0, 0, 1,
                                  0xbe, 0xde, 0, 2, 0x11, 'a', 'b', 0, 0x30, 7, 0, 0};
    static const uint8_t TWO[] = {0x90, 96, 0, 1, 0, 0, 0,  0, 0,   0,   0,   1,
                                  0x10, 0,  0, 2, 1, 0, 20, 3, 'x', 'y', 'z', 0};
    const uint8_t *v;
    struct rtp r;
    uint8_t n;

    CHECK(rtp_parse(ONE, sizeof(ONE), &r));
    v = rtp_ext_find(&r, 1, &n);
    CHECK(v && n == 2 && v[0] == 'a');
    v = rtp_ext_find(&r, 3, &n);
    CHECK(v && n == 1 && *v == 7);
    CHECK(!rtp_ext_find(&r, 2, &n) && !rtp_ext_find(&r, 0, &n) && !rtp_ext_find(&r, 15, &n));
    CHECK(rtp_parse(TWO, sizeof(TWO), &r));
    v = rtp_ext_find(&r, 1, &n);
    CHECK(v && n == 0);
    v = rtp_ext_find(&r, 20, &n);
    CHECK(v && n == 3 && v[2] == 'z');
}

TEST(rtp, an_element_longer_than_its_block_is_not_found)
{
    static const uint8_t P[] = {0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0x1f, 1, 2, 3};
    struct rtp r;
    uint8_t n;

    CHECK(rtp_parse(P, sizeof(P), &r));
    CHECK(!rtp_ext_find(&r, 1, &n));
}

TEST(rtp, a_written_header_reads_back)
{
    for (uint8_t id = 1; id < 30; id += 9) {
        struct rtp_out h = {.pt = 96,
                            .marker = true,
                            .seq = 65535,
                            .ts = 0xfffffff0,
                            .ssrc = 77,
                            .mid_id = id,
                            .mid_len = 3,
                            .mid = "abc",
                            .level_id = (uint8_t)(id + 1),
                            .level = 0x85};
        uint8_t buf[RTP_OUT_HEADER_MAX + 2];
        size_t n = rtp_write_header(buf, &h);
        const uint8_t *v;
        struct rtp r;
        uint8_t len;

        CHECK(n <= RTP_OUT_HEADER_MAX && n % 4 == 0);
        CHECK(rtp_parse(buf, n, &r));
        CHECK(r.pt == 96 && r.marker && r.seq == 65535 && r.ts == 0xfffffff0 && r.ssrc == 77);
        CHECK_INT(rtp_payload_len(&r), 0);
        v = rtp_ext_find(&r, id, &len);
        CHECK(v && len == 3 && memcmp(v, "abc", 3) == 0);
        v = rtp_ext_find(&r, (uint8_t)(id + 1), &len);
        CHECK(v && len == 1 && *v == 0x85);
    }
}

TEST(rtp, a_retransmission_unwraps_to_what_was_first_sent)
{
    uint8_t p[] = {0x80, 0x80 | 97, 0, 5, 0, 0, 0, 9, 1, 2, 3, 4, 0x12, 0x34, 'h', 'e', 'y'};
    size_t len = sizeof(p);

    CHECK(rtp_unwrap_rtx(p, &len, 0xdeadbeef, 111));
    CHECK_INT(len, sizeof(PLAIN));
    CHECK_MEM(p, PLAIN, sizeof(PLAIN));
    len = 13;
    CHECK(!rtp_unwrap_rtx(p, &len, 1, 96)); /* one byte of payload holds no number */
}

/* ---- RTCP ---- */

TEST(rtcp, a_compound_is_walked_and_its_blocks_read)
{
    struct rtcp_block
        b = {.ssrc = 5, .fraction = 12, .lost = -3, .highest = 99, .jitter = 7, .lsr = 8, .dlsr = 9},
        got;
    struct rtcp_sr sr = {.ntp = 0x1122334455667788, .rtp = 1, .packets = 2, .bytes = 3}, got_sr;
    uint16_t seqs[] = {65535, 0, 16, 40};
    uint8_t buf[256];
    size_t n = 0;
    unsigned used, pairs;
    struct rtcp_reader rd;
    struct rtcp p;
    uint32_t ssrc;
    uint16_t pid, mask;

    n += rtcp_write_sr(buf + n, 1, &sr);
    n += rtcp_write_sdes(buf + n, 1, "somebody");
    n += rtcp_write_rr(buf + n, 2, &b, 1);
    n += rtcp_write_nack(buf + n, 2, 77, seqs, 4, &used);
    n += rtcp_write_pli(buf + n, 2, 78);
    n += rtcp_write_bye(buf + n, 79);
    CHECK_INT(used, 4);
    rd = (struct rtcp_reader){buf, n, 0};
    CHECK(rtcp_next(&rd, &p) && p.type == RTCP_SR && rtcp_read_sr(&p, &got_sr));
    CHECK(got_sr.ntp == sr.ntp && got_sr.bytes == 3);
    CHECK(rtcp_next(&rd, &p) && p.type == RTCP_SDES);
    CHECK(rtcp_next(&rd, &p) && p.type == RTCP_RR && rtcp_read_block(&p, 0, &got));
    CHECK(got.ssrc == 5 && got.lost == -3 && got.highest == 99 && got.dlsr == 9);
    CHECK(!rtcp_read_block(&p, 1, &got));
    CHECK(rtcp_next(&rd, &p) && rtcp_read_nack(&p, &ssrc, &pairs));
    CHECK(ssrc == 77 && pairs == 3); /* 65535 with 0; 16 is seventeen on, 40 farther still */
    rtcp_nack_pair(&p, 0, &pid, &mask);
    CHECK(pid == 65535 && mask == 1);
    CHECK(rtcp_next(&rd, &p) && rtcp_read_pli(&p, &ssrc) && ssrc == 78);
    CHECK(rtcp_next(&rd, &p) && rtcp_read_bye(&p, 0, &ssrc) && ssrc == 79 && !rtcp_read_bye(&p, 1, &ssrc));
    CHECK(!rtcp_next(&rd, &p) && rd.at == n);
}

TEST(rtcp, broken_lengths_end_the_walk)
{
    static const uint8_t LONG[] = {0x80, 201, 0, 9, 0, 0, 0, 1};
    static const uint8_t SHORT[] = {0x80, 201, 0, 0, 0, 0, 0, 1};
    static const uint8_t PADDED[] = {0xa0, 201, 0, 1, 0, 0, 0, 200};
    const uint8_t *all[] = {LONG, SHORT, PADDED};

    for (int i = 0; i < 3; i++) {
        struct rtcp_reader rd = {all[i], 8, 0};
        struct rtcp p;

        CHECK(!rtcp_next(&rd, &p) && rd.at == 0);
    }
}

TEST(rtcp, counts_that_promise_more_than_there_is_give_nothing)
{
    static const uint8_t RR[] = {0x9f, 201, 0, 1, 0, 0, 0, 1};
    static const uint8_t BYE[] = {0x9f, 203, 0, 1, 0, 0, 0, 1};
    static const uint8_t FIR[] = {0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0};
    struct rtcp_reader rd = {RR, 8, 0};
    struct rtcp_block b;
    struct rtcp p;
    uint32_t ssrc;

    CHECK(rtcp_next(&rd, &p) && !rtcp_read_block(&p, 0, &b));
    rd = (struct rtcp_reader){BYE, 8, 0};
    CHECK(rtcp_next(&rd, &p) && rtcp_read_bye(&p, 0, &ssrc) && !rtcp_read_bye(&p, 1, &ssrc));
    rd = (struct rtcp_reader){FIR, 12, 0};
    CHECK(rtcp_next(&rd, &p) && !rtcp_read_fir(&p, 0, &ssrc));
}

TEST(rtcp, a_rate_survives_remb_to_three_digits)
{
    static const uint64_t RATES[] = {0, 1, 150000, 262143, 262144, 2500000, UINT64_C(4000000000)};

    for (size_t i = 0; i < sizeof(RATES) / sizeof(RATES[0]); i++) {
        uint8_t buf[64];
        uint32_t ssrc = 3;
        struct rtcp_reader rd = {buf, rtcp_write_remb(buf, 1, RATES[i], &ssrc, 1), 0};
        struct rtcp p;
        uint64_t got;

        CHECK(rtcp_next(&rd, &p) && rtcp_read_remb(&p, &got));
        CHECK(got <= RATES[i] && RATES[i] - got <= RATES[i] / 1000);
    }
}

TEST(ntp, times_go_there_and_back)
{
    static const int64_t TIMES[] = {0, 1, 999999, 1795249381130773, 1795249381999999};

    for (int i = 0; i < 5; i++) {
        int64_t d = ntp_to_us(ntp_from_us(TIMES[i])) - TIMES[i];

        CHECK(d >= -1 && d <= 1);
    }
}

/* ---- payloads ---- */

TEST(payload, a_vp8_key_frame_begins_with_partition_zero_and_a_clear_bit)
{
    static const uint8_t KEY[] = {0x90, 0x80, 0x81, 0x23, 0x10, 0, 0, 0x9d, 0x01, 0x2a};
    static const uint8_t DELTA[] = {0x90, 0x80, 0x81, 0x23, 0x11, 0, 0};
    static const uint8_t MIDDLE[] = {0x80, 0x80, 0x81, 0x23, 0x10, 0, 0};
    static const uint8_t BARE[] = {0x10, 0x50, 0, 0};

    CHECK(payload_starts_keyframe(CODEC_VP8, KEY, sizeof(KEY)));
    CHECK(!payload_starts_keyframe(CODEC_VP8, DELTA, sizeof(DELTA)));
    CHECK(!payload_starts_keyframe(CODEC_VP8, MIDDLE, sizeof(MIDDLE)));
    CHECK(payload_starts_keyframe(CODEC_VP8, BARE, sizeof(BARE)));
    for (size_t n = 0; n < 5; n++)
        CHECK(!payload_starts_keyframe(CODEC_VP8, KEY, n));
}

TEST(payload, the_vp8_descriptor_tells_where_its_counters_are)
{
    static const uint8_t FULL[] = {0x90, 0xe0, 0xff, 0xfe, 0x77, 0x20, 0x10};
    static const uint8_t NARROW[] = {0x90, 0x80, 0x05, 0x10};
    struct vp8_desc d;

    CHECK(vp8_parse(FULL, sizeof(FULL), &d));
    CHECK(d.wide && d.picture == 0x7ffe && d.picture_at == 2 && d.tl0_at == 4 && d.tl0 == 0x77 && d.len == 6);
    CHECK(vp8_parse(NARROW, sizeof(NARROW), &d));
    CHECK(!d.wide && d.picture == 5 && d.picture_at == 2 && d.tl0_at == 0 && d.len == 3);
    for (size_t n = 0; n < 6; n++)
        CHECK(!vp8_parse(FULL, n, &d));
}

TEST(payload, an_h264_key_frame_begins_with_its_parameters_or_its_slice)
{
    static const uint8_t SPS[] = {0x67, 0x42}, IDR[] = {0x65, 0x88}, P[] = {0x41, 0x9a}, SEI[] = {0x06, 0x05};
    static const uint8_t STAP[] = {0x78, 0, 2, 0x06, 1, 0, 2, 0x67, 0x42};
    static const uint8_t FU_FIRST[] = {0x7c, 0x85}, FU_NEXT[] = {0x7c, 0x05}, FU_P[] = {0x7c, 0x81};

    CHECK(payload_starts_keyframe(CODEC_H264, SPS, 2) && payload_starts_keyframe(CODEC_H264, IDR, 2));
    CHECK(!payload_starts_keyframe(CODEC_H264, P, 2) && !payload_starts_keyframe(CODEC_H264, SEI, 2));
    CHECK(payload_starts_keyframe(CODEC_H264, STAP, sizeof(STAP)));
    CHECK(!payload_starts_keyframe(CODEC_H264, STAP, 6));
    CHECK(payload_starts_keyframe(CODEC_H264, FU_FIRST, 2));
    CHECK(!payload_starts_keyframe(CODEC_H264, FU_NEXT, 2) && !payload_starts_keyframe(CODEC_H264, FU_P, 2));
}
