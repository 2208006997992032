/* call.c - see call.h. */
#include "tests/unit/media/call.h"

#include <stdio.h>
#include "core/mem.h"
#include "media/srtp_evp.h"
#include "media/payload.h"

static void call_close(void *arg)
{
    struct call *c = arg;

    medialink_free(c->link);
    loop_free(c->loop);
}

void call_open(struct test *t, struct call *c, const char *const *args)
{
    struct err err = ERR_INIT;

    memset(c, 0, sizeof(*c));
    test_cleanup(t, call_close, c);
    c->data = test_dir(t);
    CHECK_OK(loop_new(&c->loop, &err), &err);
    CHECK_OK(medialink_start(&c->link, c->loop, YZ_MEDIAD, c->data, args, &err), &err);
}

static void on_rtp(void *arg, struct rtcpeer *p, struct rtc_line *line, const struct rtp *r, bool repaired)
{
    struct client *cl = arg;
    struct seen *s = &cl->seen[cl->seen_count % SEEN_MAX];
    const uint8_t *text = rtp_payload(r), *mid;
    size_t len = rtp_payload_len(r);
    struct vp8_desc d;
    uint8_t mid_len;

    (void)p;
    memset(s, 0, sizeof(*s));
    s->line = line;
    s->seq = r->seq;
    s->ts = r->ts;
    s->marker = r->marker;
    s->repaired = repaired;
    s->len = (uint16_t)len;
    mid = rtp_ext_find(r, RTC_EXT_MID, &mid_len);
    if (mid)
        memcpy(s->mid, mid, mid_len);
    if (line && line->kind == SDP_VIDEO && vp8_parse(text, len, &d) && d.len < len) {
        text += d.len + 1;
        len -= d.len + 1u;
    }
    memcpy(s->text, text, len < sizeof(s->text) - 1 ? len : sizeof(s->text) - 1);
    cl->seen_count++;
}

static void on_rtcp(void *arg, struct rtcpeer *p, const struct rtcp *r)
{
    struct client *cl = arg;
    uint64_t rate;
    uint32_t ssrc;

    (void)p;
    if (rtcp_read_pli(r, &ssrc))
        cl->plis++;
    else if (rtcp_read_remb(r, &rate))
        cl->rembs++;
    else if (r->type == RTCP_RTPFB && r->count == RTCP_FMT_NACK)
        cl->nacks++;
    else if (r->type == RTCP_RTPFB && r->count == RTCP_FMT_TWCC)
        cl->twccs++;
    else if (rtcp_read_sr(r, &cl->last_sr)) {
        cl->srs++;
        cl->last_sr_ssrc = r->ssrc;
    }
}

static bool lose(void *arg, struct rtcpeer *p, const uint8_t *data, size_t len)
{
    struct client *cl = arg;
    uint32_t ssrc;

    if (!cl->lose_every || len < 12 || data[0] >> 6 != 2 || (data[1] >= 192 && data[1] <= 223))
        return false;
    ssrc = get_be32(data + 8);
    for (unsigned i = 0; i < rtcpeer_line_count(p); i++) {
        struct rtc_line *l = rtcpeer_line(p, i);

        if (l->sends || l->ssrc != ssrc || l->kind != SDP_VIDEO || ++cl->came % cl->lose_every)
            continue;
        if (cl->lost_count < 64)
            cl->lost_seqs[cl->lost_count++] = get_be16(data + 2);
        return true;
    }
    return false;
}

static void client_close(void *arg)
{
    struct client *cl = arg;

    rtcpeer_free(cl->peer);
    free(cl);
}

bool client_offer_edited(struct client *cl, const char *from, const char *to, char **answer, struct err *err)
{
    char *offer = rtcpeer_offer(cl->peer), *text = NULL, *at = offer;
    struct medialink_offer o = {.room = cl->room,
                                .peer = rtcpeer_name(cl->peer),
                                .from = cl->from,
                                .sdp = offer,
                                .epoch = 1,
                                .rights = cl->rights};
    bool ok;

    for (; from && (at = strstr(at, from)) != NULL; at += strlen(to))
        memcpy(at, to, strlen(to));
    ok = medialink_offer(cl->call->link, &o, &text, cl->etag, err) && rtcpeer_answer(cl->peer, text, err);
    free(offer);
    if (answer)
        *answer = text;
    else
        free(text);
    return ok;
}

bool client_offer(struct client *cl, struct err *err)
{
    return client_offer_edited(cl, NULL, NULL, NULL, err);
}

struct client *call_client(struct test *t, struct call *c, const char *room, const char *name, uint8_t rights,
                           const struct rtcpeer_config *shape)
{
    struct client *cl = mem_new(sizeof(*cl));
    struct rtcpeer_config cfg = *shape;
    struct err err = ERR_INIT;

    test_cleanup(t, client_close, cl);
    cfg.name = name;
    cfg.ev = (struct rtcpeer_events){.on_rtp = on_rtp, .on_rtcp = on_rtcp, .lose = lose, .arg = cl};
    cl->call = c;
    cl->room = room;
    cl->rights = rights;
    cl->peer = rtcpeer_new(c->loop, &cfg);
    CHECK_OK(medialink_room_open(c->link, room, 1, NULL, &err), &err);
    return cl;
}

struct client *call_join(struct test *t, struct call *c, const char *room, const char *name, uint8_t rights,
                         const struct rtcpeer_config *shape)
{
    struct client *cl = call_client(t, c, room, name, rights, shape);
    struct err err = ERR_INIT;

    CHECK_OK(client_offer(cl, &err), &err);
    return cl;
}

void client_wait_connected(struct client *cl)
{
    CHECK_SOON(cl->call->loop, rtcpeer_connected(cl->peer));
}

uint16_t client_say(struct client *cl, const char *text)
{
    cl->audio_ts += 960;
    return rtcpeer_send(cl->peer, rtcpeer_sender(cl->peer, SDP_AUDIO, 0),
                        &(struct rtc_packet){.ts = cl->audio_ts, .level = 30}, text, strlen(text));
}

uint16_t client_show(struct client *cl, const char *text, bool key, bool lost_on_the_way)
{
    uint8_t p[1200] = {0x90, 0xe0, 0x80, 0, 0, 0x20, key ? 0x10 : 0x11};
    size_t n = 7 + strlen(text);

    put_be16(p + 2, (uint16_t)(0x8000 | (cl->picture & 0x7fff)));
    p[4] = (uint8_t)cl->picture++;
    memcpy(p + 7, text, strlen(text));
    cl->video_ts += 3000;
    return rtcpeer_send(cl->peer, rtcpeer_sender(cl->peer, SDP_VIDEO, 0),
                        &(struct rtc_packet){.ts = cl->video_ts, .marker = true, .hold = lost_on_the_way}, p,
                        n);
}

unsigned client_got(const struct client *cl, const char *text)
{
    unsigned n = 0;

    for (unsigned i = 0; i < cl->seen_count && i < SEEN_MAX; i++)
        n += strcmp(cl->seen[i].text, text) == 0;
    return n;
}

const struct seen *client_find(const struct client *cl, const char *text)
{
    for (unsigned i = cl->seen_count < SEEN_MAX ? cl->seen_count : SEEN_MAX; i-- > 0;)
        if (strcmp(cl->seen[i].text, text) == 0)
            return &cl->seen[i];
    return NULL;
}

void call_pass(struct call *c, int64_t ms)
{
    int64_t until = clock_mono_us() + ms * 1000;

    while (clock_mono_us() < until)
        loop_turn(c->loop, 5);
}
