/* worker_test.c - calls through a real yz-mediad: who hears and sees whom, what is repaired, what moves. */
#include "media/ntp.h"
#include "tests/unit/media/call.h"

static const struct rtcpeer_config BOTH = {
    .send_audio = 1, .send_video = 1, .recv_audio = 2, .recv_video = 2};
static const struct rtcpeer_config PUBLISHER = {.send_audio = 1, .send_video = 1};
static const struct rtcpeer_config VIEWER = {.recv_audio = 1, .recv_video = 1};

/* Frames until the other side has begun: the first ones may come before its handshake is over. */
static void warm_up(struct client *from, struct client *to)
{
    int64_t deadline = test_deadline_us(10000);

    client_wait_connected(from);
    client_wait_connected(to);
    while (!(client_got(to, "warm key") && client_got(to, "warm sound")) &&
           test_turn(from->call->loop, deadline)) {
        client_say(from, "warm sound");
        client_show(from, "warm key", true, false);
        call_pass(from->call, 20);
    }
    CHECK(client_got(to, "warm key") && client_got(to, "warm sound"));
}

TEST(call, two_peers_hear_and_see_each_other_byte_for_byte)
{
    static struct call c;
    struct client *alice, *bob;
    const struct seen *s;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &BOTH);
    bob = call_join(t, &c, "r", "bob", ALL, &BOTH);
    warm_up(alice, bob);
    warm_up(bob, alice);
    CHECK_INT(rtcpeer_suite(alice->peer), SRTP_SUITE_GCM128);
    client_say(alice, "alice says this");
    client_show(alice, "alice shows this", false, false);
    client_say(bob, "bob says that");
    client_show(bob, "bob shows that", false, false);
    CHECK_SOON(c.loop, client_got(bob, "alice says this") && client_got(bob, "alice shows this") &&
                           client_got(alice, "bob says that") && client_got(alice, "bob shows that"));
    s = client_find(bob, "alice shows this");
    CHECK(s->line && s->line->kind == SDP_VIDEO && s->marker);
    CHECK_STR(s->mid, s->line->mid);
    CHECK_INT(s->len, 7 + strlen("alice shows this"));
    CHECK_INT(medialink_events(c.link, "PEER_STATE r alice connected"), 1);
    CHECK_INT(medialink_events(c.link, "TRACK r alice video VP8 1 1"), 1);
    CHECK_INT(medialink_events(c.link, "CHAIR r bob 2 alice audio 0"), 1);
    CHECK_INT(medialink_events(c.link, "CHAIR r bob 3 alice video 1"), 1);
    CHECK_INT(client_got(alice, "alice says this"), 0); /* nobody hears themselves */
    CHECK_SOON(c.loop, alice->twccs > 0);
}

TEST(call, counter_mode_and_streams_bound_by_mid_work_too)
{
    static struct call c;
    struct rtcpeer_config old = BOTH;
    struct client *alice, *bob;

    old.profiles = "SRTP_AES128_CM_SHA1_80";
    old.no_ssrc_lines = true;
    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &old);
    bob = call_join(t, &c, "r", "bob", ALL, &BOTH);
    warm_up(alice, bob);
    warm_up(bob, alice);
    CHECK_INT(rtcpeer_suite(alice->peer), SRTP_SUITE_CM80);
}

TEST(call, a_receiver_without_the_publishers_codec_gets_sound_but_no_picture)
{
    static struct call c;
    struct rtcpeer_config h264 = VIEWER;
    struct client *alice, *bob;

    h264.h264 = true;
    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &h264);
    client_wait_connected(alice);
    client_wait_connected(bob);
    for (int i = 0; i < 10; i++) {
        client_show(alice, "picture", true, false);
        client_say(alice, "sound");
        call_pass(&c, 20);
    }
    CHECK_SOON(c.loop, client_got(bob, "sound"));
    CHECK_INT(client_got(bob, "picture"), 0);
    CHECK_STR(medialink_last(c.link, "CHAIR r bob 1"), "");
}

TEST(call, ipv6_carries_it_too)
{
    static struct call c;
    static const char *const ARGS[] = {"--media.address=::1", NULL};
    struct client *alice, *bob;

    call_open(t, &c, ARGS);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &VIEWER);
    warm_up(alice, bob);
    CHECK_INT(rtcpeer_server(bob->peer)->sa.sa_family, AF_INET6);
}

/* ---- repair ---- */

