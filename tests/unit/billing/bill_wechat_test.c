/* bill_wechat_test.c - the day's bill: read whole or refused whole, and what we write is read again. */
#include "tests/unit/test.h"
#include "billing/bill_wechat.h"
#include "billing/money.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD                                                                                                                                              \
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"             \
    "付款银行,货币种类,"                                                                                                                          \
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称," \
    "商户数据包,"                                                                                                                                    \
    "手续费,费率,订单金额,申请退款金额,费率备注\n"
#define PAID                                                                                                 \
    "`2026-10-12 09:02:11,`wx00000000000000aa,`1900000100,`1900000201,`,`4200009990202610120000000001,"      \
    "`TC20261012000001,`oDEMO00000000000000000000001,`JSAPI,`SUCCESS,`OTHERS,`CNY,`10.00,`0.00,`0,`0,`0.00," \
    "`0.00,`,`,"                                                                                             \
    "`远程门诊诊查费,`enc=E1001,`0.06000,`0.60%,`10.00,`0.00,`\n"
#define COMMA                                                                                                \
    "`2026-10-12 09:31:40,`wx00000000000000aa,`1900000100,`1900000201,`,`4200009990202610120000000002,"      \
    "`TC20261012000002,`oDEMO00000000000000000000002,`NATIVE,`SUCCESS,`ICBC_DEBIT,`CNY,`12.50,`0.00,`0,`0,`" \
    "0.00,"                                                                                                  \
    "`0.00,`,`,`心电远程诊断,含报告,`enc=E1002,`0.08000,`0.60%,`12.50,`0.00,`\n"
#define BACK                                                                                                       \
    "`2026-10-12 10:05:03,`wx00000000000000aa,`1900000100,`1900000201,`,`4200009990202610110000000007,"            \
    "`TC20261011000007,`oDEMO00000000000000000000003,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,"                     \
    "`50300009990202610120000000001,`RF20261012000001,`20.00,`0.00,`ORIGINAL,`PROCESSING,`远程门诊诊查费,`" \
    "enc=E0907,"                                                                                                   \
    "`-0.12000,`0.60%,`0.00,`20.00,`\n"
#define TOTALS_HEAD                                                                                          \
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n"
#define TOTALS "`3,`22.50,`20.00,`0.00,`0.02000,`22.50,`20.00"
#define WHOLE  HEAD PAID COMMA BACK TOTALS_HEAD TOTALS

static const struct bill_wechat_options ANY = {.day = INT32_MIN};

static struct bill read_bill(const char *text)
{
    struct bill b;
    struct err err = ERR_INIT;

    CHECK_OK(bill_wechat_read(&b, (const uint8_t *)text, strlen(text), &ANY, &err), &err);
    return b;
}

static void refused(const char *text, const char *word)
{
    struct bill b;
    struct err err = ERR_INIT;

    CHECK_ERR(bill_wechat_read(&b, (const uint8_t *)text, strlen(text), &ANY, &err), &err, ERR_INVALID, word);
}

/** The whole bill with the first `from` replaced. */
static char *changed(struct test *t, const char *from, const char *to)
{
    const char *at = strstr(WHOLE, from);
    char *out;

    CHECK(at);
    out = mem_format("%.*s%s%s", (int)(at - WHOLE), WHOLE, to, at + strlen(from));
    test_cleanup(t, free, out);
    return out;
}

TEST(bill_wechat, the_sample_of_the_channel_is_read)
{
    struct bill b = read_bill(WHOLE);
    int32_t day;

    CHECK_INT(b.n, 3);
    CHECK(clock_parse_day("2026-10-12", 10, &day));
    CHECK_INT(b.day, day);
    CHECK_INT(b.rows[0].kind, BILL_PAYMENT);
    CHECK_INT(b.rows[0].line, 2);
    CHECK_INT(b.rows[0].amount_fen, 1000);
    CHECK_INT(b.rows[0].fee_milli_fen, 6000);
    CHECK_STR(b.rows[0].out_trade_no, "TC20261012000001");
    CHECK_STR(b.rows[0].sub_merchant, "1900000201");
    CHECK_STR(b.rows[1].out_trade_no, "TC20261012000002"); /* a comma stands in its goods' name */
    CHECK_INT(b.rows[1].amount_fen, 1250);
    CHECK_INT(b.rows[2].kind, BILL_REFUND);
    CHECK_STR(b.rows[2].out_trade_no, "TC20261011000007");
    CHECK_STR(b.rows[2].out_refund_no, "RF20261012000001");
    CHECK_STR(b.rows[2].status, "PROCESSING");
    CHECK_INT(b.rows[2].amount_fen, 2000);
    CHECK_INT(b.rows[2].fee_milli_fen, -12000);
    CHECK_INT(b.paid_fen - b.refunded_fen - money_fee_fen(b.fee_milli_fen), 248);
    bill_free(&b);
}

