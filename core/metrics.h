/* metrics.h - counters declared with their explanation, served as Prometheus text.
 * A counter is a plain int64 owned by one loop; another thread sends a message instead of counting.
 *
 *   static struct metric PACKETS_IN = METRIC_COUNTER("yz_media_packets_in_total", "RTP packets accepted.");
 *   metrics_add(&PACKETS_IN); … PACKETS_IN.value++;
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

enum metric_kind { METRIC_K_COUNTER, METRIC_K_GAUGE, METRIC_K_HISTOGRAM };
#define METRIC_BUCKETS 14
struct metric {
    const char *name, *help;
    enum metric_kind kind;
    int64_t value;         /* counter, gauge */
    const int64_t *bounds; /* histogram: upper bounds in the unit the name says, ends with 0 */
    int64_t bucket[METRIC_BUCKETS + 1], sum, count;
    const char *label, *label_value; /* at most one pair, or NULL */
    struct metric *next;
};
/* clang-format off */
#define METRIC_COUNTER(n, h) {.name = (n), .help = (h), .kind = METRIC_K_COUNTER}
#define METRIC_GAUGE(n, h) {.name = (n), .help = (h), .kind = METRIC_K_GAUGE}
#define METRIC_HISTOGRAM(n, h, b) {.name = (n), .help = (h), .kind = METRIC_K_HISTOGRAM, .bounds = (b)}
/* clang-format on */
extern const int64_t METRIC_BOUNDS_US[]; /* 50 µs … 5 s, for latencies named *_us */

void metrics_add(struct metric *m); /* register once; static storage */
void metric_observe(struct metric *m, int64_t value);
/** Whole exposition text, freed by the caller with free(). Includes process CPU, RSS and open fds. */
char *metrics_text(size_t *len);

struct loop;
/** Answer `GET /metrics` (HTTP/1.0, any path) on a unix socket; nginx maps it to /metrics/NAME. Ends with the
 * loop. */
bool metrics_serve(struct loop *loop, const char *socket_path, struct err *err);
