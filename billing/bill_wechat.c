#include "billing/bill_wechat.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "billing/money.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"

enum column {
    C_TIME,
    C_APP,
    C_MERCHANT,
    C_SUB_MERCHANT,
    C_DEVICE,
    C_TRANSACTION,
    C_OUT_TRADE,
    C_PAYER,
    C_TRADE_TYPE,
    C_STATE,
    C_BANK,
    C_CURRENCY,
    C_SETTLED,
    C_COUPON,
    C_REFUND_ID,
    C_OUT_REFUND,
    C_REFUNDED,
    C_COUPON_REFUND,
    C_REFUND_TYPE,
    C_REFUND_STATE,
    C_GOODS,
    C_ATTACH,
    C_FEE,
    C_RATE,
    C_ORDER,
    C_REFUND_ASKED,
    C_RATE_NOTE,
    COLUMNS
};

/* In the order of type ALL. An older merchant's file names three of them otherwise. */
static const char *const NAMES[COLUMNS] = {
    "交易时间",     "公众账号ID",   "商户号",       "特约商户号",   "设备号",   "微信订单号",
    "商户订单号",   "用户标识",     "交易类型",     "交易状态",     "付款银行", "货币种类",
    "应结订单金额", "代金券金额",   "微信退款单号", "商户退款单号", "退款金额", "充值券退款金额",
    "退款类型",     "退款状态",     "商品名称",     "商户数据包",   "手续费",   "费率",
    "订单金额",     "申请退款金额", "费率备注",
};
static const struct {
    enum column column;
    const char *name;
} OLD_NAMES[] = {
    {C_SETTLED, "总金额"},
    {C_COUPON, "企业红包金额"},
    {C_COUPON_REFUND, "企业红包退款金额"},
};
/* Without these there is no bill; the others may be absent. */
static const enum column NEEDED[] = {C_TIME,     C_MERCHANT,     C_TRANSACTION, C_OUT_TRADE,
                                     C_STATE,    C_SETTLED,      C_REFUND_ID,   C_OUT_REFUND,
                                     C_REFUNDED, C_REFUND_STATE, C_FEE};

enum total { T_COUNT, T_SETTLED, T_REFUNDED, T_COUPON_REFUND, T_FEE, T_ORDER, T_REFUND_ASKED, TOTALS };
static const char *const TOTAL_NAMES[TOTALS] = {"总交易单数",       "应结订单总金额", "退款总金额",
                                                "充值券退款总金额", "手续费总金额",   "订单总金额",
                                                "申请退款总金额"};
static const struct {
    enum total total;
    const char *name;
} OLD_TOTALS[] = {{T_SETTLED, "总交易额"}, {T_SETTLED, "总金额"}, {T_REFUNDED, "总退款金额"}};

#define FIELDS_MAX 64
#define BOM        "\xef\xbb\xbf"

/* ---------------------------------------------------------------- lines and fields */

struct field {
    char *text;
    size_t len;
};

struct reader {
    char *at, *end;
    uint32_t line;
    const struct bill_wechat_options *opt;
    int where[FIELDS_MAX]; /* column of each field, -1: one we do not need */
    int fields;
    bool has[COLUMNS];
    int64_t sum[TOTALS];
    struct err *err;
};

static bool refuse(struct reader *r, const char *reason, const char *what)
{
    return err_set(r->err, ERR_INVALID, reason, "line %" PRIu32 ": %s", r->line, what);
}

/* The next line without its end; false at the end of the file. */
static bool next_line(struct reader *r, struct field *line)
{
    char *nl;

    if (r->at >= r->end)
        return false;
    nl = memchr(r->at, '\n', (size_t)(r->end - r->at));
    line->text = r->at;
    line->len = (size_t)((nl ? nl : r->end) - r->at);
    r->at = nl ? nl + 1 : r->end;
    r->line++;
    if (line->len && line->text[line->len - 1] == '\r')
        line->len--;
    return true;
}

/* Header: fields part at ','. Data: at ",`", the first one's backtick stands in front. @return fields, -1 too many */
static int split_line(struct field line, bool ticked, struct field *out)
{
    const char *mark = ticked ? ",`" : ",";
    size_t skip = ticked ? 1 : 0, mark_len = strlen(mark);
    char *at = line.text + skip, *end = line.text + line.len, *cut;
    int n = 0;

    for (;;) {
        if (n == FIELDS_MAX)
            return -1;
        cut = memmem(at, (size_t)(end - at), mark, mark_len);
        out[n].text = at;
        out[n++].len = (size_t)((cut ? cut : end) - at);
        if (!cut)
            return n;
        at = cut + mark_len;
    }
}

