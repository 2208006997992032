/* Logging in, out, who am I, and in which language. */
#include "core/clock.h"
#include "core/crypto.h"
#include "core/db/db.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "records/trail.h"
#include "signaling/api.h"
#include "signaling/limiter.h"
#include "signaling/login_limit.h"
#include "signaling/session.h"
#include "signaling/session.sql.h"
#include "signaling/signald.h"
#include "signaling/socket.h"
#include "signaling/step_up.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct login {
    struct request *req;
    char login[LOGIN_NAME_MAX + 1], password[LOGIN_PASSWORD_MAX + 1];
    char limit_key[LOGIN_LIMIT_KEY];
    char hash[160];    /* the account's, or nobody's */
    bool known, right; /* a row was found and may log in; the password fits */
    int64_t account_id, tenant_id, session_id;
    char cookie[SESSION_COOKIE];
};

static struct metric LOGINS = METRIC_COUNTER("yz_signal_logins_total", "Logins that succeeded.");
static struct metric FAILURES = METRIC_COUNTER(
    "yz_signal_login_failures_total", "Logins refused for name or password. A jump is somebody trying.");
/* Verified for a login nobody has, so that its answer takes as long as a wrong password's. */
static char nobody_hash[128];

static void login_free(struct login *l)
{
    crypto_wipe(l->password, sizeof l->password);
    crypto_wipe(l->cookie, sizeof l->cookie);
    free(l);
}

static void login_fail(struct login *l, const struct err *err)
{
    request_problem(l->req, err, NULL);
    login_free(l);
}

/* --- the answer --- */

static void set_cookie(struct request *req, const char *value, int max_age_s)
{
    char text[192];

    snprintf(text, sizeof text, "yz_session=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%s", value,
             max_age_s, req->https ? "; Secure" : "");
    request_header(req, "Set-Cookie", text);
}

static void on_account(void *arg, struct identity *who, const struct err *err)
{
    struct login *l = arg;

    if (err) {
        login_fail(l, err);
        return;
    }
    LOGINS.value++;
    limiter_forgive(request_app(l->req)->login_limit, l->limit_key, clock_mono_us());
    set_cookie(l->req, l->cookie, SESSION_LIFE_S);
    request_answer_json(l->req, 201, json_pack("{s:O}", "account", who->account));
    login_free(l);
}

static void on_session_written(void *arg, const struct err *err)
{
    struct login *l = arg;
    struct signald *app = l->req->app;

    if (err)
        login_fail(l, err);
    else
        session_of_account(app->sessions, app->region_id, l->tenant_id, l->account_id, on_account, l);
}

static void write_session(struct login *l)
{
    struct signald *app = l->req->app;
    uint8_t hash[SHA256_LEN];
    struct db_args a;
    struct trail_entry e = {
        .scope = {app->region_id, l->tenant_id, l->account_id},
        .stmt = &SQL_session_insert,
        .args = &a,
        .done = on_session_written,
        .arg = l,
        .tenant_id = l->tenant_id,
        .actor_tenant_id = l->tenant_id,
        .account_id = l->account_id,
        .subject_kind = "session",
        .action = "session.login",
        .request_id = l->req->id,
    };

    l->session_id = e.subject_id = ids_next(&app->ids, clock_now_us());
    session_secret(l->cookie, hash);
    db_args_init(&a);
    db_arg_id(&a, app->region_id);
    db_arg_id(&a, l->session_id);
    db_arg_id(&a, l->tenant_id);
    db_arg_id(&a, l->account_id);
    db_arg_bytes(&a, hash, sizeof hash);
    db_arg_i64(&a, SESSION_LIFE_S);
    db_arg_i64(&a, SESSION_IDLE_S);
    trail_add(app->trail, &e);
}

/* --- refused --- */

static void on_refusal_written(void *arg, const struct err *err)
{
    struct login *l = arg;

    login_fail(l, err ? err : &(struct err){ERR_UNAUTHENTICATED, "login_failed", "wrong name or password"});
}

/* The same statements for a known and an unknown name, so that neither words nor time tell them apart. */
static void refuse(struct login *l, int64_t platform_id)
{
    struct trail_entry e = {
        .tenant_id = l->known ? l->tenant_id : platform_id,
        .actor_tenant_id = l->known ? l->tenant_id : platform_id,
        .account_id = l->known ? l->account_id : 0,
        .subject_kind = "account",
        .subject_id = l->known ? l->account_id : 0,
        .action = "session.login",
        .outcome = "login_failed",
        .request_id = l->req->id,
        .done = on_refusal_written,
        .arg = l,
    };

    FAILURES.value++;
    trail_add(request_app(l->req)->trail, &e);
}

static void on_platform(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct login *l = arg;

    if (err)
        login_fail(l, err);
    else
        refuse(l, rows->n ? db_i64(rows, 0, 0) : 0);
}

static void find_platform(struct login *l)
{
    struct db_scope scope = {request_app(l->req)->region_id, 0, 0};
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_query(request_app(l->req)->db, &scope, &SQL_region_platform, &a, on_platform, l);
}

