/* The HTTP side of a running yz-signald: who is let in, what bad input gets, what libwebsockets must not be asked. */
#include "tests/unit/signaling/rig.h"
#include "core/clock.h"
#include "core/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON "Content-Type: application/json\r\n"

static char *with(const char *a, const char *b)
{
    return mem_format("%s%s", a, b);
}

static void answers(const struct rig_answer *a, int status, const char *code)
{
    if (a->status != status || strcmp(rig_code(a), code))
        fail_msg("wanted %d %s, got %d %s", status, code, a->status, a->body ? a->body : "");
    if (status >= 400) {
        CHECK(strstr(a->head, "application/problem+json") != NULL);
        CHECK(*rig_str(a->json, "request_id") && *rig_str(a->json, "title"));
    }
}

/* --- sessions --- */

TEST(login, gives_a_cookie_that_scripts_cannot_read_and_the_account)
{
    struct rig *r = rig_start(t, NULL);
    const struct rig_answer *a = rig_http(r, "POST", "/api/v1/session", JSON,
                                          "{\"login\":\"Doctor1\",\"password\":\"demo-password\"}");

    CHECK_INT(a->status, 201);
    CHECK(strstr(a->head, "HttpOnly") && strstr(a->head, "SameSite=Lax") && !strstr(a->head, "Secure"));
    CHECK_STR(rig_str(json_object_get(a->json, "account"), "login"), "doctor1");
    a = rig_http(r, "POST", "/api/v1/session", JSON "X-Forwarded-Proto: https\r\n",
                 "{\"login\":\"doctor1\",\"password\":\"demo-password\"}");
    CHECK(strstr(a->head, "; Secure") != NULL);
}

TEST(login, says_the_same_for_a_wrong_name_and_a_wrong_password_and_then_too_many)
{
    struct rig *r = rig_start(t, "--signald.login_burst=3");
    char *first;

    answers(rig_http(r, "POST", "/api/v1/session", JSON, "{\"login\":\"doctor1\",\"password\":\"wrong\"}"),
            401, "login_failed");
    first = mem_str(rig_str(
        rig_http(r, "POST", "/api/v1/session", JSON, "{\"login\":\"doctor1\",\"password\":\"wrong\"}")->json,
        "detail"));
    answers(rig_http(r, "POST", "/api/v1/session", JSON, "{\"login\":\"nobody\",\"password\":\"wrong\"}"),
            401, "login_failed");
    CHECK_STR(
        rig_str(rig_http(r, "POST", "/api/v1/session", JSON, "{\"login\":\"nobody\",\"password\":\"wrong\"}")
                    ->json,
                "detail"),
        first);
    rig_http(r, "POST", "/api/v1/session", JSON, "{\"login\":\"doctor1\",\"password\":\"wrong\"}");
    answers(rig_http(r, "POST", "/api/v1/session", JSON,
                     "{\"login\":\"doctor1\",\"password\":\"demo-password\"}"),
            429, "too_many_logins");
    CHECK(
        strstr(
            rig_http(r, "POST", "/api/v1/session", JSON, "{\"login\":\"doctor1\",\"password\":\"x\"}")->head,
            "Retry-After: ") != NULL);
    free(first);
}

TEST(session, ends_with_logout_and_the_audit_trail_tells_the_story)
{
    struct rig *r = rig_start(t, NULL);
    const char *me = rig_login(r, "patient1");

    CHECK_INT(rig_http(r, "GET", "/api/v1/session", me, NULL)->status, 200);
    CHECK_INT(rig_http(r, "DELETE", "/api/v1/session", me, NULL)->status, 204);
    answers(rig_http(r, "GET", "/api/v1/session", me, NULL), 401, "not_logged_in");
    CHECK_STR(
        pg_value(
            "SELECT string_agg(action || ' ' || outcome, ', ' ORDER BY id) FROM (SELECT * FROM records.audit"
            " WHERE account_id = 301 ORDER BY id DESC LIMIT 2) x"),
        "session.login ok, session.logout ok");
}

