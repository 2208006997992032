/* muxer_test.c - children that die, hang, babble or reach for what they must not have fail their own file and no more. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/loop.h"
#include "media/record/muxer.h"
#include "tests/unit/test.h"

struct fxm {
    struct loop *loop;
    struct workers *workers;
    struct muxer *muxer;
    const char *dir;
    int dir_fd;
    struct manifest *m;
    struct mux_result result;
    int done;
};
static struct fxm f;

static void undo(void *arg)
{
    struct fxm *fx = arg;

    muxer_stop(fx->muxer);
    workers_free(fx->workers);
    muxer_free(fx->muxer);
    manifest_free(fx->m);
    close(fx->dir_fd);
    loop_free(fx->loop);
}

static void on_done(void *arg, const char *track, const struct mux_result *result)
{
    struct fxm *fx = arg;

    CHECK_STR(track, "t1");
    fx->result = *result;
    fx->done++;
}

/* A muxer whose child is this shell script; $0 is its own name, "--mux t1.yzj t1.webm.part" its arguments. */
static void make(struct test *t, const char *script, const char *probe)
{
    struct err err = ERR_INIT;
    const char *program;

    memset(&f, 0, sizeof f);
    f.dir = test_dir(t);
    program = test_path(t, f.dir, "child.sh");
    int fd = open(program, O_CREAT | O_WRONLY, 0700);
    dprintf(fd, "#!/bin/sh\n%s\n", script);
    close(fd);
    f.dir_fd = open(f.dir, O_RDONLY | O_DIRECTORY);
    CHECK_OK(loop_new(&f.loop, &err), &err);
    CHECK_OK(workers_new(&f.workers, f.loop, 1, 10, &err), &err);
    struct muxer_settings s = {
        .program = program, .probe = probe, .timeout_us = 1500000, .memory_bytes = 1u << 30};
    f.muxer = muxer_new(f.loop, f.workers, &s);
    test_cleanup(t, undo, &f);
    f.m = manifest_new("room", "d", 1);
    struct manifest_segment *seg = manifest_segment_add(manifest_track_add(f.m, "p", "video", "VP8", ""));
    seg->bytes = 1000;
    muxer_add(f.muxer, f.dir_fd, f.m->tracks, on_done, &f);
}

static void check_fails(const char *reason)
{
    CHECK_SOON(f.loop, f.done == 1);
    CHECK(!f.result.ok);
    CHECK_STR(f.result.reason, reason);
    CHECK(faccessat(f.dir_fd, "t1.webm", F_OK, 0) != 0);
    CHECK(faccessat(f.dir_fd, "t1.webm.part", F_OK, 0) != 0);
    CHECK(muxer_idle(f.muxer));
}

#define ANSWER "{\"ok\":true,\"first_us\":5,\"duration_ms\":2000,\"packets\":10,\"lost\":1,\"frames\":9}"

TEST(muxer, a_file_is_kept_with_its_hash)
{
    uint8_t hash[SHA256_LEN];

    make(t, "printf hello > t1.webm.part; echo '" ANSWER "'", "");
    CHECK_SOON(f.loop, f.done == 1);
    CHECK(f.result.ok);
    CHECK_INT(f.result.bytes, 5);
    CHECK_INT(f.result.frames, 9);
    crypto_sha256("hello", 5, hash);
    CHECK_MEM(hash, f.result.sha256, SHA256_LEN);
    CHECK(faccessat(f.dir_fd, "t1.webm", F_OK, 0) == 0);
}

TEST(muxer, a_child_that_dies_is_a_crash)
{
    make(t, "printf x > t1.webm.part; kill -SEGV $$", "");
    check_fails("mux_crashed");
}

TEST(muxer, a_child_that_hangs_is_killed)
{
    make(t, "printf x > t1.webm.part; exec sleep 600", "");
    check_fails("mux_timeout");
}

TEST(muxer, a_child_that_only_computes_for_ever_is_killed_too)
{
    make(t, "while :; do :; done", "");
    CHECK_SOON(f.loop, f.done == 1);
    CHECK(!f.result.ok);
}

TEST(muxer, a_child_that_babbles_is_a_crash)
{
    make(t, "head -c 200000 /dev/zero; printf x > t1.webm.part", "");
    check_fails("mux_crashed");
}

TEST(muxer, a_reason_of_the_child_is_passed_on)
{
    make(t, "echo '{\"ok\":false,\"reason\":\"no_keyframe\",\"packets\":3}'", "");
    check_fails("no_keyframe");
    CHECK_INT(f.result.packets, 3);
}

TEST(muxer, a_success_without_a_file_is_none)
{
    make(t, "echo '" ANSWER "'", "");
    check_fails("disk_failed");
}

TEST(muxer, a_file_another_reader_sees_otherwise_is_not_kept)
{
    make(t, "printf hello > t1.webm.part; echo '" ANSWER "'", "ffprobe");
    check_fails("probe_differs");
}

TEST(muxer, a_child_has_no_network_and_no_limitless_file)
{
    /* bash's /dev/tcp asks for a socket; ulimit tells the limits */
    make(t,
         "exec bash -c 'if (exec 3<>/dev/tcp/127.0.0.1/9) 2>&1 | grep -qi \"not permitted\" && "
         "[ $(ulimit -f) != unlimited ] && [ $(ulimit -n) = 64 ] && [ $(ulimit -c) = 0 ] && [ -z "
         "\"$YZ_SECRET\" ]; "
         "then printf hello > t1.webm.part; echo \"$0\"; fi' '" ANSWER "'",
         "");
    CHECK_SOON(f.loop, f.done == 1);
    CHECK(f.result.ok);
}

TEST(muxer, stopping_kills_the_child_and_calls_nobody)
{
    make(t, "exec sleep 600", "");
    for (int i = 0; i < 5; i++)
        loop_turn(f.loop, 20);
    muxer_stop(f.muxer);
    loop_turn(f.loop, 20);
    CHECK_INT(f.done, 0);
}

TEST(muxer, names_follow_the_codec)
{
    struct manifest_track tr = {.id = "t7", .codec = "H264"};
    char name[MANIFEST_NAME_MAX];

    muxer_file_name(name, &tr);
    CHECK_STR(name, "t7.mkv");
    strcpy(tr.codec, "opus");
    muxer_file_name(name, &tr);
    CHECK_STR(name, "t7.webm");
    strcpy(tr.codec, "AV1");
    muxer_file_name(name, &tr);
    CHECK_STR(name, "");
}
