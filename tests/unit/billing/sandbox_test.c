/* sandbox_test.c - the played channel driven by the client's functions: paid, called back, lost, forged, refunded, billed, killed. */
#include "tests/unit/billing/sandbox_rig.h"
#include "tests/unit/billing/wechat_rig.h"
#include "billing/bill_wechat.h"
#include "billing/recon.h"
#include "core/clock.h"
#include "core/mem.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPID "wx00000000000000aa"
#define CALL  "https://clinic.example/api/v1/pay/wechat"

static const struct recon_rule RULE = {
    .version = 1, .cutoff_s = 600, .cutoff_days = 2, .fee_tolerance_milli_fen = 0};

static char *order_body(const char *no, int64_t fen, enum wechat_trade trade)
{
    struct wechat_order o = {.appid = APPID,
                             .mchid = RIG_MCHID,
                             .description = "心电远程诊断,含报告",
                             .out_trade_no = no,
                             .attach = "enc=E1002",
                             .notify_url = CALL,
                             .openid = "oDEMO1",
                             .total_fen = fen};

    return wechat_order_body(&o, trade);
}

static void order(struct sandbox_rig *rig, struct test *t, const char *no, int64_t fen)
{
    json_t *doc = sandbox_wants(rig, t, 200, "POST", wechat_trade_path(WECHAT_JSAPI),
                                order_body(no, fen, WECHAT_JSAPI));

    CHECK(json_is_string(json_object_get(doc, "prepay_id")));
}

static struct wechat_payment query(struct sandbox_rig *rig, struct test *t, const char *no)
{
    char *url = wechat_query_url(RIG_MCHID, no);
    struct wechat_payment p;
    struct err err = ERR_INIT;

    CHECK_OK(wechat_payment_read(&p, sandbox_wants(rig, t, 200, "GET", url, NULL), &err), &err);
    CHECK_STR(p.out_trade_no, no);
    free(url);
    return p;
}

static json_t *refund(struct sandbox_rig *rig, struct test *t, int status, const char *no,
                      const char *refund_no, int64_t fen, int64_t total)
{
    struct wechat_refund_ask r = {.out_trade_no = no,
                                  .out_refund_no = refund_no,
                                  .reason = "取消",
                                  .notify_url = CALL,
                                  .refund_fen = fen,
                                  .total_fen = total};

    return sandbox_wants(rig, t, status, "POST", WECHAT_REFUND_URL, wechat_refund_body(&r));
}

static void refused(json_t *doc, const char *code)
{
    CHECK_STR(json_string_value(json_object_get(doc, "code")), code);
}

/* A genuine callback about this payment. */
static struct wechat_payment paid_call(struct sandbox_rig *rig, struct test *t, const char *no, char id[64])
{
    struct wechat_notice n;
    struct wechat_payment p;
    struct err err = ERR_INIT;

    CHECK_OK(sandbox_callback(rig, t, 200, &n, &err), &err);
    CHECK_STR(n.event, "TRANSACTION.SUCCESS");
    CHECK_OK(wechat_payment_read(&p, n.resource, &err), &err);
    CHECK_STR(p.out_trade_no, no);
    CHECK_INT(p.state, WECHAT_SUCCESS);
    if (id)
        strcpy(id, n.id);
    return p;
}

TEST(sandbox, an_order_is_paid_called_back_and_found_by_query)
{
    struct sandbox_rig rig;

    sandbox_start(&rig, t);
    order(&rig, t, "TC000001", 1250);
    order(&rig, t, "TC000001", 1250); /* asked for again: the same one */
    CHECK_INT(query(&rig, t, "TC000001").state, WECHAT_NOTPAY);
    sandbox_pay(&rig, t, "TC000001");
    CHECK_INT(paid_call(&rig, t, "TC000001", NULL).total_fen, 1250);
    CHECK_INT(query(&rig, t, "TC000001").state, WECHAT_SUCCESS);
    CHECK_INT(sandbox_raw(&rig, t, "POST", "/sandbox/pay/TC000001", NULL, "").status, 400);
    refused(sandbox_wants(&rig, t, 400, "POST", wechat_trade_path(WECHAT_JSAPI),
                          order_body("TC000001", 1250, WECHAT_JSAPI)),
            "ORDERPAID");
    refused(sandbox_wants(&rig, t, 400, "POST", wechat_trade_path(WECHAT_NATIVE),
                          mem_str("{\"out_trade_no\":5}")),
            "PARAM_ERROR");
    CHECK(json_object_get(sandbox_wants(&rig, t, 200, "POST", wechat_trade_path(WECHAT_NATIVE),
                                        order_body("TC000002", 1, WECHAT_NATIVE)),
                          "code_url"));
    refused(sandbox_wants(&rig, t, 404, "GET", "/v3/pay/transactions/out-trade-no/TC000009?mchid=" RIG_MCHID,
                          NULL),
            "ORDER_NOT_EXIST");
}

