#include "core/loop.h"
#include "core/clock.h"
#include "core/mem.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_PER_TURN 64
#define HEAP_NONE       SIZE_MAX

struct loop_watch {
    struct loop *loop;
    int fd;
    bool dead; /* unwatched in this turn: freed when no event can point here any more */
    loop_fd_fn *fn;
    void *arg;
    struct loop_watch *prev, *next;
};

struct loop_timer {
    struct loop *loop;
    int64_t due_us, every_us;
    uint64_t seq; /* order of arming: equal times fire in that order, and a turn fires only older ones */
    size_t at;    /* place in the heap, or HEAP_NONE */
    loop_fn *fn;
    void *arg;
    struct loop_timer *prev, *next;
};

struct call {
    loop_fn *fn;
    void *arg;
    struct call *next;
};

struct loop {
    int ep, timer_fd, signal_fd;
    bool stop, turning;
    bool armed_stale; /* timer_fd does not show the earliest timer */
    uint64_t seq;
    struct loop_timer **heap;
    size_t heap_n, heap_cap;
    struct loop_watch *watches, *dead; /* dead: chained by next */
    struct loop_timer *timers;
    struct call *deferred, **deferred_end;
    struct call *at_free;
    loop_fn *on_hup;
    void *hup_arg;
};

/* --- the heap of timers: earliest at [0] --- */

static bool earlier(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->seq < b->seq;
}

static void heap_put(struct loop *l, size_t i, struct loop_timer *t)
{
    l->heap[i] = t;
    t->at = i;
}

static void heap_up(struct loop *l, size_t i)
{
    struct loop_timer *t = l->heap[i];

    for (; i > 0 && earlier(t, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap_put(l, i, l->heap[(i - 1) / 2]);
    heap_put(l, i, t);
}

static void heap_down(struct loop *l, size_t i)
{
    struct loop_timer *t = l->heap[i];

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= l->heap_n)
            break;
        if (child + 1 < l->heap_n && earlier(l->heap[child + 1], l->heap[child]))
            child++;
        if (!earlier(l->heap[child], t))
            break;
        heap_put(l, i, l->heap[child]);
        i = child;
    }
    heap_put(l, i, t);
}

static void heap_add(struct loop *l, struct loop_timer *t)
{
    if (l->heap_n == l->heap_cap) {
        l->heap_cap = l->heap_cap ? 2 * l->heap_cap : 16;
        l->heap = mem_grow(l->heap, l->heap_cap * sizeof(struct loop_timer *));
    }
    heap_put(l, l->heap_n++, t);
    heap_up(l, t->at);
    if (t->at == 0)
        l->armed_stale = true;
}

static void heap_remove(struct loop *l, struct loop_timer *t)
{
    size_t i = t->at;

    if (i == HEAP_NONE)
        return;
    if (i == 0)
        l->armed_stale = true;
    t->at = HEAP_NONE;
    l->heap_n--;
    if (i == l->heap_n)
        return;
    heap_put(l, i, l->heap[l->heap_n]);
    heap_down(l, i);
    heap_up(l, l->heap[i]->at);
}

