#include "tests/unit/media/record/journal_fixture.h"
#include <stdlib.h>
#include <string.h>
#include "media/record/chain.h"

struct journal_header journal_fixture_header(void)
{
    return (struct journal_header){.kind = JOURNAL_AUDIO,
                                   .pt = 111,
                                   .segment = 1,
                                   .clock_hz = 48000,
                                   .ssrc = 0xCAFE,
                                   .opened_at_us = FIXTURE_START_US,
                                   .room = "room",
                                   .dir = "1/88",
                                   .track = "t1",
                                   .peer = "seat-1",
                                   .codec = "opus",
                                   .fmtp = "useinbandfec=1"};
}

static void append(struct journal_file *f, struct chain *c, size_t size)
{
    chain_add(c, f->data + f->len, size);
    f->len += size;
    if (size > f->longest)
        f->longest = size;
}

static void append_check(struct journal_file *f, struct chain *c, int64_t at_us)
{
    f->len += chain_check(c, at_us, f->data + f->len, f->head);
}

/* RTP version 2, payload type 111, sequence i, 960 samples apart. */
static size_t packet(uint8_t out[300], int i)
{
    size_t len = 12 + 40 + (size_t)(i * 37 % 120);

    memset(out, 0xA0 + i % 7, len);
    memcpy(out, (uint8_t[]){0x80, 111, (uint8_t)(i >> 8), (uint8_t)i}, 4);
    uint32_t ts = (uint32_t)i * 960;
    memcpy(out + 4, (uint8_t[]){(uint8_t)(ts >> 24), (uint8_t)(ts >> 16), (uint8_t)(ts >> 8), (uint8_t)ts},
           4);
    memcpy(out + 8, (uint8_t[]){0, 0, 0xCA, 0xFE}, 4);
    return len;
}

struct journal_file journal_fixture_file(struct test *t, int packets)
{
    struct journal_header h = journal_fixture_header();
    struct journal_file f = {.longest = JOURNAL_CHECK_LEN};
    struct chain c;

    f.data = malloc(4096 + (size_t)packets * 400);
    test_cleanup(t, free, f.data);
    chain_init(&c);
    append(&f, &c, journal_header_encode(&h, f.data));
    f.header_len = f.len;
    for (int i = 0; i < packets; i++) {
        uint8_t rtp[300];
        size_t len = packet(rtp, i);
        if (i > 0 && i % 50 == 0)
            append_check(&f, &c, FIXTURE_START_US + i * 20000);
        f.rtp_offset[i] = f.len;
        f.rtp_size[i] =
            journal_record_encode(f.data + f.len, JOURNAL_RTP, 0, FIXTURE_START_US + i * 20000, rtp, len);
        append(&f, &c, f.rtp_size[i]);
    }
    append(
        &f, &c,
        journal_record_encode(f.data + f.len, JOURNAL_END, 0, FIXTURE_START_US + packets * 20000, "left", 4));
    append_check(&f, &c, FIXTURE_START_US + packets * 20000);
    chain_free(&c);
    return f;
}
