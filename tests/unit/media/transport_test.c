/* transport_test.c - moves, silences, restarts, rights, epochs and attackers, against a real yz-mediad. */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/crypto.h"
#include "media/stun.h"
#include "tests/unit/media/call.h"

static const struct rtcpeer_config PUBLISHER = {.send_audio = 1, .send_video = 1};
static const struct rtcpeer_config VIEWER = {.recv_audio = 1, .recv_video = 1};

/* Sound every 20 ms until this text came, or ten seconds. */
static void say_until_heard(struct client *from, struct client *to, const char *text)
{
    int64_t deadline = test_deadline_us(10000);

    while (!client_got(to, text) && test_turn(from->call->loop, deadline)) {
        client_say(from, text);
        call_pass(from->call, 20);
    }
    CHECK(client_got(to, text));
}

static void open_pair(struct test *t, struct call *c, const char *const *args, struct client **alice,
                      struct client **bob)
{
    call_open(t, c, args);
    *alice = call_join(t, c, "r", "alice", ALL, &PUBLISHER);
    *bob = call_join(t, c, "r", "bob", ALL, &VIEWER);
    client_wait_connected(*alice);
    client_wait_connected(*bob);
    say_until_heard(*alice, *bob, "hello");
}

/* ---- moves ---- */

TEST(move, a_nomination_from_a_new_port_moves_the_media_there)
{
    static struct call c;
    struct client *alice, *bob;

    open_pair(t, &c, NULL, &alice, &bob);
    rtcpeer_rebind(bob->peer); /* the old socket is closed */
    say_until_heard(alice, bob, "to the new port");
    rtcpeer_rebind(alice->peer);
    say_until_heard(alice, bob, "from the new port");
    CHECK_INT(medialink_events(c.link, "PEER_STATE r bob connected"), 1);
    CHECK_STR(medialink_last(c.link, "PEER_STATE r bob"), "PEER_STATE r bob connected");
}

TEST(move, ten_seconds_in_a_tunnel_are_survived_by_the_same_peers)
{
    static struct call c;
    struct client *alice, *bob;

    open_pair(t, &c, NULL, &alice, &bob);
    rtcpeer_tunnel(alice->peer, true);
    rtcpeer_tunnel(bob->peer, true);
    CHECK_SOON(c.loop, medialink_events(c.link, "PEER_STATE r alice silent") &&
                           medialink_events(c.link, "PEER_STATE r bob silent"));
    call_pass(&c, 5000);
    rtcpeer_tunnel(alice->peer, false);
    rtcpeer_tunnel(bob->peer, false);
    say_until_heard(alice, bob, "out again");
    CHECK_SOON(c.loop, strcmp(medialink_last(c.link, "PEER_STATE r bob"), "PEER_STATE r bob connected") == 0);
    CHECK_INT(medialink_events(c.link, "PEER_STATE r alice gone"), 0);
    CHECK_INT(medialink_events(c.link, "CHAIR r bob 0 alice audio 0"), 1); /* it kept its seat */
}

TEST(move, who_stays_silent_longer_is_gone_and_the_room_is_empty)
{
    static struct call c;
    static const char *const ARGS[] = {"--media.silent_ms=500", "--media.grace_ms=1500", NULL};
    struct client *alice, *bob;

    open_pair(t, &c, ARGS, &alice, &bob);
    rtcpeer_tunnel(alice->peer, true);
    rtcpeer_tunnel(bob->peer, true);
    CHECK_SOON(c.loop, medialink_events(c.link, "PEER_STATE r alice gone") &&
                           medialink_events(c.link, "PEER_STATE r bob gone"));
    CHECK_INT(medialink_events(c.link, "TRACK r alice audio opus 0 0"), 1);
    CHECK_SOON(c.loop, medialink_events(c.link, "ROOM_EMPTY r"));
}

