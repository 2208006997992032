#include "ops/supervise/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void default_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
}

/* Runs in the child, between fork and exec. */
static _Noreturn void become(const struct process_spec *spec, int log_fd, pid_t supervisor)
{
    int null_fd;

    setsid();
    prctl(PR_SET_PDEATHSIG, spec->stop_signal);
    if (getppid() != supervisor) /* it died before we asked to be told */
        _exit(0);
    default_signals();
    null_fd = open("/dev/null", O_RDONLY);
    if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
        _exit(126);
    close_range(3, ~0U, 0);
    execvp(spec->argv[0], spec->argv);
    dprintf(2, "cannot start %s: %s\n", spec->argv[0], strerror(errno));
    _exit(127);
}

bool spawn_process(pid_t *pid, int *pidfd, const struct process_spec *spec, int log_fd, struct err *err)
{
    pid_t me = getpid();

    *pid = fork();
    if (*pid < 0)
        return err_errno(err, "fork");
    if (*pid == 0)
        become(spec, log_fd, me);
    *pidfd = pidfd_open(*pid, 0);
    if (*pidfd < 0) {
        err_errno(err, "pidfd_open");
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
        return false;
    }
    return true;
}
