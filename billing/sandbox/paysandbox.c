/* yz-paysandbox: a payment channel for tests and demonstrations, with the HTTP shape of WeChat Pay v3. No money anywhere. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "billing/sandbox/api.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"

#define PEM_MAX 16384

/* clang-format off */
static const struct config_setting SETTINGS[] = {
    CONFIG_COMMON,
    {"paysandbox.mchid", CONFIG_STR, "1900000100", 0, 0, "", false, false, "Number of the one merchant."},
    {"paysandbox.appid", CONFIG_STR, "wx00000000000000aa", 0, 0, "", false, false, "His application."},
    {"paysandbox.merchant_serial", CONFIG_STR, "MERCHANT", 0, 0, "", false, false, "Serial of the merchant's certificate."},
    {"paysandbox.merchant_key", CONFIG_STR, "", 0, 0, "PEM file", false, false, "The merchant's public key or certificate; empty means keys/paysandbox-merchant.pem."},
    {"paysandbox.serial", CONFIG_STR, "SANDBOX", 0, 0, "", false, false, "Serial of the channel's own certificate."},
    {"paysandbox.key", CONFIG_STR, "", 0, 0, "PEM file", false, false, "The channel's private key; empty means keys/paysandbox.pem."},
    {"paysandbox.api_key", CONFIG_STR, "", 0, 0, "file", false, false, "File with the 32 bytes of the APIv3 key; empty means keys/paysandbox-api.key."},
    {"paysandbox.notify", CONFIG_STR, "", 0, 0, "unix socket", false, false, "Where the merchant takes callbacks; empty sends none."},
    {"paysandbox.retry", CONFIG_INT, "15000", 10, 3600000, "ms", false, false, "A callback that was not taken is sent again after so long."},
    {0},
};
/* clang-format on */

struct sandbox {
    struct config *config;
    struct loop *loop;
    struct channel channel;
    struct notify *notify;
    struct wechat_key *key, *merchant;
    uint8_t api_key[WECHAT_API_KEY];
    struct api api;
    struct http_server *http;
};

/* The setting, or a file below the data folder. Freed by the caller. */
static char *path_of(const struct sandbox *s, const char *setting, const char *below)
{
    const char *said = config_str(s->config, setting);

    return *said ? mem_str(said) : mem_format("%s/%s", config_str(s->config, "data"), below);
}

static bool file_read(const char *path, char *out, size_t cap, size_t *len, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, cap);

    if (fd >= 0)
        close(fd);
    if (n < 0) {
        err_errno(err, path);
        return false;
    }
    *len = (size_t)n;
    return true;
}

typedef bool key_fn(struct wechat_key **out, const char *pem, size_t len, struct err *err);

static bool key_load(const struct sandbox *s, struct wechat_key **out, const char *setting, const char *below,
                     key_fn *read_key, struct err *err)
{
    char *path = path_of(s, setting, below), pem[PEM_MAX];
    size_t len;
    bool ok = file_read(path, pem, sizeof pem, &len, err) && read_key(out, pem, len, err);

    if (!ok)
        err_add(err, "%s", path);
    free(path);
    return ok;
}

static bool api_key_load(struct sandbox *s, struct err *err)
{
    char *path = path_of(s, "paysandbox.api_key", "keys/paysandbox-api.key"), text[WECHAT_API_KEY + 2];
    size_t len;
    bool ok = file_read(path, text, sizeof text, &len, err) &&
              (len == WECHAT_API_KEY || (len == WECHAT_API_KEY + 1 && text[WECHAT_API_KEY] == '\n') ||
               err_set(err, ERR_INVALID, "api_key", "%s does not hold %d bytes", path, WECHAT_API_KEY));

    if (ok)
        memcpy(s->api_key, text, WECHAT_API_KEY);
    free(path);
    return ok;
}

static bool serve(struct sandbox *s, struct err *err)
{
    struct config *cfg = s->config;
    char *path = mem_format("%s/run/paysandbox.sock", config_str(cfg, "data"));
    struct http_app app;
    bool ok;

    notify_new(&s->notify, &(struct notify_config){
                               .loop = s->loop,
                               .channel = &s->channel,
                               .socket = config_str(cfg, "paysandbox.notify"),
                               .key = s->key,
                               .serial = config_str(cfg, "paysandbox.serial"),
                               .api_key = s->api_key,
                               .retry_us = config_int(cfg, "paysandbox.retry") * US_PER_MS,
                           });
    s->api = (struct api){
        .channel = &s->channel,
        .notify = s->notify,
        .merchant = {config_str(cfg, "paysandbox.merchant_serial"), s->merchant},
        .key = s->key,
        .serial = config_str(cfg, "paysandbox.serial"),
        .api_key = s->api_key,
    };
    api_app(&app, &s->api, s->loop);
    ok = http_server_new(&s->http, &app, path, err);
    free(path);
    return ok;
}

/* What a kill interrupted goes on: refunds arrive; callbacks are owed by the journal. */
static bool start(struct sandbox *s, struct err *err)
{
    const char *data = config_str(s->config, "data");
    char *run = mem_format("%s/run", data), *journal = mem_format("%s/paysandbox.journal", data);
    bool ok;

    mkdir(run, 0700); /* there already, as a rule */
    ok = loop_new(&s->loop, err) && loop_signals(s->loop, NULL, NULL, err) &&
         key_load(s, &s->key, "paysandbox.key", "keys/paysandbox.pem", wechat_key_private, err) &&
         key_load(s, &s->merchant, "paysandbox.merchant_key", "keys/paysandbox-merchant.pem",
                  wechat_key_public, err) &&
         api_key_load(s, err) && serve(s, err) && /* the socket first: two processes never share a journal */
         channel_open(&s->channel, journal, config_str(s->config, "paysandbox.appid"),
                      config_str(s->config, "paysandbox.mchid"), err) &&
         channel_arrive(&s->channel, clock_now_us(), err);
    free(run);
    free(journal);
    return ok;
}

static void end(struct sandbox *s)
{
    http_server_free(s->http);
    notify_free(s->notify);
    channel_close(&s->channel);
    wechat_key_free(s->key);
    wechat_key_free(s->merchant);
    if (s->loop)
        loop_free(s->loop);
    config_free(s->config);
}

int main(int argc, char **argv)
{
    struct sandbox s = {.channel = {.fd = -1}};
    struct err err = ERR_INIT;
    enum log_level level = LOG_INFO;
    bool ok;

    log_init("paysandbox", level);
    if (!config_load(&s.config, SETTINGS, argc, argv, &err)) {
        log_error("settings", LERR(&err));
        return 2;
    }
    log_level_parse(config_str(s.config, "log.level"), &level);
    log_init("paysandbox", level);
    signal(SIGPIPE, SIG_IGN);
    ok = start(&s, &err);
    if (ok) {
        log_info("ready");
        http_server_run(s.http);
    } else {
        log_error("start", LERR(&err));
    }
    end(&s);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