TEST(repair, what_is_lost_on_the_way_up_is_asked_for_and_forwarded)
{
    static struct call c;
    struct client *alice, *bob;
    char text[32];

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &VIEWER);
    warm_up(alice, bob);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "frame %d", i);
        client_show(alice, text, false, i % 10 == 5 && i < 90);
        call_pass(&c, 5);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "frame %d", i);
        CHECK_SOON(c.loop, client_got(bob, text) == 1);
    }
    CHECK(alice->nacks > 0);
    CHECK_INT(client_got(bob, "frame 5"), 1);
}

static void nack_until_repaired(struct client *bob, const struct rtc_line *line)
{
    for (int round = 0; round < 20; round++) {
        rtcpeer_nack(bob->peer, line, bob->lost_seqs, bob->lost_count);
        call_pass(bob->call, 20);
    }
}

static void repair_down(struct test *t, bool rtx)
{
    static struct call c;
    struct rtcpeer_config shape = VIEWER;
    struct client *alice, *bob;
    const struct seen *s;
    unsigned repaired = 0;
    char text[32];

    shape.no_rtx = !rtx;
    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &shape);
    warm_up(alice, bob);
    bob->lose_every = 7;
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof(text), "frame %d", i);
        client_show(alice, text, false, false);
        if (i % 10 == 9)
            call_pass(&c, 10);
    }
    call_pass(&c, 50);
    bob->lose_every = 0;
    CHECK(bob->lost_count >= 20);
    nack_until_repaired(bob, rtcpeer_receiver(bob->peer, SDP_VIDEO, 0));
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof(text), "frame %d", i);
        s = client_find(bob, text);
        if (!s)
            fail_msg("%s never came", text);
        repaired += s->repaired;
    }
    CHECK_INT(repaired, rtx ? bob->lost_count : 0);
}

TEST(repair, what_is_lost_on_the_way_down_comes_again_as_rtx)
{
    repair_down(t, true);
}

TEST(repair, without_rtx_it_comes_again_as_it_was)
{
    repair_down(t, false);
}

TEST(repair, what_came_already_is_not_forwarded_again)
{
    static struct call c;
    struct client *alice, *bob;
    uint16_t seq;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &VIEWER);
    warm_up(alice, bob);
    seq = client_show(alice, "once", false, false);
    CHECK_SOON(c.loop, client_got(bob, "once"));
    for (int i = 0; i < 900; i++) {
        rtcpeer_resend(alice->peer, rtcpeer_sender(alice->peer, SDP_VIDEO, 0), seq);
        client_show(alice, "more", false, false);
        if (i % 20 == 0)
            call_pass(&c, 10);
    }
    call_pass(&c, 100);
    CHECK_INT(client_got(bob, "once"), 1);
}

TEST(repair, a_nack_of_everything_is_bounded)
{
    static struct call c;
    struct client *alice, *bob;
    uint16_t seqs[17];
    unsigned before;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &VIEWER);
    warm_up(alice, bob);
    for (int i = 0; i < 300; i++)
        client_show(alice, "x", false, false);
    call_pass(&c, 100);
    before = bob->seen_count;
    for (uint32_t base = 0; base < 65536; base += 17) { /* every number there is, several times over */
        for (uint16_t k = 0; k < 17; k++)
            seqs[k] = (uint16_t)(base + k);
        rtcpeer_nack(bob->peer, rtcpeer_receiver(bob->peer, SDP_VIDEO, 0), seqs, 17);
        if (base % (17 * 100) == 0)
            call_pass(&c, 1);
    }
    call_pass(&c, 200);
    CHECK(bob->seen_count - before < 1300); /* a burst of 600 and a little more */
    client_show(alice, "still there", false, false);
    CHECK_SOON(c.loop, client_got(bob, "still there"));
}

/* ---- key frames ---- */

TEST(keyframe, a_newcomer_makes_the_publisher_send_one_and_begins_with_it)
{
    static struct call c;
    struct client *alice, *bob, *carol;
    unsigned before;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &VIEWER);
    warm_up(alice, bob);
    call_pass(&c, 1100);
    before = alice->plis;
    carol = call_join(t, &c, "r", "carol", ALL, &VIEWER);
    client_wait_connected(carol);
    CHECK_SOON(c.loop, alice->plis > before);
    client_show(alice, "difference", false, false);
    client_show(alice, "key", true, false);
    client_show(alice, "after key", false, false);
    CHECK_SOON(c.loop, client_got(carol, "after key"));
    CHECK_INT(client_got(carol, "difference"), 0);
    CHECK_INT(client_got(carol, "key"), 1);
    CHECK_INT(client_got(bob, "difference"), 1);
}

