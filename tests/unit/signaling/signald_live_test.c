/* The live socket, seats and rooms of a running yz-signald, against a played scheduler and media worker. */
#include "tests/unit/signaling/rig.h"
#include "core/clock.h"
#include "core/mem.h"
#include "media/protocol.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOIN "{\"t\":\"join\",\"id\":\"j\",\"visit_id\":\"" RIG_VISIT "\"}"
#define OFFER(sid)                                                                                           \
    "{\"t\":\"offer\",\"id\":\"o\",\"visit_id\":\"" RIG_VISIT "\",\"sdp\":\"v=0\\r\\no=- " sid               \
    " 2 IN IP4 127.0.0.1\\r\\na=fingerprint:sha-256 AA\\r\\n\"}"

static struct rig_ws *joined(struct rig *r, const char *who)
{
    struct rig_ws *w = rig_ws_greet(r, who, NULL);

    rig_ws_say(w, JOIN);
    rig_ws_hear(w, "joined");
    return w;
}

static bool rights(const json_t *doc, const char *which)
{
    return json_is_true(json_object_get(doc, which));
}

/* --- the socket itself --- */

TEST(socket, wants_somebody_a_hello_and_then_serves)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    struct rig_ws *w;
    int status;

    CHECK(rig_ws_open(r, "/ws", "", &status) == NULL);
    CHECK_INT(status, 401);
    CHECK(rig_ws_open(r, "/ws?token=yz1.e30.AAAA", "", &status) == NULL);
    CHECK_INT(status, 401);
    CHECK(rig_ws_open(r, "/elsewhere", doctor, &status) == NULL);
    CHECK_INT(status, 404);
    w = rig_ws_open(r, "/ws", doctor, &status);
    rig_ws_say(w, JOIN);
    CHECK_STR(rig_str(rig_ws_hear(w, "error"), "code"), "hello_first");
    rig_ws_say(w, "{\"t\":\"hello\"}");
    CHECK_STR(rig_str(json_object_get(rig_ws_hear(w, "welcome"), "account"), "login"), "doctor1");
    rig_ws_say(w, "{\"t\":\"ping\",\"id\":\"7\"}");
    CHECK_STR(rig_str(rig_ws_hear(w, "pong"), "id"), "7");
    rig_ws_say(w, "not json");
    CHECK_STR(rig_str(rig_ws_hear(w, "error"), "code"), "malformed_json");
}

TEST(socket, with_a_token_in_the_address_is_as_good)
{
    struct rig *r = rig_start(t, NULL);
    char token[2048], *path;
    struct rig_ws *w;
    int status;

    CHECK_INT(sscanf(rig_bearer(r, "", false, false, 600), "Authorization: Bearer %2047s", token), 1);
    path = mem_format("/ws?token=%s", token);
    w = rig_ws_open(r, path, "", &status);
    CHECK_INT(status, 101);
    rig_ws_say(w, "{\"t\":\"hello\"}");
    rig_ws_hear(w, "welcome");
    free(path);
}

TEST(socket, opens_once_with_a_join_token_and_never_with_a_long_lived_one)
{
    struct rig *r = rig_start(t, NULL);
    const char *path = rig_join_path(r, 200);
    char *header = mem_format("Authorization: Bearer %s\r\n", path + 10);
    int status;

    CHECK_STR(rig_code(rig_http(r, "GET", "/api/v1/session", header, NULL)), "token_rights");
    CHECK(rig_ws_open(r, path, "", &status) != NULL);
    CHECK(rig_ws_open(r, path, "", &status) == NULL);
    CHECK_INT(status, 401);
    CHECK(rig_ws_open(r, rig_join_path(r, 3600), "", &status) == NULL);
    CHECK_INT(status, 401);
    free(header);
}

TEST(socket, that_says_nothing_is_closed_after_five_seconds)
{
    struct rig *r = rig_start(t, NULL);
    int status;
    struct rig_ws *w = rig_ws_open(r, "/ws", rig_login(r, "doctor1"), &status);

    CHECK_STR(rig_str(rig_ws_hear(w, "bye"), "reason"), "hello_timeout");
    CHECK(rig_ws_ended(w));
}

