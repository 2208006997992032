/* wechat_body.h - what is asked of WeChat Pay v3 and what it answers, as JSON. Pure; any thread. Bodies are made by us and read
 * strictly: a field that is missing, of another type or out of range refuses the whole. */
#pragma once
#include "billing/wechat.h"
#include "core/json.h"

/** 6 … 32 signs of [0-9A-Za-z_-|*], unique for ever: an order or refund number of ours. */
bool wechat_no_ok(const char *no);

enum wechat_trade { WECHAT_JSAPI, WECHAT_NATIVE };
const char *wechat_trade_path(enum wechat_trade trade); /* "/v3/pay/transactions/jsapi" */

struct wechat_order {
    const char *appid, *mchid, *description, *out_trade_no, *attach, *notify_url;
    const char *openid; /* of the payer; JSAPI only */
    int64_t total_fen;
    int64_t expires_at_us; /* 0: the channel's own two hours */
};
/* Texts are freed by the caller. */
char *wechat_order_body(const struct wechat_order *o, enum wechat_trade trade);
char *wechat_query_url(const char *mchid, const char *out_trade_no);
char *wechat_close_url(const char *out_trade_no);
char *wechat_close_body(const char *mchid);

struct wechat_refund_ask {
    const char *out_trade_no, *out_refund_no, *reason, *notify_url;
    int64_t refund_fen, total_fen;
};
#define WECHAT_REFUND_URL "/v3/refund/domestic/refunds"
char *wechat_refund_body(const struct wechat_refund_ask *r);
char *wechat_refund_url(const char *out_refund_no);
/** Type ALL. @param day of Shanghai */
char *wechat_tradebill_url(int32_t day);

enum wechat_state {
    WECHAT_NOTPAY,
    WECHAT_USERPAYING,
    WECHAT_SUCCESS,
    WECHAT_CLOSED,
    WECHAT_REFUNDED, /* "REFUND": paid, and some of it went back */
    WECHAT_REVOKED,
    WECHAT_PAYERROR,
    WECHAT_STATES
};
const char *wechat_state_name(enum wechat_state s); /* as the channel writes it */

struct wechat_payment { /* texts lent by the document */
    const char *appid, *mchid, *out_trade_no;
    const char *transaction_id; /* "" until paid */
    enum wechat_state state;
    int64_t total_fen;  /* -1: the answer does not say, it is unpaid */
    int64_t success_us; /* 0 until paid */
};
/** An order queried, or a callback's resource. ERR_INVALID "wechat_answer" or json.h's words */
bool wechat_payment_read(struct wechat_payment *out, const json_t *doc, struct err *err);

enum wechat_refund_state {
    WECHAT_R_PROCESSING,
    WECHAT_R_SUCCESS,
    WECHAT_R_CLOSED,
    WECHAT_R_ABNORMAL,
    WECHAT_R_STATES
};
const char *wechat_refund_state_name(enum wechat_refund_state s);

struct wechat_refund {
    const char *out_trade_no, *out_refund_no, *transaction_id, *refund_id;
    enum wechat_refund_state state;
    int64_t refund_fen, total_fen;
    int64_t success_us; /* 0 until done */
};
/** @param callback  its resource names the state refund_status and has no create_time */
bool wechat_refund_read(struct wechat_refund *out, const json_t *doc, bool callback, struct err *err);

struct wechat_bill_at {
    const char *sha1_hex, *url;
};
bool wechat_bill_read(struct wechat_bill_at *out, const json_t *doc, struct err *err);

struct wechat_notice {      /* a callback after wechat_verify() and decryption */
    char id[64], event[48]; /* "TRANSACTION.SUCCESS", "REFUND.SUCCESS" */
    json_t *resource;       /* wechat_notice_free() */
};
/** The body of a callback that has been verified. ERR_CORRUPT "wechat_resource", ERR_INVALID "wechat_answer" … */
bool wechat_notice_open(struct wechat_notice *out, const char *body, size_t len,
                        const uint8_t key[WECHAT_API_KEY], struct err *err);
void wechat_notice_free(struct wechat_notice *n);
