#include "records/canon.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct sha256 *canon_begin(const char *version)
{
    struct sha256 *s = sha256_new();

    sha256_update(s, version, strlen(version));
    sha256_update(s, "\n", 1);
    return s;
}

void canon_bytes(struct sha256 *s, const char *name, const void *value, size_t len)
{
    char head[64];
    int n = snprintf(head, sizeof head, "%s=%zu:", name, len);

    sha256_update(s, head, (size_t)n);
    sha256_update(s, value, len);
    sha256_update(s, "\n", 1);
}

void canon_str(struct sha256 *s, const char *name, const char *value)
{
    canon_bytes(s, name, value, strlen(value));
}

void canon_i64(struct sha256 *s, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    canon_str(s, name, text);
}
