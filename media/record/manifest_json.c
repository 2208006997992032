/* manifest_json.c - a manifest as text and back, and its signature. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "media/record/manifest.h"
#include "core/mem.h"

#define KEY_LEN 32
#define SIG_LEN 64

/* --- writing ---------------------------------------------------------------------------------------------- */

static void put(json_t *obj, const char *key, json_t *value)
{
    if (json_object_set_new(obj, key, value) < 0)
        abort(); /* out of memory, or a text of ours that is not UTF-8: both are checked on the way in */
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *hex_of(const uint8_t *bytes, size_t len)
{
    char hex[2 * SIG_LEN + 1];

    crypto_hex(bytes, len, hex);
    return json_string(hex);
}

static json_t *number(uint64_t v)
{
    return json_integer((json_int_t)v);
}

static json_t *segment_json(const struct manifest_segment *s)
{
    json_t *obj = json_object();

    put(obj, "file", json_string(s->file));
    put(obj, "bytes", number(s->bytes));
    put(obj, "records", number(s->records));
    put(obj, "from_us", json_integer(s->from_us));
    put(obj, "to_us", json_integer(s->to_us));
    put(obj, "head", hex_of(s->head, SHA256_LEN));
    put(obj, "sealed", json_boolean(s->sealed));
    return obj;
}

static json_t *track_json(const struct manifest_track *t)
{
    json_t *obj = json_object(), *segments = json_array();
    bool made = t->file[0] != '\0';

    for (size_t i = 0; i < t->segments_len; i++)
        json_array_append_new(segments, segment_json(&t->segments[i]));
    put(obj, "id", json_string(t->id));
    put(obj, "peer", json_string(t->peer));
    put(obj, "kind", json_string(t->kind));
    put(obj, "codec", json_string(t->codec));
    put(obj, "fmtp", json_string(t->fmtp));
    put(obj, "state", json_string(manifest_state_name(t->state)));
    put(obj, "reason", text_or_null(t->reason));
    put(obj, "journal", t->segments_len ? json_string(t->segments[0].file) : json_null());
    put(obj, "segments", segments);
    put(obj, "ended", json_boolean(t->ended));
    put(obj, "packets", number(t->packets));
    put(obj, "lost", number(t->lost));
    put(obj, "file", text_or_null(t->file));
    put(obj, "duration_ms", made ? json_integer(t->duration_ms) : json_null());
    put(obj, "offset_ms", made ? json_integer(t->offset_ms) : json_null());
    put(obj, "bytes", made ? number(t->bytes) : json_null());
    put(obj, "sha256", made ? hex_of(t->sha256, SHA256_LEN) : json_null());
    return obj;
}

static json_t *gap_json(const struct manifest_gap *g)
{
    json_t *obj = json_object();

    if (g->track[0])
        put(obj, "track", json_string(g->track));
    put(obj, "from_us", json_integer(g->from_us));
    put(obj, "to_us", g->to_us ? json_integer(g->to_us) : json_null());
    put(obj, "reason", json_string(g->reason));
    return obj;
}

static json_t *manifest_json(const struct manifest *m)
{
    json_t *obj = json_object(), *tracks = json_array(), *gaps = json_array();
    uint8_t head[SHA256_LEN];

    for (size_t i = 0; i < m->tracks_len; i++)
        json_array_append_new(tracks, track_json(&m->tracks[i]));
    for (size_t i = 0; i < m->gaps_len; i++)
        json_array_append_new(gaps, gap_json(&m->gaps[i]));
    manifest_head(m, head);
    put(obj, "version", json_integer(1));
    put(obj, "room", json_string(m->room));
    put(obj, "dir", json_string(m->dir));
    put(obj, "state", json_string(manifest_state_name(m->state)));
    put(obj, "reason", text_or_null(m->reason));
    put(obj, "revision", number(m->revision));
    put(obj, "started_at", json_time(m->started_at_us));
    put(obj, "ended_at", json_time(m->ended_at_us));
    put(obj, "tracks", tracks);
    put(obj, "gaps", gaps);
    put(obj, "head", hex_of(head, SHA256_LEN));
    return obj;
}

/* Sorted keys, no blanks, integers only: RFC 8785 as far as this document goes, so that others can check it too. */
static char *canonical(const json_t *doc)
{
    char *text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);

    if (!text)
        abort();
    return text;
}

bool manifest_text(char **out, size_t *len, const struct manifest *m, const struct sign_key *key,
                   struct err *err)
{
    json_t *doc = manifest_json(m), *signature = NULL;
    char *text = canonical(doc);
    uint8_t pub[KEY_LEN], sig[SIG_LEN];
    bool ok = false;

