/* wechat_test.c - what we sign others can check, what is forged, old or sealed by others is refused. */
#include "tests/unit/billing/wechat_rig.h"
#include "tests/unit/test.h"
#include "billing/wechat_body.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1790000000

static const struct wechat_request QUERY = {
    .method = "GET",
    .url = "/v3/pay/transactions/out-trade-no/TC20261012000001?mchid=1900000100",
    .body = "",
    .now_s = NOW,
    .nonce = "593BEC0C930BF1AFEB40B4A08C8FB242",
};

static struct wechat_claim claim(const struct wechat_request *req)
{
    struct wechat_merchant m = {RIG_MCHID, RIG_SERIAL, wechat_rig()->ours};
    char *header = wechat_authorization(&m, req);
    struct wechat_claim c;
    struct err err = ERR_INIT;

    CHECK_OK(wechat_authorization_read(&c, header, &err), &err);
    free(header);
    return c;
}

TEST(wechat, a_request_is_signed_as_the_channel_wants_it)
{
    struct wechat_signer us = {RIG_SERIAL, wechat_rig()->ours_public};
    struct wechat_claim c = claim(&QUERY);
    struct wechat_request other = QUERY;
    struct err err = ERR_INIT;

    CHECK_STR(c.mchid, RIG_MCHID);
    CHECK_STR(c.serial, RIG_SERIAL);
    CHECK_STR(c.timestamp, "1790000000");
    CHECK_OK(wechat_authorization_verify(&c, &QUERY, &us, &err), &err);
    other.url = "/v3/pay/transactions/out-trade-no/TC20261012000002?mchid=1900000100";
    CHECK_ERR(wechat_authorization_verify(&c, &other, &us, &err), &err, ERR_UNAUTHENTICATED,
              "wechat_signature");
    other = QUERY;
    other.body = " ";
    other.body_len = 1;
    CHECK_ERR(wechat_authorization_verify(&c, &other, &us, &err), &err, ERR_UNAUTHENTICATED,
              "wechat_signature");
    other = QUERY;
    other.now_s += WECHAT_WINDOW_S + 1;
    CHECK_ERR(wechat_authorization_verify(&c, &other, &us, &err), &err, ERR_UNAUTHENTICATED,
              "wechat_timestamp");
    us.key = wechat_rig()->channel_public;
    CHECK_ERR(wechat_authorization_verify(&c, &QUERY, &us, &err), &err, ERR_UNAUTHENTICATED,
              "wechat_signature");
}

static void write_file(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "we");

    CHECK(f && fwrite(data, 1, len, f) == len);
    fclose(f);
}

/* The same bytes, checked by the openssl program. */
TEST(wechat, openssl_accepts_the_signature)
{
    static const char TEXT[] = "GET\n/v3/pay/transactions/out-trade-no/TC20261012000001?mchid=1900000100\n"
                               "1790000000\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n";
    const char *dir = test_dir(t), *text = test_path(t, dir, "text"), *sig = test_path(t, dir, "sig"),
               *key = test_path(t, dir, "key.pem");
    struct wechat_claim c = claim(&QUERY);
    char command[2048];

    if (system("command -v openssl >/dev/null 2>&1") != 0) {
        fprintf(stderr, "the openssl program is not installed: its check is left out\n");
        skip();
    }
    write_file(text, TEXT, sizeof TEXT - 1);
    write_file(sig, c.signature, strlen(c.signature));
    write_file(key, wechat_rig()->ours_public_pem, strlen(wechat_rig()->ours_public_pem));
    snprintf(
        command, sizeof command,
        "openssl base64 -d -A -in %s -out %s.bin && openssl dgst -sha256 -verify %s -signature %s.bin %s >&2",
        sig, sig, key, sig, text);
    CHECK_INT(system(command), 0);
}

static struct wechat_signed answer(const char *body, char **signature)
{
    *signature = wechat_sign(wechat_rig()->channel, "1790000000", "nonce", body, strlen(body));
    return (struct wechat_signed){.timestamp = "1790000000",
                                  .nonce = "nonce",
                                  .signature = *signature,
                                  .serial = RIG_CHANNEL,
                                  .body = body,
                                  .body_len = strlen(body)};
}

