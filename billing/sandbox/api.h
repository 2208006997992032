/* api.h - the HTTP shape of WeChat Pay v3: who may ask, the addresses, the channel's codes for what went wrong.
 * Everything below /v3/ is verified before and signed after; /sandbox/ is for whoever runs the sandbox and may reach its socket. */
#pragma once
#include "billing/sandbox/notify.h"
#include "core/http/http_server.h"

struct api {
    struct channel *channel;
    struct notify *notify;
    struct wechat_signer merchant; /* whose requests are taken */
    const struct wechat_key *key;  /* that answers are signed with */
    const char *serial;
    const uint8_t *api_key;
};
void api_app(struct http_app *app, struct api *api, struct loop *loop);
