/* ask_server.h - the owner's end of core/ask.h: connections, requests in, answers and events out.
 *
 *   on_request(conn, request) ──> the owner decides, now or later, on whatever thread ──> ask_server_answer() or _refuse()
 *   on_subscribe(conn, after)  ──> the owner reads its stream ──> ask_server_replay() each ──> ask_server_replayed()
 *   something was committed    ──> ask_server_event() to every subscriber that has not heard it
 *
 * Owns    the listening socket, its connections, and of each how far it has heard. A connection is named by a number that never
 *         comes again: an answer for one that is gone goes nowhere.
 * Runs    on one loop; an owner that decides on another thread comes back by its mailbox first.
 * Gaps    while a subscriber is told of the past, new events are held back from it; when some were, and the past did not reach
 *         them, on_subscribe comes again by itself. A full queue drops an event: the subscriber sees the gap and asks.
 */
#pragma once
#include <jansson.h>
#include "core/ask.h"

#define ASK_FROM_NOW UINT64_MAX

struct ask_server;
struct ask_server_events {
    /** A well-formed request; r is lent for the call. Answer each once. */
    void (*on_request)(void *arg, uint64_t conn_id, uint64_t request_id, const struct ask_request *r);
    /** Tell what came after after_seq (ASK_FROM_NOW: nothing of the past), then call ask_server_replayed().
     * @param first of its connection, so the other side has just come */
    void (*on_subscribe)(void *arg, uint64_t conn_id, uint64_t after_seq, bool first);
    void *arg;
};

/** Subscriptions for another region are ignored. @param ev copied; on_subscribe NULL: an owner without events */
bool ask_server_new(struct ask_server **out, struct loop *loop, const char *socket_path, int64_t region_id,
                    const struct ask_server_events *ev, struct err *err);
void ask_server_free(struct ask_server *s); /* NULL is fine */

/** An answer that does not fit a frame is refused as "answer_too_large". @param doc borrowed */
void ask_server_answer(struct ask_server *s, uint64_t conn_id, uint64_t request_id, const json_t *doc);
/** @param details borrowed, may be NULL */
void ask_server_refuse(struct ask_server *s, uint64_t conn_id, uint64_t request_id, const struct err *err,
                       const json_t *details);

/** Say who owns the region now, to everybody and to whoever connects later. epoch 0: not we, so nothing is said. */
void ask_server_own(struct ask_server *s, uint64_t epoch, uint64_t last_seq);
/** A committed event, in order. region_id is filled in. @return to how many it went */
unsigned ask_server_event(struct ask_server *s, const struct ask_event *ev);
/** An event of the past, for one subscriber. @return to how many it went: 1 or 0 */
unsigned ask_server_replay(struct ask_server *s, uint64_t conn_id, const struct ask_event *ev);
/** The past has been told up to and with seq. */
void ask_server_replayed(struct ask_server *s, uint64_t conn_id, uint64_t seq);