TEST(wechat, an_answer_is_believed_only_with_time_serial_and_signature)
{
    /* two keys while the channel changes its own */
    struct wechat_signer keys[] = {{"OLD", wechat_rig()->ours_public},
                                   {RIG_CHANNEL, wechat_rig()->channel_public}};
    char *signature;
    struct wechat_signed msg = answer("{\"prepay_id\":\"wx1\"}", &signature), bad;
    struct err err = ERR_INIT;

    test_cleanup(t, free, signature);
    CHECK_OK(wechat_verify(&msg, keys, 2, NOW, &err), &err);
    CHECK_OK(wechat_verify(&msg, keys, 2, NOW + WECHAT_WINDOW_S, &err), &err);
    CHECK_ERR(wechat_verify(&msg, keys, 2, NOW + WECHAT_WINDOW_S + 1, &err), &err, ERR_UNAUTHENTICATED,
              "wechat_timestamp");
    CHECK_ERR(wechat_verify(&msg, keys, 2, NOW - WECHAT_WINDOW_S - 1, &err), &err, ERR_UNAUTHENTICATED,
              "wechat_timestamp");
    CHECK_ERR(wechat_verify(&msg, keys, 1, NOW, &err), &err, ERR_UNAUTHENTICATED, "wechat_serial");
    bad = msg;
    bad.serial = "OLD";
    CHECK_ERR(wechat_verify(&bad, keys, 2, NOW, &err), &err, ERR_UNAUTHENTICATED, "wechat_signature");
    bad = msg;
    bad.body = "{\"prepay_id\":\"wx2\"}";
    CHECK_ERR(wechat_verify(&bad, keys, 2, NOW, &err), &err, ERR_UNAUTHENTICATED, "wechat_signature");
    bad = msg;
    bad.signature = "WECHATPAY/SIGNTEST/AAAA"; /* the channel probes its merchants with such */
    CHECK_ERR(wechat_verify(&bad, keys, 2, NOW, &err), &err, ERR_UNAUTHENTICATED, "wechat_signature");
    bad.signature = "";
    CHECK_ERR(wechat_verify(&bad, keys, 2, NOW, &err), &err, ERR_UNAUTHENTICATED, "wechat_signature");
    bad.timestamp = "17900000x0";
    CHECK_ERR(wechat_verify(&bad, keys, 2, NOW, &err), &err, ERR_UNAUTHENTICATED, "wechat_timestamp");
}

