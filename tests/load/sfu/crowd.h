/* crowd.h - one publisher and its viewers on one server, and what the server spends on them.
 *
 * The publisher sends VP8 of 30 pictures a second in four packets each (1 Mbit/s) and Opus every 20 ms; every packet carries
 * the time it was sent. A viewer counts what arrives. CPU is the server's user and system time from /proc, so what the
 * machine does besides matters little; latency contains the time until this program gets to read.
 */
#pragma once
#include "tests/load/sfu/server.h"

#define CROWD_LATENCIES (1 << 17)

struct crowd_figures {
    double cpu_us_per_packet, cpu_percent, user_share;
    double packets_per_s, loss_percent;
    int64_t latency_p50_us, latency_p95_us, latency_p99_us;
    int64_t join_p50_us, join_p95_us; /* from the offer to DTLS done */
    double rss_kb_per_peer, rss_mb;
    long threads;
    const char *suite;
};

/** ERR_*: a peer did not connect, or nothing arrived. idle: nobody sends; only joining and memory are measured. */
bool crowd_measure(struct crowd_figures *out, const struct server_kind *kind, unsigned viewers,
                   int64_t seconds, bool idle, struct err *err);
