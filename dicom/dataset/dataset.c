/* dataset.c - see dataset.h: what kind of bytes these are, and the memory of the tree. */
#include "dicom/dataset/dataset.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "core/mem.h"
#include "dicom/dataset/dataset_tree.h"
#include "dicom/dataset/dataset_write.h"

const struct dataset_limits DATASET_LIMITS_DEFAULT = {
    .inflated_max = (size_t)128 << 20, .elements_max = 2000000, .depth_max = 32};

struct dataset_block {
    struct dataset_block *next;
    size_t used, size;
    max_align_t bytes[];
};

void *dataset_alloc(struct dataset *ds, size_t size, struct err *err)
{
    struct dataset_block *b = ds->blocks;
    void *p;

    if (++ds->n_elements > ds->limits.elements_max) {
        err_set(err, ERR_TOO_LARGE, "too_many_elements", "more than %zu elements", ds->limits.elements_max);
        return NULL;
    }
    size = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    if (!b || b->size - b->used < size) {
        size_t next = !b ? 4096 : b->size < (256u << 10) ? b->size * 2 : b->size;
        b = mem_new(sizeof *b + next);
        *b = (struct dataset_block){.next = ds->blocks, .size = next};
        ds->blocks = b;
    }
    p = (uint8_t *)b->bytes + b->used;
    b->used += size;
    return p;
}

static struct dataset *dataset_new(const uint8_t *bytes, size_t len, const struct dataset_limits *limits)
{
    struct dataset *ds = mem_new(sizeof *ds);

    ds->bytes = ds->data = bytes;
    ds->len = ds->data_len = len;
    ds->limits = limits ? *limits : DATASET_LIMITS_DEFAULT;
    if (ds->limits.depth_max > DATASET_DEPTH_MAX)
        ds->limits.depth_max = DATASET_DEPTH_MAX;
    return ds;
}

void dataset_close(struct dataset *ds)
{
    if (!ds)
        return;
    while (ds->blocks) {
        struct dataset_block *b = ds->blocks;
        ds->blocks = b->next;
        free(b);
    }
    free(ds->inflated);
    free(ds);
}

/* PS3.5 10 and A: three ways to write a data set; everything encapsulated is explicit little endian, and so is,
 * as the standard promises, every syntax to come. */
static bool is_deflated(const char *syntax)
{
    return strcmp(syntax, SYNTAX_DEFLATED) == 0 || strcmp(syntax, "1.2.840.10008.1.2.4.95") == 0 ||
           strcmp(syntax, "1.2.840.10008.1.2.4.205") == 0;
}

static bool is_plain(const char *syntax)
{
    return strcmp(syntax, SYNTAX_IMPLICIT_LITTLE) == 0 || strcmp(syntax, SYNTAX_EXPLICIT_LITTLE) == 0 ||
           strcmp(syntax, SYNTAX_EXPLICIT_BIG) == 0;
}

static struct dataset_coding coding_of(const char *syntax)
{
    struct dataset_coding coding = {0};

    coding.implicit = strcmp(syntax, SYNTAX_IMPLICIT_LITTLE) == 0;
    coding.big = strcmp(syntax, SYNTAX_EXPLICIT_BIG) == 0;
    return coding;
}

static const struct {
    struct dataset_coding coding;
    const char *syntax;
} CODINGS[] = {
    {{.implicit = false, .big = false}, SYNTAX_EXPLICIT_LITTLE},
    {{.implicit = false, .big = true}, SYNTAX_EXPLICIT_BIG},
    {{.implicit = true, .big = false}, SYNTAX_IMPLICIT_LITTLE},
};

/* Which coding begins here with an attribute that a data set begins with (or with any, when it is DICOM for sure)?
 * NULL: none does. */
static const char *guess(const uint8_t *p, size_t len, bool sure, struct dataset_coding *coding)
{
    for (size_t i = 0; i < sizeof CODINGS / sizeof *CODINGS; i++) {
        uint32_t tag = len < 8 ? 0 : get_tag(p, CODINGS[i].coding.big);
        bool first = (tag >> 16 == 0x0004 || tag >> 16 == 0x0008 || tag >> 16 == 0x0010 ||
                      tag >> 16 == 0x0020 || tag >> 16 == 0x0000) &&
                     dictionary_vr(tag) != VR_UN;
        if (tag && (first || sure) && dataset_coding_fits(CODINGS[i].coding, p, len)) {
            *coding = CODINGS[i].coding;
            return CODINGS[i].syntax;
        }
    }
    return NULL;
}

