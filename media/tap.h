/* tap.h - the worker's end of recording: clear packets of recorded rooms go into the ring (record/ring.h), what they
 * belong to goes to yz-recorderd as REC_* messages (protocol.h).
 *
 * Owns    the connection to run/recorderd.sock, kept for ever, and the ring, made when the first room records.
 * Runs on the worker's loop. A recorder that is slow, dead or not there holds nobody up: packets stay in the ring until it
 *         is full, then they are counted as lost.
 */
#pragma once
#include "media/chair.h"
#include "media/room.h"

struct tap *tap_new(struct worker *w, const char *socket_path);
void tap_free(struct tap *tap); /* NULL is fine */

/** The room records from now on; its live tracks are told at once. */
void tap_open(struct room *r);
void tap_close(struct room *r, const char *why);
void tap_track(struct track *t);
void tap_track_end(struct track *t);
/** Packet path. */
void tap_packet(struct track *t, const struct packet *pkt, bool repaired);
void tap_sr(struct track *t);
/** At the end of a turn: let the recorder see what was put, wake it when it sleeps. */
void tap_flush(struct tap *tap);
