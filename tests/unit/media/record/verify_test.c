/* verify_test.c - a recording somebody touched after it was signed, made in this process without the daemon. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/loop.h"
#include "media/record/folder.h"
#include "media/record/journal.h"
#include "media/record/recording.h"
#include "media/record/verify.h"
#include "tests/unit/test.h"

#define PACKETS 300

struct kept {
    struct recorder r;
    struct loop *loop;
    struct workers *workers;
    const char *data, *dir;
    uint8_t key[32];
};
static struct kept k;

static void undo(void *arg)
{
    struct kept *kept = arg;

    workers_free(kept->workers);
    recorder_fini(&kept->r);
    loop_free(kept->loop);
}

static void tick_until_idle(int64_t now)
{
    do {
        recorder_tick(&k.r, now);
        loop_turn(k.loop, 10);
    } while (!recorder_idle(&k.r));
}

static void feed(struct live *live, int i, int64_t at)
{
    uint8_t rtp[200] = {0x80, 111, (uint8_t)(i >> 8), (uint8_t)i};
    struct ring_record rec = {
        .kind = RING_RTP, .arrival_us = at, .data = rtp, .len = (uint32_t)(40 + i % 100)};

    live_record(live, (uint64_t)i * 64, &rec);
}

/* Six seconds of one track, closed, signed. */
static void make_recording(struct test *t)
{
    struct track_spec spec = {
        .peer = "p", .kind = "audio", .codec = "opus", .pt = 111, .clock_hz = 48000, .ssrc = 9};
    struct recording *rec = NULL;
    struct live *live = NULL;
    struct err err = ERR_INIT;
    int64_t now = clock_now_us();

    memset(&k, 0, sizeof k);
    k.data = test_dir(t);
    CHECK_OK(loop_new(&k.loop, &err), &err);
    CHECK_OK(workers_new(&k.workers, k.loop, 2, 100, &err), &err);
    CHECK_OK(recorder_init(&k.r, k.loop, k.workers, k.data, US_PER_S, &err), &err);
    test_cleanup(t, undo, &k);
    CHECK_OK(recording_open(&rec, &k.r, "room", "1/88", now, &err), &err);
    CHECK_OK(recording_track(&live, rec, &spec, now, &err), &err);
    for (int i = 0; i < PACKETS; i++) {
        now += 20000;
        feed(live, i, now);
        if (i % 10 == 0) {
            recorder_tick(&k.r, now);
            loop_turn(k.loop, 0);
        }
    }
    recording_close(rec, now, "stopped");
    tick_until_idle(now);
    k.dir = test_path(t, k.data, "recordings/1/88");
    sign_key_public(k.r.key, k.key);
}

struct seen {
    int count;
    struct verify_finding first;
};

static void see(void *arg, const struct verify_finding *f)
{
    struct seen *s = arg;

    if (s->count++ == 0)
        s->first = *f;
}

static struct seen verify(bool expect)
{
    struct verify_summary sum;
    struct seen seen = {0};
    struct err err = ERR_INIT;

    bool ok = verify_recording(&sum, k.dir, k.key, see, &seen, &err);
    if (expect)
        CHECK_OK(ok, &err);
    else
        CHECK_ERR(ok, &err, ERR_CORRUPT, "recording_differs");
    CHECK_INT(sum.findings, seen.count);
    return seen;
}

/* Change bytes of a file of the recording; -1 at: from its end. */
static void poke(struct test *t, const char *file, off_t at, const void *bytes, size_t len)
{
    int fd = open(test_path(t, k.dir, file), O_RDWR);

    if (at < 0)
        at += lseek(fd, 0, SEEK_END);
    CHECK(pwrite(fd, bytes, len, at) == (ssize_t)len);
    close(fd);
}

static size_t read_journal(struct test *t, uint8_t *data, size_t cap)
{
    int fd = open(test_path(t, k.dir, "t1.yzj"), O_RDONLY);
    ssize_t n = pread(fd, data, cap, 0);

    close(fd);
    return (size_t)n;
}

TEST(verify, an_untouched_recording_passes)
{
    make_recording(t);
    verify(true);
}

TEST(verify, another_key_than_the_recorders_is_named)
{
    make_recording(t);
    k.key[0] ^= 1;
    CHECK_STR(verify(false).first.code, "key_unknown");
}

