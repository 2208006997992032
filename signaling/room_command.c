/* Orders from a room to its worker, and the answers. */
#include "core/mem.h"
#include "signaling/media_link.h"
#include "signaling/room.h"
#include "signaling/room_private.h"
#include "signaling/signald.h"
#include <stdlib.h>
#include <string.h>

static const struct err AWAY = {ERR_AGAIN, "media_away", "the room's worker is away"};

struct offering {
    room_answer_fn *fn;
    void *arg;
};

static void on_sdp(void *arg, struct wire_in *in, const struct err *err)
{
    struct offering *o = arg;
    char etag[128];
    const uint8_t *sdp;
    size_t len;
    struct err odd = ERR_INIT;

    if (in && in->type == MEDIA_OK) {
        o->fn(o->arg, NULL, 0, NULL, NULL);
        free(o);
        return;
    }
    if (in) {
        sdp = wire_get_bytes(in, &len);
        wire_get_str(in, etag, sizeof etag);
        if (wire_end(in)) {
            o->fn(o->arg, (const char *)sdp, len, etag, NULL);
            free(o);
            return;
        }
        err_set(&odd, ERR_INTERNAL, "internal", "the worker's answer is malformed");
        err = &odd;
    }
    o->fn(o->arg, NULL, 0, NULL, err);
    free(o);
}

void room_offer(struct room *room, const struct room_offer *offer, room_answer_fn *fn, void *arg)
{
    struct offering *offering = mem_new(sizeof *offering);
    struct wire_out *o = media_ask(room->app->media, room->worker, MEDIA_PEER_OFFER, on_sdp, offering);

    *offering = (struct offering){fn, arg};
    if (!o) {
        free(offering);
        fn(arg, NULL, 0, NULL, &AWAY);
        return;
    }
    wire_put_str(o, room->id);
    wire_put_u64(o, room->epoch);
    wire_put_str(o, offer->peer);
    wire_put_u8(o, offer->rights);
    wire_put_str(o, offer->from);
    wire_put_bytes(o, offer->sdp, offer->len);
    wire_send(o);
}

void room_trickle(struct room *room, const char *peer, const char *fragment, size_t len, room_answer_fn *fn,
                  void *arg)
{
    struct offering *offering = mem_new(sizeof *offering);
    struct wire_out *o = media_ask(room->app->media, room->worker, MEDIA_PEER_TRICKLE, on_sdp, offering);

    *offering = (struct offering){fn, arg};
    if (!o) {
        free(offering);
        fn(arg, NULL, 0, NULL, &AWAY);
        return;
    }
    wire_put_str(o, room->id);
    wire_put_str(o, peer);
    wire_put_bytes(o, fragment, len);
    wire_send(o);
}

void room_rights(struct room *room, const char *peer, uint8_t rights)
{
    struct wire_out *o =
        room->epoch ? media_ask(room->app->media, room->worker, MEDIA_PEER_RIGHTS, NULL, NULL) : NULL;

    if (!o)
        return;
    wire_put_str(o, room->id);
    wire_put_str(o, peer);
    wire_put_u8(o, rights);
    wire_send(o);
}

void room_leave(struct room *room, const char *peer)
{
    struct wire_out *o =
        room->epoch ? media_ask(room->app->media, room->worker, MEDIA_PEER_LEAVE, NULL, NULL) : NULL;

    if (!o)
        return;
    wire_put_str(o, room->id);
    wire_put_str(o, peer);
    wire_send(o);
}

void room_record(struct room *room, bool on, const char *dir)
{
    struct wire_out *o;

    room->record = on;
    if (on)
        strncpy(room->record_dir, dir, sizeof room->record_dir - 1);
    if (room->state != ROOM_OPEN)
        return; /* ROOM_OPEN carries it */
    o = media_ask(room->app->media, room->worker, MEDIA_RECORD, NULL, NULL);
    if (!o)
        return; /* and so does the next ROOM_OPEN, when the worker is back */
    wire_put_str(o, room->id);
    wire_put_u64(o, room->epoch);
    wire_put_u8(o, on);
    wire_put_str(o, on ? room->record_dir : "");
    wire_send(o);
}
