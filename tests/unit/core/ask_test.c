/* The carrier between a daemon that asks and one that decides: layouts, and the owner's end over a real socket. */
#include "core/ask.h"
#include "core/ask_server.h"
#include "core/mem.h"
#include "core/wire_frame.h"
#include "tests/unit/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGION 150000

struct fx {
    struct test *t;
    struct loop *loop;
    const char *path;
    struct ask_server *server;
    struct wire *wire; /* who asks */
    /* the owner */
    struct ask_request last; /* body not kept */
    char last_body[200];
    uint64_t conn_id, request_id, after_seq;
    int requests, subscribes, firsts;
    bool late; /* it answers later */
    /* who asks */
    int answers, refusals, hellos, closes, events;
    char text[200];
    struct err err;
    struct ask_hello hello;
    struct ask_event event;
    uint64_t seqs[16];
};

static void on_request(void *arg, uint64_t conn_id, uint64_t request_id, const struct ask_request *r)
{
    struct fx *f = arg;
    json_t *doc;

    f->requests++;
    f->last = *r;
    snprintf(f->last_body, sizeof f->last_body, "%.*s", (int)r->body_len, (const char *)r->body);
    f->conn_id = conn_id;
    f->request_id = request_id;
    if (f->late)
        return;
    if (r->op == 3) {
        char *big = mem_new(WIRE_MAX + 1);
        memset(big, 'x', WIRE_MAX);
        doc = json_pack("{s:s}", "big", big);
        free(big);
    } else {
        doc = json_pack("{s:i}", "op", (int)r->op);
    }
    if (r->op == 2)
        ask_server_refuse(f->server, conn_id, request_id,
                          &(struct err){ERR_CONFLICT, "lost", "somebody else"}, doc);
    else
        ask_server_answer(f->server, conn_id, request_id, doc);
    json_decref(doc);
}

static void on_subscribe(void *arg, uint64_t conn_id, uint64_t after_seq, bool first)
{
    struct fx *f = arg;

    f->subscribes++;
    f->firsts += first;
    f->conn_id = conn_id;
    f->after_seq = after_seq;
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    static struct ask_audience room;
    struct fx *f = arg;
    const uint8_t *text = NULL;
    size_t len = 0;

    (void)w;
    switch (in->type) {
    case ASK_ANSWER:
        CHECK(ask_get_answer(in, &text, &len));
        f->answers++;
        break;
    case ASK_REFUSED:
        CHECK(ask_get_refused(in, &f->err, &text, &len));
        f->refusals++;
        break;
    case ASK_HELLO:
        CHECK(ask_get_hello(in, &f->hello));
        f->hellos++;
        break;
    case ASK_EVENT:
        CHECK(ask_get_event(in, &f->event, &room));
        f->seqs[f->events++ % 16] = f->event.seq;
        break;
    default:
        fail_msg("message %u", in->type);
    }
    if (text)
        snprintf(f->text, sizeof f->text, "%.*s", (int)len, (const char *)text);
}

static void on_close(void *arg, struct wire *w)
{
    (void)w;
    ((struct fx *)arg)->closes++;
}

static void fx_close(void *arg)
{
    struct fx *f = arg;

    wire_close(f->wire);
    ask_server_free(f->server);
    loop_free(f->loop);
    free(f);
}

static struct fx *fx_open(struct test *t)
{
    struct fx *f = mem_new(sizeof *f);
    struct ask_server_events ev = {.on_request = on_request, .on_subscribe = on_subscribe, .arg = f};
    struct err err = ERR_INIT;

    f->t = t;
    f->path = test_path(t, test_dir(t), "ask.sock");
    CHECK_OK(loop_new(&f->loop, &err), &err);
    CHECK_OK(ask_server_new(&f->server, f->loop, f->path, REGION, &ev, &err), &err);
    f->wire = wire_connect(f->loop, f->path,
                           (struct wire_events){.on_message = on_message, .on_close = on_close, .arg = f});
    test_cleanup(t, fx_close, f);
    CHECK_SOON(f->loop, wire_is_open(f->wire));
    return f;
}

static void ask(struct fx *f, unsigned op, uint64_t request_id)
{
    struct wire_out *o = wire_begin(f->wire, ASK_REQUEST, request_id);
    struct ask_request r = {.op = op,
                            .region_id = REGION,
                            .tenant_id = 21,
                            .account_id = 315,
                            .person_id = 0,
                            .staff_id = 205,
                            .roles = 8,
                            .key = "key-of-it",
                            .client_id = "req-1",
                            .body = (const uint8_t *)"{\"a\":1}",
                            .body_len = 7};

    CHECK(o != NULL);
    ask_put_request(o, &r);
    CHECK(wire_send(o));
}

