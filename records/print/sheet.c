#include "records/print/sheet.h"
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"

static const struct json_limits LIMITS = {SHEET_BYTES_MAX, 6};

static bool bad(struct err *err, const char *name)
{
    return err_set(err, ERR_INVALID, "sheet_member", "%s is missing, unknown or of another type", name);
}

static bool text_of(const char **out, const json_t *obj, const char *name, bool needed, struct err *err)
{
    const json_t *v = json_object_get(obj, name);

    *out = json_string_value(v);
    return *out || (!v && !needed) || bad(err, name);
}

/* [[label, value], …] */
static bool pairs_of(struct sheet_pair **out, size_t *n, const json_t *list, const char *name,
                     struct err *err)
{
    const json_t *row;
    size_t i;

    if (!json_is_array(list))
        return bad(err, name);
    *out = mem_new((json_array_size(list) + 1) * sizeof **out);
    json_array_foreach(list, i, row)
    {
        struct sheet_pair *p = &(*out)[(*n)++];

        p->label = json_string_value(json_array_get(row, 0));
        p->value = json_string_value(json_array_get(row, 1));
        if (!p->label || !p->value || json_array_size(row) != 2)
            return bad(err, name);
    }
    return true;
}

static bool sections_of(struct sheet *s, const json_t *list, struct err *err)
{
    const json_t *row;
    size_t i;

    if (!json_is_array(list))
        return bad(err, "sections");
    s->sections = mem_new((json_array_size(list) + 1) * sizeof *s->sections);
    json_array_foreach(list, i, row)
    {
        struct sheet_pair *p = &s->sections[s->n_sections++];

        if (!text_of(&p->label, row, "heading", true, err) || !text_of(&p->value, row, "text", true, err) ||
            json_object_size(row) != 2)
            return bad(err, "sections");
    }
    return true;
}

static bool notes_of(struct sheet *s, const json_t *list, struct err *err)
{
    const json_t *row;
    size_t i;

    if (!json_is_array(list))
        return bad(err, "notes");
    s->notes = mem_new((json_array_size(list) + 1) * sizeof *s->notes);
    json_array_foreach(list, i,
                       row) if (!(s->notes[s->n_notes++] = json_string_value(row))) return bad(err, "notes");
    return true;
}

static bool code_of(struct sheet *s, const json_t *code, struct err *err)
{
    return !code || (text_of(&s->code_text, code, "text", true, err) &&
                     text_of(&s->code_caption, code, "caption", true, err));
}

static bool members_known(const json_t *doc, struct err *err)
{
    static const char *const KNOWN[] = {"lang",      "organisation", "title", "facts", "sections",
                                        "signature", "notes",        "code",  "mark",  "made_at"};
    json_t *value;
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)doc, name, value)
    {
        size_t i = 0;

        while (i < sizeof KNOWN / sizeof *KNOWN && strcmp(KNOWN[i], name) != 0)
            i++;
        if (i == sizeof KNOWN / sizeof *KNOWN)
            return bad(err, name);
    }
    return true;
}

bool sheet_read(struct sheet *s, const uint8_t *json, size_t len, struct err *err)
{
    *s = (struct sheet){0};
    if (json_parse(&s->doc, json, len, &LIMITS, err) && members_known(s->doc, err) &&
        text_of(&s->lang, s->doc, "lang", true, err) &&
        text_of(&s->organisation, s->doc, "organisation", true, err) &&
        text_of(&s->title, s->doc, "title", true, err) &&
        text_of(&s->made_at, s->doc, "made_at", true, err) && text_of(&s->mark, s->doc, "mark", false, err) &&
        pairs_of(&s->facts, &s->n_facts, json_object_get(s->doc, "facts"), "facts", err) &&
        sections_of(s, json_object_get(s->doc, "sections"), err) &&
        pairs_of(&s->signature, &s->n_signature, json_object_get(s->doc, "signature"), "signature", err) &&
        notes_of(s, json_object_get(s->doc, "notes"), err) &&
        code_of(s, json_object_get(s->doc, "code"), err))
        return true;
    sheet_free(s);
    return false;
}

void sheet_free(struct sheet *s)
{
    free(s->facts);
    free(s->sections);
    free(s->signature);
    free(s->notes);
    json_decref(s->doc);
    *s = (struct sheet){0};
}