static bool is(struct field f, const char *text)
{
    return f.len == strlen(text) && memcmp(f.text, text, f.len) == 0;
}

/* ---------------------------------------------------------------- header */

static int column_of(struct field name)
{
    for (int c = 0; c < COLUMNS; c++)
        if (is(name, NAMES[c]))
            return c;
    for (size_t i = 0; i < sizeof OLD_NAMES / sizeof *OLD_NAMES; i++)
        if (is(name, OLD_NAMES[i].name))
            return OLD_NAMES[i].column;
    return -1;
}

static bool header_read(struct reader *r)
{
    struct field line, name[FIELDS_MAX];
    char text[128];

    if (!next_line(r, &line))
        return refuse(r, "bill_header", "the file is empty");
    r->fields = split_line(line, false, name);
    if (r->fields < 0)
        return refuse(r, "bill_header", "too many columns");
    for (int i = 0; i < r->fields; i++) {
        int c = column_of(name[i]);

        if (c < 0 || r->has[c]) {
            snprintf(text, sizeof text, "column %d, '%.*s', is %s", i + 1,
                     name[i].len > 60 ? 60 : (int)name[i].len, name[i].text,
                     c < 0 ? "not known" : "there twice");
            return refuse(r, "bill_header", text);
        }
        r->where[i] = c;
        r->has[c] = true;
    }
    for (size_t i = 0; i < sizeof NEEDED / sizeof *NEEDED; i++)
        if (!r->has[NEEDED[i]]) {
            snprintf(text, sizeof text, "column '%s' is missing", NAMES[NEEDED[i]]);
            return refuse(r, "bill_header", text);
        }
    return true;
}

/* ---------------------------------------------------------------- a row */

static bool bad_field(struct reader *r, const char *reason, const char *column, const char *what)
{
    char text[256];

    snprintf(text, sizeof text, "%s: %s", column, what);
    return refuse(r, reason, text);
}

static bool amount(struct reader *r, const struct field *f, enum column c, int64_t *out)
{
    struct err why = ERR_INIT;

    *out = 0;
    if (!r->has[c] || !f[c].len)
        return true;
    if (c == C_FEE ? money_parse_fee(f[c].text, f[c].len, out, &why)
                   : money_parse(f[c].text, f[c].len, out, &why))
        return true;
    return bad_field(r, "bill_amount", NAMES[c], why.text);
}

static bool digits(const char *text, size_t from, size_t n, int *out)
{
    for (*out = 0; n; n--, from++) {
        if (text[from] < '0' || text[from] > '9')
            return false;
        *out = *out * 10 + (text[from] - '0');
    }
    return true;
}

/* "2026-10-12 09:02:11", Shanghai's clock */
static bool time_of(struct reader *r, struct field f, int64_t *at_us)
{
    int32_t day;
    int h, m, s;

    if (f.len == 19 && f.text[10] == ' ' && f.text[13] == ':' && f.text[16] == ':' &&
        clock_parse_day(f.text, 10, &day) && digits(f.text, 11, 2, &h) && digits(f.text, 14, 2, &m) &&
        digits(f.text, 17, 2, &s) && h < 24 && m < 60 && s < 60) {
        *at_us = clock_shanghai_day_start_us(day) + (h * INT64_C(3600) + m * 60 + s) * US_PER_S;
        return true;
    }
    return bad_field(r, "bill_row", NAMES[C_TIME], "no time like 2026-10-12 09:02:11");
}

static bool kind_of(struct reader *r, struct field state, enum bill_kind *out)
{
    if (is(state, "SUCCESS"))
        *out = BILL_PAYMENT;
    else if (is(state, "REFUND"))
        *out = BILL_REFUND;
    else if (is(state, "REVOKED"))
        *out = BILL_REVOKED;
    else
        return bad_field(r, "bill_row", NAMES[C_STATE], "neither SUCCESS, REFUND nor REVOKED");
    return true;
}

