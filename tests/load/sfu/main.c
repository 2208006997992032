/* main.c - yz-sfu-load: our media worker and Janus, side by side in the same run.
 *
 *   yz-sfu-load [--program=build/release/bin/yz-mediad] [--viewers=1,10,40] [--rounds=3] [--seconds=8] [--idle=100]
 *
 * Rounds are interleaved, so that what else the machine does falls on both; figures are medians of the rounds, and min and max
 * of the one that matters. One JSON line a case and server, one with the ratio. Without Janus ours is measured alone.
 * Exit status 1: a peer did not connect, or ours lost more than 1 % on loopback.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/log.h"
#include "tests/load/sfu/crowd.h"

#define CASES_MAX  8
#define ROUNDS_MAX 20
#define LOSS_MAX   1.0

struct options {
    unsigned viewers[CASES_MAX], cases, rounds, idle;
    int64_t seconds;
};

static const struct server_kind *const KINDS[] = {&SERVER_YUNZHEN, &SERVER_JANUS};
static struct crowd_figures figures[CASES_MAX + 1][2][ROUNDS_MAX];
static bool failed;

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* part 0: least, 0.5: median, 1: most. field: offset of a double in crowd_figures. */
static double over(const struct crowd_figures *rounds, unsigned n, size_t field, double part)
{
    double values[ROUNDS_MAX];

    for (unsigned i = 0; i < n; i++)
        memcpy(&values[i], (const char *)&rounds[i] + field, sizeof values[i]);
    qsort(values, n, sizeof values[0], rising);
    return values[(size_t)(part * (n - 1) + 0.5)];
}

static double middle_us(const struct crowd_figures *rounds, unsigned n, size_t field)
{
    double values[ROUNDS_MAX];

    for (unsigned i = 0; i < n; i++) {
        int64_t v;
        memcpy(&v, (const char *)&rounds[i] + field, sizeof v);
        values[i] = (double)v;
    }
    qsort(values, n, sizeof values[0], rising);
    return values[(n - 1) / 2];
}

#define F(name) offsetof(struct crowd_figures, name)
#define MID(f)  over(r, n, F(f), 0.5)
#define MS(f)   (middle_us(r, n, F(f)) / 1000)

static void print_flow(const struct server_kind *kind, unsigned viewers, const struct crowd_figures *r,
                       unsigned n)
{
    printf(
        "{\"bench\":\"media\",\"case\":\"1 to "
        "%u\",\"server\":\"%s\",\"rounds\":%u,\"cpu_us_per_forwarded_packet\":%.2f,"
        "\"cpu_us_min\":%.2f,\"cpu_us_max\":%.2f,\"cpu_percent_of_a_core\":%.1f,\"user_share\":%.2f,"
        "\"forwarded_per_s\":%.0f,\"loss_percent\":%.3f,\"latency_ms_p50\":%.2f,\"latency_ms_p95\":%.2f,"
        "\"latency_ms_p99\":%.2f,\"join_ms_p50\":%.1f,\"join_ms_p95\":%.1f,\"threads\":%ld,\"rss_mb\":%.1f,"
        "\"srtp\":\"%s\"}\n",
        viewers, kind->name, n, MID(cpu_us_per_packet), over(r, n, F(cpu_us_per_packet), 0),
        over(r, n, F(cpu_us_per_packet), 1), MID(cpu_percent), MID(user_share), MID(packets_per_s),
        MID(loss_percent), MS(latency_p50_us), MS(latency_p95_us), MS(latency_p99_us), MS(join_p50_us),
        MS(join_p95_us), r[0].threads, MID(rss_mb), r[0].suite);
    fflush(stdout);
}

static void print_idle(const struct server_kind *kind, unsigned viewers, const struct crowd_figures *r)
{
    unsigned n = 1;

    printf("{\"bench\":\"media\",\"case\":\"%u idle "
           "viewers\",\"server\":\"%s\",\"rss_kb_per_peer\":%.1f,\"rss_mb\":%.1f,"
           "\"threads\":%ld,\"join_ms_p50\":%.1f,\"join_ms_p95\":%.1f}\n",
           viewers, kind->name, r->rss_kb_per_peer, r->rss_mb, r->threads, MS(join_p50_us), MS(join_p95_us));
    fflush(stdout);
}

