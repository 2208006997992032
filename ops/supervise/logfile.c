#include "ops/supervise/logfile.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/log.h"

struct logfile {
    struct loop_watch *watch;
    char *path;
    int read_fd, write_fd, file_fd;
    size_t size, max_bytes;
    bool lossy; /* said once, until writing works again */
};

static bool open_file(struct logfile *f)
{
    struct stat st;

    f->file_fd = open(f->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    f->size = f->file_fd >= 0 && fstat(f->file_fd, &st) == 0 ? (size_t)st.st_size : 0;
    return f->file_fd >= 0;
}

static void rotate(struct logfile *f)
{
    char from[4096], to[4096];

    for (int i = LOGFILE_KEEP - 1; i >= 0; i--) {
        snprintf(to, sizeof to, "%s.%d", f->path, i + 1);
        if (i > 0)
            snprintf(from, sizeof from, "%s.%d", f->path, i);
        else
            snprintf(from, sizeof from, "%s", f->path);
        rename(from, to); /* absent ones are the normal case of a young log */
    }
    close(f->file_fd);
    open_file(f);
}

static void keep(struct logfile *f, const char *bytes, size_t len)
{
    if (f->size > 0 && f->size + len > f->max_bytes)
        rotate(f);
    if (f->file_fd < 0)
        open_file(f);
    if (f->file_fd >= 0 && write(f->file_fd, bytes, len) == (ssize_t)len) {
        f->size += len;
        f->lossy = false;
    } else if (!f->lossy) {
        f->lossy = true;
        log_error("log_lost", LS("file", f->path), LS("why", strerror(errno)));
    }
}

/* Runs on: supervisor's loop. One read per turn, so that a babbling process cannot hold the others up. */
static void on_bytes(void *arg, uint32_t events)
{
    struct logfile *f = arg;
    char buf[65536];
    ssize_t n = read(f->read_fd, buf, sizeof buf);

    (void)events;
    if (n > 0)
        keep(f, buf, (size_t)n);
}

bool logfile_open(struct logfile **out, struct loop *l, const char *folder, const char *name,
                  size_t max_bytes, struct err *err)
{
    struct logfile *f = calloc(1, sizeof *f);
    int ends[2];

    if (!f || asprintf(&f->path, "%s/%s.log", folder, name) < 0)
        abort();
    f->max_bytes = max_bytes;
    if (!open_file(f)) {
        err_errno(err, f->path);
        goto fail;
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        err_errno(err, "pipe2");
        goto fail;
    }
    f->read_fd = ends[0];
    f->write_fd = ends[1];
    fcntl(f->read_fd, F_SETFL, O_NONBLOCK);
    f->watch = loop_watch(l, f->read_fd, EPOLLIN, on_bytes, f);
    *out = f;
    return true;
fail:
    if (f->file_fd >= 0)
        close(f->file_fd);
    free(f->path);
    free(f);
    return false;
}

int logfile_fd(const struct logfile *f)
{
    return f->write_fd;
}

void logfile_close(struct logfile *f)
{
    char buf[65536];
    ssize_t n;

    if (!f)
        return;
    while ((n = read(f->read_fd, buf, sizeof buf)) > 0)
        keep(f, buf, (size_t)n);
    loop_unwatch(f->watch);
    close(f->read_fd);
    close(f->write_fd);
    if (f->file_fd >= 0)
        close(f->file_fd);
    free(f->path);
    free(f);
}
