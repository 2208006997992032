/* The asking end of core/ask.h against the owner's end: what is sent, what is lost, and that no event is. */
#include "core/ask_server.h"
#include "core/mem.h"
#include "signaling/owner_link.h"
#include "tests/unit/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGION 150000

struct fx {
    struct test *t;
    struct loop *loop;
    const char *path;
    struct owner_link *link;
    struct ask_server *server;
    /* the owner's end */
    uint64_t conn_id, request_id, after_seq, last_seq;
    unsigned last_op;
    int requests, subscribes;
    bool silent;
    /* the link's */
    int ups, downs, events, answers, errors;
    uint64_t seq;
    char text[64], reason[64];
    enum err_code code;
};

static void on_request(void *arg, uint64_t conn_id, uint64_t request_id, const struct ask_request *r)
{
    struct fx *f = arg;
    json_t *doc = json_pack("{s:s}", "key", r->key);

    f->requests++;
    f->last_op = r->op;
    if (!f->silent)
        ask_server_answer(f->server, conn_id, request_id, doc);
    json_decref(doc);
}

/* The past is every number up to last_seq. */
static void on_subscribe(void *arg, uint64_t conn_id, uint64_t after_seq, bool first)
{
    struct fx *f = arg;
    struct ask_event ev = {.topic = "study", .json = "{}", .json_len = 2};

    (void)first;
    f->subscribes++;
    f->after_seq = after_seq;
    for (ev.seq = after_seq + 1; after_seq != ASK_FROM_NOW && ev.seq <= f->last_seq; ev.seq++)
        ask_server_replay(f->server, conn_id, &ev);
    ask_server_replayed(f->server, conn_id, f->last_seq);
}

static void on_event(void *arg, const struct owner_event *ev)
{
    struct fx *f = arg;

    CHECK_STR(ev->topic, "study");
    f->events++;
    f->seq = ev->seq;
}

static void on_state(void *arg, enum owner owner, bool up)
{
    struct fx *f = arg;

    CHECK_INT(owner, OWNER_IMAGING);
    f->ups += up;
    f->downs += !up;
}

static void on_answer(void *arg, const char *text, size_t len, const struct err *err, const json_t *details)
{
    struct fx *f = arg;

    (void)details;
    if (err) {
        f->errors++;
        f->code = err->code;
        snprintf(f->reason, sizeof f->reason, "%s", err->reason);
    } else {
        f->answers++;
        snprintf(f->text, sizeof f->text, "%.*s", (int)len, text);
    }
}

static void owner_comes(struct fx *f)
{
    struct ask_server_events ev = {.on_request = on_request, .on_subscribe = on_subscribe, .arg = f};
    struct err err = ERR_INIT;
    int before = f->ups;

    CHECK_OK(ask_server_new(&f->server, f->loop, f->path, REGION, &ev, &err), &err);
    ask_server_own(f->server, 1, f->last_seq);
    CHECK_SOON(f->loop, f->ups == before + 1);
}

static void owner_goes(struct fx *f)
{
    int before = f->downs;

    ask_server_free(f->server);
    f->server = NULL;
    CHECK_SOON(f->loop, f->downs == before + 1);
}

static void tell(struct fx *f, uint64_t seq)
{
    struct ask_event ev = {.seq = seq, .topic = "study", .json = "{}", .json_len = 2};

    f->last_seq = seq;
    ask_server_event(f->server, &ev);
}

static void fx_close(void *arg)
{
    struct fx *f = arg;

    owner_link_free(f->link);
    ask_server_free(f->server);
    loop_free(f->loop);
    free(f);
}

static struct fx *fx_open(struct test *t)
{
    struct fx *f = mem_new(sizeof *f);
    struct owner_link_events ev = {.on_event = on_event, .on_state = on_state, .arg = f};
    struct err err = ERR_INIT;

    f->t = t;
    f->last_seq = 40;
    f->path = test_path(t, test_dir(t), "ask.sock");
    CHECK_OK(loop_new(&f->loop, &err), &err);
    f->link = owner_link_new(f->loop, OWNER_IMAGING, f->path, REGION, &ev);
    test_cleanup(t, fx_close, f);
    return f;
}

