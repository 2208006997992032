#include "billing/ledger.h"
#include <inttypes.h>
#include <string.h>
#include "billing/money.h"

/* ---------------------------------------------------------------- tables */

static const struct ledger_chart CHART[LEDGER_KINDS] = {
    [LEDGER_CHANNEL] = {"assets:channel", true, false}, /* a day of refunds only leaves it negative */
    [LEDGER_SHORT] = {"assets:suspense", true, true},
    [LEDGER_CLEARING] = {"liabilities:clearing", false, true},
    [LEDGER_INVITING_ORG] = {"liabilities:payable:inviting_org", false, false}, /* may owe after a payout */
    [LEDGER_INVITED_ORG] = {"liabilities:payable:invited_org", false, false},
    [LEDGER_DOCTOR] = {"liabilities:payable:doctor", false, false},
    [LEDGER_OPERATOR] = {"liabilities:payable:operator", false, false},
    [LEDGER_LONG] = {"liabilities:suspense", false, true},
    [LEDGER_FEE] = {"expenses:channel_fee", true, false},
    [LEDGER_LOSS] = {"expenses:loss", true, false},
};

static const char *const CODES[LEDGER_CODES] = {
    [LEDGER_PAID] = "paid",
    [LEDGER_SPLIT] = "split",
    [LEDGER_UNSPLIT] = "unsplit",
    [LEDGER_REFUNDED] = "refunded",
    [LEDGER_FEE_CHARGED] = "fee_charged",
    [LEDGER_FEE_BACK] = "fee_back",
    [LEDGER_LONG_FOUND] = "long_found",
    [LEDGER_LONG_REFUNDED] = "long_refunded",
    [LEDGER_LONG_BOOKED] = "long_booked",
    [LEDGER_SHORT_FOUND] = "short_found",
    [LEDGER_SHORT_ARRIVED] = "short_arrived",
    [LEDGER_SHORT_LOST] = "short_lost",
    [LEDGER_SHORT_VOIDED] = "short_voided",
};

/* What may be said at all. A reversal says it the other way round. */
static const struct shape {
    enum ledger_code code;
    enum ledger_kind debit, credit;
} SHAPES[] = {
    {LEDGER_PAID, LEDGER_CHANNEL, LEDGER_CLEARING},
    {LEDGER_SPLIT, LEDGER_CLEARING, LEDGER_INVITING_ORG},
    {LEDGER_SPLIT, LEDGER_CLEARING, LEDGER_INVITED_ORG},
    {LEDGER_SPLIT, LEDGER_CLEARING, LEDGER_DOCTOR},
    {LEDGER_SPLIT, LEDGER_CLEARING, LEDGER_OPERATOR},
    {LEDGER_UNSPLIT, LEDGER_INVITING_ORG, LEDGER_CLEARING},
    {LEDGER_UNSPLIT, LEDGER_INVITED_ORG, LEDGER_CLEARING},
    {LEDGER_UNSPLIT, LEDGER_DOCTOR, LEDGER_CLEARING},
    {LEDGER_UNSPLIT, LEDGER_OPERATOR, LEDGER_CLEARING},
    {LEDGER_REFUNDED, LEDGER_CLEARING, LEDGER_CHANNEL},
    {LEDGER_FEE_CHARGED, LEDGER_FEE, LEDGER_CHANNEL},
    {LEDGER_FEE_BACK, LEDGER_CHANNEL, LEDGER_FEE},
    {LEDGER_LONG_FOUND, LEDGER_CHANNEL, LEDGER_LONG},
    {LEDGER_LONG_REFUNDED, LEDGER_LONG, LEDGER_CHANNEL},
    {LEDGER_LONG_BOOKED, LEDGER_LONG, LEDGER_CLEARING},
    {LEDGER_SHORT_FOUND, LEDGER_SHORT, LEDGER_CHANNEL},
    {LEDGER_SHORT_ARRIVED, LEDGER_CHANNEL, LEDGER_SHORT},
    {LEDGER_SHORT_LOST, LEDGER_LOSS, LEDGER_SHORT},
    {LEDGER_SHORT_VOIDED, LEDGER_CLEARING, LEDGER_SHORT},
};
#define SHAPE_COUNT (sizeof SHAPES / sizeof *SHAPES)

/* The parties' accounts stand in the order of the parties. */
static enum ledger_kind party_kind(size_t party)
{
    static const enum ledger_kind KINDS[SPLIT_PARTIES] = {
        [SPLIT_INVITING_ORG] = LEDGER_INVITING_ORG,
        [SPLIT_INVITED_ORG] = LEDGER_INVITED_ORG,
        [SPLIT_DOCTOR] = LEDGER_DOCTOR,
        [SPLIT_OPERATOR] = LEDGER_OPERATOR,
    };

