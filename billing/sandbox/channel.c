#include "billing/sandbox/channel.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "billing/money.h"
#include "core/clock.h"
#include "core/mem.h"

#define JOURNAL_MAX (64 << 20)
#define RECORDS_MAX 1000000

/* ---------------------------------------------------------------- finding */

struct channel_order *channel_order(const struct channel *c, const char *no)
{
    for (size_t i = c->n_orders; i-- > 0;)
        if (strcmp(c->orders[i].no, no) == 0)
            return &c->orders[i];
    return NULL;
}

struct channel_refund *channel_refund(const struct channel *c, const char *no)
{
    for (size_t i = c->n_refunds; i-- > 0;)
        if (strcmp(c->refunds[i].no, no) == 0)
            return &c->refunds[i];
    return NULL;
}

/* ---------------------------------------------------------------- events, as they are written and as they are applied */

static const char *str(const json_t *event, const char *key)
{
    const char *s = json_string_value(json_object_get(event, key));

    return s ? s : "";
}

static int64_t number(const json_t *event, const char *key)
{
    return json_integer_value(json_object_get(event, key));
}

static void copy_no(char out[WECHAT_NO_MAX], const char *no)
{
    size_t len = strnlen(no, WECHAT_NO_MAX - 1);

    memcpy(out, no, len);
    out[len] = '\0';
}

static void owe(struct channel *c, bool refund, size_t about, const char *notify_url)
{
    c->notices = mem_grow(c->notices, (c->n_notices + 1) * sizeof *c->notices);
    c->notices[c->n_notices++] =
        (struct channel_notice){.refund = refund, .about = about, .done = !*notify_url};
}

static bool apply_order(struct channel *c, const json_t *e)
{
    struct channel_order o = {
        .trade = number(e, "native") ? WECHAT_NATIVE : WECHAT_JSAPI,
        .state = WECHAT_NOTPAY,
        .total_fen = number(e, "fen"),
        .created_us = number(e, "at"),
        .description = str(e, "description"),
        .attach = str(e, "attach"),
        .notify_url = str(e, "notify_url"),
        .openid = str(e, "openid"),
    };

    copy_no(o.no, str(e, "no"));
    c->orders = mem_grow(c->orders, (c->n_orders + 1) * sizeof *c->orders);
    c->orders[c->n_orders++] = o;
    return true;
}

static bool apply_paid(struct channel *c, const json_t *e)
{
    struct channel_order *o = channel_order(c, str(e, "no"));

    if (!o)
        return false;
    o->state = WECHAT_SUCCESS;
    o->success_us = number(e, "at");
    snprintf(o->transaction_id, sizeof o->transaction_id, "42000000%020zu", (size_t)(o - c->orders) + 1);
    owe(c, false, (size_t)(o - c->orders), o->notify_url);
    return true;
}

static bool apply_closed(struct channel *c, const json_t *e)
{
    struct channel_order *o = channel_order(c, str(e, "no"));

    if (o)
        o->state = WECHAT_CLOSED;
    return o != NULL;
}

static bool apply_refund(struct channel *c, const json_t *e)
{
    struct channel_order *o = channel_order(c, str(e, "no"));
    struct channel_refund r = {
        .state = WECHAT_R_PROCESSING,
        .fen = number(e, "fen"),
        .created_us = number(e, "at"),
        .notify_url = str(e, "notify_url"),
    };

    if (!o)
        return false;
    r.order = (size_t)(o - c->orders);
    copy_no(r.no, str(e, "refund_no"));
    snprintf(r.refund_id, sizeof r.refund_id, "50300000%020zu", c->n_refunds + 1);
    c->refunds = mem_grow(c->refunds, (c->n_refunds + 1) * sizeof *c->refunds);
    c->refunds[c->n_refunds++] = r;
    o->refunded_fen += r.fen;
    o->state = WECHAT_REFUNDED;
    return true;
}

static bool apply_arrived(struct channel *c, const json_t *e)
{
    struct channel_refund *r = channel_refund(c, str(e, "refund_no"));

    if (!r)
        return false;
    r->state = WECHAT_R_SUCCESS;
    r->success_us = number(e, "at");
    owe(c, true, (size_t)(r - c->refunds), r->notify_url);
    return true;
}