    if (key) {
        if (!sign_key_sign(key, text, strlen(text), sig, err))
            goto out;
        sign_key_public(key, pub);
        signature = json_object();
        put(signature, "alg", json_string("ed25519"));
        put(signature, "key", hex_of(pub, KEY_LEN));
        put(signature, "value", hex_of(sig, SIG_LEN));
        put(doc, "signature", signature);
    }
    *out = json_dumps(doc, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    if (!*out)
        abort();
    *len = strlen(*out);
    ok = true;
out:
    free(text);
    json_decref(doc);
    return ok;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

static const struct json_limits LIMITS = {MANIFEST_BYTES, 8};

static bool copy_text(const json_t *obj, const char *key, char *out, size_t cap, struct err *err)
{
    const char *text = "";

    if (!json_opt_str(obj, key, &text, cap - 1, err))
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool copy_hex(const json_t *obj, const char *key, uint8_t *out, size_t len, struct err *err)
{
    const char *text = NULL;

    if (!json_opt_str(obj, key, &text, 2 * len, err))
        return false;
    if (text && !crypto_unhex(text, strlen(text), out, len))
        return err_set(err, ERR_INVALID, "field_type", "%s is not %zu bytes in hex", key, len);
    return true;
}

static bool copy_u64(const json_t *obj, const char *key, uint64_t *out, struct err *err)
{
    int64_t v = 0;

    if (!json_opt_i64(obj, key, 0, INT64_MAX, &v, err))
        return false;
    *out = (uint64_t)v;
    return true;
}

static bool copy_us(const json_t *obj, const char *key, int64_t *out, struct err *err)
{
    return json_opt_i64(obj, key, 0, INT64_MAX, out, err);
}

static bool copy_state(const json_t *obj, enum manifest_state *out, struct err *err)
{
    const char *text;

    if (!json_get_str(obj, "state", &text, 16, err))
        return false;
    for (int s = MANIFEST_RECORDING; s <= MANIFEST_FAILED; s++)
        if (strcmp(text, manifest_state_name((enum manifest_state)s)) == 0) {
            *out = (enum manifest_state)s;
            return true;
        }
    return err_set(err, ERR_INVALID, "field_range", "no state %s", text);
}

static bool array_of(const json_t *obj, const char *key, size_t max, json_t **out, struct err *err)
{
    *out = json_object_get(obj, key);
    if (!json_is_array(*out))
        return err_set(err, ERR_INVALID, "field_type", "%s is not an array", key);
    if (json_array_size(*out) > max)
        return err_set(err, ERR_INVALID, "field_range", "%zu %s", json_array_size(*out), key);
    return true;
}

static bool parse_segment(struct manifest_segment *s, const json_t *obj, struct err *err)
{
    char file[MANIFEST_NAME_MAX];

    if (!copy_text(obj, "file", file, sizeof file, err))
        return false;
    if (strcmp(file, s->file) != 0) /* the name follows from the place; another one could lead elsewhere */
        return err_set(err, ERR_INVALID, "field_range", "segment %s stands where %s should", file, s->file);
    return copy_u64(obj, "bytes", &s->bytes, err) && copy_u64(obj, "records", &s->records, err) &&
           copy_us(obj, "from_us", &s->from_us, err) && copy_us(obj, "to_us", &s->to_us, err) &&
           copy_hex(obj, "head", s->head, SHA256_LEN, err) && json_opt_bool(obj, "sealed", &s->sealed, err);
}

static bool file_name_ok(const struct manifest_track *t)
{
    size_t id = strlen(t->id);

    return t->file[0] == '\0' || (strncmp(t->file, t->id, id) == 0 &&
                                  (strcmp(t->file + id, ".webm") == 0 || strcmp(t->file + id, ".mkv") == 0));
}

static bool parse_track(struct manifest *m, const json_t *obj, struct err *err)
{
    struct manifest_track *t = manifest_track_add(m, "", "", "", "");
    char id[MANIFEST_ID_MAX];
    json_t *segments, *item;
    size_t i;

    if (!copy_text(obj, "id", id, sizeof id, err))
        return false;
    if (strcmp(id, t->id) != 0)
        return err_set(err, ERR_INVALID, "field_range", "track %s stands where %s should", id, t->id);
    if (!copy_text(obj, "peer", t->peer, sizeof t->peer, err) ||
        !copy_text(obj, "kind", t->kind, sizeof t->kind, err) ||
        !copy_text(obj, "codec", t->codec, sizeof t->codec, err) ||
        !copy_text(obj, "fmtp", t->fmtp, sizeof t->fmtp, err) ||
        !copy_text(obj, "reason", t->reason, sizeof t->reason, err) ||
        !copy_text(obj, "file", t->file, sizeof t->file, err) || !copy_state(obj, &t->state, err) ||
        !json_opt_bool(obj, "ended", &t->ended, err) || !copy_u64(obj, "packets", &t->packets, err) ||
        !copy_u64(obj, "lost", &t->lost, err) || !copy_u64(obj, "bytes", &t->bytes, err) ||
        !copy_us(obj, "duration_ms", &t->duration_ms, err) ||
        !copy_us(obj, "offset_ms", &t->offset_ms, err) ||
        !copy_hex(obj, "sha256", t->sha256, SHA256_LEN, err) ||
        !array_of(obj, "segments", MANIFEST_SEGMENTS, &segments, err))
        return false;
    if (!file_name_ok(t))
        return err_set(err, ERR_INVALID, "field_range", "track %s has the file %s", t->id, t->file);
    json_array_foreach(segments, i, item)
    {
        if (!parse_segment(manifest_segment_add(t), item, err))
            return err_add(err, "segment %zu", i), false;
    }
    return true;
}

static bool parse_gap(struct manifest *m, const json_t *obj, struct err *err)
{
    m->gaps = mem_grow(m->gaps, (m->gaps_len + 1) * sizeof *m->gaps);
    struct manifest_gap *g = &m->gaps[m->gaps_len++];
    memset(g, 0, sizeof *g);
    return copy_text(obj, "track", g->track, sizeof g->track, err) &&
           copy_text(obj, "reason", g->reason, sizeof g->reason, err) &&
           copy_us(obj, "from_us", &g->from_us, err) && copy_us(obj, "to_us", &g->to_us, err);
}

static bool parse_arrays(struct manifest *m, const json_t *doc, struct err *err)
{
    json_t *tracks, *gaps, *item;
    size_t i;

    if (!array_of(doc, "tracks", MANIFEST_TRACKS, &tracks, err) ||
        !array_of(doc, "gaps", MANIFEST_GAPS, &gaps, err))
        return false;
    json_array_foreach(tracks, i, item)
    {
        if (!parse_track(m, item, err))
            return err_add(err, "track %zu", i), false;
    }
    json_array_foreach(gaps, i, item)
    {
        if (!parse_gap(m, item, err))
            return err_add(err, "gap %zu", i), false;
    }
    return true;
}

static bool parse_doc(struct manifest *m, const json_t *doc, struct err *err)
{
    int64_t version;

    if (!json_get_i64(doc, "version", 1, 1, &version, err) ||
        !copy_text(doc, "room", m->room, sizeof m->room, err) ||
        !copy_text(doc, "dir", m->dir, sizeof m->dir, err) ||
        !copy_text(doc, "reason", m->reason, sizeof m->reason, err) || !copy_state(doc, &m->state, err) ||
        !copy_u64(doc, "revision", &m->revision, err) ||
        !json_get_time(doc, "started_at", &m->started_at_us, err))
        return false;
    if (json_is_string(json_object_get(doc, "ended_at")) &&
        !json_get_time(doc, "ended_at", &m->ended_at_us, err))
        return false;
    return parse_arrays(m, doc, err);
}

bool manifest_parse(struct manifest **out, const uint8_t *text, size_t len, struct err *err)
{
    struct manifest *m = manifest_new("", "", 0);
    struct err why = ERR_INIT;
    json_t *doc = NULL;

    bool ok = json_parse(&doc, text, len, &LIMITS, &why) && parse_doc(m, doc, &why);
    json_decref(doc);
    if (!ok) {
        manifest_free(m);
        return err_set(err, ERR_CORRUPT, "manifest_invalid", "manifest: %s", why.text);
    }
    *out = m;
    return true;
}

/* --- signature -------------------------------------------------------------------------------------------- */

static bool head_matches(const json_t *doc, const uint8_t *text, size_t len, struct err *err)
{
    struct manifest *m = NULL;
    uint8_t said[SHA256_LEN] = {0}, is[SHA256_LEN];

    if (!copy_hex(doc, "head", said, SHA256_LEN, err) || !manifest_parse(&m, text, len, err))
        return false;
    manifest_head(m, is);
    manifest_free(m);
    return crypto_equal(said, is, SHA256_LEN) ||
           err_set(err, ERR_CORRUPT, "head_differs", "the head does not follow from the segments");
}

bool manifest_signature_check(uint8_t key[KEY_LEN], const uint8_t *text, size_t len, struct err *err)
{
    json_t *doc = NULL, *signature = NULL;
    uint8_t sig[SIG_LEN] = {0};
    const char *alg = "";
    char *plain = NULL;
    bool ok = false;

    if (!json_parse(&doc, text, len, &LIMITS, err))
        return false;
    signature = json_incref(json_object_get(doc, "signature"));
    if (!json_is_object(signature)) {
        err_set(err, ERR_CORRUPT, "signature_missing", "the manifest is not signed");
        goto out;
    }
    if (!json_opt_str(signature, "alg", &alg, 16, err) || !copy_hex(signature, "key", key, KEY_LEN, err) ||
        !copy_hex(signature, "value", sig, SIG_LEN, err))
        goto out;
    json_object_del(doc, "signature");
    plain = canonical(doc);
    if (strcmp(alg, "ed25519") != 0 || !sign_verify(key, plain, strlen(plain), sig)) {
        err_set(err, ERR_CORRUPT, "signature_differs", "the manifest is not what was signed");
        goto out;
    }
    ok = head_matches(doc, text, len, err);
out:
    free(plain);
    json_decref(signature);
    json_decref(doc);
    return ok;
}