TEST(keyframe, a_thousand_wishes_reach_the_publisher_once_a_second)
{
    static struct call c;
    struct client *alice, *bob;
    unsigned before;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &VIEWER);
    warm_up(alice, bob);
    before = alice->plis;
    for (int i = 0; i < 250; i++) {
        for (int k = 0; k < 4; k++)
            rtcpeer_pli(bob->peer, rtcpeer_receiver(bob->peer, SDP_VIDEO, 0));
        call_pass(&c, 10);
    }
    CHECK(alice->plis - before >= 2 && alice->plis - before <= 4);
}

/* ---- chairs ---- */

TEST(chairs, a_publisher_who_leaves_makes_room_and_the_stream_runs_on)
{
    static struct call c;
    struct client *alice, *bob, *eve;
    const struct seen *last, *first;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    eve = call_join(t, &c, "r", "eve", ALL, &VIEWER);
    warm_up(alice, eve);
    bob = call_join(t, &c, "r", "bob", ALL, &PUBLISHER);
    client_wait_connected(bob);
    client_show(bob, "bob waits", true, false);
    CHECK_SOON(c.loop, medialink_events(c.link, "TRACK r bob video VP8 1 1"));
    CHECK_INT(client_got(eve, "bob waits"), 0); /* one chair, taken */
    client_show(alice, "alice's last", false, false);
    CHECK_SOON(c.loop, client_got(eve, "alice's last"));
    rtcpeer_close(alice->peer);
    CHECK_SOON(c.loop, medialink_events(c.link, "CHAIR r eve 1 bob video 1"));
    CHECK_SOON(c.loop, medialink_events(c.link, "PEER_STATE r alice gone"));
    call_pass(&c, 100);
    client_show(bob, "bob's difference", false, false);
    client_show(bob, "bob's first", true, false);
    CHECK_SOON(c.loop, client_got(eve, "bob's first"));
    last = client_find(eve, "alice's last");
    first = client_find(eve, "bob's first");
    CHECK(last->line == first->line);
    CHECK_INT((uint16_t)(first->seq - last->seq), 1);
    CHECK(first->ts - last->ts > 90 * 50 && first->ts - last->ts < 90 * 5000);
    CHECK_INT(client_got(eve, "bob's difference"), 0);
}

TEST(chairs, sound_and_picture_of_one_person_sit_side_by_side)
{
    static struct call c;
    struct rtcpeer_config three = {.recv_audio = 3, .recv_video = 3};
    struct client *alice, *bob, *eve;

    call_open(t, &c, NULL);
    eve = call_join(t, &c, "r", "eve", ALL, &three);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &PUBLISHER);
    client_wait_connected(eve);
    client_wait_connected(alice);
    client_wait_connected(bob);
    client_say(alice, "a"); /* alice's sound, then bob's picture, then the rest */
    CHECK_SOON(c.loop, medialink_events(c.link, "CHAIR r eve 0 alice audio 0"));
    client_show(bob, "b", true, false);
    CHECK_SOON(c.loop, medialink_events(c.link, "CHAIR r eve 3 bob video 1"));
    client_show(alice, "a", true, false);
    CHECK_SOON(c.loop, medialink_events(c.link, "CHAIR r eve 1 alice video 1"));
    client_say(bob, "b");
    CHECK_SOON(c.loop, medialink_events(c.link, "CHAIR r eve 2 bob audio 0"));
}

TEST(chairs, more_of_them_may_be_offered_later)
{
    static struct call c;
    struct client *alice, *bob, *eve;
    struct err err = ERR_INIT;
    uint32_t ssrc;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &PUBLISHER);
    eve = call_join(t, &c, "r", "eve", ALL, &VIEWER);
    warm_up(alice, eve);
    client_wait_connected(bob);
    client_say(bob, "no chair yet");
    CHECK_SOON(c.loop, medialink_events(c.link, "TRACK r bob audio opus 0 1"));
    ssrc = rtcpeer_receiver(eve->peer, SDP_AUDIO, 0)->ssrc;
    rtcpeer_add_chairs(eve->peer, 1, 1);
    CHECK_OK(client_offer(eve, &err), &err);
    CHECK_SOON(c.loop, medialink_events(c.link, "CHAIR r eve 2 bob audio 0"));
    client_say(bob, "a chair for bob");
    client_say(alice, "alice as before");
    CHECK_SOON(c.loop, client_got(eve, "a chair for bob") && client_got(eve, "alice as before"));
    CHECK_INT(rtcpeer_receiver(eve->peer, SDP_AUDIO, 0)->ssrc, ssrc);
    CHECK_INT(medialink_events(c.link, "PEER_STATE r eve connected"), 1);
}

