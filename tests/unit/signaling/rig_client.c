/* The clients of the rig: HTTP/1.1 and WebSocket over the daemon's unix socket, byte by byte our own. */
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "core/unix_socket.h"
#include "tests/unit/signaling/rig_private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RX_MAX  (1 << 20)
#define WAIT_MS 20000

struct rig_ws {
    struct rig *rig;
    int fd;
    uint8_t *rx;
    size_t len;
    bool ended;
    json_t *heard;
    struct rig_ws *next;
};

/* One set per rig; tests run one rig at a time. */
static struct {
    const char *settings;
    char *kept[256];
    int kept_n;
    struct rig_answer answer;
    char *raw;
    struct rig_ws *sockets;
} own;

void rig_private_new(struct rig *r, const char *settings)
{
    (void)r;
    own.settings = settings ? settings : "";
}

const char *rig_settings(const struct rig *r)
{
    (void)r;
    return own.settings;
}

const char *rig_keep(struct rig *r, char *text)
{
    (void)r;
    CHECK(own.kept_n < 256);
    return own.kept[own.kept_n++] = text;
}

static void answer_clear(void)
{
    free(own.answer.body);
    json_decref(own.answer.json);
    memset(&own.answer, 0, sizeof own.answer);
}

void rig_clients_end(struct rig *r)
{
    (void)r;
    while (own.sockets) {
        struct rig_ws *w = own.sockets;
        own.sockets = w->next;
        if (w->fd >= 0)
            close(w->fd);
        json_decref(w->heard);
        free(w->rx);
        free(w);
    }
}

void rig_private_free(struct rig *r)
{
    (void)r;
    answer_clear();
    free(own.raw);
    own.raw = NULL;
    while (own.kept_n)
        free(own.kept[--own.kept_n]);
}

/* --- bytes --- */

static int dial(struct rig *r)
{
    int fd = -1;

    if (!unix_socket_connect(&fd, test_path(r->t, r->dir, "run/signald.sock"), SOCK_STREAM, NULL))
        return -1;
    return fd;
}

/* The neighbours must go on while we wait for the daemon, which waits for them. */
static void send_all(struct rig *r, int fd, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            loop_turn(r->loop, 1);
            continue;
        }
        if (n < 0)
            return; /* the daemon has hung up: what it said before is still to be read */
        p += n;
        len -= (size_t)n;
    }
}

/* true: something came or the end was seen. */
static bool receive(struct rig *r, int fd, uint8_t *buf, size_t *len, bool *ended, int64_t deadline)
{
    while (clock_mono_us() < deadline) {
        ssize_t n = recv(fd, buf + *len, RX_MAX - *len, MSG_DONTWAIT);
        if (n > 0) {
            *len += (size_t)n;
            return true;
        }
        if (n == 0 || errno != EAGAIN) {
            *ended = true;
            return true;
        }
        loop_turn(r->loop, 1);
    }
    return false;
}

static const char *raw(struct rig *r, const char *bytes, size_t len, const char *until, int wait_ms,
                       bool *ended)
{
    int fd = dial(r);
    size_t got = 0;
    int64_t deadline = test_deadline_us(wait_ms);

    free(own.raw);
    own.raw = mem_new(RX_MAX + 1);
    *ended = false;
    CHECK(fd >= 0);
    send_all(r, fd, bytes, len);
    while (!*ended && !(until && strstr(own.raw, until)) &&
           receive(r, fd, (uint8_t *)own.raw, &got, ended, deadline))
        ;
    close(fd);
    return own.raw;
}

const char *rig_raw(struct rig *r, const char *bytes, size_t len, const char *until, bool *ended)
{
    return raw(r, bytes, len, until, WAIT_MS, ended);
}

void rig_raw_and_leave(struct rig *r, const char *bytes, size_t len, int stay_ms)
{
    bool ended;

    raw(r, bytes, len, NULL, stay_ms, &ended);
}

/* --- HTTP --- */

static bool complete(const char *rx, size_t len, size_t *head_len, size_t *body_len)
{
    const char *end = memmem(rx, len, "\r\n\r\n", 4), *cl;

    if (!end)
        return false;
    *head_len = (size_t)(end - rx) + 4;
    cl = strcasestr(rx, "\r\nContent-Length: ");
    *body_len = cl && cl < end ? strtoul(cl + 18, NULL, 10) : 0;
    return len >= *head_len + *body_len;
}

const struct rig_answer *rig_http(struct rig *r, const char *method, const char *path, const char *headers,
                                  const char *body)
{
    char *head = mem_format("%s %s HTTP/1.1\r\nHost: clinic.example\r\n%s", method, path, headers);
    char *length = body ? mem_format("Content-Length: %zu\r\n", strlen(body)) : mem_str("");
    size_t len = 0, head_len = 0, body_len = 0;
    uint8_t *rx = mem_new(RX_MAX + 1);
    int64_t deadline = test_deadline_us(25000);
    bool ended = false;
    int fd = dial(r);

    answer_clear();
    if (fd >= 0) {
        send_all(r, fd, head, strlen(head));
        send_all(r, fd, length, strlen(length));
        send_all(r, fd, "\r\n", 2);
        if (body)
            send_all(r, fd, body, strlen(body));
        while (!ended && !complete((char *)rx, len, &head_len, &body_len) &&
               receive(r, fd, rx, &len, &ended, deadline))
            ;
        close(fd);
    }
    if (complete((char *)rx, len, &head_len, &body_len)) {
        sscanf((char *)rx, "HTTP/1.%*d %d", &own.answer.status);
        snprintf(own.answer.head, sizeof own.answer.head, "%.*s", (int)head_len, (char *)rx);
        own.answer.body = mem_copy(rx + head_len, body_len + 1);
        own.answer.body[body_len] = '\0';
        own.answer.json = json_loads(own.answer.body, 0, NULL);
    }
    free(rx);
    free(length);
    free(head);
    return &own.answer;
}