static bool apply_noticed(struct channel *c, const json_t *e)
{
    size_t i = (size_t)number(e, "notice");

    if (i < c->n_notices)
        c->notices[i].done = true;
    return i < c->n_notices;
}

static bool apply_spoil(struct channel *c, const json_t *e)
{
    snprintf(c->spoiled, sizeof c->spoiled, "%s", str(e, "class"));
    return true;
}

static const struct {
    const char *name;
    bool (*apply)(struct channel *c, const json_t *event);
} EVENTS[] = {
    {"order", apply_order},   {"paid", apply_paid},       {"closed", apply_closed},
    {"refund", apply_refund}, {"arrived", apply_arrived}, {"noticed", apply_noticed},
    {"spoil", apply_spoil},
};

/* event is taken: it lends its texts from now on */
static bool apply(struct channel *c, json_t *event)
{
    json_array_append_new(c->events, event);
    for (size_t i = 0; i < sizeof EVENTS / sizeof *EVENTS; i++)
        if (strcmp(EVENTS[i].name, str(event, "event")) == 0)
            return EVENTS[i].apply(c, event);
    return false;
}

/* Written whole or taken back: a line in two parts would end the journal for the next start. */
static bool append(int fd, const char *line, size_t len, struct err *err)
{
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t n = write(fd, line, len);

    if (n == (ssize_t)len)
        return true;
    err_errno(err, "write the journal");
    if (end < 0 || ftruncate(fd, end) != 0)
        err_add(err, "and it stays broken");
    return false;
}

static bool happen(struct channel *c, json_t *event, struct err *err)
{
    size_t len;
    char *line = json_text(event, &len);
    bool ok;

    line[len] = '\n'; /* where the '\0' stood */
    ok = append(c->fd, line, len + 1, err);
    free(line);
    if (!ok) {
        json_decref(event);
        return false;
    }
    return apply(c, event) ||
           err_set(err, ERR_INTERNAL, "SYSTEM_ERROR", "an event of our own does not apply");
}

/* ---------------------------------------------------------------- the journal */

static bool replay(struct channel *c, char *text, size_t len, size_t *good, struct err *err)
{
    char *end;

    for (*good = 0; (end = memchr(text + *good, '\n', len - *good)); *good = (size_t)(end - text) + 1) {
        json_t *event = json_loadb(text + *good, (size_t)(end - text) - *good, JSON_REJECT_DUPLICATES, NULL);

        if (!json_is_object(event) || !apply(c, event)) {
            if (!json_is_object(event))
                json_decref(event);
            return err_set(err, ERR_CORRUPT, "journal", "the line at byte %zu is none of ours", *good);
        }
    }
    return true;
}

bool channel_open(struct channel *c, const char *path, const char *appid, const char *mchid, struct err *err)
{
    size_t len = 0, good = 0;
    char *text = mem_new(JOURNAL_MAX);
    ssize_t n;
    bool ok = false;

    *c = (struct channel){.appid = appid, .mchid = mchid, .events = json_array()};
    c->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (c->fd < 0) {
        err_errno(err, "open the journal");
        goto out;
    }
    while ((n = read(c->fd, text + len, JOURNAL_MAX - len)) > 0)
        len += (size_t)n;
    if (n < 0 || len == JOURNAL_MAX) {
        err_set(err, ERR_IO, "journal", "the journal cannot be read, or is too large for a sandbox");
        goto out;
    }
    if (!replay(c, text, len, &good, err))
        goto out;
    ok = good == len || ftruncate(c->fd, (off_t)good) == 0 || err_errno(err, "cut the journal");
out:
    free(text);
    return ok;
}

void channel_close(struct channel *c)
{
    if (c->events && c->fd >= 0)
        close(c->fd);
    json_decref(c->events);
    free(c->orders);
    free(c->refunds);
    free(c->notices);
    *c = (struct channel){.fd = -1};
}

/* ---------------------------------------------------------------- what is asked */

static bool param(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "PARAM_ERROR", "%s", what);
}

static const char *member(const json_t *doc, const char *key)
{
    return json_is_string(json_object_get(doc, key)) ? str(doc, key) : "";
}

static bool amount_of(const json_t *body, const char *key, int64_t *fen)
{
    const json_t *v = json_object_get(json_object_get(body, "amount"), key);

    *fen = json_integer_value(v);
    return json_is_integer(v) && *fen > 0 && *fen <= MONEY_MAX_FEN;
}

