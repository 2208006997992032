/* dataset_test.c - data sets as they should be, as the field writes them, and as an attacker would. */
#include <zlib.h>
#include "dicom/dataset/dataset.h"
#include "tests/unit/dicom/dataset/bytes.h"
#include "tests/unit/test.h"

/* Opened from exactly as many bytes as there are, so that an overrun by one is seen; closed after the test. */
struct opened {
    struct dataset *ds;
    struct err err;
    uint8_t *copy;
};

static void opened_free(void *arg)
{
    struct opened *o = arg;

    dataset_close(o->ds);
    free(o->copy);
    free(o);
}

static struct opened *open_bytes(struct test *t, struct bytes *b, const char *syntax,
                                 const struct dataset_limits *limits)
{
    struct opened *o = mem_new(sizeof *o);
    bool ok;

    o->copy = malloc(b->len ? b->len : 1);
    if (b->len)
        memcpy(o->copy, b->p, b->len);
    ok = syntax ? dataset_open_bare(&o->ds, o->copy, b->len, syntax, limits, &o->err)
                : dataset_open(&o->ds, o->copy, b->len, limits, &o->err);
    CHECK(ok == (o->err.code == ERR_NONE));
    free(b->p);
    *b = (struct bytes){0};
    test_cleanup(t, opened_free, o);
    return o;
}

static const struct dataset_item *root_of(struct test *t, struct bytes *b, const char *syntax)
{
    struct opened *o = open_bytes(t, b, syntax, NULL);

    test_check_ok(o->ds != NULL, &o->err, "dataset_open", __FILE__, __LINE__);
    return dataset_root(o->ds);
}

TEST(dataset, a_file_gives_its_identity_and_numbers)
{
    struct bytes b = {0};
    char uid[65], text[17];
    int64_t n;
    double d;

    add_meta(&b, EXPLICIT_LE);
    add_text(&b, TAG_SOPInstanceUID, "UI", "1.2.3.4.5");
    add_text(&b, TAG_Modality, "CS", "CT");
    add_text(&b, TAG_PatientID, "LO", " 4711 ");
    add_us(&b, TAG_Rows, 512);
    add_text(&b, TAG_PixelSpacing, "DS", "0.5 \\0.75");
    struct opened *o = open_bytes(t, &b, NULL, NULL);
    CHECK(o->ds);
    const struct dataset_item *root = dataset_root(o->ds);
    CHECK(dataset_uid(root, TAG_SOPInstanceUID, uid));
    CHECK_STR(uid, "1.2.3.4.5");
    CHECK(dataset_ascii(root, TAG_PatientID, text, sizeof text));
    CHECK_STR(text, "4711");
    CHECK(dataset_int(root, TAG_Rows, 0, &n));
    CHECK_INT(n, 512);
    CHECK(!dataset_int(root, TAG_Rows, 1, &n));
    CHECK(!dataset_uid(root, TAG_Modality, uid));
    CHECK(dataset_real(root, TAG_PixelSpacing, 1, &d) && d > 0.74 && d < 0.76);
    CHECK_INT(dataset_count(dataset_find(root, TAG_PixelSpacing)), 2);
    CHECK_STR(dataset_syntax(o->ds), EXPLICIT_LE);
    CHECK_INT(dataset_notes(o->ds), 0);
    CHECK(dataset_uid(dataset_meta(o->ds), TAG_MediaStorageSOPInstanceUID, uid));
}

TEST(dataset, implicit_little_endian_takes_its_vrs_from_the_dictionary)
{
    struct bytes b = {0};
    int64_t n;

    add_implicit(&b, TAG_Modality, "CT", 2);
    add_implicit(&b, TAG_Rows, "\x00\x02", 2);
    add_implicit(&b, TAG_PixelRepresentation, "\x01\x00", 2);
    add_implicit(&b, TAG_SmallestImagePixelValue, "\xFF\xFF", 2);
    add_implicit(&b, 0x00091001, "private!", 8);
    add_implicit(&b, TAG_PixelData, "\x01\x00", 2);
    const struct dataset_item *root = root_of(t, &b, IMPLICIT_LE);
    CHECK(dataset_int(root, TAG_Rows, 0, &n));
    CHECK_INT(n, 512);
    CHECK(dataset_int(root, TAG_SmallestImagePixelValue, 0, &n));
    CHECK_INT(n, -1); /* signed, because the pixels are */
    CHECK_INT(dataset_find(root, 0x00091001)->vr, VR_UN);
    CHECK_INT(dataset_find(root, TAG_PixelData)->vr, VR_OW);
}