TEST(socket, that_says_too_much_too_fast_or_in_binary_is_closed)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    struct rig_ws *w = rig_ws_greet(r, doctor, NULL);
    static const uint8_t BINARY[] = {0x82, 0x81, 0, 0, 0, 0, 'x'};
    char *large = mem_new(300 * 1024 + 64);

    memset(large, 'x', 300 * 1024);
    rig_ws_say(w, large);
    CHECK_STR(rig_str(rig_ws_hear(w, "bye"), "reason"), "too_large");
    w = rig_ws_greet(r, doctor, NULL);
    for (int i = 0; i < 150; i++)
        rig_ws_say(w, "{\"t\":\"ping\"}");
    CHECK_STR(rig_str(rig_ws_hear(w, "bye"), "reason"), "too_many");
    w = rig_ws_greet(r, doctor, NULL);
    rig_ws_bytes(w, BINARY, sizeof BINARY);
    CHECK_STR(rig_str(rig_ws_hear(w, "bye"), "reason"), "malformed");
    large[5000] = '\0';
    w = rig_ws_open(r, "/ws", doctor, &(int){0});
    rig_ws_say(w, large); /* before hello: 4 KiB */
    CHECK_STR(rig_str(rig_ws_hear(w, "bye"), "reason"), "too_large");
    free(large);
}

TEST(socket, in_fragments_is_one_message)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *w = rig_ws_greet(r, rig_login(r, "doctor1"), NULL);
    static const char TEXT[] = "{\"t\":\"ping\",\"id\":\"9\"}";
    uint8_t frame[7] = {0, 0x81, 0, 0, 0, 0, 0};

    for (size_t i = 0; i < strlen(TEXT); i++) {
        frame[0] = (uint8_t)((i == 0 ? 1 : 0) | (i + 1 == strlen(TEXT) ? 0x80 : 0));
        frame[6] = (uint8_t)TEXT[i];
        rig_ws_bytes(w, frame, sizeof frame);
    }
    CHECK_STR(rig_str(rig_ws_hear(w, "pong"), "id"), "9");
}

TEST(sockets, of_one_account_are_twenty_at_most)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    int status;

    for (int i = 0; i < 20; i++)
        rig_ws_greet(r, doctor, NULL);
    CHECK_STR(rig_str(rig_ws_hear(rig_ws_open(r, "/ws", doctor, &status), "bye"), "reason"),
              "too_many_sockets");
}

TEST(logout, closes_the_windows_of_that_session)
{
    struct rig *r = rig_start(t, NULL);
    const char *one = rig_login(r, "doctor1"), *two = rig_login(r, "doctor1");
    struct rig_ws *a = rig_ws_greet(r, one, NULL), *b = rig_ws_greet(r, two, NULL);

    CHECK_INT(rig_http(r, "DELETE", "/api/v1/session", one, NULL)->status, 204);
    CHECK_STR(rig_str(rig_ws_hear(a, "bye"), "reason"), "logged_out");
    rig_ws_say(b, "{\"t\":\"ping\"}");
    rig_ws_hear(b, "pong");
}

/* --- seats --- */

TEST(lobby, holds_the_patient_until_the_visit_is_live_and_takes_him_back)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *doctor = joined(r, rig_login(r, "doctor1")),
                  *patient = rig_ws_greet(r, rig_login(r, "patient1"), NULL);
    const json_t *m;

    rig_ws_say(patient, JOIN);
    m = rig_ws_hear(patient, "joined");
    CHECK(!rights(json_object_get(m, "rights"), "publish") &&
          !rights(json_object_get(m, "rights"), "subscribe"));
    rig_ws_say(patient, OFFER("11"));
    CHECK_STR(rig_str(rig_ws_hear(patient, "error"), "code"), "not_admitted");
    CHECK_INT(r->offers, 0);
    rig_state(r, "live");
    m = rig_ws_hear(patient, "rights");
    CHECK(rights(m, "publish") && rights(m, "subscribe"));
    rig_ws_say(patient, OFFER("11"));
    CHECK_STR(rig_str(rig_ws_hear(patient, "answer"), "etag"), "etag1");
    CHECK(!strncmp(r->last_peer, "s7002-", 6));
    CHECK_INT(r->last_rights, 7);
    rig_state(r, "waiting");
    CHECK(!rights(rig_ws_hear(patient, "rights"), "publish"));
    CHECK_SOON(r->loop, r->last_rights == 0);
    rig_ws_hear(doctor, "visit");
}

