/* ingest_file.c - a whole file, as STOW brings it: copied and hashed on workers, then the same way as all others. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/ids.h"
#include "core/mem.h"
#include "dicom/ingest_internal.h"

#define COPY_CHUNK (1 << 20)

/* Runs on a worker. */
static void copy_work(void *arg)
{
    struct ingest_object *o = arg;
    uint8_t *buf = mem_grow(NULL, COPY_CHUNK);
    int64_t left = o->length;

    while (left > 0 && o->err.code == ERR_NONE) {
        ssize_t n =
            pread(o->from_fd, buf, left < COPY_CHUNK ? (size_t)left : COPY_CHUNK, o->from + o->length - left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err_set(&o->err, ERR_IO, "storage_failed", "the upload cannot be read: %s",
                    n ? strerror(errno) : "too short");
            break;
        }
        if (ingest_write_all(o->fd, buf, (size_t)n, &o->err))
            left -= n;
    }
    free(buf);
}

static void copied(void *arg)
{
    struct ingest_object *o = arg;

    ingest_close_fds(o);
    o->row.bytes = o->length;
    o->row.received_us = clock_now_us();
    o->ended_us = clock_mono_us();
    if (o->err.code != ERR_NONE) {
        o->index_err = o->err;
        ingest_judge(o);
        return;
    }
    o->asking = 1;
    ingest_ask_index(o);
}

/* Runs on a worker: the hash is of the data set, whatever stands in front of it. */
static void hash_work(void *arg)
{
    struct ingest_object *o = arg;
    uint8_t *buf = mem_grow(NULL, COPY_CHUNK);
    struct sha256 *sha = sha256_new();
    int fd = open(o->path, O_RDONLY | O_CLOEXEC);
    int64_t at = o->row.data_begin;
    ssize_t n = -1;

    while (fd >= 0 && ((n = pread(fd, buf, COPY_CHUNK, at)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0) {
            sha256_update(sha, buf, (size_t)n);
            at += n;
        }
    if (n < 0)
        err_set(&o->err, ERR_IO, "storage_failed", "the copy cannot be read");
    if (fd >= 0)
        close(fd);
    sha256_final(sha, o->row.sha256);
    free(buf);
}

static void hashed(void *arg)
{
    struct ingest_object *o = arg;

    if (o->err.code != ERR_NONE)
        o->index_err = o->err;
    ingest_answered(o);
}

void ingest_hash(struct ingest_object *o)
{
    if (workers_run(o->in->workers, hash_work, hashed, o, &o->index_err))
        return;
    ingest_answered(o);
}

bool ingest_file(struct ingest *in, const struct ingest_source *src, const char *study_uid, int fd,
                 int64_t offset, int64_t length, ingest_fn *settled, void *arg, struct err *err)
{
    struct ingest_object *o = ingest_object_new(in, src, ids_next(in->opt.ids, clock_now_us()));

    o->from_file = true;
    o->settled = settled;
    o->arg = arg;
    o->from = offset;
    o->length = length;
    if (study_uid)
        snprintf(o->want_study, sizeof o->want_study, "%s", study_uid);
    o->from_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    o->fd = open(o->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (o->from_fd < 0 || o->fd < 0)
        ingest_no_room(err, "begin an object");
    else if (length <= 0)
        err_set(err, ERR_INVALID, "truncated", "a file without a byte");
    else if (workers_run(in->workers, copy_work, copied, o, err))
        return true;
    ingest_cut(o);
    return false;
}
