/* recorder_test.c - the real recorder with a writer that behaves like a media worker: what goes in comes out. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/clock.h"
#include "tests/unit/media/record/recorder_fixture.h"

#define WORD(obj, key) json_string_value(json_object_get((obj), (key)))
#define NUM(obj, key)  json_integer_value(json_object_get((obj), (key)))

static struct fx fx;

static void unmount(void *arg)
{
    umount2(arg, MNT_DETACH);
}

static void fx_ready(struct test *t)
{
    fx_open(&fx, t);
    fx_recorder(&fx);
    fx_worker(&fx);
}

TEST(recorder, each_track_becomes_a_file_that_plays)
{
    const struct rtp_stream *vp8 = rtp_stream(RTP_VP8, 6), *opus = rtp_stream(RTP_OPUS, 6),
                            *h264 = rtp_stream(RTP_H264, 6);
    long complaints;

    fx_ready(t);
    int64_t now = fx_record_open(&fx, 1, "room", "1/88");
    fx_put_all(&fx, fx_track(&fx, 1, "doctor", vp8, now));
    fx_put_all(&fx, fx_track(&fx, 1, "doctor", opus, now + 500000));
    fx_put_all(&fx, fx_track(&fx, 1, "patient", h264, now + 2000000));
    CHECK_SOON(fx.loop, fx.recs[0].state == REC_STATE_GROWING && fx.recs[0].bytes > 80000);
    fx_close(&fx, 1);
    json_t *m = fx_await(&fx, "1/88", "ready");
    CHECK_SOON(fx.loop, fx.recs[0].state == REC_STATE_CLOSED);

    CHECK_INT(json_array_size(json_object_get(m, "tracks")), 3);
    CHECK_INT(json_array_size(json_object_get(m, "gaps")), 0);
    CHECK_STR(WORD(fx_track_json(m, 0), "file"), "t1.webm");
    CHECK_STR(WORD(fx_track_json(m, 1), "file"), "t2.webm");
    CHECK_STR(WORD(fx_track_json(m, 2), "file"), "t3.mkv");
    const struct rtp_stream *streams[] = {vp8, opus, h264};
    for (size_t i = 0; i < 3; i++) {
        json_t *tr = fx_track_json(m, i);
        struct fx_probe p = fx_probe(&fx, "1/88", WORD(tr, "file"));
        CHECK_INT(p.packets, streams[i]->frames);
        CHECK(p.duration > 5.8 && p.duration < 6.2);
        CHECK(p.start < 0.05);
        CHECK_INT(NUM(tr, "packets"), streams[i]->len);
        CHECK_INT(NUM(tr, "lost"), 0);
        CHECK(NUM(tr, "duration_ms") > 5800 && NUM(tr, "duration_ms") < 6200);
    }
    /* the three stand where they were on one time line */
    int64_t video = NUM(fx_track_json(m, 0), "offset_ms"), audio = NUM(fx_track_json(m, 1), "offset_ms"),
            other = NUM(fx_track_json(m, 2), "offset_ms");
    CHECK_INT(audio - video, 500);
    CHECK_INT(other - video, 2000);
    CHECK_INT(fx_decode(&fx, "1/88", "t1.webm", &complaints), 90);
    CHECK_INT(complaints, 0);
    CHECK_INT(fx_decode(&fx, "1/88", "t3.mkv", &complaints), 90);
    CHECK_INT(complaints, 0);
    json_decref(m);
    fx_verify(&fx, "1/88");
}

