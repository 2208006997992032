#include "media/record/muxer.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/child.h"
#include "media/record/folder.h"

#define FILE_SLACK   (64u << 20) /* a file is no larger than its journals, but has indexes */
#define PROBE_OFF_MS 1000        /* another reader may count the last frame's length differently */

struct task {
    struct task *next;
    struct muxer *m;
    int dir_fd;
    char id[MANIFEST_ID_MAX], file[MANIFEST_NAME_MAX], part[MANIFEST_NAME_MAX + 8];
    char (*segments)[MANIFEST_NAME_MAX];
    size_t segments_len;
    uint64_t bytes;
    struct mux_result result;
    struct err err;
    mux_done_fn *done;
    void *arg;
};

struct muxer {
    struct loop *loop;
    struct workers *workers;
    struct muxer_settings settings;
    struct task *first, **last; /* first is the one at work */
    struct child *child;
    bool probe_missed;       /* said once */
    bool working, forgotten; /* a worker hashes; muxer_stop() was called */
};

void muxer_file_name(char out[MANIFEST_NAME_MAX], const struct manifest_track *track)
{
    const char *end = strcmp(track->codec, "VP8") == 0    ? ".webm"
                      : strcmp(track->codec, "opus") == 0 ? ".webm"
                      : strcmp(track->codec, "H264") == 0 ? ".mkv"
                                                          : NULL;

    snprintf(out, MANIFEST_NAME_MAX, "%s%s", end ? track->id : "", end ? end : "");
}

/* --- the steps, last one first ---------------------------------------------------------------------------- */

static void start_next(void *arg);

static void task_free(struct task *t)
{
    close(t->dir_fd);
    free(t->segments);
    free(t);
}

static void finish(struct task *t, bool ok, const char *reason)
{
    struct muxer *m = t->m;
    struct err unused = ERR_INIT;

    t->result.ok = ok;
    snprintf(t->result.reason, sizeof t->result.reason, "%s", ok ? "" : reason);
    if (!ok)
        folder_remove(t->dir_fd, t->part, &unused);
    if (ok)
        log_info("file_made", LS("file", t->file), LI("bytes", t->result.bytes),
                 LI("frames", t->result.frames), LI("duration_ms", t->result.duration_ms),
                 LI("lost", t->result.lost));
    else
        log_warn("file_failed", LS("file", t->file), LS("reason", reason), LERR(&t->err));
    m->first = t->next;
    if (!m->first)
        m->last = &m->first;
    t->done(t->arg, t->id, &t->result);
    task_free(t);
    loop_defer(m->loop, start_next, m);
}

/* Runs on: a worker. On the disk, then by its real name. */
static void keep(void *arg)
{
    struct task *t = arg;
    void *data = NULL;
    struct stat st;
    int fd = -1;

    t->result.ok = false;
    if (!folder_file(&fd, t->dir_fd, t->part, O_RDONLY, &t->err))
        return;
    if (fstat(fd, &st) < 0 || st.st_size == 0 || fsync(fd) < 0) {
        err_errno(&t->err, t->part);
        goto out;
    }
    data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        err_errno(&t->err, t->part);
        goto out;
    }
    crypto_sha256(data, (size_t)st.st_size, t->result.sha256);
    munmap(data, (size_t)st.st_size);
    t->result.bytes = (uint64_t)st.st_size;
    if (renameat(t->dir_fd, t->part, t->dir_fd, t->file) < 0 || fsync(t->dir_fd) < 0)
        err_errno(&t->err, t->file);
    else
        t->result.ok = true;
out:
    close(fd);
}

static void kept(void *arg)
{
    struct task *t = arg;
    struct muxer *m = t->m;

    m->working = false;
    if (m->forgotten)
        return; /* made again by a later process; muxer_free() takes what is left */
    finish(t, t->result.ok, "disk_failed");
}

static void start_keep(struct task *t)
{
    if (!workers_run(t->m->workers, keep, kept, t, &t->err)) {
        finish(t, false, "busy");
        return;
    }
    t->m->working = true;
}