TEST(wechat, what_is_no_authorization_is_refused)
{
    static const char *const HEADERS[] = {
        "",
        "Bearer x",
        "WECHATPAY2-SHA256-RSA2048 ",
        "WECHATPAY2-SHA256-RSA2048 mchid=\"1\"",
        "WECHATPAY2-SHA256-RSA2048 "
        "mchid=\"1\",mchid=\"2\",nonce_str=\"n\",signature=\"s\",timestamp=\"1\",serial_no=\"x\"",
        "WECHATPAY2-SHA256-RSA2048 mchid=\"1\",nonce_str=\"n\",signature=\"s\",timestamp=\"1\",serial_no=\"x",
        "WECHATPAY2-SHA256-RSA2048 "
        "mchid=\"1\",nonce_str=\"n\",signature=\"s\",timestamp=\"1\",serial_no=\"x\",",
        "WECHATPAY2-SHA256-RSA2048 "
        "mchid=\"1\",nonce_str=\"n\",signature=\"s\",timestamp=\"1\",serial_no=\"x\",a=\"b\"",
    };
    struct wechat_claim c;
    struct err err = ERR_INIT;

    for (size_t i = 0; i < sizeof HEADERS / sizeof *HEADERS; i++)
        CHECK_ERR(wechat_authorization_read(&c, HEADERS[i], &err), &err, ERR_UNAUTHENTICATED,
                  "wechat_authorization");
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16. */
TEST(wechat, a_resource_opens_as_published)
{
    static const char SEALED[] =
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b"
        "1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b";
    static const char PLAIN[] =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
        "49a6b525b16aedf5aa0de657ba637b39";
    uint8_t key[32], sealed[76], plain[60];
    char nonce[13] = {0}, associated[21] = {0}, published[128], *text, *out;
    size_t len = 0;
    struct err err = ERR_INIT;

    CHECK(crypto_unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", 64, key, 32));
    CHECK(crypto_unhex("cafebabefacedbaddecaf888", 24, (uint8_t *)nonce, 12));
    CHECK(crypto_unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", 40, (uint8_t *)associated, 20));
    CHECK(crypto_unhex(SEALED, sizeof SEALED - 1, sealed, sizeof sealed));
    CHECK(crypto_unhex(PLAIN, sizeof PLAIN - 1, plain, sizeof plain));
    text = wechat_seal(key, nonce, associated, (const char *)plain, sizeof plain);
    CHECK_OK(wechat_open(&out, &len, key, nonce, associated, text, &err), &err);
    CHECK_INT(len, sizeof plain);
    CHECK_MEM(out, plain, sizeof plain);
    EVP_EncodeBlock((unsigned char *)published, sealed, sizeof sealed);
    CHECK_STR(text, published);
    free(out);
    associated[0]++;
    CHECK_ERR(wechat_open(&out, &len, key, nonce, associated, text, &err), &err, ERR_CORRUPT,
              "wechat_resource");
    associated[0]--;
    text[4] ^= 1;
    CHECK_ERR(wechat_open(&out, &len, key, nonce, associated, text, &err), &err, ERR_CORRUPT,
              "wechat_resource");
    CHECK_ERR(wechat_open(&out, &len, key, nonce, associated, "AAAA AAAA===", &err), &err, ERR_CORRUPT,
              "wechat_resource");
    free(text);
}

static json_t *parsed(struct test *t, char *text)
{
    json_t *doc = json_loads(text, 0, NULL);

    CHECK(doc);
    free(text);
    test_cleanup(t, (void (*)(void *))json_decref, doc);
    return doc;
}

TEST(wechat, bodies_have_the_fields_of_the_documents)
{
    struct wechat_order o = {.appid = "wx00000000000000aa",
                             .mchid = RIG_MCHID,
                             .description = "远程门诊诊查费",
                             .out_trade_no = "TC20261012000001",
                             .attach = "",
                             .notify_url = "https://x.example/n",
                             .openid = "oDEMO1",
                             .total_fen = 1000};
    struct wechat_refund_ask r = {.out_trade_no = "TC20261012000001",
                                  .out_refund_no = "RF20261012000001",
                                  .notify_url = "https://x.example/r",
                                  .refund_fen = 300,
                                  .total_fen = 1000};
    json_t *doc;
    char *text;
    int32_t day;

    CHECK(clock_parse("2026-10-12T09:30:00+08:00", 25, &o.expires_at_us));
    doc = parsed(t, wechat_order_body(&o, WECHAT_JSAPI));
    CHECK_STR(json_string_value(json_object_get(doc, "time_expire")), "2026-10-12T09:30:00+08:00");
    CHECK_INT(json_integer_value(json_object_get(json_object_get(doc, "amount"), "total")), 1000);
    CHECK_STR(json_string_value(json_object_get(json_object_get(doc, "payer"), "openid")), "oDEMO1");
    CHECK(!json_object_get(doc, "attach"));
    doc = parsed(t, wechat_order_body(&o, WECHAT_NATIVE));
    CHECK(!json_object_get(doc, "payer"));
    doc = parsed(t, wechat_refund_body(&r));
    CHECK_INT(json_integer_value(json_object_get(json_object_get(doc, "amount"), "refund")), 300);
    CHECK(clock_parse_day("2026-10-12", 10, &day));
    text = wechat_tradebill_url(day);
    CHECK_STR(text, "/v3/bill/tradebill?bill_date=2026-10-12&bill_type=ALL");
    free(text);
    CHECK(wechat_no_ok("TC-_|*1"));
    CHECK(!wechat_no_ok("TC1"));
    CHECK(!wechat_no_ok("TC2026/12000001"));
    CHECK(!wechat_no_ok("TC20261012000001TC20261012000001x"));
}

#define PAYMENT                                                                                              \
    "{\"appid\":\"wx1\",\"mchid\":\"" RIG_MCHID                                                              \
    "\",\"out_trade_no\":\"TC20261012000001\",\"transaction_id\":"                                           \
    "\"4200001\",\"trade_state\":\"SUCCESS\",\"success_time\":\"2026-10-12T09:02:11+08:00\",\"amount\":{"    \
    "\"total\":1000,"                                                                                        \
    "\"payer_total\":1000,\"currency\":\"CNY\"}}"

TEST(wechat, a_callback_is_opened_and_read_and_half_a_payment_is_not)
{
    static const char *const BAD[][2] = {{"SUCCESS", "WON"},
                                         {"\"total\":1000", "\"total\":10.0"},
                                         {"\"total\":1000", "\"total\":-1"},
                                         {"\"success_time\"", "\"other_time\""},
                                         {"TC20261012000001", "TC/"},
                                         {"4200001", ""}};
    char *sealed = wechat_seal(RIG_API_KEY_BYTES, "0123456789ab", "transaction", PAYMENT, sizeof PAYMENT - 1),
         *body =
             mem_format("{\"id\":\"EV-1\",\"event_type\":\"TRANSACTION.SUCCESS\",\"resource\":{\"algorithm\":"
                        "\"AEAD_AES_256_GCM\",\"nonce\":\"0123456789ab\",\"associated_data\":\"transaction\","
                        "\"ciphertext\":\"%s\"}}",
                        sealed);
    struct wechat_notice n;
    struct wechat_payment p;
    struct err err = ERR_INIT;

    test_cleanup(t, free, sealed);
    test_cleanup(t, free, body);
    CHECK_OK(wechat_notice_open(&n, body, strlen(body), RIG_API_KEY_BYTES, &err), &err);
    CHECK_STR(n.event, "TRANSACTION.SUCCESS");
    CHECK_OK(wechat_payment_read(&p, n.resource, &err), &err);
    CHECK_INT(p.total_fen, 1000);
    CHECK_INT(p.state, WECHAT_SUCCESS);
    CHECK_STR(p.transaction_id, "4200001");
    wechat_notice_free(&n);
    CHECK_ERR(
        wechat_notice_open(&n, body, strlen(body), (const uint8_t *)"another key of 32 bytes, not our", &err),
        &err, ERR_CORRUPT, "wechat_resource");
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        const char *at = strstr(PAYMENT, BAD[i][0]);
        json_t *doc = parsed(
            t, mem_format("%.*s%s%s", (int)(at - PAYMENT), PAYMENT, BAD[i][1], at + strlen(BAD[i][0])));

        CHECK_ERR(wechat_payment_read(&p, doc, &err), &err, ERR_INVALID, NULL);
    }
}
