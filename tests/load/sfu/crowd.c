#include "tests/load/sfu/crowd.h"
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"

#define FRAME_US       33333
#define FRAME_PACKETS  4
#define VIDEO_BYTES    1030
#define AUDIO_US       20000
#define AUDIO_BYTES    100
#define KEYFRAME_EVERY 90
#define WARM_US        (2 * US_PER_S)
#define CONNECT_US     (20 * US_PER_S)
#define PROFILES       "SRTP_AEAD_AES_128_GCM" /* the same cipher for both; browsers offer it too */
#define DOOR           10                      /* viewers that join at the same time */
#define STAMP          8                       /* bytes of every payload before the time it was sent */

struct crowd {
    struct loop *loop;
    const struct server_kind *kind;
    struct server *server;
    struct rtcpeer *publisher;
    struct rtcpeer **viewers;
    unsigned viewers_len;
    struct loop_timer *video, *audio;
    uint32_t frames, sounds;
    bool want_key, counting;
    uint64_t sent, received;
    int64_t began_us;
    int64_t *latency; /* a sample of them */
    size_t latency_len;
};

/* --- what is sent ----------------------------------------------------------------------------------------- */

static void stamp(uint8_t *payload)
{
    int64_t now = clock_mono_us();

    memcpy(payload + STAMP, &now, sizeof now);
}

/* RFC 7741: a descriptor with a 15-bit picture id; the payload header's lowest bit is 0 in a key frame, whose start code and
 * size (640 x 360) follow. The stamp stands behind those. */
static void send_frame(void *arg)
{
    struct crowd *c = arg;
    bool key = c->want_key || c->frames % KEYFRAME_EVERY == 0;
    struct rtc_line *line = rtcpeer_sender(c->publisher, SDP_VIDEO, 0);
    static const uint8_t KEY[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};

    for (int i = 0; i < FRAME_PACKETS; i++) {
        uint8_t p[VIDEO_BYTES] = {0};
        p[0] = i == 0 ? 0x90 : 0x80;
        p[1] = 0x80;
        p[2] = (uint8_t)(0x80 | ((c->frames >> 8) & 0x7F));
        p[3] = (uint8_t)c->frames;
        stamp(p + 8);
        if (i == 0 && key)
            memcpy(p + 4, KEY, sizeof KEY);
        else
            p[4] = 0x11;
        rtcpeer_send(c->publisher, line,
                     &(struct rtc_packet){.ts = c->frames * 3000, .marker = i == FRAME_PACKETS - 1}, p,
                     sizeof p);
    }
    c->want_key = false;
    c->frames++;
    if (c->counting)
        c->sent += FRAME_PACKETS;
}

static void send_sound(void *arg)
{
    struct crowd *c = arg;
    uint8_t p[AUDIO_BYTES] = {0x78};

    stamp(p + 8);
    rtcpeer_send(c->publisher, rtcpeer_sender(c->publisher, SDP_AUDIO, 0),
                 &(struct rtc_packet){.ts = c->sounds * 960, .level = 30}, p, sizeof p);
    c->sounds++;
    if (c->counting)
        c->sent++;
}

static void on_publisher_rtcp(void *arg, struct rtcpeer *p, const struct rtcp *r)
{
    struct crowd *c = arg;
    uint32_t ssrc;

    (void)p;
    if (rtcp_read_pli(r, &ssrc))
        c->want_key = true;
}

/* --- what arrives ----------------------------------------------------------------------------------------- */

static void on_rtp(void *arg, struct rtcpeer *p, struct rtc_line *line, const struct rtp *r, bool repaired)
{
    struct crowd *c = arg;
    int64_t sent;

    (void)p;
    (void)line;
    if (!c->counting || repaired || rtp_payload_len(r) < 8 + STAMP + sizeof sent)
        return;
    memcpy(&sent, rtp_payload(r) + 8 + STAMP, sizeof sent);
    if (sent < c->began_us)
        return;
    c->received++;
    if (c->latency_len < CROWD_LATENCIES)
        c->latency[c->latency_len++] = clock_mono_us() - sent;
}