TEST(sandbox, who_does_not_sign_is_refused)
{
    static const char URL[] = "/v3/pay/transactions/out-trade-no/TC000001?mchid=" RIG_MCHID;
    struct wechat_merchant forger = {RIG_MCHID, RIG_SERIAL, wechat_rig()->channel}, us = forger;
    struct wechat_request req = {
        .method = "GET", .url = URL, .body = "", .now_s = clock_now_us() / US_PER_S, .nonce = "n"};
    struct sandbox_rig rig;
    char *header;

    sandbox_start(&rig, t);
    us.key = wechat_rig()->ours;
    CHECK_INT(sandbox_raw(&rig, t, "GET", URL, NULL, "").status, 401);
    CHECK_INT(sandbox_raw(&rig, t, "GET", URL, "Bearer x", "").status, 401);
    header = wechat_authorization(&forger, &req);
    CHECK_INT(sandbox_raw(&rig, t, "GET", URL, header, "").status, 401);
    free(header);
    header = wechat_authorization(&us, &req);
    CHECK_INT(sandbox_raw(&rig, t, "GET", URL, header, "").status,
              404); /* signed: there is just no such order */
    CHECK_INT(
        sandbox_raw(&rig, t, "GET", "/v3/pay/transactions/out-trade-no/TC000002?mchid=" RIG_MCHID, header, "")
            .status,
        401);
    free(header);
    req.now_s -= WECHAT_WINDOW_S + 60;
    header = wechat_authorization(&us, &req);
    CHECK_INT(sandbox_raw(&rig, t, "GET", URL, header, "").status, 401);
    free(header);
}

TEST(sandbox, callbacks_are_dropped_repeated_forged_swapped_and_sent_again)
{
    struct sandbox_rig rig;
    struct wechat_notice n;
    struct err err = ERR_INIT;
    char id[64], again[64];

    sandbox_start(&rig, t);
    for (int i = 1; i <= 6; i++) {
        char no[24];

        snprintf(no, sizeof no, "TC00000%d", i);
        order(&rig, t, no, 100 * i);
    }
    sandbox_faults(&rig, t, "{\"drop\":1}");
    sandbox_pay(&rig, t, "TC000001"); /* nobody is told: the query finds it */
    CHECK_INT(query(&rig, t, "TC000001").state, WECHAT_SUCCESS);
    sandbox_faults(&rig, t, "{\"repeat\":1}");
    sandbox_pay(&rig, t, "TC000002");
    paid_call(&rig, t, "TC000002", id);
    paid_call(&rig, t, "TC000002", again);
    CHECK_STR(id, again);
    sandbox_faults(&rig, t, "{\"forge\":1}");
    sandbox_pay(&rig, t, "TC000003");
    CHECK_ERR(sandbox_callback(&rig, t, 401, &n, &err), &err, ERR_UNAUTHENTICATED, "wechat_signature");
    paid_call(&rig, t, "TC000003", NULL);
    sandbox_faults(&rig, t, "{\"reorder\":1}");
    sandbox_pay(&rig, t, "TC000004");
    sandbox_pay(&rig, t, "TC000005");
    paid_call(&rig, t, "TC000005", NULL);
    paid_call(&rig, t, "TC000004", NULL);
    sandbox_faults(&rig, t, "{\"delay_ms\":100}");
    sandbox_pay(&rig, t, "TC000006");
    CHECK_OK(sandbox_callback(&rig, t, 500, &n, &err), &err); /* we could not take it: it comes again */
    paid_call(&rig, t, "TC000006", NULL);
}

