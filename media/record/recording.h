/* recording.h - one recording: a folder, its manifest, its tracks, from the first packet to the finished files.
 *
 *   RECORDING --close--> ENDING --sealed--> PROCESSING --made--> DONE          (recording_fsm.c holds the table)
 *      |  ^                 ^
 *    lost return            |
 *      v  |                 |
 *     WAITING ----expire----'        a return from ENDING, PROCESSING or DONE (read again from its manifest) also records on
 *
 * Owns    its folder's descriptor, manifest and live tracks; freed by itself when DONE is on the disk.
 * Runs on the recorder's loop.
 */
#pragma once
#include "media/protocol.h"
#include "media/record/recorder.h"
#include "media/record/ring.h"

struct recording;
struct live; /* a track being written */

struct track_spec {
    char peer[JOURNAL_NAME_MAX], kind[JOURNAL_NAME_MAX], codec[JOURNAL_NAME_MAX], fmtp[JOURNAL_TEXT_MAX];
    uint8_t pt;
    uint32_t clock_hz, ssrc;
};

/** Tells the worker that records here. Not called after recording_detach(). */
typedef void recording_state_fn(void *arg, struct recording *rec, enum rec_state state, uint64_t bytes,
                                const char *reason);

/** Begin a recording in this folder, or go on with the one that is there.
 * ERR_INVALID "path_invalid" | "word_invalid", ERR_CORRUPT manifest unreadable, ERR_CONFLICT "room_differs", ERR_IO. */
bool recording_open(struct recording **out, struct recorder *r, const char *room, const char *dir,
                    int64_t now_us, struct err *err);
/** From now on arg hears about it; whoever did before no longer does. */
void recording_attach(struct recording *rec, recording_state_fn *fn, void *arg);
void recording_detach(struct recording *rec, const void *arg);

/** A track begins, or goes on as the next segment of the one that was lost. ERR_INVALID, ERR_LIMIT. */
bool recording_track(struct live **out, struct recording *rec, const struct track_spec *spec, int64_t now_us,
                     struct err *err);
/** One record of the ring for this track. position: ring_position() before it. */
void live_record(struct live *t, uint64_t position, const struct ring_record *r);
/** The publisher stopped; t is gone. */
void live_end(struct live *t, int64_t now_us);
/** Lowest ring position of this track that is not yet written; UINT64_MAX: none. */
uint64_t live_unsafe(const struct live *t);

void recording_close(struct recording *rec, int64_t now_us, const char *reason);
/** Whoever records here is gone: its live tracks are gone too, and their gaps open. */
void recording_lost(struct recording *rec, int64_t now_us, const char *reason);
void recording_tick(struct recording *rec, int64_t now_us);

/* For recorder.c. */
void live_metrics(void);
bool recording_recover(struct recorder *r, const char *dir, int64_t now_us, struct err *err);
bool recording_idle(const struct recording *rec);
void recording_free(struct recording *rec);
struct recording *recording_next(const struct recording *rec);
