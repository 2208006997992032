/* Claims on a real database: exactly one winner, everybody else told the truth, and the log that explains it. */
#include "core/clock.h"
#include "core/mem.h"
#include "scheduling/batch.h"
#include "tests/unit/scheduling/sched_fx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 100 doctors on duty at hospital 31 and n orders of the township in their pool. */
static void crowd(struct fx *f, int orders)
{
    fx_sql(
        f,
        "INSERT INTO records.staff (region_id, id, tenant_id, name, title, licence_no, licence_from, "
        "licence_until, specialties)"
        " SELECT 150000, 10000 + n, 31, 'Demo ' || n, 'x', 'L' || n, '2000-01-01', '2099-01-01', '{general}'"
        " FROM generate_series(1, 100) n;"
        "INSERT INTO records.accounts (region_id, id, tenant_id, login, password_hash, name, staff_id)"
        " SELECT 150000, 20000 + n, 31, 'crowd' || n, '!', 'Demo ' || n, 10000 + n FROM generate_series(1, "
        "100) n;"
        "INSERT INTO records.account_roles SELECT 150000, 20000 + n, 'doctor', 31 FROM generate_series(1, "
        "100) n;"
        "INSERT INTO scheduling.duty SELECT 150000, 10000 + n, 31, true, now() FROM generate_series(1, 100) "
        "n;"
        "UPDATE scheduling.offer_policies SET hand_max = 1000");
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
        " SELECT 150000, 600000 + n, 10000 + d, 31, 'n' || d, 1, now() FROM generate_series(1, %d) n, "
        "generate_series(1, 100) d",
        orders, orders, orders);
}

static struct sched_request *crowd_claim(int doctor, int order)
{
    struct sched_request *r = mem_new(sizeof *r);
    struct err err = ERR_INIT;
    char body[128];
    int len = snprintf(body, sizeof body, "{\"order_id\":\"%d\",\"version\":1,\"nonce\":\"n%d\"}",
                       600000 + order, doctor);

    *r = (struct sched_request){.op = SCHED_OP_ORDER_CLAIM,
                                .region_id = 150000,
                                .tenant_id = 31,
                                .account_id = 20000 + doctor,
                                .staff_id = 10000 + doctor,
                                .roles = ROLE_DOCTOR};
    snprintf(r->client_id, sizeof r->client_id, "d%d-o%d", doctor, order);
    CHECK_OK(request_parse(r, (const uint8_t *)body, (size_t)len, &err), &err);
    return r;
}

/* Everyone wants everything: each doctor claims ten orders of his own choice and ten that are another's. */
TEST(claims, a_hundred_doctors_and_a_thousand_orders_give_a_thousand_winners)
{
    enum { DOCTORS = 100, ORDERS = 1000, CLAIMS = 4000 };
    struct fx *f = fx_open(t);
    struct sched_request **req = mem_new(sizeof(struct sched_request *) * CLAIMS);
    int won = 0, lost = 0;
    int64_t began;

    crowd(f, ORDERS);
    srand(1);
    for (int i = 0; i < CLAIMS; i++)
        req[i] = crowd_claim(1 + rand() % DOCTORS, i < ORDERS ? i + 1 : 1 + rand() % ORDERS);
    for (int i = CLAIMS - 1; i > 0; i--) { /* shuffled: the order of arrival is nobody's */
        int k = rand() % (i + 1);
        struct sched_request *x = req[i];

        req[i] = req[k];
        req[k] = x;
    }
    began = clock_mono_us();
    for (int i = 0; i < CLAIMS; i += OWNER_BATCH)
        owner_turn(f->o, req + i, (size_t)(CLAIMS - i < OWNER_BATCH ? CLAIMS - i : OWNER_BATCH));
    print_message("%d claims in %.0f ms\n", CLAIMS, (double)(clock_mono_us() - began) / 1000);
    for (int i = 0; i < CLAIMS; i++) {
        if (!req[i]->answer.err.code)
            won++;
        else {
            CHECK_STR(req[i]->answer.err.reason, "claim_lost");
            lost++;
        }
    }
    CHECK_INT(
        fx_count(f,
                 "SELECT count(*) FROM scheduling.orders WHERE state = 'claimed' AND doctor_id IS NOT NULL"),
        ORDERS);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM scheduling.claim_log WHERE result = 'won'"), ORDERS);
    CHECK_INT(
        fx_count(
            f,
            "SELECT count(*) FROM (SELECT order_id FROM scheduling.claim_log WHERE result = 'won' GROUP BY 1"
            " HAVING count(*) <> 1) x"),
        0);
    CHECK_INT(
        fx_count(f,
                 "SELECT count(*) FROM scheduling.claim_log l JOIN scheduling.orders o ON o.id = l.order_id"
                 " WHERE l.result = 'won' AND l.staff_id <> o.doctor_id"),
        0);
    CHECK_INT(
        fx_count(f, "SELECT count(*) FROM scheduling.claim_log WHERE result = 'lost' AND winner_id IS NULL"),
        0);
    CHECK(won >= ORDERS); /* a second tap of a winner is answered won, too */
    CHECK_INT(won + lost, CLAIMS);
    for (int i = 0; i < CLAIMS; i++)
        request_free(req[i]);
    free(req);
}

