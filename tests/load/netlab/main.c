/* yz-relay - relay.h as a process: forwards from the command line, commands on stdin, one JSON answer per
 * line on stdout. The end of stdin ends it, so a test that dies leaves no relay behind. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "relay.h"

struct control {
    struct loop *loop;
    struct relay *relay;
    char line[256];
    size_t len;
};

static void obey(struct control *c)
{
    char answer[2048];
    struct err err = ERR_INIT;

    if (relay_command(c->relay, c->line, answer, sizeof answer, &err))
        printf("%s\n", answer);
    else
        printf("{\"ok\":false,\"code\":\"%s\"}\n", err.reason);
    fflush(stdout);
}

static void on_stdin(void *arg, uint32_t events)
{
    struct control *c = arg;
    char buf[256];
    ssize_t n = read(STDIN_FILENO, buf, sizeof buf);

    (void)events;
    if (n <= 0) {
        loop_stop(c->loop);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (buf[i] != '\n') {
            if (c->len < sizeof c->line - 1)
                c->line[c->len++] = buf[i];
            continue;
        }
        c->line[c->len] = '\0';
        c->len = 0;
        obey(c);
    }
}

static bool open_forwards(struct relay *r, int argc, char **argv, struct err *err)
{
    static const struct option OPTIONS[] = {{"udp", required_argument, NULL, 'u'},
                                            {"tcp", required_argument, NULL, 't'},
                                            {"seed", required_argument, NULL, 's'},
                                            {0}};
    uint16_t port;
    int opt;

    optind = 1;
    while ((opt = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (opt == '?')
            return err_set(err, ERR_INVALID, "option_unknown",
                           "usage: yz-relay [--seed=N] [--udp=PORT=IPV4:PORT]... [--tcp=PORT=IPV4:PORT]...");
        if (opt == 'u' && !relay_udp(r, optarg, &port, err))
            return false;
        if (opt == 't' && !relay_tcp(r, optarg, &port, err))
            return false;
    }
    return true;
}

static uint64_t seed_of(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--seed=", 7) == 0)
            return strtoull(argv[i] + 7, NULL, 10);
    return 1;
}

int main(int argc, char **argv)
{
    struct control c = {0};
    struct err err = ERR_INIT;
    bool ok = loop_new(&c.loop, &err) && loop_signals(c.loop, NULL, NULL, &err) &&
              relay_new(&c.relay, c.loop, seed_of(argc, argv), &err) &&
              open_forwards(c.relay, argc, argv, &err);

    if (ok) {
        struct loop_watch *watch = loop_watch(c.loop, STDIN_FILENO, EPOLLIN, on_stdin, &c);

        memcpy(c.line, "ports", sizeof "ports");
        obey(&c); /* the first line says where it listens */
        loop_run(c.loop);
        loop_unwatch(watch);
    } else {
        fprintf(stderr, "yz-relay: %s\n", err.text);
    }
    relay_free(c.relay);
    loop_free(c.loop);
    return ok ? 0 : 1;
}
