/* What goes on when a neighbour of yz-signald, or it itself, goes away and comes back. */
#include "tests/unit/signaling/rig.h"
#include "core/clock.h"
#include "core/mem.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON "Content-Type: application/json\r\n"
#define JOIN "{\"t\":\"join\",\"id\":\"j\",\"visit_id\":\"" RIG_VISIT "\"}"
#define OFFER(sid)                                                                                           \
    "{\"t\":\"offer\",\"id\":\"o\",\"visit_id\":\"" RIG_VISIT "\",\"sdp\":\"v=0\\r\\no=- " sid               \
    " 2 IN IP4 127.0.0.1\\r\\na=fingerprint:sha-256 AA\\r\\n\"}"

static struct rig_ws *in_the_room(struct rig *r, const char *who, const char *sid_offer)
{
    struct rig_ws *w = rig_ws_greet(r, who, NULL);

    rig_ws_say(w, JOIN);
    rig_ws_hear(w, "joined");
    rig_ws_say(w, sid_offer);
    rig_ws_hear(w, "answer");
    return w;
}

TEST(database, that_is_away_stops_no_call_and_no_join_to_it)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    struct rig_ws *w = in_the_room(r, doctor, OFFER("11")), *again;
    const json_t *back;
    char rows[32];

    rig_database(r, false);
    CHECK_STR(rig_str(rig_ws_hear(w, "delayed"), "what"), "database");
    CHECK_INT(rig_http(r, "GET", "/api/v1/session", doctor, NULL)->status, 200);
    CHECK_INT(rig_http(r, "GET", "/api/v1/visits/" RIG_VISIT, doctor, NULL)->status, 200);
    again = in_the_room(r, doctor, OFFER("22"));
    CHECK_STR(rig_code(rig_http(r, "GET", "/api/v1/visits/9002", doctor, NULL)), "database_away");
    CHECK_STR(
        rig_code(rig_http(r, "POST", "/api/v1/session", JSON, "{\"login\":\"doctor1\",\"password\":\"x\"}")),
        "database_away");
    CHECK_INT(rig_http(r, "GET", "/readyz", "", NULL)->status, 503);
    CHECK_INT(rig_http(r, "GET", "/healthz", "", NULL)->status, 200);
    rig_database(r, true);
    back = rig_ws_hear(again, "delayed");
    CHECK(json_object_get(back, "what") == json_null());
    CHECK_INT(rig_http(r, "GET", "/api/v1/visits/9002", doctor, NULL)->status, 404);
    /* The join while it was away is in the trail. */
    snprintf(rows, sizeof rows, "%s", "0");
    for (int64_t deadline = test_deadline_us(20000); strcmp(rows, "2") && test_turn(r->loop, deadline);)
        snprintf(
            rows, sizeof rows, "%s",
            pg_value("SELECT count(*) FROM records.audit WHERE action = 'visit.join' AND account_id = 311"));
    CHECK_STR(rows, "2");
}

TEST(imaging, that_is_not_there_is_said_by_its_own_routes_and_holds_nobody_up)
{
    struct rig *r = rig_start(t, NULL); /* ready, although nobody keeps images here */
    const char *doctor = rig_login(r, "doctor1");
    struct rig_ws *w = rig_ws_greet(r, doctor, NULL);
    const struct rig_answer *a = rig_http(r, "GET", "/api/v1/studies", doctor, NULL);
    const json_t *ev;
    int64_t who = 311;

    CHECK_INT(a->status, 503);
    CHECK_STR(rig_code(a), "imaging_away");
    a = rig_http(r, "GET", "/readyz", "", NULL);
    CHECK_INT(a->status, 200);
    CHECK(json_is_false(json_object_get(a->json, "imaging")));

    rig_imaging(r, true);
    CHECK_SOON(r->loop, r->imaging_subscribed_after == 40);
    CHECK_INT(rig_http(r, "GET", "/api/v1/studies?scope=unmatched", doctor, NULL)->status, 200);
    CHECK_STR(r->last_op, "study.list");
    CHECK(strstr(r->last_body, "\"scope\":\"unmatched\"") != NULL);

    /* Two streams, each with its own numbers: neither sees the other's as its past. */
    rig_event(r, 101, "exam", who, "{\"exam_id\":\"1\"}");
    rig_ws_hear(w, "event");
    ask_server_event(r->imaging, &(struct ask_event){.seq = 41,
                                                     .topic = "study",
                                                     .accounts = &who,
                                                     .n_accounts = 1,
                                                     .json = "{\"study_id\":\"77\"}",
                                                     .json_len = strlen("{\"study_id\":\"77\"}")});
    ev = rig_ws_hear(w, "event");
    CHECK_STR(rig_str(ev, "topic"), "study");
    CHECK_STR(rig_str(json_object_get(ev, "data"), "study_id"), "77");
    rig_event(r, 102, "alert", who, "{\"alert_id\":\"2\"}");
    CHECK_STR(rig_str(rig_ws_hear(w, "event"), "topic"), "alert");
    r->seq = 102;
}

TEST(media_worker, that_restarts_gets_its_rooms_again_and_windows_are_told_to_rejoin)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *w = in_the_room(r, rig_login(r, "doctor1"), OFFER("11"));
    uint64_t epoch = r->last_epoch;

    CHECK_INT(r->rooms_opened, 1);
    rig_media(r, 0, false);
    rig_ws_say(w, OFFER("11"));
    CHECK_STR(rig_str(rig_ws_hear(w, "error"), "code"), "media_away");
    rig_media(r, 0, true);
    CHECK_STR(rig_str(rig_ws_hear(w, "rejoin"), "reason"), "media_restarted");
    CHECK_SOON(r->loop, r->rooms_opened == 2);
    CHECK_INT(r->last_epoch, epoch);
    rig_ws_say(w, OFFER("12"));
    rig_ws_hear(w, "answer");
}

