/* One visit as its people see it, and the consents asked for it. */
#include "core/clock.h"
#include "core/db/db.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "records/consent.h"
#include "records/trail.h"
#include "signaling/api.h"
#include "signaling/api.sql.h"
#include "signaling/fanout.h"
#include "signaling/signald.h"
#include "signaling/visit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the visit --- */

static void audit_look(const struct request *req, const struct visit *visit)
{
    const struct identity *who = req->who;
    struct trail_entry e = {
        .tenant_id = visit->tenant_id,
        .actor_tenant_id = who->tenant_id,
        .account_id = who->account_id,
        .actor_name = who->staff_id ? who->name : "",
        .person_id = visit->person_id,
        .subject_kind = "visit",
        .subject_id = visit->id,
        .action = "visit.view",
        .request_id = req->id,
    };

    if (trail_seen(request_app(req)->trail, who->account_id, visit->id, e.action))
        return;
    trail_add(request_app(req)->trail, &e);
    trail_saw(request_app(req)->trail, who->account_id, visit->id,
              e.action); /* nobody waits: it is kept until it is written */
}

static void on_visit(void *arg, struct visit *visit, const struct err *err)
{
    struct request *req = arg;

    if (err) {
        request_problem(req, err, NULL);
        return;
    }
    audit_look(req, visit);
    request_answer_json(req, 200, visit_doc(visit, request_who(req)->account_id));
}

void api_visit(struct request *req)
{
    visit_look(request_app(req)->visits, req->who, request_param_id(req, 0), on_visit, req);
}

/* --- texts --- */

static json_t *channels(const char *array)
{
    json_t *out = json_array();

    for (const char *p = array; *p;) {
        size_t len = strcspn(p, "{},");
        if (len)
            json_array_append_new(out, json_stringn(p, len));
        p += len;
        p += *p != '\0';
    }
    return out;
}

static void on_texts(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct request *req = arg;
    json_t *out;

    if (err) {
        request_problem(req, err, NULL);
        return;
    }
    out = json_array();
    for (int i = 0; i < rows->n; i++) {
        json_t *required_for = channels(db_str(rows, i, 6));
        json_array_append_new(
            out, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:b, s:o}", "kind", db_str(rows, i, 0), "version",
                           (json_int_t)db_i64(rows, i, 1), "locale", db_str(rows, i, 2), "title",
                           db_str(rows, i, 3), "text", db_str(rows, i, 4), "hash", db_str(rows, i, 5),
                           "required", json_array_size(required_for) > 0, "required_for", required_for));
    }
    request_answer_json(req, 200, out);
}

void api_consent_texts(struct request *req)
{
    struct db_scope scope = identity_scope(req->who);
    const char *name = request_query(req, "locale");
    enum locale locale = req->locale;
    struct db_args a;

    if (name && !locale_parse(name, &locale)) {
        request_refuse(req, ERR_INVALID, "bad_value", "locale");
        return;
    }
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_str(&a, locale_name(locale));
    db_query(request_app(req)->db, &scope, &SQL_consent_texts_now, &a, on_texts, req);
}

/* --- giving one --- */

struct giving {
    struct request *req;
    int64_t visit_id, tenant_id, person_id, version;
    const char *kind, *text_hash; /* lent by req->json */
    bool granted;
    int64_t order_id, at_us;
    char accounts[512]; /* "{311,301}": who has a seat */
};

static json_t *consent_doc(const char *kind, int64_t version, bool granted, int64_t at_us, int64_t by,
                           const char *name)
{
    return json_pack("{s:s, s:I, s:b, s:o, s:{s:o, s:s}}", "kind", kind, "version", (json_int_t)version,
                     "granted", granted, "at", json_time(at_us), "by", "account_id", json_id(by), "name",
                     name);
}

static bool inserted(void *arg, const struct db_rows *rows, struct err *err)
{
    struct giving *g = arg;

    /* No row: the hash is not of the text in force, or the text is not of this kind and version. */
    if (rows->n != 1)
        return err_set(err, ERR_CONFLICT, "consent_text_changed", "the hash names no text in force");
    g->at_us = db_time(rows, 0, 0);
    return true;
}

static void tell_seats(const struct giving *g)
{
    json_t *data = json_pack("{s:o, s:o, s:s, s:b}", "visit_id", json_id(g->visit_id), "order_id",
                             json_id(g->order_id), "kind", g->kind, "granted", g->granted);

    fanout_accounts(g->req->app, "consent", g->accounts, data);
    json_decref(data);
}

