/* yz-schedulerd as a process that is killed, stopped and doubled. */
#include "core/clock.h"
#include "records/audit_verify.h"
#include "tests/unit/scheduling/client_fx.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void trail_is_intact(struct fx *f)
{
    struct audit_report report;
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_open(&s, f->audit, &err), &err);
    bool ok = audit_verify(s, NULL, &report, &err);
    db_sync_close(s);
    CHECK_OK(ok, &err);
    CHECK_STR(report.what, "");
}

/* Orders that wait, offers with known nonces, and a doctor with large hands. */
static void pool_of(struct fx *f, int n)
{
    fx_on_duty(f, "doctor1");
    fx_on_duty(f, "doctor2");
    fx_sql(f, "UPDATE scheduling.offer_policies SET hand_max = 100000");
    fx_sql(
        f,
        "INSERT INTO records.visits (region_id, id, tenant_id, order_id, person_id, room_id, channel, kind, "
        "state, created_at)"
        " SELECT 150000, 500000 + n, 21, 600000 + n, 102, 'room' || n, 'assisted', 'first_visit', 'pooled', "
        "now()"
        " FROM generate_series(1, %d) n;"
        "INSERT INTO scheduling.orders (region_id, id, tenant_id, state, channel, kind, specialty, "
        "care_level, person_id, age_band,"
        " sex, visit_id, inviting_tenant_id, inviting_staff_id, complaint, created_by, created_at, "
        "queued_at, circle)"
        " SELECT 150000, 600000 + n, 21, 'pooled', 'assisted', 'first_visit', 'general', 'L2', 102, '70-79', "
        "'male', 500000 + n,"
        " 21, 204, 'x', 314, now(), now(), 1 FROM generate_series(1, %d) n;"
        "INSERT INTO scheduling.offers (region_id, order_id, staff_id, tenant_id, nonce, circle, offered_at)"
        " SELECT 150000, 600000 + n, 200 + d, 31, 'n' || d, 1, now() FROM generate_series(1, %d) n, "
        "generate_series(1, 2) d",
        n, n, n);
}

static uint64_t claim(struct client *c, int order, int doctor)
{
    return client_ask(c, doctor == 1 ? "doctor1" : "doctor2", SCHED_OP_ORDER_CLAIM, "",
                      "{'order_id':'%d','version':1,'nonce':'n%d'}", 600000 + order, doctor);
}

/* Rounds of: two doctors claim everything in sight, the daemon is killed somewhere in the middle of it. */
TEST(crash, kill_9_loses_no_acknowledged_claim_and_makes_no_second_winner)
{
    enum { ROUNDS = 6, ORDERS = 120 };
    struct fx *f = fx_open(t);
    const char *path = test_path(t, test_dir(t), "s.sock");
    static int winner[ROUNDS * ORDERS + 1];
    struct client *c = client_open(t, path);
    int acknowledged = 0, unknown = 0;

    pool_of(f, ROUNDS * ORDERS);
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        struct daemon *d = daemon_start(t, f, path, 7);
        uint64_t ids[2 * ORDERS];
        int hellos = c->hellos, closes = c->closes, first = round * ORDERS;
        int64_t kill_at;

        CHECK_SOON(c->loop, c->hellos > hellos && c->epoch > 0);
        kill_at = clock_mono_us() + rand() % (400 * US_PER_MS);
        for (int i = 0; i < 2 * ORDERS; i++) {
            ids[i] = claim(c, first + 1 + i / 2, 1 + i % 2);
            if (i % 16 == 15) /* several batches, so that the kill finds some answered and some not */
                loop_turn(c->loop, 5);
        }
        while (clock_mono_us() < kill_at)
            loop_turn(c->loop, 1);
        daemon_signal(d, SIGKILL);
        daemon_wait(d);
        CHECK_SOON(c->loop, c->closes > closes);
        for (int i = 0; i < 2 * ORDERS; i++) {
            struct reply *r = &c->replies[ids[i]];

            if (!r->done)
                unknown++;
            else if (!r->err.code) {
                CHECK_INT(winner[first + 1 + i / 2], 0);
                winner[first + 1 + i / 2] = 1 + i % 2;
                acknowledged++;
            }
        }
    }
    print_message("%d claims acknowledged, %d outcomes unknown over %d kills\n", acknowledged, unknown,
                  ROUNDS);
    CHECK(acknowledged + unknown > 0);
    for (int n = 1; n <= ROUNDS * ORDERS; n++)
        if (winner[n])
            CHECK_INT(fx_count(f, "SELECT doctor_id FROM scheduling.orders WHERE id = %d", 600000 + n),
                      200 + winner[n]);
    CHECK_INT(
        fx_count(
            f,
            "SELECT count(*) FROM (SELECT order_id FROM scheduling.claim_log WHERE result = 'won' GROUP BY 1"
            " HAVING count(*) > 1) x"),
        0);
    CHECK_INT(
        fx_count(f,
                 "SELECT count(*) FROM scheduling.orders o WHERE (state = 'claimed') <> EXISTS (SELECT 1 FROM"
                 " scheduling.claim_log l WHERE l.order_id = o.id AND l.result = 'won')"),
        0);
    CHECK_INT(fx_count(f, "SELECT count(*) - count(DISTINCT seq) FROM records.events"), 0);
    CHECK_INT(fx_count(f, "SELECT max(seq) - count(*) FROM records.events"), 0);
    trail_is_intact(f);
}

