#include "core/err.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int status;
} CODES[] = {
    [ERR_NONE] = {"none", 200},
    [ERR_INVALID] = {"invalid", 400},
    [ERR_UNAUTHENTICATED] = {"unauthenticated", 401},
    [ERR_DENIED] = {"denied", 403},
    [ERR_NOT_FOUND] = {"not_found", 404},
    [ERR_CONFLICT] = {"conflict", 409},
    [ERR_STALE] = {"stale", 409},
    [ERR_TOO_LARGE] = {"too_large", 413},
    [ERR_UNSUPPORTED] = {"unsupported", 415},
    [ERR_LIMIT] = {"limit", 429},
    [ERR_INTERNAL] = {"internal", 500},
    [ERR_AGAIN] = {"again", 503},
    [ERR_UNKNOWN] = {"unknown", 504},
    [ERR_IO] = {"io", 500},
    [ERR_CORRUPT] = {"corrupt", 500},
};
#define CODES_N (sizeof CODES / sizeof *CODES)

bool err_set(struct err *err, enum err_code code, const char *reason, const char *fmt, ...)
{
    char text[sizeof err->text]; /* the arguments may point into err itself */
    char word[sizeof err->reason];
    va_list ap;

    if (!err)
        return false;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(word, sizeof word, "%s", reason ? reason : err_code_name(code));
    err->code = code;
    memcpy(err->reason, word, sizeof word);
    memcpy(err->text, text, sizeof text);
    return false;
}

void err_add(struct err *err, const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list ap;
    int n;

    if (!err)
        return;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    /* The innermost cause is worth more than the outermost context: when both do not fit, context gives way.
     */
    size_t inner = strlen(err->text);
    size_t room = sizeof text - 1 - (inner ? inner + 2 : 0);
    size_t outer = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    if (inner + 2 > sizeof text - 1 || room == 0)
        return;
    if (outer > room)
        outer = room;
    if (inner) {
        memmove(err->text + outer + 2, err->text, inner + 1);
        memcpy(err->text + outer, ": ", 2);
    } else {
        err->text[outer] = '\0';
    }
    memcpy(err->text, text, outer);
}

void err_clear(struct err *err)
{
    if (err)
        *err = (struct err)ERR_INIT;
}

bool err_is(const struct err *err, enum err_code code)
{
    return err && err->code == code;
}

int err_http_status(enum err_code code)
{
    return (size_t)code < CODES_N ? CODES[code].status : 500;
}

const char *err_code_name(enum err_code code)
{
    return (size_t)code < CODES_N ? CODES[code].name : "internal";
}

bool err_errno(struct err *err, const char *what)
{
    int e = errno;
    char buf[128];

    return err_set(err, ERR_IO, "os_error", "%s: %s", what, strerror_r(e, buf, sizeof buf));
}
