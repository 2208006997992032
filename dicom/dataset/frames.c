/* frames.c - see frames.h. */
#include "dicom/dataset/frames.h"
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/dataset_tree.h"

#define FRAMES_MAX 0x7FFFFFFF

static int64_t int_or(const struct dataset_item *root, uint32_t tag, int64_t otherwise)
{
    int64_t v;

    return dataset_int(root, tag, 0, &v) ? v : otherwise;
}

/* Samples of two pixels, with the subsampling of what is stored (PS3.3 C.7.6.3.1.2). */
static uint64_t samples_of_two(const struct dataset_item *root, bool subsampled)
{
    char photometric[17] = "";
    int64_t samples = int_or(root, TAG_SamplesPerPixel, 1);

    if (samples < 1 || samples > 16)
        return 0;
    dataset_ascii(root, TAG_PhotometricInterpretation, photometric, sizeof photometric);
    if (subsampled && samples == 3 &&
        (strcmp(photometric, "YBR_FULL_422") == 0 || strcmp(photometric, "YBR_PARTIAL_422") == 0))
        return 4;
    if (subsampled && samples == 3 && strcmp(photometric, "YBR_PARTIAL_420") == 0)
        return 3;
    return 2 * (uint64_t)samples;
}

static uint64_t native_bits(const struct dataset_item *root, bool subsampled)
{
    int64_t rows = int_or(root, TAG_Rows, 0), columns = int_or(root, TAG_Columns, 0);
    int64_t bits = int_or(root, TAG_BitsAllocated, 0);

    if (rows < 1 || columns < 1 || rows > 65535 || columns > 65535 || bits < 1 || bits > 64)
        return 0;
    return (uint64_t)rows * (uint64_t)columns * (uint64_t)bits * samples_of_two(root, subsampled) / 2;
}

uint64_t frames_native_bits(const struct dataset_item *root)
{
    return native_bits(root, true);
}

static bool find_native(struct frames *f, const struct dataset *ds, const struct dataset_element *e,
                        struct err *err)
{
    const struct dataset_item *root = dataset_root(ds);
    uint64_t whole = native_bits(root, false), room = (uint64_t)e->length * 8;

    f->source = FRAMES_NATIVE;
    f->offset = dataset_offset(ds, e->value);
    f->frame_bits = native_bits(root, true);
    if (f->frame_bits == 0)
        return err_set(err, ERR_INVALID, "pixel_data_short",
                       "the image module does not say how large a frame is");
    /* Some write "422" and keep all samples: the length tells. */
    if (whole != f->frame_bits && room / whole >= f->n_frames)
        f->frame_bits = whole;
    if (room / f->frame_bits < f->n_frames)
        return err_set(err, ERR_INVALID, "pixel_data_short", "%zu bytes of pixel data do not hold %u frames",
                       e->length, f->n_frames);
    return true;
}

/* Fragments in order; the first item is the Basic Offset Table and comes back by itself. */
static bool read_fragments(struct frames *f, const struct dataset *ds, const struct dataset_element *e,
                           const uint8_t **table, size_t *table_len, struct err *err)
{
    const uint8_t *p = e->value, *end = e->value + e->length;
    size_t cap = 0;
    bool first = true;

    while (end - p >= 8) {
        uint32_t length = get_u32(p + 4, e->flags & DATASET_BIG_ENDIAN);
        if (length > (size_t)(end - p - 8))
            return err_set(err, ERR_INVALID, "truncated", "a fragment is longer than the pixel data");
        if (first) {
            *table = p + 8;
            *table_len = length;
        } else {
            if (f->n_pieces == cap)
                f->pieces = mem_grow(f->pieces, (cap = cap ? cap * 2 : 16) * sizeof *f->pieces);
            f->pieces[f->n_pieces++] =
                (struct frames_piece){.offset = dataset_offset(ds, p + 8), .length = length};
        }
        first = false;
        p += 8 + length;
    }
    while (f->n_pieces > f->n_frames && f->pieces[f->n_pieces - 1].length == 0)
        f->n_pieces--;
    return true;
}

/* Frame n begins with fragment first[n]; the last one ends with the last fragment. */
static void cut(struct frames *f, const uint32_t *first)
{
    f->frames = mem_new(f->n_frames * sizeof *f->frames);
    for (uint32_t n = 0; n < f->n_frames; n++) {
        uint32_t end = n + 1 < f->n_frames ? first[n + 1] : f->n_pieces;
        f->frames[n] = (struct frames_frame){.first_piece = first[n], .n_pieces = end - first[n]};
        for (uint32_t i = first[n]; i < end; i++)
            f->frames[n].bytes += f->pieces[i].length;
    }
}

