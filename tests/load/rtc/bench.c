/* bench.c - yz-bench-media: what one worker costs. One publisher, N receivers, 1 Mbit/s of VP8-like video in frames of four
 * packets and Opus at 50 packets a second; one JSON object per case on stdout.
 *
 *   yz-bench-media --mediad=build/release/bin/yz-mediad [--seconds=10] [--cases=1,10,40] [--idle=200]
 *
 * cpu_us_per_packet  the worker's run time (/proc/PID/schedstat) over the packets receivers got
 * latency_ms         from the publisher's send call to the receiver's read, this program's own scheduling included
 * rss_kb_per_idle_peer  growth of the worker's resident memory over N connected peers without media
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "tests/load/rtc/medialink.h"
#include "tests/load/rtc/rtcpeer.h"

#define FRAME_US          33333
#define PACKETS_PER_FRAME 4
#define VIDEO_BYTES       1100
#define AUDIO_US          20000
#define AUDIO_BYTES       80
#define RIGHTS            (MEDIA_RIGHT_SUBSCRIBE | MEDIA_RIGHT_AUDIO | MEDIA_RIGHT_VIDEO)

struct bench {
    struct loop *loop;
    struct medialink *link;
    struct rtcpeer *publisher, **receivers;
    unsigned receiver_count;
    int64_t sent, got; /* packets sent between from_us and until_us, and how many of those came */
    int64_t from_us, until_us;
    int64_t *latency_us;
    size_t latency_count, latency_cap;
    uint32_t audio_ts, video_ts;
    uint16_t picture;
    int64_t next_audio_us, next_frame_us;
    bool key; /* the next frame is one */
};

struct cost {
    int64_t run_ns;
    long user_ticks, sys_ticks;
};

/* ---- the worker's figures ---- */

static FILE *proc(pid_t pid, const char *what)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
    return fopen(path, "r");
}

static struct cost cost_now(pid_t pid)
{
    struct cost c = {0};
    FILE *f = proc(pid, "schedstat");

    if (f) {
        if (fscanf(f, "%" SCNd64, &c.run_ns) != 1)
            c.run_ns = 0;
        fclose(f);
    }
    f = proc(pid, "stat");
    if (f) {
        if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &c.user_ticks,
                   &c.sys_ticks) != 2)
            c.user_ticks = 0;
        fclose(f);
    }
    return c;
}

static long rss_kb(pid_t pid)
{
    FILE *f = proc(pid, "smaps_rollup");
    char line[128];
    long kb = -1;

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "Rss: %ld", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb;
}

/* ---- load ---- */

static bool counts(const struct bench *b, int64_t sent_us)
{
    return sent_us >= b->from_us && sent_us < b->until_us;
}

static void on_rtp(void *arg, struct rtcpeer *p, struct rtc_line *line, const struct rtp *r, bool repaired)
{
    struct bench *b = arg;
    const uint8_t *payload = rtp_payload(r);
    size_t at = line && line->kind == SDP_VIDEO ? 7 : 0;
    int64_t sent;

    (void)p;
    (void)repaired;
    if (rtp_payload_len(r) < at + sizeof(sent))
        return;
    memcpy(&sent, payload + at, sizeof(sent));
    if (!counts(b, sent))
        return;
    b->got++;
    if (b->latency_count < b->latency_cap)
        b->latency_us[b->latency_count++] = clock_mono_us() - sent;
}

static void on_rtcp(void *arg, struct rtcpeer *p, const struct rtcp *r)
{
    struct bench *b = arg;
    uint32_t ssrc;

    if (p == b->publisher && rtcp_read_pli(r, &ssrc))
        b->key = true;
}

