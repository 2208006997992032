/* flow_test.c - the pure parts between a packet's arrival and its departure: rewriting, store, reception, arrival
 * reports, gates. */
#include <stdlib.h>
#include <string.h>
#include "media/gate.h"
#include "media/reception.h"
#include "media/rewrite.h"
#include "media/store.h"
#include "media/twcc.h"
#include "tests/unit/test.h"

#define BASE (UINT64_C(1) << 32)
#define MS   INT64_C(1000)

/* ---- rewrite ---- */

TEST(rewrite, a_switch_of_sources_leaves_no_gap_and_no_jump_back)
{
    struct rewrite r;
    struct rewritten a, b;

    rewrite_init(&r, 90000, 0x1234567890abcdef);
    rewrite_begin(&r, BASE + 100, 5000, NULL, 0);
    CHECK(rewrite_map(&r, BASE + 100, 5000, 0, &a));
    CHECK(rewrite_map(&r, BASE + 101, 8000, 33 * MS, &a));
    rewrite_stop(&r);
    CHECK(!rewrite_map(&r, BASE + 102, 11000, 66 * MS, &b));
    rewrite_begin(&r, BASE + 60000, 4000000000u, NULL, 133 * MS); /* another source, 100 ms later */
    CHECK(rewrite_map(&r, BASE + 60000, 4000000000u, 133 * MS, &b));
    CHECK_INT((uint16_t)(b.seq - a.seq), 1);
    CHECK_INT(b.ts - a.ts, 9000);
}

TEST(rewrite, numbering_runs_through_the_wrap_of_sequence_and_time)
{
    struct rewrite r;
    struct rewritten last = {0}, now;

    rewrite_init(&r, 90000, 0x7000);
    rewrite_begin(&r, BASE + 65500, 0xffffff00u, NULL, 0);
    for (uint64_t i = 0; i < 70000; i++) {
        CHECK(
            rewrite_map(&r, BASE + 65500 + i, 0xffffff00u + (uint32_t)i * 3000, (int64_t)i * 33 * MS, &now));
        if (i) {
            CHECK_INT((uint16_t)(now.seq - last.seq), 1);
            CHECK_INT(now.ts - last.ts, 3000);
        }
        last = now;
    }
}

TEST(rewrite, late_packets_keep_their_place_and_those_before_the_beginning_are_refused)
{
    struct rewrite r;
    struct rewritten a, b;

    rewrite_init(&r, 48000, 1);
    rewrite_begin(&r, BASE + 10, 0, NULL, 0);
    CHECK(rewrite_map(&r, BASE + 10, 0, 0, &a));
    CHECK(rewrite_map(&r, BASE + 12, 1920, 40 * MS, &a));
    CHECK(rewrite_map(&r, BASE + 11, 960, 41 * MS, &b));
    CHECK_INT((uint16_t)(a.seq - b.seq), 1);
    CHECK(!rewrite_map(&r, BASE + 9, 0, 42 * MS, &b));
}

TEST(rewrite, an_outgoing_number_leads_back_to_its_packet_and_only_of_this_source)
{
    struct rewrite r;
    struct rewritten out;
    uint64_t ext;
    uint16_t before;

    rewrite_init(&r, 90000, 0x7fff);
    rewrite_begin(&r, BASE + 1, 0, NULL, 0);
    for (uint64_t i = 1; i <= 50000; i++)
        rewrite_map(&r, BASE + i, 0, 0, &out);
    CHECK(rewrite_back(&r, out.seq, &ext) && ext == BASE + 50000);
    CHECK(rewrite_back(&r, (uint16_t)(out.seq - 300), &ext) && ext == BASE + 49700);
    before = out.seq;
    rewrite_stop(&r);
    CHECK(!rewrite_back(&r, before, &ext));
    rewrite_begin(&r, BASE + 9, 0, NULL, 0);
    rewrite_map(&r, BASE + 9, 0, 0, &out);
    CHECK(!rewrite_back(&r, before, &ext)); /* the other source's */
    CHECK(rewrite_back(&r, out.seq, &ext) && ext == BASE + 9);
    CHECK(!rewrite_back(&r, (uint16_t)(out.seq + 1), &ext)); /* not sent yet */
}

