/* tap_test.c - recorded rooms: what reaches the recorder, and what happens when it dies. The recorder here is ours. */
#include <unistd.h>
#include "core/mem.h"
#include "core/wire.h"
#include "media/record/ring.h"
#include "tests/unit/media/call.h"

static const struct rtcpeer_config PUBLISHER = {.send_audio = 1, .send_video = 1};

struct recorder {
    struct loop *loop;
    struct wire_server *server;
    char *path;
    struct ring *ring;
    char log[200][160]; /* messages as text */
    unsigned count, kicks;
    char texts[2000][48]; /* payload ends of RTP records, in order */
    unsigned text_count, keyframes, srs, gaps, torn;
};

static void note(struct recorder *r, const char *text)
{
    if (r->count < 200)
        snprintf(r->log[r->count++], sizeof(r->log[0]), "%s", text);
}

static unsigned noted(const struct recorder *r, const char *text)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->count; i++)
        n += strcmp(r->log[i], text) == 0;
    return n;
}

static void read_record(struct recorder *r, const struct ring_record *rec)
{
    struct rtp p;

    r->srs += rec->kind == RING_SR;
    r->gaps += rec->kind == RING_GAP;
    if (rec->kind != RING_RTP)
        return;
    r->keyframes += (rec->flags & RING_FLAG_KEYFRAME) && rec->track;
    CHECK(rtp_parse(rec->data, rec->len, &p));
    CHECK(llabs(rec->arrival_us - clock_now_us()) < 60 * US_PER_S);
    if (r->text_count < 2000) {
        bool video = p.pt == RTC_PT_VP8;
        size_t skip = video ? 7 : 0;

        snprintf(r->texts[r->text_count++], sizeof(r->texts[0]), "%.*s", (int)(rtp_payload_len(&p) - skip),
                 (const char *)rtp_payload(&p) + skip);
    }
}

static void drain(struct recorder *r)
{
    struct ring_record rec;
    struct err err = ERR_INIT;

    do {
        while (ring_next(r->ring, &rec, &err))
            read_record(r, &rec);
        r->torn += err.code != ERR_NONE;
        ring_release(r->ring);
    } while (!ring_sleep(r->ring) && !r->torn);
}

static bool recorded(const struct recorder *r, const char *text)
{
    for (unsigned i = 0; i < r->text_count; i++)
        if (strcmp(r->texts[i], text) == 0)
            return true;
    return false;
}

static void on_track(struct recorder *r, struct wire_in *in)
{
    char peer[64], kind[16], codec[16], fmtp[64], text[160];
    uint32_t clock;
    uint8_t pt;

    wire_get_u32(in);
    wire_get_u32(in);
    wire_get_str(in, peer, sizeof(peer));
    wire_get_str(in, kind, sizeof(kind));
    wire_get_str(in, codec, sizeof(codec));
    pt = wire_get_u8(in);
    clock = wire_get_u32(in);
    wire_get_u32(in);
    wire_get_str(in, fmtp, sizeof(fmtp));
    snprintf(text, sizeof(text), "track %s %s %s %u %u", peer, kind, codec, pt, clock);
    note(r, text);
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct recorder *r = arg;
    char room[64], dir[64], text[160];
    struct err err = ERR_INIT;

    (void)w;
    switch (in->type) {
    case REC_HELLO:
        wire_get_u16(in);
        wire_get_u64(in);
        CHECK(in->fd >= 0);
        CHECK_OK(ring_attach(&r->ring, in->fd, &err), &err);
        in->fd = -1;
        note(r, "hello");
        break;
    case REC_OPEN:
        wire_get_u32(in);
        wire_get_str(in, room, sizeof(room));
        wire_get_str(in, dir, sizeof(dir));
        snprintf(text, sizeof(text), "open %s %s", room, dir);
        note(r, text);
        break;
    case REC_TRACK:
        on_track(r, in);
        break;
    case REC_TRACK_END:
        wire_get_u32(in);
        wire_get_u32(in);
        drain(r);
        note(r, "track end");
        break;
    case REC_CLOSE:
        wire_get_u32(in);
        wire_get_str(in, text, sizeof(text));
        drain(r);
        note(r, "close");
        break;
    case REC_KICK:
        r->kicks++;
        drain(r);
        break;
    default:
        fail_msg("message %04x", in->type);
    }
}

static void recorder_start(struct recorder *r)
{
    struct err err = ERR_INIT;

    CHECK_OK(wire_listen(&r->server, r->loop, r->path,
                         (struct wire_events){.on_message = on_message, .arg = r}, &err),
             &err);
}

static void recorder_die(struct recorder *r)
{
    wire_server_free(r->server);
    r->server = NULL;
    ring_free(r->ring);
    r->ring = NULL;
}

static void recorder_close(void *arg)
{
    struct recorder *r = arg;

    recorder_die(r);
    free(r->path);
    free(r);
}

static struct recorder *recorder_open(struct test *t, struct call *c)
{
    struct recorder *r = mem_new(sizeof(*r));

    r->loop = c->loop;
    r->path = mem_format("%s/run/recorderd.sock", c->data);
    test_cleanup(t, recorder_close, r);
    recorder_start(r);
    return r;
}

static void talk(struct client *alice, const char *text, int times)
{
    for (int i = 0; i < times; i++) {
        client_say(alice, text);
        client_show(alice, text, i == 0, false);
        call_pass(alice->call, 5);
    }
}

