/* verify.h - is this recording what the recorder wrote and signed? For `yunzhen verify recording DIR`.
 *
 * Checks  the manifest's signature and head; for every segment its checksums, its chain and its signed head; for every
 *         file made from them its SHA-256; and that no journal lies there which the manifest does not know.
 * Names   the segment and, as far as the bytes allow it, the record: see "Chain" in journal.h.
 * Reads   only; needs no daemon and no GStreamer. A recording still running is fine: what was signed so far must stand.
 * Runs on any thread; waits for the disk.
 */
#pragma once
#include <stdint.h>
#include "media/record/manifest.h"

struct verify_finding {
    const char *
        code; /* manifest_missing manifest_invalid signature_missing signature_differs head_differs key_unknown
                         segment_missing segment_shorter segment_longer segment_unknown header_damaged record_damaged
                         tail_damaged chain_differs file_missing file_differs */
    char file[MANIFEST_NAME_MAX];
    uint64_t record_first, record_last; /* of segment files, from 0; what differs lies in here */
    uint64_t offset, bytes;             /* the same as bytes of the file */
    int64_t from_us, to_us;             /* when those records were taken, 0 when not known */
    char text[200];                     /* for people */
};

struct verify_summary {
    uint64_t tracks, segments, records, checkpoints, bytes, files, gaps, findings;
    enum manifest_state state;
    uint8_t key[32]; /* that signed */
};

typedef void verify_fn(void *arg, const struct verify_finding *f);

/** @param dir     folder of one recording
 * @param trusted public key the signature must be by, or NULL to accept any (the summary names it)
 * @param fn      called for each finding, may be NULL
 * @return true: nothing found. false: ERR_CORRUPT "recording_differs" (err is the first finding), or ERR_IO,
 *         ERR_NOT_FOUND when the folder cannot be read at all. */
bool verify_recording(struct verify_summary *out, const char *dir, const uint8_t *trusted, verify_fn *fn,
                      void *arg, struct err *err);

/** One segment's bytes alone: its records and chain, and its head. Findings carry no file name. A fuzz target.
 * @param[out] head of these bytes
 * @return findings */
uint64_t verify_segment(const uint8_t *data, size_t len, uint8_t head[SHA256_LEN], struct verify_summary *sum,
                        verify_fn *fn, void *arg);