TEST(session, that_expired_or_never_was_is_401)
{
    struct rig *r = rig_start(t, NULL);
    const char *me = rig_login(r, "patient1");

    answers(rig_http(r, "GET", "/api/v1/session", "", NULL), 401, "not_logged_in");
    answers(rig_http(r, "GET", "/api/v1/session", "Cookie: yz_session=bogus\r\n", NULL), 401,
            "not_logged_in");
    pg_sql("UPDATE records.sessions SET expires_at = created_at + interval '1 microsecond' WHERE account_id "
           "= 301");
    answers(rig_http(r, "GET", "/api/v1/session", me, NULL), 401, "not_logged_in");
}

TEST(bearer, that_is_good_opens_and_that_is_not_does_not)
{
    struct rig *r = rig_start(t, NULL);

    CHECK_INT(rig_http(r, "GET", "/api/v1/session", rig_bearer(r, "", false, false, 600), NULL)->status, 200);
    answers(rig_http(r, "GET", "/api/v1/session", rig_bearer(r, "", false, false, -1), NULL), 401,
            "token_expired");
    answers(rig_http(r, "GET", "/api/v1/session", "Authorization: Bearer yz1.e30.AAAA\r\n", NULL), 401,
            "token_invalid");
    answers(rig_http(r, "GET", "/api/v1/session", "Authorization: Bearer eyJhbGciOiJub25lIn0.e30.\r\n", NULL),
            401, "token_invalid");
}

TEST(origin, of_another_site_may_neither_post_nor_open_a_socket)
{
    struct rig *r = rig_start(t, NULL);
    const char *me = rig_login(r, "patient1");
    char *foreign = with(me, JSON "Origin: https://evil.example\r\n"),
         *ours = with(me, JSON "Origin: http://clinic.example\r\n");
    char *site = with(me, JSON "Sec-Fetch-Site: cross-site\r\n");
    int status;

    answers(rig_http(r, "POST", "/api/v1/session/locale", foreign, "{\"locale\":\"en\"}"), 403,
            "origin_foreign");
    answers(rig_http(r, "POST", "/api/v1/session/locale", site, "{\"locale\":\"en\"}"), 403,
            "origin_foreign");
    CHECK_INT(rig_http(r, "POST", "/api/v1/session/locale", ours, "{\"locale\":\"en\"}")->status, 204);
    CHECK(rig_ws_open(r, "/ws", foreign, &status) == NULL);
    CHECK_INT(status, 403);
    free(foreign);
    free(ours);
    free(site);
    pg_sql("UPDATE records.accounts SET locale = 'zh-CN'");
}

/* --- roles and tenants --- */

TEST(routes, are_closed_to_other_roles_and_other_houses)
{
    struct rig *r = rig_start(t, NULL);
    const char *patient = rig_login(r, "patient1"), *stranger = rig_login(r, "patient2"),
               *doctor3 = rig_login(r, "doctor3");

    answers(rig_http(r, "GET", "/api/v1/pool", patient, NULL), 403, "role_missing");
    answers(rig_http(r, "GET", "/api/v1/audit", patient, NULL), 403, "role_missing");
    CHECK_INT(rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT, patient, NULL)->status, 200);
    answers(rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT, stranger, NULL), 404, "not_found");
    answers(rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT, doctor3, NULL), 404, "not_found");
    answers(rig_http(r, "GET", "/api/v1/visits/384226543616999999", stranger, NULL), 404, "not_found");
    answers(rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT "/recording", stranger, NULL), 404, "not_found");
    answers(rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT "/consents", doctor3, NULL), 404, "not_found");
    answers(rig_http(r, "GET", "/api/v1/persons/102/access-log", patient, NULL), 404, "not_found");
}

TEST(people, are_found_by_the_beginning_of_the_name_within_reach)
{
    struct rig *r = rig_start(t, NULL);
    const char *town = rig_login(r, "township_doctor1");
    const struct rig_answer *a = rig_http(r, "GET", "/api/v1/people?query=%E6%BC%94%E7%A4%BA", town, NULL);

    CHECK_INT(a->status, 200);
    CHECK_INT(json_array_size(a->json), 4); /* those of the own centre, of twelve */
    answers(rig_http(r, "GET", "/api/v1/people?query=%ff", town, NULL), 400, "bad_value");
    answers(rig_http(r, "GET", "/api/v1/people", town, NULL), 400, "bad_value");
}

