/* Who is calling, as the daemons behind nginx are told; and the password once more before a signature. */
#include "tests/unit/signaling/rig.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/mem.h"
#include "records/roles.h"
#include "signaling/step_up.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON    "Content-Type: application/json\r\n"
#define STEP_UP "/api/v1/session/step-up"
#define SIGN    "/api/v1/exams/88/sign"
#define BODY    "{\"version\":3,\"draft_version\":1}"
#define RIGHT   "{\"password\":\"demo-password\"}"
#define WRONG   "{\"password\":\"demo-passwort\"}"

static const struct rig_answer *post(struct rig *r, const char *path, const char *who, const char *body)
{
    char *headers = mem_format("%s" JSON, who);
    const struct rig_answer *a = rig_http(r, "POST", path, headers, body);

    free(headers);
    return a;
}

static void answers(const struct rig_answer *a, int status, const char *code)
{
    if (a->status != status || strcmp(rig_code(a), code))
        fail_msg("wanted %d %s, got %d %s", status, code, a->status, a->body ? a->body : "");
}

/* --- the table --- */

TEST(step_up, holds_for_five_minutes_and_for_the_one_session)
{
    struct step_ups *s = step_ups_new();
    struct identity me = {.account_id = 316, .session_id = 1}, other = {.account_id = 316, .session_id = 2};
    struct identity token = {.account_id = 316, .bearer = true, .claims = {.jti = "a"}};
    struct identity another = {.account_id = 316, .bearer = true, .claims = {.jti = "b"}};
    int64_t now = 1000 * US_PER_S, end = now + STEP_UP_S * US_PER_S;

    CHECK(!step_up_holds(s, &me, now));
    step_up_grant(s, &me, now);
    step_up_grant(s, &token, now);
    CHECK(step_up_holds(s, &me, now) && step_up_holds(s, &me, end - 1) && !step_up_holds(s, &me, end));
    CHECK(step_up_holds(s, &token, now));
    CHECK(!step_up_holds(s, &other, now) && !step_up_holds(s, &another, now));
    step_up_forget(s, &me);
    CHECK(!step_up_holds(s, &me, now) && step_up_holds(s, &token, now));
    step_up_grant(s, &other, end); /* sweeps what has ended */
    CHECK(!step_up_holds(s, &token, end) && step_up_holds(s, &other, end));
    step_ups_free(s);
}

/* --- before a signature --- */

TEST(signature, needs_the_password_in_the_same_session)
{
    struct rig *r = rig_start(t, NULL);
    const char *me = rig_login(r, "reader1"), *elsewhere = rig_login(r, "reader1");
    const struct rig_answer *a;
    int64_t until;

    answers(post(r, SIGN, me, BODY), 403, "step_up_needed");
    answers(post(r, "/api/v1/exams/88/amend", me, "{}"), 403, "step_up_needed");
    CHECK_INT(r->asked, 0); /* the owner was not even asked */
    answers(post(r, STEP_UP, me, WRONG), 403, "password_wrong");
    answers(post(r, STEP_UP, me, "{}"), 400, "field_missing");
    answers(post(r, STEP_UP, "", RIGHT), 401, "not_logged_in");
    answers(post(r, SIGN, me, BODY), 403, "step_up_needed");

    a = post(r, STEP_UP, me, RIGHT);
    CHECK_INT(a->status, 200);
    CHECK(json_get_time(a->json, "until", &until, NULL) && until > clock_now_us() &&
          until <= clock_now_us() + STEP_UP_S * US_PER_S);
    CHECK_INT(post(r, SIGN, me, BODY)->status, 200);
    CHECK_STR(r->last_op, "exam.sign");
    answers(post(r, SIGN, elsewhere, BODY), 403, "step_up_needed");
    CHECK_STR(pg_value("SELECT string_agg(outcome, ' ' ORDER BY id) FROM records.audit"
                       " WHERE account_id = 316 AND action = 'session.step_up'"),
              "password_wrong ok");
}

