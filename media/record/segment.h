/* segment.h - one journal file while it is written.
 *
 * Records are put into memory on the loop; what has gathered goes to a worker thread with segment_flush(), which
 * writes, and each second makes a checkpoint and has the disk keep it (fdatasync). At most one job per segment is on its
 * way, so a slow disk delays only this file. What gathers meanwhile also still stands in the ring (segment_unsafe()), so
 * memory is bounded by the ring: when that is full, the media worker loses records, counts them, and says so in the stream.
 *
 * Owns    its file, its buffers and its chain. Freed by segment_close() once the last job is back.
 * Runs on the loop; the job touches only its own buffer and the descriptor.
 * Failure a write that fails cuts the file back to its last whole write and ends the segment: every later record is
 *         refused, on_failed says why. Another segment may be begun when there is room again.
 */
#pragma once
#include "core/mailbox.h"
#include "media/record/journal.h"
#include "media/record/manifest.h"

#define SEGMENT_CHECK_US INT64_C(1000000)

struct segment;

struct segment_events {
    /** More of it is safe. bytes: kept by the disk now. */
    void (*on_kept)(void *arg, struct segment *s, uint64_t bytes);
    /** Nothing after `from_us` was kept. reason "disk_full" | "disk_failed". */
    void (*on_failed)(void *arg, struct segment *s, int64_t from_us, const char *reason);
    /** After segment_close(), perhaps from inside it: everything is on the disk, or it failed. s is freed after this. */
    void (*on_closed)(void *arg, struct segment *s);
    void *arg;
};

/** @param dir_fd borrowed until on_closed
 * The file is made by the first job; an existing one of that name is a failure, never appended to. No job runs before
 * segment_announced(): the manifest must know a file before it exists, or nobody would look for it after a crash. */
struct segment *segment_open(struct workers *workers, int dir_fd, const char *file,
                             const struct journal_header *header, struct segment_events events);

void segment_announced(struct segment *s);

/** position: where the record stands in the ring (ring_position()), see segment_unsafe(). false: refused. */
bool segment_rtp(struct segment *s, uint64_t position, uint8_t flags, int64_t at_us, const void *packet,
                 size_t len);
bool segment_sr(struct segment *s, uint64_t position, int64_t at_us, const struct journal_sr *sr);
bool segment_gap(struct segment *s, uint64_t position, int64_t at_us, const struct journal_gap *gap);

/** Hand what has gathered to a worker; makes the checkpoint when its second is over. Call a few times a second. */
void segment_flush(struct segment *s, int64_t now_us);
/** The ring position of the first record that a crash of this process would lose; UINT64_MAX: none. */
uint64_t segment_unsafe(const struct segment *s);
/** END, a last checkpoint, fdatasync, then on_closed, also when it failed. Not twice. */
void segment_close(struct segment *s, int64_t now_us, const char *reason);

bool segment_failed(const struct segment *s);
/** What is kept on the disk so far, as the manifest wants it. */
void segment_state(const struct segment *s, struct manifest_segment *out);
uint64_t segment_packets(const struct segment *s); /* accepted */
int64_t segment_last_us(const struct segment *s);  /* of the last accepted packet, 0: none */
/** How long the last write and fdatasync took; for the daemon's histograms. */
int64_t segment_write_us(const struct segment *s);
int64_t segment_sync_us(const struct segment *s);
