/* Bookings, rosters and the waiting room on a real database. */
#include "core/clock.h"
#include "core/mem.h"
#include "tests/unit/scheduling/sched_fx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* n patients with accounts, registered with the county. */
static void patients(struct fx *f, int n)
{
    fx_sql(f,
           "INSERT INTO records.persons (region_id, id, tenant_id, name, sex, birth_date) SELECT 150000, "
           "30000 + n, 11, 'P' || n,"
           " 'female', '1980-01-01' FROM generate_series(1, %d) n;"
           "INSERT INTO records.accounts (region_id, id, tenant_id, login, password_hash, name, person_id) "
           "SELECT 150000, 40000 + n, 11,"
           " 'crowd' || n, '!', 'P' || n, 30000 + n FROM generate_series(1, %d) n;"
           "INSERT INTO records.account_roles SELECT 150000, 40000 + n, 'patient', 11 FROM "
           "generate_series(1, %d) n",
           n, n, n);
}

static struct sched_request *booking(int patient, int64_t slot, const char *key)
{
    struct sched_request *r = mem_new(sizeof *r);
    struct err err = ERR_INIT;
    char body[256];
    int len = snprintf(body, sizeof body,
                       "{\"slot_id\":\"%lld\",\"complaint\":\"x\",\"prior_diagnosis\":{\"text\":\"I10\","
                       "\"evidence\":\"e\"}}",
                       (long long)slot);

    *r = (struct sched_request){.op = SCHED_OP_APPOINTMENT_CREATE,
                                .region_id = 150000,
                                .tenant_id = 11,
                                .account_id = 40000 + patient,
                                .person_id = 30000 + patient,
                                .roles = ROLE_PATIENT};
    snprintf(r->key, sizeof r->key, "%s", key);
    CHECK_OK(request_parse(r, (const uint8_t *)body, (size_t)len, &err), &err);
    return r;
}

TEST(bookings, five_hundred_clients_and_two_seats_give_two_bookings)
{
    enum { CLIENTS = 500 };
    struct fx *f = fx_open(t);
    struct sched_request *req[CLIENTS];
    int won = 0;
    int64_t slot;

    fx_publish(f);
    fx_on_duty(f, "doctor1");
    patients(f, CLIENTS);
    slot = fx_slot(f, 3);
    for (int i = 0; i < CLIENTS; i++)
        req[i] = booking(i + 1, slot, "");
    owner_turn(f->o, req, 256);
    owner_turn(f->o, req + 256, CLIENTS - 256);
    for (int i = 0; i < CLIENTS; i++) {
        if (!req[i]->answer.err.code)
            CHECK_INT(fx_int(req[i]->answer.doc, "token_no"), ++won);
        else
            CHECK_STR(req[i]->answer.err.reason, "slot_full");
        request_free(req[i]);
    }
    CHECK_INT(won, 2);
    CHECK_STR(
        fx_value(f, "SELECT taken || '/' || cap FROM scheduling.slots WHERE id = %lld", (long long)slot),
        "2/2");
    CHECK_INT(fx_count(f, "SELECT count(*) FROM scheduling.orders WHERE slot_id = %lld", (long long)slot), 2);
}

static int64_t same_day(struct fx *f, int64_t slot)
{
    return fx_count(
        f,
        "SELECT min(b.id) FROM scheduling.slots a JOIN scheduling.slots b ON b.session_id = a.session_id AND"
        " b.day = a.day AND b.id > a.id WHERE a.id = %lld",
        (long long)slot);
}