TEST(media_worker, that_stays_away_loses_its_rooms_to_another_under_a_higher_epoch)
{
    struct rig *r = rig_start(t, "--media.workers=2");
    struct rig_ws *w = in_the_room(r, rig_login(r, "doctor1"), OFFER("11"));
    uint64_t epoch = r->last_epoch;

    CHECK_INT(r->last_worker, 0);
    rig_media(r, 1, true);
    CHECK_SOON(r->loop, r->media[1].wire != NULL);
    rig_media(r, 0, false);
    CHECK_STR(rig_str(rig_ws_hear(w, "rejoin"), "reason"), "media_lost");
    rig_ws_say(w, OFFER("12"));
    rig_ws_hear(w, "answer");
    CHECK_INT(r->last_worker, 1);
    CHECK(r->last_epoch > epoch);
}

TEST(lease, that_somebody_else_took_is_noticed_and_nothing_is_commanded_under_the_old_epoch)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *w = in_the_room(r, rig_login(r, "doctor1"), OFFER("11"));
    uint64_t epoch = r->last_epoch;

    pg_sql("UPDATE signaling.rooms SET epoch = epoch + 1 WHERE room_id = '" RIG_ROOM "'");
    CHECK_STR(rig_str(rig_ws_hear(w, "rejoin"), "reason"), "media_lost");
    rig_ws_say(w, OFFER("12"));
    rig_ws_hear(w, "answer");
    CHECK_INT(r->last_epoch, epoch + 2);
}

TEST(machine, keeps_its_address_although_signald_was_killed)
{
    struct rig *r = rig_start(t, NULL);
    const char *any = rig_bearer(r, "*", true, true, 600);
    char *headers = mem_format("%sContent-Type: application/sdp\r\n", any), place[200], other[200];
    const struct rig_answer *a =
        rig_http(r, "POST", "/whip/load?peer=gone", headers, "v=0\r\na=fingerprint:sha-256 AA\r\n");

    CHECK_INT(sscanf(strstr(a->head, "Location: ") + 10, "%199s", other), 1);
    a = rig_http(r, "POST", "/whip/load?peer=cam", headers, "v=0\r\na=fingerprint:sha-256 AA\r\n");
    CHECK_INT(sscanf(strstr(a->head, "Location: ") + 10, "%199s", place), 1);
    CHECK_SOON(r->loop,
               !strcmp("2", pg_value("SELECT count(*) FROM signaling.machine_peers WHERE ended_at IS NULL")));
    rig_restart(r, SIGKILL);
    CHECK_INT(rig_http(r, "DELETE", other, any, NULL)->status, 404); /* the worker has it no more */
    CHECK_INT(
        rig_http(r, "POST", "/whep/load?from=cam", headers, "v=0\r\na=fingerprint:sha-256 AA\r\n")->status,
        201);
    CHECK_STR(r->last_from, "w.cam");
    CHECK_INT(rig_http(r, "DELETE", place, any, NULL)->status, 200);
    CHECK_INT(rig_http(r, "DELETE", place, any, NULL)->status, 404);
    free(headers);
}

TEST(scheduler, that_comes_back_hears_who_is_present_and_repeats_what_was_missed)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *w = rig_ws_greet(r, rig_login(r, "doctor1"), NULL);
    const json_t *back;
    int before;

    rig_ws_say(w, JOIN);
    rig_ws_hear(w, "joined");
    CHECK_SOON(r->loop, r->presences > 0);
    rig_event(r, 101, "pool", 311, "{}");
    rig_ws_hear(w, "event");
    rig_scheduler(r, false);
    CHECK_STR(rig_str(rig_ws_hear(w, "delayed"), "what"), "scheduler");
    before = r->presences;
    rig_scheduler(r, true);
    CHECK_SOON(r->loop, r->presences > before && r->subscribed_after == 101);
    back = rig_ws_hear(w, "delayed");
    CHECK(json_object_get(back, "what") == json_null());
    rig_event(r, 102, "pool", 311, "{\"op\":\"added\"}");
    rig_ws_hear(w, "event");
}

TEST(signald, that_is_killed_takes_its_rooms_over_under_a_higher_epoch_and_names_the_same_peer)
{
    struct rig *r = rig_start(t, NULL);
    const char *doctor = rig_login(r, "doctor1");
    uint64_t epoch;
    char peer[64], life[32];

    in_the_room(r, doctor, OFFER("11"));
    snprintf(life, sizeof life, "%s",
             pg_value("SELECT epoch + 1 FROM records.writers WHERE writer_id = 'signal-1'"));
    epoch = r->last_epoch;
    snprintf(peer, sizeof peer, "%s", r->last_peer);
    rig_restart(r, SIGKILL);
    in_the_room(r, doctor, OFFER("11")); /* the browser's connection lived on: same session id */
    CHECK(r->last_epoch > epoch);
    CHECK_STR(r->last_peer, peer);
    /* Its audit chain goes on in a new life of the same writer. */
    CHECK_SOON(r->loop,
               !strcmp(life, pg_value("SELECT epoch FROM records.writers WHERE writer_id = 'signal-1'")));
}

TEST(signald, that_is_asked_to_end_ends_at_once_with_open_windows)
{
    struct rig *r = rig_start(t, NULL);
    int64_t began;

    in_the_room(r, rig_login(r, "doctor1"), OFFER("11"));
    began = clock_mono_us();
    rig_restart(r, SIGTERM);
    CHECK(clock_mono_us() - began < 10 * US_PER_S);
}
