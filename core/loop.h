/* loop.h - one epoll, one thread, and everything a daemon waits for.
 *
 * Owns    its watchers and timers; callbacks may add and remove any of them, including their own.
 * Runs on the thread that calls loop_run(); nothing here is locked. Other threads use mailbox.h.
 * Nesting loop_fd() is itself pollable (timers live in a timerfd inside), so another loop, such as
 *         libwebsockets', can carry this one: when it is readable call loop_turn(loop, 0).
 */
#pragma once
#include <stdint.h>
#include <sys/epoll.h>
#include "core/err.h"

struct loop;
struct loop_watch;
struct loop_timer;
typedef void loop_fd_fn(void *arg, uint32_t events); /* EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP */
typedef void loop_fn(void *arg);

bool loop_new(struct loop **out, struct err *err);
void loop_free(struct loop *l);
/** Until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/** For a loop carried by another one, which has to ask. */
bool loop_stopped(const struct loop *l);
/** One round: wait at most timeout_ms (0: do not, -1: as long as it takes), dispatch. @return events
 * dispatched. Not from inside a callback of the same loop. */
int loop_turn(struct loop *l, int timeout_ms);
int loop_fd(const struct loop *l);

/** The fd stays the caller's; remove the watch before closing it. Never NULL (out of memory aborts). */
struct loop_watch *loop_watch(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *arg);
void loop_watch_set(struct loop_watch *w, uint32_t events);
void loop_unwatch(struct loop_watch *w); /* NULL is fine; pending events of it are not delivered */

/** Fires once after delay_us unless every_us > 0, then again and again (a late one skips, it does not catch
 * up). After its only firing the handle stays valid: loop_timer_set() arms it again, loop_untimer() frees it.
 */
struct loop_timer *loop_timer(struct loop *l, int64_t delay_us, int64_t every_us, loop_fn *fn, void *arg);
void loop_timer_set(struct loop_timer *t, int64_t delay_us, int64_t every_us);
void loop_untimer(struct loop_timer *t); /* NULL is fine */

/** Run fn at the end of this turn, once. */
void loop_defer(struct loop *l, loop_fn *fn, void *arg);
/** Forget the deferred calls of fn with arg: for objects that go away first. */
void loop_undefer(struct loop *l, loop_fn *fn, void *arg);
/** Run fn inside loop_free(), last one first: for what lives as long as the loop. */
void loop_at_free(struct loop *l, loop_fn *fn, void *arg);

/** SIGTERM and SIGINT stop the loop; SIGHUP calls on_hup (may be NULL). Blocks the three for all later
 * threads. */
bool loop_signals(struct loop *l, loop_fn *on_hup, void *arg, struct err *err);
