/* crc32c.h - Castagnoli's CRC (RFC 3720 B.4): finds torn and rotten records; proves nothing against a person. Any thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/** @param seed 0, or the result for the bytes before these. */
uint32_t crc32c(uint32_t seed, const void *data, size_t len);
