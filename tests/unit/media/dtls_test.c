/* dtls_test.c - our DTLS server and SRTP contexts against an in-process OpenSSL client. */
#include <string.h>
#include <time.h>
#include "media/dtls.h"
#include "media/rtp.h"
#include "media/srtp_evp.h"
#include "tests/load/rtc/dtls_client.h"
#include "tests/unit/test.h"

#define GCM_FIRST                                                                                            \
    "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM" /* as Chromium orders them */
#define CM_ONLY "SRTP_AES128_CM_SHA1_80"
#define QUEUE   64

struct datagram {
    uint8_t data[1500];
    size_t len;
};

struct queue {
    struct datagram d[QUEUE];
    unsigned head, tail;
};

struct wires {
    struct dtls_factory *factory;
    struct dtls *server;
    struct dtls_client *client;
    struct queue to_server, to_client;
    int64_t now_us;
};

static void push(struct queue *q, const uint8_t *data, size_t len)
{
    CHECK(len <= 1500 && q->tail - q->head < QUEUE);
    memcpy(q->d[q->tail % QUEUE].data, data, len);
    q->d[q->tail++ % QUEUE].len = len;
}

static void to_client(void *arg, const uint8_t *data, size_t len)
{
    push(&((struct wires *)arg)->to_client, data, len);
}

static void to_server(void *arg, const uint8_t *data, size_t len)
{
    push(&((struct wires *)arg)->to_server, data, len);
}

static void wires_close(void *arg)
{
    struct wires *w = arg;

    dtls_free(w->server);
    dtls_factory_free(w->factory);
    dtls_client_free(w->client);
}

static void wires_open(struct test *t, struct wires *w, const char *profiles)
{
    struct err err = ERR_INIT;
    struct sdp_fingerprint f;

    memset(w, 0, sizeof(*w));
    test_cleanup(t, wires_close, w);
    CHECK_OK(srtp_evp_init(&err), &err);
    CHECK_OK(dtls_factory_new(&w->factory, &err), &err);
    w->client = dtls_client_new(profiles, to_server, w);
    dtls_client_fingerprint(w->client, &f);
    CHECK_OK(dtls_new(&w->server, w->factory, &f, to_client, w, &err), &err);
}

/* Carry datagrams both ways until nobody has anything to say. */
static void settle(struct wires *w)
{
    while (w->to_server.head != w->to_server.tail || w->to_client.head != w->to_client.tail) {
        struct queue *q = &w->to_server;

        while (q->head != q->tail) {
            struct datagram d = q->d[q->head++ % QUEUE];

            dtls_receive(w->server, d.data, d.len, w->now_us);
        }
        q = &w->to_client;
        while (q->head != q->tail) {
            struct datagram d = q->d[q->head++ % QUEUE];

            dtls_client_receive(w->client, d.data, d.len);
        }
    }
}

static void connect(struct wires *w)
{
    dtls_client_start(w->client);
    settle(w);
    CHECK(dtls_client_connected(w->client));
    CHECK_INT(dtls_state(w->server), DTLS_CONNECTED);
}

static size_t rtp_packet(uint8_t *p, uint16_t seq, const char *payload)
{
    struct rtp_out h = {.pt = 96, .seq = seq, .ssrc = 1234};
    size_t n = rtp_write_header(p, &h);

    memcpy(p + n, payload, strlen(payload));
    return n + strlen(payload);
}

/* Both directions, byte for byte. */
static void exchange(struct wires *w, enum srtp_suite want)
{
    struct srtp_ctx *sin, *sout, *cin, *cout;
    enum srtp_suite s, c;
    struct err err = ERR_INIT;
    uint8_t p[256], was[256];
    size_t len, n;

    CHECK_OK(dtls_export(w->server, &s, &sin, &sout, &err), &err);
    CHECK(dtls_client_export(w->client, &c, &cin, &cout));
    CHECK_INT(s, want);
    CHECK_INT(c, want);
    for (uint16_t i = 0; i < 3; i++) {
        n = len = rtp_packet(was, (uint16_t)(65534 + i), "hello there");
        memcpy(p, was, n);
        CHECK_INT(srtp_out_rtp(i & 1 ? sout : cout, p, &len), SRTP_OK);
        CHECK(len > n && len <= n + SRTP_TRAILER_MAX && memcmp(p + 12, was + 12, n - 12) != 0);
        CHECK_INT(srtp_in_rtp(i & 1 ? cin : sin, p, &len), SRTP_OK);
        CHECK_INT(len, n);
        CHECK_MEM(p, was, n);
    }
    srtp_ctx_free(sin);
    srtp_ctx_free(sout);
    srtp_ctx_free(cin);
    srtp_ctx_free(cout);
}

