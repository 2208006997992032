/* recon_test.c - every planted difference is found with its class, and nothing else is. */
#include "tests/unit/test.h"
#include "tests/unit/billing/recon_plant.h"
#include "core/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY 20738

static const struct recon_rule RULE = {
    .version = 1, .cutoff_s = 600, .cutoff_days = 2, .fee_tolerance_milli_fen = 500};

static struct recon_result run(const struct plant *p)
{
    struct recon_result r;
    struct err err = ERR_INIT;

    CHECK_OK(recon_run(&r, &RULE, p->day, p->ours, p->n_ours, &p->bill, &err), &err);
    return r;
}

static const char *key_of(const struct plant *p, const struct recon_diff *d)
{
    if (d->ours != RECON_NONE) {
        const struct recon_ours *o = &p->ours[d->ours];
        return o->kind == BILL_REFUND ? o->out_refund_no : o->out_trade_no;
    }
    return p->bill.rows[d->channel].kind == BILL_REFUND ? p->bill.rows[d->channel].out_refund_no
                                                        : p->bill.rows[d->channel].out_trade_no;
}

static int by_key(const void *a, const void *b)
{
    const struct plant_wanted *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : (int)x->class - (int)y->class;
}

static void same(const struct plant *p, const struct recon_result *r)
{
    struct plant_wanted *got = calloc(r->n + 1, sizeof *got);
    int64_t delta = 0;
    size_t counted = 0;

    CHECK_INT(r->n, p->n_wanted);
    CHECK_INT(r->matched, p->n_matched);
    for (size_t i = 0; i < r->n; i++) {
        got[i] = (struct plant_wanted){r->diffs[i].class, key_of(p, &r->diffs[i]), r->diffs[i].cleared};
        delta += r->diffs[i].delta_fen;
        CHECK(*r->diffs[i].why);
    }
    qsort(got, r->n, sizeof *got, by_key);
    if (p->n_wanted)
        qsort(p->wanted, p->n_wanted, sizeof *p->wanted, by_key);
    for (size_t i = 0; i < r->n; i++) {
        CHECK_STR(got[i].key, p->wanted[i].key);
        CHECK_STR(recon_class_name(got[i].class), recon_class_name(p->wanted[i].class));
        CHECK_INT(got[i].cleared, p->wanted[i].cleared);
    }
    for (int c = 0; c < RECON_CLASSES; c++)
        counted += r->count[c];
    CHECK_INT(counted, r->n);
    CHECK_INT(delta, p->net_bill_fen - p->net_ours_fen);
    free(got);
}

TEST(recon, every_planted_difference_is_found_with_its_class_and_none_else)
{
    size_t found[RECON_CLASSES] = {0};

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct plant p;
        struct recon_result r;

        plant_day(&p, seed, DAY + (int32_t)seed, 40 * seed, (unsigned)(seed % 7) * 50);
        r = run(&p);
        same(&p, &r);
        for (int c = 0; c < RECON_CLASSES; c++)
            found[c] += r.count[c];
        recon_free(&r);
        plant_free(&p);
    }
    for (int c = 0; c < RECON_CLASSES; c++)
        CHECK(found[c] > 50);
}

TEST(recon, a_second_run_has_the_same_hash_and_any_change_another)
{
    struct plant p;
    struct recon_result first, second;
    struct recon_rule newer = RULE;
    struct err err = ERR_INIT;

    plant_day(&p, 7, DAY, 500, 100);
    first = run(&p);
    second = run(&p);
    CHECK_MEM(first.hash, second.hash, SHA256_LEN);
    recon_free(&second);
    newer.version = 2;
    CHECK_OK(recon_run(&second, &newer, DAY, p.ours, p.n_ours, &p.bill, &err), &err);
    CHECK(memcmp(first.hash, second.hash, SHA256_LEN) != 0);
    recon_free(&second);
    p.bill.rows[17].amount_fen++;
    second = run(&p);
    CHECK(memcmp(first.hash, second.hash, SHA256_LEN) != 0);
    recon_free(&second);
    p.bill.rows[17].amount_fen--;
    p.ours[3].at_us++;
    second = run(&p);
    CHECK(memcmp(first.hash, second.hash, SHA256_LEN) != 0);
    recon_free(&first);
    recon_free(&second);
    plant_free(&p);
}

