/* What an address names, and the row in the audit trail before anybody sees it. */
#include "core/clock.h"
#include "core/db/db.h"
#include "core/log.h"
#include "core/mem.h"
#include "dicom/web.sql.h"
#include "dicom/web_private.h"
#include "dicom/web_shelf.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIEW "study.view"

struct waiter {
    struct web_found *found;
    web_found_fn *fn;
    struct waiter *next;
};

/* One row on its way; whoever opens the same study meanwhile waits for it instead of writing another. */
struct look {
    struct web *web;
    int64_t account_id, subject; /* see subject_of() */
    struct waiter *waiters;
    struct look *prev, *next;
};

struct asking {
    struct request *req;
    web_found_fn *fn;
    bool one; /* of a series that goes on the shelf */
};

void web_found_free(struct web_found *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++) {
        free(f->instances[i].path);
        free(f->instances[i].index_path);
    }
    free(f->instances);
    free(f->viewer);
    free(f);
}

bool web_unchanged(struct request *req, const struct web_instance *in, const char *what)
{
    const char *has = req->if_none_match;
    char etag[64];

    /* Weak: the mark between parts is another each time, and nginx may pack what it passes on. */
    snprintf(etag, sizeof etag, "W/\"%" PRIx64 "-%s\"", (uint64_t)in->id, what);
    request_header(req, "ETag", etag);
    request_header(req, "Cache-Control", "private, no-cache");
    if (strcmp(has, etag) != 0)
        return false;
    request_answer_empty(req, 304);
    return true;
}

/* --- the look --- */

/* A study that gets its patient is a new subject: his access list must show who looks from then on. */
static int64_t subject_of(const struct web_found *f)
{
    return f->study_id + f->person_id;
}

static void look_unlink(struct look *l)
{
    if (l->prev)
        l->prev->next = l->next;
    else
        l->web->looks = l->next;
    if (l->next)
        l->next->prev = l->prev;
}

static void on_audited(void *arg, const struct err *err)
{
    struct look *l = arg;

    look_unlink(l);
    if (!err)
        trail_saw(l->web->trail, l->account_id, l->subject, VIEW);
    while (l->waiters) {
        struct waiter *w = l->waiters;
        l->waiters = w->next;
        if (err) {
            request_problem(w->found->req, err, NULL);
            web_found_free(w->found);
        } else {
            w->fn(w->found);
        }
        free(w);
    }
    free(l);
}

static void wait_for(struct look *l, struct web_found *found, web_found_fn *fn)
{
    struct waiter *w = mem_new(sizeof *w);

    *w = (struct waiter){found, fn, l->waiters};
    l->waiters = w;
}

static void look(struct web_found *f, web_found_fn *fn)
{
    struct web *web = web_of(f->req);
    const struct caller *who = caller_of(f->req);
    int64_t subject = subject_of(f);
    struct look *l;

    if (trail_seen(web->trail, who->account_id, subject, VIEW)) {
        fn(f);
        return;
    }
    for (l = web->looks; l; l = l->next)
        if (l->account_id == who->account_id && l->subject == subject) {
            wait_for(l, f, fn);
            return;
        }
    l = mem_new(sizeof *l);
    *l = (struct look){.web = web, .account_id = who->account_id, .subject = subject, .next = web->looks};
    if (web->looks)
        web->looks->prev = l;
    web->looks = l;
    wait_for(l, f, fn);
    trail_add(web->trail, &(struct trail_entry){
                              .tenant_id = f->tenant_id,
                              .actor_tenant_id = who->tenant_id,
                              .account_id = who->account_id,
                              .actor_name = f->viewer,
                              .person_id = f->person_id,
                              .subject_kind = "study",
                              .subject_id = f->study_id,
                              .action = VIEW,
                              .request_id = f->req->id,
                              .done = on_audited,
                              .arg = l,
                          });
}

void web_find_end(struct web *web)
{
    if (web->looks)
        abort(); /* the trail has answered for all of them */
}

/* --- the rows --- */

static void uid(char out[WEB_UID], const char *text)
{
    snprintf(out, WEB_UID, "%s", text);
}