TEST(signature, of_a_token_needs_the_account_s_password_too)
{
    struct rig *r = rig_start(t, NULL);
    const char *machine = rig_bearer_of(r, 316, 32, ROLE_READER),
               *other = rig_bearer_of(r, 316, 32, ROLE_READER);

    answers(post(r, SIGN, machine, BODY), 403, "step_up_needed");
    CHECK_INT(post(r, STEP_UP, machine, RIGHT)->status, 200);
    CHECK_INT(post(r, SIGN, machine, BODY)->status, 200);
    answers(post(r, SIGN, other, BODY), 403, "step_up_needed");
    CHECK_INT(rig_http(r, "DELETE", "/api/v1/session", machine, NULL)->status, 204);
    answers(post(r, SIGN, machine, BODY), 403, "step_up_needed");
}

TEST(step_up, is_tried_no_oftener_than_logging_in)
{
    struct rig *r = rig_start(t, "--signald.login_burst=3");
    const char *me = rig_login(r, "reader1"); /* a right password gives its try back */

    for (int i = 0; i < 3; i++)
        answers(post(r, STEP_UP, me, WRONG), 403, "password_wrong");
    answers(post(r, STEP_UP, me, RIGHT), 429, "too_many_logins");
    answers(post(r, "/api/v1/session", "", "{\"login\":\"reader1\",\"password\":\"demo-password\"}"), 429,
            "too_many_logins");
}

/* --- whoami --- */

static const char *identity(const struct rig_answer *a, char out[256])
{
    const char *at = strstr(a->head, "X-Yz-Identity: ");

    *out = '\0';
    if (at)
        sscanf(at, "X-Yz-Identity: %255[^\r\n]", out);
    return out;
}

TEST(whoami, names_the_caller_for_the_daemon_behind_nginx)
{
    struct rig *r = rig_start(t, "--signald.request_burst=10");
    const char *operator1 = rig_login(r, "operator1"), *patient = rig_login(r, "patient1");
    const struct rig_answer *a = rig_http(r, "GET", "/internal/whoami", operator1, NULL);
    char text[256],
        *want = mem_format(
            "region=150000;tenant=21;account=315;person=0;staff=205;roles=8;session=%s",
            pg_value("SELECT id FROM records.sessions WHERE account_id = 315 ORDER BY id DESC LIMIT 1"));

    CHECK_INT(a->status, 204);
    CHECK_STR(identity(a, text), want);
    a = rig_http(r, "GET", "/internal/whoami", patient, NULL);
    CHECK(strstr(identity(a, text), ";account=301;person=101;staff=0;roles=1;") != NULL);
    a = rig_http(r, "GET", "/internal/whoami", rig_bearer_of(r, 315, 21, ROLE_OPERATOR), NULL);
    CHECK_STR(identity(a, text), "region=150000;tenant=21;account=315;person=0;staff=205;roles=8;session=0");
    for (int i = 0; i < 30; i++) /* asked for every slice: nobody's pace of ten */
        CHECK_INT(rig_http(r, "GET", "/internal/whoami", operator1, NULL)->status, 204);
    free(want);
}

TEST(whoami, refuses_who_is_nobody_and_pages_that_are_not_ours)
{
    struct rig *r = rig_start(t, NULL);
    const char *me = rig_login(r, "operator1"), *join = strchr(rig_join_path(r, 600), '=') + 1;
    char *foreign = mem_format("%sOrigin: https://evil.example\r\n", me),
         *bearer = mem_format("Authorization: Bearer %s\r\n", join), text[256];
    const struct rig_answer *a = rig_http(r, "GET", "/internal/whoami", "", NULL);

    answers(a, 401, "not_logged_in");
    CHECK_STR(identity(a, text), "");
    answers(rig_http(r, "GET", "/internal/whoami", "Cookie: yz_session=bogus\r\n", NULL), 401,
            "not_logged_in");
    a = rig_http(r, "GET", "/internal/whoami", foreign, NULL);
    answers(a, 403, "origin_foreign");
    CHECK_STR(identity(a, text), "");
    answers(rig_http(r, "GET", "/internal/whoami", bearer, NULL), 403, "token_rights");
    free(bearer);
    free(foreign);
}

