#include "core/mailbox.h"
#include "core/mem.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    struct loop *loop;
    struct loop_watch *watch;
    mailbox_fn *fn;
    void *arg;
    int fd; /* eventfd: readable while mail waits */
    pthread_mutex_t lock;
    struct mail *first, **last; /* lock */
};

/* Runs on: the loop. */
static void deliver(struct mailbox *mb)
{
    struct mail *m, *next;

    pthread_mutex_lock(&mb->lock);
    m = mb->first;
    mb->first = NULL;
    mb->last = &mb->first;
    pthread_mutex_unlock(&mb->lock);
    for (; m; m = next) {
        next = m->next; /* fn may free m */
        mb->fn(mb->arg, m);
    }
}

static void on_mail(void *arg, uint32_t events)
{
    struct mailbox *mb = arg;
    uint64_t n;

    (void)events;
    /* First the counter, then the list: mail posted in between rings again. */
    if (read(mb->fd, &n, sizeof n) < 0 && errno != EAGAIN && errno != EINTR)
        abort();
    deliver(mb);
}

bool mailbox_new(struct mailbox **out, struct loop *l, mailbox_fn *fn, void *arg, struct err *err)
{
    struct mailbox *mb;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (fd < 0)
        return err_errno(err, "eventfd");
    mb = mem_new(sizeof *mb);
    *mb = (struct mailbox){.loop = l, .fn = fn, .arg = arg, .fd = fd};
    mb->last = &mb->first;
    pthread_mutex_init(&mb->lock, NULL);
    mb->watch = loop_watch(l, fd, EPOLLIN, on_mail, mb);
    *out = mb;
    return true;
}

void mailbox_free(struct mailbox *mb)
{
    if (!mb)
        return;
    loop_unwatch(mb->watch);
    while (mb->first)
        deliver(mb);
    close(mb->fd);
    pthread_mutex_destroy(&mb->lock);
    free(mb);
}

void mailbox_post(struct mailbox *mb, struct mail *m)
{
    uint64_t one = 1;
    bool ring;

    m->next = NULL;
    pthread_mutex_lock(&mb->lock);
    ring = !mb->first;
    *mb->last = m;
    mb->last = &m->next;
    /* Inside the lock: once it is released the loop may take the mail and free the mailbox. */
    if (ring && write(mb->fd, &one, sizeof one) != sizeof one)
        abort();
    pthread_mutex_unlock(&mb->lock);
}
