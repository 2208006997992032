#include "core/mailbox.h"
#include "core/mem.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct task {
    struct mail mail; /* first: the mailbox gives this address back */
    work_fn *work;
    work_done_fn *done;
    void *job;
    struct task *next;
};

struct workers {
    struct mailbox *done;
    unsigned threads_n, queue_max;
    pthread_t *threads;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct task *first, **last; /* lock */
    unsigned waiting;           /* lock */
    bool ending;                /* lock */
};

/* Runs on: a worker thread. NULL when the pool ends and nothing waits. */
static struct task *next_task(struct workers *w)
{
    struct task *t;

    pthread_mutex_lock(&w->lock);
    while (!w->first && !w->ending)
        pthread_cond_wait(&w->wake, &w->lock);
    t = w->first;
    if (t) {
        w->first = t->next;
        if (!w->first)
            w->last = &w->first;
        w->waiting--;
    }
    pthread_mutex_unlock(&w->lock);
    return t;
}

static void *run(void *arg)
{
    struct workers *w = arg;
    struct task *t;

    while ((t = next_task(w))) {
        t->work(t->job);
        mailbox_post(w->done, &t->mail);
    }
    return NULL;
}

/* Runs on: the loop. */
static void on_done(void *arg, struct mail *m)
{
    struct task *t = (struct task *)m;

    (void)arg;
    t->done(t->job);
    free(t);
}

bool workers_new(struct workers **out, struct loop *l, unsigned threads, unsigned queue_max, struct err *err)
{
    struct workers *w = mem_new(sizeof *w);
    sigset_t all, before;

    w->queue_max = queue_max;
    w->last = &w->first;
    w->threads = mem_new(threads * sizeof *w->threads);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    if (!mailbox_new(&w->done, l, on_done, w, err)) {
        workers_free(w);
        return false;
    }
    /* Signals are the loop's business. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (unsigned i = 0; i < threads; i++) {
        if (pthread_create(&w->threads[i], NULL, run, w) != 0)
            break;
        w->threads_n++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (w->threads_n < threads) {
        workers_free(w);
        return err_set(err, ERR_IO, "no_threads", "start %u worker threads", threads);
    }
    *out = w;
    return true;
}

void workers_free(struct workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->threads_n; i++)
        pthread_join(w->threads[i], NULL);
    mailbox_free(w->done);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w->threads);
    free(w);
}

bool workers_run(struct workers *w, work_fn *work, work_done_fn *done, void *job, struct err *err)
{
    struct task *t = mem_new(sizeof *t);
    bool ok;

    *t = (struct task){.work = work, .done = done, .job = job};
    pthread_mutex_lock(&w->lock);
    ok = w->waiting < w->queue_max && !w->ending;
    if (ok) {
        w->waiting++;
        *w->last = t;
        w->last = &t->next;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    if (ok)
        return true;
    free(t);
    return err_set(err, ERR_AGAIN, "busy", "%u jobs wait already", w->queue_max);
}
