#include "dicom/decoders.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"

#define PROCESSES_MAX 32
#define RETRY_US      (1 * US_PER_S) /* before another try to start what would not start */
#define LEAVE_US      (5 * US_PER_S) /* how long a process that was asked to end may take */

/*          start              job               answer
 *  ABSENT ───────▶ IDLE ──────────────▶ BUSY ───────────▶ IDLE
 *     ▲              │ has done its share │ deadline, kill, crash
 *     │              ▼                    ▼
 *     └─ reaped ── LEAVING ◀─────────── (the job fails when the process is reaped)     */
enum state { ABSENT, IDLE, BUSY, LEAVING };

struct decode_job {
    struct decoders *pool;
    struct decode_job *next;
    struct decode_params params;
    uint64_t id;
    int in_fd, out_fd;
    bool out_is_ours; /* a memfd of the pool's */
    decoders_fn *fn;  /* NULL: forgotten */
    void *arg;
};

struct queue {
    struct decode_job *first, **last;
};

struct decoder {
    struct decoders *pool;
    enum state state;
    pid_t pid;
    int pidfd, sock;
    struct loop_watch *end_watch, *sock_watch;
    struct loop_timer *timer; /* IDLE: none; BUSY: the deadline; LEAVING: its end; ABSENT: the next try */
    struct decode_job *job;
    int64_t began_us;
    unsigned done;
    bool slow, served; /* served: has answered at least once, so starting it again at once is no loop */
};

struct decoders {
    struct loop *loop;
    struct decoders_config config;
    char program[PATH_MAX];
    struct decoder each[PROCESSES_MAX];
    struct queue waiting[2];
    unsigned n_waiting;
    uint64_t last_id;
};

static struct metric JOBS = METRIC_COUNTER("yz_dicom_decode_jobs_total", "Jobs given to decoder processes.");
static struct metric REFUSED =
    METRIC_COUNTER("yz_dicom_decode_refused_total", "Jobs a decoder answered with a reason why not.");
static struct metric DIED =
    METRIC_COUNTER("yz_dicom_decoder_died_total",
                   "Decoder processes that ended in the middle of a job; the log names the instance's job.");
static struct metric SLOW =
    METRIC_COUNTER("yz_dicom_decoder_slow_total", "Decoder processes killed because a job took too long.");
static struct metric RENEWED = METRIC_COUNTER(
    "yz_dicom_decoder_renewed_total", "Decoder processes replaced because they had done their share.");
static struct metric WAITING =
    METRIC_GAUGE("yz_dicom_decode_waiting", "Jobs waiting for a decoder process; grows when decoding is the "
                                            "bottleneck (setting dicom.decoders).");
static struct metric TOOK = METRIC_HISTOGRAM(
    "yz_dicom_decode_us", "Microseconds a job took in its decoder process.", METRIC_BOUNDS_US);

static void declare_metrics(void)
{
    static bool declared;
    struct metric *const all[] = {&JOBS, &REFUSED, &DIED, &SLOW, &RENEWED, &WAITING, &TOOK};

    for (size_t i = 0; !declared && i < sizeof all / sizeof all[0]; i++)
        metrics_add(all[i]);
    declared = true;
}

static void start(void *decoder);
static void start_later(struct decoder *p);
static void feed(struct decoders *d);

/* ---- jobs ---- */

static struct decode_job *take_first(struct decoders *d)
{
    struct queue *q = d->waiting[0].first ? &d->waiting[0] : &d->waiting[1];
    struct decode_job *job = q->first;

    if (!job)
        return NULL;
    q->first = job->next;
    if (!q->first)
        q->last = &q->first;
    d->n_waiting--;
    return job;
}

static void put_first(struct decoders *d, struct decode_job *job)
{
    struct queue *q = &d->waiting[0];

    job->next = q->first;
    q->first = job;
    if (!job->next)
        q->last = &job->next;
    d->n_waiting++;
}

static void job_free(struct decode_job *job)
{
    close(job->in_fd);
    if (job->out_fd >= 0)
        close(job->out_fd);
    free(job);
}

/* What was written is there, and stays as it is: a decoder that a file took over must not change it under a reader. */
static bool output_settles(struct decode_job *job, uint64_t bytes)
{
    struct stat st;

    if (fstat(job->out_fd, &st) < 0 || (uint64_t)st.st_size < bytes)
        return false;
    return !job->out_is_ours ||
           fcntl(job->out_fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) == 0;
}