TEST(dataset, big_endian_numbers_are_turned)
{
    struct bytes b = {0};
    int64_t n;

    add(&b, "\x00\x28\x00\x10US\x00\x02\x02\x00", 10);
    const struct dataset_item *root = root_of(t, &b, EXPLICIT_BE);
    CHECK(dataset_int(root, TAG_Rows, 0, &n));
    CHECK_INT(n, 512);
}

/* Three ways to end a sequence and its items, all inside each other. */
TEST(dataset, sequences_of_known_and_unknown_length_are_walked)
{
    struct bytes inner = {0}, b = {0};
    char text[17];

    add_text(&inner, TAG_CodeValue, "SH", "T-D3000");
    add_head(&b, TAG_ConceptNameCodeSequence, "SQ", 0xFFFFFFFF);
    add_item(&b, (uint32_t)inner.len);
    add(&b, inner.p, inner.len);
    add_item(&b, 0xFFFFFFFF);
    add_text(&b, TAG_CodeValue, "SH", "second");
    add_head(&b, TAG_ContentSequence, "SQ", 8);
    add_item(&b, 0);
    add_item_end(&b);
    add_sequence_end(&b);
    add_text(&b, TAG_StudyID, "SH", "after");
    free(inner.p);
    const struct dataset_item *root = root_of(t, &b, EXPLICIT_LE);
    const struct dataset_item *item = dataset_sequence(root, TAG_ConceptNameCodeSequence);
    CHECK(item && item->number == 1 && item->parent == root);
    CHECK(dataset_ascii(item, TAG_CodeValue, text, sizeof text));
    CHECK_STR(text, "T-D3000");
    CHECK(dataset_ascii(item->next, TAG_CodeValue, text, sizeof text));
    CHECK_STR(text, "second");
    CHECK(dataset_sequence(item->next, TAG_ContentSequence)->n_elements == 0);
    CHECK(!item->next->next);
    CHECK(dataset_ascii(root, TAG_StudyID, text, sizeof text));
}

TEST(dataset, an_unknown_vr_is_looked_up_and_an_unknown_sequence_is_walked)
{
    struct bytes b = {0};
    char text[17];

    add_head(&b, TAG_ConceptNameCodeSequence, "UN",
             0xFFFFFFFF); /* PS3.5 6.2.2: holds implicit little endian */
    add_item(&b, 0xFFFFFFFF);
    add_implicit(&b, TAG_CodeValue, "abcd", 4);
    add_item_end(&b);
    add_sequence_end(&b);
    add_value(&b, TAG_StudyID, "UN", "as ID ", 6);
    add_value(&b, 0x00290010, "UN", "creator ", 8);
    const struct dataset_item *root = root_of(t, &b, EXPLICIT_LE);
    CHECK(
        dataset_ascii(dataset_sequence(root, TAG_ConceptNameCodeSequence), TAG_CodeValue, text, sizeof text));
    CHECK_STR(text, "abcd");
    CHECK(dataset_ascii(root, TAG_StudyID, text, sizeof text));
    CHECK_STR(text, "as ID");
}

TEST(dataset, an_item_in_the_other_coding_is_seen_through)
{
    struct bytes b = {0};
    char text[17];
    uint8_t large[VR_CS >> 8 | (VR_CS & 0xFF) << 8];

    add_head(&b, TAG_ConceptNameCodeSequence, "SQ", 0xFFFFFFFF);
    add_item(&b, 0xFFFFFFFF);
    add_implicit(&b, TAG_CodeValue, "abcd", 4);
    add_item_end(&b);
    add_sequence_end(&b);
    const struct dataset_item *root = root_of(t, &b, EXPLICIT_LE);
    CHECK(
        dataset_ascii(dataset_sequence(root, TAG_ConceptNameCodeSequence), TAG_CodeValue, text, sizeof text));
    CHECK_STR(text, "abcd");

    memset(large, 'x', sizeof large); /* its length reads as "CS" */
    add_tag(&b, TAG_ConceptNameCodeSequence);
    add_u32(&b, 0xFFFFFFFF);
    add_item(&b, 0xFFFFFFFF);
    add_implicit(&b, 0x00091001, large, sizeof large);
    add_item_end(&b);
    add_sequence_end(&b);
    root = root_of(t, &b, IMPLICIT_LE);
    CHECK_INT(dataset_sequence(root, TAG_ConceptNameCodeSequence)->first->length, sizeof large);
}

