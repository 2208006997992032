#include "tests/unit/billing/recon_plant.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/mem.h"

static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* ---------------------------------------------------------------- growing by one */

struct maker {
    struct plant *p;
    uint64_t seed;
    size_t ours_cap, rows_cap, wanted_cap, owned_cap;
    int64_t id;
};

#define GROW(list, n, cap)                                                                                   \
    do {                                                                                                     \
        if ((n) == (cap))                                                                                    \
            (list) = mem_grow((list), ((cap) = (cap) ? 2 * (cap) : 64) * sizeof *(list));                    \
    } while (0)

static const char *own(struct maker *m, char *text)
{
    GROW(m->p->owned, m->p->n_owned, m->owned_cap);
    m->p->owned[m->p->n_owned++] = text;
    return text;
}

static void add_ours(struct maker *m, struct recon_ours o)
{
    GROW(m->p->ours, m->p->n_ours, m->ours_cap);
    o.id = m->id += 1 + (int64_t)(next(&m->seed) % 5);
    m->p->ours[m->p->n_ours++] = o;
}

static void add_row(struct maker *m, struct bill_row row)
{
    struct bill *b = &m->p->bill;

    GROW(b->rows, b->n, m->rows_cap);
    b->rows[b->n++] = row;
}

static void want(struct maker *m, enum recon_class class, const struct recon_ours *o, bool cleared)
{
    GROW(m->p->wanted, m->p->n_wanted, m->wanted_cap);
    m->p->wanted[m->p->n_wanted++] = (struct plant_wanted){
        .class = class,
        .key = o->kind == BILL_REFUND ? o->out_refund_no : o->out_trade_no,
        .cleared = cleared,
    };
}

/* ---------------------------------------------------------------- an honest trade, seen from both sides */

/* Around noon, mostly; one in five within seconds of a midnight, where it is easy to be wrong about the day. */
static int64_t moment(struct maker *m)
{
    int64_t start = clock_shanghai_day_start_us(m->p->day), span = 24 * 3600 * US_PER_S;

    switch (next(&m->seed) % 10) {
    case 0:
        return start + (int64_t)(next(&m->seed) % 5) * US_PER_S;
    case 1:
        return start + span - US_PER_S * (1 + (int64_t)(next(&m->seed) % 5));
    default:
        return start + 3600 * US_PER_S + (int64_t)(next(&m->seed) % (22 * 3600)) * US_PER_S;
    }
}

/* Numbers share long beginnings and differ in their last signs only, as real ones do. */
static void honest(struct maker *m, size_t i, struct recon_ours *o, struct bill_row *row)
{
    bool refund = next(&m->seed) % 8 == 0;
    int64_t fen = 1 + (int64_t)(next(&m->seed) % 100000);

    *o = (struct recon_ours){
        .kind = refund ? BILL_REFUND : BILL_PAYMENT,
        .state = RECON_SETTLED,
        .at_us = moment(m),
        .amount_fen = fen,
        .fee_milli_fen = (refund ? -6 : 6) * fen,
        .matched_day = RECON_NO_DAY,
        .out_trade_no = own(m, mem_format("TC%" PRId32 "%08zu", m->p->day, i)),
        .out_refund_no = refund ? own(m, mem_format("RF%" PRId32 "%08zu", m->p->day, i)) : "",
        .transaction_id = own(m, mem_format("42000099902026%014zu", i)),
    };
    *row = (struct bill_row){
        .kind = o->kind,
        .at_us = o->at_us,
        .amount_fen = fen,
        .order_fen = fen,
        .fee_milli_fen = o->fee_milli_fen,
        .out_trade_no = o->out_trade_no,
        .out_refund_no = o->out_refund_no,
        .transaction_id = o->transaction_id,
        .refund_id = "5030",
        .status = !refund              ? "SUCCESS"
                  : next(&m->seed) % 2 ? "SUCCESS"
                                       : "PROCESSING",
        .merchant = "1900000100",
        .sub_merchant = "0",
    };
}

/* ---------------------------------------------------------------- the ways to spoil one */

static int64_t noon(const struct maker *m)
{
    return clock_shanghai_day_start_us(m->p->day) + 12 * 3600 * US_PER_S;
}

static int64_t midnight(const struct maker *m, int days, int64_t off_s)
{
    return clock_shanghai_day_start_us(m->p->day + days) + off_s * US_PER_S;
}

