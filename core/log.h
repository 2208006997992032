/* log.h - one JSON object per line on stderr, for machines first and people second.
 *
 * {"ts":"2026-11-21T07:00:00.123456Z","level":"info","room":"scheduling","event":"claim_won","request_id":"…","order":"88"}
 *
 * Runs on any thread (one write(2) per line). Never put names, phones, ID numbers, notes or tokens in a
 * field.
 */
#pragma once
#include <stdint.h>
#include "core/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_kind { LOG_K_END, LOG_K_STR, LOG_K_INT, LOG_K_BOOL, LOG_K_ID, LOG_K_F64 };
struct log_field {
    const char *name;
    enum log_kind kind;
    union {
        const char *s;
        int64_t i;
        double f;
    } v;
};
#define LS(n, val)  ((struct log_field){(n), LOG_K_STR, {.s = (val)}})
#define LI(n, val)  ((struct log_field){(n), LOG_K_INT, {.i = (int64_t)(val)}})
#define LB(n, val)  ((struct log_field){(n), LOG_K_BOOL, {.i = (val) ? 1 : 0}})
#define LID(n, val) ((struct log_field){(n), LOG_K_ID, {.i = (int64_t)(val)}}) /* printed as a string */
#define LF(n, val)  ((struct log_field){(n), LOG_K_F64, {.f = (val)}})
#define LERR(e)     ((struct log_field){"error", LOG_K_STR, {.s = (e)->text}})

/** Once at start: the daemon's name goes into every line; lines below min are dropped. */
void log_init(const char *daemon, enum log_level min);
bool log_level_parse(const char *text, enum log_level *out);
void log_write(enum log_level level, const char *event, const struct log_field *fields);
/** Request id printed in every line of this thread until cleared with NULL (copied, at most 63 bytes). */
void log_request(const char *request_id);

#define LOG_(lv, ev, ...)  log_write((lv), (ev), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_debug(ev, ...) LOG_(LOG_DEBUG, ev __VA_OPT__(, ) __VA_ARGS__)
#define log_info(ev, ...)  LOG_(LOG_INFO, ev __VA_OPT__(, ) __VA_ARGS__)
#define log_warn(ev, ...)  LOG_(LOG_WARN, ev __VA_OPT__(, ) __VA_ARGS__)
#define log_error(ev, ...) LOG_(LOG_ERROR, ev __VA_OPT__(, ) __VA_ARGS__)
