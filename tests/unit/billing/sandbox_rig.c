#include "tests/unit/billing/sandbox_rig.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"
#include "core/unix_socket.h"
#include "tests/unit/billing/wechat_rig.h"

#define PATIENCE_MS 10000
#define TEXT_MAX    (1 << 20)

/* ---------------------------------------------------------------- the process */

static void write_file(struct test *t, const char *dir, const char *name, const char *text)
{
    FILE *f = fopen(test_path(t, dir, name), "we");

    CHECK(f && fputs(text, f) >= 0);
    fclose(f);
}

static void launch(struct sandbox_rig *rig)
{
    char *data = mem_format("--data=%s", rig->dir),
         *notify = mem_format("--paysandbox.notify=%s/door.sock", rig->dir);
    char *const argv[] = {(char *)YZ_PAYSANDBOX,
                          data,
                          notify,
                          (char *)"--log.level=error",
                          (char *)"--paysandbox.merchant_serial=" RIG_SERIAL,
                          (char *)"--paysandbox.serial=" RIG_CHANNEL,
                          (char *)"--paysandbox.retry=50",
                          NULL};

    rig->pid = fork();
    CHECK(rig->pid >= 0);
    if (rig->pid == 0) {
        execv(YZ_PAYSANDBOX, argv);
        _exit(127);
    }
    free(data);
    free(notify);
}

/* Not in the rig: it lies on the stack of a test that may have ended in the middle. */
static struct {
    pid_t pid;
    int door;
} running;

static void stop(void *arg)
{
    (void)arg;
    if (running.pid > 0) {
        kill(running.pid, SIGKILL);
        waitpid(running.pid, NULL, 0);
    }
    close(running.door);
    running.pid = 0;
}

static int dial(struct sandbox_rig *rig)
{
    char *path = mem_format("%s/run/paysandbox.sock", rig->dir);
    int64_t until = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    struct err err = ERR_INIT;
    int fd = -1;

    while (!unix_socket_connect(&fd, path, SOCK_STREAM, &err) && clock_mono_us() < until) {
        CHECK_INT(waitpid(rig->pid, NULL, WNOHANG), 0);
        err_clear(&err);
        fd = -1;
        poll(NULL, 0, 10);
    }
    CHECK(fd >= 0);
    free(path);
    fcntl(fd, F_SETFL, 0); /* blocking: poll() says when */
    return fd;
}

void sandbox_start(struct sandbox_rig *rig, struct test *t)
{
    const struct wechat_rig *keys = wechat_rig();
    struct err err = ERR_INIT;
    const char *folder;

    rig->dir = test_dir(t);
    folder = test_path(t, rig->dir, "keys");
    CHECK_INT(mkdir(folder, 0700), 0);
    write_file(t, folder, "paysandbox.pem", keys->channel_pem);
    write_file(t, folder, "paysandbox-merchant.pem", keys->ours_public_pem);
    write_file(t, folder, "paysandbox-api.key", RIG_API_KEY);
    CHECK_OK(unix_socket_listen(&rig->door, test_path(t, rig->dir, "door.sock"), SOCK_STREAM, &err), &err);
    running.door = rig->door;
    test_cleanup(t, stop, NULL);
    launch(rig);
    running.pid = rig->pid;
    close(dial(rig));
}

void sandbox_crash(struct sandbox_rig *rig)
{
    int status;

    CHECK_INT(kill(rig->pid, SIGKILL), 0);
    CHECK_INT(waitpid(rig->pid, &status, 0), rig->pid);
    running.pid = 0;
    launch(rig);
    running.pid = rig->pid;
    close(dial(rig));
}

/* ---------------------------------------------------------------- HTTP, as much as two sides of ours need */

struct http_text {
    char *text;       /* head and body, NUL behind */
    size_t len, head; /* head: with its empty line */
};

static const char *header(const struct http_text *h, const char *name, char *out, size_t cap)
{
    size_t n = strlen(name);

    *out = '\0';
    for (const char *line = h->text; line < h->text + h->head; line += strcspn(line, "\n") + 1)
        if (!strncasecmp(line, name, n) && line[n] == ':') {
            const char *value = line + n + 1 + strspn(line + n + 1, " ");

            CHECK(strcspn(value, "\r") < cap);
            memcpy(out, value, strcspn(value, "\r"));
            out[strcspn(value, "\r")] = '\0';
        }
    return out;
}

static bool whole(struct http_text *h)
{
    const char *end = strstr(h->text, "\r\n\r\n");
    char length[24];

    if (!end)
        return false;
    h->head = (size_t)(end - h->text) + 4;
    return h->len >= h->head + strtoul(header(h, "content-length", length, sizeof length), NULL, 10);
}

static struct http_text receive(int fd)
{
    struct http_text h = {.text = mem_new(TEXT_MAX)};

    while (!whole(&h)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n;

        CHECK_INT(poll(&p, 1, PATIENCE_MS), 1);
        n = recv(fd, h.text + h.len, TEXT_MAX - 1 - h.len, 0);
        CHECK(n > 0);
        h.len += (size_t)n;
        h.text[h.len] = '\0';
    }
    return h;
}

