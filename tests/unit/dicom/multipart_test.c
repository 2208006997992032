#include "dicom/multipart.h"
#include "tests/unit/test.h"
#include <stdio.h>
#include <string.h>

static struct multipart_type type_of(struct test *t, const char *text)
{
    struct multipart_type out;

    (void)t;
    CHECK(multipart_type_parse(&out, text, strlen(text)));
    return out;
}

static bool is_type(const char *text)
{
    struct multipart_type out;

    return multipart_type_parse(&out, text, strlen(text));
}

TEST(media_type, has_parameters_quoted_or_not)
{
    struct multipart_type m =
        type_of(t, "Multipart/Related; type=\"Application/DICOM\"; boundary=\"a b;c\";transfer-syntax=1.2.3");

    CHECK_STR(m.media, "multipart/related");
    CHECK_STR(m.type, "application/dicom");
    CHECK_STR(m.boundary, "a b;c");
    CHECK_STR(m.syntax, "1.2.3");
    CHECK_STR(type_of(t, "image/jpeg").media, "image/jpeg");
    CHECK_STR(type_of(t, "multipart/related;boundary=x;").boundary, "x");
    CHECK_STR(type_of(t, "multipart/related; boundary=\"a\\\"b\"").boundary, "a\"b");
}

TEST(media_type, that_is_none_is_refused)
{
    char lengthy[400];

    CHECK(!is_type(""));
    CHECK(!is_type("dicom"));
    CHECK(!is_type("multipart/related; boundary"));
    CHECK(!is_type("multipart/related boundary=x"));
    snprintf(lengthy, sizeof lengthy, "multipart/related; boundary=%0201d", 1);
    CHECK(!is_type(lengthy));
}

static bool open_text(struct multipart *m, const char *body, struct err *err)
{
    return multipart_open(m, (const uint8_t *)body, strlen(body), "XX", err);
}

static void check_part(struct multipart *m, const char *body, const char *media, const char *text)
{
    struct multipart_part p;
    struct err err = ERR_INIT;

    CHECK_OK(multipart_next(m, &p, &err), &err);
    CHECK_STR(p.media, media);
    CHECK_INT(p.length, strlen(text));
    CHECK_MEM(body + p.offset, text, strlen(text));
}

TEST(multipart, gives_its_parts_in_order)
{
    static const char BODY[] =
        "--XX\r\nContent-Type: application/dicom\r\n\r\none\r\n--XX  \r\n\r\ntwo\r\n--X\r\n\r\n--XX\r\n"
        "content-type: image/png; q=1\r\nX-Other: 1\r\n\r\n\r\n--XX--\r\nafterwards";
    struct multipart_part p;
    struct multipart m;
    struct err err = ERR_INIT;

    CHECK_OK(open_text(&m, BODY, &err), &err);
    check_part(&m, BODY, "application/dicom", "one");
    check_part(&m, BODY, "", "two\r\n--X\r\n");
    check_part(&m, BODY, "image/png", "");
    CHECK(!multipart_next(&m, &p, &err));
    CHECK_INT(err.code, ERR_NONE);
}

TEST(multipart, may_begin_with_a_preamble)
{
    static const char BODY[] = "for those who read mail\r\n--XX\r\n\r\nx\r\n--XX--";
    struct multipart m;
    struct err err = ERR_INIT;

    CHECK_OK(open_text(&m, BODY, &err), &err);
    check_part(&m, BODY, "", "x");
}

TEST(multipart, that_is_none_is_malformed)
{
    static const char *const BODIES[] = {
        "", "x", "--YY\r\n\r\nx\r\n--YY--", "--XXY\r\n\r\nx\r\n--XX--", "--XX", "--XX\r"};
    struct multipart m;
    struct err err = ERR_INIT;

    for (size_t i = 0; i < sizeof BODIES / sizeof *BODIES; i++)
        CHECK_ERR(open_text(&m, BODIES[i], &err), &err, ERR_INVALID, "multipart_malformed");
    CHECK_ERR(multipart_open(&m, (const uint8_t *)"--\r\n\r\n--", 8, "", &err), &err, ERR_INVALID,
              "multipart_malformed");
}

TEST(multipart, cut_off_anywhere_never_ends_well)
{
    static const char BODY[] =
        "--XX\r\nContent-Type: application/dicom\r\n\r\none\r\n--XX\r\n\r\ntwo\r\n--XX--";
    struct multipart_part p;

    for (size_t len = 0; len < sizeof BODY - 1; len++) {
        struct multipart m;
        struct err err = ERR_INIT;
        bool ok = multipart_open(&m, (const uint8_t *)BODY, len, "XX", &err);
        while (ok && multipart_next(&m, &p, &err))
            CHECK(p.offset + p.length <= len);
        CHECK(err.code == ERR_INVALID);
    }
}

TEST(multipart, of_a_head_without_end_is_malformed)
{
    static char body[MULTIPART_HEAD_MAX * 3];
    struct multipart_part p;
    struct multipart m;
    struct err err = ERR_INIT;

    memset(body, 'a', sizeof body);
    memcpy(body, "--XX\r\n", 6);
    for (size_t i = 100; i < sizeof body; i += 100)
        body[i] = '\n';
    CHECK_OK(multipart_open(&m, (const uint8_t *)body, sizeof body, "XX", &err), &err);
    CHECK_ERR(multipart_next(&m, &p, &err), &err, ERR_INVALID, "multipart_malformed");
}