static uint16_t wide(const uint8_t *p)
{
    return (uint16_t)((p[2] << 8 | p[3]) & 0x7fff);
}

TEST(rewrite, vp8_counters_go_on_across_a_switch)
{
    struct rewrite r;
    struct vp8_desc d;
    uint8_t one[] = {0x90, 0xe0, 0x80 | 0x12, 0x34, 0x50, 0x20, 0x10},
            two[] = {0x90, 0xe0, 0xff, 0xff, 0xff, 0x20, 0x10};
    uint8_t a[7], b[7];
    struct rewritten out;

    rewrite_init(&r, 90000, 99);
    CHECK(vp8_parse(one, 7, &d));
    rewrite_begin(&r, BASE, 0, &d, 0);
    rewrite_map(&r, BASE, 0, 0, &out);
    memcpy(a, one, 7);
    rewrite_vp8(&r, &d, a);
    rewrite_stop(&r);
    CHECK(vp8_parse(two, 7, &d));
    rewrite_begin(&r, BASE + 77, 0, &d, 0);
    rewrite_map(&r, BASE + 77, 0, 0, &out);
    memcpy(b, two, 7);
    rewrite_vp8(&r, &d, b);
    CHECK_INT((uint16_t)(wide(b) - wide(a)) & 0x7fff, 1);
    CHECK_INT((uint8_t)(b[4] - a[4]), 1);
    memcpy(a, two, 7);
    rewrite_vp8(&r, &d, a); /* sent again: the same bytes */
    CHECK_MEM(a, b, 7);
}

/* ---- store ---- */

TEST(store, what_was_put_is_found_until_newer_ones_need_the_place)
{
    struct store *s = store_new(64, 8192);
    uint8_t p[1200];
    const uint8_t *got;
    size_t len;

    for (uint64_t i = 0; i < 500; i++) {
        size_t n = 200 + (i * 37) % 1000;

        memset(p, (int)i, n);
        store_put(s, BASE + i, p, n);
        got = store_get(s, BASE + i, &len);
        CHECK(got && len == n && got[0] == (uint8_t)i && got[n - 1] == (uint8_t)i);
        for (uint64_t k = i > 70 ? i - 70 : 0; k < i; k++) { /* whole or not at all */
            got = store_get(s, BASE + k, &len);
            CHECK(!got ||
                  (len == 200 + (k * 37) % 1000 && got[0] == (uint8_t)k && got[len - 1] == (uint8_t)k));
        }
    }
    CHECK(!store_get(s, BASE + 400, &len));
    store_put(s, BASE + 499 - 64, p, 10); /* older than what has its slot */
    CHECK(store_get(s, BASE + 499, &len) != NULL);
    store_free(s);
}

/* ---- reception ---- */

static enum reception_result got(struct reception *r, uint16_t seq)
{
    uint64_t ext;
    bool overrun;

    return reception_packet(r, seq, &ext, &overrun);
}

TEST(reception, holes_are_asked_for_at_once_then_again_then_no_more)
{
    struct reception r;
    uint16_t seqs[64];
    unsigned asked = 0;

    reception_init(&r, 90000, true);
    CHECK_INT(got(&r, 65534), RECEPTION_NEW);
    CHECK_INT(got(&r, 1), RECEPTION_NEW);
    CHECK_INT(reception_nacks(&r, 0, 100 * MS, seqs, 64), 2);
    CHECK(seqs[0] == 65535 && seqs[1] == 0);
    CHECK_INT(reception_nacks(&r, 50 * MS, 100 * MS, seqs, 64), 0);
    CHECK_INT(got(&r, 0), RECEPTION_LATE);
    for (int64_t at = 100; at < 5000; at += 100)
        asked += reception_nacks(&r, at * MS, 100 * MS, seqs, 64);
    CHECK_INT(asked, NACK_TRIES_MAX - 1);
    CHECK_INT(r.missing_count, 0);
    CHECK_INT(r.given_up, 1);
    CHECK_INT(reception_lost(&r), 1);
}