TEST(claims, the_loser_the_late_the_off_duty_and_the_forger_each_hear_why)
{
    struct fx *f = fx_open(t);
    struct sched_request *r;
    json_t *one, *two;
    int64_t order;

    fx_on_duty(f, "doctor1");
    fx_on_duty(f, "doctor2");
    order = fx_assist(f, 102);
    one = fx_pool_offer(f, "doctor1", order);
    two = fx_pool_offer(f, "doctor2", order);
    CHECK(strcmp(fx_str(one, "nonce"), fx_str(two, "nonce")) != 0);

#define CLAIM(who, v, nonce)                                                                                 \
    fx_ask(f, who, SCHED_OP_ORDER_CLAIM, "{'order_id':'%lld','version':%d,'nonce':'%s'}", (long long)order,  \
           v, nonce)
    r = CLAIM("doctor1", 7, fx_str(one, "nonce"));
    CHECK_REFUSED(r, ERR_STALE, "claim_stale");
    CHECK(*fx_str(r->answer.doc, "log_id"));
    r = CLAIM("doctor1", 1, fx_str(two, "nonce"));
    CHECK_REFUSED(r, ERR_DENIED, "claim_ineligible");
    CHECK_STR(fx_str(r->answer.doc, "reason"), "nonce");
    r = CLAIM("doctor3", 1, "x"); /* another level, off duty before all */
    CHECK_STR(fx_str(r->answer.doc, "reason"), "off_duty");
    fx_on_duty(f, "doctor3");
    r = CLAIM("doctor3", 1, "x");
    CHECK_STR(fx_str(r->answer.doc, "reason"), "level");
    r = CLAIM("doctor1", 1, fx_str(one, "nonce"));
    CHECK_STR(fx_str(r->answer.doc, "result"), "won");
    const char *log_id = fx_str(r->answer.doc, "log_id");
    CHECK_STR(fx_str(CLAIM("doctor1", 1, fx_str(one, "nonce"))->answer.doc, "log_id"),
              log_id); /* the winner's second tap */
    r = CLAIM("doctor2", 1, fx_str(two, "nonce"));
    CHECK_REFUSED(r, ERR_CONFLICT, "claim_lost");
    CHECK(*fx_str(r->answer.doc, "log_id"));
    CHECK_REFUSED(fx_ask(f, "doctor1", SCHED_OP_ORDER_CLAIM, "{'order_id':'999999','version':1,'nonce':'x'}"),
                  ERR_NOT_FOUND, "not_found");
    CHECK_REFUSED(
        fx_ask(f, "township_doctor1", SCHED_OP_ORDER_CLAIM, "{'order_id':'1','version':1,'nonce':'x'}"),
        ERR_DENIED, "role_denied");
#undef CLAIM
    CHECK_REFUSED(fx_ask(f, "doctor2", SCHED_OP_ORDER_GET, "{'order_id':'%lld'}", (long long)order),
                  ERR_NOT_FOUND, "not_found");
}