TEST(recorder, a_killed_recorder_loses_less_than_two_seconds)
{
    const struct rtp_stream *vp8 = rtp_stream(RTP_VP8, 8), *opus = rtp_stream(RTP_OPUS, 8);
    int64_t now = clock_now_us();

    fx_ready(t);
    fx_record(&fx, 1, "room", "1/89");
    struct fx_track *video = fx_track(&fx, 1, "doctor", vp8, now),
                    *audio = fx_track(&fx, 1, "doctor", opus, now);
    for (int kill = 0; kill < 3; kill++) {
        fx_live(&fx, 1700 + 130 * kill);
        fx_kill(&fx, SIGKILL);
        fx_live(&fx, 150); /* a supervisor needs a moment, and calls go on */
        fx_recorder(&fx);
    }
    fx_live(&fx, 2000);
    fx_close(&fx, 1);
    json_t *m = fx_await(&fx, "1/89", "ready");
    CHECK(fx_has_gap(m, "recorder_lost"));
    CHECK_INT(json_array_size(json_object_get(m, "tracks")), 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *tr = fx_track_json(m, i);
        struct fx_track *put = i == 0 ? video : audio;
        int64_t lost = (int64_t)put->put - NUM(tr, "packets");
        int64_t per_second = (int64_t)put->stream->len / 8;
        print_message("track %zu: %zu segments, %ld of %lu packets lost\n", i,
                      json_array_size(json_object_get(tr, "segments")), (long)lost, (unsigned long)put->put);
        CHECK_INT(json_array_size(json_object_get(tr, "segments")), 4);
        CHECK(lost >= 0 && lost < 2 * per_second);
        struct fx_probe p = fx_probe(&fx, "1/89", WORD(tr, "file"));
        CHECK(p.duration > 6.0);
    }
    json_decref(m);
    fx_verify(&fx, "1/89");
}

TEST(recorder, what_is_never_taken_up_again_is_closed_and_made_into_files)
{
    const struct rtp_stream *vp8 = rtp_stream(RTP_VP8, 3);

    fx_open(&fx, t);
    fx.options[0] = "--record.return_ms=300";
    fx_recorder(&fx);
    fx_worker(&fx);
    fx_record(&fx, 1, "room", "1/90");
    fx_track(&fx, 1, "doctor", vp8, clock_now_us());
    fx_live(&fx, 2500);
    fx_kill(&fx, SIGKILL);
    fx_worker_dies(&fx);
    fx_recorder(&fx);
    json_t *m = fx_await(&fx, "1/90", "ready");
    CHECK(fx_has_gap(m, "recorder_lost"));
    CHECK(fx_probe(&fx, "1/90", "t1.webm").duration > 1.0);
    json_decref(m);
    fx_verify(&fx, "1/90");
}

TEST(recorder, a_lost_worker_may_return_and_its_tracks_go_on)
{
    const struct rtp_stream *vp8 = rtp_stream(RTP_VP8, 3);

    fx_ready(t);
    fx_record(&fx, 1, "room", "1/91");
    fx_track(&fx, 1, "doctor", vp8, clock_now_us());
    fx_live(&fx, 1500);
    fx_worker_dies(&fx);
    json_t *m = NULL;
    CHECK_SOON(fx.loop, (json_decref(m), m = fx_manifest(&fx, "1/91"), fx_has_gap(m, "worker_lost")));
    CHECK_STR(WORD(m, "state"), "recording");
    json_decref(m);

    fx_worker(&fx);
    fx_record(&fx, 9, "room", "1/91");
    fx_track(&fx, 9, "doctor", vp8, clock_now_us());
    fx_live(&fx, 1500);
    fx_close(&fx, 9);
    m = fx_await(&fx, "1/91", "ready");
    CHECK_INT(json_array_size(json_object_get(m, "tracks")), 1);
    CHECK_INT(json_array_size(json_object_get(fx_track_json(m, 0), "segments")), 2);
    json_t *gap = json_array_get(json_object_get(m, "gaps"), 0);
    CHECK(NUM(gap, "to_us") > NUM(gap, "from_us"));
    CHECK(fx_probe(&fx, "1/91", "t1.webm").duration > 2.5);
    json_decref(m);
    fx_verify(&fx, "1/91");
}

TEST(recorder, whoever_comes_back_under_the_same_seat_goes_on_and_whoever_does_not_had_left)
{
    const struct rtp_stream *opus = rtp_stream(RTP_OPUS, 4);

    fx_ready(t);
    fx_record(&fx, 1, "room", "1/102");
    fx_track(&fx, 1, "s7-aaaa", opus, clock_now_us());
    fx_track(&fx, 1, "s8-bbbb", opus, clock_now_us());
    fx_live(&fx, 700);
    fx_worker_dies(&fx);
    fx_worker(&fx);
    fx_record(&fx, 9, "room", "1/102");
    fx_track(&fx, 9, "s7-cccc", opus, clock_now_us());
    fx_live(&fx, 1500);
    fx_close(&fx, 9);
    json_t *m = fx_await(&fx, "1/102", "ready"), *gap;
    size_t i;
    CHECK_INT(json_array_size(json_object_get(m, "tracks")), 2);
    json_array_foreach(json_object_get(m, "gaps"), i, gap)
    {
        CHECK_STR(WORD(gap, "reason"), "worker_lost");
        CHECK(NUM(gap, "to_us") >= NUM(gap, "from_us") && NUM(gap, "to_us") - NUM(gap, "from_us") < 1000000);
    }
    CHECK_INT(i, 2);
    json_decref(m);
    fx_verify(&fx, "1/102");
}

