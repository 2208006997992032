/* The words of every code, in both languages. The front end translates codes too; these serve scripts, logs on
 * paper, and screens that meet a code newer than themselves. */
#include "signaling/problem.h"
#include <string.h>

#define P(code, zh, en, hint_zh, hint_en)                                                                    \
    {                                                                                                        \
        code, {zh, en},                                                                                      \
        {                                                                                                    \
            hint_zh, hint_en                                                                                 \
        }                                                                                                    \
    }

static const struct problem_text TEXTS[] = {
    P("not_logged_in", "您还没有登录。", "You are not logged in.", "请先登录。", "Log in first."),
    P("login_failed", "账号或密码不正确。", "The login or the password is wrong.", "请核对后重试。",
      "Check both and try again."),
    P("too_many_logins", "登录尝试过于频繁。", "Too many attempts to log in.", "请稍后再试。",
      "Wait a little, then try again."),
    P("token_invalid", "令牌无效。", "The token is not valid.", "请重新获取令牌。", "Make a new token."),
    P("token_expired", "令牌已过期。", "The token has expired.", "请重新获取令牌。", "Make a new token."),
    P("token_not_yet", "令牌尚未生效。", "The token is not valid yet.", "请检查时钟。", "Check the clocks."),
    P("token_rights", "令牌不允许此操作。", "The token does not allow this, or not in this room.",
      "请重新获取令牌。", "Make a token for this room."),
    P("role_missing", "您的角色不能进行此操作。", "Your role does not include this.", "请联系本机构管理员。",
      "Ask your organisation's administrator."),
    P("origin_foreign", "请求来自其他网站，已拒绝。", "The request came from another site's page.",
      "请在本平台页面内操作。", "Use this platform's own pages."),
    P("not_found", "没有找到。", "There is no such thing here.", "", ""),
    P("method_not_allowed", "此地址不支持该方法。", "This address does not take that method.", "",
      "See /api/docs."),
    P("length_required", "请求缺少长度。", "The request has no length.", "请发送 Content-Length。",
      "Send Content-Length, not chunks."),
    P("body_too_large", "内容过大。", "The body is too large.", "请缩短后重试。", "Send less."),
    P("body_missing", "请求没有内容。", "The request has no body.", "", ""),
    P("content_type", "不支持的内容类型。", "This content type is not spoken here.", "",
      "See /api/docs for the type."),
    P("malformed_json", "内容不是有效的 JSON。", "The body is not valid JSON.", "", ""),
    P("json_too_deep", "JSON 嵌套过深。", "The JSON is nested too deeply.", "", ""),
    P("duplicate_key", "JSON 中有重复的键。", "A key stands twice in the JSON.", "", ""),
    P("field_missing", "缺少必填项。", "A required field is missing.", "请检查填写内容。",
      "Check what was filled in."),
    P("field_type", "某项的类型不正确。", "A field has the wrong type.", "请检查填写内容。",
      "Check what was filled in."),
    P("field_range", "某项超出允许范围。", "A field is out of range.", "请检查填写内容。",
      "Check what was filled in."),
    P("id_invalid", "编号格式不正确。", "That is not an id.", "", ""),
    P("bad_value", "某项的值不正确。", "A value is not acceptable.", "请检查填写内容。",
      "Check what was filled in."),
    P("idempotency_key", "幂等键格式不正确。", "The Idempotency-Key is malformed.", "",
      "8 to 64 letters, digits, . _ : -"),
    P("idempotency_mismatch", "同一幂等键用于了不同内容。",
      "The same Idempotency-Key came with another body.", "请使用新的键。",
      "Use a new key for a new request."),
    P("too_many_requests", "请求过于频繁。", "Too many requests.", "请稍后再试。", "Wait a little."),
    P("too_many_sockets", "打开的窗口过多。", "Too many windows are open.", "请关闭一些窗口。",
      "Close some."),
    P("busy", "系统繁忙。", "The system is busy.", "请稍后再试。", "Send the same request again."),
    P("database_away", "数据服务暂时不可用。", "The database is away for the moment.",
      "通话不受影响，请稍后再试。", "Calls go on; send the same request again in a moment."),
    P("scheduler_away", "调度服务暂时不可用。", "The scheduler is away for the moment.",
      "通话不受影响，请稍后再试。", "Calls go on; send the same request again in a moment."),
    P("media_away", "音视频服务暂时不可用。", "The media service is away for the moment.",
      "正在自动恢复，请稍候。", "It recovers by itself; try again in a moment."),
    P("outcome_unknown", "结果未知：操作可能已经完成。", "The outcome is unknown: it may have been done.",
      "请用同一请求再试一次，不会重复。", "Send the same request again; it will not be done twice."),
    P("internal", "系统内部错误。", "Something broke on our side.", "请记下请求编号并联系支持。",
      "Note the request id for support."),
    P("slot_full", "这个时段已约满。", "This slot is full.", "请选择另一个时段。", "Choose another slot."),
    P("slot_gone", "这个时段已取消。", "This slot is gone.", "请选择另一个时段。", "Choose another slot."),
    P("prior_diagnosis_missing", "复诊需要提供既往诊断。", "A follow-up needs the earlier diagnosis.",
      "请填写诊断及其证明。", "Give the diagnosis and its evidence."),
    P("claim_lost", "已被其他医生接诊。", "Another doctor was first.", "请看下一位。",
      "Look at the next one."),
    P("claim_stale", "该请求已有变化。", "The offer has changed.", "请刷新后再试。",
      "Refresh and try again."),
    P("claim_ineligible", "您目前不能接这位患者。", "You cannot claim this one now.", "请查看原因。",
      "See the reason."),
    P("off_duty", "您目前未出诊。", "You are off duty.", "请先出诊。", "Go on duty first."),
    P("version_stale", "内容已被他人更新。", "Somebody changed it in the meantime.", "请刷新后再试。",
      "Refresh and try again."),
    P("inviting_doctor_absent", "基层医生不在场，不能开始。", "The township doctor is not in the room.",
      "请等待基层医生进入诊室。", "Wait until the township doctor has joined."),
    P("consent_missing", "还缺少必需的同意书。", "A required consent is missing.", "请先逐项确认。",
      "Ask for it first."),
    P("consent_text_changed", "同意书已有新版本。", "The consent text has changed.", "请重新阅读后确认。",
      "Read the new text first."),
    P("order_state", "当前状态不能进行此操作。", "Not possible in the present state.", "请刷新后再试。",
      "Refresh and see."),
    P("visit_over", "就诊已结束。", "The visit is over.", "", ""),
    P("not_in_room", "您不在这个诊室里。", "You are not in this room.", "请重新进入。", "Join first."),
    P("not_admitted", "医生尚未请您进入。", "The doctor has not let you in yet.", "请稍候。", "Please wait."),
    P("already_hello", "重复的问候消息。", "hello was said already.", "", ""),
    P("hello_first", "请先发送问候消息。", "Say hello first.", "", ""),
    P("unknown_message", "未知的消息类型。", "No such message.", "", ""),
    P("sdp_invalid", "媒体协商内容无效。", "The offer is not acceptable.", "请更新浏览器。",
      "Update the browser."),
    P("session_changed", "会话已重新建立。", "The ICE session is another one now.", "请重新读取。",
      "Use the newest ETag."),
    P("peer_name_taken", "该名称已被使用。", "The name is in use.", "请换一个名称。", "Choose another name."),
    P("no_such_publisher", "没有这个发布者。", "Nobody of that name publishes here.", "", ""),
    P("room_not_found", "没有这个房间。", "There is no such room.", "", ""),
};