TEST(reception, each_number_is_let_through_once)
{
    struct reception r;

    reception_init(&r, 90000, true);
    for (uint32_t i = 60000; i < 75000; i++) { /* through the wrap */
        CHECK_INT(got(&r, (uint16_t)i), RECEPTION_NEW);
        CHECK_INT(got(&r, (uint16_t)i), RECEPTION_DUPLICATE);
        CHECK_INT(got(&r, (uint16_t)(i - (i > 60900 ? 900 : i - 60000))), RECEPTION_DUPLICATE);
    }
    CHECK_INT(got(&r, (uint16_t)(74999 - RECEPTION_WINDOW)), RECEPTION_OLD);
    CHECK_INT(got(&r, (uint16_t)(74999 + 700)), RECEPTION_NEW);
    CHECK_INT(got(&r, (uint16_t)(74999 + 300)), RECEPTION_LATE);
    CHECK_INT(got(&r, (uint16_t)(74999 + 300)), RECEPTION_DUPLICATE);
    CHECK_INT(got(&r, (uint16_t)74999), RECEPTION_DUPLICATE);
}

TEST(reception, too_many_holes_are_given_up_together)
{
    struct reception r;
    uint64_t ext;
    bool overrun;

    reception_init(&r, 90000, true);
    got(&r, 0);
    reception_packet(&r, 500, &ext, &overrun);
    CHECK(overrun);
    CHECK_INT(r.missing_count, 0);
    CHECK_INT(reception_lost(&r), 499);
}

TEST(reception, reports_say_what_rfc_3550_says)
{
    struct reception r;
    struct rtcp_block b;

    reception_init(&r, 90000, false);
    for (uint16_t i = 0; i < 100; i++)
        if (i % 4 != 3 || i == 99)
            got(&r, i);
    reception_report(&r, &b);
    CHECK_INT(b.lost, 24);
    CHECK_INT(b.fraction, 24 * 255 / 100);
    CHECK_INT(b.highest, 99);
    for (uint16_t i = 100; i < 200; i++)
        got(&r, i);
    reception_report(&r, &b);
    CHECK_INT(b.lost, 24);
    CHECK_INT(b.fraction, 0);
}

TEST(reception, jitter_settles_at_the_mean_difference)
{
    struct reception r;
    struct rtcp_block b;

    reception_init(&r, 48000, false);
    for (uint32_t i = 0; i < 2000; i++)
        reception_jitter(&r, i * 960, (int64_t)i * 20 * MS + (i & 1 ? 5 * MS : 0));
    reception_report(&r, &b);
    CHECK(b.jitter > 200 && b.jitter < 260); /* 5 ms are 240 units */
}

/* ---- transport-wide feedback, read back the way a sender does ---- */

struct seen {
    uint16_t seq;
    int64_t at_us; /* 0: not received */
};

static unsigned read_twcc(const uint8_t *p, size_t len, struct seen *out)
{
    uint16_t base = get_be16(p + 12), count = get_be16(p + 14);
    int64_t at = (int64_t)get_be24(p + 16) * 64000;
    size_t pos = 20;
    unsigned n = 0;
    uint8_t symbols[2048];

    CHECK_INT(4u * (get_be16(p + 2) + 1u), len);
    while (n < count) {
        uint16_t chunk = get_be16(p + pos);

        pos += 2;
        if (!(chunk & 0x8000)) {
            for (unsigned k = 0; k < (chunk & 0x1fff); k++)
                symbols[n++] = (uint8_t)(chunk >> 13 & 3);
        } else {
            CHECK(chunk & 0x4000);
            for (unsigned k = 0; k < 7; k++)
                symbols[n++] = (uint8_t)(chunk >> (12 - 2 * k) & 3);
        }
        CHECK(n < 1024 && pos <= len);
    }
    for (unsigned i = 0; i < count; i++) {
        out[i] = (struct seen){(uint16_t)(base + i), 0};
        if (symbols[i] == 0)
            continue;
        at += symbols[i] == 1 ? p[pos] * 250 : (int16_t)get_be16(p + pos) * 250;
        pos += symbols[i] == 1 ? 1 : 2;
        out[i].at_us = at;
        CHECK(pos <= len);
    }
    return count;
}

