/* charset_test.c - names in the character sets of the field, right labels and wrong ones. */
#include <stdlib.h>
#include "dicom/dataset/charset.h"
#include "tests/unit/dicom/dataset/bytes.h"
#include "tests/unit/test.h"

static void check_decode(const char *label, const char *bytes, const char *expected, unsigned repaired)
{
    struct charset cs;
    unsigned how = 0;
    char *text;

    charset_parse(&cs, label, strlen(label));
    text = charset_decode(&cs, VR_PN, (const uint8_t *)bytes, strlen(bytes), &how);
    CHECK_STR(text, expected);
    CHECK_INT(how, repaired);
    free(text);
}

TEST(charset, single_byte_sets_become_utf8)
{
    check_decode("", "Smith^John", "Smith^John", 0);
    check_decode("ISO_IR 6", "Smith^John", "Smith^John", 0);
    check_decode("ISO_IR 100", "M\xFCller^J\xF6rg", "Müller^Jörg", 0);
    check_decode("ISO_IR 101", "Wa\xB3\xEAsa", "Wałęsa", 0);
    check_decode("ISO_IR 144", "\xBB\xEE\xDA\x63\x65\xDC\xD1yp\xD3", "Люкceмбypг", 0);
    check_decode("ISO_IR 127", "\xE2\xC8\xC7\xE6\xEA^\xE4\xE6\xD2\xC7\xD1", "قباني^لنزار", 0);
    check_decode("ISO_IR 126", "\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2", "Διονυσιος", 0);
    check_decode("ISO_IR 138", "\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4", "שרון^דבורה", 0);
    check_decode("ISO_IR 166", "\xE4\xB7\xC2", "ไทย", 0);
    check_decode("ISO_IR 13", "\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ", 0);
    check_decode("ISO-IR 100", "\xE9", "é", 0); /* as some write it */
}

TEST(charset, chinese_japanese_and_korean_become_utf8)
{
    check_decode("ISO_IR 192", "Wang^XiaoDong=王^小東", "Wang^XiaoDong=王^小東", 0);
    check_decode("GB18030", "Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB", "Wang^XiaoDong=王^小东", 0);
    check_decode("GB18030", "\xD5\xD4^\x95\x34\xB2\x35\xCF\xE9", "赵^𠮷祥", 0);
    check_decode("GBK", "\xFD\x93^\xEC\x68", "龘^靐", 0);
    check_decode("\\ISO 2022 IR 58",
                 "Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=", "Zhang^XiaoDong=张^小东=", 0);
    check_decode("\\ISO 2022 IR 87",
                 "Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B",
                 "Yamada^Tarou=山田^太郎=やまだ^たろう", 0);
    check_decode("ISO 2022 IR 13\\ISO 2022 IR 87",
                 "\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", 0);
    check_decode(
        "\\ISO 2022 IR 149",
        "Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF",
        "Hong^Gildong=洪^吉洞=홍^길동", 0);
    check_decode("\\ISO 2022 IR 159", "\x1B$(D0!\x1B(B", "丂", 0);
}

TEST(charset, what_a_wrong_label_hides_is_found)
{
    check_decode("", "\xCD\xF5^\xD0\xA1\xB6\xAB", "王^小东", CHARSET_WAS_GB18030);
    check_decode("ISO_IR 100", "\xCD\xF5^\xD0\xA1\xB6\xAB", "王^小东", CHARSET_WAS_GB18030);
    check_decode("ISO_IR 100", "王^小东", "王^小东", CHARSET_WAS_UTF8);
    check_decode("GB18030", "王^小东", "王^小东", CHARSET_WAS_UTF8);
    check_decode("ISO_IR 192", "\xCD\xF5^\xD0\xA1\xB6\xAB", "王^小东", CHARSET_WAS_GB18030);
    check_decode("ISO_IR 100",
                 "\xD0\xD8\xB2\xBF"
                 "CT\xC6\xBD\xC9\xA8",
                 "胸部CT平扫", CHARSET_WAS_GB18030);
    check_decode("\\ISO 2022 IR 58", "\xCD\xF5^\xD0\xA1\xB6\xAB", "王^小东", 0); /* the escapes forgotten */
    check_decode("ISO_IR 999", "\xCD\xF5^\xD0\xA1", "王^小", CHARSET_WAS_GB18030 | CHARSET_LABEL_UNKNOWN);
}

TEST(charset, honest_latin_is_left_alone)
{
    check_decode("ISO_IR 100",
                 "Gr\xF6\xDF"
                 "e",
                 "Größe", 0);
    check_decode("ISO_IR 100", "Andr\xE9^Fran\xE7ois", "André^François", 0);
    check_decode("ISO_IR 100",
                 "37\xB0"
                 "C",
                 "37°C", 0);
    check_decode("", "Andr\xE9", "André", CHARSET_WAS_LATIN1);
    check_decode("ISO_IR 192", "a\xE9z", "a\xEF\xBF\xBDz", CHARSET_REPLACED);
}

TEST(charset, an_item_inherits_or_has_its_own_set)
{
    struct bytes b = {0};
    struct dataset *ds;
    struct err err = ERR_INIT;
    char *name;

    add_text(&b, TAG_SpecificCharacterSet, "CS", "GB18030");
    add_head(&b, TAG_ReferencedPatientSequence, "SQ", 0xFFFFFFFF);
    add_item(&b, 0xFFFFFFFF);
    add_text(&b, TAG_PatientName, "PN", "\xCD\xF5");
    add_item_end(&b);
    add_item(&b, 0xFFFFFFFF);
    add_text(&b, TAG_SpecificCharacterSet, "CS", "ISO_IR 144");
    add_text(&b, TAG_PatientName, "PN", "\xBB\xEE");
    add_item_end(&b);
    add_sequence_end(&b);
    CHECK_OK(dataset_open_bare(&ds, b.p, b.len, EXPLICIT_LE, NULL, &err), &err);
    const struct dataset_item *item = dataset_sequence(dataset_root(ds), TAG_ReferencedPatientSequence);
    name = charset_name(item, TAG_PatientName, NULL);
    CHECK_STR(name, "王");
    free(name);
    name = charset_name(item->next, TAG_PatientName, NULL);
    CHECK_STR(name, "Лю");
    free(name);
    dataset_close(ds);
    free(b.p);
}

