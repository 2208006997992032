/* ring_test.c - the memfd ring between a media worker and the recorder. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <pthread.h>
#include <sched.h>
#include "media/record/ring.h"
#include "tests/unit/test.h"

#define KIB64 (64u * 1024)

struct pair {
    struct ring *w, *r;
};

static void pair_close(void *arg)
{
    struct pair *p = arg;

    ring_free(p->w);
    ring_free(p->r);
}

static void pair_open(struct test *t, struct pair *p)
{
    struct err err = ERR_INIT;

    memset(p, 0, sizeof(*p));
    test_cleanup(t, pair_close, p);
    CHECK_OK(ring_create(&p->w, KIB64, &err), &err);
    CHECK_OK(ring_attach(&p->r, dup(ring_fd(p->w)), &err), &err);
}

static bool put_text(struct ring *w, struct ring_source *src, int64_t at, const char *text)
{
    return ring_put(w, src, RING_RTP, 0, at, text, (uint32_t)strlen(text));
}

TEST(ring, a_record_arrives_as_it_was_put)
{
    static struct pair p;
    struct ring_source src = {.rec = 7, .track = 3};
    struct ring_record rec;
    struct err err = ERR_INIT;

    pair_open(t, &p);
    CHECK(ring_put(p.w, &src, RING_RTP, RING_FLAG_KEYFRAME, 123456, "hello", 5));
    CHECK(!ring_next(p.r, &rec, &err)); /* not flushed yet */
    ring_flush(p.w);
    CHECK(ring_next(p.r, &rec, &err));
    CHECK_INT(rec.kind, RING_RTP);
    CHECK_INT(rec.flags, RING_FLAG_KEYFRAME);
    CHECK_INT(rec.rec, 7);
    CHECK_INT(rec.track, 3);
    CHECK_INT(rec.arrival_us, 123456);
    CHECK_INT(rec.len, 5);
    CHECK_MEM(rec.data, "hello", 5);
    CHECK(!ring_next(p.r, &rec, &err));
    CHECK_INT(err.code, ERR_NONE);
}

TEST(ring, records_stay_whole_across_the_end_of_the_buffer)
{
    static struct pair p;
    struct ring_source src = {.rec = 1, .track = 1};
    uint8_t data[1200];
    struct err err = ERR_INIT;

    pair_open(t, &p);
    for (int i = 0; i < 1000; i++) {
        struct ring_record rec;

        memset(data, i, sizeof(data));
        CHECK(ring_put(p.w, &src, RING_RTP, 0, i, data, (uint32_t)(900 + i % 300)));
        ring_flush(p.w);
        CHECK(ring_next(p.r, &rec, &err));
        CHECK_INT(rec.len, 900 + i % 300);
        CHECK_MEM(rec.data, data, rec.len);
        ring_release(p.r);
    }
    CHECK_INT(ring_used(p.w), 0);
}

TEST(ring, a_full_ring_loses_records_and_says_so_when_there_is_room)
{
    static struct pair p;
    struct ring_source src = {.rec = 1, .track = 2};
    uint8_t data[1000] = {0};
    struct ring_record rec;
    struct ring_gap gap;
    struct err err = ERR_INIT;
    int64_t at = 0;
    int kept = 0;

    pair_open(t, &p);
    while (ring_put(p.w, &src, RING_RTP, 0, ++at, data, sizeof(data)))
        kept++;
    CHECK(!ring_put(p.w, &src, RING_RTP, 0, at + 5, data, sizeof(data)));
    CHECK_INT(ring_lost(p.w), 2);
    ring_flush(p.w);
    for (int i = 0; i < kept; i++)
        CHECK(ring_next(p.r, &rec, &err));
    CHECK(!ring_put(p.w, &src, RING_RTP, 0, at + 6, data, sizeof(data))); /* shown, but not yet given back */
    ring_release(p.r);
    CHECK(put_text(p.w, &src, at + 9, "back"));
    ring_flush(p.w);
    CHECK(ring_next(p.r, &rec, &err));
    CHECK_INT(rec.kind, RING_GAP);
    CHECK_INT(rec.len, sizeof(gap));
    memcpy(&gap, rec.data, sizeof(gap));
    CHECK_INT(gap.records, 3);
    CHECK_INT(gap.since_us, at);
    CHECK_INT(gap.until_us, at + 6);
    CHECK(ring_next(p.r, &rec, &err));
    CHECK_MEM(rec.data, "back", 4);
    CHECK_INT(src.lost.records, 0);
}

