#include "dicom/web_index.h"
#include "core/mem.h"
#include "dicom/web_private.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_MAX (512u << 20)
#define BULK      "\"BulkDataURI\":\""
#define SYNTAXES  "00083002" /* Available Transfer Syntax UID */

bool web_file_read(const char *path, size_t max, char **out, size_t *len, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char *text = NULL;
    struct stat st;
    size_t have = 0;
    bool ok = false;

    if (fd < 0 || fstat(fd, &st)) {
        err_errno(err, "read");
        goto out;
    }
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
        err_set(err, ERR_CORRUPT, "internal", "a file of %" PRId64 " bytes", (int64_t)st.st_size);
        goto out;
    }
    text = mem_grow(NULL, (size_t)st.st_size + 1);
    while (have < (size_t)st.st_size) {
        ssize_t got = pread(fd, text + have, (size_t)st.st_size - have, (off_t)have);
        if (got <= 0) {
            err_errno(err, "read");
            goto out;
        }
        have += (size_t)got;
    }
    text[have] = '\0';
    *out = text;
    *len = have;
    text = NULL;
    ok = true;
out:
    if (fd >= 0)
        close(fd);
    free(text);
    return ok;
}

/* Line n (from 0) of the three. */
static bool line_of(const char *text, size_t len, int n, const char **line, size_t *line_len)
{
    const char *p = text, *end = text + len, *stop;

    for (; p < end; p = stop + 1, n--) {
        stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop)
            stop = end;
        if (n == 0) {
            *line = p;
            *line_len = (size_t)(stop - p);
            return true;
        }
    }
    return false;
}

/* --- attributes --- */

/* Where in the object a member of that name belongs: members are sorted by tag (PS3.18 F.2.2). */
static size_t place_of(const char *json, size_t len, const char *tag)
{
    int depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = json[i];
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (--depth == 0)
                return i;
        } else if (c == '"') {
            size_t begin = i;
            for (i++; i < len && json[i] != '"'; i++)
                i += json[i] == '\\';
            if (depth == 1 && i == begin + 9 && memcmp(json + begin + 1, tag, 8) >= 0)
                return begin;
        }
    }
    return len;
}

static void add_bulk(struct json_buf *out, const char *line, size_t len, const char *base)
{
    const char *end = line + len;

    while (line < end) {
        const char *at = memmem(line, (size_t)(end - line), BULK, sizeof BULK - 1);
        if (!at)
            break;
        at += sizeof BULK - 1;
        json_buf_add(out, line, (size_t)(at - line));
        if (at < end && *at == '/')
            at++;
        json_buf_add(out, base, strlen(base));
        line = at;
    }
    json_buf_add(out, line, (size_t)(end - line));
}

void web_index_dress(struct json_buf *out, const char *line, size_t len, const char *bulk_base,
                     const char *syntax)
{
    size_t at = place_of(line, len, SYNTAXES);
    bool there = at + 9 < len && !memcmp(line + at + 1, SYNTAXES, 8); /* somebody sent one: his stays */
    bool last = at < len && line[at] == '}', first = at == 1;

    add_bulk(out, line, at, bulk_base);
    if (!there && at < len)
        json_buf_print(out, "%s\"" SYNTAXES "\":{\"vr\":\"UI\",\"Value\":[\"%s\"]}%s",
                       last && !first ? "," : "", syntax, last ? "" : ",");
    add_bulk(out, line + at, len - at, bulk_base);
}

bool web_index_attributes(struct json_buf *out, const char *study_uid, const struct web_instance *in,
                          struct err *err)
{
    char *text, *base;
    const char *line;
    size_t len, line_len;

