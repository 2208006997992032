#include "tests/unit/media/record/recorder_fixture.h"
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "media/record/verify.h"

/* --- packets ---------------------------------------------------------------------------------------------- */

static const struct recipe {
    const char *pipeline; /* %d: seconds times frames, %s: where to */
    int per_second;
    uint8_t pt;
    uint32_t clock_hz;
    const char *kind, *codec, *fmtp;
} RECIPES[] = {
    [RTP_VP8] =
        {"videotestsrc num-buffers=%d pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! "
         "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=30 target-bitrate=400000 error-resilient=1 ! "
         "rtpvp8pay pt=96 ssrc=11111 mtu=1100 picture-id-mode=2",
         15, 96, 90000, "video", "VP8", ""},
    [RTP_VP8_LARGE] =
        {"videotestsrc num-buffers=%d pattern=smpte ! video/x-raw,width=640,height=360,framerate=15/1 ! "
         "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=30 ! "
         "rtpvp8pay pt=96 ssrc=11111 mtu=1100 picture-id-mode=2",
         15, 96, 90000, "video", "VP8", ""},
    [RTP_H264_LARGE] =
        {"videotestsrc num-buffers=%d pattern=smpte ! video/x-raw,width=640,height=360,framerate=15/1 ! "
         "openh264enc gop-size=30 ! video/x-h264,profile=constrained-baseline ! "
         "rtph264pay pt=102 ssrc=22222 mtu=1100 aggregate-mode=zero-latency config-interval=-1",
         15, 102, 90000, "video", "H264", "packetization-mode=1;profile-level-id=42e01f"},
    [RTP_H264] =
        {"videotestsrc num-buffers=%d pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! "
         "openh264enc gop-size=30 bitrate=400000 ! video/x-h264,profile=constrained-baseline ! "
         "rtph264pay pt=102 ssrc=22222 mtu=1100 aggregate-mode=zero-latency config-interval=-1",
         15, 102, 90000, "video", "H264", "packetization-mode=1;profile-level-id=42e01f"},
    [RTP_OPUS] =
        {"audiotestsrc num-buffers=%d samplesperbuffer=960 wave=ticks ! audio/x-raw,rate=48000,channels=1 ! "
         "opusenc frame-size=20 bitrate=32000 ! rtpopuspay pt=111 ssrc=33333",
         50, 111, 48000, "audio", "opus", "useinbandfec=1"},
};

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v)
{
    put_be16(p, (uint16_t)(v >> 16));
    put_be16(p + 2, (uint16_t)v);
}

static uint8_t *run_pipeline(const struct recipe *r, int seconds, size_t *len)
{
    char path[] = "/tmp/yz-rtp-XXXXXX";
    int fd = mkstemp(path);
    char *pipeline = mem_format(r->pipeline, seconds * r->per_second);
    char *command = mem_format(
        "gst-launch-1.0 -q %s ! application/x-rtp ! rtpstreampay ! filesink location=%s 2>/dev/null",
        pipeline, path);
    if (system(command) != 0)
        fail_msg("%s", command);
    *len = (size_t)lseek(fd, 0, SEEK_END);
    uint8_t *bytes = mem_new(*len + 1);
    if (pread(fd, bytes, *len, 0) != (ssize_t)*len)
        abort();
    close(fd);
    unlink(path);
    free(pipeline);
    free(command);
    return bytes;
}

static struct rtp_stream *make_stream(enum rtp_what what, int seconds)
{
    const struct recipe *r = &RECIPES[what];
    struct rtp_stream *s = mem_new(sizeof *s);
    size_t len;