TEST(bill_wechat, a_bom_and_windows_line_ends_are_fine)
{
    char *text = mem_new(2 * sizeof WHOLE + 3), *at = text + 3;
    struct bill b;

    memcpy(text, "\xef\xbb\xbf", 3);
    for (const char *p = WHOLE "\n"; *p; *at++ = *p++)
        if (*p == '\n')
            *at++ = '\r';
    b = read_bill(text);
    CHECK_INT(b.n, 3);
    CHECK_STR(b.rows[2].merchant, "1900000100");
    bill_free(&b);
    free(text);
}

TEST(bill_wechat, columns_are_found_by_their_names)
{
    static const char OLD[] = "商户号,交易时间,微信订单号,商户订单号,交易状态,总金额,微信退款单号,"
                              "商户退款单号,退款金额,退款状态,手续费\n"
                              "`19,`2026-10-12 09:02:11,`42,`TC1,`SUCCESS,`10.00,`0,`0,`0.00,`,`0.06000\n"
                              "总交易单数,总交易额,总退款金额,手续费总金额\n`1,`10.00,`0.00,`0.06000\n";
    struct bill b = read_bill(OLD);

    CHECK_INT(b.n, 1);
    CHECK_STR(b.rows[0].merchant, "19");
    CHECK_INT(b.rows[0].amount_fen, 1000);
    bill_free(&b);
}

TEST(bill_wechat, a_broken_total_is_refused)
{
    refused(changed(t, "`3,`22.50", "`4,`22.50"), "bill_totals");
    refused(changed(t, "`3,`22.50", "`3,`22.51"), "bill_totals");
    refused(changed(t, "`0.02000", "`0.02001"), "bill_totals");
    refused(changed(t, "`22.50,`20.00", "`22.50,`19.99"), "bill_totals");
    refused(HEAD PAID COMMA BACK, "bill_no_totals");
    refused(HEAD PAID COMMA BACK TOTALS_HEAD, "bill_no_totals");
    refused(HEAD PAID "x\n", "bill_no_totals");
    refused(WHOLE "\n`more", "bill_row");
}

TEST(bill_wechat, a_bad_row_says_which_and_why)
{
    struct bill b;
    struct err err = ERR_INIT;
    const char *text = changed(t, "`12.50,`0.00,`0,`0", "`12.505,`0.00,`0,`0");

    CHECK(!bill_wechat_read(&b, (const uint8_t *)text, strlen(text), &ANY, &err));
    CHECK_STR(err.reason, "bill_amount");
    CHECK(strstr(err.text, "line 3"));
    CHECK(strstr(err.text, "应结订单金额"));
    refused(changed(t, "SUCCESS", "PERHAPS"), "bill_row");
    refused(changed(t, "2026-10-12 09:02:11", "2026-10-12 24:02:11"), "bill_row");
    refused(changed(t, "2026-10-12 09:02:11", "2026-02-30 09:02:11"), "bill_row");
    refused(changed(t, "2026-10-12 09:02:11", "2026-10-13 09:02:11"), "bill_day");
    refused(changed(t, "`TC20261012000001", "`"), "bill_row");
    refused(changed(t, ",`JSAPI", ""), "bill_row");
    refused(changed(t, "`10.00,`0.00,`0,`0", "`-10.00,`0.00,`0,`0"), "bill_amount");
}

TEST(bill_wechat, a_header_that_is_not_known_is_refused)
{
    refused("", "bill_header");
    refused(changed(t, "手续费,费率", "手续费率,费率"), "bill_header");
    refused(changed(t, "商户号,", "商户号,商户号,"), "bill_header");
    refused(changed(t, "交易状态,", ""), "bill_header");
}

