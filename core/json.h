/* json.h - strict JSON in and out, over jansson. The outside's JSON meets these limits before anything else.
 *
 * Owns    json_t by jansson's reference counts.
 * Runs on any thread; a document belongs to one.
 */
#pragma once
#include <jansson.h>
#include <stdint.h>
#include "core/err.h"

struct json_limits {
    size_t bytes_max;
    unsigned depth_max;
};
extern const struct json_limits JSON_LIMITS_DEFAULT; /* 256 KiB, depth 24 */

/** Parse one object or array. Duplicate keys, NUL, invalid UTF-8, trailing text, deep nesting are refused.
 * ERR_TOO_LARGE "body_too_large", ERR_INVALID "malformed_json" | "json_too_deep" | "duplicate_key". */
bool json_parse(json_t **out, const uint8_t *text, size_t len, const struct json_limits *limits,
                struct err *err);

/* Typed reads from an object. Absent or of another type: ERR_INVALID "field_missing" / "field_type" /
 * "field_range", the text names the field. Strings are lent by the object. */
bool json_get_str(const json_t *obj, const char *key, const char **out, size_t max_len, struct err *err);
bool json_get_id(const json_t *obj, const char *key, int64_t *out, struct err *err);
bool json_get_i64(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t *out,
                  struct err *err);
bool json_get_bool(const json_t *obj, const char *key, bool *out, struct err *err);
bool json_get_time(const json_t *obj, const char *key, int64_t *out_us, struct err *err);
/* The same where absence, or null, is fine: *out keeps its value. */
bool json_opt_str(const json_t *obj, const char *key, const char **out, size_t max_len, struct err *err);
bool json_opt_id(const json_t *obj, const char *key, int64_t *out, struct err *err);
bool json_opt_i64(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t *out,
                  struct err *err);
bool json_opt_bool(const json_t *obj, const char *key, bool *out, struct err *err);

/* Values to put into a document (new references). */
json_t *json_id(int64_t id);       /* "123…"; 0 gives null */
json_t *json_time(int64_t utc_us); /* RFC 3339; 0 gives null */
/** Compact text, '\0'-terminated, freed by the caller with free(). Never NULL (out of memory aborts). */
char *json_text(const json_t *doc, size_t *len);