static void send_frame(struct bench *b)
{
    uint8_t payload[VIDEO_BYTES] = {0};
    int64_t now;

    b->video_ts += 3000;
    b->picture++;
    for (int i = 0; i < PACKETS_PER_FRAME; i++) {
        payload[0] = i ? 0x80 : 0x90;
        payload[1] = 0xe0;
        put_be16(payload + 2, (uint16_t)(0x8000 | (b->picture & 0x7fff)));
        payload[4] = (uint8_t)b->picture;
        payload[6] = b->key && i == 0 ? 0x10 : 0x11;
        now = clock_mono_us();
        memcpy(payload + 7, &now, sizeof(now));
        b->sent += counts(b, now);
        rtcpeer_send(b->publisher, rtcpeer_sender(b->publisher, SDP_VIDEO, 0),
                     &(struct rtc_packet){.ts = b->video_ts, .marker = i == PACKETS_PER_FRAME - 1}, payload,
                     sizeof(payload));
    }
    b->key = false;
}

static void send_audio(struct bench *b)
{
    uint8_t payload[AUDIO_BYTES] = {0};
    int64_t now = clock_mono_us();

    b->audio_ts += 960;
    memcpy(payload, &now, sizeof(now));
    rtcpeer_send(b->publisher, rtcpeer_sender(b->publisher, SDP_AUDIO, 0),
                 &(struct rtc_packet){.ts = b->audio_ts, .level = 30}, payload, sizeof(payload));
    b->sent += counts(b, now);
}

static void on_millisecond(void *arg)
{
    struct bench *b = arg;
    int64_t now = clock_mono_us();

    if (!b->publisher || !rtcpeer_connected(b->publisher))
        return;
    if (now >= b->next_audio_us) {
        send_audio(b);
        b->next_audio_us = now - b->next_audio_us > 100000 ? now + AUDIO_US : b->next_audio_us + AUDIO_US;
    }
    if (now >= b->next_frame_us) {
        send_frame(b);
        b->next_frame_us = now - b->next_frame_us > 100000 ? now + FRAME_US : b->next_frame_us + FRAME_US;
    }
}

/* ---- joining ---- */

static bool join(struct bench *b, struct rtcpeer *p, const char *room, struct err *err)
{
    char *offer = rtcpeer_offer(p), *answer = NULL;
    struct medialink_offer o = {
        .room = room, .peer = rtcpeer_name(p), .sdp = offer, .epoch = 1, .rights = RIGHTS};
    bool ok = medialink_offer(b->link, &o, &answer, NULL, err) && rtcpeer_answer(p, answer, err);

    free(offer);
    free(answer);
    return ok;
}

static struct rtcpeer *peer(struct bench *b, char *name, bool publishes)
{
    return rtcpeer_new(b->loop,
                       &(struct rtcpeer_config){.name = name,
                                                .send_audio = publishes,
                                                .send_video = publishes,
                                                .recv_audio = !publishes,
                                                .recv_video = !publishes,
                                                .ev = {.on_rtp = on_rtp, .on_rtcp = on_rtcp, .arg = b}});
}

static bool all_connected(const struct bench *b)
{
    for (unsigned i = 0; i < b->receiver_count; i++)
        if (!rtcpeer_connected(b->receivers[i]))
            return false;
    return !b->publisher || rtcpeer_connected(b->publisher);
}

static bool wait_connected(struct bench *b, struct err *err)
{
    int64_t deadline = clock_mono_us() + 30000000;

    while (!all_connected(b) && clock_mono_us() < deadline)
        loop_turn(b->loop, 20);
    return all_connected(b) ||
           err_set(err, ERR_UNKNOWN, "not_connected", "a peer did not connect within 30 s");
}

static void pass(struct bench *b, int64_t us)
{
    int64_t until = clock_mono_us() + us;

    while (clock_mono_us() < until)
        loop_turn(b->loop, 5);
}

static bool add_receivers(struct bench *b, unsigned n, const char *room, struct err *err)
{
    b->receivers = mem_new(n * sizeof(*b->receivers));
    for (unsigned i = 0; i < n; i++) {
        b->receivers[i] = peer(b, mem_format("r%u", i), false);
        b->receiver_count++;
        if (!join(b, b->receivers[i], room, err))
            return false;
    }
    return true;
}

