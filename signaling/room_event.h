/* room_event.h - what media workers tell, brought to the rooms. Runs on the service loop only. */
#pragma once
#include <stdbool.h>
#include "core/wire.h"

struct signald;

/** A worker said hello. restarted: a new process, its rooms are gone. */
void room_worker_up(struct signald *app, unsigned worker, bool restarted);
void room_worker_away(struct signald *app, unsigned worker);
/** MEDIA_PEER_STATE … MEDIA_RECORD_STATE. */
void room_event(struct signald *app, unsigned worker, struct wire_in *in);
