#include "core/metrics.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/unix_socket.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

const int64_t METRIC_BOUNDS_US[] = {50,    100,   250,    500,    1000,    2500,    5000, 10000,
                                    25000, 50000, 100000, 500000, 1000000, 5000000, 0};

static struct metric *registered;

void metrics_add(struct metric *m)
{
    struct metric **end = &registered, **after_kin = NULL;

    /* Samples of one name stand together in the text, whatever their label. */
    for (; *end; end = &(*end)->next) {
        assert(*end != m);
        if (strcmp((*end)->name, m->name) == 0)
            after_kin = &(*end)->next;
    }
    if (!after_kin)
        after_kin = end;
    m->next = *after_kin;
    *after_kin = m;
}

void metric_observe(struct metric *m, int64_t value)
{
    int i = 0;

    while (i < METRIC_BUCKETS && m->bounds[i] != 0 && value > m->bounds[i])
        i++;
    m->bucket[i]++;
    m->sum += value;
    m->count++;
}

/* --- the text (Prometheus exposition format 0.0.4) --- */

static void put_labels(FILE *f, const struct metric *m, const char *more)
{
    if (!m->label && !more)
        return;
    fputc('{', f);
    if (m->label)
        fprintf(f, "%s=\"%s\"%s", m->label, m->label_value, more ? "," : "");
    fprintf(f, "%s}", more ? more : "");
}

static void put_sample(FILE *f, const struct metric *m, const char *suffix, const char *more, int64_t value)
{
    fprintf(f, "%s%s", m->name, suffix);
    put_labels(f, m, more);
    fprintf(f, " %" PRId64 "\n", value);
}

static void put_histogram(FILE *f, const struct metric *m)
{
    int64_t below = 0;
    char le[40];

    for (int i = 0; i < METRIC_BUCKETS && m->bounds[i] != 0; i++) {
        below += m->bucket[i];
        snprintf(le, sizeof le, "le=\"%" PRId64 "\"", m->bounds[i]);
        put_sample(f, m, "_bucket", le, below);
    }
    put_sample(f, m, "_bucket", "le=\"+Inf\"", m->count);
    put_sample(f, m, "_sum", NULL, m->sum);
    put_sample(f, m, "_count", NULL, m->count);
}

static void put_metric(FILE *f, const struct metric *m, const struct metric *before)
{
    static const char *const KINDS[] = {"counter", "gauge", "histogram"};

    if (!before || strcmp(before->name, m->name) != 0)
        fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, KINDS[m->kind]);
    if (m->kind == METRIC_K_HISTOGRAM)
        put_histogram(f, m);
    else
        put_sample(f, m, "", NULL, m->value);
}

