/* Claims of exams and signatures while the daemon is killed and the database's answers are lost: the same request again gives
 * the first answer, nothing is signed twice, no acknowledged answer was a lie. */
#include "core/clock.h"
#include "scheduling/exam_fsm.h"
#include "tests/unit/scheduling/client_fx.h"
#include "tests/unit/scheduling/read_fx.h"
#include "tests/unit/scheduling/relay_fx.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMS = 60, FIRST = 800000 };

/* Exams that wait, and two readers with large hands. */
static void pool_of(struct fx *f, int64_t visit)
{
    fx_sql(f,
           "UPDATE scheduling.read_policies SET hand_max = 100000;"
           "INSERT INTO records.exams (region_id, id, tenant_id, state, accession_no, visit_id, person_id, "
           "age_band, sex, kind,"
           " modality, procedure, question, urgency, ordered_by, ordered_at)"
           " SELECT 150000, %d + n, 21, 'ordered', lpad(n::text, 13, '0'), %lld, 102, '70-79', 'male', "
           "'image', 'CT', 'x', 'x',"
           " 'normal', 204, now() FROM generate_series(1, %d) n;"
           "INSERT INTO records.studies (region_id, id, tenant_id, study_uid, exam_id, visit_id, person_id, "
           "state, matched,"
           " matched_at, matched_by, n_series, n_instances, first_at, last_at, complete_at)"
           " SELECT 150000, %d + n, 21, '1.' || n, %d + n, %lld, 102, 'complete', true, now(), 0, 1, 1, "
           "now(), now(), now()"
           " FROM generate_series(1, %d) n",
           FIRST, (long long)visit, EXAMS, FIRST + 1000, FIRST, (long long)visit, EXAMS);
    CHECK(owner_tick(f->o));
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.exams WHERE state = 'pooled' AND version = 2"),
              EXAMS);
}

static uint64_t claim(struct client *c, int n, int reader)
{
    char key[40];

    snprintf(key, sizeof key, "claim-%d-%d", n, reader);
    return client_ask(c, reader == 1 ? "reader1" : "reader2", SCHED_OP_EXAM_CLAIM, key,
                      "{'exam_id':'%d','version':2}", FIRST + n);
}

static uint64_t sign(struct client *c, int n)
{
    char key[40];

    snprintf(key, sizeof key, "sign-%d", n);
    return client_ask(c, "reader1", SCHED_OP_EXAM_SIGN, key, "{'exam_id':'%d','version':4,'draft_version':1}",
                      FIRST + n);
}

typedef uint64_t ask_fn(struct client *c, int i);

static uint64_t ask_claim(struct client *c, int i)
{
    return claim(c, 1 + i / 2, 1 + i % 2);
}

static uint64_t ask_sign(struct client *c, int i)
{
    return sign(c, 1 + i);
}

/* Ask all, kill the daemon somewhere in the middle, start it again, ask all again with the same keys. What was acknowledged
 * before must be what is answered now. */
static void ask_kill_ask(struct fx *f, struct client *c, const char *path, ask_fn *ask, int n)
{
    uint64_t *before = calloc((size_t)n, sizeof *before), *after = calloc((size_t)n, sizeof *after);
    int hellos = c->hellos, closes = c->closes, known = 0;
    struct daemon *d = daemon_start(f->t, f, path, 7);
    int64_t kill_at;

    CHECK_SOON(c->loop, c->hellos > hellos && c->epoch > 0);
    kill_at = clock_mono_us() + rand() % (150 * US_PER_MS);
    for (int i = 0; i < n; i++) {
        before[i] = ask(c, i);
        if (i % 8 == 7)
            loop_turn(c->loop, 5);
    }
    while (clock_mono_us() < kill_at)
        loop_turn(c->loop, 1);
    daemon_signal(d, SIGKILL);
    daemon_wait(d);
    CHECK_SOON(c->loop, c->closes > closes);
    hellos = c->hellos;
    d = daemon_start(f->t, f, path, 7);
    CHECK_SOON(c->loop, c->hellos > hellos && c->epoch > 0);
    for (int i = 0; i < n; i++)
        after[i] = ask(c, i);
    for (int i = 0; i < n; i++) {
        struct reply *then = &c->replies[before[i]], *now = client_wait(c, after[i]);

        CHECK(now->done);
        if (then->done && !then->err.code) {
            known++;
            CHECK_OK(!now->err.code, &now->err);
            CHECK_STR(fx_str(now->doc, "state"), fx_str(then->doc, "state"));
        }
    }
    print_message("%d of %d answered before the kill\n", known, n);
    daemon_signal(d, SIGTERM);
    daemon_wait(d);
    CHECK_SOON(c->loop, c->closes > closes + 1);
    free(before);
    free(after);
}

