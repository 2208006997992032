/* What a visit looks at together, on the sockets of a running yz-signald. */
#include "tests/unit/signaling/rig.h"
#include "core/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOIN "{\"t\":\"join\",\"id\":\"j\",\"visit_id\":\"" RIG_VISIT "\"}"
#define VIEW(word)                                                                                           \
    "{\"t\":\"view\",\"id\":\"v\",\"visit_id\":\"" RIG_VISIT "\",\"state\":{\"study_uid\":\"" word "\"}}"
#define POINTER                                                                                              \
    "{\"t\":\"pointer\",\"visit_id\":\"" RIG_VISIT                                                           \
    "\",\"x\":12.5,\"y\":-3,\"on\":true,\"instance\":\"1.2.3\"}"
#define PING "{\"t\":\"ping\",\"id\":\"p\"}"

static struct rig_ws *joined(struct rig *r, const char *who)
{
    struct rig_ws *w = rig_ws_greet(r, who, NULL);

    rig_ws_say(w, JOIN);
    rig_ws_hear(w, "joined");
    return w;
}

static void sees(struct rig_ws *w, const char *word)
{
    const json_t *m = rig_ws_hear(w, "view");

    CHECK_STR(rig_str(json_object_get(m, "state"), "study_uid"), word);
    CHECK_STR(rig_str(m, "visit_id"), RIG_VISIT);
}

/* Nothing of this type among what has come until the pong. */
static void hears_none(struct rig_ws *w, const char *type)
{
    rig_ws_say(w, PING);
    CHECK_INT(rig_ws_count(w, type, "pong"), 0);
}

static void shows(struct rig_ws *w, const char *text)
{
    rig_ws_say(w, text);
    rig_ws_hear(w, "ok");
}

TEST(view, reaches_the_other_seat_and_not_its_own)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *doctor = joined(r, rig_login(r, "doctor1")), *patient;
    const json_t *m;

    rig_state(r, "live");
    patient = joined(r, rig_login(r, "patient1"));
    rig_ws_say(doctor, VIEW("1.1"));
    rig_ws_hear(doctor, "ok");
    sees(patient, "1.1");
    hears_none(doctor, "view");
    rig_ws_say(patient, VIEW("1.2"));
    m = rig_ws_hear(doctor, "view");
    CHECK_STR(rig_str(m, "seat_id"), "7002");
    CHECK_STR(rig_str(json_object_get(m, "state"), "study_uid"), "1.2");
}

TEST(view, that_is_newest_is_told_to_whoever_joins_comes_back_or_moves)
{
    struct rig *r = rig_start(t, NULL);
    const char *d = rig_login(r, "doctor1"), *p = rig_login(r, "patient1");
    struct rig_ws *doctor = joined(r, d), *patient;
    char *resume;
    int status;

    rig_state(r, "live");
    shows(doctor, VIEW("1.1"));
    shows(doctor, VIEW("1.2"));
    patient = joined(r, p);
    sees(patient, "1.2");

    /* A dropped line: the seat is the same, and so is the picture. */
    patient = rig_ws_open(r, "/ws", p, &status);
    rig_ws_say(patient, "{\"t\":\"hello\"}");
    resume = mem_str(rig_str(rig_ws_hear(patient, "welcome"), "resume"));
    rig_ws_say(patient, JOIN);
    rig_ws_hear(patient, "joined");
    sees(patient, "1.2");
    rig_ws_drop(patient);
    shows(doctor, VIEW("1.3"));
    patient = rig_ws_greet(r, p, resume);
    sees(patient, "1.3");
    free(resume);

    /* Everybody's line at once: the visit remembers. */
    rig_ws_drop(doctor);
    rig_ws_drop(patient);
    doctor = joined(r, d);
    sees(doctor, "1.3");
}

TEST(view, stays_out_of_the_lobby_until_somebody_is_let_in)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *doctor = joined(r, rig_login(r, "doctor1")),
                  *patient = joined(r, rig_login(r, "patient1"));

    shows(doctor, VIEW("1.1"));
    rig_ws_say(doctor, POINTER);
    hears_none(patient, "view");
    hears_none(patient, "pointer");
    rig_ws_say(patient, VIEW("9.9"));
    CHECK_STR(rig_str(rig_ws_hear(patient, "error"), "code"), "not_admitted");
    rig_ws_say(patient, POINTER);
    CHECK_STR(rig_str(rig_ws_hear(patient, "error"), "code"), "not_admitted");
    hears_none(doctor, "view");
    rig_state(r, "live");
    sees(patient, "1.1");
    rig_state(r, "documenting");
    rig_ws_hear(doctor, "rights");
    rig_ws_say(doctor, VIEW("1.2"));
    CHECK_STR(rig_str(rig_ws_hear(doctor, "error"), "code"), "not_admitted");
}

TEST(view, of_somebody_who_is_not_in_the_room_is_refused)
{
    struct rig *r = rig_start(t, NULL);
    struct rig_ws *doctor = joined(r, rig_login(r, "doctor1")),
                  *stranger = rig_ws_greet(r, rig_login(r, "doctor2"), NULL),
                  *patient = rig_ws_greet(r, rig_login(r, "patient1"), NULL);

    rig_state(r, "live");
    rig_ws_say(stranger, VIEW("6.6"));
    CHECK_STR(rig_str(rig_ws_hear(stranger, "error"), "code"), "not_in_room");
    rig_ws_say(patient, VIEW("6.6")); /* has a seat, and has not taken it */
    CHECK_STR(rig_str(rig_ws_hear(patient, "error"), "code"), "not_in_room");
    hears_none(doctor, "view");
}

TEST(pointer, is_passed_on_at_most_thirty_times_a_second_and_never_kept)
{
    struct rig *r = rig_start(t, NULL);
    const char *d = rig_login(r, "doctor1"), *p = rig_login(r, "patient1");
    struct rig_ws *doctor = joined(r, d), *patient;
    const json_t *m;
    int heard;

    rig_state(r, "live");
    patient = joined(r, p);
    rig_ws_say(doctor, POINTER);
    m = rig_ws_hear(patient, "pointer");
    CHECK_STR(rig_str(m, "seat_id"), "7001");
    CHECK_STR(rig_str(m, "instance"), "1.2.3");
    CHECK(json_real_value(json_object_get(m, "x")) == 12.5 &&
          json_number_value(json_object_get(m, "y")) == -3);
    CHECK(json_is_true(json_object_get(m, "on")));

    /* 90 at once: thirty, and what a slow machine's time lets through besides; the socket lives on. */
    for (int i = 0; i < 90; i++)
        rig_ws_say(doctor, POINTER);
    shows(doctor, VIEW("1.1")); /* whatever was passed on is before this */
    heard = rig_ws_count(patient, "pointer", "view");
    CHECK(heard >= 29 && heard < 90);
    hears_none(doctor, "pointer");
    patient = joined(r, p);
    sees(patient, "1.1");
    hears_none(patient, "pointer");
}
