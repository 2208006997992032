#include "signaling/paper_sheet.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "core/clock.h"
#include "core/json.h"
#include "records/age.h"

#define SHANGHAI_US (8 * 3600 * US_PER_S)

static const struct {
    const char *modality, *title, *findings;
} KINDS[] = {
    {"ECG", "心电图诊断报告", "心电图所见"},
    {"US", "超声诊断报告", "超声所见"},
    {NULL, "影像诊断报告", "影像所见"},
};

static size_t kind_of(const char *modality)
{
    size_t i = 0;

    while (KINDS[i].modality && strcmp(KINDS[i].modality, modality) != 0)
        i++;
    return i;
}

const char *paper_title(const char *modality)
{
    return KINDS[kind_of(modality)].title;
}

static const char *sex_word(const char *sex)
{
    if (!strcmp(sex, "female"))
        return "女";
    return strcmp(sex, "male") ? "未知" : "男";
}

static void local_time(int64_t utc_us, char out[CLOCK_TEXT])
{
    clock_format_utc(utc_us + SHANGHAI_US, out);
    out[10] = ' ';
    out[16] = '\0';
}

/* As on the day it was signed: an old paper does not age. */
static void age_text(const struct paper *p, char out[32])
{
    int32_t born;

    if (clock_parse_day(p->birth_date, strlen(p->birth_date), &born))
        snprintf(out, 32, "%" PRId32 " 岁", age_years(born, clock_shanghai_day(p->signed_at_us)));
    else
        snprintf(out, 32, "未知");
}

static void fact(json_t *list, const char *label, const char *value)
{
    json_array_append_new(list, json_pack("[s, s]", label, *value ? value : "—"));
}

static void section(json_t *list, const char *heading, const char *text)
{
    if (*text)
        json_array_append_new(list, json_pack("{s:s, s:s}", "heading", heading, "text", text));
}

static json_t *facts(const struct paper *p)
{
    json_t *list = json_array();
    char text[CLOCK_TEXT];

    fact(list, "姓名", p->name);
    fact(list, "性别", sex_word(p->sex));
    age_text(p, text);
    fact(list, "年龄", text);
    fact(list, "检查号", p->accession_no);
    fact(list, "检查项目", p->procedure);
    if (p->study_at_us)
        local_time(p->study_at_us, text);
    else
        *text = '\0';
    fact(list, "检查时间", text);
    fact(list, "检查机构", p->examining_house);
    fact(list, "报告机构", p->author_house);
    snprintf(text, sizeof text, "第 %d 版", p->version);
    fact(list, "版本", text);
    return list;
}

static json_t *sections(const struct paper *p)
{
    json_t *list = json_array();

    section(list, "临床问题", p->question);
    section(list, "危急值", p->critical_finding);
    section(list, KINDS[kind_of(p->modality)].findings, p->findings);
    section(list, "诊断意见", p->impression);
    section(list, "修改原因", p->reason);
    return list;
}

/* Four at a time, as a person reads it out. */
static void spaced(const char *code, char out[64])
{
    size_t n = 0;

    for (size_t i = 0; code[i] && n + 2 < 64; i++) {
        if (i && i % 4 == 0)
            out[n++] = ' ';
        out[n++] = code[i];
    }
    out[n] = '\0';
}

static json_t *code(const struct paper *p, const char *origin)
{
    char url[512], words[64], caption[256];

    snprintf(url, sizeof url, "%s/verify/%s", origin, p->code);
    spaced(p->code, words);
    snprintf(caption, sizeof caption, "扫码核验本报告的真伪与最新版本\n核验码 %s", words);
    return json_pack("{s:s, s:s}", "text", url, "caption", caption);
}

json_t *paper_sheet(const struct paper *p, const char *origin)
{
    char signed_at[CLOCK_TEXT], made_at[CLOCK_TEXT], mark[128];
    json_t *sheet;

    local_time(p->signed_at_us, signed_at);
    clock_format_utc(p->signed_at_us, made_at);
    sheet = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:[[s, s], [s, s]], s:[s, s], s:o}", "lang", "zh-CN",
                      "organisation", p->author_house, "title", paper_title(p->modality), "made_at", made_at,
                      "facts", facts(p), "sections", sections(p), "signature", "报告医师", p->doctor,
                      "签发时间", signed_at, "notes", "本报告已由报告医师电子签名，任何改动都会使核验失败。",
                      "诊断意见供临床参考，请结合病史由接诊医师判断。", "code", code(p, origin));
    if (sheet && p->version < p->newest) {
        snprintf(mark, sizeof mark, "已有第 %d 版，本版（第 %d 版）仅供追溯", p->newest, p->version);
        json_object_set_new(sheet, "mark", json_string(mark));
    }
    return sheet;
}

void paper_mask(const char *name, char out[16])
{
    size_t len = *name ? 1 : 0;

    while (len && len < 4 && ((unsigned char)name[len] & 0xc0) == 0x80)
        len++;
    snprintf(out, 16, "%.*s**", (int)len, name);
}
