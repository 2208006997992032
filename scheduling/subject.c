#include "scheduling/subject.h"
#include "core/mem.h"
#include <string.h>

bool subjects_load(struct batch *b, const struct db_stmt *stmt, const int64_t *ids, size_t n, size_t size,
                   void (*read)(void *item, const struct db_rows *r, int i), struct db_rows *rows, void **v,
                   size_t *count)
{
    struct db_args a;

    *rows = (struct db_rows){0};
    *v = NULL;
    *count = 0;
    if (!n)
        return true;
    batch_args(b, &a);
    db_arg_i64s(&a, ids, n);
    if (!batch_query(b, stmt, &a, rows))
        return false;
    *count = (size_t)rows->n;
    *v = mem_new(size * (*count + 1));
    for (size_t i = 0; i < *count; i++)
        read((char *)*v + i * size, rows, (int)i);
    return true;
}

const void *subjects_find(const void *v, size_t n, size_t size, int64_t id)
{
    for (size_t i = 0; i < n; i++) {
        const void *item = (const char *)v + i * size;

        if (*(const int64_t *)item == id)
            return item;
    }
    return NULL;
}

/* ---------------------------------------------------------------- acts */

bool act_fits(const struct act *act, unsigned state, uint32_t party)
{
    return (act->party & party) && (act->states & UINT32_C(1) << state);
}

bool acts_allow(const struct acts *acts, const char *name, int event, unsigned state, const struct subject *s,
                uint32_t party, struct err *err)
{
    bool theirs = false;

    for (size_t i = 0; i < acts->n; i++) {
        const struct act *act = &acts->v[i];

        if (name ? strcmp(act->name, name) != 0 : act->event != event)
            continue;
        if (act_fits(act, state, party))
            return true;
        theirs = theirs || (act->party & party);
    }
    if (!theirs)
        return err_set(err, ERR_DENIED, "not_allowed", "that is not for this caller to do");
    return err_set(err, ERR_CONFLICT, "wrong_state", "not while the %s is %s", s->kind, s->state);
}

static void refuse_stale(struct sched_request *r, const struct subject *s, enum err_code code,
                         const char *reason)
{
    answer_refuse(r, code, reason, "the %s is %s, version %d", s->kind, s->state, s->version);
    r->answer.doc = json_pack("{s:i, s:s}", "version", s->version, "state", s->state);
}

bool subject_guard(struct sched_request *r, const struct subject *s, const char *kind, uint32_t party,
                   const struct err *err, bool versioned)
{
    if (!s || !party)
        answer_refuse(r, ERR_NOT_FOUND, "not_found", "no such %s", kind);
    else if (err_is(err, ERR_CONFLICT))
        refuse_stale(r, s, err->code, err->reason);
    else if (err->code)
        answer_refuse(r, err->code, err->reason, "%s", err->text);
    else if (versioned && r->in.version != s->version)
        refuse_stale(r, s, ERR_STALE, "version_stale");
    else
        return true;
    return false;
}

/* ---------------------------------------------------------------- moves and looks */

bool subjects_move(struct batch *b, const struct db_stmt *stmt, const char *kind, json_t *rows)
{
    int n = (int)json_array_size(rows);
    struct db_args a;
    struct db_rows moved = {0};
    bool ok = batch_write(b);

    if (ok) {
        batch_args_epoch(b, &a);
        db_arg_time(&a, b->now_us);
        batch_arg_json(&a, rows);
        ok = batch_query(b, stmt, &a, &moved);
    }
    if (ok && moved.n != n)
        ok = err_set(&b->err, ERR_AGAIN, "database_conflict", "%d %ss to move, %d moved", n, kind, moved.n);
    db_rows_free(&moved);
    json_decref(rows);
    return ok;
}

void subject_moved(struct batch *b, const struct sched_request *by, const struct subject *s,
                   const char *event, const char *to, const char *why, json_t *more)
{
    json_t *detail = json_pack("{s:s, s:s, s:s}", "from", s->state, "to", to, "why", why);

    if (more)
        json_object_update(detail, more);
    json_decref(more);
    batch_audit(b, by,
                (struct batch_audit){.tenant_id = s->tenant_id,
                                     .person_id = s->person_id,
                                     .subject_kind = s->kind,
                                     .subject_id = s->id,
                                     .action = by ? NULL : event,
                                     .outcome = "ok",
                                     .detail = detail});
}

void subject_look(struct batch *b, struct sched_request *r, const struct subject *s, const char *what)
{
    if (!batch_first_look(b, r, s->id, what))
        return;
    batch_audit(b, r,
                (struct batch_audit){.tenant_id = s->tenant_id,
                                     .person_id = s->person_id,
                                     .subject_kind = s->kind,
                                     .subject_id = s->id,
                                     .action = what,
                                     .outcome = "ok"});
}
