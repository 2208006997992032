/* worker.h - one media worker: a process, a thread, a port, and the rooms it owns.
 *
 * Owns    everything below it: rooms own peers, peers own tracks (what they publish) and chairs (what they are sent).
 * Runs on one loop. Inside the packet path nothing allocates, logs or waits; what ends during a turn is freed at its
 *         end, so a pointer found in a turn is good until then.
 * Time    now_us is monotonic, read once per batch or timer.
 */
#pragma once
#include <stdint.h>
#include "core/config.h"
#include "core/loop.h"
#include "media/dtls.h"
#include "media/ice.h"
#include "media/net.h"

#define ROOM_BUCKETS 1024u
#define ROOMS_PAST   512u

struct control;
struct tap;
struct room;
struct peer;

struct limits { /* settings.c says what each means */
    int64_t silent_us, grace_us;
    int32_t streams, streams_per_s;
    int32_t peer_pps, audio_pps, video_pps;
    int64_t peer_bps, audio_bps, video_bps, remb_bps;
    int32_t rooms, peers, room_peers;
    uint32_t ring_bytes;
};

struct worker {
    struct loop *loop;
    const struct config *config;
    uint16_t number;
    uint64_t boot;
    int64_t now_us;
    struct limits limits;
    struct net *net;
    struct ice_table *ice;
    struct dtls_factory *dtls;
    struct control *control;
    struct tap *tap;
    struct loop_timer *tick;
    int64_t tick_count, tick_at_us;
    int64_t awake_us; /* when the process last woke from a stop: silence counts from there, it was ours */
    struct room *rooms[ROOM_BUCKETS];
    uint32_t room_count, peer_count;
    struct {
        uint64_t room; /* hash of its id */
        uint64_t epoch;
    } past
        [ROOMS_PAST]; /* the last epochs of rooms that were closed: a late command must not open one again */
    uint32_t past_at;
    uint64_t live_order; /* the next track to go live gets this */
    struct peer *busy;   /* have feedback to send at the end of the batch */
    struct peer *ended;  /* freed at the end of the turn */
    struct room *closed;
};

bool worker_new(struct worker **out, struct loop *l, const struct config *c, struct err *err);
void worker_free(struct worker *w);

/** At the end of every turn: send what waits, free what ended. */
void worker_turn_end(struct worker *w);
/** Start or stop the timer, as there are peers or none. */
void worker_need_tick(struct worker *w);