    s->bytes = run_pipeline(r, seconds, &len);
    for (size_t at = 0; at + 2 < len;) { /* RFC 4571: a length, a packet */
        uint32_t n = be16(s->bytes + at);
        s->packets = mem_grow(s->packets, (s->len + 1) * sizeof *s->packets);
        struct rtp_one *p = &s->packets[s->len];
        *p = (struct rtp_one){s->bytes + at + 2, n, be32(s->bytes + at + 6)};
        s->frames += s->len == 0 || p->rtp != s->packets[s->len - 1].rtp;
        s->len++;
        at += 2 + n;
    }
    s->pt = r->pt;
    s->clock_hz = r->clock_hz;
    s->ssrc = be32(s->packets[0].data + 8);
    s->kind = r->kind;
    s->codec = r->codec;
    s->fmtp = r->fmtp;
    s->duration_us = (int64_t)seconds * 1000000;
    return s;
}

const struct rtp_stream *rtp_stream(enum rtp_what what, int seconds)
{
    static struct made {
        struct made *next;
        enum rtp_what what;
        int seconds;
        struct rtp_stream *stream;
    } * made;

    for (struct made *m = made; m; m = m->next)
        if (m->what == what && m->seconds == seconds)
            return m->stream;
    struct made *m = mem_new(sizeof *m);
    *m = (struct made){made, what, seconds, make_stream(what, seconds)};
    made = m;
    return m->stream;
}

/* --- the daemon ------------------------------------------------------------------------------------------- */

static void fx_undo(void *arg)
{
    struct fx *fx = arg;

    if (fx->wire)
        wire_close(fx->wire);
    ring_free(fx->ring);
    loop_free(fx->loop);
    if (fx->pid > 0)
        fx_kill(fx, SIGKILL);
}

void fx_open(struct fx *fx, struct test *t)
{
    struct err err = ERR_INIT;

    memset(fx, 0, sizeof *fx);
    fx->t = t;
    fx->data = test_dir(t);
    test_cleanup(t, fx_undo, fx);
    CHECK_OK(loop_new(&fx->loop, &err), &err);
}

static void await_socket(struct fx *fx)
{
    int64_t deadline = test_deadline_us(20000);
    const char *path = test_path(fx->t, fx->data, "run/recorderd.sock");

    while (access(path, F_OK) != 0 && clock_mono_us() < deadline)
        usleep(5000);
    CHECK(access(path, F_OK) == 0);
}

void fx_recorder(struct fx *fx)
{
    char *data = mem_format("--data=%s", fx->data);
    unlink(test_path(fx->t, fx->data, "run/recorderd.sock"));

    fx->pid = fork();
    if (fx->pid == 0) {
        if (fx->file_limit) {
            struct rlimit limit = {fx->file_limit, RLIM_INFINITY};
            setrlimit(RLIMIT_FSIZE, &limit);
        }
        const char *program = getenv("YZ_RECORDERD"); /* another build's, to try that one */
        execl(program ? program : YZ_RECORDERD, "yz-recorderd", data, fx->options[0], fx->options[1],
              fx->options[2], fx->options[3], (char *)NULL);
        _exit(127);
    }
    free(data);
    await_socket(fx);
}