/* --- bodies --- */

static void post(struct rig *r, const char *who, const char *body, int status, const char *code)
{
    char *headers = with(who, JSON);

    answers(rig_http(r, "POST", "/api/v1/session/locale", headers, body), status, code);
    free(headers);
}

TEST(body, that_is_malformed_too_deep_too_large_or_doubled_gets_a_stable_code)
{
    struct rig *r = rig_start(t, NULL);
    const char *me = rig_login(r, "patient1");
    char *deep = mem_new(4001), *large = mem_new(70001), *plain = with(me, "Content-Type: text/plain\r\n");

    memset(deep, '[', 4000);
    memset(large, ' ', 70000);
    post(r, me, "{", 400, "malformed_json");
    post(r, me, "", 400, "body_missing");
    post(r, me, "{\"locale\":\"\xff\"}", 400, "malformed_json");
    post(r, me, "{\"locale\":1e999}", 400, "malformed_json");
    post(r, me, deep, 400, "json_too_deep");
    post(r, me, "{\"locale\":\"en\",\"locale\":\"en\"}", 400, "duplicate_key");
    post(r, me, "[]", 400, "field_type");
    post(r, me, "{}", 400, "field_missing");
    post(r, me, "{\"locale\":5}", 400, "field_type");
    post(r, me, "{\"locale\":\"mn\"}", 400, "field_range");
    post(r, me, large, 413, "body_too_large");
    answers(rig_http(r, "POST", "/api/v1/session/locale", plain, "{}"), 415, "content_type");
    free(plain);
    free(large);
    free(deep);
}

TEST(address, that_is_none_is_404_and_another_method_is_405_with_the_list)
{
    struct rig *r = rig_start(t, NULL);
    const struct rig_answer *a;

    answers(rig_http(r, "GET", "/api/v1/nothing", "", NULL), 404, "not_found");
    answers(rig_http(r, "GET", "/api/v1/visits/abc", "", NULL), 404, "not_found");
    a = rig_http(r, "PUT", "/api/v1/session", JSON, "{}");
    answers(a, 405, "method_not_allowed");
    CHECK(strstr(a->head, "Allow: POST, GET, HEAD, DELETE\r\n") != NULL);
    a = rig_http(r, "OPTIONS", "/api/v1/session", "", NULL);
    CHECK_INT(a->status, 204);
}

TEST(answer, carries_the_headers_that_keep_a_browser_safe)
{
    struct rig *r = rig_start(t, NULL);
    const struct rig_answer *a = rig_http(r, "GET", "/healthz", "X-Request-Id: 0123456789abcdef\r\n", NULL);

    CHECK(strstr(a->head, "X-Content-Type-Options: nosniff\r\n") != NULL);
    CHECK(strstr(a->head, "Cache-Control: no-store\r\n") != NULL);
    CHECK(strstr(a->head, "Content-Security-Policy: default-src 'none'") != NULL);
    CHECK(strstr(a->head, "X-Request-Id: 0123456789abcdef\r\n") != NULL);
    a = rig_http(r, "GET", "/healthz", "X-Request-Id: a<script>\r\n", NULL);
    CHECK(strstr(a->head, "script") == NULL);
}

TEST(document, comes_whole_and_then_not_again)
{
    struct rig *r = rig_start(t, NULL);
    const struct rig_answer *a = rig_http(r, "GET", "/api/openapi.json", "", NULL);
    char etag[64], *again;

    CHECK_INT(a->status, 200);
    CHECK_STR(rig_str(a->json, "openapi"), "3.1.0");
    CHECK_INT(sscanf(strstr(a->head, "ETag: ") + 6, "%63[^\r]", etag), 1);
    again = mem_format("If-None-Match: %s\r\n", etag);
    CHECK_INT(rig_http(r, "GET", "/api/openapi.json", again, NULL)->status, 304);
    a = rig_http(r, "GET", "/api/docs", "", NULL);
    CHECK(a->status == 200 && strstr(a->body, "</html>") && !strstr(a->body, "<script"));
    CHECK(strstr(a->head, "default-src 'none'; style-src") != NULL);
    free(again);
}