TEST(seat, moves_to_the_second_window_and_its_old_peer_leaves)
{
    struct rig *r = rig_start(t, NULL);
    const char *me = rig_login(r, "doctor1");
    struct rig_ws *first = joined(r, me), *second;
    char peer[64];

    rig_ws_say(first, OFFER("11"));
    rig_ws_hear(first, "answer");
    snprintf(peer, sizeof peer, "%s", r->last_peer);
    second = joined(r, me);
    CHECK_STR(rig_str(rig_ws_hear(first, "moved"), "visit_id"), RIG_VISIT);
    CHECK_SOON(r->loop, r->leaves == 1);
    rig_ws_say(second, OFFER("22"));
    rig_ws_hear(second, "answer");
    CHECK(strcmp(peer, r->last_peer) != 0);
    rig_ws_say(first, OFFER("11"));
    CHECK_STR(rig_str(rig_ws_hear(first, "error"), "code"), "not_in_room");
}

TEST(seat, comes_back_with_the_resume_token_and_the_same_peer)
{
    struct rig *r = rig_start(t, NULL);
    const char *me = rig_login(r, "doctor1");
    struct rig_ws *w = rig_ws_greet(r, me, NULL), *other = joined(r, rig_login(r, "patient1")), *thief;
    char resume[64], peer[64];

    rig_ws_drop(w);
    w = rig_ws_open(r, "/ws", me, &(int){0});
    rig_ws_say(w, "{\"t\":\"hello\"}");
    snprintf(resume, sizeof resume, "%s", rig_str(rig_ws_hear(w, "welcome"), "resume"));
    rig_ws_say(w, JOIN);
    rig_ws_hear(w, "joined");
    CHECK_SOON(r->loop, !strcmp(r->last_event, "joined"));
    rig_ws_say(w, OFFER("11"));
    rig_ws_hear(w, "answer");
    snprintf(peer, sizeof peer, "%s", r->last_peer);
    rig_ws_drop(w);
    CHECK_SOON(r->loop, !strcmp(r->last_event, "dropped"));
    thief = rig_ws_greet(r, rig_login(r, "patient1"), resume); /* somebody else's token is nothing */
    rig_ws_say(thief, OFFER("33"));
    CHECK_STR(rig_str(rig_ws_hear(thief, "error"), "code"), "not_in_room");
    w = rig_ws_greet(r, me, resume);
    CHECK_SOON(r->loop, !strcmp(r->last_event, "back"));
    CHECK(rights(rig_ws_hear(w, "rights"), "publish"));
    rig_ws_say(w, OFFER("11")); /* the same peer connection: an ICE restart of the same peer */
    rig_ws_hear(w, "answer");
    CHECK_STR(r->last_peer, peer);
    CHECK_INT(r->leaves, 0);
    rig_ws_say(other, "{\"t\":\"ping\"}");
    rig_ws_hear(other, "pong");
}

TEST(mute, is_told_to_the_others_and_the_doctor_may_silence)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *doctor = joined(r, rig_login(r, "doctor1")),
                  *patient = joined(r, rig_login(r, "patient1"));
    const json_t *m;

    rig_state(r, "live");
    rig_ws_hear(patient, "rights");
    rig_ws_say(patient, OFFER("11"));
    rig_ws_hear(patient, "answer");
    rig_ws_say(patient, "{\"t\":\"mute\",\"visit_id\":\"" RIG_VISIT "\",\"kind\":\"video\",\"on\":true}");
    m = rig_ws_hear(doctor, "muted");
    CHECK_STR(rig_str(m, "seat_id"), "7002");
    CHECK_STR(rig_str(m, "kind"), "video");
    rig_ws_say(patient, "{\"t\":\"mute_other\",\"id\":\"m\",\"visit_id\":\"" RIG_VISIT
                        "\",\"seat_id\":\"7001\",\"kind\":\"audio\"}");
    CHECK_STR(rig_str(rig_ws_hear(patient, "error"), "code"), "role_missing");
    rig_ws_say(doctor, "{\"t\":\"mute_other\",\"id\":\"m\",\"visit_id\":\"" RIG_VISIT
                       "\",\"seat_id\":\"7002\",\"kind\":\"audio\"}");
    rig_ws_hear(doctor, "ok");
    CHECK_SOON(r->loop, r->last_rights == (MEDIA_RIGHT_SUBSCRIBE | MEDIA_RIGHT_VIDEO));
    rig_ws_say(patient, "{\"t\":\"mute\",\"visit_id\":\"" RIG_VISIT "\",\"kind\":\"audio\",\"on\":false}");
    CHECK_SOON(r->loop, r->last_rights == 7);
}

