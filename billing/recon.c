#include "billing/recon.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "billing/recon_hash.h"
#include "core/clock.h"
#include "core/mem.h"

#define ROWS_MAX (UINT32_C(1) << 30)

const char *recon_class_name(enum recon_class c)
{
    static const char *const NAMES[RECON_CLASSES] = {
        [RECON_LONG] = "long",     [RECON_SHORT] = "short",   [RECON_CUTOFF] = "cutoff",
        [RECON_AMOUNT] = "amount", [RECON_STATUS] = "status", [RECON_DUP] = "dup",
        [RECON_FEE] = "fee",
    };

    return c < RECON_CLASSES ? NAMES[c] : "";
}

/* ---------------------------------------------------------------- who is who: one table over both sides */

struct slot {
    uint32_t tag; /* the hash's upper half: most strangers are told apart without a look at their keys */
    uint32_t who; /* index + 1 of ours; of the channel's rows behind them */
};

struct run {
    const struct recon_rule *rule;
    int32_t day;
    const struct recon_ours *ours;
    uint32_t n_ours;
    const struct bill_row *rows;
    uint32_t n_rows;
    struct slot *slots;
    size_t mask;
    bool *seen; /* of ours: a row of this bill has its key */
    struct recon_result *out;
    size_t cap;
};

static const char *ours_key(const struct recon_ours *o)
{
    return o->kind == BILL_REFUND ? o->out_refund_no : o->out_trade_no;
}

static const char *row_key(const struct bill_row *row)
{
    return row->kind == BILL_REFUND ? row->out_refund_no : row->out_trade_no;
}