/* --- what must not reach libwebsockets' other half --- */

#define HOST "Host: clinic.example\r\n"

static void raw(struct rig *r, const char *bytes, const char *want, bool want_ended)
{
    bool ended;
    const char *got = rig_raw(r, bytes, strlen(bytes), want_ended ? NULL : want, &ended);

    if (strncmp(got, want, strlen(want)) || ended != want_ended)
        fail_msg("%.40s -> %.60s (%s)", bytes, got, ended ? "ended" : "open");
}

TEST(connection, that_asks_for_another_protocol_is_closed)
{
    struct rig *r = rig_start(t, NULL);
    bool ended;
    const char *got;

    raw(r,
        "GET /healthz HTTP/1.1\r\n" HOST
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        "", true);
    raw(r,
        "POST /api/v1/session HTTP/1.1\r\n" HOST
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
        "AAMAAABkAAQAAP__\r\nContent-Length: 2\r\n\r\n{}",
        "", true);
    got = rig_raw(r, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24, NULL, &ended);
    CHECK(ended && !strstr(got, " 200 ") && !strstr(got, " 101 "));
    raw(r, "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: tls/1.0\r\n\r\n", "HTTP/1.0 403 ",
        true);
    CHECK_INT(rig_http(r, "GET", "/healthz", "", NULL)->status, 200);
}

TEST(connection, with_chunks_or_an_odd_length_is_told_411_and_closed)
{
    struct rig *r = rig_start(t, NULL);
#define POST "POST /api/v1/session HTTP/1.1\r\n" HOST JSON

    raw(r, POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 411 ", true);
    raw(r, POST "\r\n", "HTTP/1.1 411 ", true);
    raw(r, POST "Content-Length: -5\r\n\r\n", "HTTP/1.1 411 ", true);
    raw(r, POST "Content-Length: 0x10\r\n\r\n", "HTTP/1.1 411 ", true);
    raw(r, POST "Content-Length: 99999999999999999999999\r\n\r\n", "HTTP/1.1 411 ", true);
    raw(r, POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", "HTTP/1.1 411 ", true);
    raw(r, POST "Content-Length: 1000000\r\n\r\n", "HTTP/1.1 413 ", false); /* the rest may still come */
    raw(r, POST "Content-Length: 9000000\r\n\r\n", "HTTP/1.1 413 ", true);
}

TEST(connection, that_pipelines_gets_every_answer_in_order)
{
    struct rig *r = rig_start(t, NULL);
    const char *me = rig_login(r, "patient1");
    char *one = mem_format("GET /api/v1/session HTTP/1.1\r\n" HOST "%s\r\n", me);
    char *all =
        mem_format("%s%sGET /healthz HTTP/1.1\r\n" HOST "\r\n%sGET /api/v1/nowhere HTTP/1.1\r\n" HOST "\r\n",
                   one, one, one);
    bool ended;
    const char *at = rig_raw(r, all, strlen(all), "HTTP/1.1 404 ", &ended);
    int n = 0;

    for (const char *p = at; (p = strstr(p, "HTTP/1.1 200 OK")); p++)
        n++;
    CHECK_INT(n, 4);
    CHECK(!ended);
    at = strstr(at, "\"status\":\"ok\"");
    CHECK(at && strstr(at, "\"account\""));
    free(one);
    free(all);
}

TEST(connection, that_drips_its_header_is_closed_and_nobody_else_waits)
{
    struct rig *r = rig_start(t, NULL);
    bool ended;

    rig_raw(r, "GET /healthz HTTP/1.1\r\nHost:", 28, NULL, &ended);
    CHECK(ended);
    CHECK_INT(rig_http(r, "GET", "/healthz", "", NULL)->status, 200);
}

/* --- the scheduler's routes --- */

TEST(forward, puts_body_path_and_query_into_one_document)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    char *headers = with(doctor, JSON "Idempotency-Key: key-12345678\r\n");
    json_t *doc;

    CHECK_INT(rig_http(r, "POST", "/api/v1/orders/8001/claim", headers,
                       "{\"version\":3,\"nonce\":\"n\",\"order_id\":\"1\"}")
                  ->status,
              200);
    CHECK_STR(r->last_op, "order.claim");
    CHECK_STR(r->last_key, "key-12345678");
    doc = json_loads(r->last_body, 0, NULL);
    CHECK_STR(rig_str(doc, "order_id"), "8001"); /* the address, not the body */
    CHECK_INT(json_integer_value(json_object_get(doc, "version")), 3);
    json_decref(doc);
    CHECK_INT(rig_http(r, "GET", "/api/v1/clinics/5/slots?day=2026-11-21&evil=1", doctor, NULL)->status, 200);
    CHECK_STR(r->last_body, "{\"day\":\"2026-11-21\",\"clinic_id\":\"5\"}");
    free(headers);
}

TEST(forward, gives_a_refusal_with_its_details_and_checks_the_key)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    char *headers = with(doctor, JSON), *bad = with(doctor, JSON "Idempotency-Key: a b\r\n"),
         *empty = with(doctor, JSON "Idempotency-Key: short\r\n");
    const struct rig_answer *a =
        rig_http(r, "POST", "/api/v1/orders/8001/claim", headers, "{\"nonce\":\"refuse-me\"}");

    answers(a, 409, "claim_lost");
    CHECK_STR(rig_str(a->json, "log_id"), "88");
    answers(rig_http(r, "POST", "/api/v1/orders/8001/claim", bad, "{}"), 400, "idempotency_key");
    answers(rig_http(r, "POST", "/api/v1/orders/8001/claim", empty, "{}"), 400, "idempotency_key");
    free(headers);
    free(bad);
    free(empty);
}