TEST(bookings, a_double_click_is_one_booking_and_one_answer)
{
    struct fx *f = fx_open(t);
    struct sched_request *req[3];
    int64_t slot;

    fx_publish(f);
    fx_on_duty(f, "doctor1");
    patients(f, 1);
    slot = fx_count(
        f, "SELECT min(id) FROM scheduling.slots WHERE clinic_id = 41 AND ends_at > now() GROUP BY day"
           " HAVING count(*) > 1 ORDER BY day LIMIT 1");
    req[0] = booking(1, slot, "");
    req[1] = booking(1, same_day(f, slot), ""); /* another slot of the same doctor and day */
    req[2] = booking(1, slot, "");
    owner_turn(f->o, req, 2);
    owner_turn(f->o, req + 2, 1);
    CHECK_INT(fx_id(req[0]->answer.doc, "id"), fx_id(req[1]->answer.doc, "id"));
    CHECK_INT(fx_id(req[0]->answer.doc, "id"), fx_id(req[2]->answer.doc, "id"));
    CHECK_INT(fx_count(f, "SELECT sum(taken) FROM scheduling.slots"), 1);
    for (int i = 0; i < 3; i++)
        request_free(req[i]);
}

TEST(bookings, the_same_key_gives_the_first_answer_and_another_body_is_refused)
{
    struct fx *f = fx_open(t);
    struct sched_request *req[4];
    int64_t slot;
    char *first, *again;

    fx_publish(f);
    fx_on_duty(f, "doctor1");
    patients(f, 2);
    slot = fx_slot(f, 0);
    req[0] = booking(1, slot, "k1");
    req[1] = booking(1, slot, "k1");          /* in the same batch: asked again in the next */
    req[2] = booking(1, fx_slot(f, 1), "k1"); /* another body */
    req[3] = booking(2, slot, "k1");          /* another account: another key */
    owner_turn(f->o, req, 2);
    CHECK(req[1]->deferred);
    owner_turn(f->o, req + 1, 1);
    owner_turn(f->o, req + 2, 2);
    first = json_text(req[0]->answer.doc, NULL);
    again = json_text(req[1]->answer.doc, NULL);
    CHECK_STR(first, again);
    CHECK(req[1]->replayed);
    CHECK_REFUSED(req[2], ERR_CONFLICT, "idempotency_mismatch");
    CHECK(!req[3]->answer.err.code);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM scheduling.orders"), 2);
    free(first);
    free(again);
    for (int i = 0; i < 4; i++)
        request_free(req[i]);
}

TEST(bookings, nobody_books_for_a_stranger_nor_beyond_the_limit)
{
    struct fx *f = fx_open(t);

    fx_publish(f);
    fx_on_duty(f, "doctor1");
#define BOOK(who, person)                                                                                    \
    fx_ask(                                                                                                  \
        f, who, SCHED_OP_APPOINTMENT_CREATE,                                                                 \
        "{'slot_id':'%lld','person_id':'%d','complaint':'x','prior_diagnosis':{'text':'a','evidence':'b'}}", \
        (long long)fx_slot(f, 0), person)
    CHECK_REFUSED(BOOK("patient1", 102), ERR_NOT_FOUND, "person_unknown");
    CHECK_REFUSED(BOOK("township_doctor1", 101), ERR_NOT_FOUND, "person_unknown"); /* another register */
    CHECK(!BOOK("township_doctor1", 103)->answer.err.code);
    fx_assist(f, 102);
    fx_assist(f, 102);
    CHECK_REFUSED(BOOK("patient2", 102), ERR_CONFLICT, "too_many_open_orders");
#undef BOOK
}

TEST(bookings, a_cancelled_seat_is_free_again_and_its_number_is_not_given_twice)
{
    struct fx *f = fx_open(t);
    int64_t slot;
    json_t *doc;

    fx_publish(f);
    fx_on_duty(f, "doctor1");
    slot = fx_slot(f, 0);
    doc = fx_book(f, "patient1", slot);
    doc = fx_step(f, "patient1", SCHED_OP_APPOINTMENT_CANCEL, fx_id(doc, "id"))->answer.doc;
    CHECK_STR(fx_str(doc, "state"), "cancelled");
    CHECK_STR(fx_value(f, "SELECT taken || ' ' || last_token FROM scheduling.slots WHERE id = %lld",
                       (long long)slot),
              "0 1");
    CHECK_INT(fx_int(fx_book(f, "patient1", slot), "token_no"), 2);
}