enum spoil {
    S_LONG,
    S_SHORT,
    S_AMOUNT_MORE,
    S_AMOUNT_LESS,
    S_OPEN,
    S_CLOSED,
    S_REVOKED,
    S_OTHER_TRADE,
    S_REFUND_FAILED,
    S_DUP_THERE,
    S_DUP_LONG,
    S_DUP_HERE,
    S_DUP_ANOTHER_DAY,
    S_FEE,
    S_CUT_WAITS,
    S_CUT_ARRIVES,
    S_CUT_EARLY,
    S_CUT_HERE_ONLY,
    S_SHORT_AT_LAST,
    S_LONG_AFTER_DAYS,
    /* and what looks like a difference but is none */
    S_FEE_UNKNOWN,
    S_FEE_WITHIN,
    S_REVOKED_OPEN,
    S_OPEN_ALONE,
    S_TOMORROW,
    S_WAITING_ON,
    SPOILS
};

static void both(struct maker *m, const struct recon_ours *o, const struct bill_row *row)
{
    add_ours(m, *o);
    add_row(m, *row);
}

/* Status, amount, fee: both sides have it and disagree. */
static void spoil_pair(struct maker *m, enum spoil how, struct recon_ours o, struct bill_row row)
{
    enum recon_class class = RECON_STATUS;

    switch (how) {
    case S_AMOUNT_MORE:
    case S_AMOUNT_LESS:
        row.amount_fen = how == S_AMOUNT_MORE ? o.amount_fen + 1 : o.amount_fen;
        o.amount_fen += how == S_AMOUNT_MORE ? 0 : 100;
        class = RECON_AMOUNT;
        break;
    case S_OPEN:
        o.state = RECON_OPEN;
        break;
    case S_CLOSED:
        o.state = RECON_CLOSED;
        break;
    case S_OTHER_TRADE:
        row.transaction_id = "4200009990000000000000000000";
        break;
    case S_REFUND_FAILED:
        o.kind = row.kind = BILL_REFUND;
        o.out_refund_no = row.out_refund_no = own(m, mem_format("RX%s", o.out_trade_no));
        row.status = "CHANGE";
        break;
    default:
        row.fee_milli_fen += next(&m->seed) % 2 ? 501 : -501;
        class = RECON_FEE;
        break;
    }
    both(m, &o, &row);
    want(m, class, &o, false);
}

static void spoil_dup(struct maker *m, enum spoil how, struct recon_ours o, struct bill_row row)
{
    if (how == S_DUP_LONG) {
        add_row(m, row);
        want(m, RECON_LONG, &o, false);
    } else if (how == S_DUP_ANOTHER_DAY) {
        o.matched_day = m->p->day - 1;
    }
    if (how != S_DUP_LONG)
        add_ours(m, o);
    if (how == S_DUP_HERE)
        add_ours(m, o);
    add_row(m, row);
    if (how == S_DUP_THERE) {
        row.fee_milli_fen += 77;
        add_row(m, row);
    }
    if (how != S_DUP_ANOTHER_DAY && how != S_DUP_LONG)
        m->p->n_matched++;
    want(m, RECON_DUP, &o, false);
}

static void spoil_day(struct maker *m, enum spoil how, struct recon_ours o, struct bill_row row)
{
    static const struct {
        int ours_days;
        int64_t off_s;
        enum recon_class class;
        bool row, cleared;
        int matched;
    } CASES[SPOILS] = {
        [S_CUT_WAITS] = {1, -2, RECON_CUTOFF, false, false, 0},
        [S_CUT_ARRIVES] = {0, -2, RECON_CUTOFF, true, true, 0},
        [S_CUT_EARLY] = {1, 2, RECON_CUTOFF, true, true, 0},
        [S_CUT_HERE_ONLY] = {0, 2, RECON_CUTOFF, false, true, -1},
        [S_SHORT_AT_LAST] = {-1, -2, RECON_SHORT, false, false, 0},
        [S_LONG_AFTER_DAYS] = {-1, -2, RECON_LONG, true, false, 0},
    };

    o.at_us = midnight(m, CASES[how].ours_days, CASES[how].off_s);
    if (CASES[how].matched)
        o.matched_day = m->p->day + CASES[how].matched;
    add_ours(m, o);
    if (CASES[how].row)
        add_row(m, row);
    want(m, CASES[how].class, &o, CASES[how].cleared);
}

static void spoil_alone(struct maker *m, enum spoil how, struct recon_ours o, struct bill_row row)
{
    if (how == S_LONG) {
        add_row(m, row);
        want(m, RECON_LONG, &o, false);
    } else if (how == S_SHORT) {
        o.at_us = noon(m);
        add_ours(m, o);
        want(m, RECON_SHORT, &o, false);
    } else { /* S_REVOKED, S_REVOKED_OPEN */
        o.kind = BILL_PAYMENT;
        o.out_refund_no = "";
        row.kind = BILL_REVOKED;
        row.amount_fen = row.fee_milli_fen = 0;
        o.state = how == S_REVOKED ? RECON_SETTLED : RECON_OPEN;
        both(m, &o, &row);
        if (how == S_REVOKED)
            want(m, RECON_STATUS, &o, false);
    }
}

