/* control.h - the worker's end of media/protocol.h: commands of yz-signald in, answers and events out.
 *
 * Owns    the socket run/mediad-<n>.sock and its connections. Events go to every connection; a room tells a new
 *         connection everything that holds once it is opened there, so that a restarted signald knows who is in.
 * Runs on the worker's loop.
 */
#pragma once
#include <stdint.h>
#include "media/room.h"

bool control_new(struct control **out, struct worker *w, const char *path, struct err *err);
void control_free(struct control *c); /* NULL is fine */

void control_peer_state(const struct peer *p);
void control_track(const struct track *t, bool live);
void control_chair(const struct chair *c);
void control_speaker(const struct room *r, const char *peer, uint8_t level);
void control_room_empty(const struct room *r);
void control_record_state(const struct room *r, bool on, const char *reason);

/* stats.c */
/** JSON for MEDIA_STATS_REPLY; freed by the caller. @param only one peer, or NULL */
char *stats_json(const struct room *r, const struct peer *only, size_t *len);
