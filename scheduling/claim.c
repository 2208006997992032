#include "scheduling/claim.h"
#include <string.h>

/* Who may claim, as data: the first row that is not as wanted is the reason. A read needs no duty and no offer. */
#define ORDERS (1 << CLAIM_ORDER)
#define EXAMS  (1 << CLAIM_EXAM)
static const struct rule {
    const char *reason;
    size_t fact;
    bool want;
    unsigned kinds;
} RULES[] = {
    {"off_duty", offsetof(struct claim, on_duty), true, ORDERS},
    {"licence", offsetof(struct claim, licence_valid), true, ORDERS | EXAMS},
    {"own_request", offsetof(struct claim, own_request), false, ORDERS | EXAMS},
    {"specialty", offsetof(struct claim, specialty_fits), true, ORDERS | EXAMS},
    {"level", offsetof(struct claim, level_fits), true, ORDERS},
    {"not_offered", offsetof(struct claim, offered), true, ORDERS},
    {"nonce", offsetof(struct claim, nonce_fits), true, ORDERS},
};

const char *claim_ineligible(enum claim_kind kind, const struct claim *c)
{
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++)
        if ((RULES[i].kinds & 1U << kind) &&
            *(const bool *)((const char *)c + RULES[i].fact) != RULES[i].want)
            return RULES[i].reason;
    if (c->live > 0)
        return "live"; /* one live video at a time */
    if (c->in_hand >= c->hand_max)
        return "hands_full";
    return NULL;
}

static void judge_one(enum claim_kind kind, struct claim *c)
{
    if (c->stand == CLAIM_ABSENT)
        c->result = CLAIM_NOTHING;
    else if (c->stand == CLAIM_TAKEN && c->holder_id == c->staff_id)
        c->result = CLAIM_WON_AGAIN; /* the winner's second tap */
    else if ((c->reason = claim_ineligible(kind, c)))
        c->result = CLAIM_INELIGIBLE;
    else if (c->stand == CLAIM_TAKEN) {
        c->result = CLAIM_LOST;
        c->winner_id = c->holder_id;
    } else if (c->version != c->version_now)
        c->result = CLAIM_STALE;
    else
        c->result = CLAIM_WON;
}

/* Those further back see what c has just won: it is gone, and the claimant's hands are fuller. */
static void tell_others(const struct claim *c, struct claim *later, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (later[i].staff_id == c->staff_id)
            later[i].in_hand++;
        if (later[i].subject_id == c->subject_id) {
            later[i].stand = CLAIM_TAKEN;
            later[i].holder_id = c->staff_id;
        }
    }
}

void claims_judge(enum claim_kind kind, struct claim *claims, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        judge_one(kind, &claims[i]);
        if (claims[i].result == CLAIM_WON)
            tell_others(&claims[i], claims + i + 1, n - i - 1);
    }
}

const char *claim_result_name(enum claim_result result)
{
    static const char *const NAMES[] = {"won", "won", "lost", "stale", "ineligible", "ineligible"};

    return NAMES[result];
}

enum claim_stand claim_stand_parse(const char *word)
{
    return !strcmp(word, "free") ? CLAIM_FREE : !strcmp(word, "taken") ? CLAIM_TAKEN : CLAIM_ABSENT;
}