/* {"streams":[{"nb_read_packets":"85"}],"format":{"duration":"6.234000"}} */
static bool probe_agrees(struct task *t, const char *answer)
{
    json_t *doc = NULL, *stream;
    const char *packets = NULL, *duration = NULL;
    bool ok = false;

    if (!json_parse(&doc, (const uint8_t *)answer, strlen(answer), NULL, &t->err))
        return false;
    stream = json_array_get(json_object_get(doc, "streams"), 0);
    packets = json_string_value(json_object_get(stream, "nb_read_packets"));
    duration = json_string_value(json_object_get(json_object_get(doc, "format"), "duration"));
    if (packets && duration) {
        int64_t ms = (int64_t)(strtod(duration, NULL) * 1000), off = ms - t->result.duration_ms;
        ok = strtoull(packets, NULL, 10) == t->result.frames && off <= PROBE_OFF_MS && off >= -PROBE_OFF_MS;
    }
    if (!ok)
        err_set(&t->err, ERR_CORRUPT, "probe_differs", "wrote %" PRIu64 " frames, %lld ms; ffprobe: %s, %s s",
                t->result.frames, (long long)t->result.duration_ms, packets ? packets : "-",
                duration ? duration : "-");
    json_decref(doc);
    return ok;
}

static const char *why_ended(enum child_end end)
{
    return end == CHILD_TIMEOUT ? "mux_timeout" : end == CHILD_MISSING ? "mux_missing" : "mux_crashed";
}

static void probed(void *arg, enum child_end end, int code, const char *answer)
{
    struct muxer *m = arg;
    struct task *t = m->first;
    bool ok;

    if (end == CHILD_MISSING) {
        if (!m->probe_missed)
            log_warn("probe_missing", LS("program", m->settings.probe));
        m->probe_missed = true;
        ok = true;
    } else if (end != CHILD_OK) {
        err_set(&t->err, ERR_CORRUPT, "probe_failed", "ffprobe ended with %d", code);
        ok = false;
    } else {
        ok = probe_agrees(t, answer);
    }
    child_free(m->child);
    m->child = NULL;
    if (ok)
        start_keep(t);
    else
        finish(t, false, "probe_differs");
}

static bool start_child(struct task *t, const char *const *argv, child_done_fn *done)
{
    struct muxer *m = t->m;
    struct child_spec spec = {
        .argv = argv,
        .dir_fd = t->dir_fd,
        .timeout_us = m->settings.timeout_us,
        .limits = {.memory_bytes = m->settings.memory_bytes + t->bytes, /* journals are mapped */
                   .file_bytes = t->bytes + FILE_SLACK,
                   .cpu_s = (uint32_t)(m->settings.timeout_us / 1000000) + 1}};

    if (child_start(&m->child, m->loop, &spec, done, m, &t->err))
        return true;
    finish(t, false, "mux_crashed");
    return false;
}

static void start_probe(struct task *t)
{
    const char *const argv[] = {t->m->settings.probe,
                                "-v",
                                "error",
                                "-count_packets",
                                "-show_entries",
                                "stream=nb_read_packets:format=duration",
                                "-of",
                                "json=compact=1",
                                t->part,
                                NULL};

    start_child(t, argv, probed);
}

/* {"ok":true,"first_us":…,"duration_ms":…,"packets":…,"lost":…,"frames":…} or {"ok":false,"reason":"no_keyframe",…} */
static bool read_answer(struct task *t, const char *answer, const char **reason)
{
    struct mux_result *r = &t->result;
    int64_t packets = 0, lost = 0, frames = 0;
    const char *said = NULL;
    json_t *doc = NULL;
    bool ok = false;

    *reason = "mux_crashed";
    if (json_parse(&doc, (const uint8_t *)answer, strlen(answer), NULL, &t->err) &&
        json_get_bool(doc, "ok", &ok, &t->err) &&
        json_opt_i64(doc, "packets", 0, INT64_MAX, &packets, &t->err) &&
        json_opt_i64(doc, "lost", 0, INT64_MAX, &lost, &t->err) &&
        json_opt_i64(doc, "frames", 0, INT64_MAX, &frames, &t->err) &&
        json_opt_i64(doc, "first_us", 0, INT64_MAX, &r->first_us, &t->err) &&
        json_opt_i64(doc, "duration_ms", 0, INT64_MAX, &r->duration_ms, &t->err) &&
        json_opt_str(doc, "reason", &said, JOURNAL_NAME_MAX - 1, &t->err)) {
        r->packets = (uint64_t)packets;
        r->lost = (uint64_t)lost;
        r->frames = (uint64_t)frames;
        if (said) {
            snprintf(r->reason, sizeof r->reason, "%s", said);
            *reason = r->reason;
        }
    } else {
        ok = false;
    }
    json_decref(doc);
    return ok;
}

