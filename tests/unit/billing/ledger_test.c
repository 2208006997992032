/* ledger_test.c - groups by hand, and random programs of them: everything sums to zero, nothing happens twice, what is reversed is
 * as if it had not been, a closed day takes nothing, and hledger agrees. */
#include "tests/unit/test.h"
#include "billing/ledger_journal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY      20738
#define CHANNEL  1
#define CLEARING 50

static const struct split_rule RULE = {.id = 1, .version = 1, .basis_points = {3000, 4500, 2000, 500}};
static const struct split_rule NEWER = {.id = 1, .version = 2, .basis_points = {0, 0, 3333, 6667}};

static struct ledger_head head(int64_t id, int32_t day)
{
    return (struct ledger_head){.id = id, .key = 1000000 + id, .about_id = 7, .effective_day = day};
}

static struct ledger_shares shares(const struct split_rule *rule)
{
    return (struct ledger_shares){.rule = rule, .owner_id = {31, 32, 323, 9}};
}

static int64_t sum_fen(const struct ledger_book *b)
{
    int64_t debits = 0, credits = 0;

    for (size_t i = 0; i < ledger_book_accounts(b); i++) {
        debits += ledger_book_balance(b, i)->debits_fen;
        credits += ledger_book_balance(b, i)->credits_fen;
    }
    return debits - credits;
}

/* An open book that ends with the test. */
static struct ledger_book *book(struct test *t)
{
    struct ledger_book *b = ledger_book_new();

    test_cleanup(t, (void (*)(void *))ledger_book_free, b);
    return b;
}

static void post(struct ledger_book *b, const struct ledger_group *g)
{
    struct err err = ERR_INIT;
    bool repeated = true;

    CHECK_OK(ledger_book_post(b, g, &repeated, &err), &err);
    CHECK(!repeated);
    CHECK_INT(sum_fen(b), 0);
}

/* 12.34 paid and shared. */
static void paid_and_split(struct ledger_book *b, struct ledger_shares *s)
{
    struct ledger_head h1 = head(1, DAY), h2 = head(2, DAY);
    struct ledger_group g;
    struct err err = ERR_INIT;

    CHECK_OK(ledger_paid(&g, &h1, CHANNEL, CLEARING, 1234, &err), &err);
    post(b, &g);
    CHECK_OK(ledger_split(&g, &h2, CLEARING, s, 1234, &err), &err);
    post(b, &g);
}

TEST(ledger, a_payment_is_shared_and_clearing_is_empty)
{
    struct ledger_book *b = book(t);
    struct ledger_shares s = shares(&RULE);

    paid_and_split(b, &s);
    CHECK_INT(ledger_book_fen(b, LEDGER_CHANNEL, CHANNEL), 1234);
    CHECK_INT(ledger_book_fen(b, LEDGER_CLEARING, CLEARING), 0);
    CHECK_INT(ledger_book_fen(b, LEDGER_INVITING_ORG, 31), 370);
    CHECK_INT(ledger_book_fen(b, LEDGER_INVITED_ORG, 32), 555);
    CHECK_INT(ledger_book_fen(b, LEDGER_DOCTOR, 323), 247);
    CHECK_INT(ledger_book_fen(b, LEDGER_OPERATOR, 9), 62);
}

TEST(ledger, a_refund_takes_back_by_the_rule_that_shared)
{
    struct ledger_book *b = book(t);
    struct ledger_shares s = shares(&RULE);
    struct ledger_head h3 = head(3, DAY + 1), h4 = head(4, DAY + 2);
    struct ledger_group g;
    struct err err = ERR_INIT;

    paid_and_split(b, &s);
    CHECK_OK(ledger_refund(&g, &h3, CHANNEL, CLEARING, &s, 333, &err), &err);
    post(b, &g);
    CHECK_INT(ledger_book_fen(b, LEDGER_INVITING_ORG, 31), 370 - 100);
    CHECK_ERR(ledger_refund(&g, &h4, CHANNEL, CLEARING, &s, 902, &err), &err, ERR_CONFLICT,
              "ledger_refund_exceeds");
    CHECK_OK(ledger_refund(&g, &h4, CHANNEL, CLEARING, &s, 901, &err), &err);
    post(b, &g);
    for (size_t i = 0; i < ledger_book_accounts(b); i++)
        CHECK_INT(ledger_book_balance(b, i)->debits_fen, ledger_book_balance(b, i)->credits_fen);
}

