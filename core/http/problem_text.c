/* The words that every daemon needs, in both languages, and those of a code nobody has words for. */
#include "core/http/problem.h"
#include <string.h>

#define INTERNAL 8 /* the row of 500 */

/* clang-format off */
static const struct problem_text TEXTS[] = {
    PROBLEM("not_logged_in", "您还没有登录。", "You are not logged in.", "请先登录。", "Log in first."),
    PROBLEM("role_missing", "您的角色不能进行此操作。", "Your role does not include this.", "请联系本机构管理员。",
      "Ask your organisation's administrator."),
    PROBLEM("origin_foreign", "请求来自其他网站，已拒绝。", "The request came from another site's page.",
      "请在本平台页面内操作。", "Use this platform's own pages."),
    PROBLEM("not_found", "没有找到。", "There is no such thing here.", "", ""),
    PROBLEM_AS(405, "method_not_allowed", "此地址不支持该方法。", "This address does not take that method.", "",
      "See /api/docs."),
    PROBLEM_AS(411, "length_required", "请求缺少长度。", "The request has no length.", "请发送 Content-Length。",
      "Send Content-Length, not chunks."),
    PROBLEM("body_too_large", "内容过大。", "The body is too large.", "请缩短后重试。", "Send less."),
    PROBLEM("body_missing", "请求没有内容。", "The request has no body.", "", ""),
    PROBLEM("content_type", "不支持的内容类型。", "This content type is not spoken here.", "",
      "See /api/docs for the type."),
    PROBLEM("malformed_json", "内容不是有效的 JSON。", "The body is not valid JSON.", "", ""),
    PROBLEM("json_too_deep", "JSON 嵌套过深。", "The JSON is nested too deeply.", "", ""),
    PROBLEM("duplicate_key", "JSON 中有重复的键。", "A key stands twice in the JSON.", "", ""),
    PROBLEM("field_missing", "缺少必填项。", "A required field is missing.", "请检查填写内容。",
      "Check what was filled in."),
    PROBLEM("field_type", "某项的类型不正确。", "A field has the wrong type.", "请检查填写内容。",
      "Check what was filled in."),
    PROBLEM("field_range", "某项超出允许范围。", "A field is out of range.", "请检查填写内容。",
      "Check what was filled in."),
    PROBLEM("id_invalid", "编号格式不正确。", "That is not an id.", "", ""),
    PROBLEM("bad_value", "某项的值不正确。", "A value is not acceptable.", "请检查填写内容。",
      "Check what was filled in."),
    PROBLEM("too_many_requests", "请求过于频繁。", "Too many requests.", "请稍后再试。", "Wait a little."),
    PROBLEM("busy", "系统繁忙。", "The system is busy.", "请稍后再试。", "Send the same request again."),
    PROBLEM("database_away", "数据服务暂时不可用。", "The database is away for the moment.",
      "通话不受影响，请稍后再试。", "Calls go on; send the same request again in a moment."),
    PROBLEM("outcome_unknown", "结果未知：操作可能已经完成。", "The outcome is unknown: it may have been done.",
      "请用同一请求再试一次，不会重复。", "Send the same request again; it will not be done twice."),
    PROBLEM("internal", "系统内部错误。", "Something broke on our side.", "请记下请求编号并联系支持。",
      "Note the request id for support."),
    PROBLEM_AS(406, "not_acceptable", "无法以所要求的类型返回。", "None of the types asked for can be given.", "请检查 Accept。", "Look at the Accept header."),
};

#define BY(status, zh, en) {status, PROBLEM("", zh, en, "", "")}
static const struct {
    int status;
    struct problem_text text;
} BY_STATUS[] = {
    BY(400, "请求不符合要求。", "The request breaks a rule."),
    BY(401, "身份未确认。", "We do not know who you are."),
    BY(403, "不允许此操作。", "That is not allowed."),
    BY(404, "没有找到。", "There is no such thing here."),
    BY(409, "与另一操作冲突。", "Another request got there first."),
    BY(413, "内容过大。", "The body is too large."),
    BY(415, "不支持的类型。", "This type is not spoken here."),
    BY(429, "过于频繁。", "Too often."),
    BY(500, "系统内部错误。", "Something broke on our side."),
    BY(503, "服务暂时不可用。", "Not available for the moment."),
    BY(504, "结果未知。", "The outcome is unknown."),
};
/* clang-format on */

static const struct problem_book *book_of_daemon;

void problem_book(const struct problem_book *book)
{
    book_of_daemon = book;
}

static const struct problem_text *find(const struct problem_text *texts, size_t n, const char *code)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(texts[i].code, code))
            return &texts[i];
    return NULL;
}

const struct problem_text *problem_text(const char *code, int status)
{
    const struct problem_book *own = book_of_daemon;
    const struct problem_text *found = NULL;

    if (own && own->words_of)
        code = own->words_of(code);
    if (own)
        found = find(own->texts, own->n, code);
    if (!found)
        found = find(TEXTS, sizeof TEXTS / sizeof *TEXTS, code);
    for (size_t i = 0; !found && i < sizeof BY_STATUS / sizeof *BY_STATUS; i++)
        if (BY_STATUS[i].status == status)
            found = &BY_STATUS[i].text;
    return found ? found : &BY_STATUS[INTERNAL].text;
}
