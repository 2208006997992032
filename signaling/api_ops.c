/* Health, figures, and what a browser needs before a call. */
#include "core/clock.h"
#include "core/config.h"
#include "core/db/db.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "signaling/api.h"
#include "signaling/media_link.h"
#include "signaling/owner_link.h"
#include "signaling/signald.h"
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURN_TTL_S 300 /* credentials renewed with each page; a relay in use lives on */

/* coturn's REST scheme: the name is the end of validity, the password its HMAC-SHA-1 (the only one it knows). */
static json_t *turn_servers(const struct signald *app, int64_t account_id)
{
    const char *urls = config_str(app->config, "turn.urls"), *secret = config_str(app->config, "turn.secret");
    json_t *list = json_array(), *names;

    if (!*urls)
        return list;
    names = json_array();
    for (const char *p = urls; *p;) {
        size_t word = strcspn(p, " ");
        if (word)
            json_array_append_new(names, json_stringn(p, word));
        p += word;
        p += *p == ' ';
    }
    if (*secret) {
        unsigned char mac[EVP_MAX_MD_SIZE], pass[64];
        unsigned len = 0;
        char user[64];
        snprintf(user, sizeof user, "%" PRId64 ":%" PRId64, clock_now_us() / US_PER_S + TURN_TTL_S,
                 account_id);
        HMAC(EVP_sha1(), secret, (int)strlen(secret), (unsigned char *)user, strlen(user), mac, &len);
        EVP_EncodeBlock(pass, mac, (int)len);
        json_array_append_new(
            list, json_pack("{s:o, s:s, s:s}", "urls", names, "username", user, "credential", pass));
    } else {
        json_array_append_new(list, json_pack("{s:o}", "urls", names));
    }
    return list;
}

/* The demo's passwords lie in the data folder exactly while its people live here. */
static bool is_demo(const struct config *c)
{
    char path[512];

    snprintf(path, sizeof path, "%s/demo-accounts", config_str(c, "data"));
    return access(path, F_OK) == 0;
}

void api_config(struct request *req)
{
    const struct config *c = request_app(req)->config;
    json_t *turn = req->who ? turn_servers(req->app, request_who(req)->account_id) : json_array();

    request_answer_json(req, 200,
                        json_pack("{s:o, s:{s:I, s:I}, s:{s:b, s:b}, s:s}", "turn", turn, "media",
                                  "audio_chairs", (json_int_t)config_int(c, "media.audio_chairs"),
                                  "video_chairs", (json_int_t)config_int(c, "media.video_chairs"), "features",
                                  "recording", 1, "demo", is_demo(c), "version", YUNZHEN_VERSION));
}

void api_health(struct request *req)
{
    request_answer_json(req, 200, json_pack("{s:s}", "status", "ok"));
}

void api_ready(struct request *req)
{
    bool db = db_is_ready(request_app(req)->db),
         sched = owner_link_is_open(request_app(req)->owners[OWNER_SCHEDULER]);
    bool imaging = owner_link_is_open(request_app(req)->owners[OWNER_IMAGING]); /* calls do without it */
    unsigned media = media_up_count(request_app(req)->media);
    bool ready = db && sched && media > 0;

    request_answer_json(req, ready ? 200 : 503,
                        json_pack("{s:b, s:b, s:b, s:b, s:i, s:i}", "ready", ready, "database", db,
                                  "scheduler", sched, "imaging", imaging, "media_workers", (int)media,
                                  "media_workers_wanted", (int)media_workers(request_app(req)->media)));
}

void api_metrics(struct request *req)
{
    size_t len;
    char *text = metrics_text(&len);

    request_answer_text(req, 200, "text/plain; version=0.0.4", text, len);
}
