#include "core/db/db.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void db_args_init(struct db_args *a)
{
    a->n = 0;
}

void db_args_free(struct db_args *a)
{
    for (int i = 0; i < a->n; i++)
        free(a->owned[i]);
    a->n = 0;
}

/* Takes text; NULL is SQL NULL. */
static void add(struct db_args *a, char *text)
{
    if (a->n == DB_ARGS_MAX)
        abort(); /* a statement with more parameters is ours to split */
    a->owned[a->n] = text;
    a->v[a->n++] = text;
}

void db_arg_null(struct db_args *a)
{
    add(a, NULL);
}

void db_arg_str(struct db_args *a, const char *s)
{
    add(a, mem_str(s));
}

void db_arg_i64(struct db_args *a, int64_t v)
{
    add(a, mem_format("%" PRId64, v));
}

void db_arg_id(struct db_args *a, int64_t v)
{
    add(a, v ? mem_format("%" PRId64, v) : NULL);
}

void db_arg_bool(struct db_args *a, bool v)
{
    add(a, mem_str(v ? "t" : "f"));
}

void db_arg_time(struct db_args *a, int64_t utc_us)
{
    char text[CLOCK_TEXT];

    clock_format_utc(utc_us, text);
    add(a, utc_us ? mem_str(text) : NULL);
}

void db_arg_bytes(struct db_args *a, const void *p, size_t len)
{
    char *text = mem_new(2 * len + 3);

    memcpy(text, "\\x", 2);
    crypto_hex(p, len, text + 2);
    add(a, text);
}

/* "{" item "," item "}" written into a buffer that is surely large enough. */
#define I64_TEXT 21 /* "-9223372036854775808" and a comma */

static void add_numbers(struct db_args *a, const int64_t *v64, const int32_t *v32, size_t n)
{
    char *text = mem_new(n * I64_TEXT + 3), *p = text;

    *p++ = '{';
    for (size_t i = 0; i < n; i++)
        p += sprintf(p, "%s%" PRId64, i ? "," : "", v64 ? v64[i] : v32[i]);
    *p++ = '}';
    add(a, text);
}

void db_arg_i64s(struct db_args *a, const int64_t *v, size_t n)
{
    static const int64_t NONE[1];

    add_numbers(a, v ? v : NONE, NULL, n);
}

void db_arg_i32s(struct db_args *a, const int32_t *v, size_t n)
{
    add_numbers(a, NULL, v, n);
}

/* Array elements are quoted always, so that "", "NULL", commas and braces are themselves. */
static char *put_quoted(char *p, const char *s)
{
    *p++ = '"';
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            *p++ = '\\';
        *p++ = *s;
    }
    *p++ = '"';
    return p;
}

void db_arg_strs(struct db_args *a, const char *const *v, size_t n)
{
    size_t cap = 3;
    char *text, *p;

    for (size_t i = 0; i < n; i++)
        cap += v[i] ? 2 * strlen(v[i]) + 3 : 5;
    p = text = mem_new(cap);
    *p++ = '{';
    for (size_t i = 0; i < n; i++) {
        if (i)
            *p++ = ',';
        if (v[i])
            p = put_quoted(p, v[i]);
        else
            p = stpcpy(p, "NULL");
    }
    *p++ = '}';
    add(a, text);
}
