/* Every message of core/ask.h as the other end reads it: first byte which one, the rest its payload. */
#include "core/ask.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t ends(const char *text, size_t cap)
{
    size_t n = strnlen(text, cap);

    if (n == cap)
        abort();
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct ask_audience room;
    struct wire_in in = {.data = len ? data + 1 : data, .len = len ? len - 1 : 0, .fd = -1};
    struct ask_request r;
    struct ask_event ev;
    struct ask_hello hello;
    struct ask_subscription sub;
    struct err err = ERR_INIT;
    const uint8_t *text;
    bool ok = true;
    size_t n;

    switch (len ? data[0] % 6 : 0) {
    case 0:
        ok = ask_get_request(&in, &r);
        ends(r.key, sizeof r.key);
        ends(r.client_id, sizeof r.client_id);
        if (ok && r.body_len && r.body + r.body_len > data + len)
            abort();
        break;
    case 1:
        ok = ask_get_subscribe(&in, &sub);
        break;
    case 2:
        ok = ask_get_answer(&in, &text, &n);
        break;
    case 3:
        ok = ask_get_refused(&in, &err, &text, &n);
        ends(err.reason, sizeof err.reason);
        ends(err.text, sizeof err.text);
        if (err.code == ERR_NONE || err.code > ERR_CORRUPT)
            abort();
        break;
    case 4:
        ok = ask_get_event(&in, &ev, &room);
        ends(ev.topic, sizeof ev.topic);
        if (ev.n_tenants > ASK_AUDIENCE_MAX || ev.n_accounts > ASK_AUDIENCE_MAX)
            abort();
        break;
    default:
        ok = ask_get_hello(&in, &hello);
        break;
    }
    if (ok != wire_end(&in))
        abort();
    return 0;
}