/* An upload is spooled before the daemon that takes it hears of it: whoever may not send is stopped here. */
TEST(whoami, lets_nobody_send_but_the_desks)
{
    struct rig *r = rig_start(t, NULL);
    static const char SENDS[] = "X-Original-Method: POST\r\n";
    static const struct {
        const char *login;
        int status;
    } WHO[] = {
        {"operator1", 204}, {"township_doctor1", 204}, {"patient1", 403}, {"doctor1", 403}, {"reader1", 403}};

    for (size_t i = 0; i < sizeof WHO / sizeof *WHO; i++) {
        const char *me = rig_login(r, WHO[i].login);
        char *sending = mem_format("%s%s", me, SENDS), text[256];
        const struct rig_answer *a = rig_http(r, "GET", "/internal/whoami", sending, NULL);
        CHECK_INT(a->status, WHO[i].status);
        if (a->status == 403) {
            answers(a, 403, "role_missing");
            CHECK(strstr(a->head, "X-Yz-Refused: role_missing\r\n"));
            CHECK_STR(identity(a, text), "");
        }
        CHECK_INT(rig_http(r, "GET", "/internal/whoami", me, NULL)->status, 204);
        free(sending);
    }
}

/* --- open windows --- */

static struct rig_ws *with_token(struct rig *r, const char *bearer)
{
    char *path = mem_format("/ws?token=%.*s", (int)strcspn(bearer + 22, "\r"), bearer + 22);
    struct rig_ws *w;
    int status;

    w = rig_ws_open(r, path, "", &status);
    CHECK_INT(status, 101);
    rig_ws_say(w, "{\"t\":\"hello\"}");
    rig_ws_hear(w, "welcome");
    free(path);
    return w;
}

TEST(window, of_a_locked_account_or_of_a_session_signed_out_elsewhere_leaves_its_seat_and_closes)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *locked = rig_ws_greet(r, rig_login(r, "doctor1"), NULL),
                  *token = with_token(r, rig_bearer(r, "", false, false, 600)),
                  *stays = rig_ws_greet(r, rig_login(r, "doctor2"), NULL),
                  *revoked = rig_ws_greet(r, rig_login(r, "doctor2"), NULL);

    rig_ws_say(locked, "{\"t\":\"join\",\"id\":\"j\",\"visit_id\":\"" RIG_VISIT "\"}");
    rig_ws_hear(locked, "joined");
    /* Past its end by time, too: that alone closes no window, a call may be long. */
    pg_sql("UPDATE records.accounts SET state = 'locked' WHERE id = 311;"
           "UPDATE records.sessions SET expires_at = created_at + interval '1 microsecond' WHERE account_id "
           "= 312;"
           "UPDATE records.sessions SET revoked_at = now() WHERE id = (SELECT max(id) FROM records.sessions"
           " WHERE account_id = 312)");
    CHECK_STR(rig_str(rig_ws_hear(locked, "bye"), "reason"), "logged_out");
    CHECK_STR(rig_str(rig_ws_hear(token, "bye"), "reason"), "logged_out");
    CHECK_STR(rig_str(rig_ws_hear(revoked, "bye"), "reason"), "logged_out");
    CHECK_SOON(r->loop, !strcmp(r->last_event, "left"));
    rig_ws_say(stays, "{\"t\":\"ping\"}");
    rig_ws_hear(stays, "pong");
    pg_sql("UPDATE records.accounts SET state = 'active' WHERE id = 311");
}
