#include "signaling/socket_message.h"
#include "core/json.h"
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
    F_LOCALE = 128
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
    {"ping", SOCKET_PING, 0, F_ID},
};

static const struct {
    const char *name;
    unsigned bit;
} FIELDS[] = {
    {"id", F_ID},     {"visit_id", F_VISIT}, {"seat_id", F_SEAT},  {"sdp", F_SDP},
    {"kind", F_KIND}, {"on", F_ON},          {"resume", F_RESUME}, {"locale", F_LOCALE},
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
        return json_get_bool(m->doc, "on", &m->on, err);
    case F_RESUME:
        return get_word(m->doc, "resume", &m->resume, 128, err);
    case F_LOCALE:
        return get_word(m->doc, "locale", &m->locale, 8, err);
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
