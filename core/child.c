#include "core/child.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/mem.h"

#define EXEC_FAILED    127
#define SANDBOX_FAILED 126

struct child {
    struct loop *loop;
    pid_t pid;
    int pidfd, out_fd;
    struct loop_watch *pid_watch, *out_watch;
    struct loop_timer *timer;
    bool timed_out;
    char answer[CHILD_ANSWER_MAX];
    size_t answer_len;
    child_done_fn *done;
    void *arg;
};

/* Runs on: the child, before execve(): only calls that are safe after fork() in a threaded program. */
static void become(const struct child_spec *spec, int out_fd, char *const *envp)
{
    static const char *const PATHS[] = {"", "/usr/bin/", "/usr/local/bin/"};
    sigset_t none;
    char path[256];
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null < 0 || dup2(null, 0) < 0 || dup2(out_fd, 1) < 0 || fchdir(spec->dir_fd) < 0)
        _exit(SANDBOX_FAILED);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    if (!sandbox_enter(&spec->limits))
        _exit(SANDBOX_FAILED);
    for (size_t i = strchr(spec->argv[0], '/') ? 0 : 1; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        size_t head = strlen(PATHS[i]), name = strlen(spec->argv[0]);
        if (head + name >= sizeof path)
            continue;
        memcpy(path, PATHS[i], head);
        memcpy(path + head, spec->argv[0], name + 1);
        execve(path, (char *const *)(uintptr_t)spec->argv, envp);
        if (i == 0)
            break;
    }
    _exit(EXEC_FAILED);
}

static void close_output(struct child *c)
{
    loop_unwatch(c->out_watch);
    c->out_watch = NULL;
    if (c->out_fd >= 0)
        close(c->out_fd);
    c->out_fd = -1;
}

/* More than fits is read and forgotten, so that the child never waits for us. */
enum got { GOT_SOME, GOT_NOTHING, GOT_END };

static enum got read_some(struct child *c)
{
    char waste[4096];
    size_t room = sizeof c->answer - 1 - c->answer_len;
    ssize_t n = read(c->out_fd, room ? c->answer + c->answer_len : waste, room ? room : sizeof waste);

    if (n > 0 && room)
        c->answer_len += (size_t)n;
    if (n > 0)
        return GOT_SOME;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? GOT_NOTHING : GOT_END;
}

static void on_output(void *arg, uint32_t events)
{
    struct child *c = arg;

    (void)events;
    if (read_some(c) == GOT_END)
        close_output(c);
}

static void on_exit_of(void *arg, uint32_t events)
{
    struct child *c = arg;
    siginfo_t info = {0};

    (void)events;
    if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return;
    c->pid = 0;
    loop_unwatch(c->pid_watch);
    c->pid_watch = NULL;
    while (c->out_fd >= 0 && read_some(c) == GOT_SOME)
        ;
    close_output(c);
    c->answer[c->answer_len] = '\0';
    enum child_end end = c->timed_out                    ? CHILD_TIMEOUT
                         : info.si_code != CLD_EXITED    ? CHILD_SIGNAL
                         : info.si_status == EXEC_FAILED ? CHILD_MISSING
                         : info.si_status != 0           ? CHILD_EXIT
                                                         : CHILD_OK;
    c->done(c->arg, end, info.si_status, c->answer);
}

static void on_timeout(void *arg)
{
    struct child *c = arg;

    c->timed_out = true;
    if (c->pid > 0)
        kill(c->pid, SIGKILL);
}

/* Nothing of ours leaks into a child: it gets these words and no more. */
static char **environment(void)
{
    static char *env[] = {(char *)"PATH=/usr/bin:/bin",
                          (char *)"HOME=/nonexistent",
                          (char *)"LANG=C.UTF-8",
                          (char *)"TZ=UTC",
                          (char *)"GIO_USE_VFS=local",
                          NULL,
                          NULL};
    const char *asan = getenv("ASAN_OPTIONS");
    static char asan_text[512];

    if (asan && strlen(asan) < 400) {
        strcpy(asan_text, "ASAN_OPTIONS=");
        strcat(asan_text, asan);
        env[5] = asan_text;
    }
    return env;
}

bool child_start(struct child **out, struct loop *loop, const struct child_spec *spec, child_done_fn *done,
                 void *arg, struct err *err)
{
    char **envp = environment();
    int pipe_fd[2];

    if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_errno(err, "pipe2");
    /* The child's end blocks. */
    fcntl(pipe_fd[1], F_SETFL, 0);
    pid_t pid = fork();
    if (pid == 0)
        become(spec, pipe_fd[1], envp);
    close(pipe_fd[1]);
    int pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        err_errno(err, pid < 0 ? "fork" : "pidfd_open");
        close(pipe_fd[0]);
        if (pid > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
        return false;
    }
    struct child *c = mem_new(sizeof *c);
    c->loop = loop;
    c->pid = pid;
    c->pidfd = pidfd;
    c->out_fd = pipe_fd[0];
    c->done = done;
    c->arg = arg;
    c->pid_watch = loop_watch(loop, pidfd, EPOLLIN, on_exit_of, c);
    c->out_watch = loop_watch(loop, c->out_fd, EPOLLIN, on_output, c);
    c->timer = loop_timer(loop, spec->timeout_us, 0, on_timeout, c);
    *out = c;
    return true;
}

void child_free(struct child *c)
{
    if (!c)
        return;
    loop_unwatch(c->pid_watch);
    close_output(c);
    loop_untimer(c->timer);
    if (c->pid > 0) {
        kill(c->pid, SIGKILL);
        waitpid(c->pid, NULL, 0);
    }
    close(c->pidfd);
    free(c);
}
