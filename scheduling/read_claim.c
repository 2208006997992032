#include "scheduling/read_claim.h"

/* Who may claim, as data: the first row that is not as wanted is the reason. */
static const struct rule {
    const char *reason;
    size_t fact;
    bool want;
} RULES[] = {
    {"licence", offsetof(struct read_claim, licence_valid), true},
    {"own_request", offsetof(struct read_claim, own_request), false},
    {"specialty", offsetof(struct read_claim, specialty_fits), true},
};

const char *read_claim_ineligible(const struct read_claim *c)
{
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++)
        if (*(const bool *)((const char *)c + RULES[i].fact) != RULES[i].want)
            return RULES[i].reason;
    return c->in_hand >= c->hand_max ? "hands_full" : NULL;
}

static bool in_hand(enum exam_state state)
{
    return state == EXAM_CLAIMED || state == EXAM_DRAFT;
}

/* What never waited, or is over, is no exam to a reader who did not read it. */
static void judge_one(struct read_claim *c)
{
    if (c->found && in_hand(c->state) && c->reader_id == c->staff_id)
        c->result = CLAIM_WON_AGAIN; /* the winner's second tap */
    else if (!c->found || (c->state != EXAM_POOLED && !in_hand(c->state)))
        c->result = CLAIM_NO_ORDER;
    else if ((c->reason = read_claim_ineligible(c)))
        c->result = CLAIM_INELIGIBLE;
    else if (c->state != EXAM_POOLED) {
        c->result = CLAIM_LOST;
        c->winner_id = c->reader_id;
    } else if (c->version != c->version_now)
        c->result = CLAIM_STALE;
    else
        c->result = CLAIM_WON;
}

/* Those further back see what c has just won: the exam is gone, and the reader's hands are fuller. */
static void tell_others(const struct read_claim *c, struct read_claim *later, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (later[i].staff_id == c->staff_id)
            later[i].in_hand++;
        if (later[i].exam_id == c->exam_id) {
            later[i].state = EXAM_CLAIMED;
            later[i].reader_id = c->staff_id;
        }
    }
}

void read_claims_judge(struct read_claim *claims, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        judge_one(&claims[i]);
        if (claims[i].result == CLAIM_WON)
            tell_others(&claims[i], claims + i + 1, n - i - 1);
    }
}