TEST(ledger, what_the_channel_keeps_is_its_fee_rounded_once)
{
    struct ledger_book *b = book(t);
    struct ledger_head h1 = head(1, DAY), h2 = head(2, DAY), h3 = head(3, DAY);
    struct ledger_group g;
    struct err err = ERR_INIT;

    CHECK_OK(ledger_fee(&g, &h1, CHANNEL, 9, 6500, &err), &err);
    post(b, &g);
    CHECK_OK(ledger_fee(&g, &h2, CHANNEL, 9, -2000, &err), &err);
    post(b, &g);
    CHECK_INT(ledger_book_fen(b, LEDGER_FEE, 9), 5);
    CHECK_INT(ledger_book_fen(b, LEDGER_CHANNEL, CHANNEL), -5);
    CHECK_ERR(ledger_fee(&g, &h3, CHANNEL, 9, 499, &err), &err, ERR_INVALID, "ledger_amount");
}

/* A long difference given back, a short one that arrives, one that is given up. */
TEST(ledger, differences_wait_in_suspense_and_leave_it)
{
    static const struct {
        int64_t delta, clears;
        enum ledger_code how;
    } STORY[] = {{500, 500, LEDGER_LONG_REFUNDED},
                 {300, 300, LEDGER_LONG_BOOKED},
                 {-200, 200, LEDGER_SHORT_ARRIVED},
                 {-100, 60, LEDGER_SHORT_LOST},
                 {-300, 340, LEDGER_SHORT_VOIDED}};
    struct ledger_book *b = book(t);
    struct ledger_group g;
    struct err err = ERR_INIT;
    int64_t id = 0;

    for (size_t i = 0; i < sizeof STORY / sizeof *STORY; i++) {
        struct ledger_head found = head(++id, DAY), cleared = head(++id, DAY);

        CHECK_OK(ledger_difference(&g, &found, CHANNEL, STORY[i].delta, &err), &err);
        post(b, &g);
        if (STORY[i].how == LEDGER_SHORT_VOIDED) { /* the payment that never was */
            struct ledger_head paid = head(++id, DAY);

            CHECK_OK(ledger_paid(&g, &paid, CHANNEL, CLEARING, 340, &err), &err);
            post(b, &g);
        }
        CHECK_OK(ledger_clear(&g, &cleared, STORY[i].how, CHANNEL, CLEARING, STORY[i].clears, &err), &err);
        post(b, &g);
    }
    CHECK_INT(ledger_book_fen(b, LEDGER_LONG, CHANNEL), 0);
    CHECK_INT(ledger_book_fen(b, LEDGER_SHORT, CHANNEL), 0);
    CHECK_INT(ledger_book_fen(b, LEDGER_LOSS, CLEARING), 60);
    CHECK_INT(ledger_book_fen(b, LEDGER_CLEARING, CLEARING), 300);
    CHECK_INT(ledger_book_fen(b, LEDGER_CHANNEL, CHANNEL), 240);
    CHECK_ERR(
        ledger_clear(&g, &(struct ledger_head){.id = 99}, LEDGER_LONG_FOUND, CHANNEL, CLEARING, 1, &err),
        &err, ERR_INVALID, "ledger_shape");
    CHECK_ERR(ledger_clear(&g, &(struct ledger_head){.id = 99}, LEDGER_SPLIT, CHANNEL, CLEARING, 1, &err),
              &err, ERR_INVALID, "ledger_shape");
    CHECK_OK(
        ledger_clear(&g, &(struct ledger_head){.id = 99}, LEDGER_LONG_REFUNDED, CHANNEL, CLEARING, 1, &err),
        &err); /* nothing is left in suspense */
    CHECK_ERR(ledger_book_post(b, &g, NULL, &err), &err, ERR_CONFLICT, "ledger_negative");
    CHECK_INT(sum_fen(b), 0);
}

