/* feed.c - yz-record-load: many tracks at once into the real recorder, and what that costs.
 *
 *   yz-record-load --recorder=build/release/bin/yz-recorderd [--tracks=100] [--kbit=1000] [--seconds=20] [--data=DIR]
 *
 * One JSON line: packets, CPU of the recorder per packet, how long writes and fdatasync took, how far the ring filled,
 * what was lost (nothing, or the exit status is 1), and how long after the close every file was made.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/wire.h"
#include "media/protocol.h"
#include "media/record/ring.h"

#define PACKET     1150
#define RING_BYTES (32u << 20)

struct load {
    const char *recorder, *data;
    int tracks, kbit, seconds;
    pid_t pid;
    struct loop *loop;
    struct wire *wire;
    struct ring *ring;
    struct ring_source *sources;
    uint64_t packets, ring_used_max;
    bool opened;
};

static void die(const char *what)
{
    perror(what);
    exit(2);
}

/* --- the recorder ----------------------------------------------------------------------------------------- */

static void start_recorder(struct load *l)
{
    char *data = mem_format("--data=%s", l->data), *sock = mem_format("%s/run/recorderd.sock", l->data);

    l->pid = fork();
    if (l->pid == 0) {
        execl(l->recorder, "yz-recorderd", data, "--log.level=warn", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 1000 && access(sock, F_OK) != 0; i++)
        usleep(10000);
    free(data);
    free(sock);
}

/* user and system time of a process in microseconds; its children that ended apart */
static int64_t cpu_us(pid_t pid)
{
    char path[64], text[1024];
    unsigned long user = 0, sys = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        die(path);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys);
    return (int64_t)(user + sys) * 1000000 / sysconf(_SC_CLK_TCK);
}

/* The recorder's own counters, as Prometheus reads them. */
static char *metrics(struct load *l)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char *text = mem_new(1 << 20);
    size_t n = 0;

    snprintf(to.sun_path, sizeof to.sun_path, "%s/run/recorderd.metrics.sock", l->data);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ||
        write(fd, "GET /metrics HTTP/1.0\r\n\r\n", 25) != 25)
        die(to.sun_path);
    for (ssize_t got; (got = read(fd, text + n, (1 << 20) - 1 - n)) > 0;)
        n += (size_t)got;
    close(fd);
    return text;
}

/* Upper bound of the bucket in which this share of a histogram lies, microseconds. */
static double quantile(const char *text, const char *name, double share)
{
    char *bucket = mem_format("\n%s_bucket{le=\"", name), *count = mem_format("\n%s_count ", name);
    const char *at = strstr(text, count);
    double total = at ? strtod(at + strlen(count), NULL) : 0, bound = 0;

    for (at = strstr(text, bucket); at && total > 0; at = strstr(at + 1, bucket)) {
        char *end;
        bound = strtod(at + strlen(bucket), &end);
        const char *value = strstr(end, "} ");
        if (value && strtod(value + 2, NULL) >= share * total)
            break;
    }
    free(bucket);
    free(count);
    return bound;
}

/* --- the worker's part ------------------------------------------------------------------------------------ */

static void say_tracks(struct load *l)
{
    for (int i = 0; i < l->tracks; i++) {
        char peer[32];
        struct wire_out *o = wire_begin(l->wire, REC_TRACK, 0);
        snprintf(peer, sizeof peer, "peer-%d", i);
        wire_put_u32(o, 1);
        wire_put_u32(o, (uint32_t)i + 1);
        wire_put_str(o, peer);
        wire_put_str(o, "video");
        wire_put_str(o, "VP8");
        wire_put_u8(o, 96);
        wire_put_u32(o, 90000);
        wire_put_u32(o, (uint32_t)i + 1000);
        wire_put_str(o, "");
        wire_send(o);
    }
}

static void on_open(void *arg, struct wire *w)
{
    struct load *l = arg;
    struct wire_out *o = wire_begin(w, REC_HELLO, 0);

    wire_put_u16(o, 0);
    wire_put_u64(o, 1);
    wire_put_fd(o, ring_fd(l->ring));
    wire_send(o);
    o = wire_begin(w, REC_OPEN, 0);
    wire_put_u32(o, 1);
    wire_put_str(o, "load");
    wire_put_str(o, "1/load");
    wire_send(o);
    say_tracks(l);
    l->opened = true;
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    (void)arg;
    (void)w;
    in->at = in->len;
}

/* One VP8 packet (RFC 7741) of nonsense behind a plausible header: the journal does not look inside. */
static void put(struct load *l, int track, uint32_t n, int64_t at)
{
    static uint8_t p[PACKET] = {0x80, 96};
    uint32_t rtp = (uint32_t)(at * 9 / 100), ssrc = (uint32_t)track + 1000;

    p[1] = 96 | (n % 4 == 3 ? 0x80 : 0);
    p[2] = (uint8_t)(n >> 8);
    p[3] = (uint8_t)n;
    for (int k = 0; k < 4; k++) {
        p[4 + k] = (uint8_t)(rtp >> (24 - 8 * k));
        p[8 + k] = (uint8_t)(ssrc >> (24 - 8 * k));
    }
    p[12] = n % 4 == 0 ? 0x10 : 0;
    ring_put(l->ring, &l->sources[track], RING_RTP, 0, at, p, PACKET);
    l->packets++;
}

