/* decoder_process.h - one yz-decode process: started, given a job, watched, and started again when it has ended.
 *
 * Owns    the process, its socket, its timers. Runs on yz-dicomd's loop.
 * Events  come from the loop, never from inside decoder_process_give(); they may give the next job.
 *
 *             start               give               answer
 *     ABSENT ───────▶ IDLE ──────────────▶ BUSY ───────────▶ IDLE
 *        ▲              │ has done its share │ deadline, kill, crash
 *        │              ▼                    ▼
 *        └─ reaped ── LEAVING ◀─────────── (on_done when the process is reaped)
 */
#pragma once
#include <sys/types.h>
#include "core/loop.h"
#include "dicom/decode/protocol.h"

struct decoder_process;

struct decoder_process_config {
    const char *program; /* borrowed for the life of the process object */
    unsigned jobs_max;   /* then it is replaced */
    int64_t deadline_us;
};

enum decoder_end { DECODER_ANSWERED, DECODER_DIED, DECODER_SLOW };

struct decoder_process_events {
    void (*on_idle)(void *arg, struct decoder_process *p);
    /** The job it was given is over. answer: lent, NULL unless DECODER_ANSWERED. how: what ended the process, for operators. */
    void (*on_done)(void *arg, struct decoder_process *p, enum decoder_end end,
                    const struct decode_answer *answer, const char *how, int64_t took_us);
    /** It is not there now, and is tried again in a second. */
    void (*on_absent)(void *arg, struct decoder_process *p);
    void *arg;
};

/** Never fails at once; on_idle or on_absent follows. */
struct decoder_process *decoder_process_new(struct loop *loop, const struct decoder_process_config *config,
                                            const struct decoder_process_events *events);
/** Kills it. No event follows; NULL is fine. */
void decoder_process_free(struct decoder_process *p);

bool decoder_process_is_idle(const struct decoder_process *p);
bool decoder_process_is_busy(const struct decoder_process *p);
bool decoder_process_is_absent(const struct decoder_process *p);
pid_t decoder_process_pid(const struct decoder_process *p); /* 0: none */

/** To an idle one. false: it has just died, the job has not begun and may go to another one. */
bool decoder_process_give(struct decoder_process *p, uint64_t id, const struct decode_params *params,
                          int in_fd, int out_fd);