static void subscribe(struct fx *f, int64_t region_id, uint64_t after_seq)
{
    struct wire_out *o = wire_begin(f->wire, ASK_SUBSCRIBE, 0);

    ask_put_subscribe(o, &(struct ask_subscription){region_id, after_seq});
    CHECK(wire_send(o));
}

static struct ask_event event(uint64_t seq)
{
    static const int64_t TENANTS[] = {21, 31}, ACCOUNTS[] = {311};

    return (struct ask_event){.seq = seq,
                              .topic = "study",
                              .tenants = TENANTS,
                              .accounts = ACCOUNTS,
                              .n_tenants = 2,
                              .n_accounts = 1,
                              .roles = 6,
                              .json = "{}",
                              .json_len = 2};
}

TEST(request, arrives_as_it_was_put_and_its_answer_finds_the_way_back)
{
    struct fx *f = fx_open(t);

    ask(f, 1, 77);
    CHECK_SOON(f->loop, f->answers == 1);
    CHECK_STR(f->text, "{\"op\":1}");
    CHECK_INT(f->request_id, 77);
    CHECK_INT(f->last.region_id, REGION);
    CHECK_INT(f->last.tenant_id, 21);
    CHECK_INT(f->last.account_id, 315);
    CHECK_INT(f->last.person_id, 0);
    CHECK_INT(f->last.staff_id, 205);
    CHECK_INT(f->last.roles, 8);
    CHECK_STR(f->last.key, "key-of-it");
    CHECK_STR(f->last.client_id, "req-1");
    CHECK_STR(f->last_body, "{\"a\":1}");
}

TEST(refusal, carries_code_reason_words_and_details)
{
    struct fx *f = fx_open(t);

    ask(f, 2, 1);
    CHECK_SOON(f->loop, f->refusals == 1);
    CHECK_INT(f->err.code, ERR_CONFLICT);
    CHECK_STR(f->err.reason, "lost");
    CHECK_STR(f->err.text, "somebody else");
    CHECK_STR(f->text, "{\"op\":2}");
}

TEST(answer, that_fits_no_frame_is_refused_instead)
{
    struct fx *f = fx_open(t);

    ask(f, 3, 1);
    CHECK_SOON(f->loop, f->refusals == 1);
    CHECK_STR(f->err.reason, "answer_too_large");
    CHECK_INT(f->closes, 0);
}

TEST(answer, to_a_connection_that_is_gone_goes_nowhere)
{
    struct fx *f = fx_open(t);
    json_t *doc = json_object();
    uint64_t gone;

    f->late = true;
    ask(f, 1, 1);
    CHECK_SOON(f->loop, f->requests == 1);
    gone = f->conn_id;
    wire_close(f->wire);
    f->wire = wire_connect(f->loop, f->path,
                           (struct wire_events){.on_message = on_message, .on_close = on_close, .arg = f});
    CHECK_SOON(f->loop, wire_is_open(f->wire));
    ask(f, 1, 1);
    CHECK_SOON(f->loop, f->requests == 2);
    CHECK(f->conn_id != gone);
    ask_server_answer(f->server, gone, 1, doc);
    ask_server_refuse(f->server, gone, 1, &(struct err){ERR_AGAIN, "busy", ""}, NULL);
    ask_server_answer(f->server, f->conn_id, 1, doc);
    CHECK_SOON(f->loop, f->answers + f->refusals > 0);
    CHECK_INT(f->answers, 1);
    CHECK_INT(f->refusals, 0);
    json_decref(doc);
}

TEST(owner, says_hello_to_whoever_is_there_and_to_whoever_comes)
{
    struct fx *f = fx_open(t);

    ask(f, 1, 1); /* there for certain */
    CHECK_SOON(f->loop, f->answers == 1);
    CHECK_INT(f->hellos, 0);
    ask_server_own(f->server, 5, 40);
    CHECK_SOON(f->loop, f->hellos == 1);
    CHECK_INT(f->hello.region_id, REGION);
    CHECK_INT(f->hello.epoch, 5);
    CHECK_INT(f->hello.last_seq, 40);
    ask_server_own(f->server, 0, 40); /* lost it: nothing to say */
    ask_server_own(f->server, 7, 44);
    CHECK_SOON(f->loop, f->hellos == 2);
    CHECK_INT(f->hello.epoch, 7);
    wire_close(f->wire);
    f->wire = wire_connect(f->loop, f->path,
                           (struct wire_events){.on_message = on_message, .on_close = on_close, .arg = f});
    CHECK_SOON(f->loop, f->hellos == 3);
    CHECK_INT(f->hello.last_seq, 44);
}