static struct web_found *read_rows(struct request *req, const struct db_rows *rows)
{
    struct web_found *f = mem_new(sizeof *f);
    const struct web *web = web_of(req);
    int64_t series = 0;

    f->req = req;
    f->study_id = db_i64(rows, 0, 0);
    f->tenant_id = db_i64(rows, 0, 1);
    f->person_id = db_i64(rows, 0, 2);
    f->viewer = mem_str(db_str(rows, 0, 3));
    uid(f->study_uid, req->param[0]);
    f->n = (size_t)rows->n;
    f->instances = mem_new(f->n * sizeof *f->instances);
    for (int i = 0; i < rows->n; i++) {
        struct web_instance *in = &f->instances[i];
        in->series_id = db_i64(rows, i, 4);
        uid(in->series_uid, db_str(rows, i, 5));
        if (in->series_id != series)
            f->series_version += db_i64(rows, i, 6);
        series = in->series_id;
        in->id = db_i64(rows, i, 7);
        uid(in->sop_uid, db_str(rows, i, 8));
        uid(in->sop_class, db_str(rows, i, 9));
        uid(in->syntax, db_str(rows, i, 10));
        in->number = (int)db_i64(rows, i, 11);
        in->path = mem_format("%s/%s", web->imaging, db_str(rows, i, 12));
        in->index_path = mem_format("%s/%s", web->imaging, db_str(rows, i, 13));
        in->bytes = db_i64(rows, i, 14);
        in->frames = (int)db_i64(rows, i, 15);
    }
    return f;
}

/* What one instance needs is asked for its whole series: whoever looks at a slice looks at the next one, too. */
static void pick(struct request *req, struct web_found *whole, web_found_fn *fn)
{
    struct web_found *one = web_found_one(whole, req->param[2]);

    whole->req = NULL;
    /* A study nobody is named in yet may get its patient at any moment: see subject_of(). */
    if (whole->person_id)
        shelf_put(web_of(req)->shelf, caller_of(req), whole, clock_mono_us());
    else
        web_found_free(whole);
    if (one) {
        one->req = req;
        look(one, fn);
    } else {
        request_refuse(req, ERR_NOT_FOUND, "not_found", "no such instance in the series");
    }
}

static void on_rows(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct asking *a = arg;

    if (err)
        request_problem(a->req, err, NULL);
    else if (rows->n == 0)
        request_refuse(a->req, ERR_NOT_FOUND, "not_found", "no such object for this caller");
    else if (a->one)
        pick(a->req, read_rows(a->req, rows), a->fn);
    else
        look(read_rows(a->req, rows), a->fn);
    free(a);
}

/* How many of the path's parameters are UIDs: study, series, instance. */
static int depth_of(const struct route *r)
{
    int depth = 0;

    for (const char *p = r->path; (p = strstr(p, "_uid}")); p++)
        depth++;
    return depth;
}

static bool from_shelf(struct request *req, web_found_fn *fn)
{
    struct web_found *f = shelf_take(web_of(req)->shelf, caller_of(req), req->param[0], req->param[1],
                                     req->param[2], clock_mono_us());

    if (!f)
        return false;
    f->req = req;
    look(f, fn);
    return true;
}

void web_find(struct request *req, web_found_fn *fn)
{
    const struct caller *who = caller_of(req);
    struct db_scope scope = caller_scope(who);
    int depth = depth_of(req->route);
    struct asking *asking;
    struct db_args a;

    if (depth == 3 && from_shelf(req, fn))
        return;
    asking = mem_new(sizeof *asking);
    *asking = (struct asking){req, fn, depth == 3};
    db_args_init(&a);
    db_arg_id(&a, who->region_id);
    db_arg_str(&a, req->param[0]);
    db_arg_str(&a, depth > 1 ? req->param[1] : NULL);
    db_arg_id(&a, who->tenant_id);
    db_arg_id(&a, who->staff_id);
    db_query(web_of(req)->db, &scope, &SQL_web_find, &a, on_rows, asking);
}