static void said_by_channel(const struct http_text *h, struct err *err, bool must)
{
    char timestamp[32], nonce[128], signature[1024], serial[128];
    struct wechat_signer channel = {RIG_CHANNEL, wechat_rig()->channel_public};
    struct wechat_signed msg = {
        .timestamp = header(h, "wechatpay-timestamp", timestamp, sizeof timestamp),
        .nonce = header(h, "wechatpay-nonce", nonce, sizeof nonce),
        .signature = header(h, "wechatpay-signature", signature, sizeof signature),
        .serial = header(h, "wechatpay-serial", serial, sizeof serial),
        .body = h->text + h->head,
        .body_len = h->len - h->head,
    };
    bool ok = wechat_verify(&msg, &channel, 1, clock_now_us() / US_PER_S, err);

    if (must)
        CHECK_OK(ok, err);
}

static struct http_text exchange(struct sandbox_rig *rig, const char *method, const char *url,
                                 const char *authorization, const char *body)
{
    int fd = dial(rig);
    char *text =
        mem_format("%s %s HTTP/1.1\r\nHost: api.example\r\n%s%s%sContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   method, url, authorization ? "Authorization: " : "", authorization ? authorization : "",
                   authorization ? "\r\n" : "", strlen(body), body);
    struct http_text h;

    CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    h = receive(fd);
    free(text);
    close(fd);
    return h;
}

static struct sandbox_answer answer_of(struct test *t, struct http_text h)
{
    struct sandbox_answer a = {.status = atoi(h.text + 9), .len = h.len - h.head};

    a.body = mem_copy(h.text + h.head, a.len + 1);
    free(h.text);
    test_cleanup(t, free, a.body);
    a.doc = json_loads(a.body, 0, NULL);
    if (a.doc)
        test_cleanup(t, (void (*)(void *))json_decref, a.doc);
    return a;
}

struct sandbox_answer sandbox_raw(struct sandbox_rig *rig, struct test *t, const char *method,
                                  const char *url, const char *authorization, const char *body)
{
    return answer_of(t, exchange(rig, method, url, authorization, body));
}

struct sandbox_answer sandbox_ask(struct sandbox_rig *rig, struct test *t, const char *method,
                                  const char *url, char *body)
{
    struct wechat_merchant us = {RIG_MCHID, RIG_SERIAL, wechat_rig()->ours};
    struct wechat_request req = {.method = method,
                                 .url = url,
                                 .body = body ? body : "",
                                 .body_len = body ? strlen(body) : 0,
                                 .now_s = clock_now_us() / US_PER_S,
                                 .nonce = "593BEC0C930BF1AFEB40B4A08C8FB242"};
    char *authorization = wechat_authorization(&us, &req);
    struct http_text h = exchange(rig, method, url, authorization, req.body);
    struct err err = ERR_INIT;

    said_by_channel(&h, &err, true);
    free(authorization);
    free(body);
    return answer_of(t, h);
}

json_t *sandbox_wants(struct sandbox_rig *rig, struct test *t, int status, const char *method,
                      const char *url, char *body)
{
    struct sandbox_answer a = sandbox_ask(rig, t, method, url, body);

    if (a.status != status)
        fprintf(stderr, "%s %s: %d %s\n", method, url, a.status, a.body);
    CHECK_INT(a.status, status);
    return a.doc;
}

void sandbox_pay(struct sandbox_rig *rig, struct test *t, const char *no)
{
    char *url = mem_format("/sandbox/pay/%s", no);

    CHECK_INT(sandbox_raw(rig, t, "POST", url, NULL, "").status, 200);
    free(url);
}

void sandbox_faults(struct sandbox_rig *rig, struct test *t, const char *json)
{
    CHECK_INT(sandbox_raw(rig, t, "POST", "/sandbox/faults", NULL, json).status, 204);
}

/* ---------------------------------------------------------------- callbacks */

static void notice_free(void *arg)
{
    wechat_notice_free(arg);
    free(arg);
}

bool sandbox_callback(struct sandbox_rig *rig, struct test *t, int status, struct wechat_notice *notice,
                      struct err *err)
{
    struct pollfd p = {.fd = rig->door, .events = POLLIN};
    struct http_text h;
    char text[64];
    int fd;

    CHECK_INT(poll(&p, 1, PATIENCE_MS), 1);
    fd = accept4(rig->door, NULL, NULL, SOCK_CLOEXEC);
    CHECK(fd >= 0);
    h = receive(fd);
    CHECK(strncmp(h.text, "POST /api/v1/pay/wechat ", 24) == 0);
    snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", status);
    CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    close(fd);
    said_by_channel(&h, err, false);
    if (!err->code && wechat_notice_open(notice, h.text + h.head, h.len - h.head, RIG_API_KEY_BYTES, err))
        test_cleanup(t, notice_free, mem_copy(notice, sizeof *notice));
    free(h.text);
    return !err->code;
}
