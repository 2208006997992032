/* json_test.c - the DICOM JSON model and the index, on data sets made here. */
#include "dicom/dataset/index.h"
#include "core/json.h"
#include "dicom/dataset/charset.h"
#include "tests/unit/dicom/dataset/bytes.h"
#include "tests/unit/test.h"

/* The JSON of a data set; the bytes are freed. */
static char *json_of(struct bytes *b, const char *syntax, const struct dicom_json_options *options,
                     unsigned *repaired)
{
    struct json_buf j = {0};
    struct dataset *ds;
    struct err err = ERR_INIT;
    json_t *doc;

    CHECK_OK(dataset_open_bare(&ds, b->p, b->len, syntax, NULL, &err), &err);
    dicom_json_write(&j, ds, options, repaired);
    CHECK_OK(json_parse(&doc, (uint8_t *)j.text, j.len, NULL, &err), &err); /* strict: no key twice, UTF-8 */
    json_decref(doc);
    dataset_close(ds);
    free(b->p);
    *b = (struct bytes){0};
    return j.text;
}

static void check_json(struct bytes *b, const char *syntax, const char *expected)
{
    char *text = json_of(b, syntax, NULL, NULL);

    CHECK_STR(text, expected);
    free(text);
}

TEST(dicom_json, text_names_and_numbers)
{
    struct bytes b = {0};

    add_text(&b, TAG_SpecificCharacterSet, "CS", "GB18030");
    add_text(&b, TAG_ImageType, "CS", "ORIGINAL\\PRIMARY\\\\AXIAL");
    add_text(&b, TAG_StudyDescription, "LO", " \"x\"\t ");
    add_text(&b, TAG_PatientName, "PN", "Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB");
    add_text(&b, TAG_PatientID, "LO", "");
    add_text(&b, TAG_InstanceNumber, "IS", "1\\+2\\x");
    add_us(&b, TAG_Rows, 512);
    add_text(&b, TAG_PixelSpacing, "DS", "0.50\\.5\\1e400");
    check_json(&b, EXPLICIT_LE,
               "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 192\"]},"
               "\"00080008\":{\"vr\":\"CS\",\"Value\":[\"ORIGINAL\",\"PRIMARY\",null,\"AXIAL\"]},"
               "\"00081030\":{\"vr\":\"LO\",\"Value\":[\"\\\"x\\\"\\u0009\"]},"
               "\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"Wang^XiaoDong\",\"Ideographic\":"
               "\"王^小东\"}]},"
               "\"00100020\":{\"vr\":\"LO\"},"
               "\"00200013\":{\"vr\":\"IS\",\"Value\":[1,2,\"x\"]},"
               "\"00280010\":{\"vr\":\"US\",\"Value\":[512]},"
               "\"00280030\":{\"vr\":\"DS\",\"Value\":[0.50,0.5,\"1e400\"]}}");
}

TEST(dicom_json, sequences_bytes_and_private_attributes)
{
    struct bytes b = {0};

    add_head(&b, TAG_ReferencedImageSequence, "SQ", 0xFFFFFFFF);
    add_item(&b, 0xFFFFFFFF);
    add_value(&b, 0x00091001, "OW", "abcd", 4);
    add_item_end(&b);
    add_item(&b, 0);
    add_sequence_end(&b);
    add_text(&b, 0x00090010, "LO", "ACME");
    add_value(&b, 0x00091001, "UN", "\1\2\3\4", 4);
    add_value(&b, TAG_FrameIncrementPointer, "AT", "\x18\x00\x63\x10", 4);
    add_value(&b, TAG_PixelData, "OW", "ab", 2);
    struct bytes again = {0};
    add(&again, b.p, b.len);
    check_json(&b, EXPLICIT_LE,
               "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00091001\":{\"vr\":\"OW\",\"InlineBinary\":"
               "\"YWJjZA==\"}},{}]},"
               "\"00090010\":{\"vr\":\"LO\",\"Value\":[\"ACME\"]},"
               "\"00091001\":{\"vr\":\"UN\",\"InlineBinary\":\"AQIDBA==\"},"
               "\"00280009\":{\"vr\":\"AT\",\"Value\":[\"00181063\"]},"
               "\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"bulkdata/7FE00010\"}}");
    struct dicom_json_options options = {.bulk_base = "/dicomweb/x", .inline_max = 0};
    char *text = json_of(&again, EXPLICIT_LE, &options, NULL);
    CHECK(strstr(text, "\"BulkDataURI\":\"/dicomweb/x/bulkdata/00081140/1/00091001\""));
    CHECK(!strstr(text, "InlineBinary"));
    free(text);
}

