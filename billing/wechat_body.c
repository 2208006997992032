#include "billing/wechat_body.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "billing/money.h"
#include "core/clock.h"
#include "core/mem.h"

bool wechat_no_ok(const char *no)
{
    size_t len = strlen(no);

    return len >= 6 && len < WECHAT_NO_MAX &&
           strspn(no, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-|*") == len;
}

/* ---------------------------------------------------------------- asking */

const char *wechat_trade_path(enum wechat_trade trade)
{
    return trade == WECHAT_JSAPI ? "/v3/pay/transactions/jsapi" : "/v3/pay/transactions/native";
}

/* doc is taken */
static char *text_of(json_t *doc)
{
    char *text = json_text(doc, NULL);

    json_decref(doc);
    return text;
}

static void put(json_t *doc, const char *key, const char *value)
{
    if (value && *value)
        json_object_set_new(doc, key, json_string(value));
}

char *wechat_order_body(const struct wechat_order *o, enum wechat_trade trade)
{
    json_t *doc = json_object();
    char at[CLOCK_TEXT];

    put(doc, "appid", o->appid);
    put(doc, "mchid", o->mchid);
    put(doc, "description", o->description);
    put(doc, "out_trade_no", o->out_trade_no);
    put(doc, "attach", o->attach);
    put(doc, "notify_url", o->notify_url);
    if (o->expires_at_us) { /* seconds with an offset, RFC 3339 */
        clock_format_utc(o->expires_at_us + 8 * 3600 * US_PER_S, at);
        memcpy(at + 19, "+08:00", sizeof "+08:00");
        put(doc, "time_expire", at);
    }
    json_object_set_new(doc, "amount",
                        json_pack("{sIss}", "total", (json_int_t)o->total_fen, "currency", "CNY"));
    if (trade == WECHAT_JSAPI)
        json_object_set_new(doc, "payer", json_pack("{ss}", "openid", o->openid));
    return text_of(doc);
}

char *wechat_query_url(const char *mchid, const char *out_trade_no)
{
    return mem_format("/v3/pay/transactions/out-trade-no/%s?mchid=%s", out_trade_no, mchid);
}

char *wechat_close_url(const char *out_trade_no)
{
    return mem_format("/v3/pay/transactions/out-trade-no/%s/close", out_trade_no);
}

char *wechat_close_body(const char *mchid)
{
    return text_of(json_pack("{ss}", "mchid", mchid));
}

char *wechat_refund_body(const struct wechat_refund_ask *r)
{
    json_t *doc = json_object();

    put(doc, "out_trade_no", r->out_trade_no);
    put(doc, "out_refund_no", r->out_refund_no);
    put(doc, "reason", r->reason);
    put(doc, "notify_url", r->notify_url);
    json_object_set_new(doc, "amount",
                        json_pack("{sIsIss}", "refund", (json_int_t)r->refund_fen, "total",
                                  (json_int_t)r->total_fen, "currency", "CNY"));
    return text_of(doc);
}

char *wechat_refund_url(const char *out_refund_no)
{
    return mem_format(WECHAT_REFUND_URL "/%s", out_refund_no);
}

char *wechat_tradebill_url(int32_t day)
{
    char text[CLOCK_TEXT];

    clock_format_day(day, text);
    return mem_format("/v3/bill/tradebill?bill_date=%s&bill_type=ALL", text);
}

/* ---------------------------------------------------------------- being answered */

static const char *const STATES[WECHAT_STATES] = {"NOTPAY", "USERPAYING", "SUCCESS", "CLOSED",
                                                  "REFUND", "REVOKED",    "PAYERROR"};
static const char *const REFUND_STATES[WECHAT_R_STATES] = {"PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL"};

const char *wechat_state_name(enum wechat_state s)
{
    return STATES[s];
}

const char *wechat_refund_state_name(enum wechat_refund_state s)
{
    return REFUND_STATES[s];
}

static bool one_of(const json_t *doc, const char *key, const char *const *names, int n, int *out,
                   struct err *err)
{
    const char *text;

    if (!json_get_str(doc, key, &text, 32, err))
        return false;
    for (*out = 0; *out < n; ++*out)
        if (strcmp(names[*out], text) == 0)
            return true;
    return err_set(err, ERR_INVALID, "wechat_answer", "%s is '%s'", key, text);
}

static bool optional_time(const json_t *doc, const char *key, int64_t *out, struct err *err)
{
    const char *text = "";

    if (!json_opt_str(doc, key, &text, 64, err))
        return false;
    return !*text || clock_parse(text, strlen(text), out) ||
           err_set(err, ERR_INVALID, "wechat_answer", "%s is no time", key);
}

static bool our_no(const json_t *doc, const char *key, const char **out, struct err *err)
{
    return json_get_str(doc, key, out, WECHAT_NO_MAX, err) &&
           (wechat_no_ok(*out) || err_set(err, ERR_INVALID, "wechat_answer", "%s is no number of ours", key));
}

bool wechat_payment_read(struct wechat_payment *out, const json_t *doc, struct err *err)
{
    struct wechat_payment p = {.transaction_id = "", .total_fen = -1};
    const json_t *amount = json_object_get(doc, "amount");
    int state;

    if (!json_get_str(doc, "appid", &p.appid, 64, err) || !json_get_str(doc, "mchid", &p.mchid, 64, err) ||
        !our_no(doc, "out_trade_no", &p.out_trade_no, err) ||
        !one_of(doc, "trade_state", STATES, WECHAT_STATES, &state, err) ||
        !json_opt_str(doc, "transaction_id", &p.transaction_id, 64, err) ||
        !optional_time(doc, "success_time", &p.success_us, err))
        return false;
    p.state = (enum wechat_state)state;
    if (amount && !json_get_i64(amount, "total", 1, MONEY_MAX_FEN, &p.total_fen, err))
        return false;
    if ((p.state == WECHAT_SUCCESS || p.state == WECHAT_REFUNDED) &&
        (p.total_fen < 0 || !p.success_us || !*p.transaction_id))
        return err_set(err, ERR_INVALID, "wechat_answer", "paid, but not what, when or as which trade");
    *out = p;
    return true;
}

bool wechat_refund_read(struct wechat_refund *out, const json_t *doc, bool callback, struct err *err)
{
    struct wechat_refund r = {.transaction_id = ""};
    const json_t *amount = json_object_get(doc, "amount");
    int state;

    if (!our_no(doc, "out_trade_no", &r.out_trade_no, err) ||
        !our_no(doc, "out_refund_no", &r.out_refund_no, err) ||
        !json_get_str(doc, "refund_id", &r.refund_id, 64, err) ||
        !json_get_str(doc, "transaction_id", &r.transaction_id, 64, err) ||
        !one_of(doc, callback ? "refund_status" : "status", REFUND_STATES, WECHAT_R_STATES, &state, err) ||
        !optional_time(doc, "success_time", &r.success_us, err))
        return false;
    if (!json_is_object(amount))
        return err_set(err, ERR_INVALID, "wechat_answer", "a refund without amounts");
    if (!json_get_i64(amount, "refund", 1, MONEY_MAX_FEN, &r.refund_fen, err) ||
        !json_get_i64(amount, "total", 1, MONEY_MAX_FEN, &r.total_fen, err))
        return false;
    r.state = (enum wechat_refund_state)state;
    *out = r;
    return true;
}

bool wechat_bill_read(struct wechat_bill_at *out, const json_t *doc, struct err *err)
{
    const char *type;

    if (!json_get_str(doc, "hash_type", &type, 16, err) ||
        !json_get_str(doc, "hash_value", &out->sha1_hex, 64, err) ||
        !json_get_str(doc, "download_url", &out->url, 2048, err))
        return false;
    return strcmp(type, "SHA1") == 0 || err_set(err, ERR_INVALID, "wechat_answer", "hashed by %s", type);
}

/* ---------------------------------------------------------------- callbacks */

static bool resource_open(json_t **out, const json_t *r, const uint8_t key[WECHAT_API_KEY], struct err *err)
{
    const char *algorithm, *nonce, *ciphertext, *associated = "";
    char *plain;
    size_t len;
    bool ok;

    if (!json_is_object(r))
        return err_set(err, ERR_INVALID, "wechat_answer", "a callback without resource");
    if (!json_get_str(r, "algorithm", &algorithm, 32, err) || !json_get_str(r, "nonce", &nonce, 32, err) ||
        !json_get_str(r, "ciphertext", &ciphertext, 1 << 18, err) ||
        !json_opt_str(r, "associated_data", &associated, 32, err))
        return false;
    if (strcmp(algorithm, "AEAD_AES_256_GCM") != 0)
        return err_set(err, ERR_INVALID, "wechat_answer", "sealed by %s", algorithm);
    if (!wechat_open(&plain, &len, key, nonce, associated, ciphertext, err))
        return false;
    ok = json_parse(out, (const uint8_t *)plain, len, &JSON_LIMITS_DEFAULT, err);
    free(plain);
    return ok;
}

bool wechat_notice_open(struct wechat_notice *out, const char *body, size_t len,
                        const uint8_t key[WECHAT_API_KEY], struct err *err)
{
    struct wechat_notice n = {.resource = NULL};
    const char *id, *event;
    json_t *doc = NULL;
    bool ok = false;

    if (!json_parse(&doc, (const uint8_t *)body, len, &JSON_LIMITS_DEFAULT, err) ||
        !json_get_str(doc, "id", &id, sizeof n.id - 1, err) ||
        !json_get_str(doc, "event_type", &event, sizeof n.event - 1, err) ||
        !resource_open(&n.resource, json_object_get(doc, "resource"), key, err))
        goto out;
    strcpy(n.id, id);
    strcpy(n.event, event);
    *out = n;
    ok = true;
out:
    json_decref(doc);
    return ok;
}

void wechat_notice_free(struct wechat_notice *n)
{
    json_decref(n->resource);
    *n = (struct wechat_notice){.resource = NULL};
}