static void print_ratio(const char *name, double ours, double theirs)
{
    printf("{\"bench\":\"media\",\"case\":\"%s\",\"server\":\"janus / yunzhen\",\"ratio\":%.2f}\n", name,
           ours > 0 ? theirs / ours : 0);
    fflush(stdout);
}

static void one(struct crowd_figures *out, const struct server_kind *kind, unsigned viewers,
                const struct options *o, bool idle)
{
    struct err err = ERR_INIT;

    fprintf(stderr, "%s: 1 to %u%s\n", kind->name, viewers, idle ? ", idle" : "");
    if (crowd_measure(out, kind, viewers, o->seconds, idle, &err))
        return;
    fprintf(stderr, "%s: %s\n", kind->name, err.text);
    failed = true;
}

static int measure(const struct options *o, unsigned kinds)
{
    for (unsigned round = 0; round < o->rounds; round++)
        for (unsigned c = 0; c < o->cases; c++)
            for (unsigned k = 0; k < kinds; k++)
                one(&figures[c][k][round], KINDS[k], o->viewers[c], o, false);
    for (unsigned c = 0; c < o->cases; c++) {
        char name[32];
        for (unsigned k = 0; k < kinds; k++)
            print_flow(KINDS[k], o->viewers[c], figures[c][k], o->rounds);
        snprintf(name, sizeof name, "1 to %u", o->viewers[c]);
        if (kinds == 2)
            print_ratio(name, over(figures[c][0], o->rounds, F(cpu_us_per_packet), 0.5),
                        over(figures[c][1], o->rounds, F(cpu_us_per_packet), 0.5));
        if (over(figures[c][0], o->rounds, F(loss_percent), 0.5) > LOSS_MAX)
            failed = true;
    }
    for (unsigned k = 0; o->idle && k < kinds; k++) {
        one(&figures[o->cases][k][0], KINDS[k], o->idle, o, true);
        print_idle(KINDS[k], o->idle, &figures[o->cases][k][0]);
    }
    return failed ? 1 : 0;
}

static bool read_cases(struct options *o, const char *text)
{
    for (o->cases = 0; *text && o->cases < CASES_MAX;) {
        char *end;
        unsigned long n = strtoul(text, &end, 10);
        if (end == text || n < 1 || n > 500 || (*end && *end != ','))
            return false;
        o->viewers[o->cases++] = (unsigned)n;
        text = *end ? end + 1 : end;
    }
    return o->cases > 0 && !*text;
}

int main(int argc, char **argv)
{
    struct options o = {.viewers = {1, 10, 40}, .cases = 3, .rounds = 3, .seconds = 8, .idle = 100};
    static const struct option OPTIONS[] = {{"program", 1, 0, 'p'}, {"viewers", 1, 0, 'v'},
                                            {"rounds", 1, 0, 'r'},  {"seconds", 1, 0, 's'},
                                            {"idle", 1, 0, 'i'},    {0}};
    bool ok = true;

    for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;)
        switch (c) {
        case 'p':
            server_yunzhen_program(optarg);
            break;
        case 'v':
            ok = ok && read_cases(&o, optarg);
            break;
        case 'r':
            o.rounds = (unsigned)atoi(optarg);
            break;
        case 's':
            o.seconds = atoi(optarg);
            break;
        case 'i':
            o.idle = (unsigned)atoi(optarg);
            break;
        default:
            ok = false;
        }
    if (!ok || o.rounds < 1 || o.rounds > ROUNDS_MAX || o.seconds < 1 || o.idle > 500) {
        fprintf(stderr,
                "yz-sfu-load [--program=PATH] [--viewers=1,10,40] [--rounds=3] [--seconds=8] [--idle=100]\n");
        return 2;
    }
    log_init("yz-sfu-load", LOG_WARN);
    if (server_janus_missing())
        fprintf(stderr, "%s: ours is measured alone\n", server_janus_missing());
    return measure(&o, server_janus_missing() ? 1 : 2);
}
