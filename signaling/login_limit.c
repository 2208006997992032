#include "signaling/login_limit.h"
#include "core/clock.h"
#include "signaling/limiter.h"
#include <stdio.h>

void login_limit_key(const char *login, const char *ip, char out[LOGIN_LIMIT_KEY])
{
    snprintf(out, LOGIN_LIMIT_KEY, "%s|%s", login, ip);
}

bool login_limit_take(struct request *req, const char *key)
{
    struct signald *app = request_app(req);
    int64_t now = clock_mono_us();
    int wait_s = 1;
    json_t *extra;

    if (limiter_take(app->login_limit, key, now, &wait_s) &&
        limiter_take(app->login_ip_limit, *req->ip ? req->ip : "local", now, &wait_s))
        return true;
    extra = json_pack("{s:i}", "retry_after_s", wait_s);
    request_problem(req, &(struct err){ERR_LIMIT, "too_many_logins", "login rate"}, extra);
    json_decref(extra);
    return false;
}