TEST(ring, only_a_sleeping_reader_is_kicked_and_only_once)
{
    static struct pair p;
    struct ring_source src = {.rec = 1, .track = 1};
    struct ring_record rec;
    struct err err = ERR_INIT;

    pair_open(t, &p);
    CHECK(put_text(p.w, &src, 1, "a"));
    CHECK(ring_flush(p.w)); /* a reader that never came counts as asleep */
    CHECK(put_text(p.w, &src, 2, "b"));
    CHECK(!ring_flush(p.w));
    CHECK(!ring_sleep(p.r)); /* there is something to read */
    while (ring_next(p.r, &rec, &err))
        ring_release(p.r);
    CHECK(ring_sleep(p.r));
    CHECK(!ring_flush(p.w)); /* nothing new, nothing to wake for */
    CHECK(put_text(p.w, &src, 3, "c"));
    CHECK(ring_flush(p.w));
    CHECK(put_text(p.w, &src, 4, "d"));
    CHECK(!ring_flush(p.w));
}

TEST(ring, a_new_reader_goes_on_where_the_dead_one_released)
{
    static struct pair p;
    struct ring_source src = {.rec = 1, .track = 1};
    struct ring_record rec;
    struct err err = ERR_INIT;

    pair_open(t, &p);
    CHECK(put_text(p.w, &src, 1, "one"));
    CHECK(put_text(p.w, &src, 2, "two"));
    ring_flush(p.w);
    CHECK(ring_next(p.r, &rec, &err));
    ring_release(p.r);
    CHECK(ring_next(p.r, &rec, &err)); /* read, not released: it died before it was safe */
    ring_free(p.r);
    p.r = NULL;
    CHECK_OK(ring_attach(&p.r, dup(ring_fd(p.w)), &err), &err);
    CHECK(ring_next(p.r, &rec, &err));
    CHECK_MEM(rec.data, "two", 3);
}

TEST(ring, a_torn_length_is_an_error_and_not_a_wild_read)
{
    static struct pair p;
    struct ring_source src = {.rec = 1, .track = 1};
    struct ring_record rec;
    struct err err = ERR_INIT;
    uint32_t huge = 0x7fffffff;

    pair_open(t, &p);
    CHECK(put_text(p.w, &src, 1, "x"));
    ring_flush(p.w);
    CHECK_INT(pwrite(ring_fd(p.w), &huge, sizeof(huge), 4096), sizeof(huge));
    CHECK_ERR(ring_next(p.r, &rec, &err), &err, ERR_CORRUPT, "ring_torn");
}

TEST(ring, a_file_that_is_no_ring_is_refused)
{
    struct ring *r = NULL;
    struct err err = ERR_INIT;
    int fd = memfd_create("other", MFD_CLOEXEC);

    CHECK(fd >= 0 && ftruncate(fd, 70000) == 0);
    CHECK_ERR(ring_attach(&r, fd, &err), &err, ERR_CORRUPT, "ring_invalid");
    CHECK(r == NULL);
    close(fd);
}

#define STORM 200000
static void *storm_writer(void *arg)
{
    struct pair *p = arg;
    struct ring_source src = {.rec = 1, .track = 1};

    for (uint32_t i = 0; i < STORM;) {
        if (ring_put(p->w, &src, RING_RTP, 0, i, &i, sizeof(i)))
            i++;
        else
            memset(&src.lost, 0, sizeof(src.lost)); /* full: try this one again */
        if (i % 7 == 0 || i == STORM)
            ring_flush(p->w);
    }
    ring_flush(p->w);
    return NULL;
}

/* The same bytes in a file that somebody could shrink: reading it would end in SIGBUS. */
TEST(ring, a_ring_that_is_not_sealed_is_refused)
{
    char path[] = "/tmp/yz-ring-XXXXXX", buf[4096];
    int fd = mkstemp(path);
    struct ring *w = NULL, *r = NULL;
    struct err err = ERR_INIT;
    off_t at = 0;
    ssize_t n;

    (void)t;
    CHECK(fd >= 0);
    unlink(path);
    CHECK_OK(ring_create(&w, 64 * 1024, &err), &err);
    while ((n = pread(ring_fd(w), buf, sizeof buf, at)) > 0) {
        CHECK_INT(pwrite(fd, buf, (size_t)n, at), n);
        at += n;
    }
    CHECK_ERR(ring_attach(&r, fd, &err), &err, ERR_CORRUPT, "ring_invalid");
    close(fd);
    ring_free(w);
}

TEST(ring, writer_and_reader_in_two_threads_lose_nothing)
{
    static struct pair p;
    pthread_t writer;
    struct ring_record rec;
    struct err err = ERR_INIT;

    pair_open(t, &p);
    CHECK_INT(pthread_create(&writer, NULL, storm_writer, &p), 0);
    for (uint32_t want = 0; want < STORM;) {
        uint32_t got;

        if (!ring_next(p.r, &rec, &err)) {
            CHECK_INT(err.code, ERR_NONE);
            sched_yield();
            continue;
        }
        memcpy(&got, rec.data, sizeof(got));
        CHECK_INT(got, want);
        want++;
        ring_release(p.r);
    }
    pthread_join(writer, NULL);
}