TEST(dataset, dates_and_times_become_an_instant)
{
    struct bytes b = {0};
    int64_t us;
    char date[9];

    add_text(&b, TAG_StudyDate, "DA", "20240229");
    add_text(&b, TAG_SeriesDate, "DA", "2004.01.19");
    add_text(&b, TAG_ContentDate, "DA", "20241301");
    add_text(&b, TAG_AcquisitionDateTime, "DT", "20240229120000.5+0000");
    add_text(&b, TAG_StudyTime, "TM", "080001.25");
    const struct dataset_item *root = root_of(t, &b, EXPLICIT_LE);
    CHECK(dataset_time(root, TAG_StudyDate, TAG_StudyTime, 8 * 3600, &us));
    CHECK_INT(us, 1709164801250000); /* 2024-02-29T00:00:01.25Z */
    CHECK(dataset_time(root, TAG_AcquisitionDateTime, 0, 8 * 3600, &us));
    CHECK_INT(us, 1709208000500000);
    CHECK(dataset_date(root, TAG_SeriesDate, date));
    CHECK_STR(date, "20040119");
    CHECK(!dataset_date(root, TAG_ContentDate, date));
}

TEST(dataset, what_is_no_dicom_is_refused)
{
    static const char *const TEXTS[] = {"", "Hello", "\x89PNG\r\n\x1a\n....................................",
                                        "{\"a\":1}"};
    struct bytes b = {0};

    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        add(&b, TEXTS[i], strlen(TEXTS[i]));
        struct opened *o = open_bytes(t, &b, NULL, NULL);
        CHECK(!o->ds);
        CHECK_STR(o->err.reason, "not_dicom");
    }
}

TEST(dataset, without_a_label_the_bytes_say_their_syntax)
{
    struct bytes b = {0};

    add_text(&b, TAG_SpecificCharacterSet, "CS", "ISO_IR 100");
    struct opened *o = open_bytes(t, &b, NULL, NULL);
    CHECK(o->ds);
    CHECK_STR(dataset_syntax(o->ds), EXPLICIT_LE);
    CHECK_INT(dataset_notes(o->ds), DATASET_NOTE(NO_META) | DATASET_NOTE(SYNTAX_GUESSED));

    add_implicit(&b, TAG_SpecificCharacterSet, "ISO_IR 100", 10);
    o = open_bytes(t, &b, EXPLICIT_LE, NULL); /* and a wrong label is seen through */
    CHECK(o->ds);
    CHECK_STR(dataset_syntax(o->ds), IMPLICIT_LE);
    CHECK_INT(dataset_notes(o->ds), DATASET_NOTE(SYNTAX_MISLABELLED));
}

TEST(dataset, every_cut_is_seen_as_one)
{
    struct bytes whole = {0};

    add_meta(&whole, EXPLICIT_LE);
    size_t begin = whole.len;
    add_text(&whole, TAG_Modality, "CS", "CT");
    size_t first = whole.len;
    add_head(&whole, TAG_ConceptNameCodeSequence, "SQ", 0xFFFFFFFF);
    add_item(&whole, 0xFFFFFFFF);
    add_text(&whole, TAG_CodeValue, "SH", "T-D3000");
    add_item_end(&whole);
    add_sequence_end(&whole);
    for (size_t cut = begin + 1; cut < whole.len; cut++) {
        struct bytes b = {0};
        add(&b, whole.p, cut);
        struct opened *o = open_bytes(t, &b, NULL, NULL);
        if (cut == first)
            CHECK(o->ds); /* nothing tells that more was to come */
        else
            CHECK_STR(o->err.reason, "truncated");
    }
    free(whole.p);
}

TEST(dataset, an_element_longer_than_its_item_is_malformed)
{
    struct bytes b = {0};

    add_head(&b, TAG_ConceptNameCodeSequence, "SQ", 18);
    add_item(&b, 10);
    add_head(&b, TAG_CodeValue, "SH", 20);
    add(&b, "0123456789012345678901234567890", 30);
    struct opened *o = open_bytes(t, &b, EXPLICIT_LE, NULL);
    CHECK_STR(o->err.reason, "element_malformed");
}

TEST(dataset, nesting_has_a_limit)
{
    struct bytes b = {0};

    for (int i = 0; i < 20000; i++) {
        add_head(&b, TAG_ContentSequence, "SQ", 0xFFFFFFFF);
        add_item(&b, 0xFFFFFFFF);
    }
    struct opened *o = open_bytes(t, &b, EXPLICIT_LE, NULL);
    CHECK_STR(o->err.reason, "nesting_too_deep");
}

