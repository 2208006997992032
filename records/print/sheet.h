/* sheet.h - what stands on a printed document: a description anybody can make, and nothing of how it looks.
 *
 * Wire    one JSON object; every member is text unless said:
 *           lang           BCP 47, for the shaping of letters ("zh-CN")
 *           organisation   who issues it, on top
 *           title          what it is
 *           facts          [[label, value], …], three columns, in reading order
 *           sections       [{heading, text}, …]; line ends in text are kept
 *           signature      [[label, value], …], at the end, to the right
 *           notes          [text, …], small
 *           code           {text, caption}: a QR code and the words beside it; may be absent
 *           mark           one line across each page's head, for a version that is not the newest; may be absent
 *           made_at        RFC 3339, the PDF's own date: the same description gives the same bytes
 * Owns    the parsed document; strings are lent by it. Any thread.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"
#include "core/json.h"

#define SHEET_BYTES_MAX (512 * 1024)

struct sheet_pair {
    const char *label, *value;
};

struct sheet {
    json_t *doc;
    const char *lang, *organisation, *title, *mark, *made_at;
    const char *code_text, *code_caption; /* NULL: no code */
    struct sheet_pair *facts, *sections, *signature;
    const char **notes;
    size_t n_facts, n_sections, n_signature, n_notes;
};

/** ERR_INVALID "sheet_member": a member is missing, unknown or of another type; or what json_parse() says. */
bool sheet_read(struct sheet *out, const uint8_t *json, size_t len, struct err *err);
void sheet_free(struct sheet *s);
