/* print_test.c - papers are read back by programs that did not make them. */
#include "tests/unit/test.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/mem.h"
#include "records/print/page.h"

struct fx {
    struct test *t;
    const char *sheet, *paper;
    char word[64]; /* what yz-print answered */
};

static struct fx fx_open(struct test *t)
{
    const char *dir = test_dir(t);

    return (struct fx){
        .t = t, .sheet = test_path(t, dir, "sheet.json"), .paper = test_path(t, dir, "paper.pdf")};
}

static json_t *report(const char *findings)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:[[s, s], [s, s]], s:[{s:s, s:s}], s:[[s, s]], s:[s], s:{s:s, s:s}}", "lang",
        "zh-CN", "organisation", "演示市医院", "title", "影像诊断报告", "made_at", "2026-11-21T08:00:00Z",
        "facts", "姓名", "演示患者甲", "检查号", "0D4K8Z9QW1X2Y", "sections", "heading", "影像所见", "text",
        findings, "signature", "报告医师", "演示阅片医生", "notes", "供临床参考。", "code", "text",
        "https://clinic.example/verify/0123456789ABCDEFGHJKMNPQRS", "caption", "扫码核验");
}

static void run(const char *command, char *out, size_t cap)
{
    FILE *f = popen(command, "r");
    size_t n = f ? fread(out, 1, cap - 1, f) : 0;

    CHECK(f != NULL);
    out[n] = '\0';
    pclose(f);
}

/** @return pages, 0 with word set */
static int print(struct fx *fx, json_t *doc)
{
    char *command = mem_format("%s %s %s", YZ_PRINT, fx->sheet, fx->paper);
    int pages = 0;

    CHECK(json_dump_file(doc, fx->sheet, 0) == 0);
    json_decref(doc);
    run(command, fx->word, sizeof fx->word);
    free(command);
    sscanf(fx->word, "pages %d", &pages);
    fx->word[strcspn(fx->word, "\n")] = '\0';
    CHECK((access(fx->paper, F_OK) == 0) == (pages > 0));
    return pages;
}

static char *read_back(const struct fx *fx)
{
    char *command = mem_format("pdftotext -layout %s -", fx->paper), *text = mem_new(1 << 20);

    run(command, text, 1 << 20);
    free(command);
    test_cleanup(fx->t, free, text);
    return text;
}

static void need(const char *program)
{
    char *command = mem_format("command -v %s >/dev/null", program);
    bool there = system(command) == 0;

    free(command);
    if (!there) {
        print_message("%s is not installed\n", program);
        skip();
    }
}

TEST(print, chinese_text_is_text_and_not_a_picture_of_it)
{
    struct fx fx = fx_open(t);

    need("pdftotext");
    CHECK_INT(print(&fx, report("右肺下叶见片状密度增高影，大小约 2.3 cm × 1.8 cm。")), 1);
    const char *text = read_back(&fx);
    CHECK(strstr(text, "影像诊断报告"));
    CHECK(strstr(text, "演示患者甲"));
    CHECK(strstr(text, "右肺下叶见片状密度增高影"));
    CHECK(strstr(text, "1/1"));
}

TEST(print, the_code_leads_where_the_sheet_says)
{
    struct fx fx = fx_open(t);
    char out[1024], *command;

    need("pdftoppm");
    need("zbarimg");
    CHECK_INT(print(&fx, report("未见异常。")), 1);
    command = mem_format("pdftoppm -r 150 -png -singlefile %s %s && zbarimg --quiet --raw %s.png 2>/dev/null",
                         fx.paper, fx.paper, fx.paper);
    run(command, out, sizeof out);
    free(command);
    CHECK_STR(out, "https://clinic.example/verify/0123456789ABCDEFGHJKMNPQRS\n");
}

TEST(print, a_long_text_turns_the_page_and_loses_no_line)
{
    struct fx fx = fx_open(t);
    char *findings = mem_new(300 * 40), *at = findings, line[32];

    need("pdftotext");
    for (int i = 1; i <= 300; i++)
        at += sprintf(at, "第%d行，未见异常。\n", i);
    int pages = print(&fx, report(findings));
    free(findings);
    CHECK(pages > 5);
    const char *text = read_back(&fx);
    for (int i = 1; i <= 300; i++) {
        sprintf(line, "第%d行", i);
        CHECK(strstr(text, line));
    }
    sprintf(line, "%d/%d", pages, pages);
    CHECK(strstr(text, line));
}

TEST(print, the_same_sheet_gives_the_same_bytes)
{
    struct fx one = fx_open(t), two = fx_open(t);
    char *command, out[16];

    CHECK_INT(print(&one, report("未见异常。")), 1);
    CHECK_INT(print(&two, report("未见异常。")), 1);
    command = mem_format("cmp %s %s && echo same", one.paper, two.paper);
    run(command, out, sizeof out);
    free(command);
    CHECK_STR(out, "same\n");
}

TEST(print, what_is_no_sheet_is_refused_and_leaves_no_paper)
{
    static const char *const MEMBERS[] = {"lang",     "organisation", "title", "facts",
                                          "sections", "signature",    "notes"};
    struct fx fx = fx_open(t);
    json_t *doc;

    for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
        doc = report("x");
        json_object_del(doc, MEMBERS[i]);
        CHECK_INT(print(&fx, doc), 0);
        CHECK_STR(fx.word, "sheet_member");
        doc = report("x");
        json_object_set_new(doc, MEMBERS[i], json_integer(7));
        CHECK_INT(print(&fx, doc), 0);
        CHECK_STR(fx.word, "sheet_member");
    }
    doc = report("x");
    json_object_set_new(doc, "colour", json_string("red"));
    CHECK_INT(print(&fx, doc), 0);
    CHECK_STR(fx.word, "sheet_member");
}

TEST(print, letters_that_no_font_has_are_refused)
{
    struct fx fx = fx_open(t);

    CHECK_INT(print(&fx, report("\xf3\xb0\x80\x80")), 0); /* a private letter of plane 15 */
    CHECK_STR(fx.word, "no_letters");
}

TEST(print, a_code_that_does_not_fit_is_refused)
{
    struct fx fx = fx_open(t);
    json_t *doc = report("x");
    char *text = mem_new(4000);

    memset(text, 'a', 3999);
    json_object_set_new(json_object_get(doc, "code"), "text", json_string(text));
    free(text);
    CHECK_INT(print(&fx, doc), 0);
    CHECK_STR(fx.word, "code_too_long");
}
