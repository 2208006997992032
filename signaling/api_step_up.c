/* The password once more, before a signature; and who is calling, for whoever serves bulk bytes beside us. */
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/db/db.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "records/roles.h"
#include "records/trail.h"
#include "signaling/api.h"
#include "signaling/gate.h"
#include "signaling/limiter.h"
#include "signaling/login_limit.h"
#include "signaling/session.sql.h"
#include "signaling/step_up.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESK (ROLE_TOWNSHIP_DOCTOR | ROLE_OPERATOR) /* who sends images: dicom/web.c asks the same again */

struct asking {
    struct request *req;
    char password[LOGIN_PASSWORD_MAX + 1];
    char limit_key[LOGIN_LIMIT_KEY];
    char hash[160];
    bool right;
};

static void asking_end(struct asking *a, const struct err *err)
{
    if (err)
        request_problem(a->req, err, NULL);
    crypto_wipe(a->password, sizeof a->password);
    free(a);
}

/* --- the answer, after its row in the trail is safe --- */

static void on_granted(void *arg, const struct err *err)
{
    struct asking *a = arg;
    struct signald *app = request_app(a->req);
    int64_t now = clock_mono_us();

    if (err) {
        asking_end(a, err);
        return;
    }
    limiter_forgive(app->login_limit, a->limit_key, now);
    step_up_grant(app->step_ups, request_who(a->req), now);
    request_answer_json(a->req, 200,
                        json_pack("{s:o}", "until", json_time(clock_now_us() + STEP_UP_S * US_PER_S)));
    asking_end(a, NULL);
}

static void on_refused(void *arg, const struct err *err)
{
    static const struct err WRONG = {ERR_DENIED, "password_wrong", "step-up with a wrong password"};

    asking_end(arg, err ? err : &WRONG);
}

static void on_verified(void *arg)
{
    struct asking *a = arg;
    const struct identity *who = request_who(a->req);
    struct trail_entry e = {
        .tenant_id = who->tenant_id,
        .actor_tenant_id = who->tenant_id,
        .account_id = who->account_id,
        .subject_kind = "session",
        .subject_id = who->session_id,
        .action = "session.step_up",
        .outcome = a->right ? NULL : "password_wrong",
        .request_id = a->req->id,
        .done = a->right ? on_granted : on_refused,
        .arg = a,
    };

    trail_add(request_app(a->req)->trail, &e);
}

/* --- the password, on a worker --- */

static void verify(void *arg)
{
    struct asking *a = arg;

    a->right = crypto_password_verify(a->password, a->hash);
}

static void on_row(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct asking *a = arg;
    struct err no = ERR_INIT;

    if (err) {
        asking_end(a, err);
        return;
    }
    if (rows->n != 1 || db_i64(rows, 0, 0) != request_who(a->req)->account_id ||
        strcmp(db_str(rows, 0, 3), "active") != 0) {
        asking_end(a, &(struct err){ERR_UNAUTHENTICATED, "not_logged_in", "the account is gone"});
        return;
    }
    snprintf(a->hash, sizeof a->hash, "%s", db_str(rows, 0, 2));
    if (!workers_run(request_app(a->req)->workers, verify, on_verified, a, &no))
        asking_end(a, &no);
}

void api_step_up(struct request *req)
{
    const struct identity *who = request_who(req);
    const char *login = json_string_value(json_object_get(who->account, "login")), *password;
    struct db_scope scope = {who->region_id, 0, 0};
    struct err err = ERR_INIT;
    struct asking *a;
    struct db_args args;

    if (!json_get_str(req->json, "password", &password, LOGIN_PASSWORD_MAX, &err)) {
        request_problem(req, &err, NULL);
        return;
    }
    a = mem_new(sizeof *a);
    a->req = req;
    snprintf(a->password, sizeof a->password, "%s", password);
    login_limit_key(login, req->ip, a->limit_key);
    if (!login_limit_take(req, a->limit_key)) {
        asking_end(a, NULL);
        return;
    }
    db_args_init(&args);
    db_arg_id(&args, scope.region_id);
    db_arg_str(&args, login);
    db_query(request_app(req)->db, &scope, &SQL_account_by_login, &args, on_row, a);
}

/* --- whoami: nginx asks it before it hands a request to another daemon --- */

/* The daemon behind cannot tell a page of ours from another site's that sends our cookie along; we can, here. */
static bool page_is_ours(const struct request *req)
{
    return *req->bearer || !*req->origin ||
           gate_origin_ok(req->origin, req->host, "",
                          config_str(request_app(req)->config, "signald.origins"));
}

void api_whoami(struct request *req)
{
    const struct identity *who = request_who(req);
    char text[256];
    const char *method = req->kept[KEPT_ORIGINAL_METHOD];
    bool sends =
        *method && strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0; /* what may bring a body */

    if (!page_is_ours(req)) {
        request_refuse(req, ERR_DENIED, "origin_foreign", "another site's page asks for images");
        return;
    }
    if (sends && !(who->roles & DESK)) {
        request_header(req, "X-Yz-Refused", "role_missing"); /* nginx writes the page */
        request_refuse(req, ERR_DENIED, "role_missing",
                       "images are sent by a desk; the upload is not even taken in");
        return;
    }
    snprintf(text, sizeof text,
             "region=%" PRId64 ";tenant=%" PRId64 ";account=%" PRId64 ";person=%" PRId64 ";staff=%" PRId64
             ";roles=%" PRIu32 ";session=%" PRId64,
             who->region_id, who->tenant_id, who->account_id, who->person_id, who->staff_id, who->roles,
             who->session_id);
    request_header(req, "X-Yz-Identity", text);
    request_answer_empty(req, 204);
}
