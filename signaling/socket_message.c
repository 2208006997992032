#include "signaling/socket_message.h"
#include "core/json.h"
#include <stdlib.h>
#include <string.h>

static const struct json_limits LIMITS = {SOCKET_MESSAGE_MAX, 8};

enum field {
    F_ID = 1,
    F_VISIT = 2,
    F_SEAT = 4,
    F_SDP = 8,
    F_KIND = 16,
    F_ON = 32,
    F_RESUME = 64,
    F_LOCALE = 128,
    F_STATE = 256,
    F_X = 512,
    F_Y = 1024,
    F_INSTANCE = 2048
};

static const struct {
    const char *t;
    enum socket_type type;
    unsigned must, may;
} RULES[] = {
    {"hello", SOCKET_HELLO, 0, F_ID | F_RESUME | F_LOCALE},
    {"join", SOCKET_JOIN, F_ID | F_VISIT, 0},
    {"offer", SOCKET_OFFER, F_ID | F_VISIT | F_SDP, 0},
    {"leave", SOCKET_LEAVE, F_ID | F_VISIT, 0},
    {"mute", SOCKET_MUTE, F_VISIT | F_KIND | F_ON, F_ID},
    {"mute_other", SOCKET_MUTE_OTHER, F_ID | F_VISIT | F_SEAT | F_KIND, 0},
    {"view", SOCKET_VIEW, F_VISIT | F_STATE, F_ID},
    {"pointer", SOCKET_POINTER, F_VISIT | F_X | F_Y | F_ON | F_INSTANCE, 0},
    {"ping", SOCKET_PING, 0, F_ID},
};

static const struct {
    const char *name;
    unsigned bit;
} FIELDS[] = {
    {"id", F_ID}, {"visit_id", F_VISIT},    {"seat_id", F_SEAT},  {"sdp", F_SDP},     {"kind", F_KIND},
    {"on", F_ON}, {"resume", F_RESUME},     {"locale", F_LOCALE}, {"state", F_STATE}, {"x", F_X},
    {"y", F_Y},   {"instance", F_INSTANCE},
};

static bool word_ok(const char *s)
{
    return *s != '\0';
}

static bool get_word(const json_t *doc, const char *name, const char **out, size_t max, struct err *err)
{
    if (!json_get_str(doc, name, out, max, err))
        return false;
    return word_ok(*out) || err_set(err, ERR_INVALID, "field_range", "%s is empty", name);
}

static bool get_kind(const json_t *doc, bool *video, struct err *err)
{
    const char *kind;

    if (!json_get_str(doc, "kind", &kind, 8, err))
        return false;
    *video = !strcmp(kind, "video");
    return *video || !strcmp(kind, "audio") || err_set(err, ERR_INVALID, "field_range", "kind");
}

static bool get_state(const json_t *doc, const json_t **out, struct err *err)
{
    size_t len;

    *out = json_object_get(doc, "state");
    if (!json_is_object(*out))
        return err_set(err, ERR_INVALID, *out ? "field_type" : "field_missing", "state is not an object");
    free(json_text(*out, &len));
    return len <= SOCKET_STATE_MAX || err_set(err, ERR_INVALID, "field_range", "state is too long");
}

static bool get_point(const json_t *doc, const char *name, double *out, struct err *err)
{
    const json_t *value = json_object_get(doc, name);

    if (!json_is_number(value))
        return err_set(err, ERR_INVALID, value ? "field_type" : "field_missing", "%s is not a number", name);
    *out = json_number_value(value);
    return (*out >= -SOCKET_POINT_MAX && *out <= SOCKET_POINT_MAX) ||
           err_set(err, ERR_INVALID, "field_range", "%s", name);
}

static bool get_field(struct socket_message *m, unsigned bit, struct err *err)
{
    switch (bit) {
    case F_ID:
        return get_word(m->doc, "id", &m->id, SOCKET_ID_MAX, err);
    case F_VISIT:
        return json_get_id(m->doc, "visit_id", &m->visit_id, err);
    case F_SEAT:
        return json_get_id(m->doc, "seat_id", &m->seat_id, err);
    case F_SDP:
        return get_word(m->doc, "sdp", &m->sdp, 65535, err);
    case F_KIND:
        return get_kind(m->doc, &m->video, err);
    case F_ON:
        if (!json_get_bool(m->doc, "on", &m->on, err))
            return false;
        m->pointer.on = m->on;
        return true;
    case F_RESUME:
        return get_word(m->doc, "resume", &m->resume, 128, err);
    case F_LOCALE:
        return get_word(m->doc, "locale", &m->locale, 8, err);
    case F_STATE:
        return get_state(m->doc, &m->state, err);
    case F_X:
        return get_point(m->doc, "x", &m->pointer.x, err);
    case F_Y:
        return get_point(m->doc, "y", &m->pointer.y, err);
    case F_INSTANCE:
        return get_word(m->doc, "instance", &m->pointer.instance, 128, err);
    default:
        return false;
    }
}

/* Present and allowed ones into *seen; a member nobody defined is refused, so that a misspelt one is noticed. */
static bool see_fields(const json_t *doc, unsigned allowed, unsigned *seen, struct err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)doc, key, value)
    {
        unsigned bit = 0;
        if (!strcmp(key, "t"))
            continue;
        for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
            if (!strcmp(FIELDS[i].name, key))
                bit = FIELDS[i].bit;
        if (!(bit & allowed))
            return err_set(err, ERR_INVALID, "field_unknown", "%.40s", key);
        *seen |= bit;
    }
    return true;
}

static bool read_message(struct socket_message *m, struct err *err)
{
    const char *t;
    unsigned seen = 0;
    size_t rule;

    if (!json_is_object(m->doc))
        return err_set(err, ERR_INVALID, "malformed_json", "not an object");
    if (!json_get_str(m->doc, "t", &t, 32, err))
        return false;
    for (rule = 0; rule < sizeof RULES / sizeof *RULES; rule++)
        if (!strcmp(RULES[rule].t, t))
            break;
    if (rule == sizeof RULES / sizeof *RULES)
        return err_set(err, ERR_INVALID, "unknown_message", "%s", t);
    m->type = RULES[rule].type;
    if (!see_fields(m->doc, RULES[rule].must | RULES[rule].may, &seen, err))
        return false;
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
        if (((RULES[rule].must | seen) & FIELDS[i].bit) && !get_field(m, FIELDS[i].bit, err))
            return false;
    return true;
}

bool socket_message_parse(struct socket_message *m, const uint8_t *text, size_t len, struct err *err)
{
    const char *id;

    *m = (struct socket_message){.id = "", .sdp = "", .resume = "", .locale = ""};
    if (!json_parse(&m->doc, text, len, &LIMITS, err))
        return false;
    id = json_string_value(json_object_get(m->doc, "id"));
    if (id && strlen(id) <= SOCKET_ID_MAX)
        m->id = id;
    return read_message(m, err);
}

void socket_message_free(struct socket_message *m)
{
    json_decref(m->doc);
    m->doc = NULL;
}