TEST(subscriber, hears_the_past_first_and_what_happened_meanwhile_afterwards)
{
    struct fx *f = fx_open(t);
    struct ask_event ev = event(8);

    CHECK_INT(ask_server_event(f->server, &ev), 0); /* nobody listens */
    subscribe(f, REGION, 6);
    CHECK_SOON(f->loop, f->subscribes == 1);
    CHECK_INT(f->after_seq, 6);
    CHECK_INT(f->firsts, 1);
    ev = event(7);
    CHECK_INT(ask_server_replay(f->server, f->conn_id, &ev), 1);
    ev = event(9);
    CHECK_INT(ask_server_event(f->server, &ev), 0); /* held back: the past is still being told */
    ev = event(8);
    CHECK_INT(ask_server_replay(f->server, f->conn_id, &ev), 1);
    ask_server_replayed(f->server, f->conn_id, 8);
    CHECK_INT(f->subscribes, 2); /* 9 was held back, so the past is asked for once more */
    CHECK_INT(f->after_seq, 8);
    CHECK_INT(f->firsts, 1);
    ev = event(9);
    ask_server_replay(f->server, f->conn_id, &ev);
    ask_server_replayed(f->server, f->conn_id, 9);
    CHECK_INT(ask_server_event(f->server, &ev), 0); /* heard already */
    ev = event(10);
    CHECK_INT(ask_server_event(f->server, &ev), 1);
    CHECK_SOON(f->loop, f->events == 4);
    for (unsigned i = 0; i < 4; i++)
        CHECK_INT(f->seqs[i], 7 + i);
    CHECK_INT(f->event.region_id, REGION);
    CHECK_STR(f->event.topic, "study");
    CHECK_INT(f->event.n_tenants, 2);
    CHECK_INT(f->event.tenants[1], 31);
    CHECK_INT(f->event.n_accounts, 1);
    CHECK_INT(f->event.accounts[0], 311);
    CHECK_INT(f->event.roles, 6);
    CHECK_INT(f->event.json_len, 2);
}

TEST(subscriber, from_now_on_hears_nothing_of_the_past)
{
    struct fx *f = fx_open(t);
    struct ask_event ev = event(9);

    subscribe(f, REGION, 0);
    CHECK_SOON(f->loop, f->subscribes == 1);
    CHECK(f->after_seq == ASK_FROM_NOW);
    ask_server_replayed(f->server, f->conn_id, 8);
    ask_server_event(f->server, &ev);
    CHECK_SOON(f->loop, f->events == 1);
    CHECK_INT(f->seqs[0], 9);
}

TEST(subscriber, to_another_region_is_not_heard)
{
    struct fx *f = fx_open(t);

    subscribe(f, REGION + 1, 0);
    ask(f, 1, 1);
    CHECK_SOON(f->loop, f->answers == 1);
    CHECK_INT(f->subscribes, 0);
}

TEST(malformed, message_ends_its_connection_and_reaches_nobody)
{
    static const uint16_t TYPES[] = {ASK_REQUEST, ASK_SUBSCRIBE, ASK_ANSWER, 0x123};
    struct fx *f = fx_open(t);

    for (unsigned i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        struct wire_out *o;

        CHECK_SOON(f->loop, wire_is_open(f->wire));
        o = wire_begin(f->wire, TYPES[i], 1);
        wire_put_u8(o, 1); /* too short for any of them */
        CHECK(wire_send(o));
        CHECK_SOON(f->loop, f->closes == (int)i + 1);
    }
    CHECK_INT(f->requests + f->subscribes, 0);
}

TEST(event, for_a_wider_audience_than_allowed_is_malformed)
{
    static struct ask_audience room;
    struct wire_out *o = wire_frame_new(NULL, ASK_EVENT, 0);
    struct ask_event out;
    struct wire_in in;

    wire_put_i64(o, REGION);
    wire_put_u64(o, 1);
    wire_put_str(o, "t");
    wire_put_u16(o, ASK_AUDIENCE_MAX + 1);
    for (int i = 0; i <= ASK_AUDIENCE_MAX; i++)
        wire_put_i64(o, i);
    wire_put_u16(o, 0);
    wire_put_u32(o, 0);
    wire_put_bytes(o, "{}", 2);
    CHECK(wire_frame_seal(o));
    CHECK(wire_parse(&in, o->data, o->len));
    CHECK(!ask_get_event(&in, &out, &room));
    wire_frame_free(o);
}
