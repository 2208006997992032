#include "dicom/web_gzip.h"
#include "dicom/web_index.h"
#include "dicom/web_private.h"
#include "tests/unit/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_dressed(struct test *t, const char *line, const char *want)
{
    struct json_buf b = {0};

    (void)t;
    web_index_dress(&b, line, strlen(line), "/at/", "1.2.3");
    json_buf_add(&b, "", 1);
    CHECK_STR(b.text, want);
    json_buf_free(&b);
}

#define KEPT "\"00083002\":{\"vr\":\"UI\",\"Value\":[\"1.2.3\"]}"

TEST(attributes, get_their_syntax_where_its_tag_belongs)
{
    check_dressed(t, "{}", "{" KEPT "}");
    check_dressed(t, "{\"00080005\":{\"vr\":\"CS\"}}", "{\"00080005\":{\"vr\":\"CS\"}," KEPT "}");
    check_dressed(t, "{\"00100010\":{\"vr\":\"PN\"}}", "{" KEPT ",\"00100010\":{\"vr\":\"PN\"}}");
    check_dressed(t, "{\"00080005\":{\"Value\":[\"00990000\",\"}\\\"{\"]},\"0010\\u0030\":1,\"00100010\":{}}",
                  "{\"00080005\":{\"Value\":[\"00990000\",\"}\\\"{\"]},\"0010\\u0030\":1," KEPT
                  ",\"00100010\":{}}");
}

TEST(attributes, keep_a_syntax_that_was_sent)
{
    check_dressed(t, "{\"00083002\":{\"vr\":\"UI\"}}", "{\"00083002\":{\"vr\":\"UI\"}}");
}

TEST(attributes, say_where_their_bulk_is)
{
    check_dressed(t, "{\"00083002\":{},\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"/bulkdata/7FE00010\"}}",
                  "{\"00083002\":{},\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"/at/bulkdata/7FE00010\"}}");
    check_dressed(t,
                  "{\"00083002\":{},\"00991001\":{\"BulkDataURI\":\"bulkdata/"
                  "1\"},\"7FE00010\":{\"BulkDataURI\":\"bulkdata/2\"}}",
                  "{\"00083002\":{},\"00991001\":{\"BulkDataURI\":\"/at/bulkdata/"
                  "1\"},\"7FE00010\":{\"BulkDataURI\":\"/at/bulkdata/2\"}}");
}

static void write_index(struct test *t, struct web_instance *in, const char *text)
{
    const char *path = test_path(t, test_dir(t), "i.json");
    FILE *f = fopen(path, "w");

    CHECK(f && fputs(text, f) >= 0 && !fclose(f));
    in->index_path = (char *)path;
}

TEST(a_frame_table, that_is_no_table_is_our_own_fault)
{
    static const char *const TEXTS[] = {"",
                                        "{}",
                                        "{}\n",
                                        "{}\n[1]",
                                        "{}\n{\"n\":2,\"source\":\"basic_table\",\"frames\":[[]]}\n",
                                        "{}\n{\"n\":1,\"source\":\"native\",\"offset\":3}\n"};
    struct web_instance in = {.id = 1};
    struct web_frame_table table;
    struct err err = ERR_INIT;

    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        bool ok;
        write_index(t, &in, TEXTS[i]);
        ok = web_index_frames(&table, &in, &err);
        if (ok) { /* nothing said of frames: there are none */
            CHECK_INT(table.n_frames, 0);
            web_frame_table_free(&table);
        } else {
            CHECK_INT(err.code, ERR_CORRUPT);
            err_clear(&err);
        }
    }
}

TEST(a_frame, lies_where_the_table_says)
{
    struct web_instance in = {.id = 1};
    struct web_frame_table table;
    struct web_frame frame;
    struct err err = ERR_INIT;

    write_index(
        t, &in,
        "{\"frames_reason\":\"\"}\n{\"source\":\"native\",\"n\":3,\"offset\":100,\"frame_bits\":80}\n{}\n");
    CHECK_OK(web_index_frames(&table, &in, &err), &err);
    CHECK(table.native && table.aligned);
    CHECK(web_frame_find(&table, 2, &frame));
    CHECK_INT(frame.pieces[0].offset, 120);
    CHECK_INT(frame.length, 10);
    free(frame.pieces);
    CHECK(!web_frame_find(&table, 3, &frame));
    web_frame_table_free(&table);
}

TEST(gzip, comes_back_as_it_was_and_not_longer_than_allowed)
{
    char text[5000], *packed, *plain;
    size_t packed_len, len;
    struct err err = ERR_INIT;

    memset(text, 'x', sizeof text);
    CHECK_OK(gzip_pack(text, sizeof text, &packed, &packed_len, &err), &err);
    CHECK(packed_len < 200);
    CHECK_OK(gzip_unpack(packed, packed_len, sizeof text, &plain, &len, &err), &err);
    CHECK_INT(len, sizeof text);
    CHECK_MEM(plain, text, sizeof text);
    free(plain);
    CHECK_ERR(gzip_unpack(packed, packed_len, 1000, &plain, &len, &err), &err, ERR_CORRUPT, NULL);
    CHECK_ERR(gzip_unpack(packed, packed_len - 5, sizeof text, &plain, &len, &err), &err, ERR_CORRUPT, NULL);
    free(packed);
}
