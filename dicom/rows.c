#include "dicom/rows.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "dicom/protocol.h"
#include "dicom/rows_internal.h"

#define WRITER  "dicom"
#define TICK_US (250 * US_PER_MS)

static struct metric BATCHES = METRIC_COUNTER("yz_dicom_batches_total", "Transactions that wrote instances.");
static struct metric TROUBLE =
    METRIC_COUNTER("yz_dicom_database_trouble_total",
                   "Times the database was away when rows were due; they wait in the journal.");

enum post_kind { POST_SETTLED, POST_ANSWER, POST_EVENT, POST_REPLAY, POST_REPLAYED, POST_OWNER };
struct post {
    struct mail mail;
    enum post_kind kind;
    struct rows_instance *instance;
    uint64_t conn_id, request_id, epoch, seq;
    json_t *doc;
    struct err err;
    struct rows_event *event;
};

/* ---------------------------------------------------------------- the thread to the loop */

static void post(struct rows *r, struct post p)
{
    struct post *copy = mem_copy(&p, sizeof p);

    mailbox_post(r->to_loop, &copy->mail);
}

static void event_free(struct rows_event *e)
{
    if (!e)
        return;
    free(e->json);
    free(e);
}

static void on_mail(void *arg, struct mail *m)
{
    struct rows *r = arg;
    struct post *p = (struct post *)m;

    switch (p->kind) {
    case POST_SETTLED:
        r->ev.on_settled(r->ev.arg, p->instance);
        break;
    case POST_ANSWER:
        r->ev.on_answer(r->ev.arg, p->conn_id, p->request_id, p->doc, &p->err);
        json_decref(p->doc);
        break;
    case POST_EVENT:
        r->ev.on_event(r->ev.arg, &p->event->ev);
        break;
    case POST_REPLAY:
        r->ev.on_replay(r->ev.arg, p->conn_id, &p->event->ev);
        break;
    case POST_REPLAYED:
        r->ev.on_replayed(r->ev.arg, p->conn_id, p->seq);
        break;
    case POST_OWNER:
        r->ev.on_owner(r->ev.arg, p->epoch, p->seq);
        break;
    }
    event_free(p->event);
    free(p);
}

/* ---------------------------------------------------------------- database */

struct db_scope rows_scope(const struct rows *r, int64_t tenant_id)
{
    return (struct db_scope){.region_id = r->opt.region_id, .tenant_id = tenant_id};
}

bool rows_query(struct rows *r, int64_t tenant_id, const struct db_stmt *stmt, struct db_args *a,
                struct db_rows *rows, struct err *err)
{
    struct db_scope scope = rows_scope(r, tenant_id);

    return db_sync_query(r->db, &scope, stmt, a, rows, err);
}

static bool stream_take(struct rows *r, struct err *err)
{
    struct db_args a;
    struct db_rows rows;
    bool ok;

    stream_open_args(&a, &r->stream, 0);
    if (!rows_query(r, 0, &SQL_stream_open, &a, &rows, err))
        return false;
    ok = stream_opened(&r->stream, &rows, err);
    db_rows_free(&rows);
    if (!ok)
        return false;
    r->owner = true;
    log_info("stream_taken", LI("epoch", r->stream.epoch));
    post(r, (struct post){.kind = POST_OWNER,
                          .epoch = (uint64_t)r->stream.epoch,
                          .seq = (uint64_t)r->stream.done.event_seq});
    return rows_recall(r, err);
}

static void disconnect(struct rows *r)
{
    db_sync_close(r->db);
    r->db = NULL;
}

static bool connect_db(struct rows *r, struct err *err)
{
    if (!r->db && !db_sync_open(&r->db, r->conninfo, err))
        return false;
    return r->owner || stream_take(r, err);
}

static bool stream_take_row(struct rows *r, struct err *err)
{
    struct db_args a;
    struct db_rows rows;
    bool ok;

    stream_lock_args(&a, &r->stream);
    if (!rows_query(r, 0, &SQL_stream_lock, &a, &rows, err))
        return false;
    ok = stream_opened(&r->stream, &rows, err);
    db_rows_free(&rows);
    if (!ok)
        r->owner = false; /* another life of this writer: take the name again */
    return ok;
}

bool rows_begin(struct rows *r, int64_t tenant_id, struct err *err)
{
    (void)tenant_id;
    if (!db_sync_exec(r->db, "BEGIN; SET LOCAL statement_timeout = '20s'", err))
        return false;
    if (stream_take_row(r, err))
        return true;
    rows_rollback(r);
    return false;
}

void rows_rollback(struct rows *r)
{
    struct err ignored = ERR_INIT;

    db_sync_exec(r->db, "ROLLBACK", &ignored);
    stream_rolled_back(&r->stream);
    while (r->told) {
        struct rows_event *e = r->told;

        r->told = e->next;
        event_free(e);
    }
    r->told_last = &r->told;
}