TEST(recorder, sigterm_leaves_a_recording_that_goes_on_without_a_loss)
{
    const struct rtp_stream *opus = rtp_stream(RTP_OPUS, 8);

    fx_ready(t);
    fx_record(&fx, 1, "room", "1/92");
    struct fx_track *tr = fx_track(&fx, 1, "doctor", opus, clock_now_us());
    fx_live(&fx, 1300);
    fx_kill(&fx, SIGTERM);
    fx_live(&fx, 200);
    fx_recorder(&fx);
    fx_live(&fx, 1500);
    fx_close(&fx, 1);
    json_t *m = fx_await(&fx, "1/92", "ready");
    CHECK_INT(NUM(fx_track_json(m, 0), "packets"), tr->put);
    CHECK_INT(NUM(fx_track_json(m, 0), "lost"), 0);
    json_decref(m);
    fx_verify(&fx, "1/92");
}

TEST(recorder, recording_again_into_the_same_folder_adds_tracks_behind_a_pause)
{
    const struct rtp_stream *opus = rtp_stream(RTP_OPUS, 2);

    fx_ready(t);
    fx_record(&fx, 1, "room", "1/93");
    fx_put_all(&fx, fx_track(&fx, 1, "doctor", opus, clock_now_us()));
    fx_close(&fx, 1);
    json_decref(fx_await(&fx, "1/93", "ready"));
    fx_record(&fx, 2, "room", "1/93");
    fx_put_all(&fx, fx_track(&fx, 2, "doctor", opus, clock_now_us()));
    json_decref(fx_await(&fx, "1/93", "recording"));
    fx_close(&fx, 2);
    json_t *m = fx_await(&fx, "1/93", "ready");
    CHECK_INT(json_array_size(json_object_get(m, "tracks")), 2);
    CHECK(fx_has_gap(m, "paused"));
    json_decref(m);
    fx_verify(&fx, "1/93");
}

TEST(recorder, another_rooms_folder_is_refused)
{
    fx_ready(t);
    fx_record(&fx, 1, "room", "1/94");
    CHECK_SOON(fx.loop, fx.recs[0].states[REC_STATE_OPEN] == 1);
    fx_record(&fx, 2, "other", "1/94");
    CHECK_SOON(fx.loop, fx.recs[1].states[REC_STATE_FAILED] == 1);
    CHECK_STR(fx.recs[1].reason, "room_differs");
}

TEST(recorder, a_path_that_leads_out_is_refused)
{
    static const char *const PATHS[] = {"../x", "/etc",  "1/../../x", ".",         "..", "",      "1//2",
                                        "1/",   ".open", "a b",       "1/2/3/4/5", "链", "evil/x"};
    const char *outside = test_dir(t);

    fx_ready(t);
    CHECK(symlink(outside, test_path(t, test_path(t, fx.data, "recordings"), "evil")) == 0);
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        fx_record(&fx, (uint32_t)i + 1, "room", PATHS[i]);
        CHECK_SOON(fx.loop, fx.recs[0].states[REC_STATE_FAILED] == 1);
        CHECK_STR(fx.recs[0].reason, "path_invalid");
        fx.recs[0].on = false;
    }
    CHECK(rmdir(outside) == 0); /* nothing was put there */
    mkdir(outside, 0700);
}