/* The callback may queue new jobs; the process that did this one is free by then. */
static void job_end(struct decode_job *job, struct decode_result *result, const struct err *err)
{
    if (job->fn) {
        result->fd = err->code == ERR_NONE ? job->out_fd : -1;
        job->fn(job->arg, result, err);
        if (result->fd < 0 && err->code == ERR_NONE && job->out_is_ours)
            job->out_fd = -1; /* kept by the callback */
    }
    job_free(job);
}

static void job_fail(struct decode_job *job, enum err_code code, const char *reason, const char *text,
                     int64_t took_us)
{
    struct decode_result result = {.took_us = took_us};
    struct err err = ERR_INIT;

    err_set(&err, code, reason, "%s", text);
    job_end(job, &result, &err);
}

/* Whose fault each reason of the protocol is. */
static enum err_code code_of(const char *reason)
{
    static const struct {
        const char *reason;
        enum err_code code;
    } CODES[] = {
        {"too_large", ERR_TOO_LARGE},
        {"deflate_bomb", ERR_TOO_LARGE},
        {"too_many_elements", ERR_TOO_LARGE},
        {"syntax_unsupported", ERR_UNSUPPORTED},
        {"pixel_format", ERR_UNSUPPORTED},
        {"frame_missing", ERR_NOT_FOUND},
        {"pixel_data_missing", ERR_NOT_FOUND},
        {"waveform_missing", ERR_NOT_FOUND},
        {"waveform_unsupported", ERR_UNSUPPORTED},
        {"output_failed", ERR_IO},
        {"op_unknown", ERR_INTERNAL},
    };

    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++)
        if (strcmp(CODES[i].reason, reason) == 0)
            return CODES[i].code;
    return ERR_INVALID;
}

/* ---- a process ---- */

static void forget_process(struct decoder *p)
{
    loop_unwatch(p->end_watch);
    loop_unwatch(p->sock_watch);
    loop_untimer(p->timer);
    p->end_watch = p->sock_watch = NULL;
    p->timer = NULL;
    if (p->sock >= 0)
        close(p->sock);
    if (p->pidfd >= 0)
        close(p->pidfd);
    p->sock = p->pidfd = -1;
    p->pid = 0;
}

static void set_timer(struct decoder *p, int64_t delay_us, loop_fn *fn)
{
    loop_untimer(p->timer);
    p->timer = fn ? loop_timer(p->pool->loop, delay_us, 0, fn, p) : NULL;
}

static void on_too_long(void *arg)
{
    struct decoder *p = arg;

    p->slow = p->state == BUSY;
    kill(p->pid, SIGKILL); /* not yet reaped, so the number is still this process' */
}

/* Its socket's end is the sign to leave. */
static void ask_to_leave(struct decoder *p)
{
    loop_unwatch(p->sock_watch);
    p->sock_watch = NULL;
    close(p->sock);
    p->sock = -1;
    p->state = LEAVING;
    set_timer(p, LEAVE_US, on_too_long);
}

static void on_answer(struct decoder *p, const struct decode_answer *a)
{
    struct decode_result result = {.answer = *a, .took_us = clock_mono_us() - p->began_us};
    struct decode_job *job = p->job;
    struct err err = ERR_INIT;

    metric_observe(&TOOK, result.took_us);
    result.answer.text[sizeof a->text - 1] = '\0';
    result.answer.reason[sizeof a->reason - 1] = '\0';
    result.answer.photometric[sizeof a->photometric - 1] = '\0';
    if (!a->ok) {
        REFUSED.value++;
        err_set(&err, code_of(result.answer.reason), result.answer.reason, "%s", result.answer.text);
    } else if (!output_settles(job, a->bytes)) {
        err_set(&err, ERR_IO, "output_failed", "the output is not what the decoder says");
    }
    p->job = NULL;
    p->served = true;
    p->state = IDLE;
    set_timer(p, 0, NULL);
    if (++p->done >= p->pool->config.jobs_per_process || a->renew) {
        RENEWED.value++;
        ask_to_leave(p);
    }
    feed(p->pool);
    job_end(job, &result, &err);
}

