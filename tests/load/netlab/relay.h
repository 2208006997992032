/* relay.h - a bad network in a box, where the kernel has no netem: UDP and TCP forwards through two shaped
 * directions.
 *
 * Up is from the client to the target, down is back. Both directions of every forward share one link, as a
 * phone does. Runs on its loop only.  Owns its sockets; relay_free(NULL) is fine. Commands (one line each):
 *   drop on|off                 nothing passes either way; streams stall, datagrams vanish, new connections
 * wait [up|down] loss PERCENT      datagrams only; TCP would send again [up|down] delay MS [JITTER_MS]
 *   [up|down] rate KBIT [QUEUE_MS]   0: no bottleneck
 *   rebind                      every UDP client gets a new source port, as after a change of network
 *   cut                         every TCP connection is reset
 *   stats | ports               one JSON object
 */
#pragma once
#include "core/loop.h"
#include "shape.h"

enum relay_direction { RELAY_UP, RELAY_DOWN };
struct relay;

bool relay_new(struct relay **out, struct loop *loop, uint64_t seed, struct err *err);
void relay_free(struct relay *r);

/** @param spec "LISTEN_PORT=IPV4:PORT"; listen port 0 takes a free one
 * @param[out] port  the port that listens
 * @param[out] err ERR_INVALID "forward_invalid", ERR_IO */
bool relay_udp(struct relay *r, const char *spec, uint16_t *port, struct err *err);
bool relay_tcp(struct relay *r, const char *spec, uint16_t *port, struct err *err);

/** Run one command line.
 * @param[out] answer  JSON without newline, cut to cap
 * @param[out] err ERR_INVALID "command_unknown" | "command_invalid" */
bool relay_command(struct relay *r, const char *line, char *answer, size_t cap, struct err *err);