/* T7: orders between 23:55 and 00:05, the channel's clock some seconds behind ours. Over the days nothing is missing. */
TEST(recon, orders_around_midnight_are_a_cutoff_on_one_day_and_cleared_on_the_next)
{
    struct recon_ours ours[600];
    char key[600][24];
    int64_t total = 0, midnight = clock_shanghai_day_start_us(DAY + 1);
    size_t cutoffs = 0;

    for (size_t i = 0; i < 600; i++) {
        snprintf(key[i], sizeof key[i], "TC%08zu", i);
        ours[i] = (struct recon_ours){.id = (int64_t)i + 1,
                                      .kind = BILL_PAYMENT,
                                      .state = RECON_SETTLED,
                                      .at_us = midnight + ((int64_t)i - 300) * US_PER_S,
                                      .amount_fen = 1000 + (int64_t)i,
                                      .fee_milli_fen = RECON_NO_FEE,
                                      .matched_day = RECON_NO_DAY,
                                      .out_trade_no = key[i],
                                      .out_refund_no = "",
                                      .transaction_id = ""};
    }
    for (int32_t day = DAY; day <= DAY + 1; day++) {
        struct bill_row rows[600];
        struct bill bill = {.rows = rows, .day = day};
        struct recon_result r;
        struct err err = ERR_INIT;

        for (size_t i = 0; i < 600; i++) {
            int64_t theirs = ours[i].at_us + (int64_t)(i % 9) * US_PER_S; /* 0 … 8 s later */

            if (clock_shanghai_day(theirs) != day)
                continue;
            rows[bill.n++] = (struct bill_row){.kind = BILL_PAYMENT,
                                               .at_us = theirs,
                                               .amount_fen = ours[i].amount_fen,
                                               .out_trade_no = key[i],
                                               .out_refund_no = "",
                                               .transaction_id = "",
                                               .refund_id = "",
                                               .status = "SUCCESS"};
        }
        CHECK_OK(recon_run(&r, &RULE, day, ours, 600, &bill, &err), &err);
        CHECK_INT(r.n, r.count[RECON_CUTOFF]);
        CHECK(r.n > 0);
        for (size_t i = 0; i < r.n; i++) {
            CHECK_INT(r.diffs[i].cleared, day == DAY + 1);
            total += r.diffs[i].delta_fen;
        }
        cutoffs += r.n;
        recon_free(&r);
    }
    CHECK_INT(total, 0);
    CHECK_INT(cutoffs % 2, 0);
}

TEST(recon, a_day_without_trades_has_nothing_to_say)
{
    struct plant p;
    struct recon_result r;

    plant_day(&p, 1, DAY, 0, 0);
    r = run(&p);
    CHECK_INT(r.n, 0);
    CHECK_INT(r.matched, 0);
    recon_free(&r);
    plant_free(&p);
}

TEST(recon, evidence_is_both_sides_rows)
{
    struct recon_ours o = {.id = 1,
                           .kind = BILL_PAYMENT,
                           .state = RECON_CLOSED,
                           .at_us = clock_shanghai_day_start_us(DAY) + 1,
                           .amount_fen = 1250,
                           .fee_milli_fen = RECON_NO_FEE,
                           .matched_day = RECON_NO_DAY,
                           .out_trade_no = "TC1",
                           .out_refund_no = "",
                           .transaction_id = ""};
    struct bill_row rows[] = {
        {.kind = BILL_PAYMENT, .at_us = o.at_us, .amount_fen = 300, .out_trade_no = "TC0"},
        {.kind = BILL_PAYMENT, .at_us = o.at_us, .amount_fen = 1250, .out_trade_no = "TC1"},
    };
    struct plant p = {.day = DAY, .ours = &o, .n_ours = 1, .bill = {.rows = rows, .n = 2, .day = DAY}};
    struct recon_result r;

    for (int i = 0; i < 2; i++)
        rows[i].out_refund_no = rows[i].transaction_id = rows[i].refund_id = rows[i].status = "";
    r = run(&p);
    CHECK_INT(r.n, 2);
    CHECK_INT(r.diffs[0].class, RECON_LONG);
    CHECK_INT(r.diffs[0].ours, RECON_NONE);
    CHECK_INT(r.diffs[0].channel, 0);
    CHECK_INT(r.diffs[0].delta_fen, 300);
    CHECK_INT(r.diffs[1].class, RECON_STATUS); /* closed here, paid there: to be refunded */
    CHECK_INT(r.diffs[1].ours, 0);
    CHECK_INT(r.diffs[1].channel, 1);
    CHECK_INT(r.diffs[1].delta_fen, 1250);
    recon_free(&r);
}

TEST(recon, what_makes_no_sense_is_refused)
{
    struct plant p;
    struct recon_result r;
    struct recon_rule rule = RULE;
    struct err err = ERR_INIT;

    plant_day(&p, 3, DAY, 50, 0);
    CHECK_ERR(recon_run(&r, &RULE, DAY + 1, p.ours, p.n_ours, &p.bill, &err), &err, ERR_INVALID, "recon_day");
    rule.cutoff_days = 0;
    CHECK_ERR(recon_run(&r, &rule, DAY, p.ours, p.n_ours, &p.bill, &err), &err, ERR_INVALID, "recon_rule");
    p.ours[7].id = p.ours[6].id;
    CHECK_ERR(recon_run(&r, &RULE, DAY, p.ours, p.n_ours, &p.bill, &err), &err, ERR_INVALID, "recon_ours");
    p.ours[7].id = p.ours[6].id + 1;
    p.ours[7].amount_fen = 0;
    CHECK_ERR(recon_run(&r, &RULE, DAY, p.ours, p.n_ours, &p.bill, &err), &err, ERR_INVALID, "recon_ours");
    plant_free(&p);
}