static void ask(struct fx *f, enum dicom_op op)
{
    struct ask_request r = {
        .op = op, .region_id = REGION, .key = "k", .body = (const uint8_t *)"{}", .body_len = 2};

    owner_link_ask(f->link, &r, on_answer, f);
}

TEST(request, is_answered_by_the_owner)
{
    struct fx *f = fx_open(t);

    owner_comes(f);
    CHECK(owner_link_is_open(f->link));
    ask(f, DICOM_OP_STUDY_MATCH);
    CHECK_SOON(f->loop, f->answers == 1);
    CHECK_INT(f->last_op, DICOM_OP_STUDY_MATCH);
    CHECK_STR(f->text, "{\"key\":\"k\"}");
}

TEST(request, to_an_owner_that_is_away_names_him)
{
    struct fx *f = fx_open(t);

    ask(f, DICOM_OP_STUDY_MATCH);
    CHECK_INT(f->errors, 1);
    CHECK_INT(f->code, ERR_AGAIN);
    CHECK_STR(f->reason, "imaging_away");
}

TEST(request, that_was_on_its_way_is_unknown_when_it_was_a_command)
{
    struct fx *f = fx_open(t);

    owner_comes(f);
    f->silent = true;
    ask(f, DICOM_OP_STUDY_MATCH);
    CHECK_SOON(f->loop, f->requests == 1);
    owner_goes(f);
    CHECK_INT(f->errors, 1);
    CHECK_INT(f->code, ERR_UNKNOWN);
    CHECK_STR(f->reason, "outcome_unknown");

    owner_comes(f);
    ask(f, DICOM_OP_STUDY_LIST);
    CHECK_SOON(f->loop, f->requests == 2);
    owner_goes(f);
    CHECK_INT(f->errors, 2);
    CHECK_INT(f->code, ERR_AGAIN);
    CHECK_STR(f->reason, "imaging_away");
}

TEST(request, longer_than_a_frame_is_refused_and_nothing_hangs)
{
    struct fx *f = fx_open(t);
    uint8_t *body = mem_new(WIRE_MAX);
    struct ask_request r = {.op = DICOM_OP_STUDY_MATCH, .body = body, .body_len = WIRE_MAX};

    owner_comes(f);
    owner_link_ask(f->link, &r, on_answer, f);
    CHECK_INT(f->errors, 1);
    CHECK_STR(f->reason, "body_too_large");
    ask(f, DICOM_OP_STUDY_LIST);
    CHECK_SOON(f->loop, f->answers == 1);
    free(body);
}

TEST(events, begin_at_the_number_the_first_hello_named)
{
    struct fx *f = fx_open(t);

    owner_comes(f);
    CHECK_SOON(f->loop, f->subscribes == 1);
    CHECK_INT(f->after_seq, 40);
    tell(f, 41);
    CHECK_SOON(f->loop, f->events == 1);
    CHECK_INT(f->seq, 41);
}

TEST(events, that_happened_while_the_owner_was_away_are_heard_when_he_is_back)
{
    struct fx *f = fx_open(t);

    owner_comes(f);
    CHECK_SOON(f->loop, f->subscribes == 1);
    owner_goes(f);
    f->last_seq = 43;
    owner_comes(f);
    CHECK_SOON(f->loop, f->events == 3);
    CHECK_INT(f->after_seq, 40);
    CHECK_INT(f->seq, 43);
}

TEST(events, with_a_missing_number_are_asked_for_again_from_the_last_one)
{
    struct fx *f = fx_open(t);

    owner_comes(f);
    CHECK_SOON(f->loop, f->subscribes == 1);
    tell(f, 41);
    CHECK_SOON(f->loop, f->events == 1);
    tell(f, 44); /* 42 and 43 never went out */
    CHECK_SOON(f->loop, f->events == 4);
    CHECK_INT(f->after_seq, 41);
    CHECK_INT(f->seq, 44);
    CHECK_INT(f->subscribes, 2);
}
