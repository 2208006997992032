#include "core/json.h"
#include "core/clock.h"
#include "core/ids.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct json_limits JSON_LIMITS_DEFAULT = {.bytes_max = 256 * 1024, .depth_max = 24};

/* Deepest nesting of brackets outside of strings. Asked before the parser sees the text: a few bytes per
 * level would otherwise buy a stack frame and an allocation each. */
static unsigned depth_of(const uint8_t *text, size_t len)
{
    unsigned depth = 0, deepest = 0;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest)
                deepest = depth;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

bool json_parse(json_t **out, const uint8_t *text, size_t len, const struct json_limits *limits,
                struct err *err)
{
    const struct json_limits *lim = limits ? limits : &JSON_LIMITS_DEFAULT;
    json_error_t why;
    json_t *doc;

    if (len > lim->bytes_max)
        return err_set(err, ERR_TOO_LARGE, "body_too_large", "%zu bytes of JSON, at most %zu", len,
                       lim->bytes_max);
    if (depth_of(text, len) > lim->depth_max)
        return err_set(err, ERR_INVALID, "json_too_deep", "JSON is nested deeper than %u", lim->depth_max);
    doc = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, &why);
    if (!doc && json_error_code(&why) == json_error_duplicate_key)
        return err_set(err, ERR_INVALID, "duplicate_key", "line %d: a key is there twice", why.line);
    if (!doc) /* jansson's text quotes the input, which may be a patient's: the place is enough */
        return err_set(err, ERR_INVALID, "malformed_json", "line %d column %d: not JSON", why.line,
                       why.column);
    *out = doc;
    return true;
}

/* --- typed reads --- */

enum presence { ABSENT, PRESENT, WRONG };

/* optional: null counts as absent, and absence is no error. */
static enum presence find(const json_t *obj, const char *key, bool optional, const json_t **out,
                          struct err *err)
{
    const json_t *v = json_object_get(obj, key);

    if (v && !(optional && json_is_null(v))) {
        *out = v;
        return PRESENT;
    }
    if (optional)
        return ABSENT;
    err_set(err, ERR_INVALID, "field_missing", "%s is missing", key);
    return WRONG;
}

static bool wrong_type(const char *key, const char *expected, struct err *err)
{
    return err_set(err, ERR_INVALID, "field_type", "%s must be %s", key, expected);
}

static bool get_str(const json_t *obj, const char *key, bool optional, const char **out, size_t max_len,
                    struct err *err)
{
    const json_t *v;
    enum presence p = find(obj, key, optional, &v, err);

    if (p != PRESENT)
        return p == ABSENT;
    if (!json_is_string(v))
        return wrong_type(key, "a string", err);
    if (json_string_length(v) > max_len)
        return err_set(err, ERR_INVALID, "field_range", "%s is longer than %zu bytes", key, max_len);
    *out = json_string_value(v);
    return true;
}

static bool get_id(const json_t *obj, const char *key, bool optional, int64_t *out, struct err *err)
{
    const json_t *v;
    enum presence p = find(obj, key, optional, &v, err);

    if (p != PRESENT)
        return p == ABSENT;
    if (!json_is_string(v) || !id_parse(json_string_value(v), json_string_length(v), out))
        return wrong_type(key, "an id: a string of digits", err);
    return true;
}

static bool get_i64(const json_t *obj, const char *key, bool optional, int64_t min, int64_t max, int64_t *out,
                    struct err *err)
{
    const json_t *v;
    enum presence p = find(obj, key, optional, &v, err);

    if (p != PRESENT)
        return p == ABSENT;
    if (!json_is_integer(v))
        return wrong_type(key, "an integer", err);
    if (json_integer_value(v) < min || json_integer_value(v) > max)
        return err_set(err, ERR_INVALID, "field_range", "%s must be %" PRId64 " to %" PRId64, key, min, max);
    *out = json_integer_value(v);
    return true;
}

static bool get_bool(const json_t *obj, const char *key, bool optional, bool *out, struct err *err)
{
    const json_t *v;
    enum presence p = find(obj, key, optional, &v, err);

    if (p != PRESENT)
        return p == ABSENT;
    if (!json_is_boolean(v))
        return wrong_type(key, "true or false", err);
    *out = json_is_true(v);
    return true;
}

bool json_get_str(const json_t *obj, const char *key, const char **out, size_t max_len, struct err *err)
{
    return get_str(obj, key, false, out, max_len, err);
}

bool json_opt_str(const json_t *obj, const char *key, const char **out, size_t max_len, struct err *err)
{
    return get_str(obj, key, true, out, max_len, err);
}

bool json_get_id(const json_t *obj, const char *key, int64_t *out, struct err *err)
{
    return get_id(obj, key, false, out, err);
}

bool json_opt_id(const json_t *obj, const char *key, int64_t *out, struct err *err)
{
    return get_id(obj, key, true, out, err);
}

bool json_get_i64(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t *out, struct err *err)
{
    return get_i64(obj, key, false, min, max, out, err);
}

bool json_opt_i64(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t *out, struct err *err)
{
    return get_i64(obj, key, true, min, max, out, err);
}

bool json_get_bool(const json_t *obj, const char *key, bool *out, struct err *err)
{
    return get_bool(obj, key, false, out, err);
}

bool json_opt_bool(const json_t *obj, const char *key, bool *out, struct err *err)
{
    return get_bool(obj, key, true, out, err);
}

bool json_get_time(const json_t *obj, const char *key, int64_t *out_us, struct err *err)
{
    const json_t *v;

    if (find(obj, key, false, &v, err) != PRESENT)
        return false;
    if (!json_is_string(v) || !clock_parse(json_string_value(v), json_string_length(v), out_us))
        return wrong_type(key, "a time like 2026-11-21T07:00:00Z", err);
    return true;
}

/* --- values --- */

static json_t *sure(json_t *v)
{
    if (!v)
        abort();
    return v;
}

json_t *json_id(int64_t id)
{
    char text[ID_TEXT];

    if (id == 0)
        return json_null();
    id_format(id, text);
    return sure(json_string(text));
}

json_t *json_time(int64_t utc_us)
{
    char text[CLOCK_TEXT];

    if (utc_us == 0)
        return json_null();
    clock_format_utc(utc_us, text);
    return sure(json_string(text));
}

char *json_text(const json_t *doc, size_t *len)
{
    char *text = json_dumps(doc, JSON_COMPACT | JSON_ENCODE_ANY);

    if (!text)
        abort();
    if (len)
        *len = strlen(text);
    return text;
}