TEST(recorder, a_full_disk_fails_the_recording_and_says_since_when)
{
    const struct rtp_stream *vp8 = rtp_stream(RTP_VP8, 8);

    fx_open(&fx, t);
    fx.file_limit = 12000;
    fx_recorder(&fx);
    fx_worker(&fx);
    fx_record(&fx, 1, "room", "1/95");
    struct fx_track *tr = fx_track(&fx, 1, "doctor", vp8, clock_now_us());
    for (int i = 0; i < 50 && fx.recs[0].states[REC_STATE_FAILED] == 0; i++)
        fx_live(&fx, 100);
    CHECK_STR(fx.recs[0].reason, "disk_full");
    fx_live(&fx, 300);
    CHECK_INT(tr->refused, 0); /* the writer never felt it */
    json_t *m = NULL;
    CHECK_SOON(fx.loop, (json_decref(m), m = fx_manifest(&fx, "1/95"), fx_has_gap(m, "disk_full")));
    json_decref(m);
    fx_verify(&fx, "1/95");
}

TEST(recorder, writing_goes_on_in_a_new_segment_when_there_is_room_again)
{
    const struct rtp_stream *vp8 = rtp_stream(RTP_VP8, 12);

    fx_open(&fx, t);
    fx.file_limit = 20000; /* of one file: a new one has room again */
    fx_recorder(&fx);
    fx_worker(&fx);
    fx_record(&fx, 1, "room", "1/97");
    fx_track(&fx, 1, "doctor", vp8, clock_now_us());
    for (int i = 0; i < 150 && fx.recs[0].states[REC_STATE_FAILED] == 0; i++)
        fx_live(&fx, 100);
    int growing = fx.recs[0].states[REC_STATE_GROWING];
    fx_live(&fx, 7000);
    CHECK(fx.recs[0].states[REC_STATE_GROWING] > growing);
    json_t *m = fx_manifest(&fx, "1/97"), *gap = json_array_get(json_object_get(m, "gaps"), 0);
    CHECK_STR(WORD(gap, "reason"), "disk_full");
    CHECK(NUM(gap, "to_us") - NUM(gap, "from_us") > 2000000);
    CHECK_INT(json_array_size(json_object_get(fx_track_json(m, 0), "segments")), 2);
    json_decref(m);
    fx_close(&fx, 1);
    json_decref(fx_await(&fx, "1/97", "ready"));
    fx_verify(&fx, "1/97");
}

TEST(recorder, a_disk_that_is_really_full_heals_when_it_is_not)
{
    const struct rtp_stream *vp8 = rtp_stream(RTP_VP8, 12);

    fx_open(&fx, t);
    if (mount("tmpfs", fx.data, "tmpfs", 0, "size=40m") != 0) {
        print_message("no right to mount a small disk here\n");
        skip();
    }
    test_cleanup(t, unmount, (void *)(uintptr_t)fx.data);
    fx_recorder(&fx);
    fx_worker(&fx);
    fx_record(&fx, 1, "room", "1/101");
    fx_track(&fx, 1, "doctor", vp8, clock_now_us());
    fx_live(&fx, 1500);
    const char *filler = test_path(t, fx.data, "filler");
    int fd = open(filler, O_CREAT | O_WRONLY, 0600);
    char block[4096] = {0};
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
    for (int i = 0; i < 50 && fx.recs[0].states[REC_STATE_FAILED] == 0; i++)
        fx_live(&fx, 100);
    CHECK_STR(fx.recs[0].reason, "disk_full");
    unlink(filler);
    int growing = fx.recs[0].states[REC_STATE_GROWING];
    fx_live(&fx, 7000);
    CHECK(fx.recs[0].states[REC_STATE_GROWING] > growing);
    fx_close(&fx, 1);
    json_t *m = fx_await(&fx, "1/101", "ready");
    CHECK(fx_has_gap(m, "disk_full"));
    json_decref(m);
    fx_verify(&fx, "1/101");
}