/* --- WebSocket, RFC 6455 --- */

struct rig_ws *rig_ws_open(struct rig *r, const char *path, const char *headers, int *status)
{
    struct rig_ws *w = mem_new(sizeof *w);
    char *head =
        mem_format("GET %s HTTP/1.1\r\nHost: clinic.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                   path, headers);
    const char *end = NULL;
    size_t used;

    w->rig = r;
    w->rx = mem_new(RX_MAX + 1);
    w->fd = dial(r);
    w->next = own.sockets;
    own.sockets = w;
    CHECK(w->fd >= 0);
    send_all(r, w->fd, head, strlen(head));
    free(head);
    while (!w->ended && !end && receive(r, w->fd, w->rx, &w->len, &w->ended, test_deadline_us(WAIT_MS)))
        end = memmem(w->rx, w->len, "\r\n\r\n", 4);
    *status = 0;
    sscanf((char *)w->rx, "HTTP/1.%*d %d", status);
    if (*status != 101 || !end)
        return NULL;
    used = (size_t)(end - (const char *)w->rx) + 4;
    memmove(w->rx, w->rx + used, w->len - used);
    w->len -= used;
    return w;
}

void rig_ws_bytes(struct rig_ws *w, const void *bytes, size_t len)
{
    send_all(w->rig, w->fd, bytes, len);
}

void rig_ws_say(struct rig_ws *w, const char *text)
{
    size_t len = strlen(text), at = 2;
    uint8_t *frame = mem_new(len + 14);

    frame[0] = 0x81;
    if (len < 126) {
        frame[1] = (uint8_t)(0x80 | len);
    } else if (len < 65536) {
        frame[1] = 0x80 | 126;
        frame[at++] = (uint8_t)(len >> 8);
        frame[at++] = (uint8_t)len;
    } else {
        frame[1] = 0x80 | 127;
        for (int i = 7; i >= 0; i--)
            frame[at++] = (uint8_t)(len >> (8 * i));
    }
    at += 4; /* a mask of zeros is a mask */
    memcpy(frame + at, text, len);
    send_all(w->rig, w->fd, frame, at + len);
    free(frame);
}

/* Takes one whole frame from the front; text is handed over, a ping answered by nothing, a close ends. */
static json_t *take(struct rig_ws *w)
{
    size_t at = 2, len;
    json_t *doc = NULL;
    uint8_t op;

    if (w->len < 2)
        return NULL;
    op = w->rx[0] & 15;
    len = w->rx[1] & 127;
    if (len == 126 && w->len >= 4) {
        len = (size_t)w->rx[2] << 8 | w->rx[3];
        at = 4;
    } else if (len == 127 && w->len >= 10) {
        len = 0;
        for (int i = 2; i < 10; i++)
            len = len << 8 | w->rx[i];
        at = 10;
    } else if (len > 125) {
        return NULL;
    }
    if (w->len < at + len)
        return NULL;
    CHECK((w->rx[0] & 0x70) == 0); /* no extension was agreed on */
    if (op == 8)
        w->ended = true;
    if (op == 1)
        doc = json_loadb((char *)w->rx + at, len, 0, NULL);
    memmove(w->rx, w->rx + at + len, w->len - at - len);
    w->len -= at + len;
    return doc ? doc : json_null();
}

static const json_t *hear(struct rig_ws *w, const char *type, const char *counted, int *n)
{
    int64_t deadline = test_deadline_us(WAIT_MS);

    json_decref(w->heard);
    w->heard = NULL;
    for (;;) {
        json_t *doc = take(w);
        if (doc && !strcmp(rig_str(doc, "t"), type))
            return w->heard = doc;
        *n += doc && counted && !strcmp(rig_str(doc, "t"), counted);
        json_decref(doc);
        if (doc)
            continue;
        if (w->ended || !receive(w->rig, w->fd, w->rx, &w->len, &w->ended, deadline))
            fail_msg("no %s was heard", type);
    }
}

const json_t *rig_ws_hear(struct rig_ws *w, const char *type)
{
    int n = 0;

    return hear(w, type, NULL, &n);
}

int rig_ws_count(struct rig_ws *w, const char *type, const char *until)
{
    int n = 0;

    hear(w, until, type, &n);
    return n;
}

bool rig_ws_ended(struct rig_ws *w)
{
    int64_t deadline = test_deadline_us(WAIT_MS);

    while (!w->ended && receive(w->rig, w->fd, w->rx, &w->len, &w->ended, deadline))
        if (w->len > RX_MAX / 2)
            w->len = 0;
    return w->ended;
}

void rig_ws_drop(struct rig_ws *w)
{
    close(w->fd);
    w->fd = -1;
}

struct rig_ws *rig_ws_greet(struct rig *r, const char *who, const char *resume)
{
    int status;
    struct rig_ws *w = rig_ws_open(r, "/ws", who, &status);
    char *hello =
        resume ? mem_format("{\"t\":\"hello\",\"resume\":\"%s\"}", resume) : mem_str("{\"t\":\"hello\"}");

    CHECK_INT(status, 101);
    rig_ws_say(w, hello);
    free(hello);
    rig_ws_hear(w, "welcome");
    return w;
}