TEST(bookings, a_doctor_who_goes_off_takes_todays_free_times_along)
{
    struct fx *f = fx_open(t);

    fx_publish(f);
    fx_on_duty(f, "doctor1");
    CHECK(json_array_size(fx_get(f, "patient1", SCHED_OP_SLOT_LIST, "{'clinic_id':'41'}")) > 0);
    int64_t slot = fx_slot(f, 0);
    fx_get(f, "doctor1", SCHED_OP_DUTY_SET, "{'on':false}");
    CHECK(json_is_null(json_object_get(json_array_get(fx_get(f, "patient1", SCHED_OP_CLINIC_LIST, "{}"), 0),
                                       "next_free_at")));
    struct sched_request *r = fx_ask(
        f, "patient1", SCHED_OP_APPOINTMENT_CREATE,
        "{'slot_id':'%lld','complaint':'x','prior_diagnosis':{'text':'a','evidence':'b'}}", (long long)slot);
    CHECK_REFUSED(r, ERR_CONFLICT, "slot_gone");
}

/* ---------------------------------------------------------------- rosters */

TEST(rosters, a_draft_is_made_published_once_and_overlaps_nothing)
{
    struct fx *f = fx_open(t);
    char from[CLOCK_TEXT], to[CLOCK_TEXT];
    int64_t start = (clock_now_us() / (3600 * US_PER_S) + 30) * 3600 * US_PER_S;
    json_t *doc;

    clock_format_utc(start, from);
    clock_format_utc(start + 7200 * US_PER_S, to);
#define CREATE(who, staff)                                                                                   \
    fx_ask(f, who, SCHED_OP_ROSTER_CREATE,                                                                   \
           "{'clinic_id':'41','staff_id':'%d','starts_at':'%s','ends_at':'%s','slot_minutes':15,'capacity_"  \
           "per_slot':3,"                                                                                    \
           "'kinds':['follow_up','first_visit']}",                                                           \
           staff, from, to)
    CHECK_REFUSED(CREATE("office1", 203), ERR_INVALID, "doctor_unfit"); /* another hospital's */
    CHECK_REFUSED(CREATE("doctor1", 201), ERR_DENIED, "role_denied");
    doc = CREATE("office1", 202)->answer.doc;
    CHECK_STR(fx_str(doc, "state"), "draft");
    CHECK_INT(fx_int(doc, "slots"), 8);
    struct sched_request *r =
        fx_ask(f, "office1", SCHED_OP_ROSTER_PUBLISH, "{'roster_id':'%s','version':1}", fx_str(doc, "id"));
    CHECK_STR(fx_str(r->answer.doc, "state"), "open");
    CHECK_REFUSED(CREATE("office1", 202), ERR_CONFLICT, "roster_overlap");
    CHECK_REFUSED(
        fx_ask(f, "office1", SCHED_OP_ROSTER_PUBLISH, "{'roster_id':'%s','version':2}", fx_str(doc, "id")),
        ERR_CONFLICT, "wrong_state");
    CHECK_REFUSED(fx_ask(f, "office1", SCHED_OP_ROSTER_CANCEL, "{'roster_id':'%s','version':1,'reason':'x'}",
                         fx_str(doc, "id")),
                  ERR_STALE, "version_stale");
#undef CREATE
}

TEST(rosters, cancelling_a_session_cancels_its_bookings_and_tells_each_patient)
{
    struct fx *f = fx_open(t);
    int64_t roster;
    json_t *doc = NULL;

    roster = fx_publish(f);
    fx_on_duty(f, "doctor1");
    fx_book(f, "patient1", fx_slot(f, 0));
    fx_book(f, "patient3", fx_slot(f, 1));
    fx_forget_events(f);
    doc = fx_get(f, "office1", SCHED_OP_ROSTER_CANCEL, "{'roster_id':'%lld','version':%lld,'reason':'ill'}",
                 (long long)roster,
                 (long long)fx_count(f, "SELECT version FROM scheduling.roster_sessions WHERE id = %lld",
                                     (long long)roster));
    CHECK_STR(fx_str(doc, "state"), "cancelled");
    CHECK_INT(fx_events(f, "order", NULL), 2);
    CHECK_INT(
        fx_count(
            f, "SELECT count(*) FROM scheduling.orders WHERE state = 'cancelled' AND cancel_reason = 'ill'"),
        2);
    CHECK_INT(fx_count(f, "SELECT sum(taken) FROM scheduling.slots"), 0);
    CHECK_INT(fx_count(f,
                       "SELECT count(*) FROM scheduling.slots WHERE session_id = %lld AND state <> 'closed'",
                       (long long)roster),
              0);
}