TEST(ledger, what_has_no_meaning_is_refused)
{
    struct ledger_book *b = book(t);
    struct ledger_head h = head(1, DAY);
    struct ledger_group g, bad;
    struct err err = ERR_INIT;

    CHECK_ERR(ledger_paid(&g, &h, CHANNEL, CLEARING, 0, &err), &err, ERR_INVALID, "ledger_amount");
    CHECK_ERR(ledger_paid(&g, &h, CHANNEL, CLEARING, INT64_MAX, &err), &err, ERR_INVALID, "ledger_amount");
    CHECK_ERR(ledger_difference(&g, &h, CHANNEL, INT64_MIN, &err), &err, ERR_INVALID, "ledger_amount");
    CHECK_OK(ledger_paid(&g, &h, CHANNEL, CLEARING, 5, &err), &err);
    bad = g;
    bad.transfers[0].debit.kind = LEDGER_DOCTOR;
    CHECK_ERR(ledger_book_post(b, &bad, NULL, &err), &err, ERR_INVALID, "ledger_shape");
    bad = g;
    bad.transfers[0].debit = g.transfers[0].credit; /* backwards, but it reverses nothing */
    bad.transfers[0].credit = g.transfers[0].debit;
    CHECK_ERR(ledger_book_post(b, &bad, NULL, &err), &err, ERR_INVALID, "ledger_shape");
    bad = g;
    bad.transfers[0].amount_fen = -5;
    CHECK_ERR(ledger_book_post(b, &bad, NULL, &err), &err, ERR_INVALID, "ledger_amount");
    bad = g;
    bad.n = 0;
    CHECK_ERR(ledger_book_post(b, &bad, NULL, &err), &err, ERR_INVALID, "ledger_empty");
    CHECK_INT(ledger_book_groups(b), 0);
}

TEST(ledger, the_same_key_has_one_effect_and_another_body_none)
{
    struct ledger_book *b = book(t);
    struct ledger_head h = head(1, DAY);
    struct ledger_group g;
    struct err err = ERR_INIT;
    bool repeated = false;

    CHECK_OK(ledger_paid(&g, &h, CHANNEL, CLEARING, 5, &err), &err);
    post(b, &g);
    CHECK_OK(ledger_book_close_day(b, DAY, &err), &err);
    g.head.id = 2; /* sent again, numbered again, and the day has been closed meanwhile */
    CHECK_OK(ledger_book_post(b, &g, &repeated, &err), &err);
    CHECK(repeated);
    CHECK_INT(ledger_book_groups(b), 1);
    g.transfers[0].amount_fen = 6;
    CHECK_ERR(ledger_book_post(b, &g, NULL, &err), &err, ERR_CONFLICT, "ledger_key_reused");
    g.head.key++;
    CHECK_ERR(ledger_book_post(b, &g, NULL, &err), &err, ERR_CONFLICT, "ledger_day_closed");
    CHECK_OK(ledger_book_reopen_day(b, DAY, &err), &err);
    CHECK_OK(ledger_book_post(b, &g, NULL, &err), &err);
    CHECK_INT(ledger_book_fen(b, LEDGER_CHANNEL, CHANNEL), 11);
    CHECK_ERR(ledger_book_reopen_day(b, DAY, &err), &err, ERR_CONFLICT, "ledger_day_open");
}