TEST(verify, one_byte_of_a_journal_names_the_file_and_the_record)
{
    uint8_t data[1 << 17];
    struct journal_reader r;
    struct journal_record rec;
    struct journal_header h;
    struct err err = ERR_INIT;
    size_t header_len;

    make_recording(t);
    size_t len = read_journal(t, data, sizeof data);
    CHECK_OK(journal_header_decode(&h, &header_len, data, len, &err), &err);
    journal_reader_init(&r, data, len, header_len);
    while (journal_next(&r, &rec) == JOURNAL_STEP_RECORD && rec.number < 200)
        ;
    poke(t, "t1.yzj", (off_t)rec.offset + 30, "!", 1);
    struct seen seen = verify(false);
    CHECK_INT(seen.count, 1);
    CHECK_STR(seen.first.code, "record_damaged");
    CHECK_STR(seen.first.file, "t1.yzj");
    CHECK_INT(seen.first.record_first, 200);
    CHECK(seen.first.from_us > 0);
}

TEST(verify, a_shorter_a_longer_and_a_missing_journal_are_named)
{
    make_recording(t);
    poke(t, "t1.yzj", 0, "Y", 1);
    verify(true);
    int fd = open(test_path(t, k.dir, "t1.yzj"), O_RDWR | O_APPEND);
    uint8_t more[100];
    size_t n = journal_record_encode(more, JOURNAL_RTP, 0, 1, "more", 4);
    CHECK(write(fd, more, n) == (ssize_t)n);
    CHECK_STR(verify(false).first.code, "segment_longer");
    CHECK(ftruncate(fd, lseek(fd, 0, SEEK_END) - (off_t)n - JOURNAL_CHECK_LEN) == 0);
    CHECK_STR(verify(false).first.code, "segment_shorter");
    close(fd);
    unlink(test_path(t, k.dir, "t1.yzj"));
    CHECK_STR(verify(false).first.code, "segment_missing");
}

TEST(verify, a_journal_made_anew_from_its_header_on_differs_from_the_signed_head)
{
    uint8_t data[1 << 17], head[SHA256_LEN];
    struct verify_summary sum = {0};

    make_recording(t);
    size_t len = read_journal(t, data, sizeof data);
    CHECK_INT(verify_segment(data, len, head, &sum, NULL, NULL), 0);
    /* only the last CHECK's time is other, its checksum mended: the chain says nothing, the head does */
    struct journal_reader r;
    struct journal_record rec;
    journal_reader_init(&r, data, len, len - JOURNAL_CHECK_LEN);
    CHECK_INT(journal_next(&r, &rec), JOURNAL_STEP_RECORD);
    uint8_t other[JOURNAL_CHECK_LEN];
    journal_record_encode(other, JOURNAL_CHECK, 0, rec.at_us + 1, rec.data, rec.len);
    poke(t, "t1.yzj", -(off_t)JOURNAL_CHECK_LEN, other, sizeof other);
    struct seen seen = verify(false);
    CHECK_STR(seen.first.code, "head_differs");
    CHECK_STR(seen.first.file, "t1.yzj");
}

TEST(verify, an_edited_manifest_and_a_foreign_journal_are_named)
{
    uint8_t *text = NULL;
    struct err err = ERR_INIT;
    size_t len = 0;
    int dir = -1;

    make_recording(t);
    int fd = open(test_path(t, k.dir, "t9.yzj"), O_CREAT | O_WRONLY, 0600);
    close(fd);
    CHECK_STR(verify(false).first.code, "segment_unknown");
    unlink(test_path(t, k.dir, "t9.yzj"));

    CHECK_OK(folder_open(&dir, k.r.root_fd, "1/88", false, &err), &err);
    CHECK_OK(folder_read(&text, &len, dir, "manifest.json", 1 << 20, &err), &err);
    char *at = strstr((char *)text, "\"peer\": \"p\"");
    at[9] = 'q';
    poke(t, "manifest.json", 0, text, len);
    CHECK_STR(verify(false).first.code, "signature_differs");
    at[9] = 'p';
    poke(t, "manifest.json", 0, text, len);
    verify(true);
    unlink(test_path(t, k.dir, "manifest.json"));
    CHECK_STR(verify(false).first.code, "manifest_missing");
    free(text);
    close(dir);
}

TEST(verify, a_folder_that_is_none_is_not_found)
{
    struct verify_summary sum;
    struct err err = ERR_INIT;

    CHECK_ERR(verify_recording(&sum, "/nowhere/at/all", NULL, NULL, NULL, &err), &err, ERR_NOT_FOUND,
              "recording_unknown");
}