TEST(dtls, gcm_is_chosen_against_the_clients_order_and_media_flows)
{
    static struct wires w;

    wires_open(t, &w, GCM_FIRST);
    connect(&w);
    exchange(&w, SRTP_SUITE_GCM128);
}

TEST(dtls, a_client_without_gcm_gets_counter_mode)
{
    static struct wires w;

    wires_open(t, &w, CM_ONLY);
    connect(&w);
    exchange(&w, SRTP_SUITE_CM80);
}

TEST(dtls, our_certificate_is_the_one_we_announce)
{
    static struct wires w;
    char text[128];

    wires_open(t, &w, GCM_FIRST);
    connect(&w);
    dtls_client_server_fingerprint(w.client, text);
    CHECK_STR(dtls_factory_fingerprint(w.factory) + strlen("sha-256 "), text);
}

TEST(dtls, another_certificate_than_the_offers_closes_the_peer)
{
    static struct wires w;
    struct sdp_fingerprint f;
    struct err err = ERR_INIT;

    wires_open(t, &w, GCM_FIRST);
    dtls_client_fingerprint(w.client, &f);
    f.digest[5] ^= 1;
    dtls_free(w.server);
    CHECK_OK(dtls_new(&w.server, w.factory, &f, to_client, &w, &err), &err);
    dtls_client_start(w.client);
    settle(&w);
    CHECK_INT(dtls_state(w.server), DTLS_CLOSED);
    CHECK(dtls_mismatch(w.server));
}

TEST(dtls, lost_and_repeated_flights_still_connect)
{
    static struct wires w;

    wires_open(t, &w, GCM_FIRST);
    dtls_client_start(w.client);
    w.to_server.head = w.to_server.tail; /* the hello is lost */
    for (int i = 0; i < 100 && !dtls_client_connected(w.client); i++) {
        struct timespec pause = {0, 50000000};

        nanosleep(&pause, NULL);
        dtls_client_tick(w.client);
        dtls_tick(w.server);
        if (i == 25 && w.to_client.head != w.to_client.tail)
            w.to_client.head++; /* a part of our flight too */
        settle(&w);
    }
    CHECK(dtls_client_connected(w.client));
    exchange(&w, SRTP_SUITE_GCM128);
}

TEST(dtls, our_last_flight_is_repeated_when_the_client_asks_again)
{
    static struct wires w;

    wires_open(t, &w, GCM_FIRST);
    dtls_client_start(w.client);
    while (dtls_state(w.server) != DTLS_CONNECTED) {
        struct queue *q = w.to_server.head != w.to_server.tail ? &w.to_server : &w.to_client;
        struct datagram d = q->d[q->head++ % QUEUE];

        if (q == &w.to_server)
            dtls_receive(w.server, d.data, d.len, 0);
        else
            dtls_client_receive(w.client, d.data, d.len);
    }
    w.to_client.head = w.to_client.tail; /* lost */
    CHECK(!dtls_client_connected(w.client));
    for (int i = 0; i < 60 && !dtls_client_connected(w.client); i++) {
        struct timespec pause = {0, 50000000};

        nanosleep(&pause, NULL);
        dtls_client_tick(w.client);
        settle(&w);
    }
    CHECK(dtls_client_connected(w.client));
    exchange(&w, SRTP_SUITE_GCM128);
}

TEST(dtls, a_useless_hello_and_plain_alerts_harm_nobody)
{
    /* A hello that offers TLS_NULL_WITH_NULL_NULL only, and a fatal alert, both unencrypted. */
    static const uint8_t NULL_HELLO[] = {
        22, 0xfe, 0xfd, 0,    0,  0,  0,  0,  0,  0,  9,  0,  54, 1,  0,  0,  42, 0,  0,  0,  0,  0,  0,
        0,  42,   0xfe, 0xfd, 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
        20, 21,   22,   23,   24, 25, 26, 27, 28, 29, 30, 31, 32, 0,  0,  0,  2,  0,  0,  1,  0};
    static const uint8_t ALERT[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40};
    static struct wires w;

    wires_open(t, &w, GCM_FIRST);
    for (int i = 0; i < 1000; i++)
        dtls_receive(w.server, NULL_HELLO, sizeof(NULL_HELLO), 0);
    CHECK_INT(w.to_client.tail, 0); /* no answer, not even an alert */
    CHECK_INT(dtls_state(w.server), DTLS_WAITING);
    dtls_client_start(w.client);
    dtls_receive(w.server, w.to_server.d[0].data, w.to_server.d[0].len, 0);
    w.to_server.head++;
    for (int i = 0; i < 1000; i++) { /* in the middle of the handshake */
        dtls_receive(w.server, NULL_HELLO, sizeof(NULL_HELLO), 0);
        dtls_receive(w.server, ALERT, sizeof(ALERT), 0);
    }
    settle(&w);
    CHECK(dtls_client_connected(w.client));
    dtls_receive(w.server, NULL_HELLO, sizeof(NULL_HELLO), 0);
    dtls_receive(w.server, ALERT, sizeof(ALERT), 0);
    CHECK_INT(dtls_state(w.server), DTLS_CONNECTED);
    exchange(&w, SRTP_SUITE_GCM128);
}