/* @return false: nothing more to read now */
static bool read_answer(struct decoder *p)
{
    struct decode_answer a;
    ssize_t n = recv(p->sock, &a, sizeof a, MSG_DONTWAIT);

    if (n < 0)
        return errno == EINTR;
    if (n == sizeof a && a.magic == DECODE_MAGIC && a.length == sizeof a && p->job && a.job == p->job->id) {
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

static void job_died(struct decode_job *job, bool slow, int64_t took_us, const siginfo_t *info)
{
    char text[96];

    snprintf(text, sizeof text, "the decoder %s %d after %" PRId64 " ms",
             info->si_code == CLD_EXITED ? "ended with status" : "was ended by signal", info->si_status,
             took_us / US_PER_MS);
    log_warn(slow ? "decoder_slow" : "decoder_died", LI("op", job->params.op), LI("frame", job->params.frame),
             LI("status", info->si_status), LI("ms", took_us / US_PER_MS));
    if (slow)
        SLOW.value++;
    else
        DIED.value++;
    job_fail(job, ERR_CORRUPT, slow ? "decoder_slow" : "decoder_died", text, took_us);
}

static void on_end(void *arg, uint32_t events)
{
    struct decoder *p = arg;
    siginfo_t info = {0};

    (void)events;
    if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return;
    while (p->sock_watch && read_answer(p)) /* an answer may stand before the end */
        ;
    struct decode_job *job = p->job;
    bool slow = p->slow, soon = p->served || job;
    int64_t took_us = clock_mono_us() - p->began_us;
    forget_process(p);
    p->state = ABSENT;
    p->job = NULL;
    if (soon)
        start(p);
    else
        start_later(p);
    if (job)
        job_died(job, slow, took_us, &info);
}

/* ---- starting ---- */

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

static bool try_start(struct decoder *p, struct err *err)
{
    int pair[2] = {-1, -1};
    pid_t pid = 0;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_errno(err, "socketpair");
    int e = spawn(&pid, p->pool->program, pair[1]);
    close(pair[1]);
    int pidfd = e ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        close(pair[0]);
        if (!e) {
            err_errno(err, "pidfd_open");
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
            return false;
        }
        return err_set(err, ERR_IO, "decoder_missing", "start %s: %s", p->pool->program, strerror(e));
    }
    p->pid = pid;
    p->pidfd = pidfd;
    p->sock = pair[0];
    p->done = 0;
    p->slow = p->served = false;
    p->sock_watch = loop_watch(p->pool->loop, p->sock, EPOLLIN, on_socket, p);
    p->end_watch = loop_watch(p->pool->loop, p->pidfd, EPOLLIN, on_end, p);
    return true;
}

/* Nobody is there to do what waits, and nobody will be soon: whoever asked may ask again. */
static void refuse_waiting(struct decoders *d)
{
    for (unsigned i = 0; i < d->config.processes; i++)
        if (d->each[i].state != ABSENT)
            return;
    for (unsigned n = d->n_waiting; n > 0; n--)
        job_fail(take_first(d), ERR_AGAIN, "decoder_missing", "no decoder could be started", 0);
}

static void refuse_later(void *arg)
{
    refuse_waiting(arg);
}

static void start_later(struct decoder *p)
{
    set_timer(p, RETRY_US, start);
    loop_undefer(p->pool->loop, refuse_later, p->pool);
    loop_defer(p->pool->loop, refuse_later, p->pool);
}

static void start(void *decoder)
{
    struct decoder *p = decoder;
    struct err err = ERR_INIT;

    set_timer(p, 0, NULL);
    if (try_start(p, &err)) {
        p->state = IDLE;
        feed(p->pool);
        return;
    }
    log_error("decoder_missing", LERR(&err));
    start_later(p);
}

/* ---- giving jobs ---- */

static bool send_job(struct decoder *p, struct decode_job *job)
{
    struct decode_request request = {
        .magic = DECODE_MAGIC, .length = sizeof request, .job = job->id, .params = job->params};
    struct iovec iov = {&request, sizeof request};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int fds[2] = {job->in_fd, job->out_fd};

    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(&control.head), fds, sizeof fds);
    return sendmsg(p->sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof request;
}

static struct decoder *idle_one(struct decoders *d)
{
    for (unsigned i = 0; i < d->config.processes; i++)
        if (d->each[i].state == IDLE && d->each[i].sock_watch)
            return &d->each[i];
    return NULL;
}

static void feed(struct decoders *d)
{
    struct decoder *p;
    struct decode_job *job;

    while ((p = idle_one(d)) && (job = take_first(d))) {
        if (!send_job(p, job)) { /* it has just died; its end is on the way, and the job has not begun */
            put_first(d, job);
            ask_to_leave(p);
            continue;
        }
        JOBS.value++;
        p->state = BUSY;
        p->job = job;
        p->began_us = clock_mono_us();
        set_timer(p, d->config.deadline_us, on_too_long);
    }
    WAITING.value = d->n_waiting;
}

struct decode_job *decoders_run(struct decoders *d, enum decoders_class cls,
                                const struct decode_params *params, int in_fd, int out_fd, decoders_fn *fn,
                                void *arg)
{
    struct queue *q = &d->waiting[cls == DECODERS_BACKGROUND];

    if (d->n_waiting >= d->config.queue_max)
        return NULL;
    int in = fcntl(in_fd, F_DUPFD_CLOEXEC, 0);
    int out = out_fd >= 0 ? fcntl(out_fd, F_DUPFD_CLOEXEC, 0)
                          : memfd_create("decoded", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (in < 0 || out < 0) {
        log_error("decoder_descriptors", LI("errno", errno));
        if (in >= 0)
            close(in);
        if (out >= 0)
            close(out);
        return NULL;
    }
    struct decode_job *job = mem_new(sizeof *job);
    *job = (struct decode_job){.pool = d,
                               .params = *params,
                               .id = ++d->last_id,
                               .in_fd = in,
                               .out_fd = out,
                               .out_is_ours = out_fd < 0,
                               .fn = fn,
                               .arg = arg};
    *q->last = job;
    q->last = &job->next;
    d->n_waiting++;
    feed(d);
    loop_undefer(d->loop, refuse_later, d);
    loop_defer(d->loop, refuse_later, d);
    return job;
}

void decoders_forget(struct decode_job *job)
{
    job->fn = NULL;
    for (unsigned c = 0; c < 2; c++) {
        struct queue *q = &job->pool->waiting[c];
        for (struct decode_job **at = &q->first; *at; at = &(*at)->next) {
            if (*at != job)
                continue;
            *at = job->next;
            if (q->last == &job->next)
                q->last = at;
            job->pool->n_waiting--;
            job_free(job);
            return;
        }
    }
}

/* ---- the pool ---- */

static unsigned cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > 8 ? 8 : (unsigned)n;
}

static bool find_program(char out[PATH_MAX], const char *given, struct err *err)
{
    static const char NAME[] = "yz-decode";

    if (given) {
        if (strlen(given) >= PATH_MAX)
            return err_set(err, ERR_INVALID, "setting_invalid", "the decoder's path is too long");
        strcpy(out, given);
        return true;
    }
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - sizeof NAME);
    if (n < 0)
        return err_errno(err, "readlink /proc/self/exe");
    out[n] = '\0';
    strcpy(strrchr(out, '/') + 1, NAME);
    return true;
}

