#include "scheduling/server.h"
#include "core/ask_server.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "scheduling/decide.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct server {
    struct loop *loop;
    struct ask_server *ask;
    struct mailbox *mail;
    struct decider *decider;
};

static struct metric REQUESTS =
    METRIC_COUNTER("yz_scheduling_requests_total", "Requests received from signald.");
static struct metric REFUSED =
    METRIC_COUNTER("yz_scheduling_refused_total", "Requests answered with a refusal, lost claims included.");
static struct metric BUSY = METRIC_COUNTER(
    "yz_scheduling_busy_total", "Requests refused because 65,536 were waiting; look at PostgreSQL.");
static struct metric EVENTS =
    METRIC_COUNTER("yz_scheduling_events_total", "Events handed to subscribers after their commit.");
static struct metric OWNER =
    METRIC_GAUGE("yz_scheduling_owner", "Epoch under which this process owns its region; 0: it does not.");
static struct metric LATENCY =
    METRIC_HISTOGRAM("yz_scheduling_request_us", "From a request's arrival to its answer, after the commit.",
                     METRIC_BOUNDS_US);

/* ---------------------------------------------------------------- from the deciding thread */

static void on_answered(struct server *s, struct sched_request *r)
{
    metric_observe(&LATENCY, clock_mono_us() - r->arrived_us);
    if (r->answer.err.code) {
        REFUSED.value++;
        ask_server_refuse(s->ask, r->conn_id, r->request_id, &r->answer.err, r->answer.doc);
    } else {
        ask_server_answer(s->ask, r->conn_id, r->request_id, r->answer.doc);
    }
    request_free(r);
}

static struct ask_event event_of(const struct owner_event *ev)
{
    struct ask_event out = {
        .seq = ev->seq,
        .tenants = ev->tenants,
        .accounts = ev->accounts,
        .n_tenants = ev->n_tenants,
        .n_accounts = ev->n_accounts,
        .roles = ev->roles,
        .json = ev->json,
        .json_len = strlen(ev->json),
    };

    snprintf(out.topic, sizeof out.topic, "%s", ev->topic);
    return out;
}

static void on_owner(struct server *s, int64_t epoch, uint64_t seq)
{
    OWNER.value = epoch;
    ask_server_own(s->ask, (uint64_t)epoch, seq);
}

static void on_mail(void *arg, struct mail *m)
{
    struct server *s = arg;
    struct post *p = (struct post *)m;
    struct ask_event ev;

    switch (p->kind) {
    case POST_ANSWER:
        on_answered(s, p->request);
        break;
    case POST_EVENT:
        ev = event_of(p->event);
        EVENTS.value += ask_server_event(s->ask, &ev);
        break;
    case POST_REPLAY_EVENT:
        ev = event_of(p->event);
        EVENTS.value += ask_server_replay(s->ask, p->conn_id, &ev);
        break;
    case POST_REPLAYED:
        ask_server_replayed(s->ask, p->conn_id, p->seq);
        break;
    case POST_OWNER:
        on_owner(s, p->epoch, p->seq);
        break;
    }
    owner_event_free(p->event);
    free(p);
}

/* ---------------------------------------------------------------- in */

static struct sched_request *request_of(uint64_t conn_id, uint64_t request_id, const struct ask_request *ask)
{
    struct sched_request *r = mem_new(sizeof *r);

    r->request_id = request_id;
    r->conn_id = conn_id;
    r->arrived_us = clock_mono_us();
    r->op = (enum sched_op)ask->op;
    r->region_id = ask->region_id;
    r->tenant_id = ask->tenant_id;
    r->account_id = ask->account_id;
    r->person_id = ask->person_id;
    r->staff_id = ask->staff_id;
    r->roles = ask->roles;
    memcpy(r->key, ask->key, sizeof r->key);
    memcpy(r->client_id, ask->client_id, sizeof r->client_id);
    return r;
}

static void on_request(void *arg, uint64_t conn_id, uint64_t request_id, const struct ask_request *ask)
{
    struct server *s = arg;
    struct err err = ERR_INIT;
    struct sched_request *r = request_of(conn_id, request_id, ask);
    struct job *job;

    REQUESTS.value++;
    if (!request_parse(r, ask->body, ask->body_len, &err)) {
        REFUSED.value++;
        ask_server_refuse(s->ask, conn_id, request_id, &err, NULL);
        request_free(r);
        return;
    }
    job = mem_new(sizeof *job);
    *job = (struct job){.kind = JOB_REQUEST, .request = r};
    if (s->decider && decider_push(s->decider, job))
        return;
    if (s->decider) {
        BUSY.value++;
        err_set(&err, ERR_AGAIN, "busy", "too many requests are waiting");
    } else
        err_set(&err, ERR_AGAIN, "scheduler_stopping", "the scheduler is going down");
    ask_server_refuse(s->ask, conn_id, request_id, &err, NULL);
    request_free(r);
    free(job);
}

static void on_subscribe(void *arg, uint64_t conn_id, uint64_t after_seq, bool first)
{
    struct server *s = arg;
    struct job *job = mem_new(sizeof *job);

    *job = (struct job){.kind = JOB_REPLAY, .conn_id = conn_id, .after_seq = after_seq, .greeting = first};
    if (!s->decider || !decider_push(s->decider, job))
        free(job);
}

/* ---------------------------------------------------------------- life */

static void metrics_once(void)
{
    static struct metric *const ALL[] = {&REQUESTS, &REFUSED, &BUSY, &EVENTS, &OWNER, &LATENCY, NULL};
    static bool done;

    for (struct metric *const *m = ALL; !done && *m; m++)
        metrics_add(*m);
    done = true;
}

bool server_new(struct server **out, struct loop *loop, const char *socket_path,
                const struct owner_options *opt, struct err *err)
{
    struct server *s = mem_new(sizeof *s);
    struct ask_server_events ev = {.on_request = on_request, .on_subscribe = on_subscribe, .arg = s};

    metrics_once();
    s->loop = loop;
    if (!mailbox_new(&s->mail, loop, on_mail, s, err) || !decider_start(&s->decider, s->mail, opt, err) ||
        !ask_server_new(&s->ask, loop, socket_path, opt->region_id, &ev, err)) {
        server_free(s);
        return false;
    }
    *out = s;
    return true;
}

void server_free(struct server *s)
{
    if (!s)
        return;
    decider_stop(s->decider);
    s->decider = NULL;
    for (int turns = 0; s->ask && turns < 1000 && loop_turn(s->loop, 0); turns++)
        ; /* what was decided is still told */
    if (s->mail)
        mailbox_free(s->mail);
    ask_server_free(s->ask);
    free(s);
}
