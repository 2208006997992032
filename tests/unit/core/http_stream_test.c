/* Answers that are made while they leave: a child serves, the test reads what comes. */
#include "core/clock.h"
#include "core/http/http_server.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/unix_socket.h"
#include "tests/unit/test.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_S 60
#define PIECE  300000 /* more than one write */
#define PIECES 5

/* --- the child --- */

struct maker {
    struct loop *loop;
    struct request *req;
    int made, breaks_after; /* -1: never */
};

static struct loop *child_loop;
static int makers;

static void make(void *arg)
{
    struct maker *m = arg;
    struct request *req = m->req;
    char *bytes;

    m->req = NULL;
    if (m->made == m->breaks_after) {
        request_broken(req);
        return;
    }
    bytes = mem_new(PIECE);
    memset(bytes, 'a' + m->made++, PIECE);
    request_more(req, bytes, PIECE, m->made == PIECES);
}

/* Every second piece comes at once, the others later. */
static void next(void *arg, struct request *req)
{
    struct maker *m = arg;

    m->req = req;
    if (m->made % 2)
        make(m);
    else
        loop_defer(m->loop, make, m);
}

static void done(void *arg)
{
    makers--;
    free(arg);
}

static void send_stream(struct request *req, size_t len, int breaks_after)
{
    struct maker *m = mem_new(sizeof *m);

    *m = (struct maker){.loop = child_loop, .breaks_after = breaks_after};
    makers++;
    request_answer_stream(req, 200, "text/plain", len, &(struct answer_stream){next, done, m});
}

static void known(struct request *req)
{
    send_stream(req, (size_t)PIECE * PIECES, -1);
}

static void unknown(struct request *req)
{
    send_stream(req, ANSWER_LENGTH_UNKNOWN, -1);
}

static void broken(struct request *req)
{
    send_stream(req, (size_t)PIECE * PIECES, 2);
}

static void count(struct request *req)
{
    request_answer_text(req, 200, "text/plain", mem_format("%d", makers), 1);
}

static void routed(struct request *req)
{
    req->route->handler(req);
}

static void serve(const char *path)
{
    static const struct route ROUTES[] = {
        {.method = HTTP_GET, .path = "/known", .handler = known},
        {.method = HTTP_GET, .path = "/unknown", .handler = unknown},
        {.method = HTTP_GET, .path = "/broken", .handler = broken},
        {.method = HTTP_GET, .path = "/count", .handler = count},
    };
    struct http_app app = {.name = "test", .title = "test", .routes = {ROUTES, 4}, .routed = routed};
    struct http_server *h = NULL;
    struct err err = ERR_INIT;

    log_init("http-test", LOG_ERROR);
    if (!loop_new(&child_loop, &err) || !loop_signals(child_loop, NULL, NULL, &err))
        exit(1);
    app.loop = child_loop;
    if (!http_server_new(&h, &app, path, &err))
        exit(1);
    http_server_run(h);
    http_server_free(h);
    loop_free(child_loop);
    exit(makers ? 2 : 0);
}

/* --- the test --- */

struct served {
    int pid;
    const char *path;
};

static int dial(const struct served *s)
{
    int64_t deadline = test_deadline_us(WAIT_S * 1000);
    int fd = -1;

    while (!unix_socket_connect(&fd, s->path, SOCK_STREAM, NULL)) {
        CHECK(clock_mono_us() < deadline);
        poll(NULL, 0, 20);
    }
    return fd;
}

static void stop(void *arg)
{
    struct served *s = arg;
    int status = -1;

    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
    free(s);
    CHECK_INT(status, 0);
}

static struct served *start(struct test *t)
{
    struct served *s = mem_new(sizeof *s);

    s->path = test_path(t, test_dir(t), "http.sock");
    fflush(NULL);
    s->pid = fork();
    if (s->pid == 0)
        serve(s->path);
    test_cleanup(t, stop, s);
    return s;
}

static char rx[4 << 20];

static ssize_t receive(int fd, size_t at, size_t max)
{
    struct pollfd p = {fd, POLLIN, 0};

    CHECK_INT(poll(&p, 1, WAIT_S * 1000), 1);
    return recv(fd, rx + at, max, 0);
}

static size_t get(const struct served *s, const char *method, const char *path)
{
    char *text = mem_format("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path);
    int fd = dial(s);
    size_t len = 0;

    CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    free(text);
    for (ssize_t n; (n = receive(fd, len, sizeof rx - 1 - len)) > 0;)
        len += (size_t)n;
    close(fd);
    rx[len] = '\0';
    return len;
}

static void check_letters(const char *body, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (body[i] != (char)('a' + (at + i) / PIECE))
            fail_msg("byte %zu is %d", at + i, body[i]);
}

TEST(stream, of_known_length_arrives_whole)
{
    struct served *s = start(t);
    size_t len = get(s, "GET", "/known");
    const char *body = strstr(rx, "\r\n\r\n") + 4;

    CHECK(strstr(rx, "Content-Length: 1500000\r\n"));
    CHECK_INT(len - (size_t)(body - rx), PIECE * PIECES);
    check_letters(body, 0, PIECE * PIECES);
}

TEST(stream, of_unknown_length_comes_in_chunks)
{
    struct served *s = start(t);
    size_t len = get(s, "GET", "/unknown"), at = 0;
    char *p = strstr(rx, "\r\n\r\n") + 4;

    CHECK(strstr(rx, "Transfer-Encoding: chunked\r\n"));
    for (;;) {
        size_t n = strtoul(p, &p, 16);
        CHECK(!memcmp(p, "\r\n", 2));
        if (!n)
            break;
        check_letters(p + 2, at, n);
        at += n;
        p += 2 + n;
        CHECK(!memcmp(p, "\r\n", 2));
        p += 2;
    }
    CHECK_INT(at, PIECE * PIECES);
    CHECK(p + 4 == rx + len);
}

TEST(stream, that_breaks_is_never_taken_for_whole)
{
    struct served *s = start(t);
    size_t len = get(s, "GET", "/broken");

    CHECK(strstr(rx, "Content-Length: 1500000\r\n"));
    CHECK(len < PIECE * PIECES);
}

TEST(stream, is_given_up_when_nobody_listens)
{
    static const char ASK[] = "GET /known HTTP/1.1\r\nHost: x\r\n\r\n";
    struct served *s = start(t);
    int64_t deadline = test_deadline_us(WAIT_S * 1000);

    for (int i = 0; i < 20; i++) {
        int fd = dial(s);
        CHECK_INT(send(fd, ASK, sizeof ASK - 1, MSG_NOSIGNAL), sizeof ASK - 1);
        if (i % 2)
            CHECK(receive(fd, 0, 1000) > 0);
        close(fd);
    }
    do {
        CHECK(clock_mono_us() < deadline);
        get(s, "GET", "/count");
    } while (strcmp(strstr(rx, "\r\n\r\n") + 4, "0") != 0);
}

TEST(stream, has_no_body_for_a_head)
{
    struct served *s = start(t);
    size_t len = get(s, "HEAD", "/known");

    CHECK(strstr(rx, "Content-Length: 1500000\r\n"));
    CHECK(!memcmp(rx + len - 4, "\r\n\r\n", 4));
}
