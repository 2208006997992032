/* ledger_journal.h - the ledger as an hledger journal (plain text accounting), so that a program of others can prove it. Pure; any
 * thread. Accounts are declared, every group is a transaction on its accounting day, and a last one asserts every balance:
 * `hledger check --strict` therefore also says whether our balances are those of the rows. */
#pragma once
#include <stdio.h>
#include "billing/ledger_book.h"

/** false: the stream failed. */
bool ledger_journal_write(FILE *out, const struct ledger_book *b);
