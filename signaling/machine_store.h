/* machine_store.h - WHIP and WHEP sessions as rows (signaling.machine_peers), so that their addresses outlive this
 * process as their media outlive it. Nobody waits for these writes: a row that is missing or late only means that
 * a session has to be made anew after a restart. Runs on the service loop only.
 */
#pragma once
#include "core/db/db.h"
#include "signaling/machine.h"

struct room;

void machine_store_add(const struct room *room, const struct machine *m);
void machine_store_etag(const struct room *room, const struct machine *m);
void machine_store_end(const struct room *room, const struct machine *m);

/** A room that an earlier process opened is open again: take its sessions over, those whose peers the worker still
 * has. Calls room_opened() in the end, whatever happens; room.c counts on it. */
void machine_store_restore(struct room *room);

/** Where a session of this account lives: rows of (tenant, visit or NULL). */
void machine_store_find(struct request *req, int64_t session_id, db_fn *fn, void *arg);
