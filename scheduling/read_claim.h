/* read_claim.h - which reader gets which exam: a batch of claims judged at once. Pure; any thread.
 *
 * The same shape as claim.h: the facts come from one question to the database, the verdicts go back into one conditional
 * UPDATE. The place in the array is the order of arrival. A read needs no duty and no offer: who may read is licence,
 * specialty, hands, and not one's own request.
 */
#pragma once
#include <stddef.h>
#include "scheduling/claim.h"
#include "scheduling/exam_fsm.h"

struct read_claim {
    /* asked */
    int64_t exam_id, staff_id;
    int32_t version;
    /* the exam now */
    bool found;
    enum exam_state state;
    int32_t version_now;
    int64_t reader_id; /* who has it; 0 nobody */
    /* the reader now */
    bool licence_valid, own_request, specialty_fits;
    int32_t in_hand, hand_max;
    /* the verdict */
    enum claim_result result; /* CLAIM_NO_ORDER: no exam that waits or was lost */
    const char *reason;       /* of CLAIM_INELIGIBLE */
    int64_t winner_id;        /* of CLAIM_LOST: who has it */
};

/** Why this reader may not claim at all, or NULL. */
const char *read_claim_ineligible(const struct read_claim *c);
void read_claims_judge(struct read_claim *claims, size_t n);
