#include "ops/cli/readyz.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_loopback(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 2};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

int readyz_ask(int port, char *body, size_t size)
{
    const char *ask = "GET /readyz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", *text;
    char answer[2048];
    int fd = connect_loopback(port), status = 0;
    ssize_t n = 0;

    body[0] = '\0';
    if (fd < 0)
        return 0;
    if (send(fd, ask, strlen(ask), MSG_NOSIGNAL) > 0)
        n = recv(fd, answer, sizeof answer - 1, MSG_WAITALL); /* HTTP/1.0: it ends when they hang up */
    close(fd);
    answer[n > 0 ? n : 0] = '\0';
    if (sscanf(answer, "HTTP/1.%*d %d", &status) != 1)
        return 0;
    text = strstr(answer, "\r\n\r\n");
    snprintf(body, size, "%s", text ? text + 4 : "");
    return status;
}
