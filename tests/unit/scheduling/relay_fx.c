#include "tests/unit/scheduling/relay_fx.h"
#include "core/mem.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct relay {
    int listener, stop[2];
    char dir[108], conninfo[300], server[108];
    pthread_t thread;
    atomic_int cut;
};

static int unix_address(struct sockaddr_un *a, const char *path)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    return snprintf(a->sun_path, sizeof a->sun_path, "%s", path);
}

static int dial(const struct relay *r)
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    unix_address(&a, r->server);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        abort();
    return fd;
}

/* The simple query COMMIT: 'Q', length 11, "COMMIT\0". Our batches send it alone. */
static bool is_commit(const char *buf, ssize_t n)
{
    return n == 12 && !memcmp(buf,
                              "Q\0\0\0\x0b"
                              "COMMIT",
                              12);
}

static bool give(int to, const char *buf, ssize_t n)
{
    return write(to, buf, (size_t)n) == n;
}

/* true: go on. */
static bool pump(struct relay *r, int from, int to, bool to_server)
{
    char buf[65536];
    ssize_t n = read(from, buf, sizeof buf);
    int cut;

    if (n <= 0)
        return false;
    if (!to_server || !is_commit(buf, n) || !(cut = atomic_exchange(&r->cut, RELAY_STRAIGHT)))
        return give(to, buf, n);
    if (cut == RELAY_CUT_AFTER_COMMIT && give(to, buf, n) &&
        read(to, buf, sizeof buf) < 0) /* it is done; swallow the news */
        abort();
    return false;
}

static bool carry(struct relay *r, int client)
{
    int server = dial(r);
    struct pollfd p[3] = {{client, POLLIN, 0}, {server, POLLIN, 0}, {r->stop[0], POLLIN, 0}};
    bool go = true;

    while (go && poll(p, 3, -1) > 0 && !p[2].revents) {
        if (p[0].revents)
            go = pump(r, client, server, true);
        if (go && p[1].revents)
            go = pump(r, server, client, false);
    }
    close(client);
    close(server);
    return !p[2].revents;
}

/* One connection at a time is all an owner has. */
static void *run(void *arg)
{
    struct relay *r = arg;
    struct pollfd p[2] = {{r->listener, POLLIN, 0}, {r->stop[0], POLLIN, 0}};

    while (poll(p, 2, -1) > 0 && !p[1].revents) {
        int client = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);

        if (client >= 0 && !carry(r, client))
            break;
    }
    return NULL;
}

static void relay_end(void *arg)
{
    struct relay *r = arg;
    char path[140];

    if (write(r->stop[1], "x", 1) != 1)
        abort();
    pthread_join(r->thread, NULL);
    close(r->listener);
    close(r->stop[0]);
    close(r->stop[1]);
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", r->dir);
    unlink(path);
    rmdir(r->dir);
    free(r);
}

struct relay *relay_open(struct test *t, const struct fx *f)
{
    struct relay *r = mem_new(sizeof *r);
    const char *host = strstr(f->sched, "host=") + 5, *rest = strchr(host, ' ');
    struct sockaddr_un a;
    char path[140];

    snprintf(r->server, sizeof r->server, "%.*s/.s.PGSQL.5432", (int)(rest - host), host);
    snprintf(r->dir, sizeof r->dir, "/tmp/yz-relay-%d-XXXXXX", (int)getpid());
    CHECK(mkdtemp(r->dir) != NULL);
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", r->dir);
    snprintf(r->conninfo, sizeof r->conninfo, "host=%s%s", r->dir, rest);
    r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unix_address(&a, path);
    CHECK_INT(bind(r->listener, (struct sockaddr *)&a, sizeof a), 0);
    CHECK_INT(listen(r->listener, 8), 0);
    CHECK_INT(pipe(r->stop), 0);
    CHECK_INT(pthread_create(&r->thread, NULL, run, r), 0);
    test_cleanup(t, relay_end, r);
    return r;
}

const char *relay_conninfo(const struct relay *r)
{
    return r->conninfo;
}

void relay_cut_next(struct relay *r, enum relay_cut cut)
{
    atomic_store(&r->cut, (int)cut);
}