TEST(dicom_json, a_bulk_path_leads_back_to_the_element)
{
    struct bytes b = {0};
    struct dataset *ds;
    struct err err = ERR_INIT;

    add_head(&b, TAG_ReferencedImageSequence, "SQ", 0xFFFFFFFF);
    add_item(&b, 0);
    add_item(&b, 0xFFFFFFFF);
    add_value(&b, 0x00091001, "OW", "abcd", 4);
    add_item_end(&b);
    add_sequence_end(&b);
    add_value(&b, TAG_PixelData, "OW", "ab", 2);
    CHECK_OK(dataset_open_bare(&ds, b.p, b.len, EXPLICIT_LE, NULL, &err), &err);
    CHECK(dicom_json_bulk(ds, "7FE00010") == dataset_find(dataset_root(ds), TAG_PixelData));
    CHECK(dicom_json_bulk(ds, "00081140/2/00091001")->length == 4);
    static const char *const NONE[] = {"",
                                       "/",
                                       "00081140/1/00091001",
                                       "00081140/2",
                                       "00081140/2/",
                                       "00081140/x/00091001",
                                       "7FE00010/",
                                       "7FE00010/1/00080005",
                                       "7FE0001000",
                                       "PatientI"};
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
        CHECK(!dicom_json_bulk(ds, NONE[i]));
    dataset_close(ds);
    free(b.p);
}

TEST(dicom_json, big_endian_bytes_are_turned_and_floats_kept)
{
    struct bytes b = {0};

    add(&b,
        "\x00\x18\x60\x2C"
        "FD\x00\x08\x3F\xB9\x99\x99\x99\x99\x99\x9A",
        16);
    add(&b,
        "\x00\x28\x12\x01"
        "OW\x00\x00\x00\x00\x00\x04\x01\x02\x03\x04",
        16);
    check_json(&b, EXPLICIT_BE,
               "{\"0018602C\":{\"vr\":\"FD\",\"Value\":[0.1]},"
               "\"00281201\":{\"vr\":\"OW\",\"InlineBinary\":\"AgEEAw==\"}}");
}

TEST(dicom_json, elements_out_of_order_or_twice_are_put_right)
{
    struct bytes b = {0};

    add_us(&b, TAG_Rows, 2);
    add_text(&b, TAG_Modality, "CS", "CT");
    add_us(&b, TAG_Rows, 3);
    check_json(
        &b, EXPLICIT_LE,
        "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},\"00280010\":{\"vr\":\"US\",\"Value\":[2]}}");
}