static bool set_inflated(struct dataset *ds, uint8_t *out, size_t len, bool ended, struct err *err)
{
    ds->inflated = out;
    ds->data = out;
    ds->data_len = len;
    if (!ended)
        return err_set(err, ERR_INVALID, "truncated", "the deflate stream ends too early, after %zu bytes",
                       len);
    return true;
}

/* PS3.5 A.5: RFC 1951 without zlib's header. The output grows with what came, up to the limit. */
static bool inflate_all(struct dataset *ds, const uint8_t *in, size_t len, struct err *err)
{
    size_t max = ds->limits.inflated_max, cap = len < (1u << 14) ? 1u << 16 : len * 4, n = 0;
    uint8_t *out = NULL;
    z_stream z = {0};
    int rc = Z_OK;

    if (inflateInit2(&z, -15) != Z_OK)
        return err_set(err, ERR_INTERNAL, "deflate_failed", "zlib does not start");
    z.next_in = (Bytef *)(uintptr_t)in;
    while (rc == Z_OK && n <= max) {
        size_t left = len - (size_t)(z.next_in - in), step;
        if (!out || n == cap)
            out = mem_grow(out, cap = !out                ? (cap < max + 1 ? cap : max + 1)
                                      : cap * 2 < max + 1 ? cap * 2
                                                          : max + 1);
        step = cap - n < (1u << 24) ? cap - n : 1u << 24;
        z.avail_in = left < (1u << 24) ? (uInt)left : 1u << 24;
        z.next_out = out + n;
        z.avail_out = (uInt)step;
        rc = inflate(&z, Z_NO_FLUSH);
        n += step - z.avail_out;
    }
    inflateEnd(&z);
    if (n > max || (rc != Z_STREAM_END && rc != Z_BUF_ERROR)) {
        free(out);
        return n > max ? err_set(err, ERR_TOO_LARGE, "deflate_bomb", "inflates to more than %zu bytes", max)
                       : err_set(err, ERR_INVALID, "deflate_failed", "not a deflate stream");
    }
    return set_inflated(ds, out, n, rc == Z_STREAM_END, err);
}

/* The data set behind whatever stood before it, in ds->syntax or in what its bytes say. */
static bool read_data_set(struct dataset *ds, size_t from, struct err *err)
{
    struct dataset_coding coding = coding_of(ds->syntax), found;
    const char *syntax;

    ds->begin = from;
    if (is_deflated(ds->syntax)) {
        if (!inflate_all(ds, ds->bytes + from, ds->len - from, err))
            return false;
        from = 0;
    } else if (from < ds->len && !dataset_coding_fits(coding, ds->bytes + from, ds->len - from)) {
        syntax = guess(ds->bytes + from, ds->len - from, false, &found);
        if (syntax) {
            coding = found;
            ds->notes |= DATASET_NOTE(SYNTAX_MISLABELLED);
            if (is_plain(ds->syntax))
                strcpy(ds->syntax, syntax);
        }
    }
    return dataset_parse(ds, &ds->root, from, ds->data_len, coding, err);
}

/* Where group 0002 begins, or SIZE_MAX when there is none. */
static size_t find_meta(struct dataset *ds)
{
    static const uint8_t group[] = {0x02, 0x00};
    const uint8_t *b = ds->bytes;

    if (ds->len >= 132 && memcmp(b + 128, "DICM", 4) == 0)
        return 132;
    if (ds->len >= 12 && memcmp(b, "DICM", 4) == 0 && memcmp(b + 4, group, 2) == 0) {
        ds->notes |= DATASET_NOTE(NO_PREAMBLE);
        return 4;
    }
    if (ds->len >= 8 && memcmp(b, group, 2) == 0 && (dictionary_vr(get_tag(b, false)) != VR_UN)) {
        ds->notes |= DATASET_NOTE(NO_PREAMBLE);
        return 0;
    }
    return SIZE_MAX;
}