TEST(claims, two_doctors_in_one_batch_one_winner_and_one_told_at_once)
{
    struct fx *f = fx_open(t);
    struct sched_request *req[2];
    int64_t order;

    fx_on_duty(f, "doctor1");
    fx_on_duty(f, "doctor2");
    order = fx_assist(f, 102);
    for (int i = 0; i < 2; i++) {
        const char *who = i ? "doctor2" : "doctor1";

        req[i] = fx_request(f, who, SCHED_OP_ORDER_CLAIM, "{'order_id':'%lld','version':1,'nonce':'%s'}",
                            (long long)order, fx_str(fx_pool_offer(f, who, order), "nonce"));
    }
    fx_forget_events(f);
    owner_turn(f->o, req, 2);
    CHECK_STR(fx_str(req[0]->answer.doc, "result"), "won");
    CHECK_REFUSED(req[1], ERR_CONFLICT, "claim_lost");
    json_t *data = NULL;
    CHECK_INT(fx_events(f, "pool", &data), 1);
    CHECK_STR(fx_str(data, "op"), "removed");
    CHECK(!json_object_get(data, "offer"));
    json_decref(data);
}

TEST(claims, a_licence_that_ended_yesterday_neither_sees_nor_claims_nor_goes_on_duty)
{
    struct fx *f = fx_open(t);
    int64_t order;

    fx_on_duty(f, "doctor1");
    fx_sql(f, "UPDATE records.staff SET licence_until = (now() AT TIME ZONE 'Asia/Shanghai')::date - 1 WHERE "
              "id IN (201, 202)");
    CHECK_REFUSED(fx_ask(f, "doctor2", SCHED_OP_DUTY_SET, "{'on':true}"), ERR_DENIED, "licence_invalid");
    order = fx_assist(f, 102);
    CHECK(!fx_pool_offer(f, "doctor1", order));
    struct sched_request *r = fx_ask(f, "doctor1", SCHED_OP_ORDER_CLAIM,
                                     "{'order_id':'%lld','version':1,'nonce':'x'}", (long long)order);
    CHECK_STR(fx_str(r->answer.doc, "reason"), "licence");
}

TEST(claims, going_off_duty_empties_the_pool_and_coming_back_fills_it)
{
    struct fx *f = fx_open(t);
    int64_t order;

    fx_on_duty(f, "doctor1");
    order = fx_assist(f, 102);
    CHECK(fx_pool_offer(f, "doctor1", order));
    fx_get(f, "doctor1", SCHED_OP_DUTY_SET, "{'on':false}");
    CHECK_INT(json_array_size(fx_get(f, "doctor1", SCHED_OP_POOL_LIST, "{}")), 0);
    fx_on_duty(f, "doctor1");
    CHECK(fx_pool_offer(f, "doctor1", order));
}

TEST(claims, the_pool_carries_no_identity)
{
    struct fx *f = fx_open(t);
    char *text;

    fx_on_duty(f, "doctor1");
    fx_assist(f, 102);
    text = json_text(fx_get(f, "doctor1", SCHED_OP_POOL_LIST, "{}"), NULL);
    CHECK(strstr(text, "70-79") && strstr(text, "胸闷"));
    CHECK(!strstr(text, "Demo Patient Two") && !strstr(text, "\"102\"") && !strstr(text, "1955") &&
          !strstr(text, "visit"));
    free(text);
    CHECK_INT(
        fx_count(
            f, "SELECT count(*) FROM records.events WHERE topic = 'pool' AND data::text LIKE '%%Patient%%'"),
        0);
}

/* ---------------------------------------------------------------- time alone */

