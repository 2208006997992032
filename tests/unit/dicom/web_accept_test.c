#include "dicom/web_private.h"
#include "tests/unit/test.h"

TEST(accept, of_nothing_is_everything)
{
    struct accept a;

    accept_parse(&a, "", NULL);
    CHECK_INT(a.n, 1);
    CHECK(accept_takes(&a.ranges[0], "image/png"));
    CHECK(!a.ranges[0].multi);
}

TEST(accept, has_the_best_first_and_leaves_out_what_is_not_wanted)
{
    struct accept a;

    accept_parse(&a, "image/png;q=0.2, image/gif;q=0, image/jpeg;q=0.9, application/json", NULL);
    CHECK_INT(a.n, 3);
    CHECK_STR(a.ranges[0].media, "application/json");
    CHECK_STR(a.ranges[1].media, "image/jpeg");
    CHECK_STR(a.ranges[2].media, "image/png");
}

TEST(accept, of_parts_names_the_type_of_a_part)
{
    struct accept a;

    accept_parse(
        &a,
        "multipart/related; type=\"image/jls\"; transfer-syntax=1.2.840.10008.1.2.4.80, multipart/related",
        NULL);
    CHECK_INT(a.n, 2);
    CHECK(a.ranges[0].multi && a.ranges[1].multi);
    CHECK_STR(a.ranges[0].media, "image/jls");
    CHECK_STR(a.ranges[0].syntax, "1.2.840.10008.1.2.4.80");
    CHECK_STR(a.ranges[1].media, "*/*");
    accept_parse(&a, "multipart/related; type=application/octet-stream; transfer-syntax=*", NULL);
    CHECK_STR(a.ranges[0].media, "application/octet-stream");
    CHECK_STR(a.ranges[0].syntax, "*");
}

TEST(accept, of_the_query_wins)
{
    struct accept a;

    accept_parse(&a, "image/png", "image/jpeg");
    CHECK_INT(a.n, 1);
    CHECK(accept_takes(&a.ranges[0], "image/jpeg") && !accept_takes(&a.ranges[0], "image/png"));
}

TEST(accept, of_a_family_takes_its_members)
{
    struct accept a;

    accept_parse(&a, "image/*", NULL);
    CHECK(accept_takes(&a.ranges[0], "image/png"));
    CHECK(!accept_takes(&a.ranges[0], "application/dicom+json"));
}

TEST(accept, of_nonsense_is_nothing)
{
    struct accept a;

    accept_parse(&a, "nonsense, ;;,\"", NULL);
    CHECK_INT(a.n, 0);
}
