/* journal.h - what was promised and has no row yet: a line per object, appended before the sender hears of success.
 *
 * Line    sixteen hex digits of the SHA-256 of the text, a space, one JSON object, a line feed; one write(2) each, so that it survives
 *         the end of the process (not of the machine: that is storage commitment's promise).
 * Owns    <dir>/journal, locked: one process per folder.
 * Runs on one thread.
 */
#pragma once
#include "core/json.h"

struct journal;

/** ERR_CONFLICT "journal_in_use" when another process holds the folder. */
bool journal_open(struct journal **out, const char *dir, struct err *err);
void journal_close(struct journal *j); /* NULL is fine */
/** Every whole line, in order; each counts as open until journal_done(). Torn or changed lines are logged and skipped: a torn one was
 * never promised. */
bool journal_replay(struct journal *j, void (*fn)(void *arg, const json_t *record), void *arg,
                    struct err *err);
/** After a failure nothing of the line stays. ERR_LIMIT "out_of_space", ERR_IO. */
bool journal_append(struct journal *j, const json_t *record, struct err *err);
/** One of the lines is settled. When all are, the file begins anew. */
void journal_done(struct journal *j);
unsigned journal_open_lines(const struct journal *j);