/* --- the server's process --------------------------------------------------------------------------------- */

struct usage {
    unsigned long user, sys; /* ticks */
    long threads, rss_pages;
};

static struct usage usage_of(pid_t pid)
{
    struct usage u = {0};
    char path[64], text[1024];

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    char *at = strrchr(text, ')');
    if (at)
        sscanf(at + 2,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %ld %*d %*u %*u %ld",
               &u.user, &u.sys, &u.threads, &u.rss_pages);
    return u;
}

/* All threads, to the nanosecond; /proc counts in ticks of 10 ms. */
static int64_t cpu_us(pid_t pid)
{
    struct timespec t = {0};
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) == 0)
        clock_gettime(clock, &t);
    return t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

/* --- joining ---------------------------------------------------------------------------------------------- */

static bool wait_connected(struct crowd *c, const struct rtcpeer *p, struct err *err)
{
    int64_t until = clock_mono_us() + CONNECT_US;

    while (!rtcpeer_connected(p) && clock_mono_us() < until)
        loop_turn(c->loop, 20);
    return rtcpeer_connected(p) ||
           err_set(err, ERR_AGAIN, "not_connected", "%s did not connect", rtcpeer_name(p));
}

static bool join_publisher(struct crowd *c, struct err *err)
{
    struct rtcpeer_config cfg = {.name = "publisher",
                                 .send_audio = 1,
                                 .send_video = 1,
                                 .profiles = PROFILES,
                                 .ev = {.on_rtcp = on_publisher_rtcp, .arg = c}};

    c->publisher = rtcpeer_new(c->loop, &cfg);
    return c->kind->publish(c->server, c->publisher, err) && wait_connected(c, c->publisher, err);
}

static bool join_viewers(struct crowd *c, struct err *err)
{
    for (unsigned i = 0; i < c->viewers_len; i++) {
        char name[32];
        struct rtcpeer_config cfg = {.name = name,
                                     .recv_audio = 1,
                                     .recv_video = 1,
                                     .profiles = PROFILES,
                                     .ev = {.on_rtp = on_rtp, .arg = c}};
        snprintf(name, sizeof name, "viewer-%u", i);
        c->viewers[i] = rtcpeer_new(c->loop, &cfg);
        if (!c->kind->subscribe(c->server, c->viewers[i], err))
            return false;
        /* a door's width at a time */
        if (i >= DOOR && !wait_connected(c, c->viewers[i - DOOR], err))
            return false;
    }
    for (unsigned i = 0; i < c->viewers_len; i++)
        if (!wait_connected(c, c->viewers[i], err))
            return false;
    return true;
}

/* --- figures ---------------------------------------------------------------------------------------------- */