void fx_kill(struct fx *fx, int signal)
{
    int status;

    kill(fx->pid, signal);
    waitpid(fx->pid, &status, 0);
    fx->pid = 0;
    if (signal == SIGTERM)
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* --- the worker ------------------------------------------------------------------------------------------- */

static void say_open(struct fx *fx, size_t i)
{
    struct wire_out *o = wire_begin(fx->wire, REC_OPEN, 0);

    if (!o)
        return;
    wire_put_u32(o, fx->recs[i].rec);
    wire_put_str(o, fx->recs[i].room);
    wire_put_str(o, fx->recs[i].dir);
    wire_send(o);
}

static void say_track(struct fx *fx, const struct fx_track *tr)
{
    struct wire_out *o = wire_begin(fx->wire, REC_TRACK, 0);

    if (!o)
        return;
    wire_put_u32(o, tr->rec);
    wire_put_u32(o, tr->track);
    wire_put_str(o, tr->peer);
    wire_put_str(o, tr->stream->kind);
    wire_put_str(o, tr->stream->codec);
    wire_put_u8(o, tr->stream->pt);
    wire_put_u32(o, tr->stream->clock_hz);
    wire_put_u32(o, tr->stream->ssrc);
    wire_put_str(o, tr->stream->fmtp);
    wire_send(o);
}

static void say(struct fx *fx, uint16_t type)
{
    struct wire_out *o = wire_begin(fx->wire, type, 0);

    if (o)
        wire_send(o);
}

static void on_open(void *arg, struct wire *w)
{
    struct fx *fx = arg;
    struct wire_out *o = wire_begin(w, REC_HELLO, 0);

    wire_put_u16(o, 1);
    wire_put_u64(o, 77);
    wire_put_fd(o, ring_fd(fx->ring));
    wire_send(o);
    for (size_t i = 0; i < FX_RECS; i++)
        if (fx->recs[i].on)
            say_open(fx, i);
    for (size_t i = 0; i < fx->tracks_len; i++)
        if (!fx->tracks[i].ended)
            say_track(fx, &fx->tracks[i]);
    say(fx, REC_KICK);
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct fx *fx = arg;
    uint32_t rec = wire_get_u32(in);
    uint8_t state = wire_get_u8(in);
    uint64_t bytes = wire_get_u64(in);
    char reason[64];

    (void)w;
    wire_get_str(in, reason, sizeof reason);
    CHECK(in->type == REC_STATE && wire_end(in) && state < 4);
    for (size_t i = 0; i < FX_RECS; i++)
        if (fx->recs[i].rec == rec) {
            fx->recs[i].state = (enum rec_state)state;
            fx->recs[i].states[state]++;
            fx->recs[i].bytes = bytes;
            memcpy(fx->recs[i].reason, reason, sizeof reason);
        }
}

void fx_worker(struct fx *fx)
{
    struct err err = ERR_INIT;
    const char *path = test_path(fx->t, fx->data, "run/recorderd.sock");

    CHECK_OK(ring_create(&fx->ring, 8u << 20, &err), &err);
    fx->wire = wire_connect(fx->loop, path,
                            (struct wire_events){.on_open = on_open, .on_message = on_message, .arg = fx});
    CHECK_SOON(fx->loop, wire_is_open(fx->wire));
    loop_turn(fx->loop, 0);
}

void fx_worker_dies(struct fx *fx)
{
    wire_close(fx->wire);
    ring_free(fx->ring);
    fx->wire = NULL;
    fx->ring = NULL;
    fx->tracks_len = 0;
    memset(fx->recs, 0, sizeof fx->recs);
}

void fx_record(struct fx *fx, uint32_t rec, const char *room, const char *dir)
{
    for (size_t i = 0; i < FX_RECS; i++)
        if (!fx->recs[i].on) {
            memset(&fx->recs[i], 0, sizeof fx->recs[i]);
            fx->recs[i].rec = rec;
            fx->recs[i].room = room;
            fx->recs[i].dir = dir;
            fx->recs[i].on = true;
            say_open(fx, i);
            return;
        }
}

int64_t fx_record_open(struct fx *fx, uint32_t rec, const char *room, const char *dir)
{
    size_t i = 0;

    fx_record(fx, rec, room, dir);
    while (fx->recs[i].rec != rec || !fx->recs[i].on)
        i++;
    CHECK_SOON(fx->loop, fx->recs[i].states[REC_STATE_OPEN] > 0);
    return clock_now_us();
}

struct fx_track *fx_track(struct fx *fx, uint32_t rec, const char *peer, const struct rtp_stream *stream,
                          int64_t start_us)
{
    struct fx_track *tr = &fx->tracks[fx->tracks_len++];

    *tr = (struct fx_track){.rec = rec,
                            .track = (uint32_t)fx->tracks_len,
                            .peer = peer,
                            .stream = stream,
                            .start_us = start_us,
                            .source = {.rec = rec, .track = (uint32_t)fx->tracks_len}};
    say_track(fx, tr);
    return tr;
}

static int64_t due_us(const struct fx_track *tr, size_t i)
{
    const struct rtp_stream *s = tr->stream;

    return tr->start_us + (int64_t)(uint32_t)(s->packets[i].rtp - s->packets[0].rtp) * 1000000 / s->clock_hz;
}

bool fx_put(struct fx *fx, struct fx_track *tr)
{
    uint8_t packet[2048];

    if (tr->at >= tr->stream->len)
        return false;
    const struct rtp_one *p = &tr->stream->packets[tr->at];
    if (p->len > sizeof packet)
        abort();
    memcpy(packet, p->data, p->len);
    put_be16(packet + 2, (uint16_t)(be16(packet + 2) + tr->seq_shift));
    put_be32(packet + 4, be32(packet + 4) + tr->rtp_shift);
    if (ring_put(fx->ring, &tr->source, RING_RTP, 0, due_us(tr, tr->at), packet, p->len))
        tr->put++;
    else
        tr->refused++;
    tr->at++;
    return true;
}

void fx_skip(struct fx_track *tr)
{
    tr->at++;
}

void fx_goes_on(struct fx_track *tr, const struct rtp_stream *stream)
{
    const struct rtp_stream *old = tr->stream;
    const struct rtp_one *first = &stream->packets[0], *last = &old->packets[old->len - 1];
    uint32_t ticks = (uint32_t)(old->duration_us * old->clock_hz / 1000000);

    tr->seq_shift = (uint16_t)(tr->seq_shift + be16(last->data + 2) + 1 - be16(first->data + 2));
    tr->rtp_shift += old->packets[0].rtp + ticks - first->rtp;
    tr->start_us += old->duration_us;
    tr->stream = stream;
    tr->at = 0;
}

void fx_put_sr(struct fx *fx, struct fx_track *tr)
{
    size_t i = tr->at < tr->stream->len ? tr->at : tr->stream->len - 1;
    int64_t at = due_us(tr, i);
    struct ring_sr sr = {tr->stream->ssrc, tr->stream->packets[i].rtp,
                         (uint64_t)(at / 1000000 + 2208988800) << 32 |
                             (uint64_t)((at % 1000000 << 32) / 1000000)};

    ring_put(fx->ring, &tr->source, RING_SR, 0, at, &sr, sizeof sr);
}

void fx_flush(struct fx *fx)
{
    if (ring_flush(fx->ring))
        say(fx, REC_KICK);
}

void fx_put_all(struct fx *fx, struct fx_track *tr)
{
    fx_put_sr(fx, tr);
    while (fx_put(fx, tr))
        if (tr->at % 50 == 0)
            fx_put_sr(fx, tr);
    fx_flush(fx);
}

void fx_live(struct fx *fx, int64_t ms)
{
    int64_t until = clock_mono_us() + ms * 1000;

    while (clock_mono_us() < until) {
        for (size_t i = 0; i < fx->tracks_len; i++) {
            struct fx_track *tr = &fx->tracks[i];
            while (!tr->ended && tr->at < tr->stream->len && due_us(tr, tr->at) <= clock_now_us())
                fx_put(fx, tr);
        }
        fx_flush(fx);
        loop_turn(fx->loop, 5);
    }
}

void fx_track_end(struct fx *fx, struct fx_track *tr)
{
    struct wire_out *o = wire_begin(fx->wire, REC_TRACK_END, 0);

    tr->ended = true;
    wire_put_u32(o, tr->rec);
    wire_put_u32(o, tr->track);
    wire_send(o);
}

void fx_close(struct fx *fx, uint32_t rec)
{
    fx_flush(fx);
    for (size_t i = 0; i < fx->tracks_len; i++)
        if (fx->tracks[i].rec == rec && !fx->tracks[i].ended)
            fx_track_end(fx, &fx->tracks[i]);
    struct wire_out *o = wire_begin(fx->wire, REC_CLOSE, 0);
    wire_put_u32(o, rec);
    wire_put_str(o, "stopped");
    wire_send(o);
    for (size_t i = 0; i < FX_RECS; i++)
        if (fx->recs[i].rec == rec)
            fx->recs[i].on = false;
}

/* --- what came of it -------------------------------------------------------------------------------------- */

const char *fx_dir(struct fx *fx, const char *dir)
{
    char *path = mem_format("%s/recordings/%s", fx->data, dir);

    test_cleanup(fx->t, free, path);
    return path;
}

json_t *fx_manifest(struct fx *fx, const char *dir)
{
    char *path = mem_format("%s/recordings/%s/manifest.json", fx->data, dir);
    json_t *doc = json_load_file(path, 0, NULL);

    free(path);
    return doc;
}

json_t *fx_await(struct fx *fx, const char *dir, const char *state)
{
    int64_t deadline = test_deadline_us(60000);
    const char *is = "none";

    while (clock_mono_us() < deadline) {
        json_t *doc = fx_manifest(fx, dir);
        is = json_string_value(json_object_get(doc, "state"));
        if (is && strcmp(is, state) == 0)
            return doc;
        json_decref(doc);
        loop_turn(fx->loop, 20);
    }
    fail_msg("%s never became %s", dir, state);
    return NULL;
}

json_t *fx_track_json(json_t *manifest, size_t i)
{
    return json_array_get(json_object_get(manifest, "tracks"), i);
}

bool fx_has_gap(json_t *manifest, const char *reason)
{
    json_t *gap;
    size_t i;

    json_array_foreach(json_object_get(manifest, "gaps"), i, gap)
    {
        if (strcmp(json_string_value(json_object_get(gap, "reason")), reason) == 0)
            return true;
    }
    return false;
}

void fx_verify(struct fx *fx, const char *dir)
{
    struct verify_summary sum;
    struct err err = ERR_INIT;

    CHECK_OK(verify_recording(&sum, fx_dir(fx, dir), NULL, NULL, NULL, &err), &err);
    CHECK(sum.segments > 0 && sum.records > 0);
}

static void read_command(char *out, size_t cap, const char *command)
{
    FILE *p = popen(command, "r");
    size_t n = fread(out, 1, cap - 1, p);

    out[n] = '\0';
    pclose(p);
}

struct fx_probe fx_probe(struct fx *fx, const char *dir, const char *file)
{
    struct fx_probe probe = {0};
    char answer[4096];
    char *command = mem_format("ffprobe -v error -count_packets -show_entries "
                               "stream=codec_name,nb_read_packets:format=duration,start_time -of json %s/%s",
                               fx_dir(fx, dir), file);
    read_command(answer, sizeof answer, command);
    free(command);
    json_t *doc = json_loads(answer, 0, NULL), *stream = json_array_get(json_object_get(doc, "streams"), 0);
    json_t *format = json_object_get(doc, "format");
    CHECK(json_is_object(stream));
    probe.packets = strtol(json_string_value(json_object_get(stream, "nb_read_packets")), NULL, 10);
    snprintf(probe.codec, sizeof probe.codec, "%s", json_string_value(json_object_get(stream, "codec_name")));
    probe.duration = strtod(json_string_value(json_object_get(format, "duration")), NULL);
    probe.start = strtod(json_string_value(json_object_get(format, "start_time")), NULL);
    json_decref(doc);
    return probe;
}

long fx_decode(struct fx *fx, const char *dir, const char *file, long *complaints)
{
    char answer[65536];
    char *command = mem_format("ffmpeg -v warning -i %s/%s -f null -progress - -nostats /dev/null 2>&1",
                               fx_dir(fx, dir), file);
    long frames = 0;

    read_command(answer, sizeof answer, command);
    free(command);
    *complaints = 0;
    for (char *line = strtok(answer, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "frame=", 6) == 0)
            frames = strtol(line + 6, NULL, 10);
        else if (line[0] == '[')
            ++*complaints;
    }
    return frames;
}
