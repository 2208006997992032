/* mem.h - memory or the end: a daemon that cannot get a kilobyte is not worth keeping alive, the supervisor
 * starts it again. Any thread. Everything is freed with free(). */
#pragma once
#include <stddef.h>

/** n zero bytes, never NULL. */
void *mem_new(size_t n) __attribute__((malloc, returns_nonnull));
/** realloc() that does not fail. */
void *mem_grow(void *p, size_t n) __attribute__((returns_nonnull));
void *mem_copy(const void *p, size_t n) __attribute__((returns_nonnull));
/** NULL stays NULL. */
char *mem_str(const char *s);
char *mem_format(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