TEST(crash, a_stopped_owner_that_wakes_up_changes_nothing)
{
    struct fx *f = fx_open(t);
    const char *one_path = test_path(t, test_dir(t), "one.sock"),
               *two_path = test_path(t, test_dir(t), "two.sock");
    struct daemon *one, *two;
    struct client *first, *second;
    struct reply *late, *won;
    uint64_t id;

    pool_of(f, 2);
    one = daemon_start(t, f, one_path, 7);
    first = client_open(t, one_path);
    CHECK_SOON(first->loop, first->epoch == 2);
    daemon_signal(one, SIGSTOP);
    id = claim(first, 1, 1); /* it lies in the stopped owner's socket */
    CHECK(id != 0);
    two = daemon_start(t, f, two_path, 8);
    second = client_open(t, two_path);
    CHECK_SOON(second->loop, second->epoch == 3);
    won = client_wait(second, claim(second, 1, 2));
    CHECK_STR(fx_str(won->doc, "result"), "won");
    daemon_signal(one, SIGCONT);
    late = client_wait(first, id);
    CHECK_STR(late->err.reason, "scheduler_not_owner");
    CHECK_INT(fx_count(f, "SELECT doctor_id FROM scheduling.orders WHERE id = 600001"), 202);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM scheduling.claim_log WHERE order_id = 600001"), 1);
    CHECK_STR(client_wait(first, claim(first, 2, 1))->err.reason,
              "scheduler_not_owner"); /* and it knows now */
    daemon_signal(two, SIGTERM);
    daemon_wait(two);
    CHECK_SOON(first->loop, first->epoch == 4); /* takes the region back when the other is gone */
    trail_is_intact(f);
}

TEST(crash, a_daemon_that_is_told_to_stop_does_so_and_answers_what_it_had)
{
    struct fx *f = fx_open(t);
    const char *path = test_path(t, test_dir(t), "s.sock");
    struct client *c = client_open(t, path);
    struct daemon *d;
    uint64_t ids[200];
    int answered = 0;

    pool_of(f, 200);
    d = daemon_start(t, f, path, 7);
    CHECK_SOON(c->loop, c->epoch > 0);
    CHECK(!client_wait(c, client_ask(c, "system", SCHED_OP_HEALTH, "", "{}"))->err.code);
    for (int i = 0; i < 200; i++)
        ids[i] = claim(c, i + 1, 1);
    loop_turn(c->loop, 0);
    daemon_signal(d, SIGTERM);
    CHECK_SOON(c->loop, c->closes > 0);
    daemon_wait(d);
    for (int i = 0; i < 200; i++)
        answered += c->replies[ids[i]].done && !c->replies[ids[i]].err.code;
    CHECK_INT(fx_count(f, "SELECT count(*) FROM scheduling.claim_log WHERE result = 'won'"), answered);
}
