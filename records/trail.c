#include "records/trail.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "records/stream.h"
#include <stdlib.h>
#include <string.h>

#define BATCH    200
#define LOOKS    4096
#define LOOK_US  (3600 * US_PER_S)
#define AGAIN_US US_PER_S

struct item {
    struct trail_entry e; /* its strings are copies */
    struct db_args args;
    struct item *next;
};

struct look {
    int64_t account_id, subject_id, at_us;
    const char *action; /* static text */
};

struct trail {
    struct loop *loop;
    struct db *db;
    int64_t region_id;
    struct stream stream;
    bool named; /* the stream is open under an epoch of ours */
    struct item *queue, **queue_end;
    unsigned n;
    struct item *batch; /* in the running transaction */

    struct loop_timer *again;
    struct look seen[LOOKS]; /* by hash; a newer look takes an older one's place */
};

static struct metric WRITTEN = METRIC_COUNTER("yz_audit_rows_total", "Audit rows committed.");
static struct metric WAITING =
    METRIC_GAUGE("yz_audit_waiting", "Audit rows waiting for the database. Should be near zero.");
static struct metric LOST =
    METRIC_COUNTER("yz_audit_refused_total", "Audited actions refused because the row could not be written.");

static void pump(void *arg);

static void item_free(struct item *i)
{
    db_args_free(&i->args);
    free((char *)i->e.actor_name);
    free((char *)i->e.subject_kind);
    free((char *)i->e.action);
    free((char *)i->e.outcome);
    free((char *)i->e.request_id);
    free((char *)i->e.detail);
    free(i);
}

static void answer(struct item *i, const struct err *err)
{
    if (i->e.done)
        i->e.done(i->e.arg, err);
    item_free(i);
}

/* --- the queue --- */

static char *text(const char *s, const char *absent)
{
    return mem_str(s ? s : absent);
}

void trail_add(struct trail *t, const struct trail_entry *entry)
{
    static const struct err AWAY = {ERR_AGAIN, "database_away", "the audit trail cannot be written"};
    struct item *i = mem_new(sizeof *i);

    i->e = *entry;
    db_args_init(&i->args);
    if (entry->args)
        i->args = *entry->args;
    i->e.args = NULL;
    i->e.actor_name = text(entry->actor_name, "");
    i->e.subject_kind = text(entry->subject_kind, "");
    i->e.action = text(entry->action, "");
    i->e.outcome = text(entry->outcome, "ok");
    i->e.request_id = text(entry->request_id, "");
    i->e.detail = text(entry->detail, "{}");
    if (t->n >= TRAIL_KEEP || ((i->e.stmt || i->e.done) && !db_is_ready(t->db))) {
        LOST.value++;
        answer(i, &AWAY);
        return;
    }
    *t->queue_end = i;
    t->queue_end = &i->next;
    WAITING.value = ++t->n;
    pump(t);
}

static size_t look_slot(int64_t account_id, int64_t subject_id, const char *action)
{
    uint64_t hash =
        ((uint64_t)account_id * 31 + (uint64_t)subject_id) * 31 + (uint8_t)action[strlen(action) - 1];

    return hash % LOOKS;
}

bool trail_seen(const struct trail *t, int64_t account_id, int64_t subject_id, const char *action)
{
    const struct look *l = &t->seen[look_slot(account_id, subject_id, action)];

    return l->action && l->account_id == account_id && l->subject_id == subject_id &&
           !strcmp(l->action, action) && clock_mono_us() - l->at_us < LOOK_US;
}

void trail_saw(struct trail *t, int64_t account_id, int64_t subject_id, const char *action)
{
    t->seen[look_slot(account_id, subject_id, action)] =
        (struct look){account_id, subject_id, clock_mono_us(), action};
}

/* One entry with a statement, or as many without as stand in a row. Those somebody waits for and those nobody waits for
 * stay apart: after a failure the first are refused, the others are kept. */
static struct item *take_batch(struct trail *t)
{
    struct item *first = t->queue, *last = first;
    unsigned n = 1;

    while (!first->e.stmt && last->next && !last->next->e.stmt && !last->next->e.done == !first->e.done &&
           n < BATCH) {
        last = last->next;
        n++;
    }
    t->queue = last->next;
    if (!t->queue)
        t->queue_end = &t->queue;
    last->next = NULL;
    t->n -= n;
    WAITING.value = t->n;
    return first;
}

/* Back in front, to be tried again, those nobody waits for. */
static void put_back(struct trail *t, struct item *batch)
{
    struct item *last = batch;

    for (t->n++; last->next; last = last->next)
        t->n++;
    last->next = t->queue;
    if (!t->queue)
        t->queue_end = &last->next;
    t->queue = batch;
    WAITING.value = t->n;
}

