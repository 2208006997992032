/* yunzhen.c - our worker alone, spoken to as yz-signald does. */
#include <stdlib.h>
#include "core/mem.h"
#include "tests/load/rtc/medialink.h"
#include "tests/load/sfu/server.h"

#define ROOM "load"

struct server {
    struct medialink *link;
};

static const char *program = "build/release/bin/yz-mediad";

void server_yunzhen_program(const char *path)
{
    program = path;
}

static bool start(struct server **out, struct loop *l, const char *folder, struct err *err)
{
    struct server *s = mem_new(sizeof *s);

    if (!medialink_start(&s->link, l, program, folder, NULL, err) ||
        !medialink_room_open(s->link, ROOM, 1, NULL, err)) {
        medialink_free(s->link);
        free(s);
        return false;
    }
    *out = s;
    return true;
}

static bool join(struct server *s, struct rtcpeer *p, const char *from, uint8_t rights, struct err *err)
{
    char *offer = rtcpeer_offer(p), *answer = NULL;
    struct medialink_offer o = {
        .room = ROOM, .peer = rtcpeer_name(p), .from = from, .sdp = offer, .epoch = 1, .rights = rights};

    bool ok = medialink_offer(s->link, &o, &answer, NULL, err) && rtcpeer_answer(p, answer, err);
    free(offer);
    free(answer);
    return ok;
}

static bool publish(struct server *s, struct rtcpeer *p, struct err *err)
{
    return join(s, p, "", MEDIA_RIGHT_AUDIO | MEDIA_RIGHT_VIDEO, err);
}

static bool subscribe(struct server *s, struct rtcpeer *p, struct err *err)
{
    return join(s, p, "", MEDIA_RIGHT_SUBSCRIBE, err);
}

static pid_t pid(const struct server *s)
{
    return medialink_pid(s->link);
}

static void stop(struct server *s)
{
    medialink_free(s->link);
    free(s);
}

const struct server_kind SERVER_YUNZHEN = {"yunzhen", start, publish, subscribe, pid, stop};
