/* The connection to PostgreSQL dies around the COMMIT. Whatever happened, the answer is the truth and it happened once. */
#include "core/clock.h"
#include "tests/unit/scheduling/relay_fx.h"
#include <stdio.h>

static struct owner *through(struct fx *f, struct relay *r)
{
    struct owner_options opt = {.conninfo = relay_conninfo(r),
                                .region_id = 150000,
                                .node = 7, /* takes the fixture's lease over */
                                .lease_us = 5 * US_PER_S,
                                .open_orders_max = 100};
    struct err err = ERR_INIT;

    owner_free(f->o);
    f->o = NULL;
    CHECK_OK(owner_new(&f->o, &opt, &err), &err);
    CHECK(owner_tick(f->o));
    return f->o;
}

static void cut_and_claim(struct test *t, enum relay_cut cut)
{
    struct fx *f = fx_open(t);
    struct relay *r = relay_open(t, f);
    struct sched_request *won;
    int64_t order, batch;

    through(f, r);
    fx_on_duty(f, "doctor1");
    order = fx_assist(f, 102);
    won = fx_request(f, "doctor1", SCHED_OP_ORDER_CLAIM, "{'order_id':'%lld','version':1,'nonce':'%s'}",
                     (long long)order, fx_str(fx_pool_offer(f, "doctor1", order), "nonce"));
    batch = fx_count(f, "SELECT batch FROM scheduling.shard_lease");
    relay_cut_next(r, cut);
    owner_turn(f->o, &won, 1);
    CHECK_OK(!won->answer.err.code, &won->answer.err);
    CHECK_STR(fx_str(won->answer.doc, "result"), "won");
    CHECK_INT(
        fx_count(f, "SELECT count(*) FROM scheduling.claim_log WHERE order_id = %lld", (long long)order), 1);
    CHECK_INT(fx_count(f, "SELECT batch FROM scheduling.shard_lease"), batch + 1);
    /* The stream went on without a gap or a twin. */
    fx_get(f, "doctor1", SCHED_OP_DUTY_SET, "{'on':false}");
    CHECK_INT(fx_count(f, "SELECT max(seq) - count(*) FROM records.audit"), 0);
    CHECK_INT(fx_count(f, "SELECT max(seq) - count(*) FROM records.events"), 0);
}

TEST(doubt, a_commit_that_never_arrived_is_done_again)
{
    cut_and_claim(t, RELAY_CUT_BEFORE_COMMIT);
}

TEST(doubt, a_commit_whose_answer_was_lost_is_not_done_again)
{
    cut_and_claim(t, RELAY_CUT_AFTER_COMMIT);
}

TEST(doubt, another_owner_in_between_makes_the_outcome_unknown_and_the_key_tells_it)
{
    struct fx *f = fx_open(t);
    struct relay *r = relay_open(t, f);
    struct sched_request *set;

    through(f, r);
    set = fx_request(f, "doctor1", SCHED_OP_DUTY_SET, "{'on':true}");
    snprintf(set->key, sizeof set->key, "k");
    relay_cut_next(r, RELAY_CUT_AFTER_COMMIT);
    fx_sql(f, "CREATE FUNCTION records.other_epoch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE "
              "scheduling.shard_lease SET"
              " epoch = epoch + 1 WHERE batch = NEW.batch AND epoch = NEW.epoch; RETURN NULL; END $$;"
              "CREATE CONSTRAINT TRIGGER other AFTER UPDATE OF batch ON scheduling.shard_lease DEFERRABLE "
              "INITIALLY DEFERRED"
              " FOR EACH ROW WHEN (NEW.batch > OLD.batch) EXECUTE FUNCTION records.other_epoch();"
              "ALTER FUNCTION records.other_epoch() SECURITY DEFINER");
    owner_turn(f->o, &set, 1);
    CHECK_REFUSED(set, ERR_UNKNOWN, "outcome_unknown");
    fx_sql(f, "DROP TRIGGER other ON scheduling.shard_lease");
    CHECK_INT(fx_count(f, "SELECT count(*) FROM scheduling.idempotency WHERE key = 'k'"), 1);
    owner_tick(f->o); /* finds that it lost the region, and takes it again */
    CHECK(owner_tick(f->o));
    owner_turn(f->o, &set, 1);
    CHECK(set->replayed && !set->answer.err.code);
    CHECK(json_is_true(json_object_get(set->answer.doc, "on_duty")));
}
