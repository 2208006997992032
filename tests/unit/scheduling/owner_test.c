/* The owner itself: who may decide, what a bad request costs the others, what a lost connection means. */
#include "core/clock.h"
#include "core/mem.h"
#include "records/audit_verify.h"
#include "tests/unit/scheduling/sched_fx.h"
#include <stdlib.h>
#include <string.h>

TEST(owner, a_second_one_waits_until_the_lease_runs_out_and_the_first_is_fenced)
{
    struct fx *f = fx_open(t);
    struct owner *rival = fx_rival(f, 8);
    struct sched_request *r;
    int64_t order;

    fx_on_duty(f, "doctor1");
    order = fx_assist(f, 102);
    CHECK(!owner_tick(rival));
    fx_sql(f, "UPDATE scheduling.shard_lease SET until = clock_timestamp() - interval '1 second'");
    CHECK(owner_tick(rival));
    CHECK_INT(owner_epoch(rival), 2);

    /* The first still believes: its claim changes nothing and says "ask again". */
    r = fx_request(f, "doctor1", SCHED_OP_ORDER_CLAIM, "{'order_id':'%lld','version':1,'nonce':'%s'}",
                   (long long)order,
                   fx_value(f, "SELECT nonce FROM scheduling.offers WHERE order_id = %lld AND staff_id = 201",
                            (long long)order));
    owner_turn(f->o, &r, 1);
    CHECK_REFUSED(r, ERR_AGAIN, "scheduler_not_owner");
    CHECK_STR(fx_value(f, "SELECT state FROM scheduling.orders WHERE id = %lld", (long long)order), "pooled");
    CHECK_INT(f->epoch, 0);
    CHECK(!owner_tick(f->o));

    owner_turn(rival, &r, 1);
    CHECK_STR(fx_str(r->answer.doc, "result"), "won");
    CHECK_INT(fx_count(f, "SELECT max(epoch) FROM records.audit"), 2);
    CHECK_INT(fx_count(f, "SELECT count(*) - count(DISTINCT seq) FROM records.audit"), 0);
}

TEST(owner, the_same_process_started_again_owns_at_once)
{
    struct fx *f = fx_open(t);
    struct owner *again = fx_rival(f, 7);

    CHECK(owner_tick(again));
    CHECK_INT(owner_epoch(again), 2);
    CHECK_INT(owner_last_seq(again), owner_last_seq(f->o)); /* numbers go on */
}

TEST(owner, a_poisoned_request_fails_alone)
{
    enum { N = 9 };
    struct fx *f = fx_open(t);
    struct sched_request *req[N];
    int64_t order = fx_assist(f, 102);

    /* A constraint nobody's code knows of: exactly the request in the middle breaks it. */
    fx_sql(f, "ALTER TABLE scheduling.orders ADD CONSTRAINT poison CHECK (complaint <> 'poison')");
    fx_sql(f, "UPDATE records.accounts SET state = 'active'");
    for (int i = 0; i < N; i++)
        req[i] = fx_request(f, "township_doctor1", SCHED_OP_ORDER_CREATE,
                            "{'person_id':'%d','complaint':'%s','specialty':'general','urgency':'normal'}",
                            i % 2 ? 103 : 104, i == 4 ? "poison" : "fine");
    owner_turn(f->o, req, 3);
    for (int i = 3; i < N; i++) { /* two open orders each is the limit: the rest is refused, not broken */
        if (i == 4)
            continue;
    }
    fx_sql(f, "UPDATE scheduling.orders SET state = 'expired' WHERE id <> %lld", (long long)order);
    owner_turn(f->o, req + 3, 3);
    CHECK(!req[3]->answer.err.code);
    CHECK_REFUSED(req[4], ERR_INVALID, "poison");
    CHECK(!req[5]->answer.err.code);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM scheduling.orders WHERE complaint = 'poison'"), 0);
}

static void check_intact(struct fx *f)
{
    struct audit_report report;
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_open(&s, f->audit, &err), &err);
    bool ok = audit_verify(s, NULL, &report, &err);
    db_sync_close(s);
    CHECK_OK(ok, &err);
    CHECK_STR(report.what, "");
    CHECK(report.rows > 0 && report.seals > 0);
}

TEST(owner, a_connection_killed_under_it_costs_one_retry_and_no_answer)
{
    struct fx *f = fx_open(t);

    for (int i = 0; i < 5; i++) {
        fx_sql(f, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'yz_schedulerd' "
                  "AND datname = current_database()");
        fx_get(f, "doctor1", SCHED_OP_DUTY_SET, "{'on':%s}", i % 2 ? "false" : "true");
    }
    CHECK(json_is_true(json_object_get(fx_get(f, "doctor1", SCHED_OP_DUTY_GET, "{}"), "on_duty")));
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.audit WHERE action = 'duty.set'"), 5);
    CHECK(owner_tick(f->o));
    check_intact(f);
}

TEST(owner, who_claims_to_be_somebody_else_is_refused)
{
    struct fx *f = fx_open(t);
    struct sched_request *r = fx_request(f, "doctor1", SCHED_OP_DUTY_GET, "{}");

    r->tenant_id = 32;
    owner_turn(f->o, &r, 1);
    CHECK_REFUSED(r, ERR_DENIED, "actor_mismatch");
    r = fx_request(f, "doctor1", SCHED_OP_DUTY_GET, "{}");
    r->region_id = 110000;
    owner_turn(f->o, &r, 1);
    CHECK_REFUSED(r, ERR_NOT_FOUND, "region_unknown");
    fx_sql(f, "UPDATE records.accounts SET state = 'locked' WHERE id = 311");
    CHECK_REFUSED(fx_ask(f, "doctor1", SCHED_OP_DUTY_GET, "{}"), ERR_UNAUTHENTICATED, "account_unknown");
    r = fx_request(f, "patient1", SCHED_OP_POOL_LIST, "{}");
    r->roles |= ROLE_DOCTOR; /* the message's roles are not the account's */
    owner_turn(f->o, &r, 1);
    CHECK_REFUSED(r, ERR_DENIED, "role_denied");
}