TEST(ledger, a_reversal_is_the_mirror_once_and_its_own_reversal_the_original)
{
    struct ledger_book *b = book(t);
    struct ledger_shares s = shares(&RULE);
    struct ledger_head h3 = head(3, DAY + 1), h4 = head(4, DAY + 1), h5 = head(5, DAY + 1);
    struct ledger_group back, other, again;
    struct err err = ERR_INIT;

    paid_and_split(b, &s);
    CHECK_OK(ledger_reverse(&back, &h3, ledger_book_group(b, 1), &err), &err);
    other = back;
    other.transfers[0].amount_fen++;
    CHECK_ERR(ledger_book_post(b, &other, NULL, &err), &err, ERR_CONFLICT, "ledger_not_its_mirror");
    other.reverses = 77;
    CHECK_ERR(ledger_book_post(b, &other, NULL, &err), &err, ERR_NOT_FOUND, "ledger_unknown");
    post(b, &back);
    CHECK_INT(ledger_book_fen(b, LEDGER_CLEARING, CLEARING), 1234);
    CHECK_INT(ledger_book_fen(b, LEDGER_DOCTOR, 323), 0);
    CHECK_OK(ledger_reverse(&other, &h4, ledger_book_group(b, 1), &err), &err);
    CHECK_ERR(ledger_book_post(b, &other, NULL, &err), &err, ERR_CONFLICT, "ledger_reversed");
    CHECK_OK(ledger_reverse(&again, &h5, &back, &err), &err);
    post(b, &again);
    CHECK_INT(ledger_book_fen(b, LEDGER_CLEARING, CLEARING), 0);
    CHECK_INT(ledger_book_fen(b, LEDGER_DOCTOR, 323), 247);
}

/* ---------------------------------------------------------------- random programs */

static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

#define PAYMENTS 64
#define OWNERS   4
struct model { /* beside the book, by other means: plain sums of what should have happened */
    uint64_t seed;
    int64_t id;
    int32_t day;
    struct ledger_shares shares[PAYMENTS];
    int64_t paid[PAYMENTS]; /* 0: not yet; then the amount */
    bool split[PAYMENTS];
    size_t n;
    int64_t balance[LEDGER_KINDS][OWNERS]; /* debits positive */
    size_t refused_closed, repeated, reversed;
};

/* Owners stand below OWNERS in random programs, so the model is a plain array. */
static void apply(struct model *m, const struct ledger_group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        m->balance[g->transfers[i].debit.kind][g->transfers[i].debit.owner_id] += g->transfers[i].amount_fen;
        m->balance[g->transfers[i].credit.kind][g->transfers[i].credit.owner_id] -=
            g->transfers[i].amount_fen;
    }
}

static bool build_service(struct model *m, struct ledger_group *g, const struct ledger_head *h)
{
    size_t i = next(&m->seed) % PAYMENTS;
    struct ledger_shares *s = &m->shares[i];

    if (!m->paid[i]) {
        *s = (struct ledger_shares){.rule = next(&m->seed) % 2 ? &RULE : &NEWER};
        for (int p = 0; p < SPLIT_PARTIES; p++)
            s->owner_id[p] = (int64_t)(next(&m->seed) % OWNERS);
        m->paid[i] = 1 + (int64_t)(next(&m->seed) % 100000);
        return ledger_paid(g, h, (int64_t)(i % 2), (int64_t)(i % OWNERS), m->paid[i], NULL);
    }
    if (!m->split[i]) {
        m->split[i] = true;
        return ledger_split(g, h, (int64_t)(i % OWNERS), s, m->paid[i], NULL);
    }
    /* in parts, or whole, or too much; an emptied payment makes room for another */
    if (!ledger_refund(g, h, (int64_t)(i % 2), (int64_t)(i % OWNERS), s,
                       1 + (int64_t)(next(&m->seed) % (uint64_t)m->paid[i]), NULL)) {
        m->paid[i] = 0;
        m->split[i] = false;
        return false;
    }
    return true;
}

static bool build(struct model *m, struct ledger_book *b, struct ledger_group *g, const struct ledger_head *h)
{
    int64_t fen = 1 + (int64_t)(next(&m->seed) % 5000), channel = (int64_t)(next(&m->seed) % 2);

    switch (next(&m->seed) % 10) {
    case 0:
        return ledger_fee(g, h, channel, 0, (next(&m->seed) % 2 ? 1 : -1) * fen * 300, NULL);
    case 1:
        return ledger_difference(g, h, channel, next(&m->seed) % 2 ? fen : -fen, NULL);
    case 2:
        return ledger_clear(g, h, (enum ledger_code)(next(&m->seed) % LEDGER_CODES), channel,
                            (int64_t)(next(&m->seed) % OWNERS), fen, NULL);
    case 3:
        return ledger_book_groups(b) &&
               ledger_reverse(g, h, ledger_book_group(b, next(&m->seed) % ledger_book_groups(b)), NULL);
    default:
        return build_service(m, g, h);
    }
}

