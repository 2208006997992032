#include "core/unix_socket.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool address(struct sockaddr_un *sa, const char *path, struct err *err)
{
    size_t len = strlen(path);

    memset(sa, 0, sizeof *sa);
    sa->sun_family = AF_UNIX;
    if (len == 0 || len >= sizeof sa->sun_path)
        return err_set(err, ERR_INVALID, "path_too_long",
                       "socket path has %zu bytes, at most %zu work: %.60s…", len, sizeof sa->sun_path - 1,
                       path);
    memcpy(sa->sun_path, path, len + 1);
    return true;
}

static bool connect_to(int *out_fd, const struct sockaddr_un *sa, int type, struct err *err)
{
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_errno(err, "socket");
    /* On a unix socket a nonblocking connect is decided at once; EAGAIN means a full backlog. */
    if (connect(fd, (const struct sockaddr *)sa, sizeof *sa) < 0) {
        err_errno(err, sa->sun_path);
        close(fd);
        return false;
    }
    *out_fd = fd;
    return true;
}

bool unix_socket_connect(int *out_fd, const char *path, int type, struct err *err)
{
    struct sockaddr_un sa;

    return address(&sa, path, err) && connect_to(out_fd, &sa, type, err);
}

/* A killed daemon leaves its socket file behind; only the refused connection tells it from a living one. */
static bool clear_the_way(const struct sockaddr_un *sa, int type, struct err *err)
{
    struct stat st;
    int fd = -1;

    if (lstat(sa->sun_path, &st) < 0)
        return true;
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, ERR_CONFLICT, "path_taken", "%s is there and is not a socket", sa->sun_path);
    if (connect_to(&fd, sa, type, NULL)) {
        close(fd);
        return err_set(err, ERR_CONFLICT, "socket_in_use", "another process listens on %s", sa->sun_path);
    }
    if (errno != ECONNREFUSED && errno != ENOENT)
        return err_set(err, ERR_CONFLICT, "socket_in_use", "%s: %s", sa->sun_path, strerror(errno));
    unlink(sa->sun_path);
    return true;
}

bool unix_socket_listen(int *out_fd, const char *path, int type, struct err *err)
{
    struct sockaddr_un sa;
    int fd;

    if (!address(&sa, path, err) || !clear_the_way(&sa, type, err))
        return false;
    fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, "socket");
    /* Nobody can connect before listen(), so the mode is right before it matters. */
    if (bind(fd, (const struct sockaddr *)&sa, sizeof sa) < 0 || chmod(path, 0600) < 0 ||
        listen(fd, 128) < 0) {
        err_errno(err, path);
        close(fd);
        return false;
    }
    *out_fd = fd;
    return true;
}
