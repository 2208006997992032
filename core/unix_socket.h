/* unix_socket.h - listening and connecting on a path in the file system. Any thread. The caller owns the fd.
 */
#pragma once
#include "core/err.h"

/** type SOCK_STREAM or SOCK_SEQPACKET; nonblocking, close-on-exec, mode 0600. A socket nobody listens on any
 * more is replaced; one with a living listener is ERR_CONFLICT "socket_in_use". A path over 107 bytes is
 * ERR_INVALID. */
bool unix_socket_listen(int *out_fd, const char *path, int type, struct err *err);
/** ERR_IO while nobody listens. */
bool unix_socket_connect(int *out_fd, const char *path, int type, struct err *err);
