#include "core/http/route.h"
#include <stdio.h>
#include <string.h>

#define WORD     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define WORD_MAX 96

static bool ends(const char *name, size_t name_len, const char *with)
{
    size_t len = strlen(with);

    return name_len > len && !memcmp(name + name_len - len, with, len);
}

/* A parameter named …_id takes an id, …_uid what PS3.5 9.1 allows; the rest take words without anything a file name
 * or header could misuse. */
static bool param_ok(const char *name, size_t name_len, const char *value)
{
    int64_t id;

    if (ends(name, name_len, "_id"))
        return id_parse(value, strlen(value), &id);
    if (!*value || *value == '.')
        return false;
    if (ends(name, name_len, "_uid"))
        return strlen(value) <= 64 && value[strspn(value, "0123456789.")] == '\0';
    if (ends(name, name_len, "_list"))
        return value[strspn(value, WORD ",")] == '\0';
    return strlen(value) < WORD_MAX && value[strspn(value, WORD)] == '\0';
}

static bool match(const char *template, const char *path, char params[REQUEST_PARAMS][REQUEST_PARAM_MAX])
{
    int n = 0;

    while (*template) {
        if (*template == '{') {
            size_t name_len = strcspn(template + 1, "}"), len = strcspn(path, "/");
            if (!len || len >= REQUEST_PARAM_MAX || n == REQUEST_PARAMS)
                return false;
            memcpy(params[n], path, len);
            params[n][len] = '\0';
            if (!param_ok(template + 1, name_len, params[n]))
                return false;
            n++;
            template += name_len + 2;
            path += len;
        } else if (*template ++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

static void allow_add(char allow[96], enum http_method m)
{
    size_t used = strlen(allow);

    snprintf(allow + used, 96 - used, "%s%s%s", used ? ", " : "", http_method_name(m),
             m == HTTP_GET ? ", HEAD" : "");
}

enum route_found route_find(const struct route_table *table, enum http_method method, const char *path,
                            const struct route **out, char params[REQUEST_PARAMS][REQUEST_PARAM_MAX],
                            char allow[96])
{
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;

    allow[0] = '\0';
    for (const struct route *r = table->rows; r < table->rows + table->n; r++) {
        if (!match(r->path, path, params))
            continue;
        if (r->method == wanted) {
            *out = r;
            return ROUTE_FOUND;
        }
        allow_add(allow, r->method);
    }
    return *allow ? ROUTE_OTHER_METHOD : ROUTE_NONE;
}

bool route_param_name(const struct route *r, int index, char out[32])
{
    const char *p = r->path;
    size_t len;

    for (; (p = strchr(p, '{')); p++, index--)
        if (index == 0) {
            len = strcspn(p + 1, "}");
            if (len >= 32)
                return false;
            memcpy(out, p + 1, len);
            out[len] = '\0';
            return true;
        }
    return false;
}
