/* worker.c - see worker.h. */
#include "media/worker.h"

#include <stdlib.h>
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "media/control.h"
#include "media/counters.h"
#include "media/demux.h"
#include "media/forward.h"
#include "media/room.h"
#include "media/settings.h"
#include "media/srtp_evp.h"
#include "media/tap.h"

#define TICK_US     20000 /* NACKs asked again, arrival times reported, reports spread over the second */
#define STALL_US    1000000
#define TICKS_PER_S (1000000 / TICK_US)

/* ---- packets ---- */

static void on_packet(void *arg, uint8_t *data, size_t len, const struct addr *from)
{
    struct worker *w = arg;
    enum demux_kind kind = demux(data, len);
    struct ice_tuple *tuple;
    struct peer *p;

    if (kind == DEMUX_NONE) {
        count(C_DROP_UNKNOWN_KIND);
        return;
    }
    if (kind == DEMUX_STUN) {
        peer_stun(w, data, len, from);
        return;
    }
    tuple = ice_find(w->ice, from);
    if (!tuple) {
        count(C_DROP_UNKNOWN_ADDRESS);
        return;
    }
    p = tuple->ice->owner;
    if (kind == DEMUX_RTP)
        forward_rtp(p, data, len);
    else if (kind == DEMUX_RTCP)
        feedback_rtcp(p, data, len);
    else
        peer_dtls(p, data, len, from);
}

static void on_batch_end(void *arg)
{
    struct worker *w = arg;

    worker_turn_end(w);
}

static void on_batch_begin(void *arg)
{
    struct worker *w = arg;

    w->now_us = clock_mono_us();
}

/* ---- turns ---- */

static void sweep(struct worker *w)
{
    while (w->ended) {
        struct peer *p = w->ended;

        w->ended = p->next;
        peer_free(p);
    }
    while (w->closed) {
        struct room *r = w->closed;

        w->closed = r->next;
        free(r);
    }
}

void worker_turn_end(struct worker *w)
{
    while (w->busy) {
        struct peer *p = w->busy;

        w->busy = p->busy_next;
        p->busy = false;
        if (!p->ended)
            feedback_flush(p);
    }
    tap_flush(w->tap);
    net_flush(w->net);
    sweep(w);
}

/* ---- time ---- */

static void tick_peers(struct room *r)
{
    struct peer *next;

    for (struct peer *p = r->peers; p; p = next) {
        next = p->next;
        feedback_flush(p);
        reports_send(p);
        peer_tick(p); /* may end it */
    }
}

static void tick_room(struct worker *w, struct room *r)
{
    for (struct track *t = r->tracks; t; t = t->next)
        track_tick(t);
    if (w->tick_count % (SPEAKER_ROUND_US / TICK_US) == 0)
        speaker_tick(r);
    tick_peers(r);
}

static void on_tick(void *arg)
{
    struct worker *w = arg;

    w->now_us = clock_mono_us();
    if (w->tick_at_us && w->now_us - w->tick_at_us > STALL_US)
        w->awake_us = w->now_us;
    w->tick_at_us = w->now_us;
    w->tick_count++;
    for (unsigned b = 0; b < ROOM_BUCKETS; b++)
        for (struct room *r = w->rooms[b]; r; r = r->next)
            if (r->peers)
                tick_room(w, r);
    worker_turn_end(w);
    if (w->tick_count % TICKS_PER_S == 0)
        counters_gather(w);
}

void worker_need_tick(struct worker *w)
{
    if (w->peer_count && !w->tick) {
        w->tick = loop_timer(w->loop, TICK_US, TICK_US, on_tick, w);
        w->tick_at_us = 0;
    } else if (!w->peer_count && w->tick) {
        loop_untimer(w->tick);
        w->tick = NULL;
        counters_gather(w);
    }
}

/* ---- life ---- */

static bool open_net(struct worker *w, struct err *err)
{
    int64_t port = config_int(w->config, "media.port");
    struct net_config cfg = {
        .addresses = config_str(w->config, "media.address"),
        .bind = config_str(w->config, "media.bind"),
        .port = (uint16_t)(port ? port + w->number : 0),
        .buffer_bytes = (uint32_t)config_int(w->config, "media.socket_bytes"),
    };

    return net_open(
        &w->net, w->loop, &cfg,
        (struct net_events){
            .on_batch_begin = on_batch_begin, .on_packet = on_packet, .on_batch_end = on_batch_end, .arg = w},
        err);
}

bool worker_new(struct worker **out, struct loop *l, const struct config *c, struct err *err)
{
    struct worker *w = mem_new(sizeof(*w));
    const char *data = config_str(c, "data");
    char *control_path, *recorder_path;
    bool ok;

    w->loop = l;
    w->config = c;
    w->number = (uint16_t)config_int(c, "worker");
    crypto_random(&w->boot, sizeof(w->boot));
    limits_read(&w->limits, c);
    w->now_us = clock_mono_us();
    w->ice = ice_table_new(w->number);
    control_path = mem_format("%s/run/mediad-%u.sock", data, w->number);
    recorder_path = mem_format("%s/run/recorderd.sock", data);
    w->tap = tap_new(w, recorder_path);
    ok = srtp_evp_init(err) && dtls_factory_new(&w->dtls, err) && open_net(w, err) &&
         control_new(&w->control, w, control_path, err);
    free(control_path);
    free(recorder_path);
    if (!ok) {
        worker_free(w);
        return false;
    }
    *out = w;
    return true;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    for (unsigned b = 0; b < ROOM_BUCKETS; b++)
        while (w->rooms[b])
            room_close(w->rooms[b], "shutdown");
    if (w->net)
        worker_turn_end(w);
    control_free(w->control);
    tap_free(w->tap);
    net_close(w->net);
    dtls_factory_free(w->dtls);
    ice_table_free(w->ice);
    free(w);
}
