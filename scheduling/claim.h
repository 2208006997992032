/* claim.h - who wins which order: a batch of claims judged at once. Pure; any thread.
 *
 * The facts come from one question to the database, the verdicts go back into one conditional UPDATE: this decides, the
 * database arbitrates. The place in the array is the order of arrival.
 */
#pragma once
#include <stddef.h>
#include "scheduling/order_fsm.h"

enum claim_result { CLAIM_WON, CLAIM_WON_AGAIN, CLAIM_LOST, CLAIM_STALE, CLAIM_INELIGIBLE, CLAIM_NO_ORDER };

struct claim {
    /* asked */
    int64_t order_id, staff_id;
    int32_t version;
    /* the order now */
    bool order_found;
    enum order_state state;
    int32_t version_now;
    int64_t doctor_id; /* who has it; 0 nobody */
    /* the doctor now */
    bool on_duty, licence_valid, specialty_fits, level_fits, own_request;
    bool offered, nonce_fits; /* an offer of this order to this doctor, with this nonce */
    int32_t live, in_hand, hand_max;
    /* the verdict */
    enum claim_result result;
    const char *reason; /* of CLAIM_INELIGIBLE */
    int64_t winner_id;  /* of CLAIM_LOST: who has it */
};

/** Why this doctor may not claim at all, or NULL. */
const char *claim_ineligible(const struct claim *c);
/** Verdicts for all; of several eligible claims of one order the first wins, as far as its hands are free. */
void claims_judge(struct claim *claims, size_t n);

const char *claim_result_name(enum claim_result result); /* as in claim_log */
