#include "billing/sandbox/api.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/crypto.h"
#include "core/loop.h"
#include "core/mem.h"

#define BODY_MAX  (64 << 10)
#define LINK_S    300 /* a bill's address lives five minutes */
#define TOKEN_HEX (2 * SHA256_LEN)

static const char *const HEADERS[] = {"authorization:", NULL};

static struct api *api_of(const struct request *req)
{
    return req->app;
}

/* ---------------------------------------------------------------- answers, signed */

/* text is taken; NULL: no body */
static void answer_text(struct request *req, int status, const char *type, char *text, size_t len)
{
    const struct api *a = api_of(req);
    char timestamp[24], nonce[33], *signature;
    uint8_t bytes[16];

    crypto_random(bytes, sizeof bytes);
    crypto_hex(bytes, sizeof bytes, nonce);
    snprintf(timestamp, sizeof timestamp, "%" PRId64, clock_now_us() / US_PER_S);
    signature = wechat_sign(a->key, timestamp, nonce, text ? text : "", len);
    request_header(req, "Wechatpay-Timestamp", timestamp);
    request_header(req, "Wechatpay-Nonce", nonce);
    request_header(req, "Wechatpay-Serial", a->serial);
    request_header(req, "Wechatpay-Signature", signature);
    free(signature);
    if (text)
        request_answer_text(req, status, type, text, len);
    else
        request_answer_empty(req, status);
}

/* doc is taken */
static void answer(struct request *req, int status, json_t *doc)
{
    size_t len;
    char *text = json_text(doc, &len);

    json_decref(doc);
    answer_text(req, status, "application/json", text, len);
}

/* The real one calls a conflict a bad request. */
static void refuse(struct request *req, const struct err *err)
{
    answer(req, err->code == ERR_CONFLICT ? 400 : err_http_status(err->code),
           json_pack("{ss ss}", "code", err->code == ERR_UNAUTHENTICATED ? "SIGN_ERROR" : err->reason,
                     "message", err->text));
}

/* ---------------------------------------------------------------- /v3/pay */

static void prepay(struct request *req, enum wechat_trade trade)
{
    struct err err = ERR_INIT;
    const char *no;
    char *address;

    if (!channel_prepay(api_of(req)->channel, req->json, trade, clock_now_us(), &err)) {
        refuse(req, &err);
        return;
    }
    no = json_string_value(json_object_get(req->json, "out_trade_no"));
    address = mem_format(trade == WECHAT_JSAPI ? "wx-sandbox-%s" : "weixin://wxpay/bizpayurl?pr=%s", no);
    answer(req, 200, json_pack("{ss}", trade == WECHAT_JSAPI ? "prepay_id" : "code_url", address));
    free(address);
}

static void on_jsapi(struct request *req)
{
    prepay(req, WECHAT_JSAPI);
}

static void on_native(struct request *req)
{
    prepay(req, WECHAT_NATIVE);
}

static bool is_merchant(struct request *req, const char *mchid, struct err *err)
{
    return (mchid && strcmp(mchid, api_of(req)->channel->mchid) == 0) ||
           err_set(err, ERR_INVALID, "PARAM_ERROR", "mchid");
}

static void on_query(struct request *req)
{
    struct err err = ERR_INIT;
    const struct channel_order *o = channel_order(api_of(req)->channel, req->param[0]);

    if (is_merchant(req, request_query(req, "mchid"), &err) && !o)
        err_set(&err, ERR_NOT_FOUND, "ORDER_NOT_EXIST", "no such order");
    if (err.code)
        refuse(req, &err);
    else
        answer(req, 200, channel_order_json(api_of(req)->channel, o));
}

static void on_close(struct request *req)
{
    struct err err = ERR_INIT;

    if (!is_merchant(req, json_string_value(json_object_get(req->json, "mchid")), &err) ||
        !channel_shut(api_of(req)->channel, req->param[0], clock_now_us(), &err))
        refuse(req, &err);
    else
        answer_text(req, 204, NULL, NULL, 0);
}

/* ---------------------------------------------------------------- /v3/refund */

