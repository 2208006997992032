#include "core/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *mem_new(size_t n)
{
    void *p = calloc(1, n ? n : 1);

    if (!p)
        abort();
    return p;
}

void *mem_grow(void *p, size_t n)
{
    p = realloc(p, n ? n : 1);
    if (!p)
        abort();
    return p;
}

void *mem_copy(const void *p, size_t n)
{
    void *q = mem_grow(NULL, n);

    if (n)
        memcpy(q, p, n);
    return q;
}

char *mem_str(const char *s)
{
    return s ? mem_copy(s, strlen(s) + 1) : NULL;
}

char *mem_format(const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        abort();
    va_end(ap);
    return s;
}