static void agree(const struct model *m, const struct ledger_book *b)
{
    for (int k = 0; k < LEDGER_KINDS; k++)
        for (int o = 0; o < OWNERS; o++) {
            const struct ledger_chart *c = ledger_chart((enum ledger_kind)k);

            CHECK_INT(ledger_book_fen(b, (enum ledger_kind)k, o),
                      c->debit ? m->balance[k][o] : -m->balance[k][o]);
            CHECK(!c->never_negative || ledger_book_fen(b, (enum ledger_kind)k, o) >= 0);
        }
    CHECK_INT(sum_fen(b), 0);
}

static void step(struct model *m, struct ledger_book *b)
{
    struct ledger_head h = head(++m->id, m->day - (int32_t)(next(&m->seed) % 4));
    struct ledger_group g;
    struct err err = ERR_INIT;
    bool repeated;

    if (next(&m->seed) % 200 == 0) { /* the day before yesterday is closed */
        CHECK_OK(ledger_book_close_day(b, m->day - 2, &err), &err);
        m->day++;
    }
    if (next(&m->seed) % 10 == 0 && ledger_book_groups(b)) { /* somebody sends an old request again */
        g = *ledger_book_group(b, next(&m->seed) % ledger_book_groups(b));
        g.head.id = h.id;
        CHECK_OK(ledger_book_post(b, &g, &repeated, &err), &err);
        CHECK(repeated);
        m->repeated++;
        return;
    }
    if (!build(m, b, &g, &h))
        return;
    if (ledger_book_post(b, &g, &repeated, &err)) {
        CHECK(!repeated);
        apply(m, &g);
        m->reversed += g.reverses != 0;
        return;
    }
    m->refused_closed += strcmp(err.reason, "ledger_day_closed") == 0;
    CHECK(strcmp(err.reason, "ledger_day_closed") == 0 || strcmp(err.reason, "ledger_negative") == 0 ||
          strcmp(err.reason, "ledger_reversed") == 0);
}

TEST(ledger, random_programs_agree_with_plain_sums_at_every_step)
{
    size_t closed = 0, repeated = 0, reversed = 0;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct ledger_book *b = ledger_book_new();
        struct model *m = calloc(1, sizeof *m);

        m->seed = seed;
        m->day = DAY;
        for (int i = 0; i < 1500; i++) {
            step(m, b);
            agree(m, b);
        }
        closed += m->refused_closed;
        repeated += m->repeated;
        reversed += m->reversed;
        free(m);
        ledger_book_free(b);
    }
    CHECK(closed > 300);
    CHECK(repeated > 1000);
    CHECK(reversed > 300);
}

/* The last of what reversed it, what reversed that, and so on; itself when nothing did. */
static const struct ledger_group *tip_of(const struct ledger_book *b, const struct ledger_group *g)
{
    for (size_t i = 0; i < ledger_book_groups(b); i++)
        if (ledger_book_group(b, i)->reverses == g->head.id)
            return tip_of(b, ledger_book_group(b, i));
    return g;
}

/* Everything, backwards, on a later day: as if nothing had been. What the program reversed itself is undone at its tip. */
TEST(ledger, reversing_all_leaves_nothing)
{
    struct ledger_book *b = book(t);
    struct model *m = calloc(1, sizeof *m);
    struct err err = ERR_INIT;

    test_cleanup(t, free, m);
    m->seed = 99;
    m->day = DAY;
    for (int i = 0; i < 600; i++)
        step(m, b);
    CHECK(m->reversed > 5);
    for (size_t i = ledger_book_groups(b); i-- > 0;) {
        struct ledger_head h = head(++m->id, m->day + 1);
        struct ledger_group g;

        CHECK_OK(ledger_reverse(&g, &h, tip_of(b, ledger_book_group(b, i)), &err), &err);
        CHECK_OK(ledger_book_post(b, &g, NULL, &err), &err);
        CHECK_INT(sum_fen(b), 0);
    }
    for (size_t i = 0; i < ledger_book_accounts(b); i++)
        CHECK_INT(ledger_book_balance(b, i)->debits_fen, ledger_book_balance(b, i)->credits_fen);
}

