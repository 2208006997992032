/* role.h - the eleven roles as words and as the bits of records/roles.h. Any thread. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/** 0 when it is no role. */
uint32_t role_bit(const char *name);
/** NULL behind the last one. */
const char *role_name(unsigned index);
/** New array of words. */
json_t *role_names(uint32_t roles);
/** Words to bits; words that are no role are left out. */
uint32_t role_bits(const json_t *names);
/** "{doctor,office}", PostgreSQL's text[] of words without quotes, to bits. */
uint32_t role_bits_of_array(const char *text);