TEST(move, an_ice_restart_changes_credentials_and_loses_nothing)
{
    static struct call c;
    struct client *alice, *bob;
    char etag[64], text[32];
    struct err err = ERR_INIT;

    open_pair(t, &c, NULL, &alice, &bob);
    memcpy(etag, bob->etag, sizeof(etag));
    for (int i = 0; i < 50; i++) {
        if (i == 20) {
            rtcpeer_restart(bob->peer);
            CHECK_OK(client_offer(bob, &err), &err);
            CHECK(strcmp(etag, bob->etag) != 0);
        }
        if (i == 30) {
            rtcpeer_restart(alice->peer);
            CHECK_OK(client_offer(alice, &err), &err);
            rtcpeer_rebind(alice->peer);
        }
        snprintf(text, sizeof(text), "word %d", i);
        client_say(alice, text);
        call_pass(&c, 20);
    }
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof(text), "word %d", i);
        CHECK_INT(client_got(bob, text), i == 30 ? client_got(bob, text) : 1);
    }
    CHECK_INT(medialink_events(c.link, "PEER_STATE r bob connected"), 1);
}

TEST(move, a_restart_by_fragment_is_answered_with_a_fragment)
{
    static struct call c;
    struct client *alice, *bob;
    char *answer = NULL;
    struct err err = ERR_INIT;

    open_pair(t, &c, NULL, &alice, &bob);
    CHECK_OK(medialink_trickle(c.link, "r", "bob", "a=ice-ufrag:newu\r\na=ice-pwd:0123456789012345678901\r\n",
                               &answer, &err),
             &err);
    CHECK(answer && strstr(answer, "a=ice-ufrag:0+") && strstr(answer, "a=candidate:"));
    free(answer);
    answer = NULL;
    CHECK_OK(medialink_trickle(c.link, "r", "bob", "a=end-of-candidates\r\n", &answer, &err), &err);
    CHECK(answer == NULL);
    say_until_heard(alice, bob, "the old credentials still hold");
}

TEST(move, a_page_loaded_again_takes_the_place_of_the_old_connection)
{
    static struct call c;
    struct client *alice, *bob, *again;

    open_pair(t, &c, NULL, &alice, &bob);
    again = call_join(t, &c, "r", "bob", ALL, &VIEWER);
    client_wait_connected(again);
    say_until_heard(alice, again, "after the reload");
    CHECK_INT(medialink_events(c.link, "PEER_STATE r bob gone"), 0);
}

/* ---- rights and rooms ---- */

TEST(rights, losing_the_right_to_publish_stops_forwarding_at_once)
{
    static struct call c;
    struct client *alice, *bob;
    struct err err = ERR_INIT;

    open_pair(t, &c, NULL, &alice, &bob);
    CHECK_OK(medialink_rights(c.link, "r", "alice", MEDIA_RIGHT_SUBSCRIBE | MEDIA_RIGHT_VIDEO, &err), &err);
    call_pass(&c, 50);
    for (int i = 0; i < 20; i++) {
        client_say(alice, "muted");
        call_pass(&c, 10);
    }
    CHECK_INT(client_got(bob, "muted"), 0);
    CHECK_OK(medialink_rights(c.link, "r", "alice", ALL, &err), &err);
    say_until_heard(alice, bob, "heard again");
    CHECK_OK(medialink_rights(c.link, "r", "bob", 0, &err), &err);
    call_pass(&c, 50);
    client_say(alice, "not for bob");
    call_pass(&c, 100);
    CHECK_INT(client_got(bob, "not for bob"), 0);
    CHECK_STR(medialink_last(c.link, "CHAIR r bob 0"), "CHAIR r bob 0 - audio -");
}

TEST(rights, who_may_not_publish_is_not_forwarded_from_the_first_packet_on)
{
    static struct call c;
    struct client *alice, *bob;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", MEDIA_RIGHT_SUBSCRIBE, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &VIEWER);
    client_wait_connected(alice);
    client_wait_connected(bob);
    for (int i = 0; i < 20; i++) {
        client_say(alice, "smuggled");
        call_pass(&c, 10);
    }
    CHECK_INT(bob->seen_count, 0);
    CHECK_STR(medialink_last(c.link, "TRACK r alice"), "");
}

