/* manifest.h - what a recording consists of, in one signed file beside its journals.
 *
 * manifest.json {version, room, dir, state, reason, revision, started_at, ended_at, tracks, gaps, head, signature}
 *   state      recording -> processing -> ready | failed; failed: no track could be made into a file. Back to recording when
 *              the room records into the same folder again.
 *   tracks[]   {id, peer, kind, codec, fmtp, journal (its first segment), segments[], ended, state, reason, file, duration_ms,
 *              offset_ms (first shown moment after started_at), bytes, sha256 (of file), packets, lost}
 *   segments[] {file, bytes, records, head, from_us, to_us, sealed}: head and bytes as of the last checkpoint written
 *              before this manifest; sealed: nothing comes after it
 *   gaps[]     {track (absent: all), from_us, to_us (null: still open), reason}: recorder_lost, worker_lost, recorder_slow,
 *              disk_full, disk_failed, damaged, paused
 *   head       SHA-256 over "file\nbytes\nhead\n" of every segment in order
 *   signature  {alg: "ed25519", key, value}: over the compact JSON text with sorted keys of everything but the signature
 *
 * Owns    its tracks, segments and gaps; strings are copied in. manifest_free(NULL) is fine.
 * Time    UTC microseconds. In the file, *_at is RFC 3339 and *_us a number.
 * Runs on one thread at a time; load and save wait for the disk.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/crypto.h"
#include "core/json.h"
#include "media/record/journal.h"

#define MANIFEST_FILE     "manifest.json"
#define MANIFEST_BYTES    (16u << 20)
#define MANIFEST_TRACKS   1000 /* of one recording */
#define MANIFEST_SEGMENTS 200  /* of one track */
#define MANIFEST_GAPS     2000 /* the last one then grows instead of another being added */
#define MANIFEST_ID_MAX   16
#define MANIFEST_NAME_MAX 48 /* of a file, with NUL */

enum manifest_state { MANIFEST_RECORDING, MANIFEST_PROCESSING, MANIFEST_READY, MANIFEST_FAILED };

struct manifest_segment {
    char file[MANIFEST_NAME_MAX];
    uint64_t bytes, records;
    int64_t from_us, to_us; /* first and last packet, 0: none */
    uint8_t head[SHA256_LEN];
    bool sealed;
};

struct manifest_track {
    char id[MANIFEST_ID_MAX];
    char peer[JOURNAL_NAME_MAX], kind[JOURNAL_NAME_MAX], codec[JOURNAL_NAME_MAX], fmtp[JOURNAL_TEXT_MAX];
    enum manifest_state state;
    char reason[JOURNAL_NAME_MAX];
    struct manifest_segment *segments;
    size_t segments_len;
    bool ended; /* its publisher stopped it; one that was lost may come back as the next segment */
    uint64_t packets, lost;
    char file[MANIFEST_NAME_MAX]; /* "" while there is none */
    int64_t duration_ms, offset_ms;
    uint64_t bytes;
    uint8_t sha256[SHA256_LEN];
};

struct manifest_gap {
    char track[MANIFEST_ID_MAX]; /* "": all tracks */
    int64_t from_us, to_us;      /* to_us 0: still open */
    char reason[JOURNAL_NAME_MAX];
};

struct manifest {
    char room[JOURNAL_NAME_MAX], dir[JOURNAL_TEXT_MAX], reason[JOURNAL_NAME_MAX];
    enum manifest_state state;
    uint64_t revision;
    int64_t started_at_us, ended_at_us;
    struct manifest_track *tracks;
    size_t tracks_len;
    struct manifest_gap *gaps;
    size_t gaps_len;
};

struct manifest *manifest_new(const char *room, const char *dir, int64_t started_at_us);
void manifest_free(struct manifest *m);
const char *manifest_state_name(enum manifest_state s);

/** A new track "t1", "t2" …; NULL when there are MANIFEST_TRACKS. The pointer is good until the next one is added. */
struct manifest_track *manifest_track_add(struct manifest *m, const char *peer, const char *kind,
                                          const char *codec, const char *fmtp);
struct manifest_track *manifest_track_find(struct manifest *m, const char *id);
/** The next segment, named "t1.yzj", then "t1-2.yzj" …; NULL when there are MANIFEST_SEGMENTS. */
struct manifest_segment *manifest_segment_add(struct manifest_track *track);
/** @param track "" for all; to_us 0 leaves it open. A gap that touches the last one of its track and reason grows it. */
void manifest_gap_add(struct manifest *m, const char *track, int64_t from_us, int64_t to_us,
                      const char *reason);
/** End the open gaps of this track ("": those of all tracks) at to_us. */
void manifest_gap_close(struct manifest *m, const char *track, int64_t to_us);
void manifest_head(const struct manifest *m, uint8_t head[SHA256_LEN]);

/** The signed text, freed by the caller with free(). key may be NULL: no signature. */
bool manifest_text(char **out, size_t *len, const struct manifest *m, const struct sign_key *key,
                   struct err *err);
/** From the text of a file. Strict: ERR_CORRUPT "manifest_invalid". Does not look at the signature. */
bool manifest_parse(struct manifest **out, const uint8_t *text, size_t len, struct err *err);
/** Is the text signed, and by whom? ERR_CORRUPT "signature_missing" | "signature_differs" | "head_differs".
 * @param[out] key the public key it carries; whether that key is trusted is the caller's question */
bool manifest_signature_check(uint8_t key[32], const uint8_t *text, size_t len, struct err *err);

bool manifest_save(const struct manifest *m, const struct sign_key *key, int dir_fd, struct err *err);
bool manifest_load(struct manifest **out, int dir_fd, struct err *err);
