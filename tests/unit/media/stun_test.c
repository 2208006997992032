/* stun_test.c - our STUN codec against the vectors of RFC 5769 and against libnice's. */
#include <stun/stunagent.h>
#include <stun/usages/ice.h>
#include <string.h>
#include "media/stun.h"
#include "tests/unit/test.h"

/* RFC 5769 2.1, 2.2, 2.3; the password is the same in all. */
#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"
static const uint8_t REQUEST[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
    0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};
static const uint8_t RESPONSE4[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};
static const uint8_t RESPONSE6[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
    0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
    0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c,
};

TEST(stun, the_request_of_rfc_5769_is_understood)
{
    struct stun_msg m;
    const char *ufrag;
    size_t len;

    CHECK(stun_parse(REQUEST, sizeof(REQUEST), &m));
    CHECK_INT(m.type, STUN_BINDING_REQUEST);
    CHECK(m.fingerprint_ok);
    CHECK(m.controlled && !m.controlling && !m.use_candidate);
    CHECK_INT(m.priority, 0x6e0001ff);
    CHECK(m.tie_breaker == UINT64_C(0x932ff9b151263b36));
    CHECK(stun_local_ufrag(&m, &ufrag, &len));
    CHECK_INT(len, 4);
    CHECK_MEM(ufrag, "evtj", 4);
    CHECK(stun_check_integrity(&m, PASSWORD));
    CHECK(!stun_check_integrity(&m, "VOkJxbRl1RmTxUk/WvJxBu"));
}

TEST(stun, the_ipv4_response_of_rfc_5769_is_understood)
{
    struct stun_msg m;
    char text[ADDR_TEXT];

    CHECK(stun_parse(RESPONSE4, sizeof(RESPONSE4), &m));
    CHECK(stun_check_integrity(&m, PASSWORD) && m.fingerprint_ok && m.has_mapped);
    CHECK_STR(addr_text(&m.mapped, text), "192.0.2.1:32853");
}

