#include "core/json.h"
#include "core/mem.h"
#include "signaling/socket_message.h"
#include "tests/unit/test.h"
#include <stdlib.h>
#include <string.h>

static bool parse(const json_t *doc, struct err *err)
{
    struct socket_message m;
    size_t len;
    char *text = json_text(doc, &len);
    bool ok = socket_message_parse(&m, (const uint8_t *)text, len, err);

    socket_message_free(&m);
    free(text);
    return ok;
}

/* A value the schema of a member allows. */
static json_t *sample(const char *name)
{
    if (!strcmp(name, "on"))
        return json_true();
    if (!strcmp(name, "kind"))
        return json_string("audio");
    if (!strcmp(name, "visit_id") || !strcmp(name, "seat_id"))
        return json_string("384226543616000001");
    if (!strcmp(name, "state"))
        return json_pack("{s:s}", "study_uid", "1.2.3");
    if (!strcmp(name, "x") || !strcmp(name, "y"))
        return json_real(12.5);
    if (!strcmp(name, "locale"))
        return json_string("en");
    return json_string("word");
}

static bool is_required(const json_t *schema, const char *name)
{
    size_t i;
    json_t *r;

    json_array_foreach(json_object_get(schema, "required"), i,
                       r) if (!strcmp(json_string_value(r), name)) return true;
    return false;
}

static json_t *whole_message(const json_t *schema)
{
    json_t *doc = json_object(), *value;
    const char *name;

    json_object_foreach(json_object_get(schema, "properties"), name, value)
    {
        json_t *constant = json_object_get(value, "const");
        json_object_set_new(doc, name, constant ? json_incref(constant) : sample(name));
    }
    return doc;
}

TEST(socket_message, is_what_the_schema_says_member_by_member)
{
    json_t *schema = json_load_file(YZ_SOURCE_DIR "/signaling/socket.schema.json", 0, NULL), *def;
    struct err err = ERR_INIT;
    const char *name;
    int seen = 0;

    json_object_foreach(json_object_get(schema, "$defs"), name, def)
    {
        json_t *doc, *value, *without;
        void *next;
        const char *key;
        if (strncmp(name, "Client", 6) || !json_object_get(def, "properties"))
            continue;
        seen++;
        doc = whole_message(def);
        CHECK_OK(parse(doc, &err), &err);
        json_object_foreach_safe(doc, next, key, value)
        {
            without = json_copy(doc);
            json_object_del(without, key);
            CHECK_INT(parse(without, NULL), !is_required(def, key));
            json_decref(without);
        }
        json_object_set_new(doc, "surprise", json_true());
        CHECK_ERR(parse(doc, &err), &err, ERR_INVALID, "field_unknown");
        json_decref(doc);
    }
    CHECK_INT(seen, 9);
    json_decref(schema);
}

static void refused(const char *text, const char *reason)
{
    struct socket_message m;
    struct err err = ERR_INIT;

    CHECK_ERR(socket_message_parse(&m, (const uint8_t *)text, strlen(text), &err), &err, ERR_INVALID, reason);
    socket_message_free(&m);
}

TEST(socket_message, of_the_wrong_shape_is_refused_with_a_word)
{
    refused("", "malformed_json");
    refused("[]", "malformed_json");
    refused("{\"t\":\"ping\"", "malformed_json");
    refused("{}", "field_missing");
    refused("{\"t\":7}", "field_type");
    refused("{\"t\":\"shout\"}", "unknown_message");
    refused("{\"t\":\"ping\",\"t\":\"ping\"}", "duplicate_key");
    refused("{\"t\":\"join\",\"id\":\"1\",\"visit_id\":5}", "field_type");
    refused("{\"t\":\"join\",\"id\":\"1\",\"visit_id\":\"-5\"}", "field_type");
    refused("{\"t\":\"join\",\"id\":\"\",\"visit_id\":\"5\"}", "field_range");
    refused("{\"t\":\"mute\",\"visit_id\":\"5\",\"kind\":\"smell\",\"on\":true}", "field_range");
    refused("{\"t\":\"mute\",\"visit_id\":\"5\",\"kind\":\"audio\",\"on\":\"yes\"}", "field_type");
    refused("{\"t\":\"view\",\"visit_id\":\"5\",\"state\":[]}", "field_type");
    refused("{\"t\":\"view\",\"visit_id\":\"5\",\"state\":null}", "field_type");
    refused("{\"t\":\"pointer\",\"visit_id\":\"5\",\"x\":1000001,\"y\":0,\"on\":true,\"instance\":\"1\"}",
            "field_range");
    refused("{\"t\":\"pointer\",\"visit_id\":\"5\",\"x\":\"1\",\"y\":0,\"on\":true,\"instance\":\"1\"}",
            "field_type");
    refused("{\"t\":\"pointer\",\"visit_id\":\"5\",\"x\":1e400,\"y\":0,\"on\":true,\"instance\":\"1\"}",
            "malformed_json");
    refused("{\"t\":\"ping\",\"id\":[[[[[[[[[[1]]]]]]]]]]}", "json_too_deep");
}

static bool view_of(size_t word_len, struct err *err)
{
    char *word = mem_new(word_len + 1);
    json_t *doc;
    bool ok;

    memset(word, 'x', word_len);
    doc = json_pack("{s:s, s:s, s:{s:s}}", "t", "view", "visit_id", "5", "state", "a", word);
    ok = parse(doc, err);
    json_decref(doc);
    free(word);
    return ok;
}

TEST(view, is_at_most_four_kilobytes)
{
    struct err err = ERR_INIT;

    CHECK_OK(view_of(SOCKET_STATE_MAX - strlen("{\"a\":\"\"}"), &err), &err);
    CHECK_ERR(view_of(SOCKET_STATE_MAX - strlen("{\"a\":\"\"}") + 1, &err), &err, ERR_INVALID, "field_range");
}

TEST(socket_message, that_is_refused_still_says_whose_request_it_was)
{
    static const char TEXT[] = "{\"t\":\"join\",\"id\":\"r7\",\"visit_id\":\"x\"}";
    struct socket_message m;
    struct err err = ERR_INIT;

    CHECK(!socket_message_parse(&m, (const uint8_t *)TEXT, strlen(TEXT), &err));
    CHECK_STR(m.id, "r7");
    socket_message_free(&m);
}
