/* intake.h - media workers knock here: REC_* messages of media/protocol.h, and the ring their packets come through.
 *
 *   yz-mediad 0 ==ring==> .---------.  record   .-----------.
 *        '------REC_*---> | intake  |---------->| recording |
 *   yz-mediad 1 ==ring==> | (one    |           '-----------'
 *        '------REC_*---> |  each)  |
 *                         '---------'
 *
 * While records come, a ring is read every INTAKE_READ_US, at most INTAKE_BUDGET records a time; after a second of
 * silence the reader sleeps until REC_KICK. The ring's room is given back only when what stood in it is written, so a
 * killed recorder finds it again (ring.h).
 * Owns    its server, connections and rings. Runs on the loop.
 */
#pragma once
#include "core/wire.h"
#include "media/record/recorder.h"

#define INTAKE_READ_US INT64_C(20000)
#define INTAKE_BUDGET  4096
#define INTAKE_RING_MAX                                                                                      \
    (256u << 20)            /* bytes of a worker's ring: also the most that waits in memory for a slow disk */
#define INTAKE_MAP_MAX 8192 /* tracks of one worker */

struct intake_server;

bool intake_listen(struct intake_server **out, struct recorder *r, const char *path, struct err *err);
/** Read what the rings still hold, then take no more: before recorder_stop(). */
void intake_stop(struct intake_server *s);
/** After recorder_idle(): everything shown is on the disk, its room is given back. */
void intake_free(struct intake_server *s);