TEST(sandbox, an_order_is_closed_and_refunds_never_exceed_what_was_paid)
{
    struct sandbox_rig rig;
    struct wechat_refund r;
    struct wechat_notice n;
    struct err err = ERR_INIT;
    char *url = wechat_close_url("TC000001"), *refund_url = wechat_refund_url("RF000001");

    test_cleanup(t, free, url);
    test_cleanup(t, free, refund_url);
    sandbox_start(&rig, t);
    order(&rig, t, "TC000001", 500);
    order(&rig, t, "TC000002", 1000);
    CHECK(!sandbox_wants(&rig, t, 204, "POST", url, wechat_close_body(RIG_MCHID)));
    CHECK_INT(query(&rig, t, "TC000001").state, WECHAT_CLOSED);
    CHECK_INT(sandbox_raw(&rig, t, "POST", "/sandbox/pay/TC000001", NULL, "").status, 400);
    refused(refund(&rig, t, 400, "TC000002", "RF000001", 1, 1000), "INVALID_REQUEST"); /* unpaid */
    sandbox_pay(&rig, t, "TC000002");
    paid_call(&rig, t, "TC000002", NULL);
    CHECK_OK(wechat_refund_read(&r, refund(&rig, t, 200, "TC000002", "RF000001", 700, 1000), false, &err),
             &err);
    CHECK_INT(r.state, WECHAT_R_PROCESSING);
    CHECK_OK(sandbox_callback(&rig, t, 200, &n, &err), &err);
    CHECK_STR(n.event, "REFUND.SUCCESS");
    CHECK_OK(wechat_refund_read(&r, n.resource, true, &err), &err);
    CHECK_INT(r.refund_fen, 700);
    CHECK_STR(r.out_refund_no, "RF000001");
    CHECK_OK(wechat_refund_read(&r, refund(&rig, t, 200, "TC000002", "RF000001", 700, 1000), false, &err),
             &err);
    refused(refund(&rig, t, 400, "TC000002", "RF000001", 100, 1000),
            "INVALID_REQUEST"); /* same number, other amount */
    refused(refund(&rig, t, 403, "TC000002", "RF000002", 301, 1000), "NOT_ENOUGH");
    CHECK_OK(wechat_refund_read(&r, sandbox_wants(&rig, t, 200, "GET", refund_url, NULL), false, &err), &err);
    CHECK_INT(r.state, WECHAT_R_SUCCESS);
    CHECK_INT(query(&rig, t, "TC000002").state, WECHAT_REFUNDED);
}

/* ---------------------------------------------------------------- the bill */

static struct bill bill_of(struct sandbox_rig *rig, struct test *t, int32_t day, char hash[41])
{
    char *url = wechat_tradebill_url(day);
    struct wechat_bill_at at;
    struct bill_wechat_options opt = {.merchant = RIG_MCHID, .day = day};
    struct sandbox_answer file;
    struct bill bill;
    struct err err = ERR_INIT;

    CHECK_OK(wechat_bill_read(&at, sandbox_wants(rig, t, 200, "GET", url, NULL), &err), &err);
    file = sandbox_ask(rig, t, "GET", strstr(at.url, "/v3/"), NULL);
    CHECK_INT(file.status, 200);
    opt.sha1_hex = at.sha1_hex;
    CHECK_OK(bill_wechat_read(&bill, (const uint8_t *)file.body, file.len, &opt, &err), &err);
    snprintf(hash, 41, "%s", at.sha1_hex);
    free(url);
    return bill;
}

static struct recon_ours ours(int64_t id, const struct wechat_payment *p, const char *refund_no, int64_t fen)
{
    bool back = *refund_no;
    int64_t fee = (fen * 6 + 500) / 1000 * 1000;

    return (struct recon_ours){.id = id,
                               .kind = back ? BILL_REFUND : BILL_PAYMENT,
                               .state = RECON_SETTLED,
                               .at_us = p->success_us,
                               .amount_fen = fen,
                               .fee_milli_fen = back ? -fee : fee,
                               .matched_day = RECON_NO_DAY,
                               .out_trade_no = p->out_trade_no,
                               .out_refund_no = refund_no,
                               .transaction_id = p->transaction_id};
}