static void feed(struct load *l)
{
    int64_t begin = clock_mono_us(), now, epoch = clock_now_us() - begin;
    double per_us = l->kbit * 1000.0 / 8 / PACKET / 1e6;
    uint32_t sent = 0;

    while ((now = clock_mono_us()) < begin + l->seconds * US_PER_S) {
        uint32_t due = (uint32_t)((double)(now - begin) * per_us);
        for (; sent < due; sent++)
            for (int i = 0; i < l->tracks; i++)
                put(l, i, sent, now + epoch);
        if (ring_flush(l->ring)) {
            struct wire_out *o = wire_begin(l->wire, REC_KICK, 0);
            if (o)
                wire_send(o);
        }
        if (ring_used(l->ring) > l->ring_used_max)
            l->ring_used_max = ring_used(l->ring);
        loop_turn(l->loop, 2);
    }
}

static void end_recording(struct load *l)
{
    struct wire_out *o = wire_begin(l->wire, REC_CLOSE, 0);

    wire_put_u32(o, 1);
    wire_put_str(o, "stopped");
    wire_send(o);
}

/* ms until the manifest says a word, or -1 after a minute */
static int64_t await(struct load *l, const char *state, json_t **out)
{
    char *path = mem_format("%s/recordings/1/load/manifest.json", l->data);
    int64_t begin = clock_mono_us(), took = -1;

    while (took < 0 && clock_mono_us() < begin + 60 * US_PER_S) {
        json_t *doc = json_load_file(path, 0, NULL);
        const char *is = json_string_value(json_object_get(doc, "state"));
        if (is && strcmp(is, state) == 0) {
            took = (clock_mono_us() - begin) / 1000;
            *out = json_incref(doc);
        }
        json_decref(doc);
        loop_turn(l->loop, 20);
    }
    free(path);
    return took;
}

static uint64_t packets_kept(const json_t *manifest)
{
    json_t *track;
    uint64_t n = 0;
    size_t i;

    json_array_foreach(json_object_get(manifest, "tracks"), i, track) n +=
        (uint64_t)json_integer_value(json_object_get(track, "packets"));
    return n;
}

static int run(struct load *l)
{
    char *sock = mem_format("%s/run/recorderd.sock", l->data);
    struct err err = ERR_INIT;
    json_t *manifest = NULL;

    l->sources = mem_new((size_t)l->tracks * sizeof *l->sources);
    for (int i = 0; i < l->tracks; i++)
        l->sources[i] = (struct ring_source){.rec = 1, .track = (uint32_t)i + 1};
    if (!loop_new(&l->loop, &err) || !ring_create(&l->ring, RING_BYTES, &err))
        die(err.text);
    start_recorder(l);
    l->wire = wire_connect(l->loop, sock,
                           (struct wire_events){.on_open = on_open, .on_message = on_message, .arg = l});
    while (!l->opened)
        loop_turn(l->loop, 20);
    int64_t cpu = cpu_us(l->pid);
    feed(l);
    cpu = cpu_us(l->pid) - cpu;
    char *text = metrics(l);
    end_recording(l);
    int64_t processing_ms = await(l, "processing", &manifest);
    uint64_t kept = packets_kept(manifest);
    printf("{\"bench\":\"record\",\"case\":\"%d tracks of %d kbit/s for %d s\",\"packets\":%" PRIu64
           ",\"lost_in_ring\":%" PRIu64 ",\"packets_kept\":%" PRIu64
           ",\"cpu_us_per_packet\":%.2f,\"cpu_percent_of_a_core\":%.1f,\"write_us_p50\":%.0f,\"write_us_"
           "p99\":%.0f,"
           "\"sync_us_p50\":%.0f,\"sync_us_p99\":%.0f,\"ring_used_max_bytes\":%" PRIu64
           ",\"closed_after_ms\":%" PRId64 "}\n",
           l->tracks, l->kbit, l->seconds, l->packets, ring_lost(l->ring), kept,
           (double)cpu / (double)l->packets, (double)cpu / (l->seconds * 1e4),
           quantile(text, "yz_record_write_us", 0.5), quantile(text, "yz_record_write_us", 0.99),
           quantile(text, "yz_record_sync_us", 0.5), quantile(text, "yz_record_sync_us", 0.99),
           l->ring_used_max, processing_ms);
    free(text);
    free(sock);
    json_decref(manifest);
    kill(l->pid, SIGTERM);
    waitpid(l->pid, NULL, 0);
    return kept == l->packets ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct load l = {.tracks = 100, .kbit = 1000, .seconds = 20};
    static const struct option OPTIONS[] = {{"recorder", 1, 0, 'r'}, {"tracks", 1, 0, 't'},
                                            {"kbit", 1, 0, 'k'},     {"seconds", 1, 0, 's'},
                                            {"data", 1, 0, 'd'},     {0}};
    char folder[] = "/tmp/yz-record-load-XXXXXX";

    for (int o; (o = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;)
        switch (o) {
        case 'r':
            l.recorder = optarg;
            break;
        case 't':
            l.tracks = atoi(optarg);
            break;
        case 'k':
            l.kbit = atoi(optarg);
            break;
        case 's':
            l.seconds = atoi(optarg);
            break;
        case 'd':
            l.data = optarg;
            break;
        default:
            return 2;
        }
    if (!l.recorder || l.tracks < 1 || l.tracks > 900 || l.seconds < 1) {
        fprintf(stderr,
                "yz-record-load --recorder=PROGRAM [--tracks=N] [--kbit=N] [--seconds=N] [--data=DIR]\n");
        return 2;
    }
    if (!l.data && !mkdtemp(folder))
        die(folder);
    bool own = !l.data;
    l.data = own ? folder : l.data;
    int status = run(&l);
    if (own) {
        char *command = mem_format("rm -rf %s", folder);
        status = system(command) == 0 ? status : 2;
        free(command);
    }
    return status;
}