static void on_given(void *arg, const struct err *err)
{
    struct giving *g = arg;
    struct request *req = g->req;

    if (err) {
        request_problem(req, err, NULL);
    } else {
        visit_refresh(request_app(req)->visits, g->visit_id); /* recording may begin or end */
        tell_seats(g);
        request_answer_json(req, 201,
                            consent_doc(g->kind, g->version, g->granted, g->at_us,
                                        request_who(req)->account_id, request_who(req)->name));
    }
    free(g);
}

static void write_consent(struct giving *g)
{
    struct request *req = g->req;
    struct db_args a;
    struct trail_entry e = {
        .scope = identity_scope(req->who),
        .stmt = &SQL_consent_insert,
        .args = &a,
        .check = inserted,
        .done = on_given,
        .arg = g,
        .tenant_id = g->tenant_id,
        .actor_tenant_id = request_who(req)->tenant_id,
        .account_id = request_who(req)->account_id,
        .actor_name = request_who(req)->staff_id ? request_who(req)->name : "",
        .person_id = g->person_id,
        .subject_kind = "visit",
        .subject_id = g->visit_id,
        .action = g->granted ? "consent.give" : "consent.withdraw",
        .outcome = g->kind,
        .request_id = req->id,
    };

    db_args_init(&a);
    db_arg_id(&a, request_who(req)->region_id);
    db_arg_id(&a, g->visit_id);
    db_arg_id(&a, ids_next(&request_app(req)->ids, clock_now_us()));
    db_arg_str(&a, g->kind);
    db_arg_i64(&a, g->version);
    db_arg_str(&a, g->text_hash);
    db_arg_bool(&a, g->granted);
    db_arg_id(&a, request_who(req)->account_id);
    trail_add(request_app(req)->trail, &e);
}

static void on_visit_row(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct giving *g = arg;

    if (err || rows->n != 1) {
        request_problem(g->req, err ? err : &(struct err){ERR_NOT_FOUND, "not_found", "no such visit"}, NULL);
        free(g);
        return;
    }
    g->tenant_id = db_i64(rows, 0, 0);
    g->person_id = db_i64(rows, 0, 1);
    g->order_id = db_i64(rows, 0, 2);
    snprintf(g->accounts, sizeof g->accounts, "%s", db_str(rows, 0, 3));
    write_consent(g);
}

void api_consent_give(struct request *req)
{
    struct giving *g = mem_new(sizeof *g);
    struct db_scope scope = identity_scope(req->who);
    struct err err = ERR_INIT;
    struct db_args a;

    g->req = req;
    g->visit_id = request_param_id(req, 0);
    if (!json_get_str(req->json, "kind", &g->kind, 32, &err) ||
        !json_get_i64(req->json, "version", 1, INT32_MAX, &g->version, &err) ||
        !json_get_str(req->json, "text_hash", &g->text_hash, 64, &err) ||
        !json_get_bool(req->json, "granted", &g->granted, &err) ||
        (!consent_parse(g->kind) && !err_set(&err, ERR_INVALID, "field_range", "kind"))) {
        request_problem(req, &err, NULL);
        free(g);
        return;
    }
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_id(&a, g->visit_id);
    db_query(request_app(req)->db, &scope, &SQL_visit_owner, &a, on_visit_row, g);
}

/* --- what was given --- */

static void on_consents(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct request *req = arg;
    json_t *out;

    if (err || !rows->n) { /* the visit's own row always comes */
        request_problem(req, err ? err : &(struct err){ERR_NOT_FOUND, "not_found", "no such visit"}, NULL);
        return;
    }
    out = json_array();
    for (int i = 0; i < rows->n; i++)
        if (!db_null(rows, i, 0))
            json_array_append_new(out,
                                  consent_doc(db_str(rows, i, 0), db_i64(rows, i, 1), db_bool(rows, i, 2),
                                              db_time(rows, i, 3), db_i64(rows, i, 4), db_str(rows, i, 5)));
    request_answer_json(req, 200, out);
}

void api_consents(struct request *req)
{
    struct db_scope scope = identity_scope(req->who);
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_id(&a, request_param_id(req, 0));
    db_query(request_app(req)->db, &scope, &SQL_consent_list, &a, on_consents, req);
}
