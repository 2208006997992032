#include "core/http/problem.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *locale_name(enum locale l)
{
    return l == LOCALE_EN ? "en" : "zh-CN";
}

bool locale_parse(const char *name, enum locale *out)
{
    if (!strcmp(name, "zh-CN"))
        *out = LOCALE_ZH_CN;
    else if (!strcmp(name, "en"))
        *out = LOCALE_EN;
    else
        return false;
    return true;
}

/* The first range that begins with a language we have: browsers list them by preference (RFC 9110 12.5.4), and
 * weighing q values would only differ for lists nobody sends. */
enum locale locale_accept(const char *header, enum locale fallback)
{
    for (const char *p = header; p && *p;) {
        p += strspn(p, " \t,");
        if (!strncasecmp(p, "zh", 2))
            return LOCALE_ZH_CN;
        if (!strncasecmp(p, "en", 2))
            return LOCALE_EN;
        p += strcspn(p, ",");
    }
    return fallback;
}

const char *problem_title(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 409:
        return "Conflict";
    case 411:
        return "Length Required";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 422:
        return "Unprocessable Content";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    default:
        return status < 500 ? "Bad Request" : "Internal Server Error";
    }
}

int problem_status(const struct err *err)
{
    int status = err_http_status(err->code), own = problem_text(err->reason, status)->status;

    return own ? own : status;
}

json_t *problem_doc(const struct err *err, enum locale locale, const char *request_id, const json_t *extra)
{
    int status = problem_status(err);
    const struct problem_text *t = problem_text(err->reason, status);
    const char *key;
    json_t *value, *doc;
    char type[96];

    snprintf(type, sizeof type, "/api/docs#problem-%s", err->reason);
    doc = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "type", type, "title", problem_title(status),
                    "status", status, "code", err->reason, "detail", t->detail[locale], "hint",
                    t->hint[locale], "request_id", request_id);
    /* Details never replace the members above. */
    json_object_foreach((json_t *)extra, key, value) if (!json_object_get(doc, key))
        json_object_set(doc, key, value);
    return doc;
}