/* Nothing of this is a difference. */
static void harmless(struct maker *m, enum spoil how, struct recon_ours o, struct bill_row row)
{
    switch (how) {
    case S_FEE_UNKNOWN:
    case S_FEE_WITHIN:
        o.fee_milli_fen = how == S_FEE_UNKNOWN ? RECON_NO_FEE : o.fee_milli_fen + 500;
        both(m, &o, &row);
        m->p->n_matched++;
        break;
    case S_OPEN_ALONE:
        o.state = next(&m->seed) % 2 ? RECON_OPEN : RECON_CLOSED;
        add_ours(m, o);
        break;
    case S_TOMORROW:
        o.at_us = midnight(m, 1, (int64_t)(next(&m->seed) % 3600));
        add_ours(m, o);
        break;
    default:
        o.at_us = midnight(m, 0, -1); /* yesterday's last second: it waits, and that was said yesterday */
        add_ours(m, o);
        break;
    }
}

static void spoil(struct maker *m, enum spoil how, const struct recon_ours *o, const struct bill_row *row)
{
    switch (how) {
    case S_LONG:
    case S_SHORT:
    case S_REVOKED:
    case S_REVOKED_OPEN:
        spoil_alone(m, how, *o, *row);
        return;
    case S_DUP_THERE:
    case S_DUP_LONG:
    case S_DUP_HERE:
    case S_DUP_ANOTHER_DAY:
        spoil_dup(m, how, *o, *row);
        return;
    case S_CUT_WAITS:
    case S_CUT_ARRIVES:
    case S_CUT_EARLY:
    case S_CUT_HERE_ONLY:
    case S_SHORT_AT_LAST:
    case S_LONG_AFTER_DAYS:
        spoil_day(m, how, *o, *row);
        return;
    case S_FEE_UNKNOWN:
    case S_FEE_WITHIN:
    case S_OPEN_ALONE:
    case S_TOMORROW:
    case S_WAITING_ON:
        harmless(m, how, *o, *row);
        return;
    default:
        spoil_pair(m, how, *o, *row);
    }
}

/* ---------------------------------------------------------------- the day */

/* The channel lists in its own order. */
static void shuffle(struct maker *m)
{
    struct bill *b = &m->p->bill;

    for (size_t i = b->n; i > 1; i--) {
        size_t j = next(&m->seed) % i;
        struct bill_row row = b->rows[i - 1];

        b->rows[i - 1] = b->rows[j];
        b->rows[j] = row;
    }
    for (size_t i = 0; i < b->n; i++)
        b->rows[i].line = (uint32_t)i + 2;
}

static void sums(struct plant *p)
{
    for (size_t i = 0; i < p->bill.n; i++) {
        const struct bill_row *row = &p->bill.rows[i];

        p->net_bill_fen += row->kind == BILL_REFUND ? -row->amount_fen : row->amount_fen;
    }
    for (size_t i = 0; i < p->n_ours; i++) {
        const struct recon_ours *o = &p->ours[i];

        if (o->state == RECON_SETTLED && clock_shanghai_day(o->at_us) == p->day)
            p->net_ours_fen += o->kind == BILL_REFUND ? -o->amount_fen : o->amount_fen;
    }
}

void plant_day(struct plant *p, uint64_t seed, int32_t day, size_t trades, unsigned per_mille)
{
    struct maker m = {.p = p, .seed = seed};

    *p = (struct plant){.day = day, .bill = {.day = INT32_MIN}};
    for (size_t i = 0; i < trades; i++) {
        struct recon_ours o;
        struct bill_row row;

        honest(&m, i, &o, &row);
        if (next(&m.seed) % 1000 < per_mille) {
            spoil(&m, (enum spoil)(next(&m.seed) % SPOILS), &o, &row);
            continue;
        }
        both(&m, &o, &row);
        p->n_matched++;
    }
    shuffle(&m);
    if (p->bill.n)
        p->bill.day = day;
    sums(p);
}

void plant_free(struct plant *p)
{
    for (size_t i = 0; i < p->n_owned; i++)
        free(p->owned[i]);
    free(p->owned);
    free(p->ours);
    free(p->bill.rows);
    free(p->wanted);
    *p = (struct plant){0};
}
