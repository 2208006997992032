/* recording_inside.h - struct recording as its own files see it: recording.c, recording_fsm.c, live.c. Nobody else's. */
#pragma once
#include "core/log.h"
#include "media/record/folder.h"
#include "media/record/muxer.h"
#include "media/record/recording.h"
#include "media/record/recover.h"
#include "media/record/segment.h"

enum phase { PHASE_RECORDING, PHASE_WAITING, PHASE_ENDING, PHASE_PROCESSING, PHASE_DONE };
enum happening { ON_CLOSE, ON_LOST, ON_RETURN, ON_EXPIRE, ON_SEALED, ON_MADE };

/* What is known of a manifest's track beyond the manifest; same index. */
struct track_memory {
    uint32_t ssrc;
    bool live, making;           /* being written; its file being made */
    struct recovered *recovered; /* until its publisher is heard again, NULL: nothing to leave out */
};

/* One manifest on its way to the disk. */
struct save {
    char *text;
    size_t len;
    int dir_fd;
    struct err err;
    bool ok;
};

struct recording {
    struct recording *next;
    struct recorder *r;
    int dir_fd;
    enum phase phase;
    struct manifest *manifest;
    struct track_memory *memory;
    struct live *lives;
    struct save save;
    uint64_t change, change_saving,
        change_saved;     /* changes of the manifest: made, on their way, on the disk */
    bool saving, refresh; /* refresh: again when convenient */
    int64_t save_at_us;   /* when the next one may be written */
    int64_t waiting_since_us, last_us;
    int64_t returned_us; /* the room last came back, 0: never, or whoever was lost is settled */
    uint64_t kept, told; /* bytes on the disk; bytes the worker was told of */
    int64_t tell_at_us, retry_at_us;
    bool failed;
    char failed_reason[JOURNAL_NAME_MAX];
    size_t muxing; /* tasks not done */
    recording_state_fn *fn;
    void *arg;
};

/* recording_fsm.c */
void recording_on(struct recording *rec, enum happening on, int64_t now_us);

/* recording.c */
void recording_changed(struct recording *rec); /* the manifest, and it matters */
void recording_say(struct recording *rec, enum rec_state state, const char *reason);

/* live.c */
/** Close every live track; their records end with this reason. */
void lives_close(struct recording *rec, int64_t now_us, const char *reason, bool lost);
/** Was it cut off, and has it not come back? */
bool live_lost(const struct recording *rec, size_t track);
/** Whoever has not come back by now had left by the time the room did: their gaps end there. */
void lives_settle(struct recording *rec);
void lives_flush(struct recording *rec, int64_t now_us);
/** After a failure: begin new segments where there is room again. */
void lives_retry(struct recording *rec, int64_t now_us);
