#include "scheduling/decide.h"
#include "core/ask_server.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define TICK_US        (1000 * US_PER_MS)
#define SWEEP_AFTER_US (30 * US_PER_S)

struct decider {
    pthread_t thread;
    pthread_mutex_t lock; /* guards the five below */
    pthread_cond_t some;
    struct job *first, **last;
    unsigned n;
    bool stop;

    /* the thread's own */
    struct mailbox *to_loop;
    struct owner *owner;
    int64_t tick_at_us;  /* monotonic */
    int64_t sweep_at_us; /* 0: nothing to sweep */
};

/* ---------------------------------------------------------------- to the loop */

static void post(struct decider *d, struct post p)
{
    struct post *copy = mem_copy(&p, sizeof p);

    mailbox_post(d->to_loop, &copy->mail);
}

static void on_event(void *arg, struct owner_event *ev)
{
    post(arg, (struct post){.kind = POST_EVENT, .event = ev, .seq = ev->seq});
}

static void on_owner(void *arg, int64_t epoch, uint64_t last_seq)
{
    struct decider *d = arg;

    /* signald now says who is present; whoever nobody vouches for within the grace has left. */
    d->sweep_at_us = epoch ? clock_mono_us() + SWEEP_AFTER_US : 0;
    post(d, (struct post){.kind = POST_OWNER, .epoch = epoch, .seq = last_seq});
}

struct replay {
    struct decider *d;
    uint64_t conn_id;
};

static void on_replay(void *arg, struct owner_event *ev)
{
    struct replay *r = arg;

    post(r->d, (struct post){.kind = POST_REPLAY_EVENT, .event = ev, .conn_id = r->conn_id, .seq = ev->seq});
}

/* ---------------------------------------------------------------- work */

static void requeue(struct decider *d, struct sched_request *r)
{
    struct job *job = mem_new(sizeof *job);

    *job = (struct job){.kind = JOB_REQUEST, .request = r};
    pthread_mutex_lock(&d->lock);
    job->next = d->first; /* it was here before the others */
    d->first = job;
    if (!job->next)
        d->last = &job->next;
    d->n++;
    pthread_mutex_unlock(&d->lock);
}

static void run_requests(struct decider *d, struct sched_request **req, size_t n)
{
    owner_turn(d->owner, req, n);
    for (size_t i = n; i-- > 0;)
        if (req[i]->deferred)
            requeue(d, req[i]);
    for (size_t i = 0; i < n; i++)
        if (!req[i]->deferred)
            post(d, (struct post){.kind = POST_ANSWER, .request = req[i]});
}

static void run_replay(struct decider *d, const struct job *job)
{
    struct replay r = {.d = d, .conn_id = job->conn_id};
    struct err err = ERR_INIT;
    uint64_t through = owner_last_seq(d->owner);

    if (job->greeting)
        d->sweep_at_us = clock_mono_us() + SWEEP_AFTER_US;
    if (job->after_seq != ASK_FROM_NOW &&
        !owner_replay(d->owner, job->after_seq, on_replay, &r, &through, &err))
        log_warn("replay_failed",
                 LERR(&err)); /* the subscriber sees the gap with the next event and asks again */
    post(d, (struct post){.kind = POST_REPLAYED, .conn_id = job->conn_id, .seq = through});
}

/* Requests up to a batch; a replay is done alone, in its place among them. */
static void run_jobs(struct decider *d, struct job *jobs)
{
    struct sched_request *req[OWNER_BATCH];
    size_t n = 0;

    for (struct job *next; jobs; jobs = next) {
        next = jobs->next;
        if (jobs->kind == JOB_REQUEST)
            req[n++] = jobs->request;
        if (n && (jobs->kind == JOB_REPLAY || n == OWNER_BATCH || !next)) {
            run_requests(d, req, n);
            n = 0;
        }
        if (jobs->kind == JOB_REPLAY)
            run_replay(d, jobs);
        free(jobs);
    }
}

static void tick(struct decider *d)
{
    int64_t now = clock_mono_us();

    if (now >= d->tick_at_us) {
        owner_tick(d->owner);
        d->tick_at_us = clock_mono_us() + TICK_US;
    }
    if (d->sweep_at_us && now >= d->sweep_at_us && owner_epoch(d->owner)) {
        d->sweep_at_us = 0;
        owner_sweep_presence(d->owner, SWEEP_AFTER_US);
    }
}

/* Up to a batch of jobs, waiting for them until the next tick. NULL: time for the tick, or the end. */
static struct job *take(struct decider *d, bool *stop)
{
    int64_t wait_us = d->tick_at_us - clock_mono_us();
    struct timespec until;
    struct job *out = NULL, **at = &out;

    clock_gettime(CLOCK_MONOTONIC, &until);
    if (wait_us > 0) {
        until.tv_sec += wait_us / US_PER_S;
        until.tv_nsec += wait_us % US_PER_S * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    }
    pthread_mutex_lock(&d->lock);
    while (!d->first && !d->stop && wait_us > 0)
        if (pthread_cond_timedwait(&d->some, &d->lock, &until))
            break;
    for (unsigned n = 0; n < OWNER_BATCH && d->first; n++) {
        *at = d->first;
        at = &d->first->next;
        d->first = *at;
        d->n--;
    }
    *at = NULL;
    if (!d->first)
        d->last = &d->first;
    *stop = d->stop;
    pthread_mutex_unlock(&d->lock);
    return out;
}

static void refuse_jobs(struct decider *d, struct job *jobs)
{
    for (struct job *next; jobs; jobs = next) {
        next = jobs->next;
        if (jobs->kind == JOB_REQUEST) {
            answer_clear(jobs->request);
            answer_refuse(jobs->request, ERR_AGAIN, "scheduler_stopping", "the scheduler is going down");
            post(d, (struct post){.kind = POST_ANSWER, .request = jobs->request});
        }
        free(jobs);
    }
}

static void *run(void *arg)
{
    struct decider *d = arg;
    bool stop = false;
    struct job *jobs;

    while (!stop) {
        tick(d);
        jobs = take(d, &stop);
        if (stop)
            refuse_jobs(d, jobs);
        else
            run_jobs(d, jobs);
    }
    while ((jobs = take(d, &stop)))
        refuse_jobs(d, jobs);
    return NULL;
}

/* ---------------------------------------------------------------- from the loop */

bool decider_start(struct decider **out, struct mailbox *to_loop, const struct owner_options *opt,
                   struct err *err)
{
    struct decider *d = mem_new(sizeof *d);
    struct owner_options mine = *opt;
    pthread_condattr_t attr;

    mine.on_event = on_event;
    mine.on_owner = on_owner;
    mine.arg = d;
    d->to_loop = to_loop;
    d->last = &d->first;
    if (!owner_new(&d->owner, &mine, err)) {
        free(d);
        return false;
    }
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->some, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&d->thread, NULL, run, d)) {
        owner_free(d->owner);
        free(d);
        return err_set(err, ERR_IO, "no_thread", "start the deciding thread");
    }
    *out = d;
    return true;
}

void decider_stop(struct decider *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_signal(&d->some);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    owner_free(d->owner);
    pthread_cond_destroy(&d->some);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

bool decider_push(struct decider *d, struct job *job)
{
    bool room;

    job->next = NULL;
    pthread_mutex_lock(&d->lock);
    room = d->n < DECIDER_QUEUE_MAX;
    if (room) {
        *d->last = job;
        d->last = &job->next;
        d->n++;
        pthread_cond_signal(&d->some);
    }
    pthread_mutex_unlock(&d->lock);
    return room;
}