/* --- the password, on a worker --- */

static void verify(void *arg)
{
    struct login *l = arg;

    l->right = crypto_password_verify(l->password, l->hash);
}

static void on_verified(void *arg)
{
    struct login *l = arg;

    if (l->right && l->known)
        write_session(l);
    else
        find_platform(l);
}

static void on_row(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct login *l = arg;
    struct err busy = ERR_INIT;

    if (err) {
        login_fail(l, err);
        return;
    }
    snprintf(l->hash, sizeof l->hash, "%s", nobody_hash);
    if (rows->n == 1 && !strcmp(db_str(rows, 0, 3), "active") && db_str(rows, 0, 2)[0] == '$') {
        l->known = true;
        l->account_id = db_i64(rows, 0, 0);
        l->tenant_id = db_i64(rows, 0, 1);
        snprintf(l->hash, sizeof l->hash, "%s", db_str(rows, 0, 2));
    }
    if (!workers_run(request_app(l->req)->workers, verify, on_verified, l, &busy))
        login_fail(l, &busy);
}

/* --- the request --- */

static bool read_login(struct login *l, struct err *err)
{
    const char *login, *password;

    if (!json_get_str(l->req->json, "login", &login, LOGIN_NAME_MAX, err) ||
        !json_get_str(l->req->json, "password", &password, LOGIN_PASSWORD_MAX, err))
        return false;
    if (!*login || !*password)
        return err_set(err, ERR_INVALID, "field_range", "login or password is empty");
    snprintf(l->login, sizeof l->login, "%s", login);
    for (char *p = l->login; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    snprintf(l->password, sizeof l->password, "%s", password);
    login_limit_key(l->login, l->req->ip, l->limit_key);
    return true;
}

static void once(void)
{
    struct err err = ERR_INIT;
    uint8_t random[16];
    char password[33];

    if (*nobody_hash)
        return;
    metrics_add(&LOGINS);
    metrics_add(&FAILURES);
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, password);
    if (!crypto_password_hash(password, nobody_hash, &err))
        log_error("nobody_hash", LERR(&err));
}

void api_login(struct request *req)
{
    struct login *l = mem_new(sizeof *l);
    struct err err = ERR_INIT;
    struct db_scope scope = {request_app(req)->region_id, 0, 0};
    struct db_args a;

    once();
    l->req = req;
    if (!read_login(l, &err)) {
        login_fail(l, &err);
        return;
    }
    if (!login_limit_take(req, l->limit_key)) {
        login_free(l);
        return;
    }
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_str(&a, l->login);
    db_query(request_app(req)->db, &scope, &SQL_account_by_login, &a, on_row, l);
}

void api_session(struct request *req)
{
    request_answer_json(req, 200, json_pack("{s:O}", "account", request_who(req)->account));
}

static void on_logged_out(void *arg, const struct err *err)
{
    struct request *req = arg;

    if (err) {
        request_problem(req, err, NULL);
        return;
    }
    session_forget(request_app(req)->sessions, request_who(req)->account_id);
    step_up_forget(request_app(req)->step_ups, request_who(req));
    sockets_end_account(request_app(req)->sockets, request_who(req)->account_id, request_who(req)->session_id,
                        "logged_out");
    set_cookie(req, "", 0);
    request_answer_empty(req, 204);
}

void api_logout(struct request *req)
{
    const struct identity *who = req->who;
    struct db_args a;
    struct trail_entry e = {
        .scope = identity_scope(who),
        .stmt = &SQL_session_revoke,
        .args = &a,
        .done = on_logged_out,
        .arg = req,
        .tenant_id = who->tenant_id,
        .actor_tenant_id = who->tenant_id,
        .account_id = who->account_id,
        .subject_kind = "session",
        .subject_id = who->session_id,
        .action = "session.logout",
        .request_id = req->id,
    };

    if (!who->session_id) { /* a bearer has nothing to end but this */
        step_up_forget(request_app(req)->step_ups, who);
        request_answer_empty(req, 204);
        return;
    }
    db_args_init(&a);
    db_arg_id(&a, who->region_id);
    db_arg_id(&a, who->session_id);
    trail_add(request_app(req)->trail, &e);
}

static void on_locale(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct request *req = arg;

    (void)rows;
    if (err) {
        request_problem(req, err, NULL);
        return;
    }
    session_forget(request_app(req)->sessions, request_who(req)->account_id);
    request_answer_empty(req, 204);
}

void api_locale(struct request *req)
{
    struct db_scope scope = identity_scope(req->who);
    struct err err = ERR_INIT;
    enum locale locale;
    const char *name;
    struct db_args a;

    if (!json_get_str(req->json, "locale", &name, 8, &err) ||
        (!locale_parse(name, &locale) && !err_set(&err, ERR_INVALID, "field_range", "locale"))) {
        request_problem(req, &err, NULL);
        return;
    }
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_id(&a, scope.actor_id);
    db_arg_str(&a, name);
    db_query(request_app(req)->db, &scope, &SQL_account_set_locale, &a, on_locale, req);
}
