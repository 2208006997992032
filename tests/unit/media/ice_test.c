/* ice_test.c - addresses are learned from authenticated requests only, move by nomination, and are forgotten. */
#include <stdlib.h>
#include <string.h>
#include "core/crypto.h"
#include "media/ice.h"
#include "tests/unit/test.h"

#define S INT64_C(1000000)

struct fx {
    struct ice_table *table;
    struct ice ice;
    int64_t now_us;
};

static void fx_close(void *arg)
{
    struct fx *f = arg;

    ice_close(&f->ice);
    ice_table_free(f->table);
}

static void fx_open(struct test *t, struct fx *f)
{
    memset(f, 0, sizeof(*f));
    f->table = ice_table_new(3);
    ice_open(&f->ice, f->table, f);
    f->now_us = 100 * S;
    test_cleanup(t, fx_close, f);
}

static struct addr at(const char *ip, uint16_t port)
{
    struct addr a;

    CHECK(addr_parse(ip, port, &a));
    return a;
}

static size_t request(uint8_t *out, const char *ufrag, const char *pwd, bool nominate)
{
    char name[64];
    uint8_t txid[STUN_TXID_LEN];

    crypto_random(txid, sizeof(txid));
    snprintf(name, sizeof(name), "%s:them", ufrag);
    return stun_write_request(out, &(struct stun_request){.txid = txid,
                                                          .username = name,
                                                          .password = pwd,
                                                          .priority = 1,
                                                          .tie_breaker = 5,
                                                          .use_candidate = nominate});
}

static enum ice_result feed(struct fx *f, const uint8_t *data, size_t len, struct addr from)
{
    uint8_t reply[128];
    size_t reply_len = 0;
    struct ice *who;
    enum ice_result r = ice_receive(f->table, data, len, &from, f->now_us, &who, reply, &reply_len);

    CHECK_INT(r != ICE_DROPPED, reply_len > 0);
    CHECK_INT(who != NULL, reply_len > 0);
    return r;
}

static enum ice_result ask(struct fx *f, const struct ice_cred *c, struct addr from, bool nominate)
{
    uint8_t buf[STUN_MAX];

    return feed(f, buf, request(buf, c->ufrag, c->pwd, nominate), from);
}

TEST(ice, a_valid_check_is_answered_and_a_nomination_selects)
{
    static struct fx f;
    struct addr a = at("192.0.2.1", 1000);

    fx_open(t, &f);
    CHECK(ice_address(&f.ice) == NULL);
    CHECK_INT(ask(&f, &f.ice.now, a, false), ICE_ANSWERED);
    CHECK(ice_find(f.table, &a) && ice_find(f.table, &a)->ice == &f.ice);
    CHECK_INT(ask(&f, &f.ice.now, a, true), ICE_SELECTED);
    CHECK(addr_equal(ice_address(&f.ice), &a));
    CHECK_INT(ask(&f, &f.ice.now, a, true), ICE_ANSWERED);
}

TEST(ice, what_cannot_be_authenticated_gets_no_answer_and_changes_nothing)
{
    static struct fx f;
    struct addr a = at("192.0.2.1", 1000);
    uint8_t buf[STUN_MAX];
    size_t n;

    fx_open(t, &f);
    n = request(buf, f.ice.now.ufrag, "wrongwrongwrongwrongwrong", true);
    CHECK_INT(feed(&f, buf, n, a), ICE_DROPPED);
    n = request(buf, "3+aaaaaaaaaaaaaaaaaaaa", f.ice.now.pwd, true);
    CHECK_INT(feed(&f, buf, n, a), ICE_DROPPED);
    n = request(buf, f.ice.now.ufrag, f.ice.now.pwd, true);
    buf[n - 1] ^= 1; /* FINGERPRINT */
    CHECK_INT(feed(&f, buf, n, a), ICE_DROPPED);
    buf[n - 1] ^= 1;
    buf[n - 20] ^= 1; /* MESSAGE-INTEGRITY */
    CHECK_INT(feed(&f, buf, n, a), ICE_DROPPED);
    CHECK(!ice_find(f.table, &a) && !ice_address(&f.ice));
}

TEST(ice, a_request_repeated_from_elsewhere_moves_nothing)
{
    static struct fx f;
    struct addr a = at("192.0.2.1", 1000), thief = at("198.51.100.9", 9);
    uint8_t buf[STUN_MAX];
    size_t n;

    fx_open(t, &f);
    n = request(buf, f.ice.now.ufrag, f.ice.now.pwd, true);
    CHECK_INT(feed(&f, buf, n, a), ICE_SELECTED);
    CHECK_INT(feed(&f, buf, n, a), ICE_ANSWERED); /* retransmission */
    CHECK_INT(feed(&f, buf, n, thief), ICE_DROPPED);
    CHECK(!ice_find(f.table, &thief));
    CHECK(addr_equal(ice_address(&f.ice), &a));
}

