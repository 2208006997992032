#include "line.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"

struct line {
    struct loop *loop;
    struct loop_timer *timer;
    line_deliver_fn *deliver;
    void *arg;
    struct parcel *first, **tail;
    size_t bytes;
    bool held, blocked, armed, running;
};

static void on_due(void *arg);

struct line *line_new(struct loop *loop, line_deliver_fn *deliver, void *arg)
{
    struct line *l = calloc(1, sizeof *l);

    assert(l);
    l->loop = loop;
    l->deliver = deliver;
    l->arg = arg;
    l->tail = &l->first;
    return l;
}

void line_free(struct line *l)
{
    struct parcel *p;

    if (!l)
        return;
    loop_untimer(l->timer);
    while ((p = l->first)) {
        l->first = p->next;
        free(p);
    }
    free(l);
}

static void arm(struct line *l)
{
    int64_t wait_us = l->first->due_us - clock_mono_us();

    if (wait_us < 0)
        wait_us = 0;
    if (l->timer)
        loop_timer_set(l->timer, wait_us, 0);
    else
        l->timer = loop_timer(l->loop, wait_us, 0, on_due, l);
    l->armed = true;
}

/* Deliver what is due; arm the timer for what is not. */
static void run(struct line *l)
{
    l->running = true;
    while (l->first && !l->held && !l->blocked && l->first->due_us <= clock_mono_us()) {
        struct parcel *p = l->first;

        if (!l->deliver(l->arg, p)) {
            l->blocked = true;
            break;
        }
        l->first = p->next;
        if (!l->first)
            l->tail = &l->first;
        l->bytes -= p->len;
        free(p);
    }
    l->running = false;
    if (l->first && !l->held && !l->blocked && !l->armed)
        arm(l);
}

static void on_due(void *arg)
{
    struct line *l = arg;

    l->armed = false;
    run(l);
}

void line_put(struct line *l, const void *data, size_t len, void *to, int64_t due_us)
{
    struct parcel *p = malloc(sizeof *p + len);

    assert(p);
    *p = (struct parcel){.due_us = due_us, .to = to, .len = len};
    if (len)
        memcpy(p->data, data, len);
    *l->tail = p;
    l->tail = &p->next;
    l->bytes += len;
    if (!l->running)
        run(l);
}

void line_kick(struct line *l)
{
    l->blocked = false;
    if (!l->running)
        run(l);
}

void line_hold(struct line *l, bool held)
{
    l->held = held;
    if (!held && !l->running)
        run(l);
}

size_t line_bytes(const struct line *l)
{
    return l->bytes;
}