TEST(forward, says_unknown_for_a_command_and_away_for_a_question_when_the_scheduler_dies_over_it)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    char *headers = with(doctor, JSON);

    rig_scheduler(r, false);
    answers(rig_http(r, "GET", "/api/v1/pool", doctor, NULL), 503, "scheduler_away");
    answers(rig_http(r, "PUT", "/api/v1/duty", headers, "{\"on\":true}"), 503,
            "scheduler_away"); /* nothing was sent */
    CHECK_INT(rig_http(r, "GET", "/readyz", "", NULL)->status, 503);
    rig_scheduler(r, true);
    CHECK_SOON(r->loop, r->sched != NULL);
    CHECK_INT(rig_http(r, "GET", "/api/v1/pool", doctor, NULL)->status, 200);
    free(headers);
}

static long ticks_of(int pid)
{
    char *path = mem_format("/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    long user = 0, system = 0;

    CHECK(f != NULL);
    CHECK_INT(fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system), 2);
    fclose(f);
    free(path);
    return user + system;
}

TEST(waiting, for_the_scheduler_burns_nothing_although_the_next_request_is_there)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    char *two = mem_format("GET /api/v1/pool HTTP/1.1\r\n" HOST "%s\r\nGET /healthz HTTP/1.1\r\n" HOST "\r\n",
                           doctor);
    long before;

    rig_http(r, "GET", "/api/v1/session", doctor, NULL);
    r->silent = true;
    before = ticks_of(r->pid);
    rig_raw_and_leave(r, two, strlen(two), 1500);
    CHECK(ticks_of(r->pid) - before < 30); /* of 150; a spin takes all of them */
    free(two);
}

TEST(waiting, client_that_leaves_before_its_answer_harms_nobody)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    char *one = mem_format("GET /api/v1/pool HTTP/1.1\r\n" HOST "%s\r\n", doctor);

    r->silent = true;
    for (int i = 0; i < 20; i++)
        rig_raw_and_leave(r, one, strlen(one), 5);
    CHECK_SOON(r->loop, r->asked >= 20);
    rig_scheduler(r, false); /* all twenty are answered now, and nobody is there to hear it */
    r->silent = false;
    rig_scheduler(r, true);
    CHECK_SOON(r->loop, r->sched != NULL);
    CHECK_INT(rig_http(r, "GET", "/api/v1/pool", doctor, NULL)->status, 200);
    free(one);
}

/* --- consents and recordings --- */

