/* claim.h - who wins what: a batch of claims of orders, or of exams to be read, judged at once. Pure; any thread.
 *
 * The facts come from one question to the database, the verdicts go back into one conditional UPDATE: this decides, the
 * database arbitrates. The place in the array is the order of arrival. What is claimed differs only in its rules.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum claim_kind { CLAIM_ORDER, CLAIM_EXAM, CLAIM_KINDS };
enum claim_stand { CLAIM_ABSENT, CLAIM_FREE, CLAIM_TAKEN };
enum claim_result { CLAIM_WON, CLAIM_WON_AGAIN, CLAIM_LOST, CLAIM_STALE, CLAIM_INELIGIBLE, CLAIM_NOTHING };

struct claim {
    /* asked */
    int64_t subject_id, staff_id;
    int32_t version;
    /* the subject now */
    enum claim_stand stand; /* absent: there is none, or none that concerns this claimant */
    int32_t version_now;
    int64_t holder_id; /* who has it; 0 nobody */
    /* the claimant now */
    bool on_duty, licence_valid, specialty_fits, level_fits, own_request;
    bool offered, nonce_fits; /* an offer of this order to this doctor, with this nonce */
    int32_t live, in_hand, hand_max;
    /* the verdict */
    enum claim_result result;
    const char *reason; /* of CLAIM_INELIGIBLE */
    int64_t winner_id;  /* of CLAIM_LOST: who has it */
};

/** Why this claimant may not claim at all, or NULL. */
const char *claim_ineligible(enum claim_kind kind, const struct claim *c);
/** Verdicts for all; of several eligible claims of one subject the first wins, as far as its hands are free. */
void claims_judge(enum claim_kind kind, struct claim *claims, size_t n);

const char *claim_result_name(enum claim_result result); /* as in claim_log */
/** "free", "taken"; every other word is absent. */
enum claim_stand claim_stand_parse(const char *word);