    return KINDS[party];
}

const struct ledger_chart *ledger_chart(enum ledger_kind kind)
{
    return &CHART[kind];
}

const char *ledger_code_name(enum ledger_code code)
{
    return CODES[code];
}

/* ---------------------------------------------------------------- a group */

static const struct shape *shape_of(enum ledger_code code, enum ledger_kind debit, enum ledger_kind credit)
{
    for (size_t i = 0; i < SHAPE_COUNT; i++)
        if (SHAPES[i].code == code && SHAPES[i].debit == debit && SHAPES[i].credit == credit)
            return &SHAPES[i];
    return NULL;
}

/* Undone, or undone and undone again. */
static bool has_shape(const struct ledger_transfer *t, bool reversal)
{
    return shape_of(t->code, t->debit.kind, t->credit.kind) ||
           (reversal && shape_of(t->code, t->credit.kind, t->debit.kind));
}

bool ledger_group_check(const struct ledger_group *g, struct err *err)
{
    if (!g->n || g->n > LEDGER_GROUP_MAX)
        return err_set(err, ERR_INVALID, "ledger_empty", "a group of %zu transfers", g->n);
    for (size_t i = 0; i < g->n; i++) {
        const struct ledger_transfer *t = &g->transfers[i];

        if (t->amount_fen <= 0 || t->amount_fen > MONEY_MAX_FEN)
            return err_set(err, ERR_INVALID, "ledger_amount", "transfer %zu moves %" PRId64 " fen", i + 1,
                           t->amount_fen);
        if ((unsigned)t->code >= LEDGER_CODES || !has_shape(t, g->reverses != 0))
            return err_set(err, ERR_INVALID, "ledger_shape", "transfer %zu has no meaning", i + 1);
    }
    return true;
}

static void hash_int(struct sha256 *sha, int64_t v)
{
    uint8_t le[8];

    for (int i = 0; i < 8; i++)
        le[i] = (uint8_t)((uint64_t)v >> 8 * i);
    sha256_update(sha, le, sizeof le);
}

void ledger_group_hash(const struct ledger_group *g, uint8_t out[SHA256_LEN])
{
    struct sha256 *sha = sha256_new();

    sha256_update(sha, "yunzhen ledger 1", sizeof "yunzhen ledger 1");
    hash_int(sha, g->head.key);
    hash_int(sha, g->head.about_id);
    hash_int(sha, g->head.effective_day);
    hash_int(sha, g->reverses);
    hash_int(sha, (int64_t)g->n);
    for (size_t i = 0; i < g->n; i++) {
        const struct ledger_transfer *t = &g->transfers[i];

        hash_int(sha, t->code);
        hash_int(sha, t->debit.kind);
        hash_int(sha, t->debit.owner_id);
        hash_int(sha, t->credit.kind);
        hash_int(sha, t->credit.owner_id);
        hash_int(sha, t->amount_fen);
    }
    sha256_final(sha, out);
}

/* ---------------------------------------------------------------- builders */

static struct ledger_account account(enum ledger_kind kind, int64_t owner_id)
{
    return (struct ledger_account){.kind = kind, .owner_id = owner_id};
}

static struct ledger_group begin(const struct ledger_head *head)
{
    return (struct ledger_group){.head = *head};
}

/* Nothing is no transfer: a party without a share has no row. */
static void move(struct ledger_group *g, enum ledger_code code, struct ledger_account debit,
                 struct ledger_account credit, int64_t fen)
{
    if (fen)
        g->transfers[g->n++] =
            (struct ledger_transfer){.code = code, .debit = debit, .credit = credit, .amount_fen = fen};
}

static bool amount_check(int64_t fen, struct err *err)
{
    return (fen > 0 && fen <= MONEY_MAX_FEN) ||
           err_set(err, ERR_INVALID, "ledger_amount", "%" PRId64 " fen is nothing to post", fen);
}

/* In either direction. */
static bool directed_check(int64_t fen, struct err *err)
{
    return amount_check(fen < 0 && fen >= -MONEY_MAX_FEN ? -fen : fen, err);
}

bool ledger_paid(struct ledger_group *out, const struct ledger_head *head, int64_t channel_id,
                 int64_t clearing_id, int64_t fen, struct err *err)
{
    if (!amount_check(fen, err))
        return false;
    *out = begin(head);
    move(out, LEDGER_PAID, account(LEDGER_CHANNEL, channel_id), account(LEDGER_CLEARING, clearing_id), fen);
    return true;
}

