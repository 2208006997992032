#include "scheduling/owner.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "scheduling/due.h"
#include "scheduling/owner.sql.h"
#include "scheduling/owner_internal.h"
#include "scheduling/presence.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITER "sched"

void owner_event_free(struct owner_event *ev)
{
    if (!ev)
        return;
    free(ev->tenants);
    free(ev->accounts);
    free(ev->json);
    free(ev);
}

bool owner_new(struct owner **out, const struct owner_options *opt, struct err *err)
{
    struct owner *o = mem_new(sizeof *o);

    o->opt = *opt;
    o->conninfo = mem_str(opt->conninfo);
    snprintf(o->name, sizeof o->name, "sched-%u", (unsigned)opt->node);
    ids_init(&o->ids, opt->node);
    stream_init(&o->stream, opt->region_id, WRITER, &o->ids);
    if (opt->key_path) {
        if (!sign_key_load(&o->key, opt->key_path, true, err)) {
            owner_free(o);
            return false;
        }
        seal_new(&o->seal, opt->region_id, o->key);
    }
    if (opt->report_key_path && !sign_key_load(&o->report_key, opt->report_key_path, true, err)) {
        owner_free(o);
        return false;
    }
    *out = o;
    return true;
}

void owner_free(struct owner *o)
{
    if (!o)
        return;
    db_sync_close(o->db);
    stream_reset(&o->stream);
    seal_free(o->seal);
    sign_key_free(o->key);
    sign_key_free(o->report_key);
    free(o->conninfo);
    free(o);
}

int64_t owner_epoch(const struct owner *o)
{
    return o->epoch;
}

uint64_t owner_last_seq(const struct owner *o)
{
    return (uint64_t)o->stream.done.event_seq;
}

void owner_shift_clock(struct owner *o, int64_t shift_us)
{
    o->opt.clock_shift_us = shift_us;
}

bool owner_connect(struct owner *o, struct err *err)
{
    return o->db || db_sync_open(&o->db, o->conninfo, err);
}

/* Statements here are short; one that is not is stuck, and the lease would run out behind it. A process that is stopped inside
 * a transaction holds the lease row: the server lets go of it when the lease would have ended. */
bool owner_begin(struct owner *o, struct err *err)
{
    char sql[200];

    snprintf(sql, sizeof sql,
             "BEGIN; SET LOCAL statement_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = "
             "'%" PRId64 "ms'",
             o->opt.lease_us / US_PER_MS);
    return owner_connect(o, err) && db_sync_exec(o->db, sql, err);
}

void owner_disconnect(struct owner *o)
{
    db_sync_close(o->db);
    o->db = NULL;
}

void owner_lose(struct owner *o, const char *why)
{
    if (!o->epoch)
        return;
    log_warn("ownership_lost", LID("region", o->opt.region_id), LI("epoch", o->epoch), LS("why", why));
    o->epoch = 0;
    if (o->opt.on_owner)
        o->opt.on_owner(o->opt.arg, 0, owner_last_seq(o));
}

static struct db_scope scope_of(const struct owner *o)
{
    return (struct db_scope){.region_id = o->opt.region_id};
}

static void lease_args(const struct owner *o, struct db_args *a, bool take)
{
    db_args_init(a);
    db_arg_i64(a, o->opt.region_id);
    if (take)
        db_arg_str(a, o->name);
    else
        db_arg_i64(a, o->epoch);
    db_arg_i64(a, o->opt.lease_us);
}

/* The stream's epoch follows the lease's; an older life of this writer is fenced from here on. */
static bool stream_take(struct owner *o, int64_t epoch, struct err *err)
{
    struct db_scope scope = scope_of(o);
    struct db_args a;
    struct db_rows rows;
    bool ok;

    stream_open_args(&a, &o->stream, epoch);
    if (!db_sync_query(o->db, &scope, &SQL_stream_open, &a, &rows, err))
        return false;
    ok = stream_opened(&o->stream, &rows, err);
    db_rows_free(&rows);
    return ok;
}

