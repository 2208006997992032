/* paper_sheet_test.c - what stands on a printed report. */
#include "tests/unit/test.h"
#include <jansson.h>
#include <string.h>
#include "core/clock.h"
#include "signaling/paper_sheet.h"

static struct paper sample(void)
{
    struct paper p = {
        .version = 1,
        .newest = 1,
        .modality = "CT",
        .procedure = "胸部平扫",
        .question = "咳嗽两周",
        .accession_no = "0D4K8Z9QW1X2Y",
        .name = "演示患者甲",
        .sex = "female",
        .birth_date = "1968-11-22",
        .author_house = "演示市医院",
        .examining_house = "演示东乡卫生院",
        .findings = "未见异常",
        .impression = "正常",
        .critical_finding = "",
        .reason = "",
        .doctor = "演示阅片医生",
        .code = "0123456789ABCDEFGHJKMNPQRS",
    };

    CHECK(clock_parse("2026-11-21T15:59:00Z", 20, &p.signed_at_us)); /* 23:59 in Shanghai */
    return p;
}

static const char *fact(const json_t *sheet, const char *label)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(sheet, "facts"), i,
                       row) if (!strcmp(json_string_value(json_array_get(row, 0)),
                                        label)) return json_string_value(json_array_get(row, 1));
    return NULL;
}

static const char *section(const json_t *sheet, const char *heading)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(sheet, "sections"), i,
                       row) if (!strcmp(json_string_value(json_object_get(row, "heading")),
                                        heading)) return json_string_value(json_object_get(row, "text"));
    return NULL;
}

TEST(paper_sheet, says_who_what_when_and_where_the_code_leads)
{
    struct paper p = sample();
    json_t *s = paper_sheet(&p, "https://clinic.example");

    CHECK_STR(json_string_value(json_object_get(s, "title")), "影像诊断报告");
    CHECK_STR(fact(s, "姓名"), "演示患者甲");
    CHECK_STR(fact(s, "性别"), "女");
    CHECK_STR(fact(s, "检查时间"), "—");
    CHECK_STR(section(s, "影像所见"), "未见异常");
    CHECK_STR(section(s, "诊断意见"), "正常");
    CHECK(!section(s, "危急值"));
    CHECK(!json_object_get(s, "mark"));
    CHECK_STR(json_string_value(json_object_get(json_object_get(s, "code"), "text")),
              "https://clinic.example/verify/0123456789ABCDEFGHJKMNPQRS");
    CHECK_STR(json_string_value(json_array_get(json_array_get(json_object_get(s, "signature"), 1), 1)),
              "2026-11-21 23:59");
    json_decref(s);
}

TEST(paper_sheet, the_age_is_that_of_the_day_of_signing)
{
    struct paper p = sample();
    json_t *s = paper_sheet(&p, "");

    CHECK_STR(fact(s, "年龄"), "57 岁"); /* 58 tomorrow */
    json_decref(s);
    p.signed_at_us += 60 * US_PER_S;
    s = paper_sheet(&p, "");
    CHECK_STR(fact(s, "年龄"), "58 岁");
    json_decref(s);
    p.birth_date = "";
    s = paper_sheet(&p, "");
    CHECK_STR(fact(s, "年龄"), "未知");
    json_decref(s);
}

TEST(paper_sheet, an_older_version_says_so_across_the_page)
{
    struct paper p = sample();

    p.newest = 3;
    json_t *s = paper_sheet(&p, "");
    CHECK(strstr(json_string_value(json_object_get(s, "mark")), "第 3 版"));
    json_decref(s);
}

TEST(paper_sheet, an_ecg_and_a_critical_value_have_their_own_words)
{
    struct paper p = sample();

    p.modality = "ECG";
    p.critical_finding = "室性心动过速";
    json_t *s = paper_sheet(&p, "");
    CHECK_STR(json_string_value(json_object_get(s, "title")), "心电图诊断报告");
    CHECK_STR(section(s, "危急值"), "室性心动过速");
    CHECK_STR(section(s, "心电图所见"), "未见异常");
    json_decref(s);
}

TEST(paper_sheet, a_name_is_masked_to_its_first_letter)
{
    char out[16];

    paper_mask("演示患者甲", out);
    CHECK_STR(out, "演**");
    paper_mask("Demo", out);
    CHECK_STR(out, "D**");
    paper_mask("", out);
    CHECK_STR(out, "**");
    paper_mask("𠮷野", out);
    CHECK_STR(out, "𠮷**");
}