static void muxed(void *arg, enum child_end end, int code, const char *answer)
{
    struct muxer *m = arg;
    struct task *t = m->first;
    char reason[JOURNAL_NAME_MAX];
    const char *why = why_ended(end);
    bool ok = end == CHILD_OK && read_answer(t, answer, &why);

    snprintf(reason, sizeof reason, "%s", why);
    if (end != CHILD_OK)
        err_set(&t->err, ERR_CORRUPT, reason, "the child ended with %d", code);
    child_free(m->child);
    m->child = NULL;
    if (!ok)
        finish(t, false, reason);
    else if (m->settings.probe && m->settings.probe[0])
        start_probe(t);
    else
        start_keep(t);
}

static void start_next(void *arg)
{
    struct muxer *m = arg;
    struct task *t = m->first;
    struct err unused = ERR_INIT;

    if (!t || m->child || m->working || m->forgotten)
        return;
    if (t->segments_len == 0 || !t->file[0]) {
        finish(t, false, t->file[0] ? "no_packets" : "codec_unknown");
        return;
    }
    folder_remove(t->dir_fd, t->part, &unused); /* what a killed child left */
    const char **argv = mem_new((t->segments_len + 4) * sizeof *argv);
    size_t n = 0;
    argv[n++] = m->settings.program ? m->settings.program : "/proc/self/exe";
    argv[n++] = "--mux";
    for (size_t i = 0; i < t->segments_len; i++)
        argv[n++] = t->segments[i];
    argv[n] = t->part;
    start_child(t, argv, muxed);
    free(argv);
}

/* --- outside ---------------------------------------------------------------------------------------------- */

struct muxer *muxer_new(struct loop *loop, struct workers *workers, const struct muxer_settings *settings)
{
    struct muxer *m = mem_new(sizeof *m);

    m->loop = loop;
    m->workers = workers;
    m->settings = *settings;
    m->last = &m->first;
    return m;
}

void muxer_stop(struct muxer *m)
{
    m->forgotten = true;
    loop_undefer(m->loop, start_next, m);
    child_free(m->child);
    m->child = NULL;
}

void muxer_free(struct muxer *m)
{
    if (!m)
        return;
    while (m->first) {
        struct task *t = m->first;
        m->first = t->next;
        task_free(t);
    }
    free(m);
}

void muxer_add(struct muxer *m, int dir_fd, const struct manifest_track *track, mux_done_fn *done, void *arg)
{
    struct task *t = mem_new(sizeof *t);

    t->m = m;
    t->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    t->done = done;
    t->arg = arg;
    snprintf(t->id, sizeof t->id, "%s", track->id);
    muxer_file_name(t->file, track);
    snprintf(t->part, sizeof t->part, "%s.part", t->file[0] ? t->file : track->id);
    t->segments = mem_new((track->segments_len + 1) * sizeof *t->segments);
    for (size_t i = 0; i < track->segments_len; i++) {
        if (track->segments[i].bytes == 0)
            continue;
        memcpy(t->segments[t->segments_len++], track->segments[i].file, MANIFEST_NAME_MAX);
        t->bytes += track->segments[i].bytes;
    }
    *m->last = t;
    m->last = &t->next;
    loop_defer(m->loop, start_next, m);
}

bool muxer_idle(const struct muxer *m)
{
    return !m->first;
}
