#include "tests/unit/test.h"
#include "billing/money.h"
#include <string.h>

static int64_t fen(const char *text)
{
    struct err err = ERR_INIT;
    int64_t out = -1;

    CHECK_OK(money_parse(text, strlen(text), &out, &err), &err);
    return out;
}

static void refused(const char *text, const char *word)
{
    struct err err = ERR_INIT;
    int64_t out;

    CHECK_ERR(money_parse(text, strlen(text), &out, &err), &err, ERR_INVALID, word);
}

TEST(money, reads_what_channels_write)
{
    CHECK_INT(fen("12.50"), 1250);
    CHECK_INT(fen("12.5"), 1250);
    CHECK_INT(fen("0"), 0);
    CHECK_INT(fen("0.00"), 0);
    CHECK_INT(fen("-3.01"), -301);
    CHECK_INT(fen("9999999999.99"), MONEY_MAX_FEN);
}

TEST(money, refuses_what_is_no_amount)
{
    static const char *const BAD[] = {"",      "-",  ".",   ".5",  "1.",    "1,000.00", " 1.00",
                                      "1.00 ", "+1", "1e2", "0x1", "1.0.0", "--1",      "一"};

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        refused(BAD[i], "amount_malformed");
    refused("1.005", "amount_decimals");
    refused("1.000", "amount_decimals");
    refused("10000000000.00", "amount_range");
    refused("99999999999999999999", "amount_range");
}

TEST(money, a_fee_has_five_decimals_and_is_rounded_once)
{
    struct err err = ERR_INIT;
    int64_t fee;

    CHECK_OK(money_parse_fee("0.06000", 7, &fee, &err), &err);
    CHECK_INT(fee, 6000);
    CHECK_INT(money_fee_fen(fee), 6);
    CHECK_OK(money_parse_fee("-0.12345", 8, &fee, &err), &err);
    CHECK_INT(fee, -12345);
    CHECK_INT(money_fee_fen(fee), -12);
    CHECK_INT(money_fee_fen(12500), 13);
    CHECK_INT(money_fee_fen(-12500), -13);
    CHECK_INT(money_fee_fen(12499), 12);
    CHECK_ERR(money_parse_fee("0.123456", 8, &fee, &err), &err, ERR_INVALID, "amount_decimals");
}

TEST(money, what_is_written_is_read_again)
{
    static const int64_t SOME[] = {0, 1, -1, 99, 100, -100, 1250, MONEY_MAX_FEN, -MONEY_MAX_FEN};
    struct err err = ERR_INIT;
    char text[MONEY_TEXT];
    int64_t back;

    for (size_t i = 0; i < sizeof SOME / sizeof *SOME; i++) {
        money_format(SOME[i], text);
        CHECK_INT(fen(text), SOME[i]);
        money_format_fee(SOME[i], text);
        CHECK_OK(money_parse_fee(text, strlen(text), &back, &err), &err);
        CHECK_INT(back, SOME[i]);
    }
    money_format(-5, text);
    CHECK_STR(text, "-0.05");
    money_format_fee(6000, text);
    CHECK_STR(text, "0.06000");
}