TEST(dataset, elements_have_a_limit)
{
    struct dataset_limits limits = {.elements_max = 100, .depth_max = 8, .inflated_max = 1000};
    struct bytes b = {0};

    for (unsigned i = 0; i < 101; i++)
        add_text(&b, 0x00090010 + i, "LO", "");
    struct opened *o = open_bytes(t, &b, EXPLICIT_LE, &limits);
    CHECK_STR(o->err.reason, "too_many_elements");
}

static void add_deflated(struct bytes *b, const struct bytes *plain)
{
    uLong cap = compressBound((uLong)plain->len) + 64;
    uint8_t *out = malloc(cap);
    z_stream z = {0};

    CHECK_INT(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = plain->p;
    z.avail_in = (uInt)plain->len;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
    add(b, out, cap - z.avail_out);
    deflateEnd(&z);
    free(out);
}

TEST(dataset, a_deflated_data_set_is_read_and_a_bomb_is_not)
{
    struct bytes b = {0}, plain = {0}, zeros = {.p = mem_new(1 << 20), .len = 1 << 20, .cap = 1 << 20};
    struct dataset_limits small = {.inflated_max = 1 << 16, .elements_max = 1000, .depth_max = 8};
    int64_t n;

    add_us(&plain, TAG_Rows, 77);
    add_value(&plain, TAG_PixelData, "OB", zeros.p, zeros.len);
    add_meta(&b, DEFLATED);
    add_deflated(&b, &plain);
    struct bytes again = {0}, cut = {0};
    add(&again, b.p, b.len);
    add(&cut, b.p, b.len - 20);
    struct opened *o = open_bytes(t, &b, NULL, NULL);
    CHECK(o->ds && dataset_deflated(o->ds));
    CHECK(dataset_int(dataset_root(o->ds), TAG_Rows, 0, &n));
    CHECK_INT(n, 77);
    o = open_bytes(t, &again, NULL, &small);
    CHECK_STR(o->err.reason, "deflate_bomb");
    o = open_bytes(t, &cut, NULL, NULL);
    CHECK_STR(o->err.reason, "truncated");
    add_meta(&b, DEFLATED);
    add(&b, "\xFF\xFF\xFF\xFF\xFF\xFF", 6);
    o = open_bytes(t, &b, NULL, NULL);
    CHECK_STR(o->err.reason, "deflate_failed");
    free(plain.p);
    free(zeros.p);
}

TEST(dataset, small_faults_are_noted_and_read_over)
{
    struct bytes b = {0};

    add_meta(&b, EXPLICIT_LE);
    add_head(&b, TAG_Modality, "CS", 3);
    add(&b, "CT ", 3);
    add_head(&b, TAG_StudyID, "SH", 2);
    add(&b, "1 ", 2);
    add_text(&b, TAG_PatientID, "LO", "again");
    add_tag(&b, 0x00210010); /* a VR of the future: two letters, 32 bit length */
    add(&b, "ZZ\0\0\2\0\0\0ab", 10);
    add(&b, "\0\0\0\0\0\0\0\0\0\0", 10);
    struct opened *o = open_bytes(t, &b, NULL, NULL);
    CHECK(o->ds);
    CHECK_INT(dataset_notes(o->ds), DATASET_NOTE(ODD_LENGTH) | DATASET_NOTE(UNSORTED) |
                                        DATASET_NOTE(VR_UNKNOWN) | DATASET_NOTE(TRAILING));
    CHECK(dataset_find(dataset_root(o->ds), TAG_PatientID));
}

TEST(dataset, the_dictionary_knows_tags_by_keyword_and_number)
{
    uint32_t tag;

    CHECK(dictionary_tag_of("PatientName", &tag));
    CHECK_INT(tag, TAG_PatientName);
    CHECK(dictionary_tag_of("00100010", &tag));
    CHECK_INT(tag, TAG_PatientName);
    CHECK(!dictionary_tag_of("PatientNam", &tag));
    CHECK(!dictionary_tag_of("0010001", &tag));
    CHECK_INT(dictionary_vr(0x60020010), VR_US);
    CHECK_INT(dictionary_vr(0x00080000), VR_UL);
    CHECK_INT(dictionary_vr(0x00090010), VR_LO);
    CHECK_INT(dictionary_vr(0x00091001), VR_UN);
    CHECK_STR(dictionary_find(TAG_WaveformSequence)->keyword, "WaveformSequence");
}
