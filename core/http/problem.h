/* problem.h - errors as the outside reads them: RFC 9457 problem details, in the caller's language.
 *
 * The stable part is `code` (struct err's reason). detail and hint come from the daemon's book, or from the words
 * every daemon needs (problem_text.c); an unknown code gets its status' words. err->text is for the log and never
 * leaves the house.
 * Runs on any thread, once the book is there.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include "core/err.h"

enum locale { LOCALE_ZH_CN, LOCALE_EN };

/** "zh-CN", "en". */
const char *locale_name(enum locale l);
/** false when it is neither. */
bool locale_parse(const char *name, enum locale *out);
/** From an Accept-Language header; fallback when it names neither language. */
enum locale locale_accept(const char *header, enum locale fallback);

struct problem_text {
    const char *code;
    const char *detail[2], *hint[2]; /* by enum locale */
    int status;                      /* where the standard wants another than the error's own; 0: that */
};
/* One row of a book: PROBLEM(code, zh, en, hint_zh, hint_en) */
/* clang-format off */
#define PROBLEM_AS(status, code, zh, en, hint_zh, hint_en) {code, {zh, en}, {hint_zh, hint_en}, status}
#define PROBLEM(code, zh, en, hint_zh, hint_en) PROBLEM_AS(0, code, zh, en, hint_zh, hint_en)
/* clang-format on */
struct problem_book {
    const struct problem_text *texts;
    size_t n;
    const char *(*words_of)(
        const char *code); /* the code whose words this one has, or itself; NULL: itself */
};
/** The daemon's own words, before anything is answered. */
void problem_book(const struct problem_book *book);
/** Never NULL: an unknown code gets the words of its status. */
const struct problem_text *problem_text(const char *code, int status);
/** The title of a status, RFC 9110 15. */
const char *problem_title(int status);

/** The whole document. @param extra members to add (log_id, kinds, reason …), or NULL; borrowed. */
json_t *problem_doc(const struct err *err, enum locale locale, const char *request_id, const json_t *extra);
/** The status of err: err_http_status(), except where its words have one of their own. */
int problem_status(const struct err *err);
