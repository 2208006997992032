/* charset_match.c - names as people search for them: case, width and spaces do not count. */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/charset_parts.h"

static uint32_t fold_point(uint32_t c)
{
    if (c >= 0xFF01 && c <= 0xFF5E) /* full width */
        c -= 0xFF01 - 0x21;
    if (c == 0x3000 || c == 0xA0)
        return ' ';
    if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40F)
        return c + 0x50;
    if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) /* pairs, the capital first */
        return c | 1;
    return c;
}

static char *fold(const char *utf8, bool spaces)
{
    const char *p = utf8, *end = utf8 + strlen(utf8);
    struct charset_text out = {0};

    while (p < end) {
        uint32_t c = fold_point(charset_next(&p, end));
        if (c != ' ' || spaces)
            charset_put_point(&out, c);
    }
    return charset_take(&out);
}

char *charset_fold(const char *utf8)
{
    char *folded = fold(utf8, true), *tidy = charset_name_tidy(folded);

    free(folded);
    return tidy;
}

static size_t step(const char *p)
{
    size_t n = 1;

    while (((uint8_t)p[n] & 0xC0) == 0x80)
        n++;
    return n;
}

/* `*` any run, `?` one character. One place to go back to is enough, so this is linear times the pattern. */
static bool wildcard(const char *p, const char *s)
{
    const char *star = NULL, *back = NULL;

    while (*s) {
        if (*p == '*') {
            star = ++p;
            back = s;
        } else if (*p == '?' || (*p && *p == *s)) {
            s += *p == '?' ? step(s) : 1;
            p++;
        } else if (star) {
            back += step(back);
            p = star;
            s = back;
        } else {
            return false;
        }
    }
    while (*p == '*')
        p++;
    return *p == '\0';
}

/* One component group against a pattern, also with its components run together. */
static bool group_matches(const char *pattern, const char *group)
{
    char *joined;
    bool ok;
    size_t n = 0;

    if (wildcard(pattern, group))
        return true;
    if (strchr(pattern, '^'))
        return false;
    joined = mem_new(strlen(group) + 1);
    for (const char *p = group; *p; p++)
        if (*p != '^')
            joined[n++] = *p;
    ok = wildcard(pattern, joined);
    free(joined);
    return ok;
}

static bool groups_match(char *pattern, char *name)
{
    bool by_group = strchr(pattern, '=') != NULL, any = false;

    while (pattern) {
        char *group = strsep(&name, "="), *wanted = by_group ? strsep(&pattern, "=") : pattern;
        if (by_group && *wanted && !group_matches(wanted, group ? group : ""))
            return false;
        if (!by_group && group && group_matches(wanted, group))
            return true;
        any |= by_group;
        if (!by_group && !name)
            break;
    }
    return any;
}

bool charset_name_matches(const char *pattern, const char *name)
{
    char *p = fold(pattern, false), *n = fold(name, false), *tidy_p = charset_name_tidy(p);
    bool ok = *tidy_p == '\0' || groups_match(tidy_p, n);

    free(p);
    free(n);
    free(tidy_p);
    return ok;
}

bool charset_text_matches(const char *pattern, const char *text)
{
    char *p = fold(pattern, true), *s = fold(text, true);
    bool ok = *p == '\0' || wildcard(p, s);

    free(p);
    free(s);
    return ok;
}
