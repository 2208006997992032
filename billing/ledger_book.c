#include "billing/ledger_book.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"

/* ---------------------------------------------------------------- finding by number */

/* number -> index, open addressing; the caller knows what number and index mean. Accounts of one owner share a number. */
struct finder {
    struct {
        int64_t number;
        uint32_t who; /* index + 1 */
    } * slots;
    size_t mask, n;
};

static size_t place(const struct finder *f, int64_t number)
{
    return (size_t)(((uint64_t)number * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & f->mask;
}

static void finder_put(struct finder *f, int64_t number, uint32_t who)
{
    size_t at = place(f, number);

    while (f->slots[at].who)
        at = (at + 1) & f->mask;
    f->slots[at].number = number;
    f->slots[at].who = who + 1;
}

static void finder_add(struct finder *f, int64_t number, uint32_t who)
{
    if (2 * f->n >= f->mask) {
        struct finder bigger = {.mask = f->mask ? 2 * f->mask + 1 : 63, .n = f->n};

        bigger.slots = mem_new((bigger.mask + 1) * sizeof *bigger.slots);
        for (size_t i = 0; f->slots && i <= f->mask; i++)
            if (f->slots[i].who)
                finder_put(&bigger, f->slots[i].number, f->slots[i].who - 1);
        free(f->slots);
        *f = bigger;
    }
    finder_put(f, number, who);
    f->n++;
}

/* The index after `after` (UINT32_MAX: the first) with this number, or UINT32_MAX. */
static uint32_t finder_next(const struct finder *f, int64_t number, size_t *at, bool first)
{
    if (!f->slots)
        return UINT32_MAX;
    for (*at = first ? place(f, number) : (*at + 1) & f->mask; f->slots[*at].who; *at = (*at + 1) & f->mask)
        if (f->slots[*at].number == number)
            return f->slots[*at].who - 1;
    return UINT32_MAX;
}

static uint32_t finder_get(const struct finder *f, int64_t number)
{
    size_t at;

    return finder_next(f, number, &at, true);
}

/* ---------------------------------------------------------------- the book */

struct posted {
    struct ledger_group group;
    uint8_t hash[SHA256_LEN];
    bool reversed;
};

struct ledger_book {
    struct posted *groups;
    size_t n_groups, groups_cap;
    struct finder by_key, by_id;
    struct ledger_balance *accounts;
    size_t n_accounts, accounts_cap;
    struct finder by_owner;
    int32_t *closed;
    size_t n_closed;
};

struct ledger_book *ledger_book_new(void)
{
    return mem_new(sizeof(struct ledger_book));
}

void ledger_book_free(struct ledger_book *b)
{
    if (!b)
        return;
    free(b->groups);
    free(b->accounts);
    free(b->closed);
    free(b->by_key.slots);
    free(b->by_id.slots);
    free(b->by_owner.slots);
    free(b);
}

static struct ledger_balance *find_account(const struct ledger_book *b, struct ledger_account a)
{
    size_t at;

    for (uint32_t i = finder_next(&b->by_owner, a.owner_id, &at, true); i != UINT32_MAX;
         i = finder_next(&b->by_owner, a.owner_id, &at, false))
        if (b->accounts[i].account.kind == a.kind)
            return &b->accounts[i];
    return NULL;
}

static void open_account(struct ledger_book *b, struct ledger_account a)
{
    if (find_account(b, a))
        return;
    if (b->n_accounts == b->accounts_cap)
        b->accounts = mem_grow(b->accounts, (b->accounts_cap = b->accounts_cap ? 2 * b->accounts_cap : 16) *
                                                sizeof *b->accounts);
    finder_add(&b->by_owner, a.owner_id, (uint32_t)b->n_accounts);
    b->accounts[b->n_accounts++] = (struct ledger_balance){.account = a};
}

/* ---------------------------------------------------------------- folding */

static int64_t balance_fen(const struct ledger_balance *x)
{
    int64_t debit = x->debits_fen - x->credits_fen;

    return ledger_chart(x->account.kind)->debit ? debit : -debit;
}

static bool fold(struct ledger_book *b, const struct ledger_group *g, int64_t sign, struct err *err)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct ledger_transfer *t = &g->transfers[i];
        struct ledger_balance *d = find_account(b, t->debit), *c = find_account(b, t->credit);

        /* half the range: the difference of two such sums is always a number */
        if (sign > 0 && (d->debits_fen > INT64_MAX / 2 - t->amount_fen ||
                         c->credits_fen > INT64_MAX / 2 - t->amount_fen)) {
            struct ledger_group done = *g;

            done.n = i;
            fold(b, &done, -1, NULL);
            return err_set(err, ERR_TOO_LARGE, "ledger_range", "an account holds more than there is");
        }
        d->debits_fen += sign * t->amount_fen;
        c->credits_fen += sign * t->amount_fen;
    }
    return true;
}

static bool negative(const struct ledger_book *b, struct ledger_account a, struct err *err)
{
    const struct ledger_balance *x = find_account(b, a);

    if (!ledger_chart(a.kind)->never_negative || balance_fen(x) >= 0)
        return false;
    err_set(err, ERR_CONFLICT, "ledger_negative", "%s:%" PRId64 " would hold %" PRId64 " fen",
            ledger_chart(a.kind)->name, a.owner_id, balance_fen(x));
    return true;
}