TEST(dtls, a_false_hello_that_came_first_gives_way_to_the_true_one)
{
    static struct wires w;
    struct dtls_client *other;

    wires_open(t, &w, GCM_FIRST);
    other = dtls_client_new(GCM_FIRST, to_server, &w);
    dtls_client_start(other);
    dtls_receive(w.server, w.to_server.d[0].data, w.to_server.d[0].len, 0);
    w.to_server.head = w.to_server.tail;
    w.to_client.head = w.to_client.tail;
    dtls_client_start(w.client);
    settle(&w);
    CHECK(!dtls_client_connected(w.client)); /* the first one's turn is not over */
    for (int i = 0; i < 40 && !dtls_client_connected(w.client); i++) {
        struct timespec pause = {0, 100000000};

        nanosleep(&pause, NULL);
        w.now_us += 100000;
        dtls_client_tick(w.client);
        settle(&w);
    }
    dtls_client_free(other);
    CHECK(dtls_client_connected(w.client));
    exchange(&w, SRTP_SUITE_GCM128);
}

TEST(dtls, a_close_of_the_other_side_is_seen)
{
    static struct wires w;

    wires_open(t, &w, GCM_FIRST);
    connect(&w);
    dtls_client_close(w.client);
    settle(&w);
    CHECK_INT(dtls_state(w.server), DTLS_CLOSED);
}

TEST(srtp, forged_and_replayed_packets_are_told_apart)
{
    static struct wires w;
    struct srtp_ctx *sin, *sout, *cin, *cout;
    enum srtp_suite s;
    struct err err = ERR_INIT;
    uint8_t p[256], copy[256];
    size_t len, n;

    wires_open(t, &w, GCM_FIRST);
    connect(&w);
    CHECK_OK(dtls_export(w.server, &s, &sin, &sout, &err), &err);
    CHECK(dtls_client_export(w.client, &s, &cin, &cout));
    n = rtp_packet(p, 1, "x");
    CHECK_INT(srtp_out_rtp(cout, p, &n), SRTP_OK);
    memcpy(copy, p, n);
    copy[13] ^= 1;
    len = n;
    CHECK_INT(srtp_in_rtp(sin, copy, &len), SRTP_AUTH);
    memcpy(copy, p, n);
    len = n;
    CHECK_INT(srtp_in_rtp(sin, copy, &len), SRTP_OK);
    memcpy(copy, p, n);
    len = n;
    CHECK_INT(srtp_in_rtp(sin, copy, &len), SRTP_REPLAY);
    srtp_ctx_free(sin);
    srtp_ctx_free(sout);
    srtp_ctx_free(cin);
    srtp_ctx_free(cout);
}

TEST(srtp, the_rollover_counter_survives_a_wrap_with_losses)
{
    static struct wires w;
    struct srtp_ctx *sin, *sout, *cin, *cout;
    enum srtp_suite s;
    struct err err = ERR_INIT;

    wires_open(t, &w, CM_ONLY);
    connect(&w);
    CHECK_OK(dtls_export(w.server, &s, &sin, &sout, &err), &err);
    CHECK(dtls_client_export(w.client, &s, &cin, &cout));
    for (uint32_t i = 20000; i < 20000 + 140000; i += 7) {
        uint8_t p[256];
        size_t n = rtp_packet(p, (uint16_t)i, "y");

        CHECK_INT(srtp_out_rtp(sout, p, &n), SRTP_OK);
        if (i % 5) /* the rest is lost */
            CHECK_INT(srtp_in_rtp(cin, p, &n), SRTP_OK);
    }
    srtp_ctx_free(sin);
    srtp_ctx_free(sout);
    srtp_ctx_free(cin);
    srtp_ctx_free(cout);
}
