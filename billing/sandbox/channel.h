/* channel.h - what the played channel knows: orders, refunds, and which callbacks are still owed.
 *
 * Owns    everything in memory, and one journal file: a line of JSON per event. An event is written before it is applied and
 *         before anybody is answered, so a killed process knows after its start what it knew before.
 * Runs    on the loop. Time is passed in.
 */
#pragma once
#include "billing/wechat_body.h"

struct channel_order {
    char no[WECHAT_NO_MAX], transaction_id[33];
    enum wechat_trade trade;
    enum wechat_state state;
    int64_t total_fen, refunded_fen;
    int64_t created_us, success_us;
    const char *description, *attach, *notify_url, *openid; /* lent by the event */
};
struct channel_refund {
    char no[WECHAT_NO_MAX], refund_id[33];
    size_t order;
    enum wechat_refund_state state;
    int64_t fen, created_us, success_us;
    const char *notify_url;
};
struct channel_notice { /* a callback owed; answered for once done */
    bool refund, done;
    size_t about; /* order or refund */
};

struct channel {
    const char *appid, *mchid; /* the one merchant's */
    struct channel_order *orders;
    size_t n_orders;
    struct channel_refund *refunds;
    size_t n_refunds;
    struct channel_notice *notices;
    size_t n_notices;
    char spoiled[16]; /* which difference the bill shall have: a class of recon.h, or "" */
    json_t *events;   /* kept: they lend texts */
    int fd;
};

/** Read the journal at path, or begin one; a last line that was cut off is dropped, nobody was told of it.
 * ERR_IO, ERR_CORRUPT "journal" */
bool channel_open(struct channel *c, const char *path, const char *appid, const char *mchid, struct err *err);
void channel_close(struct channel *c);

struct channel_order *channel_order(const struct channel *c, const char *no);   /* or NULL */
struct channel_refund *channel_refund(const struct channel *c, const char *no); /* or NULL */

/* Each is one event, and returns with its effect on the disk's side of a kill -9. reason words are the real channel's codes.
 * ERR_CONFLICT "ORDERPAID" | "ORDER_CLOSED" | "OUT_TRADE_NO_USED" | "INVALID_REQUEST"; ERR_NOT_FOUND "ORDER_NOT_EXIST" |
 * "RESOURCE_NOT_EXISTS"; ERR_DENIED "NOT_ENOUGH"; ERR_INVALID "PARAM_ERROR"; ERR_IO */
bool channel_prepay(struct channel *c, const json_t *body, enum wechat_trade trade, int64_t now_us,
                    struct err *err);
bool channel_pay(struct channel *c, const char *no, int64_t now_us, struct err *err);
bool channel_shut(struct channel *c, const char *no, int64_t now_us, struct err *err);
bool channel_give_back(struct channel *c, const json_t *body, int64_t now_us, struct err *err);
/** Every refund still in progress arrives. */
bool channel_arrive(struct channel *c, int64_t now_us, struct err *err);
bool channel_noticed(struct channel *c, size_t notice, struct err *err);
bool channel_spoil(struct channel *c, const char *class, struct err *err);

/* As the channel shows them; new references. */
json_t *channel_order_json(const struct channel *c, const struct channel_order *o);
json_t *channel_refund_json(const struct channel *c, const struct channel_refund *r, bool callback);

/** The bill of a day as bill_wechat.h writes it, with the one difference it shall have. Freed by the caller; NULL: a day without
 * trades. The same day and journal give the same bytes. */
char *channel_bill(const struct channel *c, int32_t day, size_t *len);