static bool fold_whole(struct ledger_book *b, const struct ledger_group *g, struct err *err)
{
    for (size_t i = 0; i < g->n; i++) {
        open_account(b, g->transfers[i].debit);
        open_account(b, g->transfers[i].credit);
    }
    if (!fold(b, g, 1, err))
        return false;
    for (size_t i = 0; i < g->n; i++)
        if (negative(b, g->transfers[i].debit, err) || negative(b, g->transfers[i].credit, err)) {
            fold(b, g, -1, NULL);
            return false;
        }
    return true;
}

/* ---------------------------------------------------------------- posting */

static bool is_closed(const struct ledger_book *b, int32_t day)
{
    for (size_t i = 0; i < b->n_closed; i++)
        if (b->closed[i] == day)
            return true;
    return false;
}

static bool is_mirror(const struct ledger_group *g, const struct ledger_group *original)
{
    struct ledger_group mirror;
    uint8_t a[SHA256_LEN], c[SHA256_LEN];

    if (!ledger_reverse(&mirror, &g->head, original, NULL))
        return false;
    ledger_group_hash(g, a);
    ledger_group_hash(&mirror, c);
    return memcmp(a, c, sizeof a) == 0;
}

static bool may_reverse(const struct ledger_book *b, const struct ledger_group *g, uint32_t *original,
                        struct err *err)
{
    *original = UINT32_MAX;
    if (!g->reverses)
        return true;
    *original = finder_get(&b->by_id, g->reverses);
    if (*original == UINT32_MAX)
        return err_set(err, ERR_NOT_FOUND, "ledger_unknown", "no group %" PRId64 " to reverse", g->reverses);
    if (b->groups[*original].reversed)
        return err_set(err, ERR_CONFLICT, "ledger_reversed", "group %" PRId64 " is reversed already",
                       g->reverses);
    return is_mirror(g, &b->groups[*original].group) ||
           err_set(err, ERR_CONFLICT, "ledger_not_its_mirror", "not what group %" PRId64 " did, backwards",
                   g->reverses);
}

static void keep(struct ledger_book *b, const struct ledger_group *g, const uint8_t hash[SHA256_LEN])
{
    if (b->n_groups == b->groups_cap)
        b->groups =
            mem_grow(b->groups, (b->groups_cap = b->groups_cap ? 2 * b->groups_cap : 64) * sizeof *b->groups);
    finder_add(&b->by_key, g->head.key, (uint32_t)b->n_groups);
    finder_add(&b->by_id, g->head.id, (uint32_t)b->n_groups);
    b->groups[b->n_groups] = (struct posted){.group = *g};
    memcpy(b->groups[b->n_groups++].hash, hash, SHA256_LEN);
}

bool ledger_book_post(struct ledger_book *b, const struct ledger_group *g, bool *repeated, struct err *err)
{
    uint8_t hash[SHA256_LEN];
    uint32_t before = finder_get(&b->by_key, g->head.key), original;

    ledger_group_hash(g, hash);
    if (repeated)
        *repeated = before != UINT32_MAX;
    if (before != UINT32_MAX) /* also when its day has been closed since: it is there */
        return memcmp(hash, b->groups[before].hash, sizeof hash) == 0 ||
               err_set(err, ERR_CONFLICT, "ledger_key_reused", "key %" PRId64 " was another posting's",
                       g->head.key);
    if (!ledger_group_check(g, err))
        return false;
    if (finder_get(&b->by_id, g->head.id) != UINT32_MAX)
        return err_set(err, ERR_CONFLICT, "ledger_id_reused", "group %" PRId64 " is there", g->head.id);
    if (is_closed(b, g->head.effective_day))
        return err_set(err, ERR_CONFLICT, "ledger_day_closed", "day %" PRId32 " is closed",
                       g->head.effective_day);
    if (!may_reverse(b, g, &original, err) || !fold_whole(b, g, err))
        return false;
    if (original != UINT32_MAX)
        b->groups[original].reversed = true;
    keep(b, g, hash);
    return true;
}

bool ledger_book_close_day(struct ledger_book *b, int32_t day, struct err *err)
{
    if (is_closed(b, day))
        return err_set(err, ERR_CONFLICT, "ledger_day_closed", "day %" PRId32 " is closed already", day);
    b->closed = mem_grow(b->closed, (b->n_closed + 1) * sizeof *b->closed);
    b->closed[b->n_closed++] = day;
    return true;
}

bool ledger_book_reopen_day(struct ledger_book *b, int32_t day, struct err *err)
{
    for (size_t i = 0; i < b->n_closed; i++)
        if (b->closed[i] == day) {
            b->closed[i] = b->closed[--b->n_closed];
            return true;
        }
    return err_set(err, ERR_CONFLICT, "ledger_day_open", "day %" PRId32 " is not closed", day);
}

/* ---------------------------------------------------------------- reading */

size_t ledger_book_groups(const struct ledger_book *b)
{
    return b->n_groups;
}

const struct ledger_group *ledger_book_group(const struct ledger_book *b, size_t i)
{
    return &b->groups[i].group;
}

size_t ledger_book_accounts(const struct ledger_book *b)
{
    return b->n_accounts;
}

const struct ledger_balance *ledger_book_balance(const struct ledger_book *b, size_t i)
{
    return &b->accounts[i];
}

int64_t ledger_book_fen(const struct ledger_book *b, enum ledger_kind kind, int64_t owner_id)
{
    const struct ledger_balance *x = find_account(b, (struct ledger_account){kind, owner_id});

    return x ? balance_fen(x) : 0;
}
