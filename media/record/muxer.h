/* muxer.h - journals become files a browser plays, one after the other, each in a child process.
 *
 * A task  yz-recorderd --mux SEGMENT… OUT.part   GStreamer, no network, limited memory and time (mux.h)
 *         ffprobe OUT.part                        another child: does somebody else read the same duration and frames?
 *         fsync, SHA-256, rename to OUT           a worker thread
 *         A child that dies, hangs or writes nonsense fails its own task with a reason, nothing else.
 * Owns    its tasks and the child that runs. Runs on the loop.
 */
#pragma once
#include "core/mailbox.h"
#include "media/record/manifest.h"

struct muxer;

struct mux_result {
    bool ok;
    char reason
        [JOURNAL_NAME_MAX]; /* when not ok: "mux_crashed" "mux_timeout" "no_packets" "no_keyframe" "probe_differs" … */
    int64_t first_us; /* UTC of what stands at 0 in the file */
    int64_t duration_ms;
    uint64_t packets, lost, frames, bytes;
    uint8_t sha256[SHA256_LEN];
};
typedef void mux_done_fn(void *arg, const char *track, const struct mux_result *result);

struct muxer_settings {
    const char *program; /* NULL: ourselves */
    const char *probe;   /* ffprobe; "": files are not probed */
    int64_t timeout_us;
    uint64_t memory_bytes;
};

struct muxer *muxer_new(struct loop *loop, struct workers *workers, const struct muxer_settings *settings);
/** Kills the child that runs; no callback follows. Then free the workers, then this. */
void muxer_stop(struct muxer *m);
void muxer_free(struct muxer *m);
/** dir_fd is duplicated. The result may come much later, never from inside this call. */
void muxer_add(struct muxer *m, int dir_fd, const struct manifest_track *track, mux_done_fn *done, void *arg);
bool muxer_idle(const struct muxer *m);
/** "t1.webm" for VP8 and Opus, "t1.mkv" for H264; "" for a codec no file can be made of. */
void muxer_file_name(char out[MANIFEST_NAME_MAX], const struct manifest_track *track);