static void on_refund(struct request *req)
{
    struct channel *c = api_of(req)->channel;
    struct err err = ERR_INIT;
    json_t *doc;

    if (!channel_give_back(c, req->json, clock_now_us(), &err)) {
        refuse(req, &err);
        return;
    }
    doc = channel_refund_json(
        c, channel_refund(c, json_string_value(json_object_get(req->json, "out_refund_no"))), false);
    if (!channel_arrive(c, clock_now_us(), &err)) { /* it arrives right behind the answer */
        json_decref(doc);
        refuse(req, &err);
        return;
    }
    answer(req, 200, doc);
    notify_wake(api_of(req)->notify);
}

static void on_refund_query(struct request *req)
{
    struct channel *c = api_of(req)->channel;
    const struct channel_refund *r = channel_refund(c, req->param[0]);
    struct err err = ERR_INIT;

    if (r) {
        answer(req, 200, channel_refund_json(c, r, false));
        return;
    }
    err_set(&err, ERR_NOT_FOUND, "RESOURCE_NOT_EXISTS", "no such refund");
    refuse(req, &err);
}

/* ---------------------------------------------------------------- /v3/bill */

/* Day and end of the address, and what only we can have made of them. */
static void token_of(const struct api *a, int32_t day, int64_t until_s, char out[TOKEN_HEX + 1])
{
    uint8_t mac[SHA256_LEN];
    char text[64];
    int len = snprintf(text, sizeof text, "bill %" PRId32 " %" PRId64, day, until_s);

    crypto_hmac_sha256(a->api_key, WECHAT_API_KEY, text, (size_t)len, mac);
    crypto_hex(mac, sizeof mac, out);
}

static void on_tradebill(struct request *req)
{
    const char *date = request_query(req, "bill_date"), *type = request_query(req, "bill_type");
    int64_t until_s = clock_now_us() / US_PER_S + LINK_S;
    char *bill = NULL, *url, hash[2 * SHA1_LEN + 1], token[TOKEN_HEX + 1];
    uint8_t sha1[SHA1_LEN];
    struct err err = ERR_INIT;
    size_t len;
    int32_t day;

    if (!date || !clock_parse_day(date, strlen(date), &day) || (type && strcmp(type, "ALL") != 0))
        err_set(&err, ERR_INVALID, "PARAM_ERROR", "bill_date, or a type other than ALL");
    else if (!(bill = channel_bill(api_of(req)->channel, day, &len)))
        err_set(&err, ERR_INVALID, "NO_STATEMENT_EXIST", "a day without trades");
    if (err.code) {
        refuse(req, &err);
        return;
    }
    crypto_sha1(bill, len, sha1);
    crypto_hex(sha1, sizeof sha1, hash);
    free(bill);
    token_of(api_of(req), day, until_s, token);
    url = mem_format("https://%s/v3/billdownload/file?day=%" PRId32 "&until=%" PRId64 "&token=%s", req->host,
                     day, until_s, token);
    answer(req, 200, json_pack("{ss ss ss}", "hash_type", "SHA1", "hash_value", hash, "download_url", url));
    free(url);
}

static int64_t number_of(const struct request *req, const char *name)
{
    const char *text = request_query(req, name);

    return text && strlen(text) <= 12 ? strtoll(text, NULL, 10) : 0;
}

static void on_download(struct request *req)
{
    const char *said = request_query(req, "token");
    int64_t day = number_of(req, "day"), until_s = number_of(req, "until");
    char token[TOKEN_HEX + 1], *bill = NULL;
    struct err err = ERR_INIT;
    size_t len;

    token_of(api_of(req), (int32_t)day, until_s, token);
    if (!said || strlen(said) != TOKEN_HEX || !crypto_equal(said, token, TOKEN_HEX) ||
        until_s < clock_now_us() / US_PER_S)
        err_set(&err, ERR_INVALID, "PARAM_ERROR", "no address of ours, or older than five minutes");
    else if (!(bill = channel_bill(api_of(req)->channel, (int32_t)day, &len)))
        err_set(&err, ERR_INVALID, "NO_STATEMENT_EXIST", "a day without trades");
    if (err.code)
        refuse(req, &err);
    else
        answer_text(req, 200, "text/plain", bill, len);
}

/* ---------------------------------------------------------------- /sandbox */

static void on_pay(struct request *req)
{
    struct channel *c = api_of(req)->channel;
    struct err err = ERR_INIT;

    if (!channel_pay(c, req->param[0], clock_now_us(), &err)) {
        refuse(req, &err);
        return;
    }
    answer(req, 200, channel_order_json(c, channel_order(c, req->param[0])));
    notify_wake(api_of(req)->notify);
}

