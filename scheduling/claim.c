#include "scheduling/claim.h"

/* Who may claim, as data: the first row that is not as wanted is the reason. */
static const struct rule {
    const char *reason;
    size_t fact;
    bool want;
} RULES[] = {
    {"off_duty", offsetof(struct claim, on_duty), true},
    {"licence", offsetof(struct claim, licence_valid), true},
    {"own_request", offsetof(struct claim, own_request), false},
    {"specialty", offsetof(struct claim, specialty_fits), true},
    {"level", offsetof(struct claim, level_fits), true},
    {"not_offered", offsetof(struct claim, offered), true},
    {"nonce", offsetof(struct claim, nonce_fits), true},
};

const char *claim_ineligible(const struct claim *c)
{
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++)
        if (*(const bool *)((const char *)c + RULES[i].fact) != RULES[i].want)
            return RULES[i].reason;
    if (c->live > 0)
        return "live"; /* one live video at a time */
    if (c->in_hand >= c->hand_max)
        return "hands_full";
    return NULL;
}

static void judge_one(struct claim *c)
{
    if (!c->order_found)
        c->result = CLAIM_NO_ORDER;
    else if (c->doctor_id == c->staff_id && c->state != ORDER_POOLED)
        c->result = CLAIM_WON_AGAIN; /* the winner's second tap */
    else if ((c->reason = claim_ineligible(c)))
        c->result = CLAIM_INELIGIBLE;
    else if (c->state != ORDER_POOLED) {
        c->result = CLAIM_LOST;
        c->winner_id = c->doctor_id;
    } else if (c->version != c->version_now)
        c->result = CLAIM_STALE;
    else
        c->result = CLAIM_WON;
}

/* Those further back see what c has just won: the order is gone, and the doctor's hands are fuller. */
static void tell_others(const struct claim *c, struct claim *later, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (later[i].staff_id == c->staff_id)
            later[i].in_hand++;
        if (later[i].order_id == c->order_id) {
            later[i].state = ORDER_CLAIMED;
            later[i].doctor_id = c->staff_id;
        }
    }
}

void claims_judge(struct claim *claims, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        judge_one(&claims[i]);
        if (claims[i].result == CLAIM_WON)
            tell_others(&claims[i], claims + i + 1, n - i - 1);
    }
}

const char *claim_result_name(enum claim_result result)
{
    static const char *const NAMES[] = {"won", "won", "lost", "stale", "ineligible", "ineligible"};

    return NAMES[result];
}
