/* call.h - the fixture of the worker's tests: a real yz-mediad, rooms, and clients that count what reaches them. */
#pragma once
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/loop.h"
#include "tests/load/rtc/medialink.h"
#include "tests/load/rtc/rtcpeer.h"
#include "tests/unit/test.h"

#define ALL      (MEDIA_RIGHT_SUBSCRIBE | MEDIA_RIGHT_AUDIO | MEDIA_RIGHT_VIDEO)
#define SEEN_MAX 4096

struct call;

struct seen { /* one packet that came */
    const struct rtc_line *line;
    uint16_t seq;
    uint32_t ts;
    bool marker, repaired;
    char mid[RTP_MID_MAX + 1];
    uint16_t len;
    char text[48]; /* what stands behind the VP8 descriptor, or the whole of audio */
};

struct client {
    struct call *call;
    struct rtcpeer *peer;
    const char *room;
    uint8_t rights;
    const char *from;
    char etag[64];
    struct seen seen[SEEN_MAX];
    unsigned seen_count;
    unsigned plis, nacks, twccs, rembs, srs;
    struct rtcp_sr last_sr;
    uint32_t last_sr_ssrc;
    uint16_t lose_every; /* every nth media packet that comes is lost; 0: none */
    unsigned came;
    uint16_t picture; /* VP8 picture id of the next frame */
    uint32_t video_ts, audio_ts;
    uint16_t lost_seqs[64];
    unsigned lost_count;
};

struct call {
    struct loop *loop;
    struct medialink *link;
    const char *data;
};

/** Start a worker; everything ends with the test. @param args more of its arguments, or NULL */
void call_open(struct test *t, struct call *c, const char *const *args);
/** A client that has not offered yet. */
struct client *call_client(struct test *t, struct call *c, const char *room, const char *name, uint8_t rights,
                           const struct rtcpeer_config *shape);
/** A client that offers and is answered; it connects by itself while the loop turns. */
struct client *call_join(struct test *t, struct call *c, const char *room, const char *name, uint8_t rights,
                         const struct rtcpeer_config *shape);
/** Offer (again) and take the answer. */
bool client_offer(struct client *cl, struct err *err);
/** The same with `to` written over every `from` in the offer. @param answer kept for the test, or NULL */
bool client_offer_edited(struct client *cl, const char *from, const char *to, char **answer, struct err *err);
void client_wait_connected(struct client *cl);

/** One audio packet; its payload is the text. */
uint16_t client_say(struct client *cl, const char *text);
/** One VP8 frame of one packet; its payload ends with the text. */
uint16_t client_show(struct client *cl, const char *text, bool key, bool lost_on_the_way);
/** How many packets with this text came, and the last of them. */
unsigned client_got(const struct client *cl, const char *text);
const struct seen *client_find(const struct client *cl, const char *text);
/** Turn the loop for a while: for what must not happen. */
void call_pass(struct call *c, int64_t ms);
