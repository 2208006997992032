/* escape_job.c - in place of job.c: the same process, sandbox and limits, and a job that tries what a file that took the
 * decoder over would try. Linked into yz-decode-escape alone, which only tests start. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "dicom/decode/job.h"
#include "tests/unit/dicom/decode/escape.h"

static long attempt(uint32_t probe)
{
    static char *argv[] = {(char *)"/bin/true", NULL}, *envp[] = {NULL};

    switch (probe) {
    case ESCAPE_OPEN:
        return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    case ESCAPE_SOCKET:
        return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    case ESCAPE_FORK:
        return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    case ESCAPE_PTRACE:
        return syscall(SYS_ptrace, PTRACE_ATTACH, 1, NULL, NULL);
    case ESCAPE_EXEC:
        return syscall(SYS_execve, argv[0], argv, envp);
    case ESCAPE_KILL:
        return syscall(SYS_kill, 1, 0);
    case ESCAPE_MEMFD:
        return syscall(SYS_memfd_create, "x", 0);
    case ESCAPE_EXECUTABLE:
        return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
                                                                                                         : 0;
    default:
        errno = EPERM;
        return -1;
    }
}

static bool take_all_memory(struct err *err)
{
    const size_t step = 64u << 20;

    for (int i = 0; i < 1024; i++) {
        char *p = malloc(step);
        if (!p)
            return err_set(err, ERR_TOO_LARGE, "too_large", "no memory after %d times 64 MiB", i);
        for (size_t at = 0; at < step; at += 1u << 20)
            *(volatile char *)(p + at) = 1;
    }
    return true;
}

/* @return the sum of what was written to every frame, so that no compiler makes a loop of it */
static unsigned use_stack(unsigned n)
{
    volatile unsigned char room[4096];

    room[n % sizeof room] = (unsigned char)n;
    return n == 0 ? room[0] : use_stack(n - 1) + room[n % sizeof room];
}

static bool fill_output(int fd, struct err *err)
{
    static char block[1 << 20];

    if (lseek(fd, (off_t)1020 << 20, SEEK_SET) < 0)
        return err_errno(err, "lseek");
    for (int i = 0; i < 2048; i++)
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
            return err_errno(err, "write");
    return true;
}

void job_prepare(void) {}

bool job_run(const struct decode_params *params, const uint8_t *bytes, size_t len, int out_fd,
             struct decode_answer *answer, struct err *err)
{
    if (params->op != DECODE_ESCAPE)
        return err_set(err, ERR_INTERNAL, "op_unknown", "this program only tries to escape");
    switch (params->probe) {
    case ESCAPE_ECHO:
        answer->bytes = len;
        return write(out_fd, bytes, len) == (ssize_t)len || err_set(err, ERR_IO, "output_failed", "write");
    case ESCAPE_LIE:
        answer->bytes = len + 4096;
        return true;
    case ESCAPE_MEMORY:
        return take_all_memory(err);
    case ESCAPE_STACK:
        answer->bytes = 0;
        answer->rows = use_stack(6000); /* 24 MiB */
        return true;
    case ESCAPE_LOOP:
        for (volatile int on = 1; on;)
            ;
        return true;
    case ESCAPE_CRASH:
        raise(SIGSEGV);
        *(volatile char *)8 = 1;
        return true;
    case ESCAPE_DISK:
        return fill_output(out_fd, err);
    default: {
        long got = attempt(params->probe);
        return got >= 0 || err_set(err, ERR_DENIED, "refused", "errno %d", errno);
    }
    }
}