/* The timerfd shows the earliest timer, or "now" while deferred calls wait. */
static void arm(struct loop *l)
{
    struct itimerspec when = {0};
    int64_t us = 0;

    if (l->turning || !l->armed_stale)
        return;
    l->armed_stale = false;
    if (l->deferred)
        us = 1;
    else if (l->heap_n)
        us = l->heap[0]->due_us > 0 ? l->heap[0]->due_us : 1; /* zero would disarm */
    when.it_value.tv_sec = us / US_PER_S;
    when.it_value.tv_nsec = us % US_PER_S * 1000;
    timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* --- life --- */

static void on_timer_fd(void *arg, uint32_t events)
{
    struct loop *l = arg;
    uint64_t n;

    (void)events;
    if (read(l->timer_fd, &n, sizeof n) == sizeof n)
        l->armed_stale = true;
}

bool loop_new(struct loop **out, struct err *err)
{
    struct loop *l = mem_new(sizeof *l);

    l->signal_fd = -1;
    l->deferred_end = &l->deferred;
    l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    l->ep = epoll_create1(EPOLL_CLOEXEC);
    if (l->ep < 0 || l->timer_fd < 0) {
        err_errno(err, "open an event loop");
        if (l->ep >= 0)
            close(l->ep);
        if (l->timer_fd >= 0)
            close(l->timer_fd);
        free(l);
        return false;
    }
    loop_watch(l, l->timer_fd, EPOLLIN, on_timer_fd, l);
    *out = l;
    return true;
}

static void bury(struct loop *l)
{
    while (l->dead) {
        struct loop_watch *w = l->dead;
        l->dead = w->next;
        free(w);
    }
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    assert(!l->turning);
    while (l->at_free) {
        struct call *c = l->at_free;
        l->at_free = c->next;
        c->fn(c->arg);
        free(c);
    }
    for (struct loop_timer *t = l->timers, *next; t; t = next) {
        next = t->next;
        loop_untimer(t);
    }
    for (struct loop_watch *w = l->watches, *next; w; w = next) {
        next = w->next;
        loop_unwatch(w);
    }
    while (l->deferred) {
        struct call *c = l->deferred;
        l->deferred = c->next;
        free(c);
    }
    bury(l);
    if (l->signal_fd >= 0)
        close(l->signal_fd);
    close(l->timer_fd);
    close(l->ep);
    free(l->heap);
    free(l);
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}

bool loop_stopped(const struct loop *l)
{
    return l->stop;
}

int loop_fd(const struct loop *l)
{
    return l->ep;
}

/* --- a turn --- */

static int run_timers(struct loop *l)
{
    int64_t now = clock_mono_us();
    uint64_t newest = l->seq;
    int n = 0;

    /* Timers armed by these callbacks wait for the next turn, so a zero delay cannot starve the sockets. */
    while (l->heap_n && l->heap[0]->due_us <= now && l->heap[0]->seq <= newest) {
        struct loop_timer *t = l->heap[0];
        heap_remove(l, t);
        if (t->every_us > 0) {
            t->due_us += t->every_us;
            if (t->due_us <= now)
                t->due_us = now + t->every_us;
            t->seq = ++l->seq;
            heap_add(l, t);
        }
        n++;
        t->fn(t->arg); /* may free t */
    }
    return n;
}

static int run_deferred(struct loop *l)
{
    struct call *mark = l->deferred ? mem_new(sizeof *mark) : NULL;
    int n = 0;

    if (!mark)
        return 0;
    /* Stop at a mark: calls deferred by these calls belong to the next turn. The list stays in place
     * meanwhile, so that loop_undefer() reaches the calls still to come. */
    *l->deferred_end = mark;
    l->deferred_end = &mark->next;
    while (l->deferred != mark) {
        struct call *c = l->deferred;
        l->deferred = c->next;
        c->fn(c->arg);
        free(c);
        n++;
    }
    l->deferred = mark->next;
    if (!l->deferred)
        l->deferred_end = &l->deferred;
    free(mark);
    l->armed_stale = true;
    return n;
}

int loop_turn(struct loop *l, int timeout_ms)
{
    struct epoll_event ev[EVENTS_PER_TURN];
    int got, done = 0;

    assert(!l->turning);
    arm(l);
    got = epoll_wait(l->ep, ev, EVENTS_PER_TURN, l->deferred || l->stop ? 0 : timeout_ms);
    assert(got >= 0 || errno == EINTR);
    l->turning = true;
    for (int i = 0; i < got; i++) {
        struct loop_watch *w = ev[i].data.ptr;
        if (w->dead)
            continue;
        if (w->fd != l->timer_fd)
            done++;
        w->fn(w->arg, ev[i].events);
    }
    done += run_timers(l);
    done += run_deferred(l);
    l->turning = false;
    bury(l);
    arm(l);
    return done;
}

void loop_run(struct loop *l)
{
    while (!l->stop)
        loop_turn(l, -1);
}

/* --- watches --- */

struct loop_watch *loop_watch(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *arg)
{
    struct loop_watch *w = mem_new(sizeof *w);
    struct epoll_event ev = {.events = events, .data.ptr = w};

    *w = (struct loop_watch){.loop = l, .fd = fd, .fn = fn, .arg = arg, .next = l->watches};
    if (l->watches)
        l->watches->prev = w;
    l->watches = w;
    /* Fails for a bad or doubly watched fd (our bug) and at the kernel's limit on watches. */
    if (epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &ev) < 0)
        abort();
    return w;
}