/* The same order asked for again is the same order; with another content its number is used up. */
static bool known_order(const struct channel_order *o, int64_t fen, enum wechat_trade trade, struct err *err)
{
    if (o->state == WECHAT_SUCCESS || o->state == WECHAT_REFUNDED)
        return err_set(err, ERR_CONFLICT, "ORDERPAID", "paid already");
    if (o->state == WECHAT_CLOSED)
        return err_set(err, ERR_CONFLICT, "ORDER_CLOSED", "closed already");
    return (o->total_fen == fen && o->trade == trade) ||
           err_set(err, ERR_CONFLICT, "OUT_TRADE_NO_USED", "this number is another order's");
}

bool channel_prepay(struct channel *c, const json_t *body, enum wechat_trade trade, int64_t now_us,
                    struct err *err)
{
    const char *no = member(body, "out_trade_no"), *openid = member(json_object_get(body, "payer"), "openid");
    struct channel_order *known;
    int64_t fen;

    if (!wechat_no_ok(no) || !amount_of(body, "total", &fen) || !*member(body, "description") ||
        strpbrk(member(body, "description"), "\r\n`") || strpbrk(member(body, "attach"), "\r\n`"))
        return param(err, "number, amount or description");
    if (strcmp(member(body, "mchid"), c->mchid) != 0 || strcmp(member(body, "appid"), c->appid) != 0)
        return param(err, "mchid or appid is not the merchant's");
    if (trade == WECHAT_JSAPI && (!*openid || strpbrk(openid, "\r\n`")))
        return param(err, "payer.openid");
    known = channel_order(c, no);
    if (known)
        return known_order(known, fen, trade, err);
    if (c->n_orders >= RECORDS_MAX)
        return err_set(err, ERR_LIMIT, "FREQUENCY_LIMITED", "the sandbox is full");
    return happen(c,
                  json_pack("{ss ss sb sI ss ss ss ss sI}", "event", "order", "no", no, "native",
                            trade == WECHAT_NATIVE, "fen", (json_int_t)fen, "description",
                            member(body, "description"), "attach", member(body, "attach"), "notify_url",
                            member(body, "notify_url"), "openid", openid, "at", (json_int_t)now_us),
                  err);
}

static struct channel_order *order_of(struct channel *c, const char *no, struct err *err)
{
    struct channel_order *o = channel_order(c, no);

    if (!o)
        err_set(err, ERR_NOT_FOUND, "ORDER_NOT_EXIST", "no such order");
    return o;
}

bool channel_pay(struct channel *c, const char *no, int64_t now_us, struct err *err)
{
    struct channel_order *o = order_of(c, no, err);

    if (!o)
        return false;
    if (o->state != WECHAT_NOTPAY)
        return err_set(err, ERR_CONFLICT, o->state == WECHAT_CLOSED ? "ORDER_CLOSED" : "ORDERPAID",
                       "it is %s", wechat_state_name(o->state));
    return happen(c, json_pack("{ss ss sI}", "event", "paid", "no", no, "at", (json_int_t)now_us), err);
}

bool channel_shut(struct channel *c, const char *no, int64_t now_us, struct err *err)
{
    struct channel_order *o = order_of(c, no, err);

    if (!o)
        return false;
    if (o->state == WECHAT_CLOSED)
        return true;
    if (o->state != WECHAT_NOTPAY)
        return err_set(err, ERR_CONFLICT, "ORDERPAID", "it is paid");
    return happen(c, json_pack("{ss ss sI}", "event", "closed", "no", no, "at", (json_int_t)now_us), err);
}

