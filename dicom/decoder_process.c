#include "dicom/decoder_process.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"

#define RETRY_US      (1 * US_PER_S) /* before another try to start what would not start */
#define STILLBORN_MAX 5              /* started again at once so often, then every RETRY_US */
#define LEAVE_US      (5 * US_PER_S) /* how long a process that was asked to end may take */

enum state { ABSENT, IDLE, BUSY, LEAVING };

struct decoder_process {
    struct loop *loop;
    struct decoder_process_config config;
    struct decoder_process_events on;
    enum state state;
    pid_t pid;
    int pidfd, sock;
    struct loop_watch *end_watch, *sock_watch;
    struct loop_timer *timer; /* IDLE: none; BUSY: the deadline; LEAVING: its end; ABSENT: the next try */
    uint64_t job;             /* BUSY: its number */
    int64_t began_us;
    unsigned done;
    bool slow;
    unsigned stillborn; /* processes that ended by themselves before one had answered anything */
};

static void start(void *arg);

static void set_timer(struct decoder_process *p, int64_t delay_us, loop_fn *fn)
{
    loop_untimer(p->timer);
    p->timer = fn ? loop_timer(p->loop, delay_us, 0, fn, p) : NULL;
}

static void tell_idle(void *arg)
{
    struct decoder_process *p = arg;

    if (decoder_process_is_idle(p))
        p->on.on_idle(p->on.arg, p);
}

static void tell_absent(void *arg)
{
    struct decoder_process *p = arg;

    if (p->state == ABSENT)
        p->on.on_absent(p->on.arg, p);
}

/* --- its end --- */

static void forget(struct decoder_process *p)
{
    loop_unwatch(p->end_watch);
    loop_unwatch(p->sock_watch);
    set_timer(p, 0, NULL);
    p->end_watch = p->sock_watch = NULL;
    if (p->sock >= 0)
        close(p->sock);
    if (p->pidfd >= 0)
        close(p->pidfd);
    p->sock = p->pidfd = -1;
    p->pid = 0;
    p->state = ABSENT;
}

static void on_too_long(void *arg)
{
    struct decoder_process *p = arg;

    p->slow = p->state == BUSY;
    kill(p->pid, SIGKILL); /* not yet reaped, so the number is still this process' */
}

/* The end of its socket is the sign to leave. */
static void ask_to_leave(struct decoder_process *p)
{
    loop_unwatch(p->sock_watch);
    p->sock_watch = NULL;
    close(p->sock);
    p->sock = -1;
    p->state = LEAVING;
    set_timer(p, LEAVE_US, on_too_long);
}

static void on_answer(struct decoder_process *p, struct decode_answer *a)
{
    int64_t took_us = clock_mono_us() - p->began_us;

    a->text[sizeof a->text - 1] = '\0';
    a->reason[sizeof a->reason - 1] = '\0';
    a->photometric[sizeof a->photometric - 1] = '\0';
    p->stillborn = 0;
    p->state = IDLE;
    set_timer(p, 0, NULL);
    a->renew |= ++p->done >= p->config.jobs_max;
    if (a->renew)
        ask_to_leave(p);
    p->on.on_done(p->on.arg, p, DECODER_ANSWERED, a, "", took_us);
}

/* @return false: nothing more to read now */
static bool read_answer(struct decoder_process *p)
{
    struct decode_answer a;
    ssize_t n = recv(p->sock, &a, sizeof a, MSG_DONTWAIT);

    if (n < 0)
        return errno == EINTR;
    if (n == sizeof a && a.magic == DECODE_MAGIC && a.length == sizeof a && p->state == BUSY &&
        a.job == p->job) {
        on_answer(p, &a);
        return p->sock >= 0;
    }
    if (n > 0)
        log_error("decoder_protocol", LI("bytes", n));
    kill(p->pid, SIGKILL); /* a broken or closed end: what follows is its death */
    loop_unwatch(p->sock_watch);
    p->sock_watch = NULL;
    return false;
}

static void on_socket(void *arg, uint32_t events)
{
    (void)events;
    read_answer(arg);
}

static void start_later(struct decoder_process *p)
{
    set_timer(p, RETRY_US, start);
    loop_undefer(p->loop, tell_absent, p);
    loop_defer(p->loop, tell_absent, p);
}

