#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "billing/bill_wechat.h"
#include "billing/sandbox/channel.h"
#include "core/clock.h"
#include "core/mem.h"

#define FEE_PER_MILLE 6

struct page { /* a bill in the making; one row more than there are trades, for the planted one */
    struct bill_row *rows;
    struct bill_wechat_line *lines;
    size_t n;
};

/* 0.60 %, rounded half up to the fen, as the channel prints it. */
static int64_t fee_milli_fen(int64_t fen)
{
    return (fen * FEE_PER_MILLE + 500) / 1000 * 1000;
}

static void add(struct page *p, const struct channel *c, const struct channel_order *o,
                const struct channel_refund *r)
{
    int64_t fen = r ? r->fen : o->total_fen;

    p->rows[p->n] = (struct bill_row){
        .kind = r ? BILL_REFUND : BILL_PAYMENT,
        .at_us = r ? r->created_us : o->success_us,
        .amount_fen = fen,
        .order_fen = fen,
        .fee_milli_fen = r ? -fee_milli_fen(fen) : fee_milli_fen(fen),
        .out_trade_no = o->no,
        .out_refund_no = r ? r->no : "",
        .transaction_id = o->transaction_id,
        .refund_id = r ? r->refund_id : "",
        .status = r ? wechat_refund_state_name(WECHAT_R_PROCESSING) : "SUCCESS", /* as it was on its day */
        .merchant = c->mchid,
        .sub_merchant = "0",
    };
    p->lines[p->n++] = (struct bill_wechat_line){
        .app_id = c->appid,
        .payer = *o->openid ? o->openid : "oSANDBOX",
        .trade_type = o->trade == WECHAT_JSAPI ? "JSAPI" : "NATIVE",
        .bank = "OTHERS",
        .goods = o->description,
        .attach = o->attach,
    };
}

/* One difference, in the first payment of the day. The totals stay the sums of the rows: the bill itself is a good one. */
static void spoil(struct page *p, const char *class)
{
    size_t at = 0;

    while (at < p->n && p->rows[at].kind != BILL_PAYMENT)
        at++;
    if (at == p->n)
        return;
    if (!strcmp(class, "amount")) {
        p->rows[at].amount_fen++;
        p->rows[at].order_fen++;
    } else if (!strcmp(class, "fee")) {
        p->rows[at].fee_milli_fen += 1000;
    } else if (!strcmp(class, "status")) {
        p->rows[at].kind = BILL_REVOKED;
        p->rows[at].amount_fen = p->rows[at].order_fen = p->rows[at].fee_milli_fen = 0;
    } else if (!strcmp(class, "short")) {
        p->n--;
        memmove(p->rows + at, p->rows + at + 1, (p->n - at) * sizeof *p->rows);
        memmove(p->lines + at, p->lines + at + 1, (p->n - at) * sizeof *p->lines);
    } else if (!strcmp(class, "dup") || !strcmp(class, "long")) {
        p->rows[p->n] = p->rows[at];
        p->lines[p->n] = p->lines[at];
        if (*class == 'l') {
            p->rows[p->n].out_trade_no = "SANDBOX-NOT-YOURS";
            p->rows[p->n].transaction_id = "4200000099999999999999999999";
        }
        p->n++;
    }
}

char *channel_bill(const struct channel *c, int32_t day, size_t *len)
{
    size_t cap = c->n_orders + c->n_refunds + 1;
    struct page p = {.rows = mem_new(cap * sizeof *p.rows), .lines = mem_new(cap * sizeof *p.lines)};
    char *text = NULL;
    FILE *out;

    for (size_t i = 0; i < c->n_orders; i++)
        if (c->orders[i].success_us && clock_shanghai_day(c->orders[i].success_us) == day)
            add(&p, c, &c->orders[i], NULL);
    for (size_t i = 0; i < c->n_refunds; i++)
        if (clock_shanghai_day(c->refunds[i].created_us) == day)
            add(&p, c, &c->orders[c->refunds[i].order], &c->refunds[i]);
    if (p.n) {
        spoil(&p, c->spoiled);
        out = open_memstream(&text, len);
        if (!out || !bill_wechat_write(out, p.rows, p.lines, p.n) || fclose(out) != 0)
            abort(); /* memory */
    }
    free(p.rows);
    free(p.lines);
    return text;
}
