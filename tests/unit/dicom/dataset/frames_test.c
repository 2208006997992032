/* frames_test.c - which bytes are frame n, with and without the tables that should say so. */
#include "dicom/dataset/frames.h"
#include "tests/unit/dicom/dataset/bytes.h"
#include "tests/unit/test.h"

struct found {
    struct bytes b;
    struct dataset *ds;
    struct frames f;
    struct err err;
};

static void found_free(void *arg)
{
    struct found *x = arg;

    frames_free(&x->f);
    dataset_close(x->ds);
    free(x->b.p);
    free(x);
}

static struct found *find(struct test *t, struct bytes *b, const char *syntax)
{
    struct found *x = mem_new(sizeof *x);

    x->b = *b;
    test_cleanup(t, found_free, x);
    CHECK_OK(dataset_open_bare(&x->ds, b->p, b->len, syntax, NULL, &x->err), &x->err);
    CHECK(frames_find(&x->f, x->ds, &x->err) == (x->err.code == ERR_NONE));
    return x;
}

static void image(struct bytes *b, unsigned rows, unsigned columns, unsigned bits, const char *frames)
{
    add_us(b, TAG_SamplesPerPixel, 1);
    add_text(b, TAG_PhotometricInterpretation, "CS", "MONOCHROME2");
    if (frames)
        add_text(b, TAG_NumberOfFrames, "IS", frames);
    add_us(b, TAG_Rows, rows);
    add_us(b, TAG_Columns, columns);
    add_us(b, TAG_BitsAllocated, bits);
}

static void fragment(struct bytes *b, const char *p, size_t n)
{
    add_item(b, (uint32_t)n);
    add(b, p, n);
}

#define SOI  "\xFF\xD8\xFF\xF7"
#define MORE "\x11\x22\x33\x44"

TEST(frames, native_frames_stand_one_behind_the_other)
{
    struct bytes b = {0};

    image(&b, 2, 3, 16, "4");
    add_value(&b, TAG_PixelData, "OW", "0123456789ab0123456789ab0123456789ab0123456789ab", 48);
    struct found *x = find(t, &b, EXPLICIT_LE);
    CHECK_INT(x->f.source, FRAMES_NATIVE);
    CHECK_INT(x->f.n_frames, 4);
    CHECK_INT(x->f.frame_bits, 96);
    CHECK_MEM(x->b.p + x->f.offset, "0123", 4);
}

TEST(frames, native_pixel_data_that_is_too_short_is_refused)
{
    struct bytes b = {0};

    image(&b, 2, 3, 16, "2147483647");
    add_value(&b, TAG_PixelData, "OW", "0123456789ab", 12);
    CHECK_STR(find(t, &b, EXPLICIT_LE)->err.reason, "pixel_data_short");
}

TEST(frames, no_pixel_data_is_no_fault)
{
    struct bytes b = {0};

    add_us(&b, TAG_Rows, 7);
    CHECK_INT(find(t, &b, EXPLICIT_LE)->f.source, FRAMES_NONE);
}

TEST(frames, the_basic_offset_table_joins_fragments)
{
    struct bytes b = {0};
    const uint8_t table[] = {0, 0, 0, 0, 24, 0, 0, 0};

    image(&b, 8, 8, 8, "2");
    add_head(&b, TAG_PixelData, "OB", 0xFFFFFFFF);
    fragment(&b, (const char *)table, 8);
    fragment(&b, MORE, 4);
    fragment(&b, MORE, 4);
    fragment(&b, "zz", 2);
    add_sequence_end(&b);
    struct found *x = find(t, &b, JPEG_LOSS);
    CHECK_INT(x->f.source, FRAMES_BASIC_TABLE);
    CHECK_INT(x->f.frames[0].n_pieces, 2);
    CHECK_INT(x->f.frames[0].bytes, 8);
    CHECK_INT(x->f.frames[1].n_pieces, 1);
    CHECK_MEM(x->b.p + x->f.pieces[2].offset, "zz", 2);
}