/* 0x5C is the second byte of many GBK characters. */
TEST(charset, values_are_split_after_decoding)
{
    struct bytes b = {0};
    struct dataset *ds;
    struct err err = ERR_INIT;
    char *text;

    add_text(&b, TAG_SpecificCharacterSet, "CS", "GB18030");
    add_text(&b, TAG_OtherPatientNames, "PN", "\x81\x5C^ A ^^ \\B^C");
    CHECK_OK(dataset_open_bare(&ds, b.p, b.len, EXPLICIT_LE, NULL, &err), &err);
    text = charset_name(dataset_root(ds), TAG_OtherPatientNames, NULL);
    CHECK_STR(text, "乗^A");
    free(text);
    text = charset_text(dataset_root(ds), TAG_OtherPatientNames, 1, NULL);
    CHECK_STR(text, "B^C");
    free(text);
    CHECK(!charset_text(dataset_root(ds), TAG_OtherPatientNames, 2, NULL));
    CHECK(!charset_text(dataset_root(ds), TAG_PatientComments, 0, NULL));
    dataset_close(ds);
    free(b.p);
}

TEST(charset, every_set_reads_back_what_it_wrote)
{
    static const struct {
        enum charset_id set;
        const char *text;
    } CASES[] = {
        {CHARSET_UTF8, "Wang^XiaoDong=王^小东"},
        {CHARSET_GB18030, "赵^𠮷祥=李^䶮"},
        {CHARSET_GBK, "龘^靐"},
        {CHARSET_GB2312, "Wang=王^小东"},
        {CHARSET_JIS0208, "Yamada=山田^太郎"},
        {CHARSET_KOREAN, "Hong=洪^吉洞=홍^길동"},
        {CHARSET_LATIN1, "Müller"},
        {CHARSET_GREEK, "Διονυσιος"},
        {CHARSET_KATAKANA, "ﾔﾏﾀﾞ"},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct charset cs;
        bool lossy = false;
        unsigned repaired = 0;
        size_t len;
        const char *label = charset_label(CASES[i].set);
        char *bytes = charset_encode(CASES[i].set, VR_PN, CASES[i].text, &len, &lossy), *back;
        charset_parse(&cs, label, strlen(label));
        back = charset_decode(&cs, VR_PN, (uint8_t *)bytes, len, &repaired);
        CHECK_STR(back, CASES[i].text);
        CHECK(!lossy && repaired == 0);
        free(bytes);
        free(back);
    }
}

TEST(charset, what_a_set_does_not_have_is_a_question_mark)
{
    size_t len;
    bool lossy = false;
    char *bytes = charset_encode(CHARSET_LATIN1, VR_PN, "王^é", &len, &lossy);

    CHECK(lossy && len == 3);
    CHECK_MEM(bytes, "?^\xE9", 3);
    free(bytes);
    bytes = charset_encode(CHARSET_GB2312, VR_LO, "王A\\王", &len,
                           NULL); /* the escape again behind a delimiter */
    CHECK_STR(bytes, "\x1B$)A\xCD\xF5"
                     "A\\\x1B$)A\xCD\xF5");
    free(bytes);
}

TEST(charset, names_are_found_as_people_search)
{
    static const char NAME[] = "Wang^XiaoDong=王^小东";
    static const char *const FINDS[] = {
        "王*", "Wang*",     "wang^xiaodong", "WANG^XIAO*", "王小东", "王^小?",    "*小东", "*",
        "",    "Ｗａｎｇ*", "wang xiaodong", "wang*=王*",  "=王*",   "王^小东^^", "?ang^*"};
    static const char *const MISSES[] = {"李*", "Wan", "王^大*", "wang*=李*", "王", "小东", "?王^小东"};

    for (size_t i = 0; i < sizeof FINDS / sizeof *FINDS; i++)
        if (!charset_name_matches(FINDS[i], NAME))
            fail_msg("'%s' does not find %s", FINDS[i], NAME);
    for (size_t i = 0; i < sizeof MISSES / sizeof *MISSES; i++)
        if (charset_name_matches(MISSES[i], NAME))
            fail_msg("'%s' finds %s", MISSES[i], NAME);
    CHECK(charset_name_matches("王*", "王^小东"));
    CHECK(charset_name_matches("müller*", "MÜLLER^Jörg"));
    CHECK(charset_text_matches("ct*", "CT Thorax") && !charset_text_matches("ct", "CT Thorax"));
    /* A star for every letter of a long name: no back-tracking worth speaking of. */
    CHECK(!charset_name_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
                                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

TEST(charset, names_are_tidied)
{
    static const char *const PAIRS[][2] = {{"Wang ^ XiaoDong ^^^==", "Wang^XiaoDong"},
                                           {"^^^^", ""},
                                           {" ", ""},
                                           {"A^^B= 王 ^=", "A^^B=王"},
                                           {"=王", "=王"}};

    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++) {
        char *tidy = charset_name_tidy(PAIRS[i][0]);
        CHECK_STR(tidy, PAIRS[i][1]);
        free(tidy);
    }
}