static void drop_peers(struct bench *b)
{
    for (unsigned i = 0; i < b->receiver_count; i++) {
        char *name = (char *)(uintptr_t)rtcpeer_name(b->receivers[i]);

        rtcpeer_free(b->receivers[i]);
        free(name);
    }
    free(b->receivers);
    rtcpeer_free(b->publisher);
    b->receivers = NULL;
    b->receiver_count = 0;
    b->publisher = NULL;
}

/* ---- figures ---- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static double percentile_ms(int64_t *v, size_t n, double p)
{
    size_t i = (size_t)((double)n * p / 100);

    return n ? (double)v[i < n ? i : n - 1] / 1000.0 : 0;
}

static void print_case(struct bench *b, unsigned n, int64_t wall_us, const struct cost *before,
                       const struct cost *after)
{
    int64_t wanted = b->sent * n;
    int64_t join_us[1024];
    size_t joins = 0;
    double cpu_us = (double)(after->run_ns - before->run_ns) / 1000.0;
    double user = (double)(after->user_ticks - before->user_ticks),
           sys = (double)(after->sys_ticks - before->sys_ticks);

    for (unsigned i = 0; i < n && i < 1024; i++)
        join_us[joins++] = rtcpeer_connected_us(b->receivers[i]) - rtcpeer_started_us(b->receivers[i]);
    qsort(join_us, joins, sizeof(*join_us), compare);
    qsort(b->latency_us, b->latency_count, sizeof(*b->latency_us), compare);
    printf("{\"bench\":\"media\",\"case\":\"1->%u\",\"seconds\":%.1f,\"forwarded\":%" PRId64
           ",\"packets_per_s\":%.0f,"
           "\"cpu_us_per_packet\":%.2f,\"cpu_share\":%.4f,\"user_share\":%.2f,"
           "\"latency_ms\":{\"p50\":%.2f,\"p99\":%.2f},\"loss\":%.5f,\"connect_ms\":{\"p50\":%.1f,\"p95\":%."
           "1f}}\n",
           n, (double)wall_us / 1e6, b->got, (double)b->got * 1e6 / (double)wall_us,
           b->got ? cpu_us / (double)b->got : 0, cpu_us / (double)wall_us,
           user + sys > 0 ? user / (user + sys) : 0, percentile_ms(b->latency_us, b->latency_count, 50),
           percentile_ms(b->latency_us, b->latency_count, 99),
           wanted ? 1.0 - (double)b->got / (double)wanted : 0, percentile_ms(join_us, joins, 50),
           percentile_ms(join_us, joins, 95));
    fflush(stdout);
}

static bool run_case(struct bench *b, unsigned n, int seconds, struct err *err)
{
    struct cost before, after;
    char room[32];
    bool ok = false;

    snprintf(room, sizeof(room), "bench%u", n);
    if (!medialink_room_open(b->link, room, 1, NULL, err))
        return false;
    b->publisher = peer(b, (char *)(uintptr_t) "publisher", true);
    b->key = true;
    if (!join(b, b->publisher, room, err) || !add_receivers(b, n, room, err) || !wait_connected(b, err))
        goto out;
    pass(b, 2000000); /* key frames have come, caches are warm */
    b->latency_cap = (size_t)n * (size_t)seconds * 200;
    b->latency_us = mem_new(b->latency_cap * sizeof(*b->latency_us));
    b->latency_count = 0;
    b->got = b->sent = 0;
    before = cost_now(medialink_pid(b->link));
    b->from_us = clock_mono_us();
    b->until_us = b->from_us + (int64_t)seconds * 1000000;
    pass(b, (int64_t)seconds * 1000000);
    after = cost_now(medialink_pid(b->link));
    pass(b, 200000); /* the last ones are still on their way */
    print_case(b, n, (int64_t)seconds * 1000000, &before, &after);
    b->until_us = 0;
    free(b->latency_us);
    b->latency_us = NULL;
    ok = medialink_room_close(b->link, room, 1, err);