static int64_t resident_bytes(void)
{
    char line[128] = "", *second; /* "size resident shared …", in pages */
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (!fgets(line, sizeof line, f))
        line[0] = '\0';
    fclose(f);
    second = strchr(line, ' ');
    return second ? strtoll(second, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

static int64_t open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int64_t n = -3; /* ".", ".." and the folder itself */

    if (!d)
        return 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void put_process(FILE *f)
{
    struct rusage ru;

    getrusage(RUSAGE_SELF, &ru);
    fprintf(f,
            "# HELP process_cpu_seconds_total User and system CPU time spent.\n"
            "# TYPE process_cpu_seconds_total counter\n"
            "process_cpu_seconds_total %.6f\n",
            (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
                (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
    fprintf(f,
            "# HELP process_resident_memory_bytes Memory in RAM.\n"
            "# TYPE process_resident_memory_bytes gauge\n"
            "process_resident_memory_bytes %" PRId64 "\n",
            resident_bytes());
    fprintf(f,
            "# HELP process_open_fds File descriptors in use.\n"
            "# TYPE process_open_fds gauge\n"
            "process_open_fds %" PRId64 "\n",
            open_fds());
}

char *metrics_text(size_t *len)
{
    char *text = NULL;
    size_t n = 0;
    const struct metric *before = NULL;
    FILE *f = open_memstream(&text, &n);

    if (!f)
        abort();
    for (const struct metric *m = registered; m; before = m, m = m->next)
        put_metric(f, m, before);
    put_process(f);
    if (fclose(f) != 0)
        abort();
    if (len)
        *len = n;
    return text;
}

/* --- the server: one request, one answer, close --- */

#define CLIENTS_MAX 16
#define REQUEST_MAX 8192
#define CLIENT_US   (INT64_C(5) * 1000000)

struct server;
struct client {
    struct server *server;
    struct client *prev, *next;
    struct loop_watch *watch;
    struct loop_timer *patience;
    int fd;
    unsigned seen;    /* bytes of the request so far */
    unsigned newline; /* 2: the empty line that ends it has come */
    char *answer;
    size_t len, sent;
};
struct server {
    struct loop *loop;
    struct loop_watch *watch;
    int fd, clients_n;
    struct client *clients;
    char *path;
};

static void client_free(void *arg)
{
    struct client *c = arg;

    if (c->prev)
        c->prev->next = c->next;
    else
        c->server->clients = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->server->clients_n--;
    loop_unwatch(c->watch);
    loop_untimer(c->patience);
    close(c->fd);
    free(c->answer);
    free(c);
}

static void client_write(struct client *c)
{
    while (c->sent < c->len) {
        ssize_t n = send(c->fd, c->answer + c->sent, c->len - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            break;
        c->sent += (size_t)n;
    }
    client_free(c);
}

static void client_answer(struct client *c)
{
    size_t len;
    char *text = metrics_text(&len);

    c->answer = mem_format("HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                           "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                           len, text);
    c->len = strlen(c->answer);
    free(text);
    loop_watch_set(c->watch, EPOLLOUT);
    client_write(c);
}

static void on_client(void *arg, uint32_t events)
{
    struct client *c = arg;
    char buf[1024];
    ssize_t n;

    if (c->answer) {
        client_write(c);
        return;
    }
    (void)events;
    n = recv(c->fd, buf, sizeof buf, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        client_free(c);
        return;
    }
    for (ssize_t i = 0; i < n && c->newline < 2; i++) {
        if (buf[i] == '\n')
            c->newline++;
        else if (buf[i] != '\r')
            c->newline = 0;
    }
    c->seen += (unsigned)n;
    if (c->newline >= 2)
        client_answer(c);
    else if (c->seen > REQUEST_MAX)
        client_free(c);
}

static void on_connect(void *arg, uint32_t events)
{
    struct server *s = arg;
    struct client *c;
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd < 0)
        return;
    if (s->clients_n >= CLIENTS_MAX) {
        close(fd);
        return;
    }
    c = mem_new(sizeof *c);
    *c = (struct client){.server = s, .fd = fd, .next = s->clients};
    if (s->clients)
        s->clients->prev = c;
    s->clients = c;
    s->clients_n++;
    c->watch = loop_watch(s->loop, fd, EPOLLIN, on_client, c);
    c->patience = loop_timer(s->loop, CLIENT_US, 0, client_free, c);
}

static void server_free(void *arg)
{
    struct server *s = arg;

    for (struct client *c = s->clients, *next; c; c = next) {
        next = c->next;
        client_free(c);
    }
    loop_unwatch(s->watch);
    close(s->fd);
    unlink(s->path);
    free(s->path);
    free(s);
}

bool metrics_serve(struct loop *loop, const char *socket_path, struct err *err)
{
    struct server *s;
    int fd;

    if (!unix_socket_listen(&fd, socket_path, SOCK_STREAM, err))
        return false;
    s = mem_new(sizeof *s);
    *s = (struct server){.loop = loop, .fd = fd, .path = mem_str(socket_path)};
    s->watch = loop_watch(loop, fd, EPOLLIN, on_connect, s);
    loop_at_free(loop, server_free, s);
    return true;
}
