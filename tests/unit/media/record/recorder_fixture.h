/* recorder_fixture.h - the real yz-recorderd in a folder of its own, and a writer that behaves like a media worker. */
#pragma once
#include <sys/types.h>
#include "core/json.h"
#include "core/wire.h"
#include "media/protocol.h"
#include "media/record/ring.h"
#include "tests/unit/test.h"

/* RTP packets made by GStreamer, in the order they were sent. */
struct rtp_stream {
    uint8_t *bytes;
    struct rtp_one {
        const uint8_t *data;
        uint32_t len;
        uint32_t rtp;
    } * packets;
    size_t len;
    uint8_t pt;
    uint32_t clock_hz, ssrc;
    const char *kind, *codec, *fmtp;
    int64_t duration_us;
    uint64_t frames;
};

enum rtp_what { RTP_VP8, RTP_VP8_LARGE, RTP_H264, RTP_H264_LARGE, RTP_OPUS };
/** Encoded once per test program and length, kept for its later tests. */
const struct rtp_stream *rtp_stream(enum rtp_what what, int seconds);

#define FX_RECS   4
#define FX_TRACKS 16

struct fx_track {
    uint32_t rec, track;
    const char *peer;
    const struct rtp_stream *stream;
    struct ring_source source;
    size_t at;          /* next packet */
    int64_t start_us;   /* UTC of its first */
    uint16_t seq_shift; /* added to the stream's own numbers and times */
    uint32_t rtp_shift;
    uint64_t put, refused;
    bool ended;
};

struct fx {
    struct test *t;
    const char *data;
    const char *options[4]; /* of the next fx_recorder() */
    uint64_t file_limit;    /* RLIMIT_FSIZE of the next one, 0: none */
    pid_t pid;
    struct loop *loop;
    struct wire *wire;
    struct ring *ring;
    struct {
        uint32_t rec;
        const char *room, *dir;
        bool on;
        enum rec_state state;
        uint64_t bytes;
        int states[4]; /* how often each was heard */
        char reason[64];
    } recs[FX_RECS];
    struct fx_track tracks[FX_TRACKS];
    size_t tracks_len;
};

void fx_open(struct fx *fx, struct test *t);
void fx_recorder(struct fx *fx);         /* start it (again) */
void fx_kill(struct fx *fx, int signal); /* and wait for its end */
void fx_worker(struct fx *fx);           /* connect; a new ring */
void fx_worker_dies(struct fx *fx);      /* its connection and ring are gone */
void fx_record(struct fx *fx, uint32_t rec, const char *room, const char *dir);
/** …and wait until it is open. @return UTC: what is sent from now on is not before the beginning. */
int64_t fx_record_open(struct fx *fx, uint32_t rec, const char *room, const char *dir);
struct fx_track *fx_track(struct fx *fx, uint32_t rec, const char *peer, const struct rtp_stream *stream,
                          int64_t start_us);
/** Put the next packet of this track, as taken when it was due. false: no more. */
bool fx_put(struct fx *fx, struct fx_track *track);
/** Leave the next packet out, as a network does. */
void fx_skip(struct fx_track *track);
/** The same source goes on with other contents; its numbers and times run on, as an encoder's do that changes its size. */
void fx_goes_on(struct fx_track *track, const struct rtp_stream *stream);
void fx_put_sr(struct fx *fx, struct fx_track *track);
void fx_flush(struct fx *fx);
void fx_track_end(struct fx *fx, struct fx_track *track);
void fx_close(struct fx *fx, uint32_t rec);
/** Turn the loop for this long, feeding every track in real time. */
void fx_live(struct fx *fx, int64_t ms);
/** All packets at once. */
void fx_put_all(struct fx *fx, struct fx_track *track);

const char *fx_dir(struct fx *fx, const char *dir);
/** The manifest as it is on the disk; NULL: none yet. The caller's reference. */
json_t *fx_manifest(struct fx *fx, const char *dir);
/** Wait until its state is this word, at most 30 s. */
json_t *fx_await(struct fx *fx, const char *dir, const char *state);
json_t *fx_track_json(json_t *manifest, size_t i);
bool fx_has_gap(json_t *manifest, const char *reason);
/** Nothing of the recording was changed; fails the test with the first finding. */
void fx_verify(struct fx *fx, const char *dir);
/** What ffprobe reads: frames and seconds. */
struct fx_probe {
    long packets;
    double duration, start;
    char codec[32];
};
struct fx_probe fx_probe(struct fx *fx, const char *dir, const char *file);
/** Decode every frame; the number of frames that came out, and of lines of complaint. */
long fx_decode(struct fx *fx, const char *dir, const char *file, long *complaints);