/* Fields end where a comma stands, which nobody needs any more. */
static const char *keep(const struct reader *r, const struct field *f, enum column c)
{
    if (!r->has[c])
        return "";
    f[c].text[f[c].len] = '\0';
    return f[c].text;
}

static bool amounts(struct reader *r, const struct field *f, struct bill_row *row)
{
    int64_t settled, refunded, order, asked, coupon_back;

    if (!amount(r, f, C_SETTLED, &settled) || !amount(r, f, C_REFUNDED, &refunded) ||
        !amount(r, f, C_ORDER, &order) || !amount(r, f, C_REFUND_ASKED, &asked) ||
        !amount(r, f, C_COUPON_REFUND, &coupon_back) || !amount(r, f, C_FEE, &row->fee_milli_fen))
        return false;
    if (settled < 0 || refunded < 0 || order < 0 || asked < 0)
        return bad_field(r, "bill_amount", NAMES[C_SETTLED], "amounts are positive in both directions");
    if (row->kind == BILL_PAYMENT && (settled == 0 || refunded != 0))
        return bad_field(r, "bill_amount", NAMES[C_SETTLED],
                         "a payment receives something and gives nothing back");
    if (row->kind == BILL_REFUND && (settled != 0 || refunded == 0))
        return bad_field(r, "bill_amount", NAMES[C_REFUNDED],
                         "a refund gives something back and receives nothing");
    row->amount_fen = row->kind == BILL_PAYMENT ? settled : row->kind == BILL_REFUND ? refunded : 0;
    row->order_fen = row->kind == BILL_REFUND ? asked : order;
    const int64_t add[TOTALS] = {
        [T_COUNT] = 1,
        [T_SETTLED] = settled,
        [T_REFUNDED] = refunded,
        [T_COUPON_REFUND] = coupon_back,
        [T_FEE] = row->fee_milli_fen,
        [T_ORDER] = order,
        [T_REFUND_ASKED] = asked,
    };
    for (int t = 0; t < TOTALS; t++)
        if (__builtin_add_overflow(r->sum[t], add[t], &r->sum[t]))
            return bad_field(r, "bill_amount", TOTAL_NAMES[t], "the rows sum to more than anybody has");
    return true;
}

static bool belongs(struct reader *r, const struct bill_row *row, int32_t *day)
{
    int32_t its = clock_shanghai_day(row->at_us), wanted = r->opt->day != INT32_MIN ? r->opt->day : *day;

    if (r->opt->merchant && strcmp(row->merchant, r->opt->merchant) != 0)
        return bad_field(r, "bill_merchant", NAMES[C_MERCHANT], "another merchant's");
    if (wanted != INT32_MIN && its != wanted)
        return bad_field(r, "bill_day", NAMES[C_TIME], "of another day than this bill");
    *day = its;
    return true;
}

static bool row_read(struct reader *r, struct field line, struct bill_row *row, int32_t *day)
{
    struct field part[FIELDS_MAX], f[COLUMNS] = {0};
    int n = split_line(line, true, part);

    if (n != r->fields)
        return refuse(r, "bill_row", "not as many fields as the header has columns");
    for (int i = 0; i < n; i++) {
        if (part[i].len > BILL_FIELD_MAX || memchr(part[i].text, '\0', part[i].len))
            return bad_field(r, "bill_row", NAMES[r->where[i]], "too long, or not text");
        f[r->where[i]] = part[i];
    }
    row->line = r->line;
    if (!time_of(r, f[C_TIME], &row->at_us) || !kind_of(r, f[C_STATE], &row->kind) || !amounts(r, f, row))
        return false;
    if (!f[C_OUT_TRADE].len || (row->kind == BILL_REFUND && !f[C_OUT_REFUND].len))
        return bad_field(r, "bill_row", NAMES[C_OUT_TRADE], "a row without our number");
    row->out_trade_no = keep(r, f, C_OUT_TRADE);
    row->out_refund_no = row->kind == BILL_REFUND ? keep(r, f, C_OUT_REFUND) : "";
    row->transaction_id = keep(r, f, C_TRANSACTION);
    row->refund_id = row->kind == BILL_REFUND ? keep(r, f, C_REFUND_ID) : "";
    row->status = keep(r, f, row->kind == BILL_REFUND ? C_REFUND_STATE : C_STATE);
    row->merchant = keep(r, f, C_MERCHANT);
    row->sub_merchant = keep(r, f, C_SUB_MERCHANT);
    return belongs(r, row, day);
}