TEST(twcc, arrivals_come_back_to_a_quarter_of_a_millisecond)
{
    struct twcc *tw = calloc(1, sizeof(*tw));
    static int64_t want[3000];
    struct seen seen[1024];
    uint8_t buf[TWCC_BYTES_MAX];
    uint16_t first = 65000;
    unsigned reported = 0;
    int64_t at = 1000000007;

    test_cleanup(t, free, tw);
    srandom(7);
    for (unsigned i = 0; i < 3000; i++) {
        at += random() % 5 == 0 ? random() % 200000 : random() % 3000;
        want[i] = i == 0 || random() % 10 ? at : 0;
        if (want[i])
            twcc_packet(tw, (uint16_t)(first + i), at);
        if (i % 170 == 169 || i == 2999)
            while (twcc_waiting(tw)) {
                size_t len = twcc_write(tw, buf, 1, 2);
                unsigned n = read_twcc(buf, len, seen);

                CHECK(len <= TWCC_BYTES_MAX);
                for (unsigned k = 0; k < n; k++, reported++) {
                    CHECK_INT(seen[k].seq, (uint16_t)(first + reported));
                    CHECK_INT(seen[k].at_us != 0, want[reported] != 0);
                    if (want[reported])
                        CHECK(llabs(seen[k].at_us - want[reported] % (INT64_C(1) << 24) / 1) < 300 ||
                              llabs((seen[k].at_us - want[reported]) % (64000 * (INT64_C(1) << 24))) < 300);
                }
            }
    }
    CHECK(reported > 2900);
}

TEST(twcc, a_wild_sequence_number_costs_nothing)
{
    struct twcc *tw = calloc(1, sizeof(*tw));
    uint8_t buf[TWCC_BYTES_MAX];

    test_cleanup(t, free, tw);
    for (unsigned i = 0; i < 20000; i++)
        twcc_packet(tw, (uint16_t)(i * 12345), (int64_t)i * 100 + 1);
    for (int i = 0; i < 10 && twcc_waiting(tw); i++)
        CHECK(twcc_write(tw, buf, 1, 2) <= TWCC_BYTES_MAX);
    CHECK(!twcc_waiting(tw));
}

/* ---- gates ---- */

TEST(keyframe_gate, a_thousand_wishes_a_second_become_one_request)
{
    struct keyframe_gate g = {0};
    unsigned sent = 0;

    for (int64_t at = 5000 * MS; at < 10000 * MS; at += MS) {
        sent += keyframe_ask(&g, at);
        sent += keyframe_due(&g, at);
    }
    CHECK_INT(sent, 5);
}

TEST(keyframe_gate, the_first_goes_out_at_once_a_second_waits_and_is_not_forgotten)
{
    struct keyframe_gate g = {0};

    CHECK(keyframe_ask(&g, 10 * MS));
    CHECK(!keyframe_ask(&g, 20 * MS));
    CHECK(!keyframe_due(&g, 500 * MS));
    CHECK(keyframe_due(&g, 1010 * MS));
    CHECK(!keyframe_due(&g, 3000 * MS));
    CHECK(keyframe_ask(&g, 4000 * MS));
    CHECK(!keyframe_ask(&g, 4100 * MS));
    keyframe_seen(&g);
    CHECK(!keyframe_due(&g, 9000 * MS));
}

TEST(police, twenty_times_the_rate_is_cut_to_the_rate)
{
    struct police p = {0};
    unsigned passed = 0;

    for (int64_t at = 0; at < 10000 * MS; at += 50) /* 20,000 a second for ten seconds */
        passed += police_pass(&p, at, 1000, 1000000000, 1000);
    CHECK(passed > 10500 && passed < 11500); /* a second of burst, then the rate */
}

TEST(police, bits_count_as_well_as_packets)
{
    struct police p = {0};
    int64_t bytes = 0;

    for (int64_t at = 0; at < 4000 * MS; at += 500)
        if (police_pass(&p, at, 100000, 1000000, 1200))
            bytes += 1200;
    CHECK(bytes * 8 > 4000000 && bytes * 8 < 5500000);
}