TEST(frames, without_a_table_codestreams_show_where_they_begin)
{
    struct bytes b = {0};

    image(&b, 8, 8, 8, "2");
    add_head(&b, TAG_PixelData, "OB", 0xFFFFFFFF);
    fragment(&b, "", 0);
    fragment(&b, SOI, 4);
    fragment(&b, MORE, 4);
    fragment(&b, MORE, 4);
    fragment(&b, SOI, 4);
    add_sequence_end(&b);
    struct found *x = find(t, &b, JPEG_LOSS);
    CHECK_INT(x->f.source, FRAMES_SCANNED);
    CHECK_INT(x->f.frames[0].n_pieces, 3);
    CHECK_INT(x->f.frames[1].n_pieces, 1);
}

TEST(frames, a_wrong_table_is_not_believed)
{
    struct bytes b = {0};
    const uint8_t table[] = {0, 0, 0, 0, 99, 0, 0, 0};

    image(&b, 8, 8, 8, "2");
    add_head(&b, TAG_PixelData, "OB", 0xFFFFFFFF);
    fragment(&b, (const char *)table, 8);
    fragment(&b, SOI, 4);
    fragment(&b, SOI, 4);
    add_sequence_end(&b);
    struct found *x = find(t, &b, JPEG_LOSS);
    CHECK(x->f.table_wrong);
    CHECK_INT(x->f.source, FRAMES_ONE_EACH);
}

TEST(frames, the_extended_table_is_read)
{
    struct bytes b = {0};
    const uint8_t offsets[16] = {0, 0, 0, 0, 0, 0, 0, 0, 12};
    const uint8_t lengths[16] = {4, 0, 0, 0, 0, 0, 0, 0, 4};

    image(&b, 8, 8, 8, "2");
    add_value(&b, TAG_ExtendedOffsetTable, "OV", offsets, 16);
    add_value(&b, TAG_ExtendedOffsetTableLengths, "OV", lengths, 16);
    add_head(&b, TAG_PixelData, "OB", 0xFFFFFFFF);
    fragment(&b, "", 0);
    fragment(&b, MORE, 4);
    fragment(&b, MORE, 4);
    add_sequence_end(&b);
    CHECK_INT(find(t, &b, JPEG_LOSS)->f.source, FRAMES_EXTENDED_TABLE);
}

TEST(frames, fragments_that_nobody_can_tell_apart_are_refused)
{
    struct bytes b = {0};

    image(&b, 8, 8, 8, "2");
    add_head(&b, TAG_PixelData, "OB", 0xFFFFFFFF);
    fragment(&b, "", 0);
    for (int i = 0; i < 3; i++)
        fragment(&b, MORE, 4);
    add_sequence_end(&b);
    CHECK_STR(find(t, &b, JPEG_LOSS)->err.reason, "frames_unclear");
}

TEST(frames, a_frame_count_out_of_thin_air_costs_nothing)
{
    struct bytes b = {0};

    image(&b, 8, 8, 8, "2147483647");
    add_head(&b, TAG_PixelData, "OB", 0xFFFFFFFF);
    fragment(&b, "", 0);
    fragment(&b, MORE, 4);
    add_sequence_end(&b);
    CHECK_STR(find(t, &b, JPEG_LOSS)->err.reason, "frames_unclear");
}

TEST(frames, pixel_data_without_its_end_is_read)
{
    struct bytes b = {0};

    image(&b, 8, 8, 8, NULL);
    add_head(&b, TAG_PixelData, "OB", 0xFFFFFFFF);
    fragment(&b, "", 0);
    fragment(&b, MORE, 4);
    struct found *x = find(t, &b, JPEG_LOSS);
    CHECK_INT(x->f.source, FRAMES_SINGLE);
    CHECK_INT(dataset_notes(x->ds), DATASET_NOTE(DELIMITER_MISSING));
}