TEST(ice, a_nomination_from_a_new_address_moves_and_the_old_one_hears_three_seconds_more)
{
    static struct fx f;
    struct addr a = at("192.0.2.1", 1000), b = at("2001:db8::2", 2000);

    fx_open(t, &f);
    ask(&f, &f.ice.now, a, true);
    CHECK_INT(ask(&f, &f.ice.now, b, false), ICE_ANSWERED);
    CHECK(addr_equal(ice_address(&f.ice), &a)); /* checked, but not nominated */
    CHECK_INT(ask(&f, &f.ice.now, b, true), ICE_SELECTED);
    CHECK(addr_equal(ice_address(&f.ice), &b));
    f.now_us += 2 * S;
    ice_tick(&f.ice, f.now_us);
    CHECK(ice_find(f.table, &a) != NULL);
    f.now_us += 2 * S;
    ice_tick(&f.ice, f.now_us);
    CHECK(ice_find(f.table, &a) == NULL);
    CHECK(ice_find(f.table, &b) != NULL);
}

TEST(ice, a_ninth_address_takes_the_place_of_the_longest_silent_one)
{
    static struct fx f;
    struct addr first = at("192.0.2.1", 1);

    fx_open(t, &f);
    ask(&f, &f.ice.now, first, true);
    for (uint16_t i = 2; i < 200; i++) {
        f.now_us += S / 10;
        CHECK(ask(&f, &f.ice.now, at("192.0.2.1", i), false) == ICE_ANSWERED);
    }
    CHECK(ice_find(f.table, &first) != NULL); /* the selected one stays */
    unsigned known = 0;
    for (uint16_t i = 1; i < 200; i++) {
        struct addr a = at("192.0.2.1", i);

        known += ice_find(f.table, &a) != NULL;
    }
    CHECK_INT(known, ICE_TUPLES_MAX);
}

TEST(ice, a_restart_keeps_the_old_credentials_until_the_new_have_nominated)
{
    static struct fx f;
    struct addr a = at("192.0.2.1", 1000), b = at("192.0.2.2", 2000);
    struct ice_cred old;

    fx_open(t, &f);
    ask(&f, &f.ice.now, a, true);
    old = f.ice.now;
    ice_restart(&f.ice);
    CHECK(strcmp(old.ufrag, f.ice.now.ufrag) != 0);
    CHECK(ask(&f, &old, a, false) == ICE_ANSWERED);
    f.now_us += 60 * S;
    ask(&f, &old, a, true);
    ice_tick(&f.ice, f.now_us);
    CHECK(ask(&f, &old, a, true) == ICE_ANSWERED); /* a slow client loses nothing */
    CHECK(addr_equal(ice_address(&f.ice), &a));
    CHECK_INT(ask(&f, &f.ice.now, b, true), ICE_SELECTED);
    CHECK(addr_equal(ice_address(&f.ice), &b));
    ask(&f, &old, a, true); /* of the last generation: answered, moves nothing */
    CHECK(addr_equal(ice_address(&f.ice), &b));
    f.now_us += 4 * S;
    ice_tick(&f.ice, f.now_us);
    CHECK_INT(ask(&f, &old, a, true), ICE_DROPPED);
}

TEST(ice, a_role_changed_on_the_way_is_a_forgery)
{
    static struct fx f;
    uint8_t buf[STUN_MAX];
    size_t n;

    fx_open(t, &f);
    n = request(buf, f.ice.now.ufrag, f.ice.now.pwd, false);
    for (size_t i = 20; i + 1 < n; i++)
        if (buf[i] == 0x80 && buf[i + 1] == 0x2a)
            buf[i + 1] = 0x29; /* ICE-CONTROLLING becomes ICE-CONTROLLED */
    CHECK_INT(feed(&f, buf, n, at("192.0.2.1", 1000)), ICE_DROPPED);
}

TEST(ice, wrong_passwords_of_one_network_stop_costing_after_a_while)
{
    static struct fx f;
    uint8_t buf[STUN_MAX];
    int64_t before;
    int heard = 0;
    size_t n;

    fx_open(t, &f);
    before = ice_counts.rate_limited;
    for (int i = 0; i < 1000; i++) {
        n = request(buf, f.ice.now.ufrag, "wrongwrongwrongwrongwrong", true);
        CHECK_INT(feed(&f, buf, n, at("203.0.113.7", (uint16_t)(1000 + i))), ICE_DROPPED);
    }
    CHECK_INT(ice_counts.rate_limited - before, 800);
    /* Other networks are not concerned; one in 1,024 shares the counter by chance. */
    for (int i = 0; i < 8; i++) {
        char ip[32];

        snprintf(ip, sizeof ip, "192.0.%d.1", i);
        heard += ask(&f, &f.ice.now, at(ip, 5), true) == ICE_SELECTED;
    }
    CHECK(heard >= 6);
}

TEST(ice, ten_thousand_peers_are_found_by_ufrag_and_by_address)
{
    static struct ice many[10000];
    static struct fx f;

    fx_open(t, &f);
    for (int i = 0; i < 10000; i++)
        ice_open(&many[i], f.table, &many[i]);
    for (int i = 0; i < 10000; i += 97) {
        struct addr a = at("192.0.2.1", (uint16_t)(i + 1));

        CHECK_INT(ask(&f, &many[i].now, a, true), ICE_SELECTED);
        CHECK(ice_find(f.table, &a)->ice == &many[i]);
    }
    for (int i = 0; i < 10000; i++)
        ice_close(&many[i]);
}