/* An offset table holds, per frame, where its first fragment's item tag lies behind the first fragment's. */
static bool by_table(const struct frames *f, const uint8_t *table, size_t len, unsigned width, bool big,
                     uint32_t *first)
{
    uint32_t piece = 0;

    if (len / width != f->n_frames)
        return false;
    for (uint32_t n = 0; n < f->n_frames; n++) {
        uint64_t want = width == 8 ? get_u64(table + n * 8, big) : get_u32(table + n * 4, big);
        while (piece < f->n_pieces && f->pieces[piece].offset - f->pieces[0].offset < want)
            piece++;
        if (piece >= f->n_pieces || f->pieces[piece].offset - f->pieces[0].offset != want ||
            (n == 0 && piece != 0) || (n && piece == first[n - 1]))
            return false;
        first[n] = piece;
    }
    return true;
}

/* A JPEG, JPEG-LS (SOI, then a marker) or JPEG 2000 codestream (SOC, SIZ) begins here. */
static bool starts_codestream(const uint8_t *p, uint32_t len)
{
    return len >= 4 && p[0] == 0xFF &&
           ((p[1] == 0xD8 && p[2] == 0xFF) || (p[1] == 0x4F && p[2] == 0xFF && p[3] == 0x51));
}

static bool by_start_marks(const struct frames *f, const struct dataset *ds, uint32_t *first)
{
    const uint8_t *data = ((const struct dataset *)ds)->data;
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->n_pieces; i++) {
        bool starts = starts_codestream(data + f->pieces[i].offset, f->pieces[i].length);
        if (i == 0 && !starts)
            return false;
        if (starts && n == f->n_frames)
            return false;
        if (starts)
            first[n++] = i;
    }
    return n == f->n_frames;
}

static enum frames_source choose(struct frames *f, const struct dataset *ds, const struct dataset_element *e,
                                 const uint8_t *table, size_t table_len, uint32_t *first)
{
    const struct dataset_element *extended = dataset_find(dataset_root(ds), TAG_ExtendedOffsetTable);
    bool big = e->flags & DATASET_BIG_ENDIAN;

    if (extended && extended->length) {
        if (by_table(f, extended->value, extended->length, 8, extended->flags & DATASET_BIG_ENDIAN, first))
            return FRAMES_EXTENDED_TABLE;
        f->table_wrong = true;
    }
    if (table_len) {
        if (by_table(f, table, table_len, 4, big, first))
            return f->n_frames == 1 ? FRAMES_SINGLE : FRAMES_BASIC_TABLE;
        f->table_wrong = true;
    }
    if (f->n_frames == 1 && f->n_pieces) {
        first[0] = 0;
        return FRAMES_SINGLE;
    }
    if (f->n_frames == f->n_pieces) {
        for (uint32_t n = 0; n < f->n_frames; n++)
            first[n] = n;
        return FRAMES_ONE_EACH;
    }
    return by_start_marks(f, ds, first) ? FRAMES_SCANNED : FRAMES_NONE;
}

static bool find_encapsulated(struct frames *f, const struct dataset *ds, const struct dataset_element *e,
                              struct err *err)
{
    const uint8_t *table = NULL;
    size_t table_len = 0;
    uint32_t *first;

    if (!read_fragments(f, ds, e, &table, &table_len, err))
        return false;
    if (f->n_frames > f->n_pieces) /* also keeps a frame count out of thin air from costing memory */
        return err_set(err, ERR_INVALID, "frames_unclear", "%u fragments cannot be %u frames", f->n_pieces,
                       f->n_frames);
    first = mem_new(f->n_frames * sizeof *first);
    f->source = choose(f, ds, e, table, table_len, first);
    if (f->source != FRAMES_NONE)
        cut(f, first);
    free(first);
    if (f->source == FRAMES_NONE)
        return err_set(err, ERR_INVALID, "frames_unclear",
                       "%u fragments, %u frames, and nothing says which is whose", f->n_pieces, f->n_frames);
    return true;
}

bool frames_find(struct frames *out, const struct dataset *ds, struct err *err)
{
    static const uint32_t PIXELS[] = {TAG_PixelData, TAG_FloatPixelData, TAG_DoubleFloatPixelData};
    const struct dataset_element *e = NULL;
    struct frames f = {0};
    int64_t n = int_or(dataset_root(ds), TAG_NumberOfFrames, 1);
    bool ok;

    for (size_t i = 0; !e && i < sizeof PIXELS / sizeof *PIXELS; i++)
        e = dataset_find(dataset_root(ds), PIXELS[i]);
    if (!e) {
        *out = f;
        return true;
    }
    if (n > FRAMES_MAX)
        return err_set(err, ERR_TOO_LARGE, "too_large", "%lld frames", (long long)n);
    f.n_frames = n < 1 ? 1 : (uint32_t)n;
    ok = e->flags & DATASET_ENCAPSULATED ? find_encapsulated(&f, ds, e, err) : find_native(&f, ds, e, err);
    if (ok)
        *out = f;
    else
        frames_free(&f);
    return ok;
}

void frames_free(struct frames *f)
{
    free(f->frames);
    free(f->pieces);
    *f = (struct frames){0};
}