TEST(rooms, an_older_epoch_is_refused)
{
    static struct call c;
    struct client *alice;
    char *offer, *answer;
    struct err err = ERR_INIT;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    CHECK_OK(medialink_room_open(c.link, "r", 5, NULL, &err), &err);
    CHECK_ERR(medialink_room_open(c.link, "r", 4, NULL, &err), &err, ERR_STALE, "room_epoch");
    CHECK_ERR(medialink_room_close(c.link, "r", 4, &err), &err, ERR_STALE, "room_epoch");
    CHECK_ERR(medialink_record(c.link, "r", 4, "x", &err), &err, ERR_STALE, "room_epoch");
    offer = rtcpeer_offer(alice->peer);
    CHECK_ERR(medialink_offer(c.link,
                              &(struct medialink_offer){
                                  .room = "r", .peer = "bob", .sdp = offer, .epoch = 4, .rights = ALL},
                              &answer, NULL, &err),
              &err, ERR_STALE, "room_epoch");
    CHECK_ERR(medialink_offer(c.link,
                              &(struct medialink_offer){
                                  .room = "other", .peer = "bob", .sdp = offer, .epoch = 9, .rights = ALL},
                              &answer, NULL, &err),
              &err, ERR_NOT_FOUND, "room_not_open");
    free(offer);
    client_wait_connected(alice); /* the higher epoch did not end it */
    CHECK_OK(medialink_room_close(c.link, "r", 5, &err), &err);
    CHECK_INT(medialink_events(c.link, "PEER_STATE r alice gone"), 1);
    CHECK_SOON(c.loop, rtcpeer_closed(alice->peer));
    CHECK_ERR(medialink_room_open(c.link, "r", 4, NULL, &err), &err, ERR_STALE,
              "room_epoch"); /* remembered */
    CHECK_OK(medialink_room_open(c.link, "r", 6, NULL, &err), &err);
}

TEST(rooms, another_room_hears_nothing)
{
    static struct call c;
    struct client *alice, *eve, *bob;

    open_pair(t, &c, NULL, &alice, &bob);
    eve = call_join(t, &c, "other", "eve", ALL, &VIEWER);
    client_wait_connected(eve);
    say_until_heard(alice, bob, "between us");
    CHECK_INT(eve->seen_count, 0);
}

TEST(rooms, bad_offers_are_refused_with_their_word_and_change_nothing)
{
    static struct call c;
    struct client *alice, *bob;
    char *answer;
    struct err err = ERR_INIT;

    open_pair(t, &c, NULL, &alice, &bob);
    CHECK_ERR(medialink_offer(c.link,
                              &(struct medialink_offer){
                                  .room = "r", .peer = "bob", .sdp = "v=0\r\n", .epoch = 1, .rights = ALL},
                              &answer, NULL, &err),
              &err, ERR_INVALID, "sdp_no_media");
    CHECK_ERR(medialink_offer(c.link,
                              &(struct medialink_offer){
                                  .room = "r", .peer = "eve", .sdp = "junk", .epoch = 1, .rights = ALL},
                              &answer, NULL, &err),
              &err, ERR_INVALID, "sdp_malformed");
    say_until_heard(alice, bob, "as before");
}

/* ---- attackers ---- */

struct attacker {
    int fd;
    struct addr to;
};

static void attacker_close(void *arg)
{
    close(((struct attacker *)arg)->fd);
}

static void attacker_open(struct test *t, struct attacker *a, struct call *c)
{
    a->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CHECK(a->fd >= 0);
    test_cleanup(t, attacker_close, a);
    CHECK(addr_parse("127.0.0.1", medialink_port(c->link), &a->to));
}

static void throw(struct attacker * a, const void *data, size_t len)
{
    (void)!sendto(a->fd, data, len, 0, &a->to.sa, addr_len(&a->to));
}

static bool answered(struct attacker *a)
{
    uint8_t buf[2048];

    return recv(a->fd, buf, sizeof(buf), 0) > 0;
}