TEST(claims, a_claim_nobody_serves_returns_to_its_old_place)
{
    struct fx *f = fx_open(t);
    int64_t first, second;
    json_t *pool;

    fx_on_duty(f, "doctor1");
    fx_on_duty(f, "doctor2");
    first = fx_assist(f, 102);
    second = fx_assist(f, 104);
    fx_claim(f, "doctor1", first);
    owner_shift_clock(f->o, 179 * US_PER_S);
    CHECK(owner_tick(f->o));
    CHECK_STR(fx_value(f, "SELECT state FROM scheduling.orders WHERE id = %lld", (long long)first),
              "claimed");
    owner_shift_clock(f->o, 181 * US_PER_S);
    CHECK(owner_tick(f->o));
    CHECK_STR(fx_value(f, "SELECT state FROM scheduling.orders WHERE id = %lld", (long long)first), "pooled");
    pool = fx_get(f, "doctor2", SCHED_OP_POOL_LIST, "{}");
    CHECK_INT(json_array_size(pool), 2);
    CHECK_INT(fx_id(json_array_get(pool, 0), "order_id"), first); /* before the younger one */
    CHECK_REFUSED(fx_ask(f, "doctor1", SCHED_OP_ORDER_GET, "{'order_id':'%lld'}", (long long)first),
                  ERR_NOT_FOUND, "not_found");
    CHECK_INT(
        fx_count(
            f,
            "SELECT count(*) FROM records.access WHERE order_id = %lld AND until > now() + interval '1 hour'",
            (long long)first),
        0);
    CHECK_STR(
        fx_value(f, "SELECT result FROM scheduling.claim_log WHERE order_id = %lld ORDER BY id DESC LIMIT 1",
                 (long long)first),
        "returned");
    CHECK_INT(
        fx_count(f,
                 "SELECT count(*) FROM records.visit_seats WHERE role = 'doctor' AND removed_at IS NOT NULL"),
        1);
    CHECK_STR(fx_str(fx_claim(f, "doctor2", first)->answer.doc, "result"), "won");
    CHECK(second != first);
}

TEST(claims, a_claim_that_is_served_in_time_stays)
{
    struct fx *f = fx_open(t);
    int64_t order;

    fx_on_duty(f, "doctor1");
    order = fx_assist(f, 102);
    fx_claim(f, "doctor1", order);
    fx_present(f, fx_count(f, "SELECT visit_id FROM scheduling.orders WHERE id = %lld", (long long)order),
               "doctor", true);
    owner_shift_clock(f->o, 3600 * US_PER_S);
    CHECK(owner_tick(f->o));
    CHECK_STR(fx_value(f, "SELECT state FROM scheduling.orders WHERE id = %lld", (long long)order),
              "waiting");
}

TEST(offers, levels_show_the_least_served_first_and_widen_with_time)
{
    struct fx *f = fx_open(t);
    int64_t order;

    fx_sql(f, "UPDATE scheduling.offer_policies SET circles = '{1,0}', circle_s = '{0,10}'");
    fx_on_duty(f, "doctor1");
    fx_on_duty(f, "doctor2");
    order = fx_assist(f, 102);
    CHECK(fx_pool_offer(f, "doctor1", order));
    CHECK(!fx_pool_offer(f, "doctor2", order));
    fx_claim(f, "doctor1", order);
    order = fx_assist(f, 104);
    CHECK(!fx_pool_offer(f, "doctor1", order));
    CHECK(fx_pool_offer(f, "doctor2", order)); /* has had none today */
    owner_shift_clock(f->o, 11 * US_PER_S);
    CHECK(owner_tick(f->o));
    CHECK(fx_pool_offer(f, "doctor1", order));
}

TEST(offers, an_order_nobody_wanted_for_a_day_expires)
{
    struct fx *f = fx_open(t);
    int64_t order = fx_assist(f, 102);

    owner_shift_clock(f->o, 25 * 3600 * US_PER_S);
    CHECK(owner_tick(f->o));
    CHECK_STR(fx_value(f, "SELECT state FROM scheduling.orders WHERE id = %lld", (long long)order),
              "expired");
    CHECK_STR(fx_value(f, "SELECT state FROM records.visits WHERE order_id = %lld", (long long)order),
              "expired");
}
