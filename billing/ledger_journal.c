#include "billing/ledger_journal.h"
#include <inttypes.h>
#include "billing/money.h"
#include "core/clock.h"

static void write_account(FILE *out, struct ledger_account a)
{
    fprintf(out, "%s:%" PRId64, ledger_chart(a.kind)->name, a.owner_id);
}

static void write_posting(FILE *out, struct ledger_account a, int64_t fen)
{
    char text[MONEY_TEXT];

    money_format(fen, text);
    fputs("    ", out);
    write_account(out, a);
    fprintf(out, "  %s CNY\n", text);
}

static void write_group(FILE *out, const struct ledger_group *g)
{
    char day[CLOCK_TEXT];

    clock_format_day(g->head.effective_day, day);
    fprintf(out, "\n%s (%" PRId64 ") %s%s  ; key:%" PRId64 ", about:%" PRId64, day, g->head.id,
            g->reverses ? "reversal of " : "", ledger_code_name(g->transfers[0].code), g->head.key,
            g->head.about_id);
    if (g->reverses)
        fprintf(out, ", reverses:%" PRId64, g->reverses);
    fputc('\n', out);
    for (size_t i = 0; i < g->n; i++) {
        write_posting(out, g->transfers[i].debit, g->transfers[i].amount_fen);
        write_posting(out, g->transfers[i].credit, -g->transfers[i].amount_fen);
    }
}

/* hledger counts debits positive, whatever the account. */
static void write_assertions(FILE *out, const struct ledger_book *b, int32_t last_day)
{
    char day[CLOCK_TEXT], text[MONEY_TEXT];

    clock_format_day(last_day, day);
    fprintf(out, "\n%s balances\n", day);
    for (size_t i = 0; i < ledger_book_accounts(b); i++) {
        const struct ledger_balance *x = ledger_book_balance(b, i);

        money_format(x->debits_fen - x->credits_fen, text);
        fputs("    ", out);
        write_account(out, x->account);
        fprintf(out, "  0.00 CNY = %s CNY\n", text);
    }
}

bool ledger_journal_write(FILE *out, const struct ledger_book *b)
{
    int32_t last_day = INT32_MIN;

    fputs("; yuan; debits are positive\ndecimal-mark .\ncommodity 1000.00 CNY\n", out);
    for (size_t i = 0; i < ledger_book_accounts(b); i++) {
        fputs("account ", out);
        write_account(out, ledger_book_balance(b, i)->account);
        fputc('\n', out);
    }
    for (size_t i = 0; i < ledger_book_groups(b); i++) {
        const struct ledger_group *g = ledger_book_group(b, i);

        write_group(out, g);
        if (g->head.effective_day > last_day)
            last_day = g->head.effective_day;
    }
    if (ledger_book_accounts(b))
        write_assertions(out, b, last_day);
    return fflush(out) == 0 && !ferror(out);
}