TEST(attack, junk_from_elsewhere_gets_no_answer_and_disturbs_nobody)
{
    static struct call c;
    static struct attacker a;
    struct client *alice, *bob;
    uint8_t p[1600];
    size_t n;

    open_pair(t, &c, NULL, &alice, &bob);
    attacker_open(t, &a, &c);
    for (int i = 0; i < 3000; i++) {
        crypto_random(p, sizeof(p));
        switch (i % 6) {
        case 0: /* a check for a peer that exists, with a wrong password */
            n = stun_write_request(
                p, &(struct stun_request){.txid = p + 100,
                                          .username = bob->etag[0] ? "0+aaaaaaaaaaaaaaaaaaaa:x" : "x",
                                          .password = "wrongwrongwrongwrong",
                                          .use_candidate = true});
            break;
        case 1: /* a DTLS hello */
            memcpy(p, "\x16\xfe\xfd\0\0\0\0\0\0\0\1", 11);
            n = 200;
            break;
        case 2: /* media with the right SSRC */
            p[0] = 0x80;
            p[1] = RTC_PT_OPUS;
            put_be32(p + 8, rtcpeer_sender(alice->peer, SDP_AUDIO, 0)->ssrc);
            n = 172;
            break;
        case 3:
            p[0] = 0x81;
            p[1] = 203;
            n = 64;
            break;
        case 4:
            n = 1600; /* over any packet we take */
            break;
        default:
            n = (size_t)(i % 64);
            break;
        }
        throw(&a, p, n);
        if (i % 100 == 0) {
            client_say(alice, "through the noise");
            call_pass(&c, 2);
        }
    }
    say_until_heard(alice, bob, "still here");
    CHECK(client_got(bob, "through the noise") >= 25);
    CHECK(!answered(&a));
    CHECK_STR(medialink_last(c.link, "PEER_STATE r bob"), "PEER_STATE r bob connected");
}

TEST(attack, an_overheard_check_repeated_from_elsewhere_moves_nothing)
{
    static struct call c;
    static struct attacker a;
    struct client *alice, *bob;
    char username[160], pwd[64] = "", *offer, *answer = NULL, *at;
    uint8_t p[STUN_MAX];
    struct err err = ERR_INIT;
    size_t n;

    open_pair(t, &c, NULL, &alice, &bob);
    attacker_open(t, &a, &c);
    offer = rtcpeer_offer(bob->peer);
    CHECK_OK(medialink_offer(c.link,
                             &(struct medialink_offer){
                                 .room = "r", .peer = "bob", .sdp = offer, .epoch = 1, .rights = ALL},
                             &answer, NULL, &err),
             &err);
    at = strstr(answer, "a=ice-pwd:");
    CHECK(at && sscanf(at, "a=ice-pwd:%63s", pwd) == 1);
    snprintf(username, sizeof(username), "%s:x", bob->etag);
    n = stun_write_request(p, &(struct stun_request){.txid = (const uint8_t *)"abcdefghijkl",
                                                     .username = username,
                                                     .password = pwd,
                                                     .use_candidate = true});
    rtcpeer_raw(bob->peer, p, n); /* bob's own check, overheard */
    call_pass(&c, 50);
    throw(&a, p, n);
    call_pass(&c, 50);
    CHECK(!answered(&a));
    say_until_heard(alice, bob, "to bob only");
    CHECK(!answered(&a));
    free(offer);
    free(answer);
}

TEST(attack, bad_packets_of_a_peer_are_dropped_and_the_call_goes_on)
{
    static struct call c;
    struct client *alice, *bob;
    struct rtc_line *audio;
    uint8_t rtcp[256];
    size_t n = 0;

    open_pair(t, &c, NULL, &alice, &bob);
    audio = rtcpeer_sender(alice->peer, SDP_AUDIO, 0);
    for (uint8_t pt = 1; pt < 127; pt++) /* types that were not negotiated */
        if (pt != RTC_PT_OPUS && (pt < 64 || pt > 95))
            rtcpeer_send(alice->peer, audio, &(struct rtc_packet){.ts = 1, .pt = pt}, "bad type", 8);
    n = rtcp_write_bye(rtcp, rtcpeer_receiver(bob->peer, SDP_AUDIO, 0)->ssrc); /* of another's SSRC */
    rtcpeer_rtcp(alice->peer, rtcp, n);
    memcpy(rtcp, "\x9f\xc9\0\1\0\0\0\1", 8); /* a report of 31 blocks in no bytes */
    rtcpeer_rtcp(alice->peer, rtcp, 8);
    memcpy(rtcp, "\x8f\xcd\0\4\0\0\0\1\0\0\0\1\0\0\xff\xff\0\0\0\0",
           20); /* arrival times of 65,535 packets */
    rtcpeer_rtcp(alice->peer, rtcp, 20);
    say_until_heard(alice, bob, "afterwards");
    CHECK_INT(client_got(bob, "bad type"), 0);
}