TEST(rosters, the_clock_opens_runs_and_closes_them_and_marks_who_never_came)
{
    struct fx *f = fx_open(t);
    int64_t roster, order;

    roster = fx_publish(f);
    fx_on_duty(f, "doctor1");
    order = fx_id(fx_book(f, "patient1", fx_slot(f, 0)), "id");
    CHECK(owner_tick(f->o));
    CHECK_STR(fx_value(f, "SELECT state FROM scheduling.roster_sessions WHERE id = %lld", (long long)roster),
              "running");
    owner_shift_clock(f->o, 11 * 3600 * US_PER_S);
    CHECK(owner_tick(f->o));
    CHECK(owner_tick(f->o));
    CHECK_STR(fx_value(f, "SELECT state FROM scheduling.roster_sessions WHERE id = %lld", (long long)roster),
              "closed");
    CHECK_STR(fx_value(f, "SELECT state FROM scheduling.orders WHERE id = %lld", (long long)order),
              "no_show");
}

/* ---------------------------------------------------------------- the waiting room */

TEST(waiting_room, opens_half_an_hour_before_and_tells_everyone_where_they_stand)
{
    struct fx *f = fx_open(t);
    json_t *doc = NULL;
    int64_t one, two, late;

    fx_publish(f);
    fx_on_duty(f, "doctor1");
    late = fx_id(fx_book(f, "patient4", fx_slot(f, 12)), "id");
    CHECK_REFUSED(fx_step(f, "patient4", SCHED_OP_ORDER_CHECK_IN, late), ERR_CONFLICT, "too_early");
    CHECK(!fx_has(json_object_get(fx_order(f, "patient4", late), "actions"), "check_in"));
    one = fx_id(fx_book(f, "patient1", fx_slot(f, 0)), "id");
    two = fx_id(fx_book(f, "patient3", fx_slot(f, 1)), "id"); /* 85 years old */
    CHECK(fx_has(json_object_get(fx_order(f, "patient1", one), "actions"), "check_in"));
    fx_step(f, "patient1", SCHED_OP_ORDER_CHECK_IN, one);
    fx_forget_events(f);
    fx_step(f, "patient3", SCHED_OP_ORDER_CHECK_IN, two);
    CHECK_INT(fx_events(f, "waiting", NULL), 2);
    doc = fx_get(f, "patient1", SCHED_OP_WAITING_GET, "{'order_id':'%lld'}", (long long)one);
    CHECK_INT(fx_int(doc, "ahead"), 1); /* over 80 goes before a ticket ten minutes younger */
    CHECK(json_is_true(json_object_get(doc, "doctor_present")));
    CHECK(json_is_null(json_object_get(doc, "estimate_minutes")));
    fx_sql(
        f,
        "INSERT INTO records.visits (region_id, id, tenant_id, order_id, person_id, room_id, channel, kind, "
        "state, live_at, ended_at,"
        " created_at) SELECT 150000, 700 + n, 31, 800 + n, 101, 'r' || n, 'home_direct', 'follow_up', "
        "'documenting', now(), now(),"
        " now() FROM generate_series(1, 3) n;"
        "INSERT INTO scheduling.orders (region_id, id, tenant_id, state, channel, kind, specialty, "
        "care_level, person_id, age_band,"
        " sex, visit_id, doctor_id, doctor_tenant_id, complaint, prior_diagnosis, created_by, created_at, "
        "claimed_at, live_at, ended_at)"
        " SELECT 150000, 800 + n, 31, 'documenting', 'home_direct', 'follow_up', 'general', 'L2', 101, 'x', "
        "'female', 700 + n, 201, 31,"
        " 'x', '{}', 301, now(), now(), now() - interval '12 minutes', now() FROM generate_series(1, 3) n");
    doc = fx_get(f, "patient1", SCHED_OP_WAITING_GET, "{'order_id':'%lld'}", (long long)one);
    CHECK_INT(fx_int(doc, "estimate_minutes"), 12);
}