static void end_batch(struct trail *t, const struct err *err)
{
    struct item *batch = t->batch;

    t->batch = NULL;
    if (!err)
        stream_committed(&t->stream);
    else
        stream_rolled_back(&t->stream);
    if (err && err->code == ERR_STALE) {
        /* Another process writes under our name: two chains would fork, so this one ends. */
        log_error("audit_writer_fenced", LERR(err));
        loop_stop(t->loop);
    }
    /* After an unknown outcome a row may come twice; the trail rather says a thing twice than never. */
    if (err && !batch->e.stmt && !batch->e.done && (err->code == ERR_AGAIN || err->code == ERR_UNKNOWN)) {
        put_back(t, batch);
        loop_timer_set(t->again, AGAIN_US, 0);
        return;
    }
    while (batch) {
        struct item *next = batch->next;
        WRITTEN.value += err == NULL;
        LOST.value += err != NULL;
        answer(batch, err);
        batch = next;
    }
    loop_timer_set(t->again, 0, 0);
}

/* --- one transaction --- */

static void on_committed(void *arg, const struct err *err)
{
    end_batch(arg, err);
}

static void give_up(struct trail *t, struct db_tx *tx, const struct err *err)
{
    struct err copy = *err;

    db_rollback(tx);
    end_batch(t, &copy);
}

struct step {
    struct trail *trail;
    struct db_tx *tx;
};

static void on_written(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct step *s = arg;
    struct err fenced = ERR_INIT;

    if (err)
        give_up(s->trail, s->tx, err);
    else if (!stream_written(rows, &fenced))
        give_up(s->trail, s->tx, &fenced);
    else
        db_commit(s->tx, on_committed, s->trail);
    free(s);
}

static void write_rows(struct step *s)
{
    struct trail *t = s->trail;
    struct db_args a;

    for (const struct item *i = t->batch; i; i = i->next) {
        struct audit_row row = {
            .tenant_id = i->e.tenant_id,
            .actor_tenant_id = i->e.actor_tenant_id,
            .account_id = i->e.account_id,
            .actor_name = i->e.actor_name,
            .person_id = i->e.person_id,
            .subject_kind = i->e.subject_kind,
            .subject_id = i->e.subject_id,
            .action = i->e.action,
            .outcome = i->e.outcome,
            .request_id = i->e.request_id,
            .detail = i->e.detail,
        };
        stream_audit(&t->stream, &row, clock_now_us());
    }
    stream_write_args(&a, &t->stream);
    db_tx_query(s->tx, &SQL_stream_write, &a, on_written, s);
}

static void on_stmt(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct step *s = arg;
    struct item *i = s->trail->batch;
    struct err refused = ERR_INIT;

    if (!err && i->e.check && !i->e.check(i->e.arg, rows, &refused))
        err = &refused;
    if (err) {
        give_up(s->trail, s->tx, err);
        free(s);
        return;
    }
    write_rows(s);
}

static void on_locked(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct step *s = arg;
    struct trail *t = s->trail;
    struct err fenced = ERR_INIT;

    if (!err && !stream_opened(&t->stream, rows, &fenced))
        err = &fenced;
    if (err) {
        give_up(t, s->tx, err);
        free(s);
        return;
    }
    t->named = true;
    if (t->batch->e.stmt)
        db_tx_query(s->tx, t->batch->e.stmt, &t->batch->args, on_stmt, s);
    else
        write_rows(s);
}

/* The first transaction takes the name under a new epoch; the later ones lock what that epoch holds. Reading the
 * head each time costs one round trip and makes a lost commit answer harmless. */
static void on_begun(void *arg, struct db_tx *tx, const struct err *err)
{
    struct trail *t = arg;
    struct step *s;
    struct db_args a;

    if (err) {
        struct err copy = *err;
        end_batch(t, &copy);
        return;
    }
    s = mem_new(sizeof *s);
    *s = (struct step){t, tx};
    if (t->named)
        stream_lock_args(&a, &t->stream);
    else
        stream_open_args(&a, &t->stream, 0);
    db_tx_query(tx, t->named ? &SQL_stream_lock : &SQL_stream_open, &a, on_locked, s);
}

static void pump(void *arg)
{
    struct trail *t = arg;
    struct db_scope scope;

    if (t->batch || !t->queue)
        return;
    if (!db_is_ready(t->db) && !t->queue->e.stmt && !t->queue->e.done) {
        loop_timer_set(t->again, AGAIN_US, 0);
        return;
    }
    t->batch = take_batch(t);
    scope = t->batch->e.scope;
    if (!scope.region_id)
        scope.region_id = t->region_id;
    db_begin(t->db, &scope, on_begun, t);
}

struct trail *trail_new(const struct trail_config *config)
{
    struct trail *t = mem_new(sizeof *t);

    t->loop = config->loop;
    t->db = config->db;
    t->region_id = config->region_id;
    t->queue_end = &t->queue;
    stream_init(&t->stream, config->region_id, config->writer_id, config->ids);
    t->again = loop_timer(config->loop, AGAIN_US, 0, pump, t);
    metrics_add(&WRITTEN);
    metrics_add(&WAITING);
    metrics_add(&LOST);
    return t;
}

void trail_free(struct trail *t)
{
    static const struct err DOWN = {ERR_AGAIN, "busy", "going down"};

    if (!t)
        return;
    loop_untimer(t->again);
    while (t->queue) {
        struct item *i = t->queue;
        t->queue = i->next;
        answer(i, &DOWN);
    }
    while (t->batch) {
        struct item *i = t->batch;
        t->batch = i->next;
        answer(i, &DOWN);
    }
    stream_reset(&t->stream);
    free(t);
}