static bool stream_put(struct rows *r, struct err *err)
{
    struct db_args a;
    struct db_rows rows;
    bool ok;

    if (!stream_has_rows(&r->stream))
        return true;
    stream_write_args(&a, &r->stream);
    if (!rows_query(r, 0, &SQL_stream_write, &a, &rows, err))
        return false;
    ok = stream_written(&rows, err);
    db_rows_free(&rows);
    if (!ok)
        r->owner = false;
    return ok;
}

bool rows_commit(struct rows *r, int64_t tenant_id, struct err *err)
{
    (void)tenant_id;
    if (!stream_put(r, err) || !db_sync_exec(r->db, "COMMIT", err)) {
        rows_rollback(r);
        return false;
    }
    stream_committed(&r->stream);
    while (r->told) {
        struct rows_event *e = r->told;

        r->told = e->next;
        post(r, (struct post){.kind = POST_EVENT, .event = e});
    }
    r->told_last = &r->told;
    return true;
}

void rows_tell(struct rows *r, int64_t tenant_id, const int64_t *tenants, size_t n, int64_t study_id,
               const json_t *data, int64_t now_us)
{
    struct rows_event *e = mem_new(sizeof *e);
    struct stream_event ev = {.topic = "study", .tenant_id = tenant_id, .subject_id = study_id, .data = data};

    n = n < ASK_AUDIENCE_MAX ? n : ASK_AUDIENCE_MAX;
    memcpy(e->tenants, tenants, n * sizeof *tenants);
    ev.to_tenants = e->tenants;
    ev.n_tenants = n;
    stream_event(&r->stream, &ev, now_us);
    e->json = json_text(data, &e->ev.json_len);
    snprintf(e->ev.topic, sizeof e->ev.topic, "study");
    e->ev.seq = ev.seq;
    e->ev.tenants = e->tenants;
    e->ev.n_tenants = n;
    e->ev.json = e->json;
    *r->told_last = e;
    r->told_last = &e->next;
}

struct rows_active *rows_active(struct rows *r, int64_t tenant_id, const char *study_uid)
{
    struct rows_active *a;

    for (a = r->active; a; a = a->next)
        if (a->tenant_id == tenant_id && !strcmp(a->study_uid, study_uid))
            return a;
    a = mem_new(sizeof *a);
    a->tenant_id = tenant_id;
    snprintf(a->study_uid, sizeof a->study_uid, "%s", study_uid);
    a->last_us = clock_mono_us();
    a->next = r->active;
    r->active = a;
    return a;
}

/* ---------------------------------------------------------------- jobs */

static bool is_trouble(const struct err *err)
{
    return err->code == ERR_AGAIN || err->code == ERR_UNKNOWN || err->code == ERR_STALE ||
           err->code == ERR_INTERNAL || err->code == ERR_DENIED || err->code == ERR_IO;
}

/* A row the tables refuse would hold up all others for ever: it goes to the quarantine with that word. */
static void refuse_row(struct rows_instance *i, const struct err *err)
{
    log_error("instance_refused_by_rows", LID("instance", i->id), LERR(err));
    snprintf(i->reason, sizeof i->reason, "rows_refused");
    i->status = 0xC000;
}

static void settled(struct rows *r, struct rows_instance **list, size_t n)
{
    BATCHES.value++;
    for (size_t k = 0; k < n; k++)
        post(r, (struct post){.kind = POST_SETTLED, .instance = list[k]});
}

/* All of one tenant at once; when the tables refuse, one by one to find whom they mean. false: try all that is left later. */
static bool write_instances(struct rows *r, struct rows_instance **list, size_t n, size_t *done,
                            struct err *err)
{
    if (rows_batch(r, list[0]->src.tenant_id, list, n, err)) {
        settled(r, list, n);
        *done = n;
        return true;
    }
    if (is_trouble(err))
        return false;
    for (*done = 0; *done < n; ++*done) {
        bool ok;

        err_clear(err);
        ok = rows_batch(r, list[0]->src.tenant_id, list + *done, 1, err);
        if (!ok && !is_trouble(err) && !list[*done]->reason[0]) {
            refuse_row(list[*done], err);
            err_clear(err);
            ok = rows_batch(r, list[0]->src.tenant_id, list + *done, 1, err);
        }
        if (!ok)
            return false;
        settled(r, list + *done, 1);
    }
    return true;
}