/* ---------------------------------------------------------------- hledger */

/* What a command says; its exit status is checked. */
static char *said(struct test *t, const char *command)
{
    FILE *p = popen(command, "re");
    char *text = calloc(1, 1 << 16);

    CHECK(p);
    test_cleanup(t, free, text);
    CHECK(fread(text, 1, (1 << 16) - 1, p) < (1 << 16) - 1);
    if (pclose(p) != 0)
        fprintf(stderr, "%s: %s\n", command, text), fail();
    return text;
}

static void journal_of(struct ledger_book *b, const char *path)
{
    FILE *out = fopen(path, "we");

    CHECK(out);
    CHECK(ledger_journal_write(out, b));
    fclose(out);
}

TEST(ledger, hledger_accepts_the_journal_and_has_the_same_balances)
{
    const char *path = test_path(t, test_dir(t), "day.journal");
    struct ledger_book *b = book(t);
    struct model *m = calloc(1, sizeof *m);
    char command[1200], line[256], *balances;
    size_t with_money = 0, lines = 0;

    if (system("command -v hledger >/dev/null 2>&1") != 0) {
        fprintf(stderr, "hledger is not installed: the exported journal stays unproved here\n");
        free(m);
        skip();
    }
    m->seed = 2026;
    m->day = DAY;
    for (int i = 0; i < 800; i++)
        step(m, b);
    free(m);
    journal_of(b, path);
    snprintf(command, sizeof command, "LC_ALL=C.UTF-8 hledger -f %s check --strict 2>&1", path);
    said(t, command);
    snprintf(command, sizeof command, "LC_ALL=C.UTF-8 hledger -f %s balance --flat -N -O csv 2>&1", path);
    balances = said(t, command);
    for (size_t i = 0; i < ledger_book_accounts(b); i++) {
        const struct ledger_balance *x = ledger_book_balance(b, i);
        int64_t fen = x->debits_fen - x->credits_fen, size = fen < 0 ? -fen : fen;

        snprintf(line, sizeof line, "\"%s:%" PRId64 "\",\"%s%" PRId64 ".%02" PRId64 " CNY\"",
                 ledger_chart(x->account.kind)->name, x->account.owner_id, fen < 0 ? "-" : "", size / 100,
                 size % 100);
        if (fen) {
            with_money++;
            if (!strstr(balances, line))
                fprintf(stderr, "missing %s in\n%s\n", line, balances), fail();
        }
    }
    for (const char *p = balances; (p = strchr(p, '\n')); p++)
        lines++;
    CHECK(with_money > 10);
    CHECK_INT(lines, with_money + 1); /* a header, and nothing that we do not have */
}

TEST(ledger, hledger_notices_a_fen_that_is_not_ours)
{
    const char *path = test_path(t, test_dir(t), "day.journal");
    struct ledger_book *b = book(t);
    struct ledger_shares s = shares(&RULE);
    char command[1200];

    if (system("command -v hledger >/dev/null 2>&1") != 0) {
        fprintf(stderr, "hledger is not installed: the exported journal stays unproved here\n");
        skip();
    }
    paid_and_split(b, &s);
    journal_of(b, path);
    snprintf(
        command, sizeof command,
        "sed -i 's/  3\\.70 CNY/  3.71 CNY/; s/ -3\\.70 CNY$/ -3.71 CNY/' %s; ! hledger -f %s check --strict "
        ">/dev/null 2>&1",
        path, path);
    CHECK_INT(system(command), 0);
}
