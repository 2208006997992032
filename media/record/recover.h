/* recover.h - a segment whose writer is gone is brought to an end: torn tail cut, END and a last CHECK written.
 *
 * Reading begins where the manifest last knew a checkpoint, so even a long recording is ready again in milliseconds.
 * Runs on any thread; waits for the disk. Nothing before the torn tail is touched.
 */
#pragma once
#include "media/record/manifest.h"

#define RECOVER_LAST_MAX 64

struct recovered {
    uint64_t packets;      /* found behind what the manifest knew */
    uint64_t cut, damaged; /* bytes taken off the tail; bytes stepped over */
    int64_t last_us;       /* of the last packet, 0: none known */
    uint32_t ssrc;
    /* CRCs of the packets taken at last_us: the ring may hold them still, and they must not be kept twice. */
    uint32_t last_crc[RECOVER_LAST_MAX];
    size_t last_len;
};

/** @param seg     in: as the manifest knew it; out: sealed, with its true length, records, times and head
 * @param reason  why it ends here, for its END record
 * A file that is missing or never got its header is no error: seg is sealed with nothing in it. */
bool recover_segment(struct recovered *out, int dir_fd, struct manifest_segment *seg, int64_t now_us,
                     const char *reason, struct err *err);

/** Is this packet already kept? */
bool recovered_has(const struct recovered *r, int64_t at_us, const void *packet, size_t len);
