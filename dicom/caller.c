#include "dicom/caller.h"
#include "core/ids.h"
#include <string.h>

enum field { REGION, TENANT, ACCOUNT, PERSON, STAFF, ROLES, SESSION, FIELDS };
static const char *const NAMES[FIELDS] = {"region", "tenant", "account", "person",
                                          "staff",  "roles",  "session"};

static bool number(const char *text, size_t len, int64_t *out)
{
    if (len == 0 || (len == 1 && *text == '0')) { /* session is empty for a bearer */
        *out = 0;
        return true;
    }
    return id_parse(text, len, out);
}

static int field_of(const char *name, size_t len)
{
    for (int f = 0; f < FIELDS; f++)
        if (strlen(NAMES[f]) == len && !memcmp(NAMES[f], name, len))
            return f;
    return -1;
}

static bool read_fields(const char *text, size_t len, int64_t value[FIELDS], unsigned *seen)
{
    const char *end = text + len;

    for (const char *p = text; p < end;) {
        const char *stop = memchr(p, ';', (size_t)(end - p));
        const char *last = stop ? stop : end;
        const char *equals = memchr(p, '=', (size_t)(last - p));
        int f = equals ? field_of(p, (size_t)(equals - p)) : -1;
        if (f < 0 || (*seen & (1u << f)) || !number(equals + 1, (size_t)(last - equals - 1), &value[f]))
            return false;
        *seen |= 1u << f;
        p = stop ? stop + 1 : end;
    }
    return true;
}

bool caller_parse(struct caller *out, const char *text, size_t len)
{
    int64_t v[FIELDS] = {0};
    unsigned seen = 0;

    memset(out, 0, sizeof *out);
    if (!read_fields(text, len, v, &seen) || seen != (1u << FIELDS) - 1 || !v[REGION] || !v[ACCOUNT] ||
        v[ROLES] > UINT32_MAX)
        return false;
    *out = (struct caller){v[REGION], v[TENANT],  v[ACCOUNT],        v[PERSON],
                           v[STAFF],  v[SESSION], (uint32_t)v[ROLES]};
    return true;
}

struct db_scope caller_scope(const struct caller *c)
{
    return (struct db_scope){c->region_id, c->tenant_id, c->account_id};
}
