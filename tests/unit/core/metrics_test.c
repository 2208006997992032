#include "tests/unit/test.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "core/unix_socket.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct metric IN_A = {.name = "yz_test_in_total",
                             .help = "Things in.",
                             .kind = METRIC_K_COUNTER,
                             .label = "lane",
                             .label_value = "a"};
static struct metric IN_B = {.name = "yz_test_in_total",
                             .help = "Things in.",
                             .kind = METRIC_K_COUNTER,
                             .label = "lane",
                             .label_value = "b"};
static struct metric OPEN = METRIC_GAUGE("yz_test_open", "Things open.");
static struct metric WAIT = METRIC_HISTOGRAM("yz_test_wait_us", "Time waited.", METRIC_BOUNDS_US);

static void register_once(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    metrics_add(&IN_A);
    metrics_add(&OPEN);
    metrics_add(&IN_B); /* apart from its sibling on purpose */
    metrics_add(&WAIT);
}

TEST(metrics, samples_of_one_name_share_one_explanation)
{
    register_once();
    IN_A.value = 5;
    IN_B.value = 6;
    OPEN.value = -1;
    char *text = metrics_text(NULL);
    CHECK(strstr(text, "# HELP yz_test_in_total Things in.\n# TYPE yz_test_in_total counter\n"
                       "yz_test_in_total{lane=\"a\"} 5\nyz_test_in_total{lane=\"b\"} 6\n"));
    CHECK(strstr(text, "# TYPE yz_test_open gauge\nyz_test_open -1\n"));
    CHECK(strstr(text, "\nprocess_resident_memory_bytes "));
    CHECK(strstr(text, "\nprocess_cpu_seconds_total "));
    CHECK(strstr(text, "\nprocess_open_fds "));
    free(text);
}

TEST(metrics, a_histogram_counts_from_below)
{
    register_once();
    metric_observe(&WAIT, 50);
    metric_observe(&WAIT, 51);
    metric_observe(&WAIT, INT64_C(99000000));
    char *text = metrics_text(NULL);
    CHECK(strstr(text, "yz_test_wait_us_bucket{le=\"50\"} 1\n"));
    CHECK(strstr(text, "yz_test_wait_us_bucket{le=\"100\"} 2\n"));
    CHECK(strstr(text, "yz_test_wait_us_bucket{le=\"5000000\"} 2\n"));
    CHECK(strstr(text, "yz_test_wait_us_bucket{le=\"+Inf\"} 3\n"));
    CHECK(strstr(text, "yz_test_wait_us_sum 99000101\n"));
    CHECK(strstr(text, "yz_test_wait_us_count 3\n"));
    free(text);
}

struct served {
    struct loop *loop;
    const char *path;
};

static struct served serve(struct test *t)
{
    struct served s;
    struct err err = ERR_INIT;

    register_once();
    s.path = test_path(t, test_dir(t), "m.sock");
    CHECK_OK(loop_new(&s.loop, &err), &err);
    CHECK_OK(metrics_serve(s.loop, s.path, &err), &err);
    return s;
}

TEST(metrics, answers_http_on_its_socket)
{
    struct served s = serve(t);
    struct err err = ERR_INIT;
    static char buf[65536];
    size_t n = 0;
    ssize_t got = -1;
    int fd;

    CHECK_OK(unix_socket_connect(&fd, s.path, SOCK_STREAM, &err), &err);
    CHECK(send(fd, "GET /metrics HTTP/1.0\r\nHost: x\r\n", 32, 0) == 32);
    loop_turn(s.loop, 10);
    CHECK(send(fd, "\r\n", 2, 0) == 2);
    int64_t deadline = test_deadline_us(5000);
    while (got != 0 && test_turn(s.loop, deadline)) {
        got = recv(fd, buf + n, sizeof buf - 1 - n, MSG_DONTWAIT);
        n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    buf[n] = '\0';
    CHECK(strncmp(buf, "HTTP/1.0 200 OK\r\n", 17) == 0);
    char *body = strstr(buf, "\r\n\r\n") + 4;
    size_t length = 0;
    CHECK_INT(sscanf(strstr(buf, "Content-Length: "), "Content-Length: %zu", &length), 1);
    CHECK_INT(strlen(body), length);
    CHECK(strstr(body, "yz_test_open"));
    loop_free(s.loop);
    CHECK(access(s.path, F_OK) != 0);
}

TEST(metrics, a_client_that_leaves_or_floods_is_forgotten)
{
    struct served s = serve(t);
    struct err err = ERR_INIT;
    static const char junk[16384];
    int fd[40];

    for (size_t i = 0; i < 40; i++)
        CHECK_OK(unix_socket_connect(&fd[i], s.path, SOCK_STREAM, &err), &err);
    CHECK(send(fd[0], junk, sizeof junk, MSG_DONTWAIT | MSG_NOSIGNAL) > 0);
    for (int i = 0; i < 100; i++)
        loop_turn(s.loop, 0);
    for (size_t i = 0; i < 40; i++)
        close(fd[i]);
    for (int i = 0; i < 100; i++)
        loop_turn(s.loop, 0);
    CHECK_OK(unix_socket_connect(&fd[0], s.path, SOCK_STREAM, &err), &err);
    close(fd[0]);
    loop_free(s.loop); /* the sanitizer finds what was not given back */
}

TEST(unix_socket, a_stale_file_is_replaced_and_a_living_listener_is_not)
{
    const char *path = test_path(t, test_dir(t), "s.sock");
    struct err err = ERR_INIT;
    int one, two;

    CHECK_OK(unix_socket_listen(&one, path, SOCK_SEQPACKET, &err), &err);
    CHECK_ERR(unix_socket_listen(&two, path, SOCK_SEQPACKET, &err), &err, ERR_CONFLICT, "socket_in_use");
    CHECK_ERR(unix_socket_listen(&two, path, SOCK_STREAM, &err), &err, ERR_CONFLICT, "socket_in_use");
    close(one);
    CHECK_OK(unix_socket_listen(&two, path, SOCK_SEQPACKET, &err), &err);
    close(two);
}

TEST(unix_socket, a_file_that_is_no_socket_is_left_alone)
{
    const char *path = test_path(t, test_dir(t), "precious");
    struct err err = ERR_INIT;
    FILE *f = fopen(path, "we");
    int fd;

    CHECK(f);
    fclose(f);
    CHECK_ERR(unix_socket_listen(&fd, path, SOCK_STREAM, &err), &err, ERR_CONFLICT, "path_taken");
    CHECK_INT(access(path, F_OK), 0);
}

TEST(unix_socket, a_path_too_long_is_said_to_be)
{
    char path[200];
    struct err err = ERR_INIT;
    int fd;

    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    CHECK_ERR(unix_socket_listen(&fd, path, SOCK_STREAM, &err), &err, ERR_INVALID, "path_too_long");
    CHECK_ERR(unix_socket_connect(&fd, path, SOCK_STREAM, &err), &err, ERR_INVALID, "path_too_long");
    CHECK_ERR(unix_socket_connect(&fd, "/no/such/socket", SOCK_STREAM, &err), &err, ERR_IO, "os_error");
}
