/* client_fx.h - what signald is to schedulerd, as much as a test needs: asks over the socket, counts answers and events. */
#pragma once
#include "core/ask.h"
#include "core/loop.h"
#include "tests/unit/scheduling/sched_fx.h"

struct reply {
    bool done;
    struct err err; /* of a refusal */
    json_t *doc;
};

struct client {
    struct test *t;
    struct loop *loop;
    struct wire *wire;
    struct reply replies[8192]; /* by request id */
    uint64_t last_id;
    uint64_t epoch, hello_seq; /* of the last ASK_HELLO */
    int hellos, closes;
    uint64_t first_seq, last_seq;
    int events, gaps;
};

/** Freed with the test. */
struct client *client_open(struct test *t, const char *socket_path);
/** @return the request id, or 0 when the socket is away. Body with ' for ". */
uint64_t client_ask(struct client *c, const char *login, enum sched_op op, const char *key, const char *body,
                    ...) __attribute__((format(printf, 5, 6)));
/** Wait for the answer; the reply is lent. */
struct reply *client_wait(struct client *c, uint64_t id);
void client_subscribe(struct client *c, uint64_t after_seq);

/** yz-schedulerd of this build on a database, in a folder of its own. */
struct daemon {
    struct test *t;
    int pid;
    char socket[160];
    uint16_t node;
};
struct daemon *daemon_start(struct test *t, const struct fx *f, const char *socket_path, uint16_t node);
void daemon_signal(struct daemon *d, int sig);
void daemon_wait(struct daemon *d); /* until it has ended */