bool decoders_new(struct decoders **out, struct loop *loop, const struct decoders_config *config,
                  struct err *err)
{
    struct decoders *d = mem_new(sizeof *d);

    if (!find_program(d->program, config->program, err)) {
        free(d);
        return false;
    }
    declare_metrics();
    d->loop = loop;
    d->config = *config;
    d->config.processes = config->processes ? config->processes : cores();
    if (d->config.processes > PROCESSES_MAX)
        d->config.processes = PROCESSES_MAX;
    d->config.jobs_per_process = config->jobs_per_process ? config->jobs_per_process : 1000;
    d->config.deadline_us = config->deadline_us ? config->deadline_us : 10 * US_PER_S;
    d->config.queue_max = config->queue_max ? config->queue_max : 4096;
    for (unsigned c = 0; c < 2; c++)
        d->waiting[c].last = &d->waiting[c].first;
    for (unsigned i = 0; i < d->config.processes; i++) {
        d->each[i] = (struct decoder){.pool = d, .pidfd = -1, .sock = -1};
        start(&d->each[i]);
    }
    *out = d;
    return true;
}

void decoders_free(struct decoders *d)
{
    struct decode_job *job;

    if (!d)
        return;
    loop_undefer(d->loop, refuse_later, d);
    for (unsigned i = 0; i < d->config.processes; i++) {
        struct decoder *p = &d->each[i];
        if (p->pid > 0) {
            kill(p->pid, SIGKILL);
            waitpid(p->pid, NULL, 0);
        }
        forget_process(p);
        if (p->job)
            job_free(p->job);
    }
    while ((job = take_first(d)))
        job_free(job);
    free(d);
}

unsigned decoders_waiting(const struct decoders *d)
{
    return d->n_waiting;
}

unsigned decoders_running(const struct decoders *d)
{
    unsigned n = 0;

    for (unsigned i = 0; i < d->config.processes; i++)
        n += d->each[i].state == BUSY;
    return n;
}

pid_t decoders_pid(const struct decoders *d, unsigned n)
{
    return n < d->config.processes ? d->each[n].pid : 0;
}