TEST(visit, that_ends_closes_the_room_and_takes_everybodys_rights)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *doctor = joined(r, rig_login(r, "doctor1"));

    rig_ws_say(doctor, OFFER("11"));
    rig_ws_hear(doctor, "answer");
    rig_state(r, "live");
    rig_state(r, "documenting");
    CHECK(!rights(rig_ws_hear(doctor, "rights"), "publish"));
    CHECK_SOON(
        r->loop,
        !strcmp("closed", pg_value("SELECT state FROM signaling.rooms WHERE room_id = '" RIG_ROOM "'")));
    rig_ws_say(doctor, JOIN);
    CHECK_STR(rig_str(rig_ws_hear(doctor, "error"), "code"), "visit_over");
}

TEST(recording, runs_while_live_and_consented_and_stops_with_either)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *doctor = joined(r, rig_login(r, "doctor1"));

    rig_state(r, "live");
    rig_ws_say(doctor, OFFER("11"));
    rig_ws_hear(doctor, "answer");
    CHECK_INT(r->records, 0);
    pg_sql("INSERT INTO records.consents (region_id, visit_id, id, tenant_id, person_id, kind, version, "
           "locale, text_hash, granted, account_id, at)"
           " SELECT 150000, 9001, 1, 31, 101, kind, version, locale, text_hash, true, 301, now() FROM "
           "records.consent_texts WHERE kind = 'recording' AND locale = 'en'");
    rig_state(r, "live");
    CHECK_SOON(r->loop, r->records == 1);
    CHECK_STR(r->last_dir, "150000/" RIG_VISIT);
    rig_state(r, "documenting");
    CHECK_SOON(r->loop, r->records == 0);
    CHECK_SOON(r->loop,
               !strcmp("processing", pg_value("SELECT state FROM records.recordings WHERE visit_id = 9001")));
}

/* --- events --- */

TEST(consent, that_is_given_is_told_to_everybody_with_a_seat)
{
    struct rig *r = rig_start(t, NULL);
    const char *patient = rig_login(r, "patient1");
    struct rig_ws *doctor = rig_ws_greet(r, rig_login(r, "doctor1"), NULL);
    char *headers = mem_format("%sContent-Type: application/json\r\n", patient);
    char *body =
        mem_format("{\"kind\":\"service\",\"version\":1,\"granted\":true,\"text_hash\":\"%s\"}",
                   pg_value("SELECT text_hash FROM records.consent_texts WHERE kind = 'service' LIMIT 1"));
    const json_t *m;

    CHECK_INT(rig_http(r, "POST", "/api/v1/visits/" RIG_VISIT "/consents", headers, body)->status, 201);
    m = rig_ws_hear(doctor, "event");
    CHECK_STR(rig_str(m, "topic"), "consent");
    CHECK_STR(rig_str(json_object_get(m, "data"), "kind"), "service");
    free(body);
    free(headers);
}

TEST(events, reach_the_audience_and_a_gap_is_asked_for_again)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *doctor = rig_ws_greet(r, rig_login(r, "doctor1"), NULL),
                  *patient = rig_ws_greet(r, rig_login(r, "patient1"), NULL);
    const json_t *m;

    rig_event(r, 101, "pool", 311, "{\"op\":\"added\",\"order_id\":\"5\"}");
    m = rig_ws_hear(doctor, "event");
    CHECK_STR(rig_str(m, "topic"), "pool");
    CHECK_INT(json_integer_value(json_object_get(m, "seq")), 101);
    rig_event(r, 103, "pool", 311, "{\"op\":\"removed\",\"order_id\":\"5\"}"); /* 102 is missing */
    CHECK_SOON(r->loop, r->subscribed_after == 101);
    rig_event(r, 102, "waiting", 311, "{\"position\":1}");
    rig_event(r, 103, "pool", 311, "{\"op\":\"removed\",\"order_id\":\"5\"}");
    CHECK_STR(rig_str(rig_ws_hear(doctor, "event"), "topic"), "waiting");
    CHECK_STR(rig_str(json_object_get(rig_ws_hear(doctor, "event"), "data"), "op"), "removed");
    rig_event(r, 104, "order", 301, "{\"order_id\":\"8\"}");
    CHECK_STR(rig_str(rig_ws_hear(patient, "event"), "topic"), "order"); /* the first one the patient hears */
}