TEST(consent, is_given_for_the_text_that_was_shown_and_the_newest_answer_holds)
{
    struct rig *r = rig_start(t, NULL);
    const char *patient = rig_login(r, "patient1");
    char *headers = with(patient, JSON), *body;
    const struct rig_answer *a = rig_http(r, "GET", "/api/v1/consents/texts?locale=en", patient, NULL);
    char hash[65] = "";
    size_t i;
    json_t *text;

    json_array_foreach(a->json, i, text) if (!strcmp(rig_str(text, "kind"), "recording"))
        snprintf(hash, sizeof hash, "%s", rig_str(text, "hash"));
    body = mem_format("{\"kind\":\"recording\",\"version\":1,\"text_hash\":\"%s\",\"granted\":true}", hash);
    a = rig_http(r, "POST", "/api/v1/visits/" RIG_VISIT "/consents", headers, body);
    CHECK_INT(a->status, 201);
    CHECK(json_is_true(json_object_get(a->json, "granted")));
    free(body);
    hash[0] = hash[0] == 'a' ? 'b' : 'a';
    body = mem_format("{\"kind\":\"recording\",\"version\":1,\"text_hash\":\"%s\",\"granted\":true}", hash);
    answers(rig_http(r, "POST", "/api/v1/visits/" RIG_VISIT "/consents", headers, body), 409,
            "consent_text_changed");
    a = rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT "/consents", patient, NULL);
    CHECK_INT(json_array_size(a->json), 1);
    CHECK_STR(pg_value("SELECT action || ' ' || outcome FROM records.audit ORDER BY id DESC LIMIT 1"),
              "consent.give recording");
    free(body);
    free(headers);
}

static void write_manifest(struct rig *r, const char *text)
{
    char *sh = mem_format("mkdir -p %s/recordings/150000/" RIG_VISIT
                          " && cat > %s/recordings/150000/" RIG_VISIT "/manifest.json",
                          r->dir, r->dir);
    FILE *f = popen(sh, "w");

    fputs(text, f);
    pclose(f);
    free(sh);
}

TEST(recording, is_what_the_manifest_says_and_never_a_path_of_its_choosing)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    const struct rig_answer *a = rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT "/recording", doctor, NULL);
    json_t *track;

    CHECK_STR(rig_str(a->json, "state"), "none");
    write_manifest(r,
                   "{\"state\":\"ready\",\"tracks\":["
                   "{\"id\":\"t1\",\"peer\":\"s7001-abc\",\"kind\":\"video\",\"codec\":\"VP8\",\"file\":\"t1."
                   "webm\",\"duration_ms\":900,\"bytes\":5},"
                   "{\"id\":\"t2\",\"peer\":\"x\",\"kind\":\"video\",\"codec\":\"VP8\",\"file\":\"../../../"
                   "keys/token.key\",\"duration_ms\":1,\"bytes\":5}],"
                   "\"gaps\":[{\"from_us\":1800000000000000,\"to_us\":null,\"reason\":\"recorder_lost\"}]}");
    a = rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT "/recording", doctor, NULL);
    CHECK_STR(rig_str(a->json, "state"), "ready");
    CHECK_INT(json_array_size(json_object_get(a->json, "tracks")), 1);
    track = json_array_get(json_object_get(a->json, "tracks"), 0);
    CHECK_STR(rig_str(track, "seat_role"), "doctor");
    CHECK_STR(rig_str(track, "url"), "/api/v1/visits/" RIG_VISIT "/recording/tracks/t1");
    a = rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT "/recording/tracks/t1", doctor, NULL);
    CHECK(strstr(a->head, "X-Accel-Redirect: /internal/recordings/150000/" RIG_VISIT "/t1.webm\r\n") != NULL);
    CHECK(strstr(a->head, "Content-Type: video/webm\r\n") != NULL);
    answers(rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT "/recording/tracks/t2", doctor, NULL), 404,
            "not_found");
    answers(rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT "/recording/tracks/t9", doctor, NULL), 404,
            "not_found");
    CHECK_STR(pg_value("SELECT string_agg(action, ' ' ORDER BY id) FROM records.audit WHERE subject_id = "
                       "9001 AND account_id = 311 AND action LIKE 'recording.%'"),
              "recording.view recording.view recording.play");
}