void loop_watch_set(struct loop_watch *w, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};

    if (epoll_ctl(w->loop->ep, EPOLL_CTL_MOD, w->fd, &ev) < 0)
        abort();
}

void loop_unwatch(struct loop_watch *w)
{
    struct loop *l;

    if (!w)
        return;
    l = w->loop;
    epoll_ctl(l->ep, EPOLL_CTL_DEL, w->fd, NULL);
    if (w->prev)
        w->prev->next = w->next;
    else
        l->watches = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->dead = true;
    w->next = l->dead;
    l->dead = w;
    if (!l->turning)
        bury(l);
}

/* --- timers --- */

struct loop_timer *loop_timer(struct loop *l, int64_t delay_us, int64_t every_us, loop_fn *fn, void *arg)
{
    struct loop_timer *t = mem_new(sizeof *t);

    *t = (struct loop_timer){.loop = l, .at = HEAP_NONE, .fn = fn, .arg = arg, .next = l->timers};
    if (l->timers)
        l->timers->prev = t;
    l->timers = t;
    loop_timer_set(t, delay_us, every_us);
    return t;
}

void loop_timer_set(struct loop_timer *t, int64_t delay_us, int64_t every_us)
{
    struct loop *l = t->loop;

    heap_remove(l, t);
    t->due_us = clock_mono_us() + (delay_us > 0 ? delay_us : 0);
    t->every_us = every_us;
    t->seq = ++l->seq;
    heap_add(l, t);
    arm(l);
}

void loop_untimer(struct loop_timer *t)
{
    struct loop *l;

    if (!t)
        return;
    l = t->loop;
    heap_remove(l, t);
    if (t->prev)
        t->prev->next = t->next;
    else
        l->timers = t->next;
    if (t->next)
        t->next->prev = t->prev;
    free(t);
}

/* --- calls kept for later --- */

void loop_defer(struct loop *l, loop_fn *fn, void *arg)
{
    struct call *c = mem_new(sizeof *c);

    *c = (struct call){fn, arg, NULL};
    *l->deferred_end = c;
    l->deferred_end = &c->next;
    l->armed_stale = true;
    arm(l);
}

void loop_undefer(struct loop *l, loop_fn *fn, void *arg)
{
    struct call **at = &l->deferred;

    while (*at) {
        struct call *c = *at;
        if (c->fn != fn || c->arg != arg) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        if (l->deferred_end == &c->next)
            l->deferred_end = at;
        free(c);
    }
}

void loop_at_free(struct loop *l, loop_fn *fn, void *arg)
{
    struct call *c = mem_new(sizeof *c);

    *c = (struct call){fn, arg, l->at_free};
    l->at_free = c;
}

/* --- signals --- */

static void on_signal(void *arg, uint32_t events)
{
    struct loop *l = arg;
    struct signalfd_siginfo si;

    (void)events;
    while (read(l->signal_fd, &si, sizeof si) == sizeof si) {
        if (si.ssi_signo != SIGHUP)
            l->stop = true;
        else if (l->on_hup)
            l->on_hup(l->hup_arg);
    }
}

bool loop_signals(struct loop *l, loop_fn *on_hup, void *arg, struct err *err)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    errno = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (errno != 0)
        return err_errno(err, "block signals");
    l->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (l->signal_fd < 0)
        return err_errno(err, "signalfd");
    l->on_hup = on_hup;
    l->hup_arg = arg;
    loop_watch(l, l->signal_fd, EPOLLIN, on_signal, l);
    return true;
}
