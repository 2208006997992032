/* pg_holder start|stop - the `pg` fixture of ctest: one server for one run.
 *
 * `start` leaves a process behind that owns the server and ends it on `stop`, or when ctest itself is gone. */
#include "core/clock.h"
#include "core/mem.h"
#include "tests/unit/pg_server.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *file_of(pid_t ctest)
{
    return mem_format("%s/shared-%d", pg_base(), (int)ctest);
}

static int pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Until SIGTERM, or until ctest ends. */
static void hold(int ctest_fd)
{
    sigset_t term;
    struct pollfd p[2] = {{.fd = ctest_fd, .events = POLLIN}, {.events = POLLIN}};

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    p[1].fd = signalfd(-1, &term, SFD_CLOEXEC);
    while (poll(p, 2, -1) < 0 && errno == EINTR)
        ;
}

static int keeper(pid_t ctest, int ctest_fd, int told)
{
    char *path = file_of(ctest);
    struct pg_server *s;
    FILE *f;

    setsid();
    s = pg_server_start();
    pg_server_prepare(s);
    f = fopen(path, "we");
    if (!f)
        return 3;
    fprintf(f, "%s %d\n", pg_server_host(s), (int)getpid());
    fclose(f);
    /* ctest waits until nobody holds its pipe any more. */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    close(null);
    (void)!write(told, "1", 1);
    close(told);
    hold(ctest_fd);
    unlink(path);
    free(path);
    pg_server_free(s);
    return 0;
}

static int start(void)
{
    pid_t ctest = getppid(), pid;
    int ctest_fd = pidfd(ctest), told[2];
    char c;

    if (ctest_fd < 0 || pipe2(told, O_CLOEXEC) != 0)
        return 3;
    pid = fork();
    if (pid == 0) {
        close(told[0]);
        _exit(keeper(ctest, ctest_fd, told[1]));
    }
    close(told[1]);
    return pid > 0 && read(told[0], &c, 1) == 1 ? 0 : 3;
}

static int stop(void)
{
    char *path = file_of(getppid()), host[108];
    FILE *f = fopen(path, "re");
    int pid, fd;
    struct pollfd p = {.events = POLLIN};

    free(path);
    if (!f)
        return 0;
    if (fscanf(f, "%107s %d", host, &pid) != 2)
        return 3;
    fclose(f);
    fd = pidfd(pid);
    if (fd < 0)
        return 0;
    kill(pid, SIGTERM);
    p.fd = fd;
    return poll(&p, 1, 30000) == 1 ? 0 : 3;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "start") == 0)
        return start();
    if (argc == 2 && strcmp(argv[1], "stop") == 0)
        return stop();
    fprintf(stderr, "usage: pg_holder start|stop\n");
    return 2;
}