/* The front of the list as far as it is instances of one tenant. They leave the list when they are written. */
static bool run_instances(struct rows *r, struct rows_job **jobs, struct err *err)
{
    struct rows_instance *list[ROWS_BATCH];
    size_t n = 0, done = 0;
    bool ok;

    for (struct rows_job *j = *jobs; j && n < ROWS_BATCH && j->kind == ROWS_INSTANCE; j = j->next) {
        if (n && j->instance->src.tenant_id != list[0]->src.tenant_id)
            break;
        list[n++] = j->instance;
    }
    ok = write_instances(r, list, n, &done, err);
    for (; done; done--) {
        struct rows_job *j = *jobs;

        *jobs = j->next;
        free(j);
    }
    return ok;
}

static bool run_ask(struct rows *r, struct rows_job *j, struct err *err)
{
    json_t *doc = NULL;
    struct err refusal = ERR_INIT;

    if (!rows_decide(r, &j->ask, j->body, &doc, &refusal, err)) {
        refusal = *err; /* not decided: the caller may ask again */
        if (refusal.code != ERR_UNKNOWN)
            err_set(&refusal, ERR_AGAIN, "database_away", "the database is away");
    }
    post(r, (struct post){.kind = POST_ANSWER,
                          .conn_id = j->conn_id,
                          .request_id = j->request_id,
                          .doc = doc,
                          .err = refusal});
    return err->code == ERR_NONE;
}

static size_t ids_of(const char *list, int64_t *out, size_t max)
{
    size_t n = 0;

    while (*list && n < max) {
        char *end;

        out[n++] = strtoll(list, &end, 10);
        list = *end == ',' ? end + 1 : end;
    }
    return n;
}

static bool replay_page(struct rows *r, uint64_t conn_id, uint64_t *through, int *n, struct err *err)
{
    struct db_args a;
    struct db_rows rows;

    db_args_init(&a);
    db_arg_i64(&a, r->opt.region_id);
    db_arg_str(&a, WRITER);
    db_arg_i64(&a, (int64_t)*through);
    db_arg_i64(&a, 1000);
    if (!rows_query(r, 0, &SQL_events_after, &a, &rows, err))
        return false;
    for (int i = 0; i < rows.n; i++) {
        struct rows_event *e = mem_new(sizeof *e);

        e->ev.seq = *through = (uint64_t)db_i64(&rows, i, 0);
        snprintf(e->ev.topic, sizeof e->ev.topic, "%s", db_str(&rows, i, 1));
        e->ev.n_tenants = ids_of(db_str(&rows, i, 2), e->tenants, ASK_AUDIENCE_MAX);
        e->ev.tenants = e->tenants;
        e->ev.roles = (uint32_t)db_i64(&rows, i, 4);
        e->json = mem_str(db_str(&rows, i, 5));
        e->ev.json = e->json;
        e->ev.json_len = strlen(e->json);
        post(r, (struct post){.kind = POST_REPLAY, .conn_id = conn_id, .event = e});
    }
    *n = rows.n;
    db_rows_free(&rows);
    return true;
}

static bool run_replay(struct rows *r, const struct rows_job *j, struct err *err)
{
    uint64_t through = j->after_seq;
    int n = 1000;

    if (through == UINT64_MAX)
        through = (uint64_t)r->stream.done.event_seq;
    else
        while (n == 1000)
            if (!replay_page(r, j->conn_id, &through, &n, err))
                break; /* the subscriber sees the gap with the next event and asks again */
    post(r, (struct post){.kind = POST_REPLAYED, .conn_id = j->conn_id, .seq = through});
    return err->code == ERR_NONE;
}

static void run_hold(struct rows *r, const struct rows_job *j)
{
    struct rows_active *a = rows_active(r, j->tenant_id, j->study_uid);

    if (j->hold)
        a->holds++;
    else if (a->holds)
        a->holds--;
    a->last_us = clock_mono_us();
}

/* Works through the list until it is empty or the database fails. */
static bool run_jobs(struct rows *r, struct rows_job **jobs, struct err *err)
{
    while (*jobs) {
        struct rows_job *j = *jobs;
        bool ok = true;

        if (j->kind == ROWS_INSTANCE) {
            if (!run_instances(r, jobs, err))
                return false;
            continue;
        }
        if (j->kind == ROWS_HOLD)
            run_hold(r, j);
        else if (j->kind == ROWS_ASK)
            ok = run_ask(r, j, err);
        else
            ok = run_replay(r, j, err);
        *jobs = j->next;
        json_decref(j->body);
        free(j);
        if (!ok)
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------- the thread */

static void refuse_asks(struct rows *r, struct rows_job **jobs)
{
    struct err away = ERR_INIT;

    err_set(&away, ERR_AGAIN, "database_away", "the database is away");
    while (*jobs) {
        struct rows_job *j = *jobs;

        if (j->kind != ROWS_ASK) {
            jobs = &j->next;
            continue;
        }
        post(r, (struct post){
                    .kind = POST_ANSWER, .conn_id = j->conn_id, .request_id = j->request_id, .err = away});
        *jobs = j->next;
        json_decref(j->body);
        free(j);
    }
}

static bool turn(struct rows *r)
{
    struct err err = ERR_INIT;

    if (connect_db(r, &err) && run_jobs(r, &r->again, &err)) {
        rows_sweep(r);
        return true;
    }
    TROUBLE.value++;
    log_warn("database_trouble", LERR(&err));
    disconnect(r);
    refuse_asks(r, &r->again);
    return false;
}

static void wait_some(struct rows *r, bool patient)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += TICK_US * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!r->stop && (patient || !r->first))
        if (pthread_cond_timedwait(&r->some, &r->lock, &until) != 0)
            break;
}

