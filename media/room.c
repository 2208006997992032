/* room.c - see room.h. */
#include "media/room.h"

#include <stdlib.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "media/control.h"
#include "media/tap.h"

static uint64_t hash(const char *id)
{
    uint64_t h = 0;

    for (const char *p = id; *p; p++)
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    return hash_mix(h);
}

static struct room **bucket(struct worker *w, const char *id)
{
    return &w->rooms[hash(id) & (ROOM_BUCKETS - 1)];
}

struct room *room_find(struct worker *w, const char *id)
{
    struct room *r = *bucket(w, id);

    while (r && strcmp(r->id, id) != 0)
        r = r->next;
    return r;
}

static bool stale(const char *id, uint64_t seen, uint64_t epoch, struct err *err)
{
    if (epoch >= seen)
        return false;
    err_set(err, ERR_STALE, "room_epoch", "room %s is at epoch %llu, the command at %llu", id,
            (unsigned long long)seen, (unsigned long long)epoch);
    return true;
}

/* The epoch at which a closed room was, 0: not remembered. */
static uint64_t past_epoch(const struct worker *w, const char *id)
{
    uint64_t h = hash(id), epoch = 0;

    for (unsigned i = 0; i < ROOMS_PAST; i++)
        if (w->past[i].room == h && w->past[i].epoch > epoch)
            epoch = w->past[i].epoch;
    return epoch;
}

bool room_open(struct room **out, struct worker *w, const char *id, uint64_t epoch, struct err *err)
{
    struct room *r = room_find(w, id), **at = bucket(w, id);

    if (r) {
        if (stale(id, r->epoch, epoch, err))
            return false;
        r->epoch = epoch;
        *out = r;
        return true;
    }
    if (!*id)
        return err_set(err, ERR_INVALID, "room_invalid", "a room without an id");
    if (stale(id, past_epoch(w, id), epoch, err))
        return false;
    if ((int32_t)w->room_count >= w->limits.rooms)
        return err_set(err, ERR_LIMIT, "worker_full", "%u rooms are open", w->room_count);
    r = mem_new(sizeof(*r));
    r->worker = w;
    r->epoch = epoch;
    memcpy(r->id, id, strlen(id));
    r->next = *at;
    *at = r;
    w->room_count++;
    log_info("room_open", LS("room_id", r->id), LI("epoch", epoch));
    *out = r;
    return true;
}

bool room_get(struct room **out, struct worker *w, const char *id, uint64_t epoch, struct err *err)
{
    struct room *r = room_find(w, id);

    if (!r)
        return err_set(err, ERR_NOT_FOUND, "room_not_open", "room %s is not open here", id);
    if (stale(id, r->epoch, epoch, err))
        return false;
    r->epoch = epoch;
    *out = r;
    return true;
}

void room_close(struct room *r, const char *why)
{
    struct worker *w = r->worker;
    struct room **at = bucket(w, r->id);

    tap_close(r, why);
    while (r->peers)
        peer_end(r->peers, why);
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    r->next = w->closed;
    w->closed = r;
    w->room_count--;
    w->past[w->past_at].room = hash(r->id);
    w->past[w->past_at].epoch = r->epoch;
    w->past_at = (w->past_at + 1) % ROOMS_PAST;
    log_info("room_closed", LS("room_id", r->id), LS("why", why));
}

struct peer *room_peer(struct room *r, const char *id)
{
    struct peer *p = r->peers;

    while (p && strcmp(p->id, id) != 0)
        p = p->next;
    return p;
}

void room_add(struct room *r, struct peer *p)
{
    p->next = r->peers;
    r->peers = p;
    r->peer_count++;
    r->worker->peer_count++;
    worker_need_tick(r->worker);
}

void room_remove(struct room *r, struct peer *p)
{
    struct peer **at = &r->peers;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    r->peer_count--;
    r->worker->peer_count--;
    worker_need_tick(r->worker);
}

bool room_record(struct room *r, bool on, const char *dir, struct err *err)
{
    if (on && (!*dir || dir[0] == '/' || strstr(dir, "..") || strlen(dir) >= sizeof(r->record_dir)))
        return err_set(err, ERR_INVALID, "record_dir_invalid", "recording folder '%s'", dir);
    if (!on) {
        tap_close(r, "stopped");
        r->record = false;
        return true;
    }
    if (r->record && strcmp(dir, r->record_dir) == 0)
        return true;
    tap_close(r, "moved");
    memcpy(r->record_dir, dir, strlen(dir) + 1);
    r->record = true;
    r->rec_epoch_us = clock_now_us() - clock_mono_us();
    tap_open(r);
    return true;
}