bool ledger_split(struct ledger_group *out, const struct ledger_head *head, int64_t clearing_id,
                  struct ledger_shares *shares, int64_t fen, struct err *err)
{
    if (!amount_check(fen, err))
        return false;
    *out = begin(head);
    split_amount(shares->rule, fen, shares->left_fen);
    for (size_t i = 0; i < SPLIT_PARTIES; i++)
        move(out, LEDGER_SPLIT, account(LEDGER_CLEARING, clearing_id),
             account(party_kind(i), shares->owner_id[i]), shares->left_fen[i]);
    return true;
}

static bool back_from_parties(struct ledger_group *g, int64_t clearing_id, struct ledger_shares *shares,
                              int64_t fen, struct err *err)
{
    int64_t part[SPLIT_PARTIES], left = 0;

    for (size_t i = 0; i < SPLIT_PARTIES; i++)
        left += shares->left_fen[i];
    if (fen > left)
        return err_set(err, ERR_CONFLICT, "ledger_refund_exceeds",
                       "%" PRId64 " fen to give back, %" PRId64 " left", fen, left);
    split_refund(shares->rule, shares->left_fen, fen, part);
    for (size_t i = 0; i < SPLIT_PARTIES; i++) {
        move(g, LEDGER_UNSPLIT, account(party_kind(i), shares->owner_id[i]),
             account(LEDGER_CLEARING, clearing_id), part[i]);
        shares->left_fen[i] -= part[i];
    }
    return true;
}

bool ledger_refund(struct ledger_group *out, const struct ledger_head *head, int64_t channel_id,
                   int64_t clearing_id, struct ledger_shares *shares, int64_t fen, struct err *err)
{
    struct ledger_group g = begin(head);

    if (!amount_check(fen, err) || (shares && !back_from_parties(&g, clearing_id, shares, fen, err)))
        return false;
    move(&g, LEDGER_REFUNDED, account(LEDGER_CLEARING, clearing_id), account(LEDGER_CHANNEL, channel_id),
         fen);
    *out = g;
    return true;
}

bool ledger_fee(struct ledger_group *out, const struct ledger_head *head, int64_t channel_id,
                int64_t bearer_id, int64_t milli_fen, struct err *err)
{
    int64_t fen = money_fee_fen(milli_fen);
    struct ledger_account fee = account(LEDGER_FEE, bearer_id), channel = account(LEDGER_CHANNEL, channel_id);

    if (!directed_check(fen, err))
        return false;
    *out = begin(head);
    if (fen > 0)
        move(out, LEDGER_FEE_CHARGED, fee, channel, fen);
    else
        move(out, LEDGER_FEE_BACK, channel, fee, -fen);
    return true;
}

bool ledger_difference(struct ledger_group *out, const struct ledger_head *head, int64_t channel_id,
                       int64_t delta_fen, struct err *err)
{
    struct ledger_account channel = account(LEDGER_CHANNEL, channel_id);

    if (!directed_check(delta_fen, err))
        return false;
    *out = begin(head);
    if (delta_fen > 0)
        move(out, LEDGER_LONG_FOUND, channel, account(LEDGER_LONG, channel_id), delta_fen);
    else
        move(out, LEDGER_SHORT_FOUND, account(LEDGER_SHORT, channel_id), channel, -delta_fen);
    return true;
}

bool ledger_clear(struct ledger_group *out, const struct ledger_head *head, enum ledger_code how,
                  int64_t channel_id, int64_t other_id, int64_t fen, struct err *err)
{
    const struct shape *s = NULL;

    for (size_t i = 0; i < SHAPE_COUNT && how >= LEDGER_LONG_REFUNDED && how != LEDGER_SHORT_FOUND; i++)
        if (SHAPES[i].code == how)
            s = &SHAPES[i];
    if (!s)
        return err_set(err, ERR_INVALID, "ledger_shape", "nothing leaves suspense that way");
    if (!amount_check(fen, err))
        return false;
    *out = begin(head);
    /* suspense and the channel are the channel's, clearing and loss somebody else's */
    move(out, how,
         account(s->debit, s->debit == LEDGER_CLEARING || s->debit == LEDGER_LOSS ? other_id : channel_id),
         account(s->credit, s->credit == LEDGER_CLEARING ? other_id : channel_id), fen);
    return true;
}

bool ledger_reverse(struct ledger_group *out, const struct ledger_head *head,
                    const struct ledger_group *original, struct err *err)
{
    struct ledger_group g = begin(head);

    if (!ledger_group_check(original, err))
        return false;
    g.reverses = original->head.id;
    for (size_t i = 0; i < original->n; i++) {
        const struct ledger_transfer *t = &original->transfers[original->n - 1 - i];

        move(&g, t->code, t->credit, t->debit, t->amount_fen);
    }
    *out = g;
    return true;
}
