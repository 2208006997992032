/* room_private.h - what room.c and room_event.c share. */
#pragma once
#include "core/loop.h"
#include "signaling/room.h"

struct rooms {
    struct signald *app;
    struct room *first;
    struct loop_timer *tick;
    unsigned n;
    bool renewing; /* one renewal at a time */
};

/** The last step of opening: whoever waits goes on. */
void room_opened(struct room *room);
/** ROOM_OPEN for a room whose lease we hold. */
void room_send_open(struct room *room);
/** Everybody's peers are gone: tell the windows to make new ones. */
void room_rejoin(struct room *room, const char *reason);
