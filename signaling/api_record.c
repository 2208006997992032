/* The audit trail, a person's own access list, and finding a person. */
#include "core/db/db.h"
#include "core/json.h"
#include "core/mem.h"
#include "records/trail.h"
#include "records/roles.h"
#include "signaling/api.h"
#include "signaling/api.sql.h"
#include "signaling/signald.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AUDIT_ROWS  200
#define ACCESS_ROWS 200
#define PEOPLE_ROWS 20

/* --- an answer that waits for its audit row --- */

struct pending {
    struct request *req;
    json_t *doc;
};

static void on_audited(void *arg, const struct err *err)
{
    struct pending *p = arg;

    if (err) {
        request_problem(p->req, err, NULL);
        json_decref(p->doc);
    } else {
        request_answer_json(p->req, 200, p->doc);
    }
    free(p);
}

static void answer_audited(struct request *req, json_t *doc, const char *action, int64_t person_id,
                           int64_t tenant_id)
{
    const struct identity *who = req->who;
    struct pending *p = mem_new(sizeof *p);
    struct trail_entry e = {
        .tenant_id = tenant_id ? tenant_id : who->tenant_id,
        .actor_tenant_id = who->tenant_id,
        .account_id = who->account_id,
        .actor_name = who->staff_id ? who->name : "",
        .person_id = person_id,
        .subject_kind = person_id ? "person" : "",
        .subject_id = person_id,
        .action = action,
        .request_id = req->id,
        .done = on_audited,
        .arg = p,
    };

    *p = (struct pending){req, doc};
    trail_add(request_app(req)->trail, &e);
}

/* --- the trail --- */

static json_t *audit_doc(const struct db_rows *r, int i)
{
    char subject[96] = "";
    json_t *detail = json_loads(db_str(r, i, 11), 0, NULL);

    if (*db_str(r, i, 8))
        snprintf(subject, sizeof subject, "%s:%s", db_str(r, i, 8), db_str(r, i, 9));
    return json_pack("{s:s, s:o, s:s, s:I, s:s, s:o, s:s, s:s, s:s, s:s, s:o, s:s}", "id", db_str(r, i, 0),
                     "at", json_time(db_time(r, i, 1)), "writer", db_str(r, i, 2), "seq",
                     (json_int_t)db_i64(r, i, 3), "tenant_id", db_str(r, i, 4), "account_id",
                     json_id(db_i64(r, i, 5)), "actor", db_str(r, i, 6), "action", db_str(r, i, 7), "subject",
                     subject, "outcome", db_str(r, i, 10), "detail", detail ? detail : json_object(),
                     "request_id", db_str(r, i, 12));
}

static void on_audit(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct request *req = arg;
    json_t *out;

    if (err) {
        request_problem(req, err, NULL);
        return;
    }
    out = json_array();
    for (int i = 0; i < rows->n; i++)
        json_array_append_new(out, audit_doc(rows, i));
    answer_audited(req, out, "audit.view", 0, 0);
}

/* "visit:384…" */
static bool read_subject(const char *text, char kind[32], int64_t *id)
{
    size_t len = strcspn(text, ":");

    if (len >= 32 || text[len] != ':' || !id_parse(text + len + 1, strlen(text + len + 1), id))
        return false;
    memcpy(kind, text, len);
    kind[len] = '\0';
    return kind[strspn(kind, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

void api_audit(struct request *req)
{
    struct db_scope scope = identity_scope(req->who);
    const char *subject = request_query(req, "subject"), *after = request_query(req, "after");
    char kind[32] = "";
    int64_t id = 0, after_id = 0;
    struct db_args a;

    if ((subject && *subject && !read_subject(subject, kind, &id)) ||
        (after && *after && !id_parse(after, strlen(after), &after_id))) {
        request_refuse(req, ERR_INVALID, "bad_value", "subject or after");
        return;
    }
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_i64(&a, after_id);
    db_arg_str(&a, kind);
    db_arg_i64(&a, id);
    db_arg_i64(&a, AUDIT_ROWS);
    db_query(request_app(req)->db, &scope, &SQL_audit_list, &a, on_audit, req);
}

/* --- who looked --- */

static void on_access(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct request *req = arg;
    char subject[96];
    json_t *out;

    if (err) {
        request_problem(req, err, NULL);
        return;
    }
    out = json_array();
    for (int i = 0; i < rows->n; i++) {
        snprintf(subject, sizeof subject, "%s:%s", db_str(rows, i, 4), db_str(rows, i, 5));
        json_array_append_new(out, json_pack("{s:o, s:s, s:s, s:s, s:s, s:s}", "at",
                                             json_time(db_time(rows, i, 0)), "action", db_str(rows, i, 1),
                                             "by", db_str(rows, i, 2), "tenant", db_str(rows, i, 3),
                                             "purpose", "care", "subject", subject));
    }
    answer_audited(req, out, "access_log.view", request_param_id(req, 0), 0);
}

static void on_visible(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct request *req = arg;
    struct db_scope scope = identity_scope(req->who);
    struct db_args a;

    if (err || rows->n != 1) {
        request_problem(req, err ? err : &(struct err){ERR_NOT_FOUND, "not_found", "no such person"}, NULL);
        return;
    }
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_id(&a, request_param_id(req, 0));
    db_arg_i64(&a, ACCESS_ROWS);
    db_query(request_app(req)->db, &scope, &SQL_access_log, &a, on_access, req);
}

void api_access_log(struct request *req)
{
    struct db_scope scope = identity_scope(req->who);
    int64_t person = request_param_id(req, 0);
    struct db_args a;

    if (!(request_who(req)->roles & ROLE_AUDITOR) && person != request_who(req)->person_id) {
        request_refuse(req, ERR_NOT_FOUND, "not_found", "somebody else's list");
        return;
    }
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_id(&a, person);
    db_query(request_app(req)->db, &scope, &SQL_person_is_visible, &a, on_visible, req);
}

/* --- people --- */

static void on_people(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct request *req = arg;
    json_t *out;

    if (err) {
        request_problem(req, err, NULL);
        return;
    }
    out = json_array();
    for (int i = 0; i < rows->n; i++)
        json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:s}", "id", db_str(rows, i, 0), "name",
                                             db_str(rows, i, 1), "sex", db_str(rows, i, 2), "birth_date",
                                             db_str(rows, i, 3)));
    answer_audited(req, out, "people.search", 0, 0);
}

void api_people(struct request *req)
{
    struct db_scope scope = identity_scope(req->who);
    const char *query = request_query(req, "query");
    json_t *utf8 = query && *query && strlen(query) <= 192 ? json_string(query) : NULL;
    char *end;
    struct db_args a;

    if (!utf8) {
        request_refuse(req, ERR_INVALID, "bad_value", "query");
        return;
    }
    json_decref(utf8);
    /* U+10FFFF sorts behind every continuation of the prefix in byte order. */
    end = mem_format("%s\xf4\x8f\xbf\xbf", query);
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_str(&a, query);
    db_arg_str(&a, end);
    db_arg_i64(&a, PEOPLE_ROWS);
    free(end);
    db_query(request_app(req)->db, &scope, &SQL_people_by_prefix, &a, on_people, req);
}