/* ---------------------------------------------------------------- totals */

static int total_of(struct field name)
{
    for (int t = 0; t < TOTALS; t++)
        if (is(name, TOTAL_NAMES[t]))
            return t;
    for (size_t i = 0; i < sizeof OLD_TOTALS / sizeof *OLD_TOTALS; i++)
        if (is(name, OLD_TOTALS[i].name))
            return OLD_TOTALS[i].total;
    return -1;
}

static bool total_value(struct reader *r, enum total t, struct field f, int64_t *out)
{
    struct err why = ERR_INIT;
    bool ok;

    if (t == T_COUNT) {
        *out = 0;
        ok = f.len > 0 && f.len <= 10;
        for (size_t i = 0; ok && i < f.len; i++) {
            ok = f.text[i] >= '0' && f.text[i] <= '9';
            *out = *out * 10 + (f.text[i] - '0');
        }
        return ok || bad_field(r, "bill_totals", TOTAL_NAMES[t], "no number");
    }
    ok = t == T_FEE ? money_parse_fee(f.text, f.len, out, &why) : money_parse(f.text, f.len, out, &why);
    return ok || bad_field(r, "bill_totals", TOTAL_NAMES[t], why.text);
}

/* header: the line that is no data. Its totals and the rows' sums must be the same, all of them. */
static bool totals_read(struct reader *r, struct field header)
{
    struct field name[FIELDS_MAX], value[FIELDS_MAX], line;
    bool has[TOTALS] = {false};
    int n = split_line(header, false, name);

    if (n < 1 || total_of(name[0]) < 0)
        return refuse(r, "bill_no_totals", "neither a row nor the totals' header");
    if (!next_line(r, &line) || !line.len || *line.text != '`' || split_line(line, true, value) != n)
        return refuse(r, "bill_no_totals", "the totals are missing or cut off");
    for (int i = 0; i < n; i++) {
        int t = total_of(name[i]);
        int64_t said;

        if (t < 0 || has[t])
            return refuse(r, "bill_totals", "a total that is not known, or twice");
        has[t] = true;
        if (!total_value(r, (enum total)t, value[i], &said))
            return false;
        if (said != r->sum[t])
            return bad_field(r, "bill_totals", TOTAL_NAMES[t], "is not the sum of the rows");
    }
    if (!has[T_COUNT] || !has[T_SETTLED] || !has[T_REFUNDED] || !has[T_FEE])
        return refuse(r, "bill_no_totals", "a total is missing");
    while (next_line(r, &line))
        if (line.len)
            return refuse(r, "bill_row", "something stands behind the totals");
    return true;
}

/* ---------------------------------------------------------------- the file */

static bool rows_read(struct reader *r, struct bill *b)
{
    struct field line;
    size_t cap = 0;

    while (next_line(r, &line)) {
        if (!line.len || *line.text != '`')
            return totals_read(r, line);
        if (b->n == cap)
            b->rows = mem_grow(b->rows, (cap = cap ? 2 * cap : 64) * sizeof *b->rows);
        b->rows[b->n] = (struct bill_row){0};
        if (!row_read(r, line, &b->rows[b->n], &b->day))
            return false;
        b->n++;
    }
    return refuse(r, "bill_no_totals", "the file ends before its totals");
}

static bool hash_is(const uint8_t *data, size_t len, const char *hex, struct err *err)
{
    uint8_t is_hash[SHA1_LEN], wanted[SHA1_LEN];

    crypto_sha1(data, len, is_hash);
    if (crypto_unhex(hex, strlen(hex), wanted, sizeof wanted) && memcmp(is_hash, wanted, sizeof wanted) == 0)
        return true;
    return err_set(err, ERR_CORRUPT, "bill_hash", "the file is not the one the channel's hash belongs to");
}

bool bill_wechat_read(struct bill *out, const uint8_t *data, size_t len,
                      const struct bill_wechat_options *opt, struct err *err)
{
    struct reader r = {.opt = opt, .err = err};
    struct bill b = {.day = INT32_MIN};

    if (len > BILL_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "bill_too_large", "%zu bytes", len);
    if (opt->sha1_hex && !hash_is(data, len, opt->sha1_hex, err))
        return false;
    b.text = mem_new(len + 1); /* strings end in it */
    memcpy(b.text, data, len);
    r.at = b.text;
    r.end = b.text + len;
    if (len >= 3 && memcmp(r.at, BOM, 3) == 0)
        r.at += 3;
    if (!header_read(&r) || !rows_read(&r, &b)) {
        bill_free(&b);
        return false;
    }
    b.paid_fen = r.sum[T_SETTLED];
    b.refunded_fen = r.sum[T_REFUNDED];
    b.fee_milli_fen = r.sum[T_FEE];
    *out = b;
    return true;
}

