#include "ops/supervise/ready.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TCP_WAIT_MS 50

static bool try_connect(const struct sockaddr *addr, socklen_t len, int type)
{
    int fd = socket(addr->sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failed = 0;
    socklen_t size = sizeof failed;
    bool ok;

    if (fd < 0)
        return false;
    ok = connect(fd, addr, len) == 0;
    if (!ok && errno == EINPROGRESS) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};

        ok = poll(&p, 1, TCP_WAIT_MS) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 &&
             failed == 0;
    }
    close(fd);
    return ok;
}

static bool probe_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof un.sun_path)
        return false;
    strcpy(un.sun_path, path);
    return try_connect((const struct sockaddr *)&un, sizeof un, SOCK_STREAM) ||
           try_connect((const struct sockaddr *)&un, sizeof un, SOCK_SEQPACKET);
}

static bool probe_tcp(const char *where)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN];
    unsigned port;

    if (sscanf(where, "%15[0-9.]:%5u", host, &port) != 2 || port == 0 || port > 65535)
        return false;
    if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
        return false;
    in.sin_port = htons((uint16_t)port);
    return try_connect((const struct sockaddr *)&in, sizeof in, SOCK_STREAM);
}

bool ready_probe(const char *where)
{
    if (!where)
        return true;
    if (strncmp(where, "unix:", 5) == 0)
        return probe_unix(where + 5);
    if (strncmp(where, "tcp:", 4) == 0)
        return probe_tcp(where + 4);
    return false;
}