TEST(owner, strangers_find_no_order_and_supervisors_no_name)
{
    struct fx *f = fx_open(t);
    int64_t order = fx_assist(f, 102);
    json_t *doc;

    CHECK_REFUSED(fx_ask(f, "patient1", SCHED_OP_ORDER_GET, "{'order_id':'%lld'}", (long long)order),
                  ERR_NOT_FOUND, "not_found");
    CHECK_REFUSED(fx_ask(f, "office1", SCHED_OP_ORDER_GET, "{'order_id':'%lld'}", (long long)order),
                  ERR_NOT_FOUND, "not_found");
    CHECK_REFUSED(fx_ask(f, "doctor1", SCHED_OP_ORDER_CANCEL, "{'order_id':'%lld','version':1,'reason':'x'}",
                         (long long)order),
                  ERR_NOT_FOUND, "not_found");
    doc = fx_order(f, "supervisor1", order);
    CHECK_STR(fx_str(doc, "state"), "pooled");
    CHECK(json_is_null(json_object_get(doc, "patient")));
    CHECK_STR(fx_str(doc, "complaint"), "");
    doc = fx_order(f, "patient2", order);
    CHECK_STR(fx_str(doc, "inviting.name_doctor"), "演示乡医 Demo Township Doctor");
}

TEST(owner, who_looked_at_whom_is_in_the_trail_once_a_day)
{
    struct fx *f = fx_open(t);
    int64_t order = fx_assist(f, 102);
    const char *looks = "SELECT count(*) FROM records.audit WHERE action = 'order.look' AND person_id = 102";

    CHECK_INT(fx_count(f, "%s", looks), 1); /* the township doctor saw the answer to his own request */
    fx_order(f, "township_doctor1", order);
    fx_get(f, "township_doctor1", SCHED_OP_ORDER_LIST, "{'scope':'township'}");
    CHECK_INT(fx_count(f, "%s", looks), 1);
    fx_order(f, "coordinator1", order);
    CHECK_INT(fx_count(f, "%s", looks), 2);
    fx_order(f, "patient2", order);
    fx_order(f, "supervisor1", order);
    CHECK_INT(fx_count(f, "%s", looks), 2);
    CHECK(owner_tick(f->o));
    check_intact(f);
}

TEST(owner, lists_hold_what_the_caller_may_see)
{
    struct fx *f = fx_open(t);
    int64_t order = fx_assist(f, 102);

#define SIZE(who, scope) (int)json_array_size(fx_get(f, who, SCHED_OP_ORDER_LIST, "{'scope':'" scope "'}"))
    CHECK_INT(SIZE("patient2", "mine"), 1);
    CHECK_INT(SIZE("patient1", "mine"), 0);
    CHECK_INT(SIZE("township_doctor1", "township"), 1);
    CHECK_INT(SIZE("operator1", "today"), 1);
    CHECK_INT(SIZE("doctor1", "mine"), 0);
    CHECK_INT(SIZE("supervisor1", "today"), 1);
    CHECK_INT(SIZE("patient2", "history"), 0);
    fx_step(f, "patient2", SCHED_OP_ORDER_CANCEL, order);
    CHECK_INT(SIZE("patient2", "history"), 1);
#undef SIZE
}

struct told {
    uint64_t first, last;
    int n;
};

static void on_replay(void *arg, struct owner_event *ev)
{
    struct told *told = arg;

    if (!told->n++)
        told->first = ev->seq;
    else
        CHECK_INT(ev->seq, told->last + 1);
    told->last = ev->seq;
    owner_event_free(ev);
}

TEST(events, numbers_have_no_gap_and_a_gap_is_repaired_from_the_table)
{
    struct fx *f = fx_open(t);
    struct told told = {0};
    struct err err = ERR_INIT;
    uint64_t through;

    fx_on_duty(f, "doctor1");
    fx_claim(f, "doctor1", fx_assist(f, 102));
    for (size_t i = 1; i < f->n_events; i++)
        CHECK_INT(f->events[i]->seq, f->events[i - 1]->seq + 1);
    CHECK_OK(owner_replay(f->o, f->events[1]->seq, on_replay, &told, &through, &err), &err);
    CHECK_INT(told.first, f->events[2]->seq);
    CHECK_INT(told.last, f->events[f->n_events - 1]->seq);
    CHECK_INT(through, owner_last_seq(f->o));
}

TEST(events, of_an_order_go_to_its_people_and_carry_no_name)
{
    struct fx *f = fx_open(t);
    int64_t order;
    bool patient = false, doctor = false;

    fx_on_duty(f, "doctor1");
    order = fx_assist(f, 102);
    fx_forget_events(f);
    fx_claim(f, "doctor1", order);
    for (size_t i = 0; i < f->n_events; i++) {
        struct owner_event *ev = f->events[i];

        CHECK(!strstr(ev->json, "Demo"));
        for (size_t k = 0; !strcmp(ev->topic, "order") && k < ev->n_accounts; k++) {
            patient = patient || ev->accounts[k] == 302;
            doctor = doctor || ev->accounts[k] == 311;
            CHECK(ev->accounts[k] == 302 || ev->accounts[k] == 311 || ev->accounts[k] == 314);
        }
    }
    CHECK(patient && doctor);
}