TEST(attack, new_ssrcs_by_the_hundred_are_refused)
{
    static struct call c;
    struct client *alice, *bob;
    struct rtc_line *audio, saved;

    open_pair(t, &c, NULL, &alice, &bob);
    audio = rtcpeer_sender(alice->peer, SDP_AUDIO, 0);
    saved = *audio;
    for (uint32_t i = 0; i < 500; i++) {
        audio->ssrc = 0x10000 + i;
        rtcpeer_send(alice->peer, audio, &(struct rtc_packet){.ts = 1, .pt = 99}, "many", 4);
        call_pass(&c, 1);
    }
    audio->ssrc = saved.ssrc;
    say_until_heard(alice, bob, "my own voice");
    CHECK_INT(client_got(bob, "many"), 0);
}

TEST(attack, a_flood_of_one_peer_is_cut_and_others_do_not_feel_it)
{
    static struct call c;
    struct client *alice, *bob, *eve;
    unsigned flooded;

    call_open(t, &c, NULL);
    alice = call_join(t, &c, "r", "alice", ALL, &PUBLISHER);
    eve = call_join(t, &c, "r", "eve", ALL, &PUBLISHER);
    bob = call_join(t, &c, "r", "bob", ALL, &(struct rtcpeer_config){.recv_audio = 2, .recv_video = 2});
    client_wait_connected(alice);
    client_wait_connected(eve);
    client_wait_connected(bob);
    say_until_heard(alice, bob, "alice");
    say_until_heard(eve, bob, "eve");
    flooded = client_got(bob, "eve");
    for (int i = 0; i < 100; i++) { /* 10,000 audio packets in two seconds */
        for (int k = 0; k < 100; k++)
            client_say(eve, "eve");
        client_say(alice, "in the flood");
        call_pass(&c, 20);
    }
    call_pass(&c, 100);
    CHECK(client_got(bob, "eve") - flooded < 2500); /* 500 a second and a second's burst */
    CHECK(client_got(bob, "in the flood") >= 95);
}

TEST(attack, another_certificate_than_the_offers_ends_the_peer)
{
    static struct call c;
    struct client *alice;
    struct err err = ERR_INIT;

    call_open(t, &c, NULL);
    alice = call_client(t, &c, "r", "alice", ALL, &PUBLISHER);
    CHECK_OK(client_offer_edited(alice, ":sha-256 ", ":sha-256 00:00:00:00:00:00:00:00", NULL, &err), &err);
    CHECK_SOON(c.loop, medialink_events(c.link, "PEER_STATE r alice gone"));
    CHECK_INT(medialink_events(c.link, "PEER_STATE r alice connected"), 0);
}

/* ---- the process ---- */

TEST(worker, leaves_cleanly_on_sigterm)
{
    static struct call c;
    struct client *alice, *bob;

    open_pair(t, &c, NULL, &alice, &bob);
    CHECK_INT(medialink_stop(c.link), 0);
}

TEST(worker, a_stopped_one_blames_nobody_for_its_own_sleep)
{
    static struct call c;
    static const char *const ARGS[] = {"--media.silent_ms=500", "--media.grace_ms=1500", NULL};
    struct client *alice, *bob;

    open_pair(t, &c, ARGS, &alice, &bob);
    kill(medialink_pid(c.link), SIGSTOP);
    call_pass(&c, 3000);
    kill(medialink_pid(c.link), SIGCONT);
    say_until_heard(alice, bob, "awake again");
    CHECK_INT(medialink_events(c.link, "PEER_STATE r alice gone") +
                  medialink_events(c.link, "PEER_STATE r bob gone"),
              0);
}

TEST(worker, a_killed_one_is_known_by_its_new_boot_number)
{
    static struct call c;
    struct medialink *next;
    struct err err = ERR_INIT;
    uint64_t boot;

    call_open(t, &c, NULL);
    boot = medialink_boot(c.link);
    kill(medialink_pid(c.link), SIGKILL);
    medialink_stop(c.link);
    CHECK_OK(medialink_start(&next, c.loop, YZ_MEDIAD, c.data, NULL, &err), &err);
    CHECK(medialink_boot(next) != boot);
    medialink_free(next);
}
