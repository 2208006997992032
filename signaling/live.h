/* live.h - what the messages of the live socket do. Runs on the service loop only. */
#pragma once

struct socket;
struct socket_message;

void live_message(struct socket *sock, const struct socket_message *m);
/** The connection is gone: its seats begin their grace. */
void live_socket_gone(struct socket *sock);
