/* What somebody may send as a callback, or claim in an Authorization header: opened whole or refused with a reason. */
#include "billing/wechat_body.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool ok, const struct err *err)
{
    if (ok != (err->code == ERR_NONE) || (!ok && !*err->reason))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t KEY[WECHAT_API_KEY] = {1};
    char *text = malloc(len + 1);
    struct err err = ERR_INIT;
    struct wechat_claim claim;
    struct wechat_notice notice;
    struct wechat_payment payment;
    struct wechat_refund refund;
    json_t *doc = NULL;
    bool ok;

    if (!text)
        return 0;
    memcpy(text, data, len);
    text[len] = '\0';
    check(wechat_authorization_read(&claim, text, &err), &err);
    err_clear(&err);
    ok = wechat_notice_open(&notice, text, len, KEY, &err);
    check(ok, &err);
    if (ok)
        wechat_notice_free(&notice);
    err_clear(&err);
    if (json_parse(&doc, data, len, &JSON_LIMITS_DEFAULT, &err)) {
        check(wechat_payment_read(&payment, doc, &err), &err);
        err_clear(&err);
        check(wechat_refund_read(&refund, doc, len % 2, &err), &err);
    }
    json_decref(doc);
    free(text);
    return 0;
}