static void on_end(void *arg, uint32_t events)
{
    struct decoder_process *p = arg;
    siginfo_t info = {0};
    char how[80];

    (void)events;
    if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return;
    while (p->sock_watch && read_answer(p)) /* an answer may stand before the end */
        ;
    bool was_busy = p->state == BUSY, slow = p->slow;
    int64_t took_us = clock_mono_us() - p->began_us;
    forget(p);
    if (was_busy || p->stillborn++ < STILLBORN_MAX)
        start(p);
    else
        start_later(p);
    if (!was_busy)
        return;
    snprintf(how, sizeof how, "the decoder %s %d after %" PRId64 " ms",
             info.si_code == CLD_EXITED ? "ended with status" : "was ended by signal", info.si_status,
             took_us / US_PER_MS);
    p->on.on_done(p->on.arg, p, slow ? DECODER_SLOW : DECODER_DIED, NULL, how, took_us);
}

/* --- its start --- */

/* Nothing of ours leaks into a decoder: it gets these words, and a sanitizer's. */
static void environment(char *env[4])
{
    static const char *const PASSED[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS"};
    size_t n = 0;

    env[n++] = mem_str("LANG=C.UTF-8");
    for (size_t i = 0; i < sizeof PASSED / sizeof PASSED[0]; i++)
        if (getenv(PASSED[i]))
            env[n++] = mem_format("%s=%s", PASSED[i], getenv(PASSED[i]));
    env[n] = NULL;
}

static int spawn(pid_t *pid, const char *program, int sock)
{
    char *argv[] = {(char *)"yz-decode", NULL}, *env[4];
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;

    environment(env);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, sock, DECODE_FD);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int e = posix_spawn(pid, program, &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    for (size_t i = 0; env[i]; i++)
        free(env[i]);
    return e;
}

static bool try_start(struct decoder_process *p, struct err *err)
{
    int pair[2] = {-1, -1};
    pid_t pid = 0;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_errno(err, "socketpair");
    int e = spawn(&pid, p->config.program, pair[1]);
    close(pair[1]);
    int pidfd = e ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        close(pair[0]);
        if (e)
            return err_set(err, ERR_IO, "decoder_missing", "start %s: %s", p->config.program, strerror(e));
        err_errno(err, "pidfd_open");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return false;
    }
    p->pid = pid;
    p->pidfd = pidfd;
    p->sock = pair[0];
    p->done = 0;
    p->slow = false;
    p->sock_watch = loop_watch(p->loop, p->sock, EPOLLIN, on_socket, p);
    p->end_watch = loop_watch(p->loop, p->pidfd, EPOLLIN, on_end, p);
    return true;
}

static void start(void *arg)
{
    struct decoder_process *p = arg;
    struct err err = ERR_INIT;

    set_timer(p, 0, NULL);
    if (!try_start(p, &err)) {
        log_error("decoder_missing", LERR(&err));
        start_later(p);
        return;
    }
    p->state = IDLE;
    loop_undefer(p->loop, tell_idle, p);
    loop_defer(p->loop, tell_idle, p);
}

/* --- from outside --- */

static bool send_job(struct decoder_process *p, uint64_t id, const struct decode_params *params, int in_fd,
                     int out_fd)
{
    struct decode_request request = {
        .magic = DECODE_MAGIC, .length = sizeof request, .job = id, .params = *params};
    struct iovec iov = {&request, sizeof request};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int fds[2] = {in_fd, out_fd};

    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(&control.head), fds, sizeof fds);
    return sendmsg(p->sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof request;
}

bool decoder_process_give(struct decoder_process *p, uint64_t id, const struct decode_params *params,
                          int in_fd, int out_fd)
{
    if (!send_job(p, id, params, in_fd, out_fd)) { /* its end is on the way */
        ask_to_leave(p);
        return false;
    }
    p->state = BUSY;
    p->job = id;
    p->began_us = clock_mono_us();
    set_timer(p, p->config.deadline_us, on_too_long);
    return true;
}

struct decoder_process *decoder_process_new(struct loop *loop, const struct decoder_process_config *config,
                                            const struct decoder_process_events *events)
{
    struct decoder_process *p = mem_new(sizeof *p);

    *p = (struct decoder_process){.loop = loop, .config = *config, .on = *events, .pidfd = -1, .sock = -1};
    start(p);
    return p;
}

void decoder_process_free(struct decoder_process *p)
{
    if (!p)
        return;
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    forget(p);
    loop_undefer(p->loop, tell_idle, p);
    loop_undefer(p->loop, tell_absent, p);
    free(p);
}

bool decoder_process_is_idle(const struct decoder_process *p)
{
    return p->state == IDLE && p->sock_watch;
}

bool decoder_process_is_busy(const struct decoder_process *p)
{
    return p->state == BUSY;
}

bool decoder_process_is_absent(const struct decoder_process *p)
{
    return p->state == ABSENT;
}

pid_t decoder_process_pid(const struct decoder_process *p)
{
    return p->pid;
}
