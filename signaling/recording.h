/* recording.h - when a visit is recorded, and what can be seen of it afterwards.
 *
 * Rule    recorded while live and while the newest answer to the recording consent is yes; a withdrawal stops it.
 * Where   <data>/recordings/<region>/<visit>/, written by yz-recorderd; we read manifest.json there and nothing else.
 * Rows    records.recordings, one per stretch: recording -> processing -> ready | failed.
 * Runs on the service loop; files are read on a worker thread.
 */
#pragma once
#include "signaling/request.h"

struct visit;

/** After each change of the visit. */
void recording_follow(struct visit *visit);
/** The worker's word: "started", "growing", "stopped", "recorder_lost", "recorder_back". */
void recording_state(struct visit *visit, bool on, int64_t bytes, const char *reason);

/* Handlers of the route table. */
void recording_get(struct request *req);
void recording_track(struct request *req);