TEST(read_crash, kill_9_makes_no_second_reader_and_no_second_signature)
{
    struct fx *f = fx_open(t);
    const char *path = test_path(t, test_dir(t), "s.sock");
    struct client *c = client_open(t, path);

    pool_of(f, fx_visit(f));
    srand(11);
    ask_kill_ask(f, c, path, ask_claim, 2 * EXAMS);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.exams WHERE state = 'claimed' AND version = 3"),
              EXAMS);
    CHECK_INT(
        fx_count(f,
                 "SELECT count(*) FROM scheduling.claim_log WHERE result = 'won'  AND exam_id IS NOT NULL"),
        EXAMS);
    fx_sql(
        f,
        "UPDATE records.exams SET reader_id = 206, reader_tenant_id = 32, state = 'draft', version = 4 WHERE "
        "state = 'claimed';"
        "INSERT INTO scheduling.read_drafts (region_id, exam_id, staff_id, tenant_id, draft_version, "
        "findings, impression,"
        " saved_at) SELECT 150000, id, 206, 32, 1, 'a', 'b', now() FROM records.exams WHERE state = 'draft'");
    ask_kill_ask(f, c, path, ask_sign, EXAMS);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.exams WHERE state = 'delivered'"), EXAMS);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.reports"), EXAMS);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.audit WHERE action = 'exam.sign'"), EXAMS);
    CHECK_INT(fx_count(f, "SELECT max(seq) - count(*) FROM records.audit WHERE writer_id = 'sched'"), 0);
}

/* The connection to PostgreSQL dies around the COMMIT of a signature: signed once, and the answer is the truth. */
static void cut_and_sign(struct test *t, enum relay_cut cut)
{
    struct fx *f = fx_open(t);
    struct relay *r = relay_open(t, f);
    struct owner_options opt = {.conninfo = relay_conninfo(r),
                                .report_key_path = f->report_key,
                                .region_id = 150000,
                                .node = 7,
                                .lease_us = 5 * US_PER_S,
                                .open_orders_max = 100};
    int64_t exam = fx_pooled_exam(f, "CT", "normal");
    struct err err = ERR_INIT;
    json_t *signed_;

    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                ",'draft_version':0,'findings':'a','impression':'b'");
    owner_free(f->o);
    f->o = NULL;
    CHECK_OK(owner_new(&f->o, &opt, &err), &err);
    CHECK(owner_tick(f->o));
    relay_cut_next(r, cut);
    signed_ = fx_did_read(f, "reader1", SCHED_OP_EXAM_SIGN, exam, ",'draft_version':1");
    CHECK_STR(fx_str(signed_, "state"), "delivered");
    CHECK_INT(fx_count(f, "SELECT count(*) FROM records.reports WHERE exam_id = %lld", (long long)exam), 1);
}

TEST(read_crash, a_signature_whose_commit_never_arrived_is_made_again)
{
    cut_and_sign(t, RELAY_CUT_BEFORE_COMMIT);
}

TEST(read_crash, a_signature_whose_answer_was_lost_is_not_made_twice)
{
    cut_and_sign(t, RELAY_CUT_AFTER_COMMIT);
}
