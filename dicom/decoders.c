#include "dicom/decoders.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "dicom/decoder_process.h"

#define PROCESSES_MAX 64

struct decode_job {
    struct decoders *pool;
    struct decode_job *next;
    struct decode_params params;
    uint64_t id;
    int in_fd, out_fd;
    bool out_is_ours; /* a memfd of the pool's */
    bool again;       /* a process has died on it already */
    decoders_fn *fn;  /* NULL: forgotten */
    void *arg;
};

struct queue {
    struct decode_job *first, **last;
};

struct decoder {
    struct decoder_process *process;
    struct decode_job *job; /* in its hands */
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

/* ---- between jobs and processes ---- */

static void feed(struct decoders *d)
{
    for (unsigned i = 0; i < d->config.processes && d->n_waiting > 0; i++) {
        struct decoder *to = &d->each[i];
        if (!to->process || !decoder_process_is_idle(to->process))
            continue;
        struct decode_job *job = take_first(d);
        if (!decoder_process_give(to->process, job->id, &job->params, job->in_fd, job->out_fd)) {
            put_first(d, job);
            continue;
        }
        JOBS.value++;
        to->job = job;
    }
    WAITING.value = d->n_waiting;
}

static struct decoder *decoder_of(struct decoders *d, const struct decoder_process *process)
{
    unsigned i = 0;

    while (d->each[i].process != process)
        i++;
    return &d->each[i];
}

static void on_idle(void *arg, struct decoder_process *process)
{
    (void)process;
    feed(arg);
}

static void answered(struct decode_job *job, const struct decode_answer *a, int64_t took_us)
{
    struct decode_result result = {.answer = *a, .took_us = took_us};
    struct err err = ERR_INIT;

    metric_observe(&TOOK, took_us);
    RENEWED.value += a->renew;
    if (!a->ok) {
        REFUSED.value++;
        err_set(&err, code_of(a->reason), a->reason, "%s", a->text);
    } else if (!output_settles(job, a->bytes)) {
        err_set(&err, ERR_IO, "output_failed", "the output is not what the decoder says");
    }
    job_end(job, &result, &err);
}

/* A process may die of something else than its file: killed by hand, or for lack of memory. Once the job may try another
 * one, from a clean output; whoever kills two did it. */
static bool try_again(struct decoders *d, struct decode_job *job)
{
    if (job->again || !job->fn || ftruncate(job->out_fd, 0) < 0 || lseek(job->out_fd, 0, SEEK_SET) != 0)
        return false;
    job->again = true;
    put_first(d, job);
    return true;
}

static void on_done(void *arg, struct decoder_process *process, enum decoder_end end,
                    const struct decode_answer *answer, const char *how, int64_t took_us)
{
    struct decoders *d = arg;
    struct decoder *from = decoder_of(d, process);
    struct decode_job *job = from->job;
    uint32_t op = job->params.op, frame = job->params.frame;
    bool again = end == DECODER_DIED && try_again(d, job);

    from->job = NULL;
    feed(d);
    if (end == DECODER_ANSWERED) {
        answered(job, answer, took_us);
        return;
    }
    log_warn(end == DECODER_SLOW ? "decoder_slow" : "decoder_died", LI("op", op), LI("frame", frame),
             LS("how", how), LB("again", again));
    if (end == DECODER_SLOW)
        SLOW.value++;
    else
        DIED.value++;
    if (!again)
        job_fail(job, ERR_CORRUPT, end == DECODER_SLOW ? "decoder_slow" : "decoder_died", how, took_us);
}

/* Nobody is there to do what waits, and nobody will be soon: whoever asked may ask again. */
static void refuse_waiting(void *arg)
{
    struct decoders *d = arg;

    for (unsigned i = 0; i < d->config.processes; i++)
        if (!decoder_process_is_absent(d->each[i].process))
            return;
    struct decode_job *job;
    /* As many as there were: a callback may forget others, and may ask again. */
    for (unsigned n = d->n_waiting; n > 0 && (job = take_first(d)); n--)
        job_fail(job, ERR_AGAIN, "decoder_missing", "no decoder could be started", 0);
    WAITING.value = d->n_waiting;
}

static void on_absent(void *arg, struct decoder_process *process)
{
    (void)process;
    refuse_waiting(arg);
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
    loop_undefer(d->loop, refuse_waiting, d);
    loop_defer(d->loop, refuse_waiting, d);
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

static void start_all(struct decoders *d)
{
    const struct decoder_process_config config = {
        .program = d->program, .jobs_max = d->config.jobs_per_process, .deadline_us = d->config.deadline_us};
    const struct decoder_process_events events = {on_idle, on_done, on_absent, d};

    for (unsigned i = 0; i < d->config.processes; i++)
        d->each[i].process = decoder_process_new(d->loop, &config, &events);
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
    start_all(d);
    *out = d;
    return true;
}

void decoders_free(struct decoders *d)
{
    struct decode_job *job;

    if (!d)
        return;
    loop_undefer(d->loop, refuse_waiting, d);
    for (unsigned i = 0; i < d->config.processes; i++) {
        decoder_process_free(d->each[i].process);
        if (d->each[i].job)
            job_free(d->each[i].job);
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
        n += decoder_process_is_busy(d->each[i].process);
    return n;
}

pid_t decoders_pid(const struct decoders *d, unsigned n)
{
    return n < d->config.processes ? decoder_process_pid(d->each[n].process) : 0;
}
