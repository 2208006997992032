/* web_gzip.h - RFC 1952 in memory. Any thread. Texts given out are malloc'ed. */
#pragma once
#include <stddef.h>
#include "core/err.h"

bool gzip_pack(const char *text, size_t len, char **out, size_t *out_len, struct err *err);
/** ERR_CORRUPT when it is none, ends early, or is longer than max. */
bool gzip_unpack(const char *bytes, size_t len, size_t max, char **out, size_t *out_len, struct err *err);