/* All five of the callbacks' faults are set anew; bill only when it is named. */
static void on_faults(struct request *req)
{
    struct notify_faults f = {0};
    const char *class = NULL;
    struct err err = ERR_INIT;

    if (!json_opt_i64(req->json, "drop", 0, 1000, &f.drop, &err) ||
        !json_opt_i64(req->json, "repeat", 0, 1000, &f.repeat, &err) ||
        !json_opt_i64(req->json, "reorder", 0, 1000, &f.reorder, &err) ||
        !json_opt_i64(req->json, "forge", 0, 1000, &f.forge, &err) ||
        !json_opt_i64(req->json, "delay_ms", 0, 600000, &f.delay_ms, &err) ||
        !json_opt_str(req->json, "bill", &class, 15, &err) ||
        (class && !channel_spoil(api_of(req)->channel, class, &err))) {
        refuse(req, &err);
        return;
    }
    *notify_faults(api_of(req)->notify) = f;
    answer_text(req, 204, NULL, NULL, 0);
    notify_wake(api_of(req)->notify);
}

/* ---------------------------------------------------------------- who may ask */

/* As it was sent: our names and numbers need no escapes, and what does has another signature anyway. */
static char *url_of(const struct request *req)
{
    char *url = mem_str(req->path);
    const char *mark = "?";

    for (const char *p = req->query; *p; p += strlen(p) + 1, mark = "&") {
        char *longer = mem_format("%s%s%s", url, mark, p);

        free(url);
        url = longer;
    }
    return url;
}

static bool authentic(struct request *req, struct err *err)
{
    const struct api *a = api_of(req);
    struct wechat_claim claim;
    char *url = url_of(req);
    struct wechat_request said = {
        .method = http_method_name(req->method),
        .url = url,
        .body = req->body ? (const char *)req->body : "",
        .body_len = req->body_len,
        .now_s = clock_now_us() / US_PER_S,
    };
    bool ok = wechat_authorization_read(&claim, req->kept[0], err) &&
              (strcmp(claim.mchid, a->channel->mchid) == 0 ||
               err_set(err, ERR_UNAUTHENTICATED, "wechat_serial", "another merchant")) &&
              wechat_authorization_verify(&claim, &said, &a->merchant, err);

    free(url);
    return ok;
}

static void routed(struct request *req)
{
    struct err err = ERR_INIT;

    if (strncmp(req->path, "/v3/", 4) == 0 && !authentic(req, &err))
        refuse(req, &err);
    else if ((req->route->flags & ROUTE_JSON) && !request_parse_json(req, &JSON_LIMITS_DEFAULT, &err)) {
        err_set(&err, ERR_INVALID, "PARAM_ERROR", "no JSON object");
        refuse(req, &err);
    } else
        req->route->handler(req);
}

/* clang-format off */
#define GET(p, fn)  {.method = HTTP_GET, .path = p, .handler = fn}
#define POST(p, fn) {.method = HTTP_POST, .path = p, .flags = ROUTE_JSON, .body_max = BODY_MAX, .handler = fn}
static const struct route ROUTES[] = {
    POST("/v3/pay/transactions/jsapi", on_jsapi),
    POST("/v3/pay/transactions/native", on_native),
    GET("/v3/pay/transactions/out-trade-no/{out_trade_no}", on_query),
    POST("/v3/pay/transactions/out-trade-no/{out_trade_no}/close", on_close),
    POST(WECHAT_REFUND_URL, on_refund),
    GET(WECHAT_REFUND_URL "/{out_refund_no}", on_refund_query),
    GET("/v3/bill/tradebill", on_tradebill),
    GET("/v3/billdownload/file", on_download),
    {.method = HTTP_POST, .path = "/sandbox/pay/{out_trade_no}", .handler = on_pay},
    POST("/sandbox/faults", on_faults),
};
/* clang-format on */

void api_app(struct http_app *app, struct api *api, struct loop *loop)
{
    *app = (struct http_app){
        .name = "paysandbox",
        .title = "yunzhen-paysandbox",
        .arg = api,
        .loop = loop,
        .routes = {ROUTES, sizeof ROUTES / sizeof *ROUTES},
        .headers = HEADERS,
        .routed = routed,
    };
}