TEST(stun, the_ipv6_response_of_rfc_5769_is_understood)
{
    struct stun_msg m;
    char text[ADDR_TEXT];

    CHECK(stun_parse(RESPONSE6, sizeof(RESPONSE6), &m));
    CHECK(stun_check_integrity(&m, PASSWORD) && m.fingerprint_ok && m.has_mapped);
    CHECK_STR(addr_text(&m.mapped, text), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

TEST(stun, one_flipped_bit_anywhere_is_noticed)
{
    uint8_t bytes[sizeof(REQUEST)];

    for (size_t i = 0; i < sizeof(REQUEST) * 8; i++) {
        struct stun_msg m;

        memcpy(bytes, REQUEST, sizeof(bytes));
        bytes[i / 8] ^= (uint8_t)(1u << (i % 8));
        CHECK(!stun_parse(bytes, sizeof(bytes), &m) || !m.fingerprint_ok ||
              !stun_check_integrity(&m, PASSWORD));
    }
}

TEST(stun, every_truncation_is_refused)
{
    for (size_t n = 0; n < sizeof(REQUEST); n++) {
        struct stun_msg m;

        CHECK(!stun_parse(REQUEST, n, &m));
    }
}

TEST(stun, attributes_behind_the_integrity_do_not_count)
{
    /* USE-CANDIDATE slipped in between MESSAGE-INTEGRITY and FINGERPRINT by somebody on the way. */
    uint8_t bytes[sizeof(REQUEST) + 4];
    struct stun_msg m;

    memcpy(bytes, REQUEST, sizeof(REQUEST) - 8);
    memcpy(bytes + sizeof(REQUEST) - 8, "\x00\x25\x00\x00", 4);
    memcpy(bytes + sizeof(REQUEST) - 4, REQUEST + sizeof(REQUEST) - 8, 8);
    bytes[3] = 0x5c;
    CHECK(!stun_parse(bytes, sizeof(bytes), &m) || !m.use_candidate);
}

TEST(stun, a_response_is_never_longer_than_the_request_that_asked_for_it)
{
    uint8_t request[STUN_MAX], response[128];
    struct addr from;
    size_t n, m;

    n = stun_write_request(request, &(struct stun_request){.txid = (const uint8_t *)"0123456789ab",
                                                           .username = "0+abcdefghijklmnopqrst:wxyz",
                                                           .password = PASSWORD,
                                                           .priority = 1});
    CHECK(addr_parse("2001:db8::1", 1234, &from));
    m = stun_write_response(response, (const uint8_t *)"0123456789ab", &from, PASSWORD);
    CHECK(m <= n);
    CHECK(m <= sizeof(response));
}

/* ---- libnice's codec ---- */

static bool nice_password(StunAgent *agent, StunMessage *message, uint8_t *username, uint16_t username_len,
                          uint8_t **password, size_t *password_len, void *user_data)
{
    (void)agent;
    (void)message;
    (void)username;
    (void)username_len;
    (void)user_data;
    *password = (uint8_t *)(uintptr_t)PASSWORD;
    *password_len = strlen(PASSWORD);
    return true;
}

static void nice_agent(StunAgent *a)
{
    static const uint16_t KNOWN[] = {STUN_ATTRIBUTE_USERNAME,        STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                     STUN_ATTRIBUTE_ERROR_CODE,      STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                     STUN_ATTRIBUTE_PRIORITY,        STUN_ATTRIBUTE_USE_CANDIDATE,
                                     STUN_ATTRIBUTE_ICE_CONTROLLING, STUN_ATTRIBUTE_ICE_CONTROLLED,
                                     STUN_ATTRIBUTE_FINGERPRINT,     0};

    stun_agent_init(a, KNOWN, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
}

TEST(stun, libnice_accepts_our_request)
{
    StunAgent agent;
    StunMessage msg;
    uint8_t request[STUN_MAX];
    uint32_t priority = 0;
    size_t n = stun_write_request(request, &(struct stun_request){.txid = (const uint8_t *)"0123456789ab",
                                                                  .username = "ours:theirs",
                                                                  .password = PASSWORD,
                                                                  .priority = 0x6e0001ff,
                                                                  .tie_breaker = 42,
                                                                  .use_candidate = true});

    nice_agent(&agent);
    CHECK_INT(stun_agent_validate(&agent, &msg, request, n, nice_password, NULL), STUN_VALIDATION_SUCCESS);
    CHECK(stun_usage_ice_conncheck_use_candidate(&msg));
    priority = stun_usage_ice_conncheck_priority(&msg);
    CHECK_INT(priority, 0x6e0001ff);
}

TEST(stun, libnice_and_we_write_requests_the_other_reads)
{
    StunAgent agent;
    StunMessage msg;
    struct stun_msg m;
    uint8_t buf[1024];
    const char *ufrag;
    size_t n, len;

    nice_agent(&agent);
    n = stun_usage_ice_conncheck_create(&agent, &msg, buf, sizeof(buf), (const uint8_t *)"ours:theirs", 11,
                                        (const uint8_t *)PASSWORD, strlen(PASSWORD), true, true, 99, 7, NULL,
                                        STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    CHECK(n > 0);
    CHECK(stun_parse(buf, n, &m));
    CHECK(m.fingerprint_ok && m.use_candidate && m.controlling);
    CHECK_INT(m.priority, 99);
    CHECK(stun_local_ufrag(&m, &ufrag, &len) && len == 4);
    CHECK(stun_check_integrity(&m, PASSWORD));
}

TEST(stun, libnice_reads_our_responses_of_both_families)
{
    static const char *const ADDRESSES[] = {"192.0.2.44", "2001:db8::44"};

    for (int i = 0; i < 2; i++) {
        StunAgent agent;
        StunMessage request, response;
        struct sockaddr_storage mapped;
        socklen_t mapped_len = sizeof(mapped);
        uint8_t buf[1024], reply[128];
        struct addr from, got;
        size_t n;

        nice_agent(&agent);
        n = stun_usage_ice_conncheck_create(&agent, &request, buf, sizeof(buf), (const uint8_t *)"a:b", 3,
                                            (const uint8_t *)PASSWORD, strlen(PASSWORD), true, true, 99, 7,
                                            NULL, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
        CHECK(n > 0);
        CHECK(addr_parse(ADDRESSES[i], 4711, &from));
        n = stun_write_response(reply, buf + 8, &from, PASSWORD);
        CHECK_INT(stun_agent_validate(&agent, &response, reply, n, nice_password, NULL),
                  STUN_VALIDATION_SUCCESS);
        CHECK_INT(
            stun_message_find_xor_addr(&response, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &mapped, &mapped_len),
            STUN_MESSAGE_RETURN_SUCCESS);
        memset(&got, 0, sizeof(got));
        memcpy(&got.sa, &mapped, mapped_len);
        CHECK(addr_equal(&got, &from));
    }
}