bool bill_wechat_is_none(const uint8_t *data, size_t len)
{
    static const char *const MARKS[] = {"NO_STATEMENT_EXIST", "No Bill Exist", "20002"};

    if (len > 4096 || !len || (*data != '{' && *data != '<'))
        return false;
    for (size_t i = 0; i < sizeof MARKS / sizeof *MARKS; i++)
        if (memmem(data, len, MARKS[i], strlen(MARKS[i])))
            return true;
    return false;
}

/* ---------------------------------------------------------------- writing */

static void write_names(FILE *out, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        fprintf(out, "%s%s", i ? "," : "", names[i]);
    fputc('\n', out);
}

static void write_money(FILE *out, int64_t fen)
{
    char text[MONEY_TEXT];

    money_format(fen, text);
    fprintf(out, ",`%s", text);
}

static void write_fee(FILE *out, int64_t milli_fen)
{
    char text[MONEY_TEXT];

    money_format_fee(milli_fen, text);
    fprintf(out, ",`%s", text);
}

static void write_row(FILE *out, const struct bill_row *row, const struct bill_wechat_line *l)
{
    static const char *const STATES[] = {
        [BILL_PAYMENT] = "SUCCESS", [BILL_REFUND] = "REFUND", [BILL_REVOKED] = "REVOKED"};
    bool refund = row->kind == BILL_REFUND;
    char at[CLOCK_TEXT];

    clock_format_utc(row->at_us + 8 * 3600 * US_PER_S, at);
    at[10] = ' ';
    at[19] = '\0';
    fprintf(out, "`%s,`%s,`%s,`%s,`,`%s,`%s,`%s,`%s,`%s,`%s,`CNY", at, l->app_id, row->merchant,
            *row->sub_merchant ? row->sub_merchant : "0", row->transaction_id, row->out_trade_no, l->payer,
            l->trade_type, STATES[row->kind], l->bank);
    write_money(out, refund ? 0 : row->amount_fen);
    fprintf(out, ",`0.00,`%s,`%s", refund ? row->refund_id : "0", refund ? row->out_refund_no : "0");
    write_money(out, refund ? row->amount_fen : 0);
    fprintf(out, ",`0.00,`%s,`%s,`%s,`%s", refund ? "ORIGINAL" : "", refund ? row->status : "", l->goods,
            l->attach);
    write_fee(out, row->fee_milli_fen);
    fprintf(out, ",`0.60%%");
    write_money(out, refund ? 0 : row->order_fen);
    write_money(out, refund ? row->order_fen : 0);
    fprintf(out, ",`\n");
}

static void write_totals(FILE *out, const struct bill_row *rows, size_t n)
{
    int64_t sum[TOTALS] = {0};

    for (size_t i = 0; i < n; i++) {
        bool refund = rows[i].kind == BILL_REFUND;

        sum[refund ? T_REFUNDED : T_SETTLED] += rows[i].amount_fen;
        sum[refund ? T_REFUND_ASKED : T_ORDER] += rows[i].order_fen;
        sum[T_FEE] += rows[i].fee_milli_fen;
    }
    write_names(out, TOTAL_NAMES, TOTALS);
    fprintf(out, "`%zu", n);
    write_money(out, sum[T_SETTLED]);
    write_money(out, sum[T_REFUNDED]);
    write_money(out, 0);
    write_fee(out, sum[T_FEE]);
    write_money(out, sum[T_ORDER]);
    write_money(out, sum[T_REFUND_ASKED]);
    fputc('\n', out);
}

bool bill_wechat_write(FILE *out, const struct bill_row *rows, const struct bill_wechat_line *line, size_t n)
{
    write_names(out, NAMES, COLUMNS);
    for (size_t i = 0; i < n; i++)
        write_row(out, &rows[i], &line[i]);
    write_totals(out, rows, n);
    return fflush(out) == 0 && !ferror(out);
}