bool channel_give_back(struct channel *c, const json_t *body, int64_t now_us, struct err *err)
{
    const char *no = member(body, "out_trade_no"), *refund_no = member(body, "out_refund_no");
    struct channel_order *o;
    struct channel_refund *known;
    int64_t fen, total;

    if (!wechat_no_ok(refund_no) || !amount_of(body, "refund", &fen) || !amount_of(body, "total", &total))
        return param(err, "number or amounts");
    o = order_of(c, no, err);
    if (!o)
        return false;
    known = channel_refund(c, refund_no);
    if (known)
        return (known->fen == fen && &c->orders[known->order] == o) ||
               err_set(err, ERR_CONFLICT, "INVALID_REQUEST", "this number is another refund's");
    if ((o->state != WECHAT_SUCCESS && o->state != WECHAT_REFUNDED) || total != o->total_fen)
        return err_set(err, ERR_CONFLICT, "INVALID_REQUEST", "not paid, or paid another amount");
    if (fen > o->total_fen - o->refunded_fen)
        return err_set(err, ERR_DENIED, "NOT_ENOUGH", "more than is left of it");
    return happen(c,
                  json_pack("{ss ss ss sI ss sI}", "event", "refund", "no", no, "refund_no", refund_no, "fen",
                            (json_int_t)fen, "notify_url", member(body, "notify_url"), "at",
                            (json_int_t)now_us),
                  err);
}

bool channel_arrive(struct channel *c, int64_t now_us, struct err *err)
{
    for (size_t i = 0; i < c->n_refunds; i++)
        if (c->refunds[i].state == WECHAT_R_PROCESSING &&
            !happen(c,
                    json_pack("{ss ss sI}", "event", "arrived", "refund_no", c->refunds[i].no, "at",
                              (json_int_t)now_us),
                    err))
            return false;
    return true;
}

bool channel_noticed(struct channel *c, size_t notice, struct err *err)
{
    return happen(c, json_pack("{ss sI}", "event", "noticed", "notice", (json_int_t)notice), err);
}

bool channel_spoil(struct channel *c, const char *class, struct err *err)
{
    static const char *const CLASSES[] = {"", "long", "short", "amount", "status", "dup", "fee"};

    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++)
        if (strcmp(CLASSES[i], class) == 0)
            return happen(c, json_pack("{ss ss}", "event", "spoil", "class", class), err);
    return param(err, "bill is none of long, short, amount, status, dup, fee");
}

/* ---------------------------------------------------------------- what is shown */

static void put_time(json_t *doc, const char *key, int64_t at_us)
{
    char at[CLOCK_TEXT];

    clock_format_utc(at_us + 8 * 3600 * US_PER_S, at);
    memcpy(at + 19, "+08:00", sizeof "+08:00");
    json_object_set_new(doc, key, json_string(at));
}

json_t *channel_order_json(const struct channel *c, const struct channel_order *o)
{
    json_t *doc = json_pack("{ss ss ss ss ss ss}", "appid", c->appid, "mchid", c->mchid, "out_trade_no",
                            o->no, "trade_state", wechat_state_name(o->state), "trade_state_desc",
                            wechat_state_name(o->state), "attach", o->attach);

    if (!o->success_us)
        return doc;
    json_object_set_new(doc, "trade_type", json_string(o->trade == WECHAT_JSAPI ? "JSAPI" : "NATIVE"));
    json_object_set_new(doc, "transaction_id", json_string(o->transaction_id));
    json_object_set_new(doc, "bank_type", json_string("OTHERS"));
    put_time(doc, "success_time", o->success_us);
    json_object_set_new(doc, "payer", json_pack("{ss}", "openid", *o->openid ? o->openid : "oSANDBOX"));
    json_object_set_new(doc, "amount",
                        json_pack("{sI sI ss ss}", "total", (json_int_t)o->total_fen, "payer_total",
                                  (json_int_t)o->total_fen, "currency", "CNY", "payer_currency", "CNY"));
    return doc;
}

json_t *channel_refund_json(const struct channel *c, const struct channel_refund *r, bool callback)
{
    const struct channel_order *o = &c->orders[r->order];
    json_t *doc = json_pack("{ss ss ss ss ss ss ss}", "mchid", c->mchid, "refund_id", r->refund_id,
                            "out_refund_no", r->no, "transaction_id", o->transaction_id, "out_trade_no",
                            o->no, callback ? "refund_status" : "status", wechat_refund_state_name(r->state),
                            "user_received_account", "零钱");

    if (!callback)
        put_time(doc, "create_time", r->created_us);
    if (r->success_us)
        put_time(doc, "success_time", r->success_us);
    json_object_set_new(doc, "amount",
                        json_pack("{sI sI sI sI}", "total", (json_int_t)o->total_fen, "refund",
                                  (json_int_t)r->fen, "payer_total", (json_int_t)o->total_fen, "payer_refund",
                                  (json_int_t)r->fen));
    return doc;
}
