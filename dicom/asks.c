#include "dicom/asks.h"
#include <stdlib.h>
#include <string.h>
#include "core/json.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "dicom/protocol.h"
#include "dicom/rows.h"
#include "dicom/rows.sql.h"
#include "dicom/rows_internal.h"
#include "records/roles.h"

static struct metric REQUESTS =
    METRIC_COUNTER("yz_dicom_requests_total", "Requests of yz-signald: lists, matches, returns.");

struct asks {
    struct db *db;
    struct rows *rows;
    struct ask_server *server;
    int64_t region_id;
    struct listing *open;
};

struct listing { /* one study.list on its way */
    struct asks *asks;
    struct listing *next, **at;
    struct db_job *job;
    uint64_t conn_id, request_id;
};

struct ask_server *asks_server(struct asks *a)
{
    return a->server;
}

void asks_set_rows(struct asks *a, struct rows *rows)
{
    a->rows = rows;
}

void asks_answer(struct asks *a, uint64_t conn_id, uint64_t request_id, const json_t *doc,
                 const struct err *err)
{
    if (doc)
        ask_server_answer(a->server, conn_id, request_id, doc);
    else
        ask_server_refuse(a->server, conn_id, request_id, err, NULL);
}

/* ---------------------------------------------------------------- study.list */

static void listing_free(struct listing *l)
{
    *l->at = l->next;
    if (l->next)
        l->next->at = l->at;
    free(l);
}

static void on_list(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct listing *l = arg;
    json_t *doc = err ? NULL : json_array();
    struct err away = ERR_INIT;

    for (int i = 0; doc && i < rows->n; i++)
        json_array_append_new(doc, rows_study_json(rows, i));
    if (err) { /* nothing was changed, whatever was lost */
        away = *err;
        if (err->code == ERR_UNKNOWN)
            away.code = ERR_AGAIN;
    }
    asks_answer(l->asks, l->conn_id, l->request_id, doc, &away);
    json_decref(doc);
    listing_free(l);
}

static bool list_args(struct db_args *a, const struct ask_request *q, const json_t *body, struct err *err)
{
    const char *scope = "township";
    int64_t visit = 0;
    bool unmatched, desk = q->roles & (ROLE_TOWNSHIP_DOCTOR | ROLE_OPERATOR);

    if (!json_opt_str(body, "scope", &scope, 16, err) || !json_opt_id(body, "visit_id", &visit, err))
        return false;
    unmatched = !strcmp(scope, "unmatched");
    if (!unmatched && strcmp(scope, "township") != 0)
        return err_set(err, ERR_INVALID, "field_range", "scope is township or unmatched");
    if (unmatched && !desk)
        return err_set(err, ERR_DENIED, "role_denied", "what waits to be matched is the desk's");
    db_args_init(a);
    db_arg_i64(a, q->region_id);
    db_arg_bool(a, unmatched);
    db_arg_id(a, visit);
    db_arg_id(a, desk && !visit ? q->tenant_id : 0);
    return true;
}

static bool list(struct asks *a, uint64_t conn_id, uint64_t request_id, const struct ask_request *q,
                 const json_t *body, struct err *err)
{
    struct db_scope scope = {.region_id = q->region_id, .tenant_id = q->tenant_id, .actor_id = q->account_id};
    struct db_args args;
    struct listing *l;

    if (!list_args(&args, q, body, err))
        return false;
    l = mem_new(sizeof *l);
    *l = (struct listing){
        .asks = a, .next = a->open, .at = &a->open, .conn_id = conn_id, .request_id = request_id};
    if (a->open)
        a->open->at = &l->next;
    a->open = l;
    l->job = db_query(a->db, &scope, &SQL_study_list, &args, on_list, l);
    return true;
}

/* ---------------------------------------------------------------- in */

static void on_request(void *arg, uint64_t conn_id, uint64_t request_id, const struct ask_request *q)
{
    struct asks *a = arg;
    struct err err = ERR_INIT;
    json_t *body = NULL, *fine;

    REQUESTS.value++;
    if (q->region_id != a->region_id) {
        err_set(&err, ERR_NOT_FOUND, "not_found", "another region");
    } else if (q->op == DICOM_OP_HEALTH) {
        fine = json_object();
        ask_server_answer(a->server, conn_id, request_id, fine);
        json_decref(fine);
    } else if (!json_parse(&body, q->body, q->body_len, &JSON_LIMITS_DEFAULT, &err)) {
        ; /* err says why */
    } else if (q->op == DICOM_OP_STUDY_LIST) {
        list(a, conn_id, request_id, q, body, &err);
    } else if (q->op == DICOM_OP_STUDY_MATCH || q->op == DICOM_OP_STUDY_RETURN) {
        rows_ask(a->rows, conn_id, request_id, q, json_incref(body));
    } else {
        err_set(&err, ERR_INVALID, "op_unknown", "no such operation");
    }
    json_decref(body);
    if (err.code != ERR_NONE)
        ask_server_refuse(a->server, conn_id, request_id, &err, NULL);
}

static void on_subscribe(void *arg, uint64_t conn_id, uint64_t after_seq, bool first)
{
    struct asks *a = arg;

    (void)first;
    rows_replay(a->rows, conn_id, after_seq);
}

bool asks_new(struct asks **out, struct loop *l, struct db *db, const char *socket_path, int64_t region_id,
              struct err *err)
{
    static bool counted;
    struct asks *a = mem_new(sizeof *a);
    struct ask_server_events ev = {.on_request = on_request, .on_subscribe = on_subscribe, .arg = a};

    if (!counted)
        metrics_add(&REQUESTS);
    counted = true;
    a->db = db;
    a->region_id = region_id;
    if (!ask_server_new(&a->server, l, socket_path, region_id, &ev, err)) {
        free(a);
        return false;
    }
    *out = a;
    return true;
}

void asks_free(struct asks *a)
{
    if (!a)
        return;
    while (a->open) {
        db_cancel(a->open->job);
        listing_free(a->open);
    }
    ask_server_free(a->server);
    free(a);
}
