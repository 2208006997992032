#include "media/record/segment.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"
#include "media/record/chain.h"
#include "media/record/folder.h"

#define BUFFER_FIRST (64u << 10)
/* Encoded bytes and what the file will be once they are in it. */
struct buffer {
    uint8_t *data;
    size_t len, cap;
    uint64_t unsafe_from; /* ring position of its first record, UINT64_MAX: none */
    struct manifest_segment then;
};

/* One turn of writing. The worker's from segment_flush() until done(). */
struct job {
    struct buffer buf;
    int fd, dir_fd;
    char file[MANIFEST_NAME_MAX];
    uint64_t offset; /* where buf goes */
    bool sync;
    int error; /* errno of what failed, 0 */
    int64_t write_us, sync_us;
};

struct segment {
    struct workers *workers;
    struct segment_events ev;
    struct chain chain;
    struct buffer buf; /* gathering */
    struct job job;
    bool announced, busy, closing, failed, sync_due;
    int64_t check_at_us;              /* when the next checkpoint is due */
    struct manifest_segment checked;  /* as of the last checkpoint put into buf */
    struct manifest_segment kept;     /* as of the last checkpoint the disk has */
    uint64_t records, packets, bytes; /* put so far */
    int64_t first_us, last_us;        /* packets accepted */
    int64_t written_last_us;          /* of the last packet in the file */
};

/* --- putting records -------------------------------------------------------------------------------------- */

static void buffer_room(struct buffer *b, size_t more)
{
    if (b->len + more <= b->cap)
        return;
    b->cap = b->cap ? b->cap * 2 : BUFFER_FIRST;
    while (b->cap < b->len + more)
        b->cap *= 2;
    b->data = mem_grow(b->data, b->cap);
}

static void appended(struct segment *s, size_t size)
{
    chain_add(&s->chain, s->buf.data + s->buf.len, size);
    s->buf.len += size;
    s->bytes += size;
}

static void put(struct segment *s, enum journal_type type, uint8_t flags, int64_t at_us, const void *payload,
                size_t len)
{
    buffer_room(&s->buf, len + JOURNAL_OVERHEAD);
    appended(s, journal_record_encode(s->buf.data + s->buf.len, type, flags, at_us, payload, len));
    s->records++;
}

static void put_check(struct segment *s, int64_t at_us)
{
    uint8_t head[SHA256_LEN];

    buffer_room(&s->buf, JOURNAL_CHECK_LEN);
    size_t size = chain_check(&s->chain, at_us, s->buf.data + s->buf.len, head);
    s->buf.len += size;
    s->bytes += size;
    s->records++;
    s->checked.bytes = s->bytes;
    s->checked.records = s->records;
    s->checked.from_us = s->first_us;
    s->checked.to_us = s->last_us;
    memcpy(s->checked.head, head, SHA256_LEN);
}

static void put_gap(struct segment *s, int64_t at_us, const struct journal_gap *gap)
{
    uint8_t payload[16 + JOURNAL_NAME_MAX];

    put(s, JOURNAL_GAP, 0, at_us, payload, journal_gap_encode(payload, gap));
}

static bool admit(struct segment *s, uint64_t position, size_t len)
{
    if (s->failed || s->closing || len > JOURNAL_PAYLOAD_MAX)
        return false;
    if (s->buf.unsafe_from == UINT64_MAX)
        s->buf.unsafe_from = position;
    return true;
}

bool segment_rtp(struct segment *s, uint64_t position, uint8_t flags, int64_t at_us, const void *packet,
                 size_t len)
{
    if (!admit(s, position, len))
        return false;
    put(s, JOURNAL_RTP, flags, at_us, packet, len);
    if (s->packets++ == 0)
        s->first_us = at_us;
    s->last_us = at_us;
    return true;
}

bool segment_sr(struct segment *s, uint64_t position, int64_t at_us, const struct journal_sr *sr)
{
    uint8_t payload[12];

    if (!admit(s, position, sizeof payload))
        return false;
    put(s, JOURNAL_SR, 0, at_us, payload, journal_sr_encode(payload, sr));
    return true;
}

bool segment_gap(struct segment *s, uint64_t position, int64_t at_us, const struct journal_gap *gap)
{
    if (!admit(s, position, 16 + JOURNAL_NAME_MAX))
        return false;
    put_gap(s, at_us, gap);
    return true;
}

/* --- the worker's side ------------------------------------------------------------------------------------ */

static int job_open(struct job *j)
{
    struct err unused = ERR_INIT;

    errno = 0;
    if (folder_file(&j->fd, j->dir_fd, j->file, O_WRONLY | O_CREAT | O_EXCL, &unused))
        return 0;
    return errno ? errno : EIO;
}

