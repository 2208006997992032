/* server.h - carries requests from sockets to the deciding thread and answers back.
 *
 *   loop thread                         deciding thread
 *   wire_server --- struct queue -----> owner_turn(), owner_tick()
 *               <-- mailbox ----------- answers, events, replays, ownership
 *
 * Owns    the listening socket, both threads' queues, the owner.
 * Threads server_* are called on the loop; decide.c runs on the other. They share struct queue under its lock, and nothing else.
 */
#pragma once
#include "core/config.h"
#include "core/loop.h"
#include "scheduling/owner.h"

struct server;

/** @param opt on_event, on_owner and arg are set here */
bool server_new(struct server **out, struct loop *loop, const char *socket_path,
                const struct owner_options *opt, struct err *err);
/** Stops the deciding thread after the batch it is in; requests still queued are answered with ERR_AGAIN. */
void server_free(struct server *s);