/* No label: the bytes must say it themselves, or it is no DICOM. */
static bool read_unlabelled(struct dataset *ds, size_t from, struct err *err)
{
    struct dataset_coding coding;
    const char *syntax = guess(ds->bytes + from, ds->len - from, from > 0, &coding);

    if (!syntax && from == ds->len && from)
        syntax = SYNTAX_EXPLICIT_LITTLE;
    if (!syntax)
        return err_set(err, ERR_INVALID, "not_dicom", "no File Meta Information and no data set");
    strcpy(ds->syntax, syntax);
    ds->notes |= DATASET_NOTE(SYNTAX_GUESSED);
    return read_data_set(ds, from, err);
}

/* A deflated stream may begin with anything, also with 02 00: there the group length decides. */
static size_t end_of_meta(const struct dataset *ds, size_t begin, size_t end)
{
    const struct dataset_element *first = ds->meta.first;
    int64_t length;

    if (is_deflated(ds->syntax) && first && first->tag == TAG_FileMetaInformationGroupLength &&
        dataset_int(&ds->meta, first->tag, 0, &length)) {
        size_t after = (size_t)(first->value + first->length - ds->bytes);
        if (after + (size_t)length <= end && after + (size_t)length > begin)
            return after + (size_t)length;
    }
    return end;
}

static bool read_file(struct dataset *ds, struct err *err)
{
    size_t begin = find_meta(ds), end = 0;

    if (begin == SIZE_MAX) {
        ds->notes |= DATASET_NOTE(NO_META);
        return read_unlabelled(ds, 0, err);
    }
    if (!dataset_parse_meta(ds, begin, &end, err))
        return false;
    if (!ds->meta.first)
        ds->notes |= DATASET_NOTE(NO_META);
    if (!dataset_uid(&ds->meta, TAG_TransferSyntaxUID, ds->syntax))
        return read_unlabelled(ds, end, err);
    if (strcmp(ds->syntax, "1.2.840.113619.5.2") == 0) /* GE: little endian with big endian pixels */
        return err_set(err, ERR_UNSUPPORTED, "syntax_unsupported", "private transfer syntax %s", ds->syntax);
    return read_data_set(ds, end_of_meta(ds, begin, end), err);
}

bool dataset_open(struct dataset **out, const uint8_t *bytes, size_t len, const struct dataset_limits *limits,
                  struct err *err)
{
    struct dataset *ds = dataset_new(bytes, len, limits);

    if (!read_file(ds, err)) {
        dataset_close(ds);
        return false;
    }
    *out = ds;
    return true;
}

bool dataset_open_bare(struct dataset **out, const uint8_t *bytes, size_t len, const char *syntax,
                       const struct dataset_limits *limits, struct err *err)
{
    struct dataset *ds = dataset_new(bytes, len, limits);
    bool ok;

    if (strlen(syntax) >= sizeof ds->syntax) {
        dataset_close(ds);
        return err_set(err, ERR_UNSUPPORTED, "syntax_unsupported", "a transfer syntax of %zu characters",
                       strlen(syntax));
    }
    strcpy(ds->syntax, syntax);
    ok = read_data_set(ds, 0, err);
    if (ok)
        *out = ds;
    else
        dataset_close(ds);
    return ok;
}

const struct dataset_item *dataset_root(const struct dataset *ds)
{
    return &ds->root;
}

const struct dataset_item *dataset_meta(const struct dataset *ds)
{
    return &ds->meta;
}

const char *dataset_syntax(const struct dataset *ds)
{
    return ds->syntax;
}

unsigned dataset_notes(const struct dataset *ds)
{
    return ds->notes;
}

size_t dataset_begin(const struct dataset *ds)
{
    return ds->begin;
}

bool dataset_deflated(const struct dataset *ds)
{
    return ds->inflated != NULL;
}

size_t dataset_offset(const struct dataset *ds, const uint8_t *value)
{
    return (size_t)(value - ds->data);
}

const char *dataset_note_word(unsigned bit)
{
    static const char *const WORDS[] = {
#define X(name, word, text) word,
        DATASET_NOTES(X)
#undef X
    };

    return bit < DATASET_NOTE_COUNT ? WORDS[bit] : "";
}