TEST(presence, a_live_visit_that_loses_everyone_stays_live_until_it_is_ended)
{
    struct fx *f = fx_open(t);
    int64_t order, visit;
    json_t *doc;

    fx_publish(f);
    fx_on_duty(f, "doctor1");
    doc = fx_book(f, "patient1", fx_slot(f, 0));
    order = fx_id(doc, "id");
    visit = fx_id(doc, "visit_id");
    fx_step(f, "patient1", SCHED_OP_ORDER_CHECK_IN, order);
    fx_consents(f, visit, "service,sensitive_data,recording");
    fx_present(f, visit, "doctor", true);
    fx_present(f, visit, "patient", true);
    CHECK_STR(fx_str(fx_step(f, "doctor1", SCHED_OP_ORDER_ADMIT, order)->answer.doc, "state"), "live");
    fx_present(f, visit, "doctor", false);
    owner_shift_clock(f->o, 60 * US_PER_S);
    owner_sweep_presence(f->o, 30 * US_PER_S);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.visit_seats WHERE present"), 0);
    CHECK(owner_tick(f->o));
    CHECK_STR(fx_str(fx_order(f, "doctor1", order), "state"), "live");
    CHECK_STR(fx_str(fx_step(f, "doctor1", SCHED_OP_ORDER_END, order)->answer.doc, "state"), "documenting");
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.visit_seats WHERE admitted"), 0);
}

TEST(notes, versions_are_added_and_only_the_newest_can_be_signed)
{
    struct fx *f = fx_open(t);
    int64_t order, visit;
    json_t *doc;

    fx_publish(f);
    fx_on_duty(f, "doctor1");
    doc = fx_book(f, "patient1", fx_slot(f, 0));
    order = fx_id(doc, "id");
    visit = fx_id(doc, "visit_id");
    fx_step(f, "patient1", SCHED_OP_ORDER_CHECK_IN, order);
    fx_consents(f, visit, "service,sensitive_data,recording");
    doc = fx_step(f, "doctor1", SCHED_OP_ORDER_ADMIT, order)->answer.doc;
#define NOTE(text)                                                                                           \
    fx_ask(                                                                                                  \
        f, "doctor1", SCHED_OP_ORDER_NOTE,                                                                   \
        "{'order_id':'%lld','version':%lld,'diagnosis':{'code':'I10','text':'a'},'text':'%s','advice':''}",  \
        (long long)order,                                                                                    \
        (long long)fx_count(f, "SELECT version FROM scheduling.orders WHERE id = %lld", (long long)order),   \
        text)
    CHECK_INT(fx_int(NOTE("one")->answer.doc, "note_version"), 1);
    CHECK_INT(fx_int(NOTE("two")->answer.doc, "note_version"), 2);
    CHECK(
        json_is_null(json_object_get(fx_order(f, "patient1", order), "note"))); /* not before it is signed */
    fx_step(f, "doctor1", SCHED_OP_ORDER_END, order);
    CHECK_INT(fx_int(NOTE("three")->answer.doc, "note_version"), 3);
    doc = fx_order(f, "doctor1", order);
#define SIGN(n)                                                                                              \
    fx_ask(f, "doctor1", SCHED_OP_ORDER_SIGN, "{'order_id':'%lld','version':%lld,'note_version':%d}",        \
           (long long)order, (long long)fx_int(doc, "version"), n)
    CHECK_REFUSED(SIGN(2), ERR_STALE, "note_stale");
    CHECK_STR(fx_str(SIGN(3)->answer.doc, "state"), "closed");
    CHECK_REFUSED(NOTE("four"), ERR_CONFLICT, "wrong_state");
    CHECK_STR(fx_str(fx_order(f, "patient1", order), "note.text"), "three");
#undef NOTE
#undef SIGN
}