/* --- machines --- */

#define SDP "Content-Type: application/sdp\r\n"

static const struct rig_answer *whip(struct rig *r, const char *path, const char *token)
{
    char *headers = mem_format("%s" SDP, token);
    const struct rig_answer *a = rig_http(r, "POST", path, headers, "v=0\r\na=fingerprint:sha-256 AA\r\n");

    free(headers);
    return a;
}

TEST(whip, answers_as_the_standard_says)
{
    struct rig *r = rig_start(t, NULL);
    const char *any = rig_bearer(r, "*", true, true, 600);
    const struct rig_answer *a = whip(r, "/whip/load?peer=cam", any);
    char place[200], *headers;

    CHECK_INT(a->status, 201);
    CHECK(strstr(a->head, "Content-Type: application/sdp\r\n") && strstr(a->head, "ETag: \"etag1\"\r\n"));
    CHECK_INT(sscanf(strstr(a->head, "Location: ") + 10, "%199s", place), 1);
    CHECK_STR(r->last_peer, "w.cam");
    CHECK_INT(r->last_rights, MEDIA_RIGHT_AUDIO | MEDIA_RIGHT_VIDEO);
    CHECK_STR(rig_code(whip(r, "/whip/load?peer=cam", any)), "peer_name_taken");
    CHECK_INT(whip(r, "/whep/load?from=cam", any)->status, 201);
    CHECK_STR(r->last_from, "w.cam");
    CHECK_INT(whip(r, "/whep/load?from=nobody", any)->status, 404);
    headers = mem_format("%sContent-Type: application/trickle-ice-sdpfrag\r\nIf-Match: \"etag1\"\r\n", any);
    CHECK_INT(rig_http(r, "PATCH", place, headers, "a=end-of-candidates\r\n")->status, 204);
    free(headers);
    headers = mem_format("%sContent-Type: application/trickle-ice-sdpfrag\r\nIf-Match: \"other\"\r\n", any);
    CHECK_INT(rig_http(r, "PATCH", place, headers, "a=end-of-candidates\r\n")->status, 412);
    free(headers);
    CHECK_INT(rig_http(r, "DELETE", place, any, NULL)->status, 200);
    CHECK_INT(rig_http(r, "DELETE", place, any, NULL)->status, 404);
    CHECK(strstr(rig_http(r, "OPTIONS", "/whip/load", "", NULL)->head, "Accept-Post: application/sdp") !=
          NULL);
}

TEST(whip, lets_in_only_what_the_token_says)
{
    struct rig *r = rig_start(t, NULL);

    CHECK_INT(whip(r, "/whip/load", "")->status, 401);
    CHECK_INT(whip(r, "/whip/load", rig_login(r, "doctor1"))->status, 401); /* a cookie is for browsers */
    CHECK_STR(rig_code(whip(r, "/whip/load", rig_bearer(r, "other", true, true, 600))), "token_rights");
    CHECK_STR(rig_code(whip(r, "/whip/load", rig_bearer(r, "*", false, true, 600))), "token_rights");
    CHECK_STR(rig_code(whip(r, "/whip/nowhere", rig_bearer(r, "nowhere", true, true, 600))),
              "room_not_found");
    CHECK_INT(whip(r, "/whip/" RIG_ROOM, rig_bearer(r, RIG_ROOM, true, true, 600))->status, 201);
    CHECK_INT(rig_http(r, "POST", "/whip/load", rig_bearer(r, "*", true, true, 600), "x")->status, 415);
}

TEST(whip, from_another_machine_makes_no_room_even_with_the_star)
{
    struct rig *r = rig_start(t, NULL);
    char *headers = mem_format("%sX-Real-IP: 10.1.2.3\r\n", rig_bearer(r, "*", true, true, 600));

    CHECK_STR(rig_code(whip(r, "/whip/load9", headers)), "room_not_found");
    free(headers);
}
