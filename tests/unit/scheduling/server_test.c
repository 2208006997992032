/* The daemon's two threads in this process, over a real socket. Runs under the thread sanitizer, too. */
#include "core/clock.h"
#include "scheduling/server.h"
#include "tests/unit/scheduling/client_fx.h"
#include <pthread.h>
#include <stdatomic.h>

struct running {
    struct loop *loop;
    struct server *server;
    pthread_t thread;
    atomic_bool over;
};

static void *run_loop(void *arg)
{
    loop_run(((struct running *)arg)->loop);
    return NULL;
}

/* loop_stop() belongs to the loop's thread: a timer of its own looks whether the test is over. */
static void look(void *arg)
{
    struct running *r = arg;

    if (atomic_load(&r->over))
        loop_stop(r->loop);
}

static void end_server(void *arg)
{
    struct running *r = arg;

    atomic_store(&r->over, true);
    pthread_join(r->thread, NULL);
    server_free(r->server);
    loop_free(r->loop);
}

static void start_server(struct running *r, struct fx *f, const char *path)
{
    struct owner_options opt = {.conninfo = f->sched,
                                .key_path = test_path(f->t, test_dir(f->t), "audit.key"),
                                .region_id = 150000,
                                .node = 7, /* the fixture's own name: its lease is taken over at once */
                                .lease_us = 1000 * US_PER_MS,
                                .open_orders_max = 100};
    struct err err = ERR_INIT;

    CHECK_OK(loop_new(&r->loop, &err), &err);
    CHECK_OK(server_new(&r->server, r->loop, path, &opt, &err), &err);
    atomic_store(&r->over, false);
    loop_timer(r->loop, 20 * US_PER_MS, 20 * US_PER_MS, look, r);
    CHECK_INT(pthread_create(&r->thread, NULL, run_loop, r), 0);
    test_cleanup(f->t, end_server, r);
}

TEST(server, answers_after_the_commit_and_streams_what_happened)
{
    static struct running r;
    struct fx *f = fx_open(t);
    const char *path = test_path(t, test_dir(t), "s.sock");
    struct client *c;
    uint64_t ids[64];
    struct reply *reply;

    start_server(&r, f, path);
    c = client_open(t, path);
    CHECK_SOON(c->loop, c->epoch == 2);
    client_subscribe(c, 0);
    CHECK(!client_wait(c, client_ask(c, "doctor1", SCHED_OP_DUTY_SET, "", "{'on':true}"))->err.code);
    for (int i = 0; i < 64; i++)
        ids[i] = client_ask(c, "township_doctor1", SCHED_OP_ORDER_CREATE, "",
                            "{'person_id':'102','complaint':'x','specialty':'general','urgency':'normal'}");
    for (int i = 0; i < 64; i++)
        CHECK(!client_wait(c, ids[i])->err.code);
    CHECK_INT(fx_count(f, "SELECT count(*) FROM scheduling.orders"), 64);
    CHECK_SOON(c->loop, c->events >= 1 + 2 * 64); /* duty, and of each order itself and its offer */
    CHECK_INT(c->gaps, 0);

    reply = client_wait(c, client_ask(c, "doctor1", SCHED_OP_POOL_LIST, "", "{'force':1}"));
    CHECK_STR(reply->err.reason, "field_unknown");
    reply = client_wait(c, client_ask(c, "patient1", SCHED_OP_POOL_LIST, "", "{}"));
    CHECK_STR(reply->err.reason, "role_denied");
    reply = client_wait(c, client_ask(c, "system", SCHED_OP_HEALTH, "", "{}"));
    CHECK_INT(fx_int(reply->doc, "epoch"), 2);
}

TEST(server, a_subscriber_that_missed_something_hears_it_from_the_table)
{
    static struct running r;
    struct fx *f = fx_open(t);
    const char *path = test_path(t, test_dir(t), "s.sock");
    struct client *c;
    uint64_t before;

    before = owner_last_seq(f->o);
    fx_on_duty(f, "doctor1");
    fx_assist(f, 102);
    start_server(&r, f, path);
    c = client_open(t, path);
    CHECK_SOON(c->loop, c->epoch == 2);
    CHECK(c->hello_seq > before);
    client_subscribe(c, before ? before : 1);
    CHECK_SOON(c->loop, c->last_seq == c->hello_seq);
    CHECK_INT(c->gaps, 0);
    client_wait(c, client_ask(c, "doctor1", SCHED_OP_DUTY_SET, "", "{'on':false}"));
    CHECK_SOON(c->loop, c->last_seq > c->hello_seq);
    CHECK_INT(c->gaps, 0);
}
