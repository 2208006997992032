/* decoder.c - yz-decode: takes jobs from the pool in yz-dicomd, one at a time, with next to nothing to reach.
 *
 * Runs on one thread. The limits and the filter hold before the first foreign byte is read; see core/sandbox.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/sandbox.h"
#include "dicom/decode/job.h"

/* The file is mapped, so the address space must hold the largest upload besides the heap. The heap holds a frame of
 * DECODE_FRAME_MAX once as values and its codec's work; an image that needs more is refused as too large. */
static const struct sandbox_limits LIMITS = {
    .memory_bytes = UINT64_C(6) << 30,
    .heap_bytes = UINT64_C(2) << 30,
    .file_bytes = UINT64_C(1) << 30,
    .stack_bytes =
        UINT64_C(64) << 20, /* codecs that recurse by tile or by component; the usual 8 MiB were too few */
    .cpu_s = 300,
    .open_files = 16,
};
#ifdef __SANITIZE_ADDRESS__
/* Looking for leaks at the end takes threads and files, which there are not; the fuzz targets look. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif
#define RENEW_CPU_S 120 /* far enough from the limit that no job meets it: each has a deadline of seconds */

static bool cpu_spent(void)
{
    struct rusage u;

    return getrusage(RUSAGE_SELF, &u) == 0 && u.ru_utime.tv_sec + u.ru_stime.tv_sec >= RENEW_CPU_S;
}

/* @return 1 a job, 0 the pool has gone, -1 a bug on the other side */
static int receive(struct decode_request *request, int fds[2])
{
    struct iovec iov = {request, sizeof *request};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;

    do
        n = recvmsg(DECODE_FD, &m, 0);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return 0;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (n != sizeof *request || request->magic != DECODE_MAGIC || request->length != sizeof *request || !c ||
        c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(2 * sizeof(int)) ||
        (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return -1;
    memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
    return 1;
}

static bool run(const struct decode_request *request, const int fds[2], struct decode_answer *answer,
                struct err *err)
{
    struct stat st;
    void *bytes = NULL;

    if (fstat(fds[0], &st) < 0)
        return err_errno(err, "fstat");
    size_t len = st.st_size > 0 ? (size_t)st.st_size : 0;
    if (len > 0 && (bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fds[0], 0)) == MAP_FAILED)
        return err_set(err, ERR_TOO_LARGE, "too_large", "a file of %zu bytes cannot be mapped", len);
    bool ok = job_run(&request->params, bytes ? bytes : (const void *)"", len, fds[1], answer, err);
    if (bytes)
        munmap(bytes, len);
    return ok;
}

/* One job and its answer. @return false: this process ends, well or not */
static bool serve(bool *well)
{
    struct decode_request request;
    struct err err = ERR_INIT;
    int fds[2];
    int got = receive(&request, fds);

    *well = got >= 0;
    if (got <= 0)
        return false;
    struct decode_answer answer = {
        .magic = DECODE_MAGIC, .length = sizeof answer, .job = request.job, .ok = 0};
    answer.ok = run(&request, fds, &answer, &err);
    if (!answer.ok) {
        snprintf(answer.reason, sizeof answer.reason, "%s", err.reason);
        snprintf(answer.text, sizeof answer.text, "%s", err.text);
    }
    answer.renew = cpu_spent();
    close(fds[0]);
    close(fds[1]);
    *well = write(DECODE_FD, &answer, sizeof answer) == (ssize_t)sizeof answer;
    return *well;
}

int main(void)
{
    struct stat st;
    bool well = true;

    if (fstat(DECODE_FD, &st) < 0 || !S_ISSOCK(st.st_mode)) {
        fputs("yz-decode: started by yz-dicomd, which hands it a socket\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    job_prepare();
    if (!sandbox_enter(&LIMITS) || !sandbox_keep_to(SANDBOX_DECODER)) {
        fputs("yz-decode: the kernel refuses the filter\n", stderr);
        return 1;
    }
    while (serve(&well))
        ;
    return well ? 0 : 1;
}
