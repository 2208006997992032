/* write_test.c - what we write is what we read. */
#include "dicom/dataset/dataset_write.h"
#include "tests/unit/dicom/dataset/bytes.h"
#include "tests/unit/test.h"

static uint8_t *worklist_row(const char *syntax, enum charset_id set, size_t *len)
{
    struct dataset_out *o = dataset_out_new(syntax);

    dataset_out_charset(o, set);
    dataset_out_text(o, TAG_AccessionNumber, "0A1B2C3D4E5F6");
    dataset_out_text(o, TAG_PatientName, "Wang^XiaoDong=王^小东");
    dataset_out_text(o, TAG_PatientID, NULL);
    dataset_out_uid(o, TAG_StudyInstanceUID, "1.2.3");
    dataset_out_int(o, TAG_SeriesNumber, -7);
    dataset_out_int(o, TAG_Rows, 512);
    dataset_out_sequence(o, TAG_ScheduledProcedureStepSequence);
    dataset_out_item(o);
    dataset_out_text(o, TAG_Modality, "CT");
    dataset_out_item_end(o);
    dataset_out_sequence_end(o);
    return dataset_out_done(o, len);
}

TEST(dataset_write, a_worklist_row_reads_back_in_every_syntax_and_set)
{
    static const char *const SYNTAXES[] = {IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE};
    static const enum charset_id SETS[] = {CHARSET_UTF8, CHARSET_GB18030, CHARSET_GB2312};

    for (int i = 0; i < 9; i++) {
        struct dataset *ds;
        struct err err = ERR_INIT;
        char text[65];
        int64_t n;
        size_t len;
        uint8_t *p = worklist_row(SYNTAXES[i / 3], SETS[i % 3], &len);
        CHECK_INT(len % 2, 0);
        CHECK_OK(dataset_open_bare(&ds, p, len, SYNTAXES[i / 3], NULL, &err), &err);
        CHECK_INT(dataset_notes(ds), 0);
        const struct dataset_item *root = dataset_root(ds);
        char *name = charset_name(root, TAG_PatientName, NULL);
        CHECK_STR(name, "Wang^XiaoDong=王^小东");
        free(name);
        CHECK(dataset_ascii(root, TAG_AccessionNumber, text, sizeof text));
        CHECK_STR(text, "0A1B2C3D4E5F6");
        CHECK(dataset_find(root, TAG_PatientID)->length == 0);
        CHECK(dataset_int(root, TAG_SeriesNumber, 0, &n) && n == -7);
        CHECK(dataset_int(root, TAG_Rows, 0, &n) && n == 512);
        CHECK(dataset_uid(root, TAG_StudyInstanceUID, text));
        root = dataset_sequence(root, TAG_ScheduledProcedureStepSequence);
        CHECK(dataset_ascii(root, TAG_Modality, text, sizeof text));
        CHECK_STR(text, "CT");
        dataset_close(ds);
        free(p);
    }
}

TEST(dataset_write, a_command_set_begins_with_its_length)
{
    struct dataset_out *o = dataset_out_new(SYNTAX_IMPLICIT_LITTLE);
    size_t len;
    uint8_t *p;

    dataset_out_uid(o, TAG_AffectedSOPClassUID, "1.2.840.10008.1.1");
    dataset_out_int(o, TAG_CommandField, 0x8030);
    p = dataset_out_command(o, &len);
    CHECK_INT(len, 12 + 8 + 18 + 8 + 2);
    CHECK_MEM(p, ((uint8_t[]){0, 0, 0, 0, 4, 0, 0, 0, 36, 0, 0, 0}), 12);
    free(p);
}

TEST(dataset_write, file_meta_information_opens_a_file)
{
    struct bytes b = {0};
    struct dataset *ds;
    struct err err = ERR_INIT;
    char text[65];
    size_t len;
    uint8_t *meta = dataset_meta_write("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", IMPLICIT_LE, "CT1", &len);

    add(&b, meta, len);
    add_implicit(&b, TAG_Modality, "CT", 2);
    free(meta);
    CHECK_OK(dataset_open(&ds, b.p, b.len, NULL, &err), &err);
    CHECK_INT(dataset_notes(ds), 0);
    CHECK_STR(dataset_syntax(ds), IMPLICIT_LE);
    CHECK_INT(dataset_begin(ds), len);
    CHECK(dataset_ascii(dataset_meta(ds), TAG_SourceApplicationEntityTitle, text, sizeof text));
    CHECK_STR(text, "CT1");
    CHECK(dataset_ascii(dataset_root(ds), TAG_Modality, text, sizeof text));
    dataset_close(ds);
    free(b.p);
}
