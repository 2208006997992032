/* The words of this room's codes, in both languages; what every daemon says stands in core/http. The front end
 * translates codes too; these serve scripts, logs on paper, and screens that meet a code newer than themselves. */
#include "signaling/problem_text.h"
#include <string.h>

/* clang-format off */
static const struct problem_text TEXTS[] = {
    PROBLEM("login_failed", "账号或密码不正确。", "The login or the password is wrong.", "请核对后重试。",
      "Check both and try again."),
    PROBLEM("step_up_needed", "签名前请再次确认密码。", "A signature needs the password once more.",
      "请输入密码后重试。", "Send it to /api/v1/session/step-up, then the same request again."),
    PROBLEM("password_wrong", "密码不正确。", "The password is wrong.", "请核对后重试。", "Check it and try again."),
    PROBLEM("too_many_logins", "登录尝试过于频繁。", "Too many attempts to log in.", "请稍后再试。",
      "Wait a little, then try again."),
    PROBLEM("token_invalid", "令牌无效。", "The token is not valid.", "请重新获取令牌。", "Make a new token."),
    PROBLEM("token_expired", "令牌已过期。", "The token has expired.", "请重新获取令牌。", "Make a new token."),
    PROBLEM("token_not_yet", "令牌尚未生效。", "The token is not valid yet.", "请检查时钟。", "Check the clocks."),
    PROBLEM("token_rights", "令牌不允许此操作。", "The token does not allow this, or not in this room.",
      "请重新获取令牌。", "Make a token for this room."),
    PROBLEM("idempotency_key", "幂等键格式不正确。", "The Idempotency-Key is malformed.", "",
      "8 to 64 letters, digits, . _ : -"),
    PROBLEM("idempotency_mismatch", "同一幂等键用于了不同内容。",
      "The same Idempotency-Key came with another body.", "请使用新的键。",
      "Use a new key for a new request."),
    PROBLEM("too_many_sockets", "打开的窗口过多。", "Too many windows are open.", "请关闭一些窗口。",
      "Close some."),
    PROBLEM("licence_expired", "您的执业资格今天无效，不能签名。", "Your licence is not valid today.",
      "请联系本机构医务部门。", "Ask your organisation's medical office."),
    PROBLEM("draft_stale", "报告草稿已在另一个窗口保存。", "The draft was saved in another window.",
      "请载入最新内容后再继续。", "Take over the newest text, then go on."),
    PROBLEM("impression_missing", "诊断意见不能为空。", "A report needs an impression.", "请填写诊断意见。",
      "Write the impression first."),
    PROBLEM("alert_acknowledged", "该危急值已由他人确认。", "Somebody acknowledged it already.", "", ""),
    PROBLEM("wrong_state", "当前状态不能进行此操作。", "Not possible in the present state.", "请刷新后再试。",
      "Refresh and see."),
    PROBLEM("not_allowed", "您不能对此进行操作。", "That is not yours to do.", "", ""),
    PROBLEM("scheduler_away", "调度服务暂时不可用。", "The scheduler is away for the moment.",
      "通话不受影响，请稍后再试。", "Calls go on; send the same request again in a moment."),
    PROBLEM("imaging_away", "影像服务暂时不可用。", "The imaging service is away for the moment.",
      "通话不受影响，请稍后再试。", "Calls go on; send the same request again in a moment."),
    PROBLEM("media_away", "音视频服务暂时不可用。", "The media service is away for the moment.",
      "正在自动恢复，请稍候。", "It recovers by itself; try again in a moment."),
    PROBLEM("slot_full", "这个时段已约满。", "This slot is full.", "请选择另一个时段。", "Choose another slot."),
    PROBLEM("slot_gone", "这个时段已取消。", "This slot is gone.", "请选择另一个时段。", "Choose another slot."),
    PROBLEM("prior_diagnosis_missing", "复诊需要提供既往诊断。", "A follow-up needs the earlier diagnosis.",
      "请填写诊断及其证明。", "Give the diagnosis and its evidence."),
    PROBLEM("claim_lost", "已被其他医生领取。", "Another doctor was first.", "请看下一位。",
      "Look at the next one."),
    PROBLEM("claim_stale", "该请求已有变化。", "The offer has changed.", "请刷新后再试。",
      "Refresh and try again."),
    PROBLEM("claim_ineligible", "您目前不能接这一单。", "You cannot claim this one now.", "请查看原因。",
      "See the reason."),
    PROBLEM("off_duty", "您目前未出诊。", "You are off duty.", "请先出诊。", "Go on duty first."),
    PROBLEM("version_stale", "内容已被他人更新。", "Somebody changed it in the meantime.", "请刷新后再试。",
      "Refresh and try again."),
    PROBLEM("inviting_doctor_absent", "基层医生不在场，不能开始。", "The township doctor is not in the room.",
      "请等待基层医生进入诊室。", "Wait until the township doctor has joined."),
    PROBLEM("consent_missing", "还缺少必需的同意书。", "A required consent is missing.", "请先逐项确认。",
      "Ask for it first."),
    PROBLEM("consent_text_changed", "同意书已有新版本。", "The consent text has changed.", "请重新阅读后确认。",
      "Read the new text first."),
    PROBLEM("order_state", "当前状态不能进行此操作。", "Not possible in the present state.", "请刷新后再试。",
      "Refresh and see."),
    PROBLEM("visit_over", "就诊已结束。", "The visit is over.", "", ""),
    PROBLEM("not_in_room", "您不在这个诊室里。", "You are not in this room.", "请重新进入。", "Join first."),
    PROBLEM("not_admitted", "医生尚未请您进入。", "The doctor has not let you in yet.", "请稍候。", "Please wait."),
    PROBLEM("already_hello", "重复的问候消息。", "hello was said already.", "", ""),
    PROBLEM("hello_first", "请先发送问候消息。", "Say hello first.", "", ""),
    PROBLEM("unknown_message", "未知的消息类型。", "No such message.", "", ""),
    PROBLEM("sdp_invalid", "媒体协商内容无效。", "The offer is not acceptable.", "请更新浏览器。",
      "Update the browser."),
    PROBLEM_AS(412, "session_changed", "会话已重新建立。", "The ICE session is another one now.", "请重新读取。",
      "Use the newest ETag."),
    PROBLEM("peer_name_taken", "该名称已被使用。", "The name is in use.", "请换一个名称。", "Choose another name."),
    PROBLEM("no_such_publisher", "没有这个发布者。", "Nobody of that name publishes here.", "", ""),
    PROBLEM("room_not_found", "没有这个房间。", "There is no such room.", "", ""),
    PROBLEM_AS(428, "if_match_missing", "请求缺少 If-Match。", "The request has no If-Match.", "请先读取 ETag。", "Read the ETag first."),
};
/* clang-format on */

/* The worker has many words for it; for people it is one thing. */
static const char *words_of(const char *code)
{
    return strncmp(code, "sdp_", 4) ? code : "sdp_invalid";
}

const struct problem_book SIGNALD_PROBLEMS = {TEXTS, sizeof TEXTS / sizeof *TEXTS, words_of};
