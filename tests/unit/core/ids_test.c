#include "tests/unit/test.h"
#include "core/clock.h"
#include "core/ids.h"
#include <string.h>

#define NOON INT64_C(1795262400000000)

TEST(ids, grow_even_when_the_clock_goes_back)
{
    struct ids ids;
    int64_t before = 0;

    ids_init(&ids, 1023);
    for (int i = 0; i < 20000; i++) {
        int64_t id = ids_next(&ids, NOON - i * US_PER_S);
        CHECK(id > before);
        before = id;
    }
}

TEST(ids, carry_their_time_and_node)
{
    struct ids a, b;
    int64_t id;

    ids_init(&a, 1);
    ids_init(&b, 2);
    id = ids_next(&a, NOON + 999);
    CHECK_INT(ids_time_us(id), NOON);
    CHECK(ids_next(&b, NOON) != id);
    CHECK(ids_next(&b, 0) > 0);
}

TEST(ids, text_goes_both_ways)
{
    char text[ID_TEXT];
    int64_t id;

    id_format(INT64_MAX, text);
    CHECK_STR(text, "9223372036854775807");
    CHECK(id_parse(text, strlen(text), &id));
    CHECK_INT(id, INT64_MAX);
}

TEST(ids, one_spelling_only)
{
    static const char *const BAD[] = {
        "", "0", "-1", "+1", "01", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "99999999999999999999"};
    int64_t id;

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        CHECK(!id_parse(BAD[i], strlen(BAD[i]), &id));
}

TEST(ids, random_names_are_twenty_letters_and_differ)
{
    char a[ID_RANDOM_TEXT], b[ID_RANDOM_TEXT];

    id_random(a);
    id_random(b);
    CHECK_INT(strlen(a), 20);
    CHECK_INT(strspn(a, "abcdefghijklmnopqrstuvwxyz234567"), 20);
    CHECK(strcmp(a, b) != 0);
}