TEST(tap, a_recorded_room_reaches_the_recorder_packet_by_packet)
{
    static struct call c;
    struct recorder *r;
    struct client *alice;
    struct err err = ERR_INIT;

    call_open(t, &c, NULL);
    r = recorder_open(t, &c);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    client_wait_connected(alice);
    talk(alice, "before", 5);
    CHECK_OK(medialink_record(c.link, "r", 1, "region/visit", &err), &err);
    CHECK_SOON(c.loop, noted(r, "open r region/visit"));
    CHECK_SOON(c.loop,
               noted(r, "track alice video VP8 96 90000") && noted(r, "track alice audio opus 111 48000"));
    CHECK_SOON(c.loop, alice->plis > 0); /* so that the recording begins with a picture */
    rtcpeer_sr(alice->peer, rtcpeer_sender(alice->peer, SDP_VIDEO, 0), 42, 43);
    talk(alice, "during", 20);
    CHECK_SOON(c.loop, recorded(r, "during") && r->keyframes > 0 && r->srs == 1);
    CHECK_OK(medialink_record(c.link, "r", 1, NULL, &err), &err);
    CHECK_SOON(c.loop, noted(r, "close"));
    talk(alice, "after", 5);
    call_pass(&c, 50);
    CHECK(!recorded(r, "before") && !recorded(r, "after"));
    CHECK_INT(r->text_count, 40);
    CHECK_INT(r->torn, 0);
    CHECK_INT(medialink_events(c.link, "RECORD_STATE r 0 stopped"), 1);
}

TEST(tap, a_recorder_that_dies_and_comes_back_misses_nothing_that_fits_the_ring)
{
    static struct call c;
    struct recorder *r;
    struct client *alice;
    struct err err = ERR_INIT;

    call_open(t, &c, NULL);
    r = recorder_open(t, &c);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    client_wait_connected(alice);
    CHECK_OK(medialink_room_open(c.link, "r", 1, "v", &err), &err);
    talk(alice, "one", 10);
    CHECK_SOON(c.loop, recorded(r, "one"));
    recorder_die(r);
    CHECK_SOON(c.loop, medialink_events(c.link, "RECORD_STATE r 1 recorder_lost"));
    talk(alice, "two", 20);
    recorder_start(r);
    CHECK_SOON(c.loop, medialink_events(c.link, "RECORD_STATE r 1 recorder_back"));
    CHECK_SOON(c.loop, recorded(r, "two"));
    talk(alice, "three", 5);
    CHECK_SOON(c.loop, recorded(r, "three"));
    CHECK_INT(noted(r, "hello"), 2);
    CHECK_INT(noted(r, "open r v"), 2);
    CHECK_INT(noted(r, "track alice video VP8 96 90000"), 2);
    CHECK_INT(r->gaps, 0);
    CHECK_INT(r->text_count, 70);
}

TEST(tap, a_ring_that_overflows_loses_and_says_so_and_the_call_goes_on)
{
    static struct call c;
    static const char *const ARGS[] = {"--record.ring_bytes=65536", NULL};
    static const struct rtcpeer_config VIEWER = {.recv_audio = 1, .recv_video = 1};
    struct recorder *r;
    struct client *alice, *bob;
    char big[600];
    struct err err = ERR_INIT;

    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    call_open(t, &c, ARGS);
    r = recorder_open(t, &c);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &VIEWER);
    client_wait_connected(alice);
    client_wait_connected(bob);
    CHECK_OK(medialink_room_open(c.link, "r", 1, "v", &err), &err);
    talk(alice, "one", 10);
    CHECK_SOON(c.loop, recorded(r, "one"));
    recorder_die(r);
    talk(alice, big, 100);
    client_say(alice, "the call goes on");
    CHECK_SOON(c.loop, client_got(bob, "the call goes on"));
    recorder_start(r);
    CHECK_SOON(c.loop, noted(r, "hello") == 2);
    talk(alice, "three", 10);
    CHECK_SOON(c.loop, recorded(r, "three"));
    CHECK_INT(r->gaps, 2); /* one for each track */
    CHECK_INT(r->torn, 0);
}

TEST(tap, a_folder_that_leads_elsewhere_is_refused)
{
    static struct call c;
    struct err err = ERR_INIT;

    call_open(t, &c, NULL);
    CHECK_ERR(medialink_room_open(c.link, "r", 1, "../etc", &err), &err, ERR_INVALID, "record_dir_invalid");
    CHECK_ERR(medialink_room_open(c.link, "r", 1, "/etc", &err), &err, ERR_INVALID, "record_dir_invalid");
}

TEST(tap, a_publisher_who_leaves_ends_its_tracks_after_their_last_packet)
{
    static struct call c;
    struct recorder *r;
    struct client *alice;
    struct err err = ERR_INIT;

    call_open(t, &c, NULL);
    r = recorder_open(t, &c);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    client_wait_connected(alice);
    CHECK_OK(medialink_room_open(c.link, "r", 1, "v", &err), &err);
    talk(alice, "words", 5);
    client_say(alice, "last words");
    rtcpeer_close(alice->peer);
    CHECK_SOON(c.loop, noted(r, "track end") == 2);
    CHECK(recorded(r, "last words"));
    CHECK_OK(medialink_room_close(c.link, "r", 1, &err), &err);
    CHECK_SOON(c.loop, noted(r, "close"));
}
