/* forward.h - what relay.c needs of the two kinds of forward. Private to this folder. */
#pragma once
#include <netinet/in.h>
#include "line.h"
#include "shape.h"

struct forward_link { /* shared by every forward of one relay */
    struct loop *loop;
    struct shape shape[2]; /* by enum relay_direction */
};

struct udp_forward;
struct tcp_forward;

bool udp_forward_new(struct udp_forward **out, struct forward_link *link, uint16_t port,
                     struct sockaddr_in target, uint16_t *bound, struct err *err);
void udp_forward_free(struct udp_forward *f);
void udp_forward_rebind(struct udp_forward *f);
int udp_forward_clients(const struct udp_forward *f);

bool tcp_forward_new(struct tcp_forward **out, struct forward_link *link, uint16_t port,
                     struct sockaddr_in target, uint16_t *bound, struct err *err);
void tcp_forward_free(struct tcp_forward *f);
void tcp_forward_cut(struct tcp_forward *f);
/** Stop or resume every stream; the link's shapes say which. */
void tcp_forward_dark(struct tcp_forward *f, bool dark);
int tcp_forward_streams(const struct tcp_forward *f);

/** A bound, non-blocking IPv4 socket on 127.0.0.1. */
bool forward_socket(int *out_fd, int type, uint16_t port, uint16_t *bound, struct err *err);
