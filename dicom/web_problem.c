/* The words of this daemon's codes, in both languages; what every daemon says stands in core/http. */
#include "dicom/web_private.h"

/* clang-format off */
static const struct problem_text TEXTS[] = {
    PROBLEM("query_key_unknown", "查询包含未知的属性。", "The query names an attribute that is none.", "请使用标准关键字或八位标签。", "Use the standard's keyword or eight hex digits."),
    PROBLEM("query_key_unsupported", "不支持按此属性查询。", "Nothing can be searched by this attribute here.", "", "See docs/integrators.md for the keys."),
    PROBLEM("query_value", "查询参数的值不正确。", "A query parameter has a value that is none.", "", ""),
    PROBLEM("frame_list", "帧号不正确。", "That is not a list of frame numbers.", "帧号从 1 开始，以逗号分隔。", "Numbers from 1, with commas."),
    PROBLEM("frame_missing", "没有这一帧。", "The object has fewer frames.", "", ""),
    PROBLEM_AS(404, "pixel_data_missing", "此对象不含图像。", "The object holds no picture.", "", ""),
    PROBLEM_AS(404, "waveform_missing", "此对象不含波形。", "The object holds no waveform.", "", ""),
    PROBLEM_AS(406, "syntax_unsupported", "此编码无法解码，只能按原样读取。", "No codec of ours reads this transfer syntax; it is given as stored.", "", "Ask with transfer-syntax=*."),
    PROBLEM_AS(406, "frames_unreadable", "图像帧无法区分，只能读取整个对象。", "The frames of this object cannot be told apart; the whole object is there.", "", "Retrieve the instance."),
    PROBLEM_AS(422, "codec_failed", "图像数据已损坏，无法解码。", "The picture's own data are damaged.", "请重新采集或重新上传。", "Send the object again."),
    PROBLEM_AS(422, "truncated", "对象不完整。", "The object ends too early.", "请重新上传。", "Send the object again."),
    PROBLEM_AS(422, "corrupt", "对象内容自相矛盾。", "The object contradicts itself.", "请重新上传。", "Send the object again."),
    PROBLEM_AS(422, "pixel_format", "像素格式不符合标准。", "The pixel format is none of the standard's.", "", ""),
    PROBLEM_AS(422, "decoder_died", "解码此对象时出错。", "A decoder died of this object.", "对象已保留。", "The object itself is kept."),
    PROBLEM_AS(422, "decoder_slow", "解码此对象耗时过长。", "A decoder took too long with this object.", "对象已保留。", "The object itself is kept."),
    PROBLEM("decoder_busy", "解码任务过多。", "Too many pictures are asked for at once.", "请稍后再试。", "Send the same request again."),
    PROBLEM("decoder_missing", "解码服务暂时不可用。", "No decoder could be started.", "请稍后再试。", "Send the same request again."),
    PROBLEM("multipart_malformed", "上传内容不是有效的 multipart。", "The upload is not a multipart body.", "", "multipart/related; type=\"application/dicom\"; boundary=…"),
    PROBLEM("multipart_truncated", "上传内容不完整。", "The upload ends in the middle of a part; nothing was stored.", "请重新上传。", "Send it again."),
};
/* clang-format on */

const struct problem_book WEB_PROBLEMS = {TEXTS, sizeof TEXTS / sizeof *TEXTS, NULL};