#undef P
#define P(status, zh, en)                                                                                    \
    {                                                                                                        \
        status,                                                                                              \
        {                                                                                                    \
            "", {zh, en},                                                                                    \
            {                                                                                                \
                "", ""                                                                                       \
            }                                                                                                \
        }                                                                                                    \
    }
static const struct {
    int status;
    struct problem_text text;
} BY_STATUS[] = {
    P(400, "请求不符合要求。", "The request breaks a rule."),
    P(401, "身份未确认。", "We do not know who you are."),
    P(403, "不允许此操作。", "That is not allowed."),
    P(404, "没有找到。", "There is no such thing here."),
    P(409, "与另一操作冲突。", "Another request got there first."),
    P(413, "内容过大。", "The body is too large."),
    P(415, "不支持的类型。", "This type is not spoken here."),
    P(429, "过于频繁。", "Too often."),
    P(500, "系统内部错误。", "Something broke on our side."),
    P(503, "服务暂时不可用。", "Not available for the moment."),
    P(504, "结果未知。", "The outcome is unknown."),
};

const struct problem_text *problem_text(const char *code, int status)
{
    const struct problem_text *fallback = &BY_STATUS[8].text;

    if (!strncmp(code, "sdp_", 4)) /* the worker has many words for it; for people it is one thing */
        code = "sdp_invalid";
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        if (!strcmp(TEXTS[i].code, code))
            return &TEXTS[i];
    for (size_t i = 0; i < sizeof BY_STATUS / sizeof *BY_STATUS; i++)
        if (BY_STATUS[i].status == status)
            fallback = &BY_STATUS[i].text;
    return fallback;
}
