#include "core/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/unit/test.h"

/* What a process behind a policy tries; true when it got through. Each runs in a child of its own. */
static bool gets_a_socket(void)
{
    return syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool opens_a_file(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY) >= 0;
}

static bool has_a_child(void)
{
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(0);
    return pid > 0;
}

static bool runs_a_program(void)
{
    static char *argv[] = {(char *)"/bin/true", NULL}, *envp[] = {NULL};

    syscall(SYS_execve, argv[0], argv, envp);
    return errno != EPERM;
}

static bool traces_its_parent(void)
{
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool kills_its_parent(void)
{
    return kill(getppid(), 0) == 0;
}

static bool makes_memory_executable(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool raises_its_limits(void)
{
    struct rlimit r = {.rlim_cur = 4, .rlim_max = 4};

    return setrlimit(RLIMIT_NOFILE, &r) == 0;
}

static bool reads_messages_from_another_descriptor(void)
{
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    return recvmsg(SANDBOX_DECODER_FD + 1, &m, MSG_DONTWAIT) >= 0 || errno != EPERM;
}

static bool takes_memory_and_time(void)
{
    struct timespec now;
    void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p != MAP_FAILED && memset(p, 1, 1 << 20) && munmap(p, 1 << 20) == 0 &&
           clock_gettime(CLOCK_MONOTONIC, &now) == 0;
}

static bool reads_messages_from_its_own_descriptor(void)
{
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    return recvmsg(SANDBOX_DECODER_FD, &m, MSG_DONTWAIT) >= 0 || errno != EPERM;
}

static bool does(bool (*attempt)(void), enum sandbox_policy policy)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(!sandbox_keep_to(policy) ? 2 : attempt() ? 1 : 0);
    CHECK(pid > 0);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) != 2);
    return WEXITSTATUS(status) == 1;
}

TEST(sandbox, a_decoder_reaches_nothing_but_its_work)
{
    CHECK(!does(gets_a_socket, SANDBOX_DECODER));
    CHECK(!does(opens_a_file, SANDBOX_DECODER));
    CHECK(!does(has_a_child, SANDBOX_DECODER));
    CHECK(!does(runs_a_program, SANDBOX_DECODER));
    CHECK(!does(traces_its_parent, SANDBOX_DECODER));
    CHECK(!does(kills_its_parent, SANDBOX_DECODER));
    CHECK(!does(makes_memory_executable, SANDBOX_DECODER));
    CHECK(!does(raises_its_limits, SANDBOX_DECODER));
    CHECK(!does(reads_messages_from_another_descriptor, SANDBOX_DECODER));
    CHECK(does(reads_messages_from_its_own_descriptor, SANDBOX_DECODER));
    CHECK(does(takes_memory_and_time, SANDBOX_DECODER));
}

TEST(sandbox, a_child_that_computes_opens_nothing)
{
    CHECK(!does(gets_a_socket, SANDBOX_COMPUTE));
    CHECK(!does(opens_a_file, SANDBOX_COMPUTE));
    CHECK(!does(runs_a_program, SANDBOX_COMPUTE));
    CHECK(!does(traces_its_parent, SANDBOX_COMPUTE));
    CHECK(does(takes_memory_and_time, SANDBOX_COMPUTE));
}

TEST(sandbox, a_child_before_its_program_has_files_but_no_network)
{
    CHECK(!does(gets_a_socket, SANDBOX_NO_REACH));
    CHECK(!does(traces_its_parent, SANDBOX_NO_REACH));
    CHECK(does(opens_a_file, SANDBOX_NO_REACH));
    CHECK(does(has_a_child, SANDBOX_NO_REACH));
}
