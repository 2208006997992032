/* coview.h - what a visit looks at together: the newest shared view, and fingers on it.
 *
 * View    an object of the screens' own making, at most 4 KiB (socket_message.h); nothing here looks into it. The newest one is
 *         kept while the visit is open here (visit.h), and given to whoever joins, comes back or is let in. Who may see the
 *         images themselves is decided where they are asked for.
 * Pointer passed on and forgotten, at most POINTERS_PER_S a seat; more are dropped without a word, the next one is there soon.
 * Lobby   a seat without rights in the room neither says nor hears any of it.
 * Runs on the service loop only.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

struct seat;
struct visit;

#define POINTERS_PER_S 30

struct pointer {
    double x, y; /* of the image: columns and rows */
    bool on;
    const char *instance;
};

/** state is borrowed. The seat has rights. */
void coview_view(struct seat *from, const json_t *state);
void coview_pointer(struct seat *from, const struct pointer *p);
/** Tell one seat what the others look at, when they do and it may. */
void coview_show(const struct seat *to);
/** The visit is over, or is forgotten. */
void coview_end(struct visit *visit);