static int job_write(struct job *j)
{
    for (size_t at = 0; at < j->buf.len;) {
        ssize_t n = pwrite(j->fd, j->buf.data + at, j->buf.len - at, (off_t)(j->offset + at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        at += (size_t)n;
    }
    return 0;
}

/* Runs on: a worker. */
static void work(void *arg)
{
    struct job *j = arg;
    bool made = j->fd < 0;
    int64_t began = clock_mono_us();

    j->error = made ? job_open(j) : 0;
    if (j->error == 0)
        j->error = job_write(j);
    if (j->error != 0 && j->fd >= 0 && ftruncate(j->fd, (off_t)j->offset) < 0)
        j->error = EIO; /* the tail stays: recovery will cut it */
    int64_t wrote = clock_mono_us();
    j->write_us = wrote - began;
    if (j->error == 0 && j->sync && fdatasync(j->fd) < 0)
        j->error = errno;
    if (j->error == 0 && made && fsync(j->dir_fd) < 0) /* the file's name must be kept as well */
        j->error = errno;
    j->sync_us = j->sync ? clock_mono_us() - wrote : 0;
}

static const char *reason_of(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? "disk_full" : "disk_failed";
}

/* --- back on the loop ------------------------------------------------------------------------------------- */

static void fail(struct segment *s, const char *reason)
{
    if (s->failed)
        return;
    s->failed = true;
    s->buf.len = 0;
    s->buf.unsafe_from = UINT64_MAX;
    s->ev.on_failed(s->ev.arg, s, s->written_last_us ? s->written_last_us : s->first_us, reason);
}

static void finish(struct segment *s)
{
    s->ev.on_closed(s->ev.arg, s);
    if (s->job.fd >= 0)
        close(s->job.fd);
    chain_free(&s->chain);
    free(s->buf.data);
    free(s->job.buf.data);
    free(s);
}

static void done(void *arg)
{
    struct segment *s = (struct segment *)((char *)arg - offsetof(struct segment, job));
    struct job *j = &s->job;

    s->busy = false;
    j->buf.unsafe_from = UINT64_MAX;
    if (j->error != 0) {
        fail(s, reason_of(j->error));
    } else {
        j->offset += j->buf.len;
        s->written_last_us = j->buf.then.to_us;
        if (j->sync) {
            s->kept = j->buf.then;
            s->ev.on_kept(s->ev.arg, s, s->kept.bytes);
        }
    }
    j->buf.len = 0;
    if (s->closing && (s->failed || s->buf.len == 0))
        finish(s);
    else if (s->closing)
        segment_flush(s, s->last_us);
}

static void run(struct segment *s)
{
    struct buffer empty = s->job.buf;
    struct err err = ERR_INIT;

    assert(!s->busy);
    s->job.buf = s->buf;
    s->job.sync = s->sync_due;
    s->job.buf.then = s->checked;
    if (!s->sync_due)
        s->job.buf.then.to_us = s->last_us;
    if (!workers_run(s->workers, work, done, &s->job, &err)) {
        s->job.buf = empty; /* the queue is full: try again with the next flush */
        return;
    }
    s->buf = empty;
    s->buf.len = 0;
    s->buf.unsafe_from = UINT64_MAX;
    s->sync_due = false;
    s->busy = true;
}

struct segment *segment_open(struct workers *workers, int dir_fd, const char *file,
                             const struct journal_header *header, struct segment_events events)
{
    struct segment *s = mem_new(sizeof *s);

    s->workers = workers;
    s->ev = events;
    s->buf.unsafe_from = s->job.buf.unsafe_from = UINT64_MAX;
    s->job.fd = -1;
    s->job.dir_fd = dir_fd;
    snprintf(s->job.file, sizeof s->job.file, "%s", file);
    snprintf(s->checked.file, sizeof s->checked.file, "%s", file);
    s->kept = s->checked;
    chain_init(&s->chain);
    buffer_room(&s->buf, JOURNAL_HEADER_MAX);
    appended(s, journal_header_encode(header, s->buf.data));
    s->check_at_us = header->opened_at_us + SEGMENT_CHECK_US;
    return s;
}

void segment_flush(struct segment *s, int64_t now_us)
{
    if (s->failed)
        return;
    if (!s->closing && now_us >= s->check_at_us && s->bytes > s->checked.bytes) {
        put_check(s, now_us);
        s->sync_due = true;
        s->check_at_us = now_us + SEGMENT_CHECK_US;
    }
    if (s->announced && !s->busy && s->buf.len > 0)
        run(s);
}

void segment_announced(struct segment *s)
{
    s->announced = true;
}

uint64_t segment_unsafe(const struct segment *s)
{
    return s->busy && s->job.buf.unsafe_from < s->buf.unsafe_from ? s->job.buf.unsafe_from
                                                                  : s->buf.unsafe_from;
}

void segment_close(struct segment *s, int64_t now_us, const char *reason)
{
    assert(!s->closing);
    if (!s->failed) {
        put(s, JOURNAL_END, 0, now_us, reason, strnlen(reason, JOURNAL_NAME_MAX - 1));
        put_check(s, now_us);
        s->checked.sealed = true;
        s->sync_due = true;
    }
    s->closing = true;
    if (s->failed && !s->busy)
        finish(s);
    else
        segment_flush(s, now_us);
}

bool segment_failed(const struct segment *s)
{
    return s->failed;
}

void segment_state(const struct segment *s, struct manifest_segment *out)
{
    *out = s->kept;
}

uint64_t segment_packets(const struct segment *s)
{
    return s->packets;
}

int64_t segment_last_us(const struct segment *s)
{
    return s->last_us;
}

int64_t segment_write_us(const struct segment *s)
{
    return s->job.write_us;
}

int64_t segment_sync_us(const struct segment *s)
{
    return s->job.sync_us;
}
