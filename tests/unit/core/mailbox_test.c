#include "tests/unit/test.h"
#include "core/mailbox.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { POSTERS = 4, EACH = 5000 };

struct letter {
    struct mail mail;
    int from, number;
};

struct desk {
    struct loop *loop;
    struct mailbox *box;
    int got, next[POSTERS], out_of_order;
};

static void on_letter(void *arg, struct mail *m)
{
    struct desk *d = arg;
    struct letter *l = (struct letter *)m;

    if (l->number != d->next[l->from]++)
        d->out_of_order++;
    d->got++;
    free(l);
}

static void write_letters(struct mailbox *box, int from, int n)
{
    for (int i = 0; i < n; i++) {
        struct letter *l = calloc(1, sizeof *l);
        l->from = from;
        l->number = i;
        mailbox_post(box, &l->mail);
    }
}

struct poster {
    struct mailbox *box;
    int from;
    pthread_t thread;
};

static void *post(void *arg)
{
    struct poster *p = arg;

    write_letters(p->box, p->from, EACH);
    return NULL;
}

static void open_desk(struct desk *d)
{
    struct err err = ERR_INIT;

    *d = (struct desk){0};
    CHECK_OK(loop_new(&d->loop, &err), &err);
    CHECK_OK(mailbox_new(&d->box, d->loop, on_letter, d, &err), &err);
}

TEST(mailbox, letters_of_many_threads_all_arrive_each_threads_in_order)
{
    struct desk d;
    struct poster p[POSTERS];

    open_desk(&d);
    for (int i = 0; i < POSTERS; i++) {
        p[i] = (struct poster){.box = d.box, .from = i};
        CHECK_INT(pthread_create(&p[i].thread, NULL, post, &p[i]), 0);
    }
    CHECK_SOON(d.loop, d.got == POSTERS * EACH);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(p[i].thread, NULL);
    CHECK_INT(d.out_of_order, 0);
    mailbox_free(d.box);
    loop_free(d.loop);
}

TEST(mailbox, what_is_inside_when_it_goes_is_delivered)
{
    struct desk d;

    open_desk(&d);
    write_letters(d.box, 0, 10);
    mailbox_free(d.box);
    CHECK_INT(d.got, 10);
    loop_free(d.loop);
    mailbox_free(NULL);
}

struct sum {
    int in, out;
    pthread_t worker;
    int *finished;
};

static void add(void *job)
{
    struct sum *s = job;

    s->worker = pthread_self();
    for (int i = 0; i <= s->in; i++)
        s->out += i;
}

static void finished(void *job)
{
    struct sum *s = job;

    ++*s->finished;
}

TEST(workers, run_elsewhere_and_finish_on_the_loop)
{
    enum { N = 200 };
    static struct sum jobs[N];
    struct loop *loop;
    struct workers *w;
    struct err err = ERR_INIT;
    int done = 0;

    CHECK_OK(loop_new(&loop, &err), &err);
    CHECK_OK(workers_new(&w, loop, 3, N, &err), &err);
    for (int i = 0; i < N; i++) {
        jobs[i] = (struct sum){.in = i, .finished = &done};
        CHECK_OK(workers_run(w, add, finished, &jobs[i], &err), &err);
    }
    CHECK_SOON(loop, done == N);
    for (int i = 0; i < N; i++) {
        CHECK_INT(jobs[i].out, i * (i + 1) / 2);
        CHECK(!pthread_equal(jobs[i].worker, pthread_self()));
    }
    workers_free(w);
    loop_free(loop);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void wait_for_gate(void *job)
{
    (void)job;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

TEST(workers, a_full_queue_says_busy_and_freeing_runs_what_was_accepted)
{
    struct loop *loop;
    struct workers *w;
    struct err err = ERR_INIT;
    int done = 0, accepted = 0;
    struct sum job = {.finished = &done};

    CHECK_OK(loop_new(&loop, &err), &err);
    CHECK_OK(workers_new(&w, loop, 1, 3, &err), &err);
    pthread_mutex_lock(&gate);
    while (workers_run(w, wait_for_gate, finished, &job, &err))
        CHECK(++accepted <= 4);
    CHECK_ERR(false, &err, ERR_AGAIN, "busy");
    CHECK(accepted >= 3);
    pthread_mutex_unlock(&gate);
    workers_free(w);
    CHECK_INT(done, accepted);
    loop_free(loop);
    workers_free(NULL);
}
