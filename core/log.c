#include "core/log.h"
#include "core/clock.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One write(2) of at most PIPE_BUF bytes is atomic on a pipe, so lines of several processes never mix. */
#define LINE_MAX_BYTES 4096
#define TAIL_BYTES     24 /* room kept for `,"cut":true}` and the newline */

struct line {
    char buf[LINE_MAX_BYTES];
    size_t len;
    bool cut;
};

static const char *const LEVELS[] = {"debug", "info", "warn", "error"};
static char daemon_name[32] = "yunzhen";
static enum log_level level_min = LOG_INFO;
static _Thread_local char request[64];

void log_init(const char *daemon, enum log_level min)
{
    snprintf(daemon_name, sizeof daemon_name, "%s", daemon);
    level_min = min;
}

bool log_level_parse(const char *text, enum log_level *out)
{
    for (size_t i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++) {
        if (strcmp(text, LEVELS[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_request(const char *request_id)
{
    snprintf(request, sizeof request, "%s", request_id ? request_id : "");
}

static bool fits(const struct line *l, size_t n)
{
    return l->len + n + TAIL_BYTES < sizeof l->buf;
}

static void put(struct line *l, const char *s, size_t n)
{
    if (l->cut || !fits(l, n)) {
        l->cut = true;
        return;
    }
    memcpy(l->buf + l->len, s, n);
    l->len += n;
}

static void put_text(struct line *l, const char *s)
{
    put(l, s, strlen(s));
}

/* Length of the well-formed UTF-8 sequence at s, 0 when it is none. A log line is read by programs that stop
 * at the first bad byte, and what we print may come from outside. */
static size_t utf8(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : 0;

    if (s[0] >= 0xF0 && s[0] < 0xF5)
        n = 4;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
        (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

static void put_string(struct line *l, const char *s)
{
    const unsigned char *p = (const unsigned char *)(s ? s : "");

    put(l, "\"", 1);
    while (*p && !l->cut) {
        char esc[8] = "\\ufffd"; /* what stands for bytes that are not UTF-8 */
        size_t n = utf8(p);

        if (n && (*p == '"' || *p == '\\'))
            snprintf(esc, sizeof esc, "\\%c", *p);
        else if (n && (*p < 0x20 || *p == 0x7F))
            snprintf(esc, sizeof esc, "\\u%04x", *p);
        else if (n)
            snprintf(esc, sizeof esc, "%.*s", (int)n, (const char *)p);
        put_text(l, esc);
        p += n ? n : 1;
    }
    /* TAIL_BYTES keeps room for this quote, so a value that was cut still ends well. */
    l->buf[l->len++] = '"';
}

static void put_pair(struct line *l, const char *name, const char *value)
{
    put_text(l, ",\"");
    put_text(l, name);
    put_text(l, "\":");
    put_string(l, value);
}

static void put_field(struct line *l, const struct log_field *f)
{
    char text[48] = "null";

    if (l->cut || !fits(l, strlen(f->name) + sizeof text)) {
        l->cut = true;
        return;
    }
    if (f->kind == LOG_K_STR) {
        put_pair(l, f->name, f->v.s);
        return;
    }
    if (f->kind == LOG_K_F64 && isfinite(f->v.f))
        snprintf(text, sizeof text, "%.9g", f->v.f);
    else if (f->kind == LOG_K_BOOL)
        snprintf(text, sizeof text, "%s", f->v.i ? "true" : "false");
    else if (f->kind == LOG_K_ID)
        snprintf(text, sizeof text, "\"%" PRId64 "\"", f->v.i);
    else if (f->kind == LOG_K_INT)
        snprintf(text, sizeof text, "%" PRId64, f->v.i);
    put_text(l, ",\"");
    put_text(l, f->name);
    put_text(l, "\":");
    put_text(l, text);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    struct line l = {.len = 0, .cut = false};
    char now[CLOCK_TEXT];

    if (level < level_min)
        return;
    clock_format_utc(clock_now_us(), now);
    put_text(&l, "{\"ts\":\"");
    put_text(&l, now);
    put_text(&l, "\"");
    put_pair(&l, "level", LEVELS[level]);
    put_pair(&l, "room", daemon_name);
    put_pair(&l, "event", event);
    if (request[0])
        put_pair(&l, "request_id", request);
    for (const struct log_field *f = fields; f && f->kind != LOG_K_END; f++)
        put_field(&l, f);
    l.len += (size_t)snprintf(l.buf + l.len, TAIL_BYTES, "%s}\n", l.cut ? ",\"cut\":true" : "");
    /* A log that cannot be written must not stop the daemon. */
    ssize_t ignored = write(STDERR_FILENO, l.buf, l.len);
    (void)ignored;
}
