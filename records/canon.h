/* canon.h - the canonical text that fingerprints are taken of: a version line, then `name=length:value` a line. Any thread.
 * Lengths are written, so no value can pretend to be two. Inside records only. */
#pragma once
#include <stdint.h>
#include "core/crypto.h"

struct sha256 *canon_begin(const char *version);
void canon_bytes(struct sha256 *s, const char *name, const void *value, size_t len);
void canon_str(struct sha256 *s, const char *name, const char *value);
void canon_i64(struct sha256 *s, const char *name, int64_t value);