TEST(recorder, loss_and_reordering_cost_what_was_lost_and_no_more)
{
    const struct rtp_stream *vp8 = rtp_stream(RTP_VP8, 6), *h264 = rtp_stream(RTP_H264, 6),
                            *opus = rtp_stream(RTP_OPUS, 6);
    long complaints;

    fx_ready(t);
    int64_t now = fx_record_open(&fx, 1, "room", "1/98");
    struct fx_track *tracks[] = {fx_track(&fx, 1, "a", vp8, now), fx_track(&fx, 1, "a", h264, now),
                                 fx_track(&fx, 1, "a", opus, now)};
    for (size_t k = 0; k < 3; k++) {
        struct fx_track *tr = tracks[k];
        while (tr->at + 4 <
               tr->stream->len) { /* of each four: the second last, and of some the third not at all */
            size_t at = tr->at;
            fx_put(&fx, tr);
            fx_skip(tr);
            if (at % 40 == 20)
                fx_skip(tr);
            else
                fx_put(&fx, tr);
            fx_put(&fx, tr);
            tr->at = at + 1;
            fx_put(&fx, tr);
            tr->at = at + 4;
        }
        while (fx_put(&fx, tr))
            ;
    }
    fx_close(&fx, 1);
    json_t *m = fx_await(&fx, "1/98", "ready");
    for (size_t k = 0; k < 3; k++) {
        json_t *tr = fx_track_json(m, k);
        CHECK_INT(NUM(tr, "packets"), tracks[k]->put);
        CHECK_INT(NUM(tr, "lost"), tracks[k]->stream->len - tracks[k]->put);
        CHECK(NUM(tr, "lost") > 0);
        struct fx_probe p = fx_probe(&fx, "1/98", WORD(tr, "file"));
        CHECK(p.packets >= (long)tracks[k]->stream->frames - 3 * NUM(tr, "lost"));
        CHECK(p.duration > 5.5 && p.duration < 6.2);
    }
    CHECK(fx_decode(&fx, "1/98", "t1.webm", &complaints) > 70);
    json_decref(m);
    fx_verify(&fx, "1/98");
}

TEST(recorder, a_picture_may_change_its_size_on_the_way)
{
    const struct rtp_stream *small[] = {rtp_stream(RTP_VP8, 2), rtp_stream(RTP_H264, 2)},
                            *large[] = {rtp_stream(RTP_VP8_LARGE, 2), rtp_stream(RTP_H264_LARGE, 2)};
    long complaints;

    fx_ready(t);
    int64_t now = fx_record_open(&fx, 1, "room", "1/99");
    for (int i = 0; i < 2; i++) {
        struct fx_track *tr = fx_track(&fx, 1, "a", small[i], now);
        fx_put_all(&fx, tr);
        fx_goes_on(tr, large[i]);
        fx_put_all(&fx, tr);
    }
    fx_close(&fx, 1);
    json_t *m = fx_await(&fx, "1/99", "ready");
    for (size_t i = 0; i < 2; i++) {
        const char *file = WORD(fx_track_json(m, i), "file");
        CHECK_INT(fx_probe(&fx, "1/99", file).packets, 60);
        CHECK_INT(fx_decode(&fx, "1/99", file, &complaints), 60);
        CHECK_INT(complaints, 0);
    }
    json_decref(m);
}

TEST(recorder, a_track_without_a_whole_picture_fails_alone)
{
    const struct rtp_stream *vp8 = rtp_stream(RTP_VP8, 2), *opus = rtp_stream(RTP_OPUS, 2);

    fx_ready(t);
    int64_t now = fx_record_open(&fx, 1, "room", "1/100");
    struct fx_track *video = fx_track(&fx, 1, "a", vp8, now);
    for (int i = 0; i < 10; i++)
        fx_skip(video); /* its first picture */
    while (video->at < 25)
        fx_put(&fx, video);
    fx_put_all(&fx, fx_track(&fx, 1, "a", opus, now));
    fx_track(&fx, 1, "mute", opus, now);
    fx_close(&fx, 1);
    json_t *m = fx_await(&fx, "1/100", "ready");
    CHECK_STR(WORD(fx_track_json(m, 0), "state"), "failed");
    CHECK_STR(WORD(fx_track_json(m, 0), "reason"), "no_keyframe");
    CHECK_STR(WORD(fx_track_json(m, 1), "state"), "ready");
    CHECK_STR(WORD(fx_track_json(m, 2), "state"), "failed");
    CHECK_STR(WORD(fx_track_json(m, 2), "reason"), "no_packets");
    json_decref(m);
    fx_verify(&fx, "1/100");
}

TEST(recorder, a_message_it_does_not_know_ends_only_that_connection)
{
    fx_ready(t);
    fx_record(&fx, 1, "room", "1/96");
    CHECK_SOON(fx.loop, fx.recs[0].states[REC_STATE_OPEN] == 1);
    struct wire_out *o = wire_begin(fx.wire, 0x999, 0);
    wire_send(o);
    CHECK_SOON(fx.loop, fx.recs[0].states[REC_STATE_OPEN] == 2); /* it connected again and opened again */
}