    if (!web_file_read(in->index_path, INDEX_MAX, &text, &len, err))
        return false;
    if (!line_of(text, len, 2, &line, &line_len) || line_len < 2 || *line != '{') {
        free(text);
        return err_set(err, ERR_CORRUPT, "internal", "the index of instance %" PRId64 " has no attributes",
                       in->id);
    }
    base = mem_format("/dicomweb/studies/%s/series/%s/instances/%s/", study_uid, in->series_uid, in->sop_uid);
    web_index_dress(out, line, line_len, base, in->syntax);
    free(base);
    free(text);
    return true;
}

/* --- frames --- */

static uint64_t number(const json_t *obj, const char *name)
{
    json_int_t v = json_integer_value(json_object_get(obj, name));

    return v > 0 ? (uint64_t)v : 0;
}

static bool read_table(struct web_frame_table *t, const json_t *facts, json_t *table, struct err *err)
{
    const char *source = json_string_value(json_object_get(table, "source"));
    const char *why = json_string_value(json_object_get(facts, "frames_reason"));

    snprintf(t->reason, sizeof t->reason, "%s", why ? why : "");
    t->n_frames = (uint32_t)number(table, "n");
    t->native = source && !strcmp(source, "native");
    t->deflated =
        json_is_true(json_object_get(table, "deflated")) || json_is_true(json_object_get(facts, "deflated"));
    t->offset = number(table, "offset");
    t->frame_bits = number(table, "frame_bits");
    t->aligned = t->frame_bits % 8 == 0;
    t->lists = json_incref(json_object_get(table, "frames"));
    if (t->n_frames && !*t->reason && (t->native ? !t->frame_bits : json_array_size(t->lists) != t->n_frames))
        return err_set(err, ERR_CORRUPT, "internal", "a frame table without its frames");
    return true;
}

bool web_index_frames(struct web_frame_table *out, const struct web_instance *in, struct err *err)
{
    json_t *facts = NULL, *table = NULL;
    const char *line[2];
    size_t len, line_len[2];
    char *text;
    bool ok;

    memset(out, 0, sizeof *out);
    if (!web_file_read(in->index_path, INDEX_MAX, &text, &len, err))
        return false;
    for (int i = 0; i < 2; i++)
        if (!line_of(text, len, i, &line[i], &line_len[i]))
            line_len[i] = 0;
    facts = json_loadb(line[0], line_len[0], 0, NULL);
    table = json_loadb(line[1], line_len[1], 0, NULL);
    ok = facts && table
             ? read_table(out, facts, table, err)
             : err_set(err, ERR_CORRUPT, "internal", "the index of instance %" PRId64 " is none", in->id);
    json_decref(facts);
    json_decref(table);
    free(text);
    if (!ok)
        web_frame_table_free(out);
    return ok;
}

static bool find_native(const struct web_frame_table *t, uint32_t frame, struct web_frame *out)
{
    out->n = 1;
    out->pieces = mem_new(sizeof *out->pieces);
    out->pieces[0] = (struct web_piece){t->offset + frame * (t->frame_bits / 8), t->frame_bits / 8};
    out->length = t->frame_bits / 8;
    return true;
}

bool web_frame_find(const struct web_frame_table *t, uint32_t frame, struct web_frame *out)
{
    const json_t *list;

    memset(out, 0, sizeof *out);
    if (frame >= t->n_frames || *t->reason)
        return false;
    if (t->native)
        return find_native(t, frame, out);
    list = json_array_get(t->lists, frame);
    out->n = json_array_size(list);
    out->pieces = mem_new(out->n * sizeof *out->pieces);
    for (size_t i = 0; i < out->n; i++) {
        const json_t *piece = json_array_get(list, i);
        json_int_t at = json_integer_value(json_array_get(piece, 0));
        json_int_t len = json_integer_value(json_array_get(piece, 1));
        out->pieces[i] = (struct web_piece){at > 0 ? (uint64_t)at : 0, len > 0 ? (uint64_t)len : 0};
        out->length += out->pieces[i].length;
    }
    return true;
}

void web_frame_table_free(struct web_frame_table *t)
{
    json_decref(t->lists);
    t->lists = NULL;
}