TEST(sandbox, its_bill_is_ours_and_the_planted_difference_is_the_only_one)
{
    struct sandbox_rig rig;
    struct wechat_payment p[2];
    struct recon_ours list[3];
    struct recon_result r;
    struct err err = ERR_INIT;
    char hash[41], first[41], json[64];
    int32_t day;

    sandbox_start(&rig, t);
    sandbox_faults(&rig, t, "{\"drop\":1000}");
    order(&rig, t, "TC000001", 1250);
    order(&rig, t, "TC000002", 99900);
    order(&rig, t, "TC000003", 77); /* never paid: in no bill */
    sandbox_pay(&rig, t, "TC000001");
    sandbox_pay(&rig, t, "TC000002");
    refund(&rig, t, 200, "TC000002", "RF000001", 333, 99900);
    p[0] = query(&rig, t, "TC000001");
    p[1] = query(&rig, t, "TC000002");
    day = clock_shanghai_day(p[0].success_us);
    list[0] = ours(1, &p[0], "", 1250);
    list[1] = ours(2, &p[1], "", 99900);
    list[2] = ours(3, &p[1], "RF000001", 333);
    for (int c = -1; c < RECON_CLASSES; c++) {
        struct bill bill;

        if (c == RECON_CUTOFF)
            continue; /* two days make one */
        snprintf(json, sizeof json, "{\"bill\":\"%s\"}", c < 0 ? "" : recon_class_name((enum recon_class)c));
        sandbox_faults(&rig, t, json);
        bill = bill_of(&rig, t, day, hash);
        if (c < 0)
            strcpy(first, hash);
        CHECK_INT(strcmp(hash, first) == 0, c < 0);
        CHECK_OK(recon_run(&r, &RULE, day, list, 3, &bill, &err), &err);
        CHECK_INT(r.n, c >= 0);
        if (c >= 0)
            CHECK_STR(recon_class_name(r.diffs[0].class), recon_class_name((enum recon_class)c));
        recon_free(&r);
        bill_free(&bill);
    }
    refused(sandbox_wants(&rig, t, 400, "GET", "/v3/bill/tradebill?bill_date=2001-01-01&bill_type=ALL", NULL),
            "NO_STATEMENT_EXIST");
    refused(sandbox_wants(&rig, t, 400, "GET", "/v3/billdownload/file?day=1&until=99999999999&token=0", NULL),
            "PARAM_ERROR");
}

/* ---------------------------------------------------------------- killed */

TEST(sandbox, a_kill_loses_nothing_that_was_acknowledged)
{
    struct sandbox_rig rig;
    struct wechat_notice n;
    struct wechat_payment p;
    struct bill bill;
    struct err err = ERR_INIT;
    char before[41], after[41];
    int32_t day;
    int fd;

    sandbox_start(&rig, t);
    order(&rig, t, "TC000001", 1250);
    sandbox_crash(&rig);
    CHECK_INT(query(&rig, t, "TC000001").state, WECHAT_NOTPAY);
    sandbox_faults(&rig, t, "{\"delay_ms\":600000}");
    sandbox_pay(&rig, t, "TC000001");
    sandbox_crash(&rig); /* paid, its callback still owed: it comes from the next process */
    CHECK_INT(paid_call(&rig, t, "TC000001", NULL).total_fen, 1250);
    p = query(&rig, t, "TC000001");
    CHECK_INT(p.state, WECHAT_SUCCESS);
    sandbox_faults(&rig, t, "{\"delay_ms\":600000}");
    refund(&rig, t, 200, "TC000001", "RF000001", 250, 1250);
    day = clock_shanghai_day(p.success_us);
    bill = bill_of(&rig, t, day, before);
    CHECK_INT(bill.n, 2);
    bill_free(&bill);
    sandbox_crash(&rig);
    CHECK_OK(sandbox_callback(&rig, t, 200, &n, &err), &err);
    CHECK_STR(n.event, "REFUND.SUCCESS");
    refund(&rig, t, 200, "TC000001", "RF000001", 250, 1250); /* sent again: one effect */
    bill = bill_of(&rig, t, day, after);
    CHECK_STR(before, after);
    bill_free(&bill);
    /* killed in the middle of a line: nobody had been answered for it */
    fd = open(test_path(t, rig.dir, "paysandbox.journal"), O_WRONLY | O_APPEND | O_CLOEXEC);
    CHECK_INT(write(fd, "{\"event\":\"paid\",\"no\":\"TC00", 26), 26);
    close(fd);
    sandbox_crash(&rig);
    order(&rig, t, "TC000002", 5);
    sandbox_crash(&rig);
    CHECK_INT(query(&rig, t, "TC000002").state, WECHAT_NOTPAY);
}
