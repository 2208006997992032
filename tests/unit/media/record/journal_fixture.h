/* journal_fixture.h - a journal in memory: audio-like packets 20 ms apart, a CHECK each 50. */
#pragma once
#include "media/record/journal.h"
#include "tests/unit/test.h"

#define FIXTURE_START_US INT64_C(1790000000000000)
#define FIXTURE_RTP_MAX  1000

struct journal_file {
    uint8_t *data; /* freed after the test */
    size_t len, header_len, longest;
    size_t rtp_offset[FIXTURE_RTP_MAX], rtp_size[FIXTURE_RTP_MAX];
    uint8_t head[SHA256_LEN];
};

struct journal_header journal_fixture_header(void);
struct journal_file journal_fixture_file(struct test *t, int packets);