static uint64_t key_hash(bool refund, const char *key)
{
    size_t len = strlen(key);
    uint64_t h = refund ? UINT64_C(0x243f6a8885a308d3) : UINT64_C(0x13198a2e03707344), v;

    for (; len; key += len < 8 ? len : 8, len -= len < 8 ? len : 8) {
        v = 0;
        memcpy(&v, key, len < 8 ? len : 8);
        h = (h ^ v ^ (len < 8 ? (uint64_t)len << 56 : 0)) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h * UINT64_C(0xbf58476d1ce4e5b9);
}

static bool is_key(const struct run *r, uint32_t who, bool refund, const char *key)
{
    const struct recon_ours *o = who < r->n_ours ? &r->ours[who] : NULL;
    const struct bill_row *row = o ? NULL : &r->rows[who - r->n_ours];

    return (o ? o->kind == BILL_REFUND : row->kind == BILL_REFUND) == refund &&
           strcmp(o ? ours_key(o) : row_key(row), key) == 0;
}

/* Keys and slots lie all over the memory. A batch's hashes first, with their slots on the way, is half the time. */
#define BATCH 64
struct batch {
    uint32_t from, n;
    uint64_t hash[BATCH];
};

static void batch_hash(const struct run *r, struct batch *b, uint32_t i, bool refund, const char *key)
{
    b->hash[i] = key_hash(refund, key);
    __builtin_prefetch(&r->slots[b->hash[i] & r->mask], 1);
}

/* The next batch of n rows; false when there is none. Begins with from and n of 0. */
static bool batch_next(struct batch *b, uint32_t n)
{
    b->from += b->n;
    b->n = n - b->from < BATCH ? n - b->from : BATCH;
    return b->n > 0;
}

/* The first holder of a key, or RECON_NONE; then `who` takes it, unless it is RECON_NONE, too. */
static uint32_t find_or_take(struct run *r, uint64_t h, bool refund, const char *key, uint32_t who)
{
    uint32_t tag = (uint32_t)(h >> 32);
    size_t at = (size_t)h & r->mask;

    for (; r->slots[at].who; at = (at + 1) & r->mask)
        if (r->slots[at].tag == tag && is_key(r, r->slots[at].who - 1, refund, key))
            return r->slots[at].who - 1;
    if (who != RECON_NONE)
        r->slots[at] = (struct slot){.tag = tag, .who = who + 1};
    return RECON_NONE;
}

/* ---------------------------------------------------------------- differences */

static int64_t directed(enum bill_kind kind, int64_t fen)
{
    return kind == BILL_PAYMENT ? fen : kind == BILL_REFUND ? -fen : 0;
}

/* What our books of this day hold of it. */
static int64_t ours_fen(const struct run *r, const struct recon_ours *o)
{
    return o->state == RECON_SETTLED && clock_shanghai_day(o->at_us) == r->day
               ? directed(o->kind, o->amount_fen)
               : 0;
}

static void differ(struct run *r, const struct recon_diff *d)
{
    struct recon_result *out = r->out;

    if (out->n == r->cap)
        out->diffs = mem_grow(out->diffs, (r->cap = r->cap ? 2 * r->cap : 64) * sizeof *out->diffs);
    out->diffs[out->n++] = *d;
    out->count[d->class]++;
    out->delta_fen[d->class] += d->delta_fen;
}

/* ---------------------------------------------------------------- a row of the bill and ours of the same key */

struct pair {
    const struct run *r;
    const struct recon_ours *o;
    const struct bill_row *row;
    int32_t apart; /* days between ours and the bill's */
};

static bool in_another_bill(const struct pair *p)
{
    return p->o->matched_day != RECON_NO_DAY && p->o->matched_day != p->r->day;
}

static bool not_settled_here(const struct pair *p)
{
    return p->o->state != RECON_SETTLED;
}

static bool refund_failed_there(const struct pair *p)
{
    return p->row->kind == BILL_REFUND && strcmp(p->row->status, "SUCCESS") != 0 &&
           strcmp(p->row->status, "PROCESSING") != 0;
}

static bool another_trade(const struct pair *p)
{
    return (*p->o->transaction_id && strcmp(p->o->transaction_id, p->row->transaction_id) != 0) ||
           strcmp(p->o->out_trade_no, p->row->out_trade_no) != 0;
}

static bool other_amount(const struct pair *p)
{
    return p->o->amount_fen != p->row->amount_fen;
}

static bool days_apart(const struct pair *p)
{
    return abs(p->apart) >= p->r->rule->cutoff_days;
}

static bool other_day(const struct pair *p)
{
    return p->apart != 0;
}

static bool other_fee(const struct pair *p)
{
    return p->o->fee_milli_fen != RECON_NO_FEE &&
           llabs(p->row->fee_milli_fen - p->o->fee_milli_fen) > p->r->rule->fee_tolerance_milli_fen;
}

/* The first that applies names the difference; none: the pair matches. */
static const struct pair_rule {
    enum recon_class class;
    bool (*applies)(const struct pair *p);
    const char *why;
} PAIR_RULES[] = {
    {RECON_DUP, in_another_bill, "another day's bill had it already"},
    {RECON_STATUS, not_settled_here, "the channel moved the money, here it is open or closed"},
    {RECON_STATUS, refund_failed_there, "the channel could not give the money back"},
    {RECON_STATUS, another_trade, "our number, but another trade of the channel's"},
    {RECON_AMOUNT, other_amount, "the two sides have different amounts"},
    {RECON_LONG, days_apart, "the channel books it days away from ours"},
    {RECON_CUTOFF, other_day, "the two sides have it on different days"},
    {RECON_FEE, other_fee, "the channel's fee is not the agreed one"},
};

static void match_pair(struct run *r, uint32_t who, uint32_t row)
{
    struct pair p = {.r = r, .o = &r->ours[who], .row = &r->rows[row]};
    struct recon_diff d = {.ours = who, .channel = row};

    p.apart = clock_shanghai_day(p.o->at_us) - r->day;
    for (size_t i = 0; i < sizeof PAIR_RULES / sizeof *PAIR_RULES; i++)
        if (PAIR_RULES[i].applies(&p)) {
            d.class = PAIR_RULES[i].class;
            d.why = PAIR_RULES[i].why;
            d.cleared = d.class == RECON_CUTOFF;
            d.delta_fen = directed(p.row->kind, p.row->amount_fen) - ours_fen(r, p.o);
            if (p.o->fee_milli_fen != RECON_NO_FEE)
                d.fee_delta_milli_fen = p.row->fee_milli_fen - p.o->fee_milli_fen;
            differ(r, &d);
            return;
        }
    r->out->matched++;
}

static void match_row(struct run *r, uint32_t at, uint64_t hash)
{
    const struct bill_row *row = &r->rows[at];
    uint32_t who = find_or_take(r, hash, row->kind == BILL_REFUND, row_key(row), r->n_ours + at);
    bool known = who != RECON_NONE && who < r->n_ours;
    struct recon_diff d = {.class = RECON_LONG, .ours = RECON_NONE, .channel = at};

    if (known && !r->seen[who]) {
        r->seen[who] = true;
        match_pair(r, who, at);
        return;
    }
    d.why = "the channel has it, we have not";
    d.delta_fen = directed(row->kind, row->amount_fen);
    if (who != RECON_NONE) {
        d.class = RECON_DUP;
        d.ours = known ? who : RECON_NONE;
        d.why = "the bill has it more than once";
    }
    differ(r, &d);
}

/* No money moved there; it matters only when we believe that some did. */
static void match_revoked(struct run *r, uint32_t at)
{
    const char *key = r->rows[at].out_trade_no;
    uint32_t who = find_or_take(r, key_hash(false, key), false, key, RECON_NONE);
    struct recon_diff d = {.class = RECON_STATUS, .ours = who, .channel = at};

    if (who == RECON_NONE || who >= r->n_ours || r->seen[who] || r->ours[who].state != RECON_SETTLED)
        return;
    r->seen[who] = true;
    d.delta_fen = -ours_fen(r, &r->ours[who]);
    d.why = "the channel revoked it, here it is settled";
    differ(r, &d);
}

/* ---------------------------------------------------------------- ours without a row */

static void lacking(struct run *r, uint32_t who)
{
    const struct recon_ours *o = &r->ours[who];
    int32_t day = clock_shanghai_day(o->at_us);
    struct recon_diff d = {.class = RECON_SHORT, .ours = who, .channel = RECON_NONE};
    bool late = clock_shanghai_day_start_us(day + 1) - o->at_us <= r->rule->cutoff_s * US_PER_S;

    if (o->state != RECON_SETTLED)
        return;
    d.why = "we have it, the channel has not";
    d.delta_fen = -ours_fen(r, o);
    if (o->matched_day != RECON_NO_DAY && o->matched_day != r->day) {
        if (day != r->day) /* both sides stand on other days, and that was said there */
            return;
        d.class = RECON_CUTOFF;
        d.cleared = true;
        d.why = "another day's bill has it";
    } else if (day > r->day) {
        return; /* its own day's bill comes first */
    } else if (day < r->day) {
        if (!late || r->day - day < r->rule->cutoff_days)
            return; /* short or waiting was said on its own day */
        d.why = "it waited for the next bills, and they have it neither";
    } else if (late) {
        d.class = RECON_CUTOFF;
        d.why = "just before midnight: the next bill should have it";
    }
    differ(r, &d);
}

/* ---------------------------------------------------------------- the run */

static bool inputs_check(const struct recon_rule *rule, int32_t day, const struct recon_ours *ours, size_t n,
                         const struct bill *bill, struct err *err)
{
    if (rule->version < 1 || rule->cutoff_s < 0 || rule->cutoff_s > 12 * 3600 || rule->cutoff_days < 1 ||
        rule->fee_tolerance_milli_fen < 0)
        return err_set(err, ERR_INVALID, "recon_rule", "rule version %" PRId32 " makes no sense",
                       rule->version);
    if (n >= ROWS_MAX || bill->n >= ROWS_MAX)
        return err_set(err, ERR_TOO_LARGE, "recon_too_large", "%zu of ours, %zu of the channel's", n,
                       bill->n);
    if (bill->n && bill->day != day)
        return err_set(err, ERR_INVALID, "recon_day", "the bill is of day %" PRId32 ", not of %" PRId32,
                       bill->day, day);
    for (size_t i = 0; i < n; i++)
        if ((ours[i].kind != BILL_PAYMENT && ours[i].kind != BILL_REFUND) || ours[i].amount_fen <= 0 ||
            !*ours_key(&ours[i]) || (i && ours[i].id <= ours[i - 1].id))
            return err_set(err, ERR_INVALID, "recon_ours",
                           "our row %" PRId64 " is out of order or incomplete", ours[i].id);
    return true;
}

static void take_one(struct run *r, uint32_t i, uint64_t hash)
{
    const struct recon_ours *o = &r->ours[i];
    struct recon_diff d = {.class = RECON_DUP, .channel = RECON_NONE, .ours = i};

    if (find_or_take(r, hash, o->kind == BILL_REFUND, ours_key(o), i) == RECON_NONE)
        return;
    r->seen[i] = true; /* said now, or open beside a settled one: nobody waits for it */
    if (o->state != RECON_SETTLED)
        return;
    d.delta_fen = -ours_fen(r, o);
    d.why = "we have it more than once";
    differ(r, &d);
}

/* Ours first: a key belongs to its first settled row, or else to its first; other settled ones are there once too often. */
static void take_ours(struct run *r)
{
    for (int settled = 1; settled >= 0; settled--)
        for (struct batch b = {0}; batch_next(&b, r->n_ours);) {
            const struct recon_ours *o = r->ours + b.from;

            for (uint32_t i = 0; i < b.n; i++)
                if ((o[i].state == RECON_SETTLED) == (settled == 1))
                    batch_hash(r, &b, i, o[i].kind == BILL_REFUND, ours_key(&o[i]));
            for (uint32_t i = 0; i < b.n; i++)
                if ((o[i].state == RECON_SETTLED) == (settled == 1))
                    take_one(r, b.from + i, b.hash[i]);
        }
}

static void match_rows(struct run *r)
{
    for (struct batch b = {0}; batch_next(&b, r->n_rows);) {
        for (uint32_t i = 0; i < b.n; i++)
            batch_hash(r, &b, i, r->rows[b.from + i].kind == BILL_REFUND, row_key(&r->rows[b.from + i]));
        for (uint32_t i = 0; i < b.n; i++)
            if (r->rows[b.from + i].kind != BILL_REVOKED)
                match_row(r, b.from + i, b.hash[i]);
    }
    for (uint32_t i = 0; i < r->n_rows; i++)
        if (r->rows[i].kind == BILL_REVOKED)
            match_revoked(r, i);
}

bool recon_run(struct recon_result *out, const struct recon_rule *rule, int32_t day,
               const struct recon_ours *ours, size_t n_ours, const struct bill *bill, struct err *err)
{
    struct recon_result result = {0};
    struct run r = {.rule = rule, .day = day, .ours = ours, .rows = bill->rows, .out = &result};
    size_t slots = 64;

    if (!inputs_check(rule, day, ours, n_ours, bill, err))
        return false;
    r.n_ours = (uint32_t)n_ours;
    r.n_rows = (uint32_t)bill->n;
    while (slots < 2 * (n_ours + bill->n))
        slots *= 2;
    r.mask = slots - 1;
    r.slots = mem_new(slots * sizeof *r.slots);
    r.seen = mem_new(n_ours + 1);
    take_ours(&r);
    match_rows(&r);
    for (uint32_t i = 0; i < r.n_ours; i++)
        if (!r.seen[i])
            lacking(&r, i);
    recon_hash(result.hash, rule, day, ours, n_ours, bill, &result);
    free(r.slots);
    free(r.seen);
    *out = result;
    return true;
}

void recon_free(struct recon_result *result)
{
    free(result->diffs);
    *result = (struct recon_result){0};
}