static void *run(void *arg)
{
    struct rows *r = arg;
    bool fine = true, stop;

    do {
        struct rows_job **end = &r->again;

        pthread_mutex_lock(&r->lock);
        wait_some(r, !fine);
        stop = r->stop;
        while (*end)
            end = &(*end)->next;
        *end = r->first;
        r->first = NULL;
        r->last = &r->first;
        pthread_mutex_unlock(&r->lock);
        fine = turn(r);
    } while (!stop);
    disconnect(r);
    return NULL;
}

/* ---------------------------------------------------------------- the loop to the thread */

static void push(struct rows *r, struct rows_job job)
{
    struct rows_job *j = mem_copy(&job, sizeof job);

    pthread_mutex_lock(&r->lock);
    *r->last = j;
    r->last = &j->next;
    pthread_cond_signal(&r->some);
    pthread_mutex_unlock(&r->lock);
}

void rows_instance(struct rows *r, struct rows_instance *i)
{
    push(r, (struct rows_job){.kind = ROWS_INSTANCE, .instance = i});
}

void rows_hold(struct rows *r, int64_t tenant_id, const char *study_uid, bool hold)
{
    struct rows_job j = {.kind = ROWS_HOLD, .tenant_id = tenant_id, .hold = hold};

    snprintf(j.study_uid, sizeof j.study_uid, "%s", study_uid);
    push(r, j);
}

void rows_ask(struct rows *r, uint64_t conn_id, uint64_t request_id, const struct ask_request *q,
              json_t *body)
{
    struct rows_job j = {
        .kind = ROWS_ASK, .conn_id = conn_id, .request_id = request_id, .ask = *q, .body = body};

    j.ask.body = NULL;
    push(r, j);
}

void rows_replay(struct rows *r, uint64_t conn_id, uint64_t after_seq)
{
    push(r, (struct rows_job){.kind = ROWS_REPLAY, .conn_id = conn_id, .after_seq = after_seq});
}

bool rows_start(struct rows **out, struct loop *loop, const struct rows_options *opt,
                const struct rows_events *ev, struct err *err)
{
    static bool counted;
    struct rows *r = mem_new(sizeof *r);

    if (!counted) {
        metrics_add(&BATCHES);
        metrics_add(&TROUBLE);
        counted = true;
    }
    r->opt = *opt;
    r->conninfo = mem_str(opt->conninfo);
    r->imaging = mem_str(opt->imaging);
    r->opt.conninfo = r->conninfo;
    r->opt.imaging = r->imaging;
    r->ev = *ev;
    r->last = &r->first;
    r->told_last = &r->told;
    ids_init(&r->ids, opt->node);
    stream_init(&r->stream, opt->region_id, WRITER, &r->ids);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->some, NULL);
    if (!mailbox_new(&r->to_loop, loop, on_mail, r, err)) {
        free(r);
        return false;
    }
    if (pthread_create(&r->thread, NULL, run, r) != 0) {
        mailbox_free(r->to_loop);
        free(r);
        return err_set(err, ERR_INTERNAL, "thread", "no thread for rows");
    }
    *out = r;
    return true;
}

static void drop_jobs(struct rows_job *jobs, void (*drop)(void *arg, struct rows_instance *i), void *arg)
{
    while (jobs) {
        struct rows_job *j = jobs;

        jobs = j->next;
        if (j->instance)
            drop(arg, j->instance);
        json_decref(j->body);
        free(j);
    }
}

void rows_stop(struct rows *r, void (*drop)(void *arg, struct rows_instance *i), void *arg)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->some);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    mailbox_free(r->to_loop);
    drop_jobs(r->again, drop, arg);
    drop_jobs(r->first, drop, arg);
    while (r->active) {
        struct rows_active *a = r->active;

        r->active = a->next;
        free(a);
    }
    stream_reset(&r->stream);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->some);
    free(r->conninfo);
    free(r->imaging);
    free(r);
}
