#include "signaling/owner.h"

#define X(id, text, write) {text, write},
static const struct owner_op SCHEDULER[] = {SCHED_OPS(X)};
static const struct owner_op IMAGING[] = {DICOM_OPS(X)};
#undef X

const struct owner_row OWNERS[OWNERS_N] = {
    [OWNER_SCHEDULER] = {"scheduler", "scheduler_away", "schedulerd.sock", SCHEDULER, SCHED_OP_COUNT},
    [OWNER_IMAGING] = {"imaging", "imaging_away", "dicomd-ask.sock", IMAGING, DICOM_OP_COUNT},
};