static void add_identity(struct bytes *b)
{
    add_text(b, TAG_SpecificCharacterSet, "CS", "ISO_IR 100");
    add_text(b, TAG_SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.2");
    add_text(b, TAG_SOPInstanceUID, "UI", "1.2.3.4");
    add_text(b, TAG_StudyDate, "DA", "20240229");
    add_text(b, TAG_StudyTime, "TM", "080001.25");
    add_text(b, TAG_AccessionNumber, "SH", "0A1B2C3D4E5F6");
    add_text(b, TAG_Modality, "CS", "CT");
    add_text(b, TAG_PatientName, "PN", "\xCD\xF5^\xD0\xA1\xB6\xAB");
    add_text(b, TAG_PatientID, "LO", "4711");
}

TEST(index, the_facts_of_an_instance_and_its_frames)
{
    struct bytes b = {0};
    struct dataset *ds;
    struct index ix;
    struct json_buf j = {0};
    struct err err = ERR_INIT;
    json_t *facts;

    add_identity(&b);
    add_text(&b, TAG_StudyInstanceUID, "UI", "1.2.3");
    add_text(&b, TAG_SeriesInstanceUID, "UI", "1.2.3.1");
    add_us(&b, TAG_Rows, 1);
    add_us(&b, TAG_Columns, 2);
    add_us(&b, TAG_BitsAllocated, 8);
    size_t offset = b.len + 12;
    add_value(&b, TAG_PixelData, "OB", "ab", 2);
    CHECK_OK(dataset_open(&ds, b.p, b.len, NULL, &err), &err);
    CHECK_OK(index_make(&ix, ds, &err), &err);
    CHECK_STR(ix.patient_name, "王^小东");
    CHECK_STR(ix.patient_name_bytes, "cdf55ed0a1b6ab20");
    CHECK_INT(ix.repaired, CHARSET_WAS_GB18030);
    CHECK_INT(ix.study_at_us, 1709164801250000);
    CHECK_INT(ix.table.offset, offset);
    CHECK_INT(ix.frames, -1);
    index_write(&j, &ix, ds, NULL);
    char *line = strchr(j.text, '\n');
    CHECK_OK(json_parse(&facts, (uint8_t *)j.text, (size_t)(line - j.text), NULL, &err), &err);
    CHECK_STR(json_string_value(json_object_get(facts, "accession_no")), "0A1B2C3D4E5F6");
    CHECK_STR(json_string_value(json_array_get(json_object_get(facts, "repaired"), 0)), "was_gb18030");
    CHECK_STR(json_string_value(json_array_get(json_object_get(facts, "notes"), 0)), "no_meta");
    CHECK(json_is_null(json_object_get(facts, "frames")));
    json_decref(facts);
    char *expected =
        mem_format("\n{\"source\":\"native\",\"n\":1,\"deflated\":false,\"table_wrong\":false,\"offset\":%zu,"
                   "\"frame_bits\":16}\n{\"00080005\"",
                   offset);
    CHECK(strncmp(line, expected, strlen(expected)) == 0);
    free(expected);
    json_buf_free(&j);
    index_free(&ix);
    dataset_close(ds);
    free(b.p);
}

TEST(index, without_an_identity_nothing_can_be_filed)
{
    struct bytes b = {0};
    struct dataset *ds;
    struct index ix;
    struct err err = ERR_INIT;

    add_identity(&b);
    add_text(&b, TAG_StudyInstanceUID, "UI", "1.2.x");
    CHECK_OK(dataset_open(&ds, b.p, b.len, NULL, &err), &err);
    CHECK_ERR(index_make(&ix, ds, &err), &err, ERR_INVALID, "identity_missing");
    dataset_close(ds);
    free(b.p);
}

TEST(index, unreadable_pixels_do_not_keep_an_instance_from_being_filed)
{
    struct bytes b = {0};
    struct dataset *ds;
    struct index ix;
    struct err err = ERR_INIT;

    add_identity(&b);
    add_text(&b, TAG_StudyInstanceUID, "UI", "1.2.3");
    add_text(&b, TAG_SeriesInstanceUID, "UI", "1.2.3.1");
    add_us(&b, TAG_Rows, 100);
    add_us(&b, TAG_Columns, 100);
    add_us(&b, TAG_BitsAllocated, 8);
    add_value(&b, TAG_PixelData, "OB", "ab", 2);
    CHECK_OK(dataset_open(&ds, b.p, b.len, NULL, &err), &err);
    CHECK_OK(index_make(&ix, ds, &err), &err);
    CHECK_STR(ix.frames_reason, "pixel_data_short");
    CHECK(ix.has_pixels);
    index_free(&ix);
    dataset_close(ds);
    free(b.p);
}