static int rising(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static int64_t share(int64_t *samples, size_t n, double part)
{
    if (n == 0)
        return 0;
    qsort(samples, n, sizeof *samples, rising);
    return samples[(size_t)(part * (double)(n - 1))];
}

static void join_figures(struct crowd *c, struct crowd_figures *out)
{
    int64_t *took = mem_new(c->viewers_len * sizeof *took);

    for (unsigned i = 0; i < c->viewers_len; i++)
        took[i] = rtcpeer_connected_us(c->viewers[i]) - rtcpeer_started_us(c->viewers[i]);
    out->join_p50_us = share(took, c->viewers_len, 0.5);
    out->join_p95_us = share(took, c->viewers_len, 0.95);
    free(took);
}

static void run_for(struct crowd *c, int64_t us)
{
    int64_t until = clock_mono_us() + us;

    for (int64_t now; (now = clock_mono_us()) < until;)
        loop_turn(c->loop, (int)((until - now) / 1000) + 1);
}

static bool measure_flow(struct crowd *c, int64_t seconds, struct crowd_figures *out, struct err *err)
{
    c->video = loop_timer(c->loop, 0, FRAME_US, send_frame, c);
    c->audio = loop_timer(c->loop, 0, AUDIO_US, send_sound, c);
    run_for(c, WARM_US);
    struct usage before = usage_of(c->kind->pid(c->server));
    int64_t cpu_before = cpu_us(c->kind->pid(c->server));
    c->began_us = clock_mono_us();
    c->counting = true;
    run_for(c, seconds * US_PER_S);
    double cpu = (double)(cpu_us(c->kind->pid(c->server)) - cpu_before), forwarded = (double)c->received;
    struct usage after = usage_of(c->kind->pid(c->server));
    double took = (double)(clock_mono_us() - c->began_us);
    loop_untimer(c->video);
    loop_untimer(c->audio);
    run_for(c, 200 * US_PER_MS); /* what is on its way still counts as received */
    double user = (double)(after.user - before.user), sys = (double)(after.sys - before.sys);
    if (c->received == 0)
        return err_set(err, ERR_AGAIN, "nothing_arrived", "no packet reached a viewer");
    out->cpu_us_per_packet = cpu / forwarded;
    out->cpu_percent = cpu / took * 100;
    out->user_share = user + sys > 0 ? user / (user + sys) : 0;
    out->packets_per_s = forwarded / took * 1e6;
    out->loss_percent = 100 - (double)c->received * 100 / ((double)c->sent * c->viewers_len);
    out->latency_p50_us = share(c->latency, c->latency_len, 0.5);
    out->latency_p95_us = share(c->latency, c->latency_len, 0.95);
    out->latency_p99_us = share(c->latency, c->latency_len, 0.99);
    return true;
}

static const char *suite_name(enum srtp_suite suite)
{
    return suite == SRTP_SUITE_GCM128 ? "AEAD_AES_128_GCM"
           : suite == SRTP_SUITE_CM80 ? "AES_CM_128_HMAC_SHA1_80"
                                      : "other";
}

/* What a server said that did not do what was asked. */
static void show_log(const char *folder)
{
    char *command = mem_format("tail -n 40 %s/log >&2 2>/dev/null", folder);

    if (system(command) != 0)
        fprintf(stderr, "it left no log\n");
    free(command);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static bool measure(struct crowd *c, int64_t seconds, bool idle, struct crowd_figures *out, struct err *err)
{
    if (!join_publisher(c, err))
        return false;
    struct usage empty = usage_of(c->kind->pid(c->server));
    if (!join_viewers(c, err))
        return false;
    run_for(c, US_PER_S);
    struct usage full = usage_of(c->kind->pid(c->server));
    double page_kb = (double)sysconf(_SC_PAGESIZE) / 1024;
    out->rss_mb = (double)full.rss_pages * page_kb / 1024;
    out->rss_kb_per_peer = (double)(full.rss_pages - empty.rss_pages) * page_kb / c->viewers_len;
    out->threads = full.threads;
    out->suite = suite_name(rtcpeer_suite(c->viewers[0]));
    join_figures(c, out);
    return idle || measure_flow(c, seconds, out, err);
}

bool crowd_measure(struct crowd_figures *out, const struct server_kind *kind, unsigned viewers,
                   int64_t seconds, bool idle, struct err *err)
{
    struct crowd c = {.kind = kind, .viewers_len = viewers};
    char folder[] = "/tmp/yz-sfu-load-XXXXXX";
    bool ok = false;

    *out = (struct crowd_figures){0};
    c.viewers = mem_new(viewers * sizeof(void *));
    c.latency = mem_new(CROWD_LATENCIES * sizeof *c.latency);
    if (!mkdtemp(folder) || !loop_new(&c.loop, err))
        goto out;
    if (kind->start(&c.server, c.loop, folder, err))
        ok = measure(&c, seconds, idle, out, err);
    for (unsigned i = 0; i < viewers; i++)
        rtcpeer_free(c.viewers[i]);
    rtcpeer_free(c.publisher);
    if (c.server)
        kind->stop(c.server);
    if (!ok)
        show_log(folder);
    loop_free(c.loop);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
out:
    free(c.viewers);
    free(c.latency);
    return ok;
}