TEST(bill_wechat, hash_merchant_and_day_are_asked_for_first)
{
    struct bill b;
    struct err err = ERR_INIT;
    uint8_t hash[SHA1_LEN];
    char hex[2 * SHA1_LEN + 1];
    struct bill_wechat_options opt = {.day = INT32_MIN, .sha1_hex = hex};

    crypto_sha1(WHOLE, strlen(WHOLE), hash);
    crypto_hex(hash, sizeof hash, hex);
    CHECK_OK(bill_wechat_read(&b, (const uint8_t *)WHOLE, strlen(WHOLE), &opt, &err), &err);
    bill_free(&b);
    CHECK_ERR(bill_wechat_read(&b, (const uint8_t *)WHOLE, strlen(WHOLE) - 1, &opt, &err), &err, ERR_CORRUPT,
              "bill_hash");
    opt = (struct bill_wechat_options){.day = INT32_MIN, .merchant = "1900000999"};
    CHECK_ERR(bill_wechat_read(&b, (const uint8_t *)WHOLE, strlen(WHOLE), &opt, &err), &err, ERR_INVALID,
              "bill_merchant");
    opt = (struct bill_wechat_options){.day = 0};
    CHECK_ERR(bill_wechat_read(&b, (const uint8_t *)WHOLE, strlen(WHOLE), &opt, &err), &err, ERR_INVALID,
              "bill_day");
}

TEST(bill_wechat, a_day_without_trades_is_not_a_failure)
{
    static const char XML[] = "<xml><return_code>FAIL</return_code><error_code>20002</"
                              "error_code><return_msg>No Bill Exist</return_msg></xml>";
    static const char JSON[] = "{\"code\":\"NO_STATEMENT_EXIST\",\"message\":\"账单文件不存在\"}";

    CHECK(bill_wechat_is_none((const uint8_t *)XML, strlen(XML)));
    CHECK(bill_wechat_is_none((const uint8_t *)JSON, strlen(JSON)));
    CHECK(!bill_wechat_is_none((const uint8_t *)WHOLE, strlen(WHOLE)));
    struct bill b = read_bill(HEAD TOTALS_HEAD "`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00\n");
    CHECK_INT(b.n, 0);
    CHECK_INT(b.day, INT32_MIN);
    bill_free(&b);
}

static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

TEST(bill_wechat, what_is_written_is_read_again)
{
    static const struct bill_wechat_line LINE = {"wxdemo", "oDEMO",          "JSAPI",
                                                 "OTHERS", "诊查费,含`报告", "enc=1"};
    enum { ROWS = 60 };
    uint64_t seed = 3;

    for (int round = 0; round < 200; round++) {
        struct bill_row rows[ROWS];
        struct bill_wechat_line lines[ROWS];
        char no[ROWS][2][24], *text = NULL;
        size_t n = next(&seed) % ROWS, len = 0;

        for (size_t i = 0; i < n; i++) {
            bool refund = next(&seed) % 3 == 0;
            snprintf(no[i][0], sizeof no[i][0], "TC%zu", i);
            snprintf(no[i][1], sizeof no[i][1], "RF%zu", i);
            rows[i] = (struct bill_row){.kind = refund ? BILL_REFUND : BILL_PAYMENT,
                                        .at_us = clock_shanghai_day_start_us(20738) +
                                                 (int64_t)(next(&seed) % 86400) * US_PER_S,
                                        .amount_fen = (int64_t)(next(&seed) % 100000) + 1,
                                        .fee_milli_fen = (int64_t)(next(&seed) % 100000) - 50000,
                                        .out_trade_no = no[i][0],
                                        .out_refund_no = refund ? no[i][1] : "",
                                        .transaction_id = "42",
                                        .refund_id = refund ? "50" : "",
                                        .status = refund ? "SUCCESS" : "SUCCESS",
                                        .merchant = "19",
                                        .sub_merchant = "20"};
            rows[i].order_fen = rows[i].amount_fen;
            lines[i] = LINE;
        }
        FILE *f = open_memstream(&text, &len);
        CHECK(bill_wechat_write(f, rows, lines, n));
        fclose(f);
        struct bill b = read_bill(text);
        CHECK_INT(b.n, n);
        for (size_t i = 0; i < n; i++) {
            CHECK_INT(b.rows[i].kind, rows[i].kind);
            CHECK_INT(b.rows[i].at_us, rows[i].at_us);
            CHECK_INT(b.rows[i].amount_fen, rows[i].amount_fen);
            CHECK_INT(b.rows[i].order_fen, rows[i].order_fen);
            CHECK_INT(b.rows[i].fee_milli_fen, rows[i].fee_milli_fen);
            CHECK_STR(b.rows[i].out_trade_no, rows[i].out_trade_no);
            CHECK_STR(b.rows[i].out_refund_no, rows[i].out_refund_no);
        }
        bill_free(&b);
        free(text);
    }
}