out:
    drop_peers(b);
    return ok;
}

static bool run_idle(struct bench *b, unsigned n, struct err *err)
{
    long before = rss_kb(medialink_pid(b->link)), after;
    struct cost c0 = cost_now(medialink_pid(b->link)), c1;
    bool ok;

    ok = medialink_room_open(b->link, "idle", 1, NULL, err) && add_receivers(b, n, "idle", err) &&
         wait_connected(b, err);
    c1 = cost_now(medialink_pid(b->link));
    if (ok) {
        pass(b, 1000000);
        after = rss_kb(medialink_pid(b->link));
        printf("{\"bench\":\"media\",\"case\":\"idle\",\"peers\":%u,\"rss_kb\":%ld,\"rss_kb_per_idle_peer\":%"
               ".1f,"
               "\"cpu_ms_per_join\":%.2f}\n",
               n, after, (double)(after - before) / n, (double)(c1.run_ns - c0.run_ns) / 1e6 / n);
        fflush(stdout);
        ok = medialink_room_close(b->link, "idle", 1, err);
    }
    drop_peers(b);
    return ok;
}

/* ---- program ---- */

struct options {
    const char *mediad, *cases;
    int seconds;
    unsigned idle;
};

static bool read_option(struct options *o, const char *arg)
{
    if (strncmp(arg, "--mediad=", 9) == 0)
        o->mediad = arg + 9;
    else if (strncmp(arg, "--cases=", 8) == 0)
        o->cases = arg + 8;
    else if (strncmp(arg, "--seconds=", 10) == 0)
        o->seconds = atoi(arg + 10);
    else if (strncmp(arg, "--idle=", 7) == 0)
        o->idle = (unsigned)atoi(arg + 7);
    else
        return false;
    return true;
}

static bool run(struct bench *b, const struct options *o, const char *data, struct err *err)
{
    static const char *const QUIET[] = {"--log.level=warn", NULL};
    const char *at = o->cases;
    struct loop_timer *beat;
    bool ok = loop_new(&b->loop, err) && medialink_start(&b->link, b->loop, o->mediad, data, QUIET, err);

    if (!ok)
        return false;
    beat = loop_timer(b->loop, 1000, 1000, on_millisecond, b);
    if (o->idle)
        ok = run_idle(b, o->idle, err);
    while (ok && *at) {
        char *end;
        unsigned n = (unsigned)strtoul(at, &end, 10);

        ok = n > 0 && n <= 1000 ? run_case(b, n, o->seconds, err)
                                : err_set(err, ERR_INVALID, "case", "cases: %s", at);
        at = end + (*end == ',');
    }
    loop_untimer(beat);
    return ok;
}

int main(int argc, char **argv)
{
    struct options o = {.mediad = YZ_MEDIAD, .cases = "1,10,40", .seconds = 10, .idle = 200};
    char data[] = "/tmp/yz-bench-media.XXXXXX";
    struct err err = ERR_INIT;
    struct bench b = {0};
    bool ok;

    log_init("bench-media", LOG_WARN);
    for (int i = 1; i < argc; i++)
        if (!read_option(&o, argv[i])) {
            fprintf(stderr, "usage: %s [--mediad=PROGRAM] [--cases=1,10,40] [--seconds=10] [--idle=200]\n",
                    argv[0]);
            return 2;
        }
    ok = mkdtemp(data) != NULL && run(&b, &o, data, &err);
    if (!ok)
        fprintf(stderr, "bench: %s\n", err.text);
    medialink_free(b.link);
    loop_free(b.loop);
    for (size_t i = 0; i < 3; i++) { /* what the worker left there */
        static const char *const LEFT[] = {"run/mediad-0.sock", "run/mediad-0.metrics.sock", "run"};
        char *path = mem_format("%s/%s", data, LEFT[i]);

        remove(path);
        free(path);
    }
    rmdir(data);
    return ok ? 0 : 1;
}