static bool lease_take(struct owner *o, struct err *err)
{
    struct db_scope scope = scope_of(o);
    struct db_args a;
    struct db_rows rows;
    int64_t epoch = 0;

    lease_args(o, &a, true);
    if (!db_sync_query(o->db, &scope, &SQL_lease_take, &a, &rows, err))
        return false;
    if (rows.n) {
        epoch = db_i64(&rows, 0, 0);
        o->batch = db_i64(&rows, 0, 1);
    }
    db_rows_free(&rows);
    if (!epoch)
        return true; /* another's; that is no error */
    if (!stream_take(o, epoch, err))
        return false;
    o->epoch = epoch;
    log_info("ownership_taken", LID("region", o->opt.region_id), LI("epoch", epoch));
    if (o->opt.on_owner)
        o->opt.on_owner(o->opt.arg, epoch, owner_last_seq(o));
    return true;
}

static bool lease_renew(struct owner *o, struct err *err)
{
    struct db_scope scope = scope_of(o);
    struct db_args a;
    struct db_rows rows;
    bool mine;

    lease_args(o, &a, false);
    if (!db_sync_query(o->db, &scope, &SQL_lease_renew, &a, &rows, err))
        return false;
    mine = rows.n == 1;
    db_rows_free(&rows);
    if (!mine)
        owner_lose(o, "another process holds a higher epoch");
    return true;
}

bool owner_tick(struct owner *o)
{
    struct err err = ERR_INIT;
    bool back = !o->db && o->epoch;

    if (!owner_connect(o, &err) || !(o->epoch ? lease_renew(o, &err) : lease_take(o, &err))) {
        log_warn("database_trouble", LERR(&err));
        owner_disconnect(o);
        return false;
    }
    if (!o->epoch)
        return false;
    if (back && o->epoch &&
        o->opt.on_owner) /* what happened meanwhile was not told: whoever listens asks again */
        o->opt.on_owner(o->opt.arg, o->epoch, owner_last_seq(o));
    due_run(o);
    return o->epoch != 0;
}

static bool ids_of(const char *list, int64_t **out, size_t *n)
{
    size_t len, cap = 0;

    *out = NULL;
    for (*n = 0; *list; list += len + (list[len] == ',')) {
        len = strcspn(list, ",");
        if (*n == cap)
            *out = mem_grow(*out, (cap = cap ? 2 * cap : 8) * sizeof **out);
        (*out)[(*n)++] = strtoll(list, NULL, 10); /* 0, everybody, is no id for id_parse() */
    }
    return true;
}

static struct owner_event *event_of(const struct db_rows *r, int i)
{
    struct owner_event *ev = mem_new(sizeof *ev);

    ev->seq = (uint64_t)db_i64(r, i, 0);
    snprintf(ev->topic, sizeof ev->topic, "%s", db_str(r, i, 1));
    ids_of(db_str(r, i, 2), &ev->tenants, &ev->n_tenants);
    ids_of(db_str(r, i, 3), &ev->accounts, &ev->n_accounts);
    ev->roles = (uint32_t)db_i64(r, i, 4);
    ev->json = mem_str(db_str(r, i, 5));
    return ev;
}

bool owner_replay(struct owner *o, uint64_t after_seq, void (*fn)(void *arg, struct owner_event *ev),
                  void *arg, uint64_t *through, struct err *err)
{
    enum { PAGE = 1000 };
    struct db_scope scope = scope_of(o);
    struct db_args a;
    struct db_rows rows;
    int n;

    *through = after_seq;
    if (!owner_connect(o, err))
        return false;
    do {
        db_args_init(&a);
        db_arg_i64(&a, o->opt.region_id);
        db_arg_str(&a, WRITER);
        db_arg_i64(&a, (int64_t)*through);
        db_arg_i64(&a, PAGE);
        if (!db_sync_query(o->db, &scope, &SQL_events_after, &a, &rows, err)) {
            owner_disconnect(o);
            return false;
        }
        n = rows.n;
        for (int i = 0; i < n; i++) {
            *through = (uint64_t)db_i64(&rows, i, 0);
            fn(arg, event_of(&rows, i));
        }
        db_rows_free(&rows);
    } while (n == PAGE);
    return true;
}

void owner_sweep_presence(struct owner *o, int64_t silence_us)
{
    struct err err = ERR_INIT;

    if (!owner_batch(o, presence_sweep, &silence_us, &err))
        log_warn("presence_sweep_failed", LERR(&err));
}
