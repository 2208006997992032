/* store.h - the last clear packets of one published track, kept once for all receivers that may ask again.
 *
 * Owns    its memory, made once; what store_get() shows is lent until the next store_put().
 * Runs on the worker's loop. No allocation per packet. Packets are known by their extended sequence number.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_SLOTS_MAX 512

struct store;
/** @param slots a power of two, at most STORE_SLOTS_MAX; @param bytes room for all of them together */
struct store *store_new(unsigned slots, uint32_t bytes);
void store_free(struct store *s);
void store_put(struct store *s, uint64_t ext, const uint8_t *packet, size_t len);
/** NULL: never came, or was overwritten by newer ones. */
const uint8_t *store_get(const struct store *s, uint64_t ext, size_t *len);