TEST(chairs, from_names_the_only_publisher_a_viewer_gets)
{
    static struct call c;
    struct client *alice, *bob, *eve;
    struct err err = ERR_INIT;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &PUBLISHER);
    eve = call_join(t, &c, "r", "eve", ALL, &(struct rtcpeer_config){.recv_audio = 2, .recv_video = 2});
    eve->from = "bob";
    CHECK_OK(client_offer(eve, &err), &err);
    client_wait_connected(eve);
    client_wait_connected(alice);
    client_wait_connected(bob);
    for (int i = 0; i < 20; i++) {
        client_say(alice, "alice");
        client_say(bob, "bob");
        call_pass(&c, 20);
    }
    CHECK(client_got(eve, "bob") > 0);
    CHECK_INT(client_got(eve, "alice"), 0);
}

TEST(chairs, forty_receivers_get_every_packet)
{
    static struct call c;
    struct client *alice, *many[40];
    char name[40][24], text[32];

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    for (int i = 0; i < 40; i++) {
        snprintf(name[i], sizeof(name[i]), "viewer%d", i);
        many[i] = call_join(t, &c, "r", name[i], MEDIA_RIGHT_SUBSCRIBE, &VIEWER);
    }
    client_wait_connected(alice);
    for (int i = 0; i < 40; i++)
        warm_up(alice, many[i]);
    for (int k = 0; k < 50; k++) {
        snprintf(text, sizeof(text), "frame %d", k);
        client_show(alice, text, false, false);
        client_say(alice, text);
        call_pass(&c, 5);
    }
    for (int i = 0; i < 40; i++)
        for (int k = 0; k < 50; k++) {
            snprintf(text, sizeof(text), "frame %d", k);
            CHECK_SOON(c.loop, client_got(many[i], text) == 2);
        }
}

/* ---- reports ---- */

TEST(reports, a_receiver_learns_the_publishers_time_in_its_own_streams_units)
{
    static struct call c;
    struct client *alice, *bob;
    int64_t off = 3600 * US_PER_S; /* her clock is an hour wrong */
    const struct seen *s;
    uint32_t behind;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &VIEWER);
    warm_up(alice, bob);
    rtcpeer_sr(alice->peer, rtcpeer_sender(alice->peer, SDP_VIDEO, 0), ntp_from_us(clock_now_us() + off),
               alice->video_ts);
    bob->srs = 0;
    CHECK_SOON(c.loop, bob->srs > 0);
    s = client_find(bob, "warm key");
    CHECK_INT(bob->last_sr_ssrc, rtcpeer_receiver(bob->peer, SDP_VIDEO, 0)->ssrc);
    behind = bob->last_sr.rtp - s->ts; /* the last frame was shown a little before the report */
    CHECK(behind < 90000 * 5);
    CHECK(llabs(ntp_to_us(bob->last_sr.ntp) - clock_now_us()) < 5 * US_PER_S); /* one clock for all: ours */
}

TEST(reports, who_knows_only_remb_is_told_a_rate)
{
    static struct call c;
    struct client *alice;
    char *answer = NULL;
    struct err err = ERR_INIT;

    call_open(t, &c, NULL);
    alice = call_client(t, &c, "r", "alice", ALL, &PUBLISHER);
    CHECK_OK(client_offer_edited(alice, "transport-cc", "transport-xx", &answer, &err), &err);
    CHECK(strstr(answer, "goog-remb") != NULL);
    free(answer);
    client_wait_connected(alice);
    for (int i = 0; i < 100 && !alice->rembs; i++) {
        client_show(alice, "x", true, false);
        call_pass(&c, 50);
    }
    CHECK(alice->rembs > 0);
    CHECK_INT(alice->twccs, 0);
}

TEST(speaker, the_loudest_is_named_and_silence_empties_the_place)
{
    static struct call c;
    struct client *alice, *bob;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &BOTH);
    bob = call_join(t, &c, "r", "bob", ALL, &BOTH);
    client_wait_connected(alice);
    client_wait_connected(bob);
    for (int i = 0; i < 60; i++) {
        client_say(alice, "loud");
        call_pass(&c, 20);
    }
    CHECK_INT(medialink_events(c.link, "SPEAKER r alice"), 1);
    for (int i = 0; i < 200 && !medialink_events(c.link, "SPEAKER r bob"); i++) {
        client_say(bob, "loud");
        call_pass(&c, 20);
    }
    CHECK_INT(medialink_events(c.link, "SPEAKER r bob"), 1);
    CHECK_SOON(c.loop, medialink_events(c.link, "SPEAKER r -") == 1);
}
