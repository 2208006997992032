/* err.h - what went wrong, with the story of how we got there.
 *
 * Owns    nothing: a struct err lives on the caller's stack.
 * Runs on any thread; one struct belongs to one call chain.
 * Rule    a function that takes `struct err *` returns true and leaves it clear, or
 *         returns false and sets it. Never one without the other.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Few codes, rich text. The HTTP status of each stands in err_http_status(). */
enum err_code {
    ERR_NONE = 0,
    ERR_INVALID,         /* the caller's input breaks a rule             400 */
    ERR_UNAUTHENTICATED, /* nobody we know, or the token has expired     401 */
    ERR_DENIED,          /* known, but not allowed                       403 */
    ERR_NOT_FOUND,       /* absent, or another tenant's: same answer     404 */
    ERR_CONFLICT,        /* another request got there first              409 */
    ERR_STALE,           /* the version asked about is gone              409 */
    ERR_TOO_LARGE,       /* over a stated limit                          413 */
    ERR_UNSUPPORTED,     /* a format or feature we do not speak          415 */
    ERR_LIMIT,           /* too many, too often; later is fine           429 */
    ERR_INTERNAL,        /* our fault                                    500 */
    ERR_AGAIN,           /* not now; the same request may be sent again  503 */
    ERR_UNKNOWN,         /* outcome unknown (timeout); somebody asks on  504 */
    ERR_IO,              /* the operating system said no                 500 */
    ERR_CORRUPT,         /* stored bytes are not what we wrote           500 */
};

struct err {
    enum err_code code;
    char reason[48]; /* stable machine word, e.g. "slot_taken"; clients translate it */
    char text[400];  /* for operators: outermost context first, ": " between layers */
};

/* clang-format off */
#define ERR_INIT {ERR_NONE, "", ""}
/* clang-format on */

/** Set a fresh error. @param reason stable word (snake_case), shown to clients as `code`.
 * @return false, so that `return err_set(...)` reads well. err may be NULL. */
bool err_set(struct err *err, enum err_code code, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** Put context in front of an error on its way up: "settle visit 8: post entry: duplicate". */
void err_add(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);
bool err_is(const struct err *err, enum err_code code);
int err_http_status(enum err_code code);
/** "conflict", "not_found" …; never NULL. */
const char *err_code_name(enum err_code code);
/** errno as ERR_IO with the call's name; returns false. */
bool err_errno(struct err *err, const char *what);
