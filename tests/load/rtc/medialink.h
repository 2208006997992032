/* medialink.h - talks media/protocol.h to a yz-mediad it started (or found), as yz-signald does: the signalling of tests
 * and of the benchmark.
 *
 * Owns    the process it started, the connection, and the list of events it heard, kept as lines of text:
 *         "PEER_STATE room peer connected", "TRACK room peer kind codec mid 1", "CHAIR room peer mid from kind from_mid",
 *         "SPEAKER room peer", "ROOM_EMPTY room", "RECORD_STATE room 1 reason". An empty word is written as "-".
 * Runs on one loop; requests turn it until the answer is there, at most ten seconds.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "core/loop.h"
#include "media/protocol.h"

struct medialink;

/** Start a worker in data (made if need be) on free ports and wait for its greeting.
 * @param args more arguments, NULL at the end, or NULL */
bool medialink_start(struct medialink **out, struct loop *l, const char *program, const char *data,
                     const char *const *args, struct err *err);
void medialink_free(struct medialink *m); /* ends the worker, with SIGTERM; NULL is fine */
pid_t medialink_pid(const struct medialink *m);
uint16_t medialink_port(const struct medialink *m);
uint64_t medialink_boot(const struct medialink *m);
/** Exit status of the worker after SIGTERM, -1 when a signal ended it. */
int medialink_stop(struct medialink *m);

bool medialink_room_open(struct medialink *m, const char *room, uint64_t epoch, const char *record_dir,
                         struct err *err);
bool medialink_room_close(struct medialink *m, const char *room, uint64_t epoch, struct err *err);
bool medialink_record(struct medialink *m, const char *room, uint64_t epoch, const char *dir,
                      struct err *err);
struct medialink_offer {
    const char *room, *peer, *from, *sdp;
    uint64_t epoch;
    uint8_t rights;
};
/** @param[out] answer freed by the caller. @param etag 64 bytes, or NULL */
bool medialink_offer(struct medialink *m, const struct medialink_offer *o, char **answer, char *etag,
                     struct err *err);
/** @param[out] answer fragment, freed by the caller, NULL when it was no restart */
bool medialink_trickle(struct medialink *m, const char *room, const char *peer, const char *fragment,
                       char **answer, struct err *err);
bool medialink_rights(struct medialink *m, const char *room, const char *peer, uint8_t rights,
                      struct err *err);
bool medialink_leave(struct medialink *m, const char *room, const char *peer, struct err *err);
/** JSON text, freed by the caller. */
char *medialink_stats(struct medialink *m, const char *room, const char *peer, struct err *err);

/** How many events so far are exactly this line. */
unsigned medialink_events(const struct medialink *m, const char *line);
/** The last event that begins so, or "". */
const char *medialink_last(const struct medialink *m, const char *prefix);
void medialink_forget(struct medialink *m);
